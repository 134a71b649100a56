"""Answers of a fixed form are asked for by schema where a model takes one: what is sent, and what is refused."""

import json
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest
import pytest_asyncio
from tests.fixtures.provider import FORMS, Anthropic, Form, Gemini, OpenAI, Play, Provider, Wire
from tests.unit.models.support import KEY, Books

from wainwright.domain.errors import ModelRejected
from wainwright.models.budget import TokenBounds
from wainwright.models.caller import Call
from wainwright.models.cassette import request_sha
from wainwright.models.client import (
    Contract,
    GatewayBackend,
    Message,
    ModelRequest,
    SchemaRefused,
    ToolSpec,
)
from wainwright.models.gateway import Gateway
from wainwright.models.router import Models
from wainwright.settings import BudgetSettings, Candidate, ModelsSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHEMA = {
    "type": "object",
    "properties": {"cause": {"type": "string"}},
    "required": ["cause"],
    "additionalProperties": False,
}
CONTRACT = Contract(name="triage", structure=SCHEMA)
ANSWER = '{"cause": "code"}'
READ = ToolSpec(name="read", description="Read a file.", parameters={"type": "object", "properties": {}})
CALL = ("read", '{"path": "a.py"}')
NATIVE = {
    "openai": "openai/any",
    "anthropic": "anthropic/claude-sonnet-5-5",
    "gemini": "gemini/gemini-3.8-flash",
}
WORDS = {
    "openai": "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
    "anthropic": "output_format: this model does not support structured outputs",
    "gemini": "Function calling with a response mime type: 'application/json' is unsupported",
}
"""How each provider refuses."""
in_all_forms = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncIterator[GatewayBackend]:
    backend = GatewayBackend({f"{form.name.upper()}_API_KEY": KEY for form in FORMS})
    await backend.warm()
    yield backend
    await backend.close()


def asking(*, tools: bool = True, answer: Contract | None = CONTRACT) -> ModelRequest:
    messages = (Message(role="user", content="Why is it red?"),)
    return ModelRequest(role="tester", messages=messages, tools=(READ,) if tools else (), answer=answer)


def at(provider: Provider, form: Form, **more: object) -> Candidate:
    told = {"model": NATIVE[form.name], "api_base": provider.base(form), "schema_answers": True, **more}
    return Candidate.model_validate(told)


def says(wire: Wire) -> None:
    wire.stream(wire.form.pieces(ANSWER))


def schema_in(body: dict[str, Any]) -> Any:
    """The schema in a request, wherever its form has it; None where there is none."""
    openai = body.get("response_format", {}).get("json_schema", {}).get("schema")
    anthropic = body.get("output_format", {}).get("schema")
    return openai or anthropic or body.get("generationConfig", {}).get("response_json_schema")


def without_schema(body: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in body.items() if name not in ("response_format", "output_format")}
    config = {
        name: value for name, value in rest.get("generationConfig", {}).items() if "response" not in name
    }
    return rest | ({"generationConfig": config} if config else {})


@in_all_forms
async def test_the_schema_is_sent_and_all_else_stays_as_it_was(gateway: GatewayBackend, form: Form) -> None:
    with Provider(says) as provider:
        replies = [
            await gateway.complete(at(provider, form), asking(answer=answer), "k")
            for answer in (CONTRACT, None)
        ]
    assert [reply.text for reply in replies] == [ANSWER, ANSWER]
    held, free = (asked.body for asked in provider.asked)
    assert schema_in(held) == SCHEMA
    assert json.dumps(without_schema(held)) == json.dumps(free), "what a provider has in its cache is found"


@in_all_forms
async def test_a_model_that_is_held_to_a_schema_calls_tools_as_before(
    gateway: GatewayBackend, form: Form
) -> None:
    with Provider(lambda wire: wire.stream(wire.form.pieces(calls=[CALL]))) as provider:
        reply = await gateway.complete(at(provider, form), asking(), "k")
    assert [(call.name, call.arguments) for call in reply.tool_calls] == [("read", {"path": "a.py"})]
    assert provider.asked[0].body["tools"]


async def test_an_older_model_of_anthropics_is_given_a_tool_for_its_answer_unless_it_has_others(
    gateway: GatewayBackend,
) -> None:
    def play(wire: Wire) -> None:
        forced = "tool_choice" in wire.asked.body
        told = wire.form.pieces(calls=[("json_tool_call", ANSWER)]) if forced else wire.form.pieces(ANSWER)
        wire.stream(told)

    form = Anthropic()
    with Provider(play) as provider:
        older = at(provider, form, model="anthropic/claude-older")
        replies = [await gateway.complete(older, asking(tools=tools), "k") for tools in (False, True)]
    assert [(reply.text, reply.tool_calls) for reply in replies] == [(ANSWER, ()), (ANSWER, ())]
    alone, beside = (asked.body for asked in provider.asked)
    assert alone["tools"] == [{"name": "json_tool_call", "input_schema": SCHEMA}]
    assert [tool["name"] for tool in beside["tools"]] == ["read"]
    assert "tool_choice" not in beside


