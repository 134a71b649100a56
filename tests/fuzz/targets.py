"""What readers of things from outside owe for any input at all: they end, raise nothing, and invent nothing."""

import os
from collections.abc import Callable

from pydantic import ValidationError

from wainwright.agents.answers import (
    AcceptanceAnswer,
    AloneAnswer,
    DeployAnswer,
    FindingsAnswer,
    TriageAnswer,
    WorkAnswer,
    explain,
    read,
)
from wainwright.agents.roles import WORK
from wainwright.agents.written import understood
from wainwright.domain.errors import PlanError
from wainwright.domain.plan import Plan
from wainwright.lsp.connection import framing as wire
from wainwright.models.client import ModelReply, ToolCall, ToolSpec
from wainwright.models.forms.sound import arguments

FORMS = (Plan, WorkAnswer, AloneAnswer, AcceptanceAnswer, FindingsAnswer, TriageAnswer, DeployAnswer)
TOOLS = {tool.name: tool for tool in WORK}
SPECS = tuple(
    ToolSpec(name=tool.name, description="", parameters=tool.arguments.model_json_schema()) for tool in WORK
)
LAST = b'{"jsonrpc":"2.0","method":"last"}'


def _messages(data: bytes, step: int) -> list[object]:
    """What is read of the data, in pieces of so many bytes."""
    fd = os.memfd_create("wire")
    try:
        os.write(fd, data)
        os.lseek(fd, 0, os.SEEK_SET)
        fill = wire._Bytes._fill
        wire._Bytes._fill = lambda self, size=step: fill(self, min(size, step))
        try:
            return list(wire.read_messages(fd))
        finally:
            wire._Bytes._fill = fill
    finally:
        os.close(fd)


def framing(data: bytes) -> None:
    """The same whatever pieces it comes in; and a message behind all of it is read, unless a body was longer."""
    whole = _messages(data, 1 << 16)
    assert all(isinstance(one, dict | wire.Fault) for one in whole)
    assert _messages(data, 7) == whole
    message = b"Content-Length: %d\r\n\r\n%s" % (len(LAST), LAST)
    # What ended amid headers takes the first for one of them, and what ended amid a body the more, the longer it is.
    behind = _messages(data + b"\r\n\r\n" + message * 40, 1 << 16)
    promised = sum(
        int(one) for one in wire._LENGTH.findall(data + b"\n") if one.isdigit() and len(one.lstrip(b"0")) < 9
    )
    if promised < len(message) * 20:
        assert behind[-1] == {"jsonrpc": "2.0", "method": "last"}


def reply(data: bytes) -> None:
    """A reply is taken apart; without a mark of an edit there is none."""
    text = data.decode(errors="replace")
    said = understood(ModelReply(text=text, model="any", finish="stop"), SPECS)
    assert all(call.name in TOOLS for call in said.tool_calls)
    reading = read(said.text)
    if not any(mark in text for mark in ("<<<<<", "*** Begin Patch", "```")):
        assert not reading.blocks
    for form in FORMS:
        try:
            form.model_validate(reading.answer)
        except (ValidationError, PlanError) as error:
            explain(error)


def plan(data: bytes) -> None:
    """The same for what stands in a fence of JSON."""
    reply(b"```json\n" + data + b"\n```\n")


def called(data: bytes) -> None:
    """Arguments of each tool are an object that fits, or it is said what is wrong."""
    raw = data.decode(errors="replace")
    found = arguments(raw)
    for tool in WORK:
        call = ToolCall(id="1", name=tool.name, malformed=found is None, raw=raw, arguments=found or {})
        (mended,) = understood(
            ModelReply(model="any", tool_calls=(call,), finish="tool_calls"), SPECS
        ).tool_calls
        wrong = tool.misfit(mended.arguments)
        assert wrong or tool.arguments.model_validate(mended.arguments)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "framing": framing,
    "reply": reply,
    "plan": plan,
    "called": called,
}
