"""What only a first call loads and makes ready, done beforehand: answered from here, without a connection."""

import asyncio
import json
from typing import Any

from wainwright.models.caller import CURRENT, Call, trusted
from wainwright.models.client import Message, ModelRequest
from wainwright.models.gateway import Gateway
from wainwright.settings import Candidate

_USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "input_tokens": 1, "output_tokens": 1}
_OPENAI = {
    "id": "rehearsal",
    "object": "chat.completion",
    "created": 0,
    "model": "nobody",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}}],
    "usage": _USAGE | {"total_tokens": 2},
}
_ANTHROPIC = {
    "id": "rehearsal",
    "type": "message",
    "role": "assistant",
    "model": "nobody",
    "content": [{"type": "text", "text": "yes"}],
    "stop_reason": "end_turn",
    "usage": _USAGE,
}
_ANSWERS = {"openai/nobody": _OPENAI, "anthropic/nobody": _ANTHROPIC}
"""Of the two forms that most servers have."""
_NOWHERE = "http://rehearsal.invalid/v1"


def rehearse(litellm: Any) -> None:
    """Make everything ready for first calls. Leaves no thread, loop or connection."""
    trusted()
    asyncio.run(_ask(Gateway(litellm)))


async def _ask(gateway: Gateway) -> None:
    asked = ModelRequest(role="rehearsal", messages=(Message(role="user", content="Do you hear me?"),))
    for model, answer in _ANSWERS.items():
        call = Call(answer=json.dumps(answer).encode())
        CURRENT.set(call)
        candidate = Candidate(model=model, api_base=_NOWHERE, max_output_tokens=1)
        await gateway.complete(candidate, asked, "no key", call)
