"""A conversation in the shape that providers take it in: OpenAI's, with Anthropic's marks for its cache.

And the same without tools, for models that take none: calls and observations in words.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from wainwright.models.client import Message, ModelRequest, Text, ToolCall
from wainwright.settings import Candidate

_MARK = {"cache_control": {"type": "ephemeral"}}
_OFFER_ANTHROPIC = frozenset({"openrouter", "vertex_ai", "bedrock"})
_TOOLS = """

# How tools are called

Write each call on lines of its own, outside of code fences, and nothing behind the last one:

<tool_call>
{"name": "the tool", "arguments": {"an argument": "its value"}}
</tool_call>

The next message says what came of it. These are the tools, with the JSON schemas of their arguments:

"""


def is_anthropic(candidate: Candidate) -> bool:
    """Whether the model takes Anthropic's marks for prompt caching; others find what they know by themselves."""
    return candidate.provider == "anthropic" or (
        candidate.provider in _OFFER_ANTHROPIC and "claude" in candidate.model
    )


def to_messages(messages: tuple[Message, ...], *, cache: bool) -> list[dict[str, Any]]:
    """Messages in OpenAI's shape.

    With ``cache``, four places are marked: the two parts before the opening's last one, with which another role's
    conversation begins too; the last message, which the next turn begins with; and the one that was last before the
    newest reply, since a provider looks for what it knows only some blocks before a mark. Without, what is told at
    first is the system's but for its last part: templates of local servers want it so, and count from there.
    """
    messages = messages if cache else tuple(_opened(messages))
    replies = [index for index, message in enumerate(messages) if message.role == "assistant"]
    marked = {len(messages) - 1, replies[-1] - 1 if replies else -1}
    return [
        _to_message(message, cache=cache and index in marked, parts=cache)
        for index, message in enumerate(messages)
    ]


def _opened(messages: Sequence[Message]) -> Iterator[Message]:
    first = messages[0]
    if first.role == "user" and len(first.content) > 1 and all(part.kind == "text" for part in first.content):
        yield first.model_copy(update={"role": "system", "content": first.content[:-1]})
        first = first.model_copy(update={"content": first.content[-1:]})
    yield from (first, *messages[1:])


def _to_message(message: Message, *, cache: bool, parts: bool) -> dict[str, Any]:
    mark = _MARK if cache and message.content else {}
    on_parts = {} if message.role == "tool" else mark
    within = _MARK if parts and message.role == "user" else {}
    shaped: dict[str, Any] = {"role": message.role, "content": _to_content(message, on_parts, within)}
    if message.tool_calls:
        shaped["content"] = shaped["content"] or None
        shaped["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": _arguments_of(call)},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        shaped["tool_call_id"] = message.tool_call_id
    return shaped | (mark if message.role == "tool" else {})


def _to_content(message: Message, mark: dict[str, Any], within: dict[str, Any]) -> str | list[dict[str, Any]]:
    """Text alone as text, unless it is marked: on its last part, and ``within`` on up to two texts before that."""
    several = within and sum(part.kind == "text" for part in message.content) == len(message.content) > 1
    if not mark and not several and all(part.kind == "text" for part in message.content):
        return message.text
    parts: list[dict[str, Any]] = [
        {"type": "text", "text": part.text}
        if part.kind == "text"
        else {"type": "image_url", "image_url": {"url": f"data:{part.media_type};base64,{part.base64}"}}
        for part in message.content
    ]
    before = [
        part | within if several and at >= len(parts) - 3 else part for at, part in enumerate(parts[:-1])
    ]
    return [*before, parts[-1] | mark]


def _arguments_of(call: ToolCall) -> str:
    # A malformed call goes back as an object too: providers refuse a history with arguments that are not JSON.
    return json.dumps({"malformed": call.raw} if call.malformed else call.arguments)


def in_words(request: ModelRequest) -> ModelRequest:
    """The request without tools: the first message tells of them, before the work at hand; calls are text."""
    if not request.tools:
        return request
    first, *others = request.messages
    tools = "\n".join(json.dumps(tool.model_dump(mode="json")) for tool in request.tools)
    told, (*before, last) = Text(text=f"{_TOOLS}{tools}\n\n"), first.content
    parts = (*before, told, last) if before else (Text(text=first.text + told.text),)
    opening = first.model_copy(update={"content": parts})
    return request.model_copy(update={"messages": (opening, *_in_words(others)), "tools": ()})


def _in_words(messages: Sequence[Message]) -> Iterator[Message]:
    names: dict[str | None, str] = {}
    for observed, group in groupby(messages, key=lambda one: one.role == "tool"):
        if observed:
            told = [f"{names.get(one.tool_call_id, 'It')}:\n{one.text}" for one in group]
            yield Message.model_validate({"role": "user", "content": "\n\n".join(told)})
            continue
        for message in group:
            names = {call.id: call.name for call in message.tool_calls}
            written = [message.text.rstrip("\n")] if message.text else []
            written += [f"<tool_call>\n{_written(call)}\n</tool_call>" for call in message.tool_calls]
            said = {"content": (Text(text="\n".join(written)),), "tool_calls": ()}
            yield message.model_copy(update=said) if message.tool_calls else message


def _written(call: ToolCall) -> str:
    arguments = call.raw if call.malformed else json.dumps(call.arguments)
    return f'{{"name": {json.dumps(call.name)}, "arguments": {arguments}}}'
