"""What a provider answered, made usable: a reply that was paid for is kept, however odd it is.

Part of the gateway process. Two doors:

``mend``      the body of an answer in OpenAI's shape, before LiteLLM sees it: LiteLLM refuses all of an answer for
              one odd part of it, and the reply would be lost
``to_reply``  what LiteLLM made of any provider's answer, cleaned and bounded

A usage that cannot be true becomes "not counted": the router then takes the whole reservation for spent.
"""

import itertools
import json
import math
import re
from collections.abc import Iterable
from typing import Any, NoReturn

import httpx
from pydantic import JsonValue

from wainwright.domain.text import REPLACEMENT, clean, clean_within
from wainwright.models.client import MOST_TOKENS, Finish, ModelReply, ToolCall, Usage
from wainwright.settings import Candidate

LONGEST_ANSWER = 32 * 2**20
"""Bytes of an answer that are read; one that is longer is broken off, and then is no completion."""
LONGEST_TEXT = 2**20
"""Characters of a reply's text, and of the arguments of all its calls together, that are kept."""
LONGEST_RAW = 10_000
"""Characters of malformed arguments that are kept: they are sent back, so that the model sees its slip."""
LONGEST_ID = 2**16
"""Characters of a call's id that are kept; some providers put a signature of thousands into it."""
MOST_CALLS = 128

_MARK = "malformed: "
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


class MendingClient(httpx.AsyncClient):
    """The HTTP client that LiteLLM is given for what speaks OpenAI's protocol; see ``mend``."""

    async def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        """Send a request; the body of a whole answer is bounded and mended."""
        response = await super().send(request, stream=True, **options)
        if stream:
            return response
        body = bytearray()
        try:
            async for part in response.aiter_bytes():
                body += part
                if len(body) > LONGEST_ANSWER:
                    break
        finally:
            await response.aclose()
        spelled = ("content-encoding", "content-length", "transfer-encoding")
        headers = [(name, value) for name, value in response.headers.multi_items() if name not in spelled]
        content = mend(bytes(body)) if response.is_success else bytes(body)
        return httpx.Response(response.status_code, headers=headers, content=content, request=request)


def mend(body: bytes) -> bytes:
    """``body`` in a form that LiteLLM can read; as it is when it is no chat completion."""
    try:
        answer = clean_within(json.loads(body.decode("utf-8", "replace")))
        choices = [choice for choice in answer["choices"] if isinstance(choice["message"], dict)]
    except (ValueError, RecursionError, LookupError, TypeError):
        return body
    counted = _mended_usage(answer.pop("usage", None))
    for choice in choices:
        if not isinstance(choice.get("finish_reason"), str):
            choice["finish_reason"] = "stop"
        _mend_message(choice["message"])
    return json.dumps(answer | {"choices": choices} | ({"usage": counted} if counted else {})).encode()


def _mended_usage(told: Any) -> dict[str, Any] | None:
    """The counts that can be true; None when input or output has none."""
    if not isinstance(told, dict) or None in (
        _count(told.get("prompt_tokens")),
        _count(told.get("completion_tokens")),
    ):
        return None
    return _true_counts(told)


def _true_counts(told: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in told.items():
        if (count := _count(value)) is not None:
            kept[name] = count
        elif name == "cost" and (cost := to_cost(value)) is not None:
            kept[name] = cost
        elif isinstance(value, dict) and name.endswith("_details"):
            kept[name] = _true_counts(value)
    return kept


def _mend_message(message: dict[str, Any]) -> None:
    message["role"] = "assistant"
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        message["content"] = "".join(part for part in parts if isinstance(part, str))
    elif content is not None and not isinstance(content, str):
        message["content"] = json.dumps(content)
    asked = message.pop("tool_calls", None)
    if isinstance(asked, list):
        calls = [_mended_call(call) for call in asked if isinstance(call, dict)]
        message["tool_calls"] = [call for call in calls if call is not None]


def _mended_call(call: dict[str, Any]) -> dict[str, Any] | None:
    function = call.get("function")
    if not isinstance(function, dict):
        return None
    name, arguments = function.get("name"), function.get("arguments")
    if arguments is not None and not isinstance(arguments, str):
        arguments = json.dumps(arguments)
    arguments = arguments or "{}"
    if _arguments(arguments) is None:
        # LiteLLM fails on some of what is not JSON; on what does not look like it, never.
        arguments = _MARK + arguments[:LONGEST_RAW]
    named = {"name": "" if name is None else str(name), "arguments": arguments}
    number = call.get("id")
    return {"id": None if number is None else str(number), "type": "function", "function": named}


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
    asked, answered = (_count(getattr(told, name, None)) for name in ("prompt_tokens", "completion_tokens"))
    if asked is None or answered is None:
        return Usage()
    return Usage(
        input=asked,
        output=answered,
        cached=min(asked, _count(getattr(details, "cached_tokens", None)) or 0),
    )


def to_cost(told: Any) -> float | None:
    """US dollars; None for what is no price of a call."""
    if isinstance(told, bool) or not isinstance(told, int | float) or not math.isfinite(told) or told < 0:
        return None
    return float(told)


def _count(value: Any) -> int | None:
    """A number of tokens, or None."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_TOKENS:
        return None
    return value


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
        left -= len(raw)
        arguments = _arguments(raw) if left >= 0 else None
        if arguments is None:
            kept = clean(raw.removeprefix(_MARK)[:LONGEST_RAW])
            calls.append(ToolCall(id=number, name=name, malformed=True, raw=kept))
        else:
            calls.append(ToolCall(id=number, name=name, arguments=arguments))
    return tuple(calls)


def _arguments(raw: str) -> dict[str, JsonValue] | None:
    """The arguments of a call, if they are an object that can be sent on as JSON."""
    try:
        arguments = clean_within(json.loads(raw, parse_constant=_refuse, parse_float=_finite))
    except (ValueError, RecursionError):
        return None
    return arguments if isinstance(arguments, dict) else None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _finite(number: str) -> float:
    if not math.isfinite(value := float(number)):
        _refuse(number)
    return value
