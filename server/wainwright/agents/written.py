"""Calls of tools that a model wrote into its text, in the form it was trained on.

Servers without a parser for that form leave them there. A call counts where it cannot be anything else: it names a
tool that was offered, and stands neither in a block nor in a code fence, which may show an example.

`understood` is a function of the reply alone, so that a resumed agent understands the same.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import JsonValue

from wainwright.agents.answers import beside
from wainwright.agents.thoughts import without_thoughts
from wainwright.domain.written_json import once, read_json
from wainwright.models.client import ModelReply, ToolCall, ToolSpec

CALLS_MAX = 100
"""Calls that are read out of one reply."""


def understood(reply: ModelReply, tools: Sequence[ToolSpec]) -> ModelReply:
    """The reply without thoughts, and with the calls that were written as text."""
    text = without_thoughts(reply.text)
    calls = tuple(_mended(call) for call in reply.tool_calls)
    if not calls:
        text, calls = _calls(text, {tool.name: tool for tool in tools}, whole=reply.finish != "length")
    if (text, calls) == (reply.text, reply.tool_calls):
        return reply
    return reply.model_copy(update={"text": text, "tool_calls": calls})


def _mended(call: ToolCall) -> ToolCall:
    """A call whose arguments had slips in them."""
    arguments = _object(call.raw) if call.malformed else None
    if arguments is None:
        return call
    return call.model_copy(update={"arguments": arguments, "malformed": False, "raw": ""})


@dataclass(frozen=True)
class _Written:
    """A call in a text."""

    start: int
    end: int
    name: str
    arguments: dict[str, JsonValue] | None
    """None: they cannot be read."""
    raw: str


_NAMED = r"[\w.:-]+"
_TAGGED = re.compile(
    r"^[ \t]*<(tool_call|tool_use|function_call)>(.*?)(?:</\1>|(?=^[ \t]*<\1>)|(\Z))",
    re.MULTILINE | re.DOTALL,
)
_FUNCTION = re.compile(rf"^[ \t]*<function=({_NAMED})>(.*?)(?:</function>|(\Z))", re.MULTILINE | re.DOTALL)
_INVOKE = re.compile(
    rf"^[ \t]*<((?:\w+:)?)invoke name=\"({_NAMED})\">(.*?)(?:</\1invoke>|(\Z))", re.MULTILINE | re.DOTALL
)
_WRAPPED = re.compile(r"^[ \t]*</?(?:\w+:)?(?:function_calls|tool_calls?)>[ \t]*$\n?", re.MULTILINE)
_BRACKETED = re.compile(r"^[ \t]*\[TOOL_CALLS\][ \t]*", re.MULTILINE)
_BRACKETED_AGAIN = re.compile(r"\s*\[TOOL_CALLS\][ \t]*")
_LIST = re.compile(r"\s*\[")
_BRACKETED_CALL = re.compile(rf"[ \t]*({_NAMED})(?:\[CALL_ID\]\w+)?(?:\[ARGS\])?(?=\{{)")
_TOKENS = re.compile(
    r"<[|\uff5c]tool[_\u2581]call[_\u2581]begin[|\uff5c]>([^<]*)"
    r"<[|\uff5c]tool[_\u2581](?:call[_\u2581]argument[_\u2581]begin|sep)[|\uff5c]>"
    r"((?:(?!<[|\uff5c]tool).)*)<[|\uff5c]tool[_\u2581]call[_\u2581]end[|\uff5c]>",
    re.DOTALL,
)
_TOKENS_AROUND = re.compile(
    r"<[|\uff5c]tool[_\u2581]calls(?:[_\u2581]section)?[_\u2581](?:begin|end)[|\uff5c]>"
)
_CHANNEL = re.compile(
    rf"(?:<\|start\|>assistant)?<\|channel\|>\w+ to=({_NAMED})[^<]*"
    r"(?:<\|constrain\|>\w+)?<\|message\|>((?:(?!<\|).)*)<\|call\|>",
    re.DOTALL,
)
_PARAMETER = re.compile(
    r"<(?:\w+:)?parameter(?:=([\w.-]+)| name=\"([\w.-]+)\")>"
    r"((?:(?!<(?:\w+:)?parameter[= ]).)*?)</(?:\w+:)?parameter>",
    re.DOTALL,
)
_ARGUMENT = re.compile(
    r"<arg_key>([^<]*)</arg_key>\s*<arg_value>((?:(?!<arg_key>).)*?)</arg_value>", re.DOTALL
)
_OPENING_FENCE = re.compile(r"(?:^|.*\n)[ \t]*```(?:json|tool_call|tool_code)?[ \t]*\n", re.DOTALL)


def _calls(text: str, tools: Mapping[str, ToolSpec], *, whole: bool) -> tuple[str, tuple[ToolCall, ...]]:
    """The text without the calls that were written into it, and those; of a reply that was cut off, whole ones."""
    if not tools or not re.search(r"[<{\[]", text):
        return text, ()
    found = [one for one in islice(_written(text, tools, whole=whole), CALLS_MAX) if one.name in tools]
    found = [
        one
        for n, one in enumerate(found)
        if not any(other.start <= one.start < other.end for other in found[:n])
    ]
    if not found:
        return text, ()
    found.sort(key=lambda one: one.start)
    rest, at = [], 0
    for one in found:
        rest.append(text[at : max(at, one.start)])
        at = max(at, one.end)
    rest.append(text[at:])
    left = _TOKENS_AROUND.sub("", _WRAPPED.sub("", "".join(rest))).strip()
    # Nine letters and digits: some providers take no other ids.
    mark = hashlib.sha256(text.encode()).hexdigest()[:6]
    return left and left + "\n", tuple(
        ToolCall(id=f"{mark}{n:03}", name=one.name, arguments=one.arguments)
        if one.arguments is not None
        else ToolCall(id=f"{mark}{n:03}", name=one.name, malformed=True, raw=one.raw)
        for n, one in enumerate(found)
    )


def _written(text: str, tools: Mapping[str, ToolSpec], *, whole: bool) -> Iterator[_Written]:
    """The calls in any of the forms there are, in the order of the forms."""
    for found in _TOKENS.finditer(text):
        # One form has the word "function" before, and the name with the arguments.
        name, _, rest = (
            found[2].partition("\n") if found[1].strip() == "function" else (found[1], "", found[2])
        )
        yield _one(found, name, _FENCED.sub("", rest))
    for found in _CHANNEL.finditer(text):
        yield _one(found, found[1], found[2])
    shown = beside(text)
    for found in _TAGGED.finditer(shown):
        if whole or found[3] is None:
            yield from _tagged(found, text[found.start(2) : found.end(2)], tools)
    for pattern, name in ((_FUNCTION, 1), (_INVOKE, 2)):
        for found in pattern.finditer(shown):
            if whole or found[name + 2] is None:
                inside = text[found.start(name + 1) : found.end(name + 1)]
                yield _with_parameters(found, found[name], inside, tools)
    if bracketed := _BRACKETED.search(shown):
        yield from _bracketed(text, bracketed.start(), bracketed.end())
    yield from _alone(text)


_FENCED = re.compile(r"^\s*```\w*\s*|\s*```\s*$")


def _one(found: re.Match[str], name: str, raw: str) -> _Written:
    return _Written(found.start(), found.end(), _plain(name), _object(raw), raw.strip())


def _tagged(found: re.Match[str], inside: str, tools: Mapping[str, ToolSpec]) -> Iterator[_Written]:
    """What stands in the tags of a call: JSON, a function with parameters, or a name with arguments."""
    start, end = found.span()
    if function := _FUNCTION.search(inside):
        one = _with_parameters(function, function[1], function[2], tools)
        yield _Written(start, end, one.name, one.arguments, one.raw)
    elif pairs := _ARGUMENT.findall(inside):
        name = _plain(inside.partition("<")[0])
        yield _Written(start, end, name, _typed(pairs, tools.get(name)), inside.strip())
    else:
        raw = _FENCED.sub("", inside).strip()
        calls = list(_from_json(raw, start, end))
        named = re.search(rf'"name"\s*:\s*"({_NAMED})"', raw)
        yield from calls or ([_Written(start, end, _plain(named[1]), None, raw)] if named else ())


def _with_parameters(found: re.Match[str], name: str, inside: str, tools: Mapping[str, ToolSpec]) -> _Written:
    name = _plain(name)
    told = [(one[0] or one[1], re.sub(r"\A\n|\n\Z", "", one[2])) for one in _PARAMETER.findall(inside)]
    if told or not inside.strip():
        return _Written(found.start(), found.end(), name, _typed(told, tools.get(name)), inside.strip())
    return _one(found, name, inside)


def _bracketed(text: str, start: int, at: int) -> Iterator[_Written]:
    """``[TOOL_CALLS]`` with a list of calls behind it, or with names and arguments in turn."""
    if _LIST.match(text, at):
        try:
            _, end = read_json(text, at)
        except (ValueError, RecursionError):
            return
        yield from _from_json(text[at:end], start, end)
        return
    while named := _BRACKETED_CALL.match(text, at):
        try:
            _, at = read_json(text, named.end())
        except (ValueError, RecursionError):
            return
        yield _Written(start, at, _plain(named[1]), _object(text[named.end() : at]), "")
        again = _BRACKETED_AGAIN.match(text, at)
        start, at = at, again.end() if again else at


def _alone(text: str) -> Iterator[_Written]:
    """A call as JSON that is all of a reply, or its end, in a fence."""
    stripped = text.strip()
    if stripped[:1] in ("{", "["):
        yield from _from_json(stripped, 0, len(text))
    elif stripped.endswith("\n```"):
        inside = text.rstrip()[:-4]
        if fence := _OPENING_FENCE.match(inside):
            yield from _from_json(inside[fence.end() :], inside.rindex("```", 0, fence.end()), len(text))


def _from_json(raw: str, start: int, end: int) -> Iterator[_Written]:
    """Calls out of JSON that is nothing but a call, or a list of them."""
    try:
        value, stops = read_json(raw)
    except (ValueError, RecursionError):
        return
    if raw[stops:].strip():
        return
    for at, one in enumerate(value if isinstance(value, list) else [value]):
        call = one.get("function", one) if isinstance(one, dict) else None
        if not isinstance(call, dict) or not isinstance(name := call.get("name"), str):
            return
        told = call.get("arguments", call.get("parameters", call.get("args")))
        if call.keys() - {"name", "arguments", "parameters", "args", "id", "type"} or told is None:
            return
        arguments = _object(told) if isinstance(told, str) else told if isinstance(told, dict) else None
        yield _Written(start if at == 0 else end, end, _plain(name), arguments, str(told))


def _object(raw: str) -> dict[str, JsonValue] | None:
    """The object that a text is; nothing is an empty one."""
    try:
        value, end = read_json(raw if raw.strip() else "{}", exact=True)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and not raw[end:].strip() else None


def _plain(name: str) -> str:
    """The name of a tool, without what some models put around it."""
    return re.sub(r":\d+$", "", name.strip().removeprefix("functions."))


def _typed(told: Iterable[tuple[str, str]], tool: ToolSpec | None) -> dict[str, JsonValue] | None:
    """Values that were written as text, as the tool's schema wants them; None for a name with two of them."""
    known: Any = tool.parameters.get("properties", {}) if tool else {}
    try:
        return once((name.strip(), _value(value, known.get(name.strip(), {}))) for name, value in told)
    except ValueError:
        return None


def _value(value: str, schema: Mapping[str, Any]) -> JsonValue:
    kinds = {one.get("type") for one in (schema, *schema.get("anyOf", ()))}
    if "string" in kinds or kinds == {None}:
        return value
    try:
        found, _ = read_json(f"[{value}]")
    except (ValueError, RecursionError):
        return value
    return found[0] if isinstance(found, list) and len(found) == 1 else value
