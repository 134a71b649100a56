"""Code lenses on our own documents. Each of them is a code action as well, for editors without lenses."""

from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.lsp.documents import own_document
from wainwright.lsp.offers import offers, start_offers

if TYPE_CHECKING:
    from wainwright.lsp.runs import Runs

TOP = types.Range(types.Position(0, 0), types.Position(0, 0))


async def lenses(runs: "Runs", params: types.CodeLensParams) -> list[types.CodeLens]:
    """The lenses of one document, all at its top."""
    document = own_document(runs.workspace, params.text_document.uri)
    if document is None or not document.has_lenses:
        return []
    if document.is_goal:
        shown = start_offers()
    else:
        view = await runs.look(document.run)
        shown = offers(view) if view else []
    return [
        types.CodeLens(TOP, types.Command(offer.title, offer.command, arguments=[offer.argument]))
        for offer in shown
    ]
