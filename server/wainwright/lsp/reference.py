"""Writes what clients can read of the typed list of commands, and what ``initialize`` is answered.

python -m wainwright.lsp.reference > clients/PROTOCOL.md
python -m wainwright.lsp.reference protocol.d.ts > clients/protocol.d.ts
python -m wainwright.lsp.reference greeting > server/wainwright/lsp/connection/greeting.json
"""

import ast
import enum
import inspect
import json
import sys
import textwrap
import typing
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from wainwright.engine.views.run_view import Notice
from wainwright.lsp.connection.commands import Command, Commands
from wainwright.lsp.documents.sides import SCHEME
from wainwright.lsp.features.code_actions import KINDS
from wainwright.lsp.features.execute_command import Catalogue
from wainwright.lsp.hunk_messages import CHANGES, ChangesParams
from wainwright.lsp.messages import EVENT, INPUT, EditNotice, InputParams, InputResult, Wire
from wainwright.lsp.page_messages import OUTPUT, OutputParams
from wainwright.lsp.server import create_server
from wainwright.lsp.wire_types import Exchange, Protocol

_PAGE = """\
# What an editor says to Wainwright

*Made from the list of commands by `python -m wainwright.lsp.reference`; do not edit.*

Wainwright is a language server: start `wainwright serve` with the folder of a project and talk over standard input and
output. Everything works over the standard messages below; there is nothing that a client has to implement.

| what | how |
|---|---|
| begin | a code action on a selection, a `TODO` or `FIXME` line, or a diagnostic; the lens or action on `.wainwright/goal.md`; `wainwright.start` |
| decide | `window/showMessageRequest`, a code action in any file, a lens or action on `plan.md`, `run.md` and `change.diff`, or a command: the first answer counts; closing the question decides nothing |
| say something | `wainwright.note` to those at work, `wainwright.answer` and `wainwright.reject` at a gate: words go along as an argument, else they are read from the open `run.md`, on lines that begin with `> ` under the question or under *Your notes*, else the client is asked, if it can be. A no to a plan goes with such lines of the saved `plan.md`, a no to a change with those of `change.diff` |
| watch | one `$/progress` token a run, made by the server; cancelling it cancels the run. `.wainwright/runs/<run>/run.md` shows the same |
| change the plan | edit `plan.md` and save it (`textDocument/didSave`); diagnostics, lenses, hover and inlay hints on that page; definition, references, completion and formatting where `client/registerCapability` offers them for that page alone |
| review the change | actions and lenses on each hunk of `change.diff`, `wainwright.hunk`: what is not refused is taken over by the yes; afterwards `wainwright.revert` and `wainwright.apply`, by hunk, file, or all. A yes with words below a hunk of which nothing was said is refused, as is a decision on a plan that is open and not saved |
| take the change | one versioned `workspace/applyEdit` for open documents; other files are written to disk. Checked by content, never forced |
| remarks | `textDocument/publishDiagnostics` with the source `wainwright` |
| code action kinds | {kinds} |

The same as types: `protocol.schema.json` (JSON Schema), `protocol.d.ts` (TypeScript), `protocol.lua` (annotations for Lua).

A command takes one argument, an object, or none; unknown fields are refused. It answers at once and the work goes on. When
something is missing the answer is an error, and its message says what to do first.

## Commands

{commands}

## Values

{values}

## A line of text from the person

With `"experimental": {{"wainwright": {{"input": true}}}}` a client is sent the request `wainwright/input` with `InputParams` where
words are wanted, and answers with an `InputResult`. Whoever closes the input has decided nothing.

## A change in the client's own view of differences

With `"experimental": {{"wainwright": {{"changes": true}}}}` a client that has `workspace/textDocumentContent` is sent the notification
`wainwright/changes` with `ChangesParams` where others are asked to open `change.diff`. The documents on the right have the lenses
and code actions of the hunks in them, for a client that tells of `{scheme}:` documents as of all others.

## What commands print

With `"experimental": {{"wainwright": {{"output": true}}}}` a client gets `wainwright/output` with `OutputParams` while commands run, a few
times a second and bounded. Nothing of it is kept: receipts keep what counts.

## Notifications for clients that ask for them

With `"experimental": {{"wainwright": true}}` in its capabilities (in an object `"events": false` takes that back), a client also gets `wainwright/event` for every fact of a
run and every line of activity: `{{"run", "kind", "text", "stage", "task"}}`; and an `EditNotice` when it is known what came
of `wainwright.apply` or `wainwright.revert`, which every client is told in one line by `window/showMessage`.
"""  # noqa: E501 - a page of prose


_SENT = (EditNotice, InputParams, InputResult, OutputParams, ChangesParams)
"""What the server sends that no command names."""


