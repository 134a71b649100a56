"""The lines that whoever remarked something would write instead, as an edit of the text as it stands now."""

import pytest
from lsprotocol import types

from wainwright.lsp.documents.positions import TextIndex
from wainwright.lsp.features.diagnostics import SOURCE, proposal

LINE = types.Range(types.Position(3, 0), types.Position(3, 1))


def edited(text: str, old: str, new: str, source: str = SOURCE) -> str | None:
    """The text with what is proposed; None: nothing is. The diagnostic stands on the fourth line."""
    mend = {"goal": "x", "mend": {"old": old, "new": new}}
    index = TextIndex(text)
    edit = proposal(types.Diagnostic(LINE, "x", source=source, data=mend), index)
    if edit is None:
        return None
    start, end = index.offsets(edit.range)
    return text[:start] + edit.new_text + text[end:]


@pytest.mark.parametrize(
    ("text", "old", "new", "after"),
    [
        ("a\nb\nc\n", "b", "d", "a\nd\nc\n"),
        ("a\nb\nc\n", "b\nc\n", "d\n", "a\nd\n"),
        ("a\r\nb\r\nc\r\n", "b", "d\ne", "a\r\nd\r\ne\r\nc\r\n"),
        ("a\r\nb", "b", "d\ne", "a\r\nd\r\ne"),
        ("b", "b", "d\ne", "d\ne"),
        ("a\nb\nc\n", "b", "", "a\nc\n"),
        ("b\n1\n2\n3\nb\n", "b", "d", "b\n1\n2\n3\nd\n"),
        ("  b\nb\n", "b", "d", "  b\nd\n"),
        ("a\nb\n", "b\nc", "d", None),
        ("a\nb", "a\nb\nc", "d", None),
        ("a\n", "", "d", None),
    ],
)
def test_the_nearest_such_lines_are_replaced_with_their_line_endings(
    text: str, old: str, new: str, after: str | None
) -> None:
    assert edited(text, old, new) == after


def test_what_others_remark_proposes_nothing() -> None:
    assert edited("b\n", "b", "d", source="another") is None
    assert proposal(types.Diagnostic(LINE, "x", source=SOURCE, data={"goal": "x"}), TextIndex("b\n")) is None