def refusing(status: int = 400) -> Play:
    def play(wire: Wire) -> None:
        if schema_in(wire.asked.body) is None:
            says(wire)
        else:
            wire.answer(wire.form.error(status, WORDS[wire.form.name]), status)

    return play


@in_all_forms
async def test_who_refuses_a_schema_is_asked_once_without_and_from_then_on(
    gateway: GatewayBackend, books: Books, form: Form
) -> None:
    with Provider(refusing()) as provider:
        settings = ModelsSettings(default=(at(provider, form),), retries=0)
        asker, steps = Models(settings, BudgetSettings(), gateway), books.steps()
        assert [(await asker.ask(steps, asking())).text for _ in range(2)] == [ANSWER, ANSWER]
    sent = [schema_in(asked.body) is not None for asked in provider.asked]
    assert sent == [True, False, False]
    assert all(asked.body["tools"] for asked in provider.asked), "tools are not what was refused"
    assert [one["key"] for one in books.journal.calls("r1")] == [
        "/BUILD/t1.0/implementer/model#0",
        "/BUILD/t1.0/implementer/model#1",
    ]


async def test_a_refusal_that_is_about_something_else_is_left_as_it_is(gateway: GatewayBackend) -> None:
    def play(wire: Wire) -> None:
        wire.answer(wire.form.error(400, "the moon is not supported"), 400)

    with Provider(play) as provider, pytest.raises(ModelRejected) as caught:
        await gateway.complete(at(provider, OpenAI()), asking(), "k")
    assert not isinstance(caught.value, SchemaRefused)


@pytest.mark.parametrize("off", [{"schema_answers": False}, {"schema_answers": None}])
async def test_it_can_be_switched_off_and_is_off_at_a_server_of_ones_own(
    gateway: GatewayBackend, books: Books, off: dict[str, object]
) -> None:
    with Provider(says) as provider:
        settings = ModelsSettings(default=(at(provider, Gemini(), **off),))
        await Models(settings, BudgetSettings(), gateway).ask(books.steps(), asking())
    assert [schema_in(asked.body) for asked in provider.asked] == [None]


class Table:
    """LiteLLM's, as far as it matters here."""

    model_cost: ClassVar[dict[str, dict[str, Any]]] = {
        "gpt-new": {"litellm_provider": "openai", "supports_response_schema": True},
        "gpt-old": {"litellm_provider": "openai"},
        "claude-new": {
            "litellm_provider": "anthropic",
            "supports_response_schema": True,
            "supports_native_structured_output": True,
        },
        "claude-old": {"litellm_provider": "anthropic", "supports_response_schema": True},
        "groq/any": {"litellm_provider": "groq", "supports_response_schema": True},
    }


@pytest.mark.parametrize(
    ("candidate", "with_tools", "alone"),
    [
        ({"model": "openai/gpt-new"}, True, True),
        ({"model": "openai/gpt-old"}, False, False),
        ({"model": "openai/gpt-old", "schema_answers": True}, True, True),
        ({"model": "openai/nobody-knows"}, False, False),
        ({"model": "anthropic/claude-new"}, True, True),
        ({"model": "anthropic/claude-old"}, False, True),
        ({"model": "anthropic/claude-old", "schema_answers": True}, False, True),
        ({"model": "groq/any"}, False, True),
        ({"model": "groq/any", "schema_answers": True}, True, True),
        ({"model": "openai/gpt-new", "api_base": "http://127.0.0.1:1/v1"}, False, False),
        ({"model": "openai/gpt-new", "schema_answers": False}, False, False),
    ],
)
async def test_the_table_and_the_settings_decide(
    candidate: dict[str, Any], with_tools: bool, alone: bool
) -> None:
    asked = Candidate.model_validate(candidate)
    sender = Gateway(Table)
    for tools, expected in ((True, with_tools), (False, alone)):
        call = Call()
        sent = sender._arguments(asked, asking(tools=tools), "key", call)
        assert ("response_format" in sent, call.by_schema) == (expected, expected)


@pytest.mark.parametrize(
    ("model", "held"),
    [("openrouter/openai/any", {"max_price": {"prompt": 2.5, "completion": 10.0}}), ("openai/any", None)],
)
async def test_openrouter_is_held_to_the_price_that_a_call_reserves(
    gateway: GatewayBackend, model: str, held: object
) -> None:
    price = {"input_usd_per_mtok": 2.5, "output_usd_per_mtok": 10.0}
    with Provider(says) as provider:
        candidate = at(provider, OpenAI(), model=model, api_key_env="OPENAI_API_KEY", **price)
        await gateway.complete(candidate, asking(), "k")
    assert provider.asked[0].body.get("provider") == held


async def test_a_schema_is_part_of_what_a_call_may_take_and_no_part_of_what_is_kept() -> None:
    one, other = asking(), asking(answer=None)
    bounds, model = TokenBounds(), Candidate(model="openai/any")
    assert bounds.input(model, one) - bounds.input(model, other) >= len(json.dumps(SCHEMA)) // 2
    assert one.asked() == other.asked()
    assert request_sha(one) == request_sha(other)
    assert "answer" not in one.asked()
