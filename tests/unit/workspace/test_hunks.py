"""Hunks of a text: how it is cut, taken out in parts, and found again where a formatter was."""

import pytest

from wainwright.engine.editing import taken_back
from wainwright.workspace.hunks import Span, found_again, pieces, without

OLD = "".join(f"line {number}\n" for number in range(1, 31))
NEW = OLD.replace("line 3\n", "LINE 3\nmore\n").replace("line 15\n", "").replace("line 30\n", "line 30")


def test_near_changes_are_one_hunk_and_far_ones_are_several() -> None:
    one, two, three = pieces(OLD, NEW)
    assert one.span == Span(0, 6, 0, 7)
    assert one.lines.splitlines()[2:5] == ["-line 3", "+LINE 3", "+more"]
    assert (two.span.old_len, two.span.new_len) == (7, 6)
    assert three.lines.endswith("+line 30\n\\ No newline at end of file\n")
    assert pieces("", "new\n")[0].span == Span(0, 0, 0, 1)
    assert pieces("old\n", "")[0].span == Span(0, 1, 0, 0)
    assert pieces(OLD, OLD) == []


@pytest.mark.parametrize("out", [(), (0,), (1,), (2,), (0, 2), (0, 1, 2)])
def test_a_text_without_some_hunks_has_the_others(out: tuple[int, ...]) -> None:
    found = pieces(OLD, NEW)
    text = without(OLD, NEW, [found[at].span for at in out])
    assert [piece.lines for piece in pieces(OLD, text)] == [
        piece.lines for at, piece in enumerate(found) if at not in out
    ]


@pytest.mark.parametrize(
    ("lines", "text", "place"),
    [
        ("f(1,2)\n", "a\n  f(1, 2)\nb\n", "  f(1, 2)\n"),
        ("x = 'a'\ny = 2\n", 'x = "a"\n\ny = 2', 'x = "a"\n\ny = 2'),
        ("call(one, two)\n", "call(\n    one, two\n)\nend\n", "call(\n    one, two\n)\n"),
        ("\n\nf(1,2)\n", "a\n\n\nf(1, 2)\n\nb\n", "\n\nf(1, 2)\n"),
        ("\n\nf(1,2)\n\n", "a\n\nf(1, 2)\n\nb\n", "\nf(1, 2)\n\n"),
        ("\nf(1,2)\n", "f(1, 2)\nb\n", "f(1, 2)\n"),
        ("f(1,2)\n", "f(1,2)\nf(1, 2)\n", None),
        ("f(1,2)\n", "gf(1,2)\n", None),
        ("f(1,2)\n", "f(1,3)\n", None),
        ("\n", "a\n\n", None),
    ],
)
def test_lines_are_found_where_only_one_place_reads_like_them(
    lines: str, text: str, place: str | None
) -> None:
    found = found_again(lines, text)
    assert (text[found[0] : found[1]] if found else None) == place


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        ("head\nnew(1,2)\ntail\n", "head\nold()\ntail\n"),
        ("typed\nhead\nnew(1,2)\ntail\n", "typed\nhead\nold()\ntail\n"),
        ("head, typed\n    new(1, 2)\ntail\n", "head, typed\nold()\ntail\n"),
        ("head\nold()\ntail\n", "head\nold()\ntail\n"),
        ("head\nnew(1,2,3)\ntail\n", None),
    ],
)
def test_a_change_is_taken_back_over_what_was_done_since(ours: str, expected: str | None) -> None:
    assert taken_back("head\nnew(1,2)\ntail\n", ours, "head\nold()\ntail\n") == expected
