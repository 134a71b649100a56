"""Code actions: where work is begun, decided and moved on in every editor."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from wainwright.domain.text import headline
from wainwright.lsp.documents.own import OwnDocument, own_document, relative
from wainwright.lsp.documents.sides import side_of
from wainwright.lsp.features.diagnostics import mends, proposal
from wainwright.lsp.features.hunk_review import here, on_side, shows_hunks
from wainwright.lsp.features.work_here import FIX, SHORT, SOURCE, WORK, beginnings, mending, words_of
from wainwright.lsp.runs.available import AvailableCommand, about, available
from wainwright.lsp.runs.task_commands import task_commands

if TYPE_CHECKING:
    from wainwright.lsp.connection.session import WainwrightServer
    from wainwright.lsp.runs.board import Board
    from wainwright.lsp.runs.hunks import Hunks
    from wainwright.lsp.runs.plan_pages import PlanPages

KINDS = (FIX, WORK, SOURCE)


async def actions(
    server: "WainwrightServer",
    board: "Board",
    hunks: "Hunks",
    pages: "PlanPages",
    params: types.CodeActionParams,
    elsewhere: "Sequence[AvailableCommand]" = (),
) -> list[types.CodeAction]:
    """What is offered for a range of a document; ``elsewhere``: what somebody is waited for in other folders."""
    document = own_document(board.workspace, params.text_document.uri)
    if (side := side_of(params.text_document.uri)) is not None:
        offers = [*await on_side(hunks, side, params.range), *board.urgent()]
        found = [_of(offer, FIX) for offer in offers]
    elif document is None:
        found = [
            *await _work_here(server, board, params),
            *(_of(offer, FIX) for offer in (*board.urgent(), *elsewhere)),
        ]
        more = [AvailableCommand("Review these changes", "wainwright.review"), *board.to_say()]
        found += [_of(offer, SOURCE) for offer in more]
    else:
        page = pages.page(params.text_document.uri)
        task = page.task_at(params.range.start) if page is not None else None
        offers = task_commands(page, task.id.text) if page is not None and task is not None else []
        if document.run is not None and shows_hunks(document):
            offers = await here(hunks, document.run, params.range)
        found = [*(_of(offer, FIX) for offer in offers), *await _about_own(board, document)]
    ours = [one for one in params.context.diagnostics if mends(one)]
    found += [action for one in ours if (action := _proposed(server, params, one))]
    found += [_mending(params, one) for one in ours]
    return _apart([action for action in found if _wanted(action, params.context.only)])


def _proposed(
    server: "WainwrightServer", params: types.CodeActionParams, diagnostic: types.Diagnostic
) -> types.CodeAction | None:
    """What whoever remarked it would write instead, as an edit: the person sees it done, and can undo it."""
    buffer = server.buffers.open_document(params.text_document.uri)
    edit = proposal(diagnostic, buffer.index) if buffer is not None else None
    if buffer is None or edit is None:
        return None
    title = f"Wainwright: Write what is proposed, untested: {headline(words_of(diagnostic), SHORT)}"
    if server.profile.document_changes:
        identifier = types.OptionalVersionedTextDocumentIdentifier(buffer.uri, buffer.version)
        whole = types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(identifier, [edit])])
    else:
        whole = types.WorkspaceEdit(changes={buffer.uri: [edit]})
    return types.CodeAction(title, kind=FIX, diagnostics=[diagnostic], edit=whole)


def _mending(params: types.CodeActionParams, diagnostic: types.Diagnostic) -> types.CodeAction:
    """What was remarked, as the goal of a run."""
    offer = mending(params.text_document.uri, diagnostic, mends(diagnostic))
    return _of(offer, FIX, diagnostics=[diagnostic])


async def _about_own(board: "Board", document: OwnDocument) -> list[types.CodeAction]:
    found = [_of(offer, FIX) for offer in await board.offers()] if document.is_goal else []
    view = await board.look(document.run)
    if view is not None:
        found += [_of(offer, FIX if offer.urgent else SOURCE) for offer in available(view)]
        found += [_of(offer, SOURCE) for offer in about(view)]
    if not document.is_goal:
        found.append(_of(AvailableCommand("Plan the goal in goal.md", "wainwright.plan"), SOURCE))
    found.append(_of(AvailableCommand("Review these changes", "wainwright.review"), SOURCE))
    return found


def _of(offer: AvailableCommand, kind: str, **more: Any) -> types.CodeAction:
    title = offer.title if "Wainwright" in offer.title else f"Wainwright: {offer.title}"
    command = types.Command(title, offer.command, arguments=[offer.argument])
    return types.CodeAction(title, kind=kind, command=command, **more)


def _wanted(action: types.CodeAction, only: "Sequence[types.CodeActionKind | str] | None") -> bool:
    """Whether a kind that the client asks for is this one or above it."""
    if only is None:
        return True
    kind = str(action.kind)
    kinds = [str(getattr(one, "value", one)) for one in only]
    return any(one in ("", kind) or kind.startswith(f"{one}.") for one in kinds)


def _apart(found: list[types.CodeAction]) -> list[types.CodeAction]:
    """The actions, with what tells those of the same title apart behind it: what each is about."""
    titles = Counter(action.title for action in found)
    for number, action in enumerate(found, start=1):
        if titles[action.title] < 2 or action.command is None:
            continue
        about: Any = (*(action.command.arguments or ()), {})[0]
        named = [str(about[key]) for key in ("run", "gate") if about.get(key)]
        action.title = f"{action.title} ({', '.join(named) or number})"
        action.command.title = action.title
    return found


async def _work_here(
    server: "WainwrightServer", board: "Board", params: types.CodeActionParams
) -> list[types.CodeAction]:
    uri = params.text_document.uri
    path = relative(board.workspace, uri)
    buffer = server.buffers.open_document(uri)
    if path is None or buffer is None:
        return []
    theirs = [one for one in params.context.diagnostics if one.source != "wainwright"]
    around = await board.around(path, params.range.start.line + 1)
    found = beginnings(uri, path, buffer, params.range, theirs, around)
    return [
        _of(one.offer, one.kind, **({"diagnostics": [one.diagnostic]} if one.diagnostic else {}))
        for one in found
    ]
