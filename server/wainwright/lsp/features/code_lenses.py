"""Code lenses on our own documents. Each of them is a code action as well, for editors without lenses."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.lsp.documents.own import own_document
from wainwright.lsp.documents.sides import side_of
from wainwright.lsp.features.hunk_review import lenses as of_hunks
from wainwright.lsp.features.hunk_review import lenses_of_side, shows_hunks
from wainwright.lsp.runs.available import AvailableCommand, available
from wainwright.lsp.runs.task_commands import task_commands

if TYPE_CHECKING:
    from wainwright.lsp.runs.board import Board
    from wainwright.lsp.runs.hunks import Hunks
    from wainwright.lsp.runs.plan_pages import PlanPage, PlanPages

TOP = types.Range(types.Position(0, 0), types.Position(0, 0))


async def lenses(
    board: "Board", hunks: "Hunks", pages: "PlanPages", params: types.CodeLensParams
) -> list[types.CodeLens]:
    """The lenses of one document: at its top, of a plan at each task, and of a change at each hunk."""
    if (side := side_of(params.text_document.uri)) is not None:
        return await lenses_of_side(hunks, side)
    document = own_document(board.workspace, params.text_document.uri)
    if document is None or not document.has_lenses:
        return []
    view = await board.look(document.run)
    if not document.is_goal:
        shown = available(view) if view else []
    elif view is not None and view.at_work:
        shown = [
            *await board.offers(),
            AvailableCommand("Show the run", "wainwright.show", {"run": view.run}),
        ]
    else:
        shown = await board.offers()
    below = await of_hunks(hunks, document.run) if document.run and shows_hunks(document) else []
    page = pages.page(params.text_document.uri)
    of_tasks = _of_tasks(page) if page is not None else ()
    return [*(_lens(TOP, offer) for offer in shown), *below, *of_tasks]


def _of_tasks(page: "PlanPage") -> Iterator[types.CodeLens]:
    for task in page.read.tasks:
        place = page.range(task.head)
        for offer in task_commands(page, task.id.text):
            yield _lens(place, offer)


def _lens(at: types.Range, offer: AvailableCommand) -> types.CodeLens:
    return types.CodeLens(
        at, types.Command(offer.short or offer.title, offer.command, arguments=[offer.argument])
    )