def greeting(params: dict[str, Any]) -> dict[str, Any]:
    """What the server answers to ``initialize`` with these parameters."""
    kept = _Kept()
    server = create_server(_NOTHING)
    server.protocol.set_writer(kept)
    server.protocol.receive({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    answer: dict[str, Any] = json.loads(kept.sent[0].partition(b"\r\n\r\n")[2])
    return answer


class _Kept:
    """A client that reads later."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Keep a message."""
        self.sent.append(data)

    def close(self) -> None:
        """Nothing is open."""


def _entries() -> list[Command]:
    commands = Commands()
    Catalogue(_NOBODY, list).register(commands)
    return commands.entries()


def protocol() -> Protocol:
    """The list as one schema."""
    entries = _entries()
    sent = (
        Exchange(EVENT, (Notice, EditNotice)),
        Exchange(INPUT, (InputParams,), InputResult),
        Exchange(OUTPUT, (OutputParams,)),
        Exchange(CHANGES, (ChangesParams,)),
    )
    values: dict[str, type[Wire]] = {}
    for entry in entries:
        _collect(entry.arguments, values)
        _collect(entry.result, values)
    for more in _SENT:
        _collect(more, values)
    told: dict[type[BaseModel], dict[str, str]] = {
        model: {
            field.alias or name: text
            for name, field in model.model_fields.items()
            if (text := of_it.get(name))
        }
        for model in values.values()
        for of_it in [_docstrings(model)]
    }
    return Protocol(entries, sent, told)


def render() -> str:
    """The page."""
    entries = _entries()
    values: dict[str, type[Wire]] = {}
    for entry in entries:
        _collect_inner(entry.arguments, values)
        _collect(entry.result, values)
    for more in _SENT:
        _collect(more, values)
    return _PAGE.format(
        scheme=SCHEME,
        kinds=", ".join(f"`{kind}`" for kind in KINDS),
        commands="\n\n".join(_command(entry) for entry in entries),
        values="\n\n".join(f"### {name}\n\n{_about(model)}" for name, model in values.items()),
    )


FILES: dict[str, Callable[[], str]] = {
    "PROTOCOL.md": render,
    "protocol.schema.json": lambda: protocol().schema(),
    "protocol.d.ts": lambda: protocol().typescript(),
    "protocol.lua": lambda: protocol().lua(),
}
"""The files of ``clients/`` that are made from the list."""


def _command(entry: Command) -> str:
    gives = f"Gives {entry.result.__name__}."
    return f"### `{entry.name}`\n\n{entry.title}. {gives}\n\n{_fields(entry.arguments)}".rstrip()


def _about(model: type[Wire]) -> str:
    return f"{inspect.getdoc(model)}\n\n{_fields(model)}"


def _fields(model: type[Wire]) -> str:
    if not model.model_fields:
        return ""
    told = _docstrings(model)
    rows = [
        f"| `{field.alias or name}` | {_type(field.annotation)}{'' if field.is_required() else ', optional'} "
        f"| {' '.join(told.get(name, '').split())} |"
        for name, field in model.model_fields.items()
    ]
    return "\n".join(("| field | type | |", "|---|---|---|", *rows))


def _docstrings(model: type[Wire]) -> dict[str, str]:
    """The text below each field, of the model and those it is made from."""
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if not (issubclass(cls, Wire) and cls is not Wire):
            continue
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
        assert isinstance(body, ast.ClassDef)
        for field, text in zip(body.body, body.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
            ):
                found[field.target.id] = str(text.value.value)
    return found


def _type(annotation: Any) -> str:
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return ", ".join(f'`"{one.value}"`' for one in annotation)
    if origin is typing.Literal:
        return ", ".join(f'`"{value}"`' for value in inner)
    if origin is tuple:
        return f"list of {_type(inner[0])}"
    if inner:
        return " or ".join(_type(one) for one in inner if one is not type(None))
    names = {str: "string", int: "number", float: "number", bool: "boolean"}
    return names.get(annotation) or annotation.__name__


def _collect(model: type[Wire], found: dict[str, type[Wire]]) -> None:
    found[model.__name__] = model
    _collect_inner(model, found)


def _collect_inner(model: type[Wire], found: dict[str, type[Wire]]) -> None:
    for field in model.model_fields.values():
        for inner in (field.annotation, *typing.get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, Wire):
                _collect(inner, found)


_NOBODY: Any = None
"""The list is read, and nobody is asked to do anything."""
_NOTHING: Any = ()
"""Opens no engine: none is asked for."""

if __name__ == "__main__":
    if sys.argv[1:] == ["greeting"]:
        json.dump(greeting({"capabilities": {}})["result"], sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        sys.stdout.write(FILES[(*sys.argv[1:], "PROTOCOL.md")[0]]())
