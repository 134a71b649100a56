"""No secret goes to a model, whoever words the question, and none of the person's keys comes back."""

import pytest
from tests.fixtures.openai_server import OpenAIServer, Rule, call, say
from tests.unit.models.support import Books

from wainwright.models.client import GatewayBackend, Image, Message, ModelRequest, Text, ToolCall
from wainwright.models.discretion import discreet
from wainwright.models.router import Models
from wainwright.secrets import MASK, Redactor
from wainwright.settings import BudgetSettings, ModelsSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")

OWN = "the-persons-own-key-of-old"
FOUND = "ghp_0123456789abcdefghij0123456789abcdef"


def models(gateway: GatewayBackend, server: OpenAIServer) -> Models:
    told = {"default": [{"model": "openai/any", "api_base": server.base, "timeout_s": 30}]}
    settings, budget = ModelsSettings.model_validate(told), BudgetSettings.model_validate({"tokens": 10**6})
    return Models(settings, budget, gateway, redactor=Redactor([OWN]))


async def test_nothing_secret_is_sent(gateway: GatewayBackend, books: Books) -> None:
    words = f"notes/{FOUND}.md says: postgres://app:s3cr3t-pw@db/app, {OWN}" + "\nwords" * 5000
    request = ModelRequest(
        role="planner",
        messages=(
            Message(role="system", content=f"You know {OWN}."),
            Message(role="user", content=words),
            Message(role="assistant", tool_calls=(ToolCall(id="1", name="look", arguments={"at": [OWN]}),)),
            Message(role="tool", tool_call_id="1", content=f"{FOUND} is there"),
        ),
    )
    with OpenAIServer([Rule(say("yes"))]) as server:
        await models(gateway, server).ask(books.steps(), request)
        sent = str(server.requests)
    assert sent.count(MASK) == 6
    for secret in (OWN, FOUND, "s3cr3t-pw"):
        assert secret not in sent


async def test_a_key_of_the_person_does_not_come_back_and_a_made_up_one_does(
    gateway: GatewayBackend, books: Books
) -> None:
    with OpenAIServer([Rule(call("write", text=f"{OWN} {FOUND}", more=[OWN]))]) as server:
        reply = await models(gateway, server).ask(
            books.steps(), ModelRequest(role="planner", messages=(Message(role="user", content="go"),))
        )
    assert reply.tool_calls[0].arguments == {"text": f"{MASK} {FOUND}", "more": [MASK]}


async def test_what_has_no_secret_is_left_as_it_is() -> None:
    message = Message(
        role="user",
        content=(Text(text="words"), Image(media_type="image/png", base64="AKIAIOSFODNN7EXAMPLE")),
    )
    request = ModelRequest(role="planner", messages=(message,))
    assert await discreet(request, Redactor([OWN])) is request
