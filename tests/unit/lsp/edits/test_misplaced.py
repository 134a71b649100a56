"""An edit that was made for one text and applied to another is known by what came of it."""

import pytest
from lsprotocol import types

from wainwright.engine.editing import line_hunks, merged
from wainwright.lsp.edits.misplaced import misplaced, put_back, seems_made

MADE_FOR = "one\ntwo 🙂\nthree"


def edit(first: int, last: int, text: str, character: int = 0) -> types.TextEdit:
    return types.TextEdit(types.Range(types.Position(first, 0), types.Position(last, character)), text)


TWO = edit(1, 2, "TWO\n")
END = edit(2, 2, "THREE", 5)


@pytest.mark.parametrize(
    ("edits", "told", "found"),
    [
        ([TWO], [], None),
        ([TWO], ["one\nTWO\nthree"], None),
        ([TWO], ["one\nTWO\nthree", "one\nTWO\nthree!"], None),
        ([TWO], ["one\nnew\ntwo 🙂\nthree", "one\nTWO\ntwo 🙂\nthree"], 0),
        ([TWO], ["one\ntwo 🙂 typed\nthree", "one\nTWO\nthree"], 0),
        ([TWO], ["x", "one\nnew\ntwo 🙂\nthree", "one\nTWO\ntwo 🙂\nthree", "one\nTWO\ntwo 🙂\nthree!"], 1),
        ([edit(1, 1, "new\n")], ["one\nnew\ntwo 🙂\nthree", "one\nnew\nnew\ntwo 🙂\nthree"], None),
        ([END], ["one\ntwo 🙂\n>\nthree", "one\ntwo 🙂\nTHREE\nthree"], 0),
        ([TWO, END], ["", "TWO\nTHREE"], 0),
        ([TWO, END], ["one\ntwo 🙂\nthree four", "one\nTWO\nTHREE four"], 0),
    ],
)
def test_it_is_found_among_the_texts(edits: list[types.TextEdit], told: list[str], found: int | None) -> None:
    wanted = None if found is None else (told[found], told[found + 1])
    assert misplaced(edits, [MADE_FOR, *told], "utf-16") == wanted


@pytest.mark.parametrize(
    ("spoiled", "now", "right", "found", "whole"),
    [
        ("a\nX\nc\nd\n", "a\nX\nc\nd!\n", "a\nb typed\nc\nd\n", "a\nb typed\nc\nd!\n", True),
        # What was typed since stands beside one of two places: the other is put right.
        ("X\nb\nc\nY\n", "X\nb\nc\nY!\n", "a\nb\nc\nd\n", "a\nb\nc\nd\nY!\n", False),
        ("X\nb\n", "X!\nb\n", "a\nb\n", "a\nX!\nb\n", False),
    ],
)
def test_what_was_spoiled_is_put_right_and_nothing_is_lost(
    spoiled: str, now: str, right: str, found: str, *, whole: bool
) -> None:
    assert put_back(spoiled, now, right, merged, line_hunks) == (found, whole)


@pytest.mark.parametrize(
    ("after", "now", "made"),
    [
        ("one\nTWO\nthree\n", "one\nTWO\nnew\nthree\n", True),
        ("one\nTWO\nthree\n", "one\n  TWO\nthree four\n", True),
        ("one\nTWO\nthree\n", "new\none\ntwo\nthree\n", False),
        ("one\nTWO\nthree\n", "one\ntwo typed\nthree\n", None),
        ("one\nTWO\nthree\n", "one\nTWO typed\nthree\n", None),
        ("one\ntwo\n2\nthree\n", "one\ntwo\n2\nnew\nthree\n", True),
        ("one\ntwo\n2\nthree\n", "one\ntwo\nnew\nthree\n", False),
        ("one\ntwo\n2\nthree\n", "one\ntwo\n2 typed\nthree\n", None),
        ("one\nthree\n", "one\ntwo\nnew\nthree\n", False),
        ("one\nthree\n", "one\nnew\nthree\n", None),
        ("one\nthree\n", "one\ntwo typed\nthree\n", None),
    ],
)
def test_what_was_typed_into_since_tells_by_its_lines_whether_it_has_the_edit(
    after: str, now: str, made: bool | None
) -> None:
    assert seems_made("one\ntwo\nthree\n", after, now) is made
