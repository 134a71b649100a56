"""What LiteLLM made of a provider's answer, cleaned and bounded: a reply that was paid for is kept, however odd.

Part of the gateway process. Before it, ``caller`` and ``forms/`` have made the answer one that LiteLLM can read.
A usage that cannot be true becomes "not counted": the router then takes the whole reservation for spent.
"""

import itertools
import json
import re
from collections.abc import Iterable
from typing import Any

from wainwright.domain.text import REPLACEMENT, clean
from wainwright.models.client import Finish, ModelReply, ToolCall, Usage
from wainwright.models.forms.sound import LONGEST_RAW, LONGEST_TEXT, MARK, arguments, count
from wainwright.settings import Candidate

LONGEST_ID = 2**16
"""Characters of a call's id that are kept; some providers put a signature of thousands into it."""
MOST_CALLS = 128

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
"""Providers refuse a history in which a call has such a name, and the reply would be of no use."""
_FINISH: dict[str, Finish] = {
    "stop": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "content_filter": "content_filter",
}


class NotACompletion(Exception):
    """A 200 answer that is not a chat completion."""


def to_reply(response: Any, candidate: Candidate) -> ModelReply:
    """A reply from LiteLLM's response. Raises ``NotACompletion`` when it has none in it."""
    choices = getattr(response, "choices", None)
    if not choices or getattr(choices[0], "message", None) is None:
        raise NotACompletion
    message = choices[0].message
    # A NUL can be in no message of a commit; in arguments it stays, since each tool says what it does not take.
    text = clean(message.content or "").replace("\0", REPLACEMENT)
    calls = _to_calls(message.tool_calls or ())
    finish = _FINISH.get(str(choices[0].finish_reason), "stop")
    if len(text) > LONGEST_TEXT:
        text, finish = text[:LONGEST_TEXT], "length"
    return ModelReply(
        text=text,
        tool_calls=calls,
        model=candidate.model,
        finish="tool_calls" if calls and finish == "stop" else finish,
        usage=to_usage(getattr(response, "usage", None)),
    )


def to_usage(told: Any) -> Usage:
    """What the provider counted; nothing when that cannot be true."""
    details = getattr(told, "prompt_tokens_details", None)
    more = getattr(told, "completion_tokens_details", None)
    asked, answered = (count(getattr(told, name, None)) for name in ("prompt_tokens", "completion_tokens"))
    if asked is None or answered is None:
        return Usage()
    return Usage(
        input=asked,
        output=answered,
        cached=min(asked, count(getattr(details, "cached_tokens", None)) or 0),
        reasoning=min(answered, count(getattr(more, "reasoning_tokens", None)) or 0),
    )


def _to_calls(asked: Iterable[Any]) -> tuple[ToolCall, ...]:
    """The calls, each with an id of its own and a name that providers take back."""
    calls: list[ToolCall] = []
    taken: set[str] = set()
    left = LONGEST_TEXT
    for index, call in enumerate(itertools.islice(asked, MOST_CALLS)):
        number = clean(call.id or "")[:LONGEST_ID]
        fresh = (f"call_{n}" for n in itertools.count(index))
        number = number if number and number not in taken else next(one for one in fresh if one not in taken)
        taken.add(number)
        name = _NOT_IN_A_NAME.sub("_", call.function.name or "")[:64] or "unnamed"
        raw = call.function.arguments or "{}"
        left -= len(raw) + len(number)
        found = arguments(raw) if left >= 0 else None
        if found is None:
            kept = clean(_as_written(raw)[:LONGEST_RAW])
            calls.append(ToolCall(id=number, name=name, malformed=True, raw=kept))
        else:
            calls.append(ToolCall(id=number, name=name, arguments=found))
    return tuple(calls)


def _as_written(raw: str) -> str:
    """Malformed arguments as the model wrote them: without our mark, and out of the JSON that LiteLLM put them in."""
    if raw.startswith(json.dumps(MARK)[:-1]):
        raw = str(json.loads(raw))
    return raw.removeprefix(MARK)
