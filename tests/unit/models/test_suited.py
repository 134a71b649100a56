"""What each model is sent, by what it can take: the real gateway against a server with a window."""

from typing import Any

import pytest
from tests.fixtures.openai_server import Answer, OpenAIServer, Rule, fail, say
from tests.fixtures.team import text_of
from tests.unit.models.support import Books

from wainwright.models.client import (
    ContextTooLong,
    GatewayBackend,
    Message,
    ModelRequest,
    ToolSpec,
    ToolsRefused,
)
from wainwright.models.router import Models
from wainwright.models.suited import AGAIN_MAX, SuitedBackend
from wainwright.settings import BudgetSettings, Candidate, ModelsSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOLD = "This model's maximum context length is {} tokens. However, your messages resulted in {} tokens."


def at(server: OpenAIServer, **more: object) -> Candidate:
    told = {"model": "openai/any", "api_base": server.base, "max_output_tokens": 1000, **more}
    return Candidate.model_validate(told)


def models(gateway: GatewayBackend, candidate: Candidate) -> Models:
    return Models(ModelsSettings(default=(candidate,), retries=0), BudgetSettings(), gateway)


def talk(characters: int) -> ModelRequest:
    """A conversation with many observations."""
    messages = [Message(role="user", content="What is it about?")]
    while sum(len(one.text) for one in messages) < characters:
        messages.append(Message(role="assistant", content="Show me more."))
        messages.append(Message(role="user", content="word " * 600))
    return ModelRequest(role="planner", messages=tuple(messages))


def window(tokens: int, *, told: str = TOLD) -> Any:
    """A server that takes so many tokens of four characters."""

    def script(body: dict[str, Any]) -> Answer:
        counted = sum(len(text_of(one)) for one in body["messages"]) // 4
        if counted + body["max_tokens"] > tokens:
            return fail(400, told.format(tokens, counted), code="context_length_exceeded")
        return say("It is about words.")

    return script


@pytest.mark.parametrize("told", [TOLD, "Please reduce the length of the messages: context length exceeded."])
async def test_what_is_too_long_is_shortened_and_asked_again(
    gateway: GatewayBackend, books: Books, told: str
) -> None:
    with OpenAIServer(window(16_000, told=told)) as server:
        asker = models(gateway, at(server))
        steps = books.steps()
        assert (await asker.ask(steps, talk(100_000))).text == "It is about words."
        refused = len(server.requests) - 1
        assert 1 <= refused <= AGAIN_MAX
        assert (await asker.ask(steps, talk(110_000))).text == "It is about words."
        assert len(server.requests) == refused + 2, "what was learned holds"
        sent = server.requests[-1]["messages"]
    assert text_of(sent[0]) == "What is it about?"
    assert text_of(sent[-1]) == "word " * 600
    assert [one["key"] for one in books.journal.calls("r1")] == [
        "/BUILD/t1.0/implementer/model#0",
        "/BUILD/t1.0/implementer/model#1",
    ]


async def test_a_resumed_run_asks_the_same_and_is_answered(gateway: GatewayBackend, books: Books) -> None:
    with OpenAIServer(window(16_000)) as server:
        await models(gateway, at(server)).ask(books.steps(), talk(100_000))
        asked, steps = len(server.requests), books.steps()
        another = models(gateway, at(server))
        await another.ask(steps, talk(100_000))
        assert len(server.requests) == asked, "it is recorded"
        await another.ask(steps, talk(110_000))


async def test_what_stays_too_long_is_an_error_after_a_few_times(
    gateway: GatewayBackend, books: Books
) -> None:
    with OpenAIServer([Rule(fail(400, "Please reduce the length: context_length_exceeded"))]) as server:
        with pytest.raises(ContextTooLong, match="too long"):
            await models(gateway, at(server)).ask(books.steps(), talk(100_000))
        assert len(server.requests) == 1 + AGAIN_MAX


