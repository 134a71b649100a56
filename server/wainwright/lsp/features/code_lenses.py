"""Code lenses on our own documents. Each of them is a code action as well, for editors without lenses."""

from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.lsp.documents.own import own_document
from wainwright.lsp.features.hunk_review import lenses as of_hunks
from wainwright.lsp.features.hunk_review import shows_hunks
from wainwright.lsp.runs.available import AvailableCommand, available

if TYPE_CHECKING:
    from wainwright.lsp.runs.board import Board
    from wainwright.lsp.runs.hunks import Hunks

TOP = types.Range(types.Position(0, 0), types.Position(0, 0))


async def lenses(board: "Board", hunks: "Hunks", params: types.CodeLensParams) -> list[types.CodeLens]:
    """The lenses of one document: at its top, and on each hunk of a change."""
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
    return [
        *(
            types.CodeLens(
                TOP, types.Command(offer.short or offer.title, offer.command, arguments=[offer.argument])
            )
            for offer in shown
        ),
        *below,
    ]
