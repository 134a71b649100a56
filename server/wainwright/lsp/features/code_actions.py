"""Code actions: where work is begun, decided and moved on in every editor."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from wainwright.domain.text import headline
from wainwright.lsp.documents.own import OwnDocument, own_document, relative
from wainwright.lsp.features.diagnostics import mends
from wainwright.lsp.runs.available import AvailableCommand, about, available
from wainwright.lsp.runs.task_commands import task_commands

if TYPE_CHECKING:
    from wainwright.lsp.connection.session import WainwrightServer
    from wainwright.lsp.documents.buffers import Buffer
    from wainwright.lsp.runs.board import Board
    from wainwright.lsp.runs.plan_pages import PlanPages

FIX = "quickfix.wainwright"
"""For what belongs to the place where the person is, and for decisions that somebody waits for."""
WORK = "refactor.wainwright"
SOURCE = "source.wainwright"
"""For the commands about a run; most editors keep these out of the short menu."""
KINDS = (FIX, WORK, SOURCE)

_TODO = re.compile(r"\b(?:TODO|FIXME)\b(?:\([^)]*\))?:?[ \t]*(.*)")
_COMMENT_END = re.compile(r"\s*(?:\*/|-->|#\}|--\}\}|\*\))\s*$")


async def actions(
    server: "WainwrightServer", board: "Board", pages: "PlanPages", params: types.CodeActionParams
) -> list[types.CodeAction]:
    """What is offered for a range of a document."""
    document = own_document(board.workspace, params.text_document.uri)
    if document is None:
        found = [*_work_here(server, board, params), *(_of(offer, FIX) for offer in board.urgent())]
    else:
        page = pages.page(params.text_document.uri)
        task = page.task_at(params.range.start) if page is not None else None
        here = task_commands(page, task.id.text) if page is not None and task is not None else []
        found = [*(_of(offer, FIX) for offer in here), *await _about_own(board, document)]
    found += [_mending(params, one) for one in params.context.diagnostics if mends(one)]
    return [action for action in found if _wanted(action, params.context.only)]


def _mending(params: types.CodeActionParams, diagnostic: types.Diagnostic) -> types.CodeAction:
    """What was remarked, as the goal of a run."""
    argument = _start(params.text_document.uri, diagnostic.range, mends(diagnostic))
    return _of(AvailableCommand("mend this", "wainwright.start", argument), FIX, diagnostics=[diagnostic])


async def _about_own(board: "Board", document: OwnDocument) -> list[types.CodeAction]:
    found = [_of(offer, FIX) for offer in await board.offers()] if document.is_goal else []
    view = await board.look(document.run)
    if view is not None:
        found += [_of(offer, FIX if offer.urgent else SOURCE) for offer in available(view)]
        found += [_of(offer, SOURCE) for offer in about(view)]
    if not document.is_goal:
        found.append(_of(AvailableCommand("Plan the goal in goal.md", "wainwright.plan"), SOURCE))
    found.append(_of(AvailableCommand("Review the present changes", "wainwright.review"), SOURCE))
    return found


def _of(offer: AvailableCommand, kind: str, **more: Any) -> types.CodeAction:
    title = f"Wainwright: {offer.title}"
    command = types.Command(title, offer.command, arguments=[offer.argument])
    return types.CodeAction(title, kind=kind, command=command, **more)


def _wanted(action: types.CodeAction, only: "Sequence[types.CodeActionKind | str] | None") -> bool:
    """Whether a kind that the client asks for is this one or above it."""
    if only is None:
        return True
    kind = str(action.kind)
    kinds = [str(getattr(one, "value", one)) for one in only]
    return any(one in ("", kind) or kind.startswith(f"{one}.") for one in kinds)


# ---- where the person is


def _work_here(
    server: "WainwrightServer", board: "Board", params: types.CodeActionParams
) -> list[types.CodeAction]:
    uri = params.text_document.uri
    path = relative(board.workspace, uri)
    buffer = server.buffers.open_document(uri)
    if path is None or buffer is None:
        return []
    found = [_on_diagnostic(uri, one) for one in params.context.diagnostics if one.source != "wainwright"]
    if (todo := _todo(buffer, params.range)) is not None:
        found.append(_on(uri, params.range, todo, FIX))
    start, end = buffer.index.offsets(params.range)
    if len(buffer.source[start:end].strip()) > 1:  # in Helix the cursor itself selects a character
        first, last = params.range.start.line + 1, params.range.end.line + 1
        where = f"lines {first} to {last}" if last > first else f"line {first}"
        goal = f"Work on {where} of {path}:\n\n{buffer.source[start:end].strip()[:10_000]}"
        found.append(_on(uri, params.range, goal, WORK))
    return found


def _on(uri: str, span: types.Range, goal: str, kind: str) -> types.CodeAction:
    return _of(AvailableCommand("work on this", "wainwright.start", _start(uri, span, goal)), kind)


def _on_diagnostic(uri: str, diagnostic: types.Diagnostic) -> types.CodeAction:
    message = str(getattr(diagnostic.message, "value", diagnostic.message)).strip()
    argument = _start(uri, diagnostic.range, f"Fix: {message}"[:10_000])
    argument["diagnostics"] = [message[:2000]]
    short = headline(message, 60)
    offer = AvailableCommand(f"work on this: {short}", "wainwright.start", argument)
    return _of(offer, FIX, diagnostics=[diagnostic])


def _start(uri: str, span: types.Range, goal: str) -> dict[str, Any]:
    ends = {
        name: {"line": at.line, "character": at.character}
        for name, at in (("start", span.start), ("end", span.end))
    }
    return {"goal": goal, "uri": uri, "range": ends}


def _todo(buffer: "Buffer", span: types.Range) -> str | None:
    """What the TODO on the first line of the range asks for."""
    index = buffer.index
    line = buffer.source[index.line_start(span.start.line) : index.line_start(span.start.line + 1)].strip()
    found = _TODO.search(line)
    if found is None:
        return None
    return _COMMENT_END.sub("", found[1]).strip() or line