async def test_what_cannot_be_shortened_is_not_asked_again(gateway: GatewayBackend, books: Books) -> None:
    with OpenAIServer(window(1_500)) as server:
        short = ModelRequest(role="planner", messages=(Message(role="user", content="word " * 4000),))
        with pytest.raises(ContextTooLong):
            await models(gateway, at(server, max_output_tokens=100)).ask(books.steps(), short)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("told", "sent"),
    [
        ("max_tokens is too large: 8192. This model supports at most 4000 completion tokens.", 4000),
        (
            "'max_tokens' is too large: 8192. This model's maximum context length is 8192 tokens and your request "
            "has 100 input tokens",
            2048,
        ),
    ],
)
async def test_a_reply_may_be_shorter_than_was_asked_for(
    gateway: GatewayBackend, books: Books, told: str, sent: int
) -> None:
    def script(body: dict[str, Any]) -> Answer:
        return fail(400, told) if body["max_tokens"] > 4000 else say("Yes.")

    with OpenAIServer(script) as server:
        asker, steps = models(gateway, at(server, max_output_tokens=8192)), books.steps()
        for _ in range(2):
            assert (await asker.ask(steps, talk(9_000))).text == "Yes."
        assert [one["max_tokens"] for one in server.requests] == [8192, sent, sent]
        assert server.requests[1]["messages"] == server.requests[0]["messages"], "it was not too long"


async def test_a_window_that_is_set_is_kept_to(gateway: GatewayBackend, books: Books) -> None:
    with OpenAIServer(window(8_000)) as server:
        candidate = at(server, context_tokens=8_000, max_output_tokens=8_000)
        await models(gateway, candidate).ask(books.steps(), talk(100_000))
        (sent,) = server.requests
    assert sent["max_tokens"] == 2_000


async def test_the_table_knows_windows(gateway: GatewayBackend) -> None:
    assert await gateway.window(Candidate(model="anthropic/claude-sonnet-4-5")) == 200_000
    assert await gateway.window(Candidate(model="anthropic/claude-sonnet-4-5", context_tokens=9)) == 9
    assert await gateway.window(Candidate(model="openai/nobody-knows")) is None
    known = await SuitedBackend(gateway).suited(Candidate(model="openai/gpt-4"), talk(100_000))
    assert sum(len(one.text) for one in known.messages) < 20_000


READ = ToolSpec(name="read", description="Read a file.", parameters={"type": "object"})


def without_tools(body: dict[str, Any]) -> Answer:
    if body.get("tools"):
        return fail(400, "registry.example/library/any does not support tools")
    return say("I see.")


async def test_a_server_that_refuses_tools_is_told_of_them_in_words(
    gateway: GatewayBackend, books: Books
) -> None:
    request = talk(100).model_copy(update={"tools": (READ,)})
    with OpenAIServer(without_tools) as server:
        asker, steps = models(gateway, at(server)), books.steps()
        assert (await asker.ask(steps, request)).text == "I see."
        assert (await asker.ask(steps, request)).text == "I see."
        assert ["tools" in one for one in server.requests] == [True, False, False], "what was learned holds"
        assert "# How tools are called" in text_of(server.requests[1]["messages"][0])
        assert server.requests[1]["messages"] == server.requests[2]["messages"]


async def test_tools_may_be_set_to_be_told_in_words(gateway: GatewayBackend, books: Books) -> None:
    request = talk(100).model_copy(update={"tools": (READ,)})
    with OpenAIServer(without_tools) as server:
        assert (await models(gateway, at(server, tools=False)).ask(books.steps(), request)).text == "I see."
        assert len(server.requests) == 1


async def test_a_refusal_of_tools_where_none_were_offered_is_an_error(
    gateway: GatewayBackend, books: Books
) -> None:
    with OpenAIServer([Rule(fail(400, "it does not support tools"))]) as server:
        with pytest.raises(ToolsRefused, match=r"takes no tools.*tools = false"):
            await models(gateway, at(server)).ask(books.steps(), talk(100))
        assert len(server.requests) == 1
