"""Edits that an editor applied to another text than they were made for: some look at no version."""

from typing import TYPE_CHECKING

from wainwright.lsp.documents.positions import Encoding, TextIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lsprotocol import types


def misplaced(
    edits: "Sequence[types.TextEdit]", texts: "Sequence[str]", encoding: Encoding | str
) -> tuple[str, str] | None:
    """What somebody typed, and what these edits made of it; None where they were not applied to such a text.

    ``texts``: the one that the edits were made for, and then those that the editor told of, in order.
    """
    made_for, *told = texts
    if len(told) < 2:  # there is none that somebody typed before the one with the edit
        return None
    right = _placed(made_for, edits, encoding)
    for at in reversed(range(len(told) - 1)):
        # Behind the right text comes what the person did to it.
        if told[at] in (made_for, right):
            continue
        spoiled = _placed(told[at], edits, encoding)
        if spoiled in told[at + 1 :]:
            return told[at], spoiled
    return None


def _placed(text: str, edits: "Sequence[types.TextEdit]", encoding: Encoding | str) -> str:
    """The text after these edits; a position outside of it is the nearest one inside, as in most editors."""
    index = TextIndex(text, encoding)
    for edit in reversed(edits):
        start, end = index.offsets(edit.range)
        text = text[:start] + edit.new_text + text[end:]
    return text
