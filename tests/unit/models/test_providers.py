"""Each provider that is asked by default, and others that speak OpenAI's form: a reply with a call comes through."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.fixtures.provider import OpenAI, Provider
from tests.unit.models.support import KEY

from wainwright.models.client import GatewayBackend, Message, ModelRequest, ToolSpec, Usage
from wainwright.models.defaults import TABLE
from wainwright.settings import Candidate

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM = OpenAI()
OTHERS = ("hosted_vllm/any", "lm_studio/any", "nvidia_nim/any", "huggingface/any", "litellm_proxy/any")
"""Servers of a person's own, and hosts that serve many models."""
MODELS = [line.usual for line in TABLE if not line.usual.startswith(("anthropic/", "gemini/"))]
READ = ToolSpec(name="read", description="Read a file.", parameters={"type": "object", "properties": {}})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncIterator[GatewayBackend]:
    backend = GatewayBackend({"A_KEY": KEY}, start_s=120)
    await backend.warm()
    yield backend
    await backend.close()


@pytest.mark.parametrize("model", [*MODELS, *OTHERS])
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_reply_comes_through(gateway: GatewayBackend, model: str, streamed: bool) -> None:
    calls = (("read", '{"path": "a.py"}'),)
    with Provider(
        lambda wire: (
            wire.stream(FORM.pieces("good ", "day", calls=calls))
            if streamed
            else wire.answer(FORM.whole("good day", calls=calls))
        )
    ) as provider:
        one = Candidate(model=model, api_base=provider.base(FORM), api_key_env="A_KEY", timeout_s=30)
        asked = ModelRequest(role="planner", messages=(Message(role="user", content="hello"),), tools=(READ,))
        reply = await gateway.complete(one, asked, "k")
        (came,) = provider.asked
    assert (reply.text, reply.finish, reply.usage) == ("good day", "tool_calls", Usage(input=9, output=4))
    assert [(call.name, call.arguments) for call in reply.tool_calls] == [("read", {"path": "a.py"})]
    assert came.headers["authorization"] == f"Bearer {KEY}"
    assert not {"max_retries", "num_retries", "timeout"} & came.body.keys(), "what is meant for the client"
