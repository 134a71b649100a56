"""A model that declines: in each provider's form it is a reply that was held back, so that another may be asked."""

from typing import Any

import pytest
from tests.unit.models.test_waits import answering

from wainwright.models.client import GatewayBackend, Message, ModelRequest
from wainwright.settings import Candidate

pytestmark = pytest.mark.asyncio(loop_scope="module")

OF_OPENAI = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
OF_ANTHROPIC = {"input_tokens": 9, "output_tokens": 3}
OF_GEMINI = {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}


@pytest.mark.parametrize(
    ("model", "body", "text"),
    [
        (
            "openai/any",
            {
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": None, "refusal": "I cannot help."},
                        "finish_reason": "stop",
                    }
                ],
                "usage": OF_OPENAI,
            },
            "I cannot help.",
        ),
        (
            "openai/any",
            {
                "choices": [{"index": 0, "message": {"content": "I can"}, "finish_reason": "content_filter"}],
                "usage": OF_OPENAI,
            },
            "I can",
        ),
        (
            "anthropic/claude-any",
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "text", "text": "No."}],
                "stop_reason": "refusal",
                "usage": OF_ANTHROPIC,
            },
            "No.",
        ),
        (
            "gemini/gemini-any",
            {
                "candidates": [
                    {"content": {"parts": [{"text": "No."}], "role": "model"}, "finishReason": "SAFETY"}
                ],
                "usageMetadata": OF_GEMINI,
            },
            "",
        ),
        (
            "gemini/gemini-any",
            {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": OF_GEMINI},
            "",
        ),
    ],
)
async def test_a_model_that_declines(
    gateway: GatewayBackend, model: str, body: dict[str, Any], text: str
) -> None:
    asked = ModelRequest(role="planner", messages=(Message(role="user", content="hello"),))
    with answering(200, {}, {"id": "1", "model": "any", "object": "chat.completion", **body}) as address:
        base = f"{address}/v1" if model.startswith("openai") else address
        candidate = Candidate(model=model, api_base=base, api_key_env="OPENAI_API_KEY", timeout_s=30)
        reply = await gateway.complete(candidate, asked, "k")
    assert (reply.text, reply.finish) == (text, "content_filter")
