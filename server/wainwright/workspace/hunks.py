"""A difference of two texts in hunks, as a person reads it, and the new text without some of them."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from wainwright.workspace.native import unified

CONTEXT = 3
"""Equal lines that are shown around a hunk, which belong to it."""
_HEADER = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n", re.MULTILINE)


class Span(NamedTuple):
    """Lines of the old text that become lines of the new one; the first line is 0."""

    old_start: int
    old_len: int
    new_start: int
    new_len: int


class Piece(NamedTuple):
    """One hunk."""

    span: Span
    lines: str
    """As in a unified diff, without its header."""


def pieces(old: str, new: str) -> list[Piece]:
    """The hunks of a difference in order; none of two has a line in common with the other."""
    text = unified(old, new, "a", "b", context=CONTEXT)
    found = list(_HEADER.finditer(text))
    ends = [*(one.start() for one in found), len(text)][1:]
    return [Piece(_span(one), text[one.end() : end]) for one, end in zip(found, ends, strict=True)]


def _span(header: re.Match[str]) -> Span:
    old_len, new_len = (1 if length is None else int(length) for length in (header[2], header[4]))
    # An empty range names the line before it.
    return Span(int(header[1]) - bool(old_len), old_len, int(header[3]) - bool(new_len), new_len)


def without(old: str, new: str, spans: Iterable[Span]) -> str:
    """The new text, where the lines of some hunks are as they were in the old one."""
    before, after = lines(old), lines(new)
    parts, at = list[str](), 0
    for span in sorted(spans, key=lambda one: one.new_start):
        parts += after[at : span.new_start]
        parts += before[span.old_start : span.old_start + span.old_len]
        at = span.new_start + span.new_len
    return "".join([*parts, *after[at:]])


def lines(text: str) -> list[str]:
    """The lines, each with its end, as the unified format has them: they end at LF alone."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def found_again(lines: str, text: str) -> tuple[int, int] | None:
    """Where whole lines stand that read as these do but for white space and the kind of quotes.

    From the first character to behind the last one; None where they stand nowhere, or at several places.
    """
    wanted = "".join(_plain(lines)[0])
    plain, places = _plain(text)
    joined = "".join(plain)
    at = joined.find(wanted)
    if not wanted or at < 0 or joined.find(wanted, at + 1) >= 0:
        return None
    first, last = places[at], places[at + len(wanted) - 1]
    start, end = text.rfind("\n", 0, first) + 1, text.find("\n", last) + 1 or len(text)
    if text[start:first].strip() or text[last + 1 : end].strip():
        return None
    # Empty lines around them belong to them, as many as a formatter has left.
    for _ in range(_blank(lines)):
        above = text.rfind("\n", 0, max(0, start - 1)) + 1
        start = above if start and not text[above:start].strip() else start
    for _ in range(_blank("".join(reversed(lines.removesuffix("\n"))))):
        below = text.find("\n", end) + 1 or len(text)
        end = below if not text[end:below].strip() else end
    return start, end


def _blank(text: str) -> int:
    """How many empty lines a text begins with."""
    return text[: len(text) - len(text.lstrip())].count("\n")


def _plain(text: str) -> tuple[list[str], list[int]]:
    """The characters of a text that a formatter leaves, quotes all of one kind, and where each of them stands."""
    kept = [(one, at) for at, one in enumerate(text) if not one.isspace()]
    return ['"' if one == "'" else one for one, _ in kept], [at for _, at in kept]
