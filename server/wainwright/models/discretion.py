"""No secret goes to a model, and none of the person's keys comes back: the last look at what is asked and answered.

Whoever words a question masks it, too; this holds for those who forget. In what a model wrote only the person's own
keys are masked: a made-up one in a test that it writes has to stay as it is, to be written and to be quoted.
"""

import asyncio
from collections.abc import Callable

from pydantic import JsonValue

from wainwright.models.client import Message, ModelReply, ModelRequest, Text, ToolCall
from wainwright.secrets import Redactor

_AT_ONCE = 20_000


async def discreet(request: ModelRequest, redactor: Redactor) -> ModelRequest:
    """``request`` without secrets; itself where there are none. Where it is long, a thread looks through it."""
    if sum(len(message.text) for message in request.messages) <= _AT_ONCE:
        return _request(request, redactor)
    return await asyncio.to_thread(_request, request, redactor)


def kept(reply: ModelReply, redactor: Redactor) -> ModelReply:
    """``reply`` without any key of the person's."""
    text = redactor.without_values(reply.text)
    calls = tuple(_call(call, redactor.without_values) for call in reply.tool_calls)
    if (text, calls) == (reply.text, reply.tool_calls):
        return reply
    return reply.model_copy(update={"text": text, "tool_calls": calls})


def _request(request: ModelRequest, redactor: Redactor) -> ModelRequest:
    messages = tuple(_message(message, redactor) for message in request.messages)
    if all(now is before for now, before in zip(messages, request.messages, strict=True)):
        return request
    return request.model_copy(update={"messages": messages})


def _message(message: Message, redactor: Redactor) -> Message:
    change = redactor.without_values if message.role == "assistant" else redactor.redact
    content = tuple(Text(text=change(part.text)) if part.kind == "text" else part for part in message.content)
    calls = tuple(_call(call, change) for call in message.tool_calls)
    if (content, calls) == (message.content, message.tool_calls):
        return message
    return message.model_copy(update={"content": content, "tool_calls": calls})


def _call(call: ToolCall, change: Callable[[str], str]) -> ToolCall:
    return call.model_copy(
        update={
            "arguments": {name: _each(value, change) for name, value in call.arguments.items()},
            "raw": change(call.raw),
        }
    )


def _each(value: JsonValue, change: Callable[[str], str]) -> JsonValue:
    match value:
        case str():
            return change(value)
        case list():
            return [_each(one, change) for one in value]
        case dict():
            return {name: _each(one, change) for name, one in value.items()}
        case _:
            return value
