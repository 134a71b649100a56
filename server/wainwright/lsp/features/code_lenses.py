"""Code lenses on our own documents. Each of them is a code action as well, for editors without lenses."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.lsp.documents.own import own_document
from wainwright.lsp.runs.available import AvailableCommand, available
from wainwright.lsp.runs.task_commands import task_commands

if TYPE_CHECKING:
    from wainwright.lsp.runs.board import Board
    from wainwright.lsp.runs.plan_pages import PlanPage, PlanPages

TOP = types.Range(types.Position(0, 0), types.Position(0, 0))


async def lenses(board: "Board", pages: "PlanPages", params: types.CodeLensParams) -> list[types.CodeLens]:
    """The lenses of one document: at its top, and of a plan at each task."""
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
    page = pages.page(params.text_document.uri)
    return [*(_lens(TOP, offer) for offer in shown), *(_of_tasks(page) if page is not None else ())]


def _of_tasks(page: "PlanPage") -> Iterator[types.CodeLens]:
    for task in page.read.tasks:
        for offer in task_commands(page, task.id.text):
            yield _lens(page.range(task.head), offer)


def _lens(at: types.Range, offer: AvailableCommand) -> types.CodeLens:
    return types.CodeLens(
        at, types.Command(offer.short or offer.title, offer.command, arguments=[offer.argument])
    )
