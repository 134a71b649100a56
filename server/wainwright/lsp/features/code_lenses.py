"""Code lenses on our own documents. Each of them is a code action as well, for editors without lenses."""

from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.lsp.documents.own import own_document
from wainwright.lsp.runs.available import AvailableCommand, available

if TYPE_CHECKING:
    from wainwright.lsp.runs.board import Board

TOP = types.Range(types.Position(0, 0), types.Position(0, 0))


async def lenses(board: "Board", params: types.CodeLensParams) -> list[types.CodeLens]:
    """The lenses of one document, all at its top."""
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
    return [
        types.CodeLens(
            TOP, types.Command(offer.short or offer.title, offer.command, arguments=[offer.argument])
        )
        for offer in shown
    ]
