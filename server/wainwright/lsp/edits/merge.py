"""Line differences and the three-way merge of one text: used to follow a person who types meanwhile."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from wainwright.lsp.documents.positions import split_lines

Hunk = tuple[int, int, int, int]
"""First old line, number of old lines, first new line, number of new lines; lines count from 0."""

LineHunks = Callable[[str, str], Sequence[Hunk]]
"""The differing lines of two texts, in order; hunks neither overlap nor touch."""


def one_hunk(old: str, new: str) -> list[Hunk]:
    """The simplest `LineHunks`: everything between the common beginning and the common end."""
    old_lines, new_lines = split_lines(old), split_lines(new)
    shortest = min(len(old_lines), len(new_lines))
    start = 0
    while start < shortest and old_lines[start] == new_lines[start]:
        start += 1
    end = 0
    while end < shortest - start and old_lines[-1 - end] == new_lines[-1 - end]:
        end += 1
    hunk = (start, len(old_lines) - start - end, start, len(new_lines) - start - end)
    return [hunk] if hunk[1] or hunk[3] else []


class Replacement(NamedTuple):
    """Lines ``start`` to ``end`` (not included) of the old text become ``text``."""

    start: int
    end: int
    text: str


def replacements(old: str, new: str, hunks: LineHunks = one_hunk) -> list[Replacement]:
    """What turns ``old`` into ``new``, line by line; exact whatever ``hunks`` says."""
    if old == new:
        return []
    old_lines = split_lines(old)
    for differ in (hunks, one_hunk):
        found = _replacements(differ, old, new)
        if found is not None and _replayed(old_lines, found) == new:
            return found
    return [Replacement(0, len(old_lines), new)]


def merge(base: str, ours: str, theirs: str, hunks: LineHunks = one_hunk) -> str | None:
    """Both changes of ``base`` together, or None when they touch the same lines.

    An insertion beside lines that the other side changed counts as touching them: its place is not certain.
    """
    both = sorted({*replacements(base, ours, hunks), *replacements(base, theirs, hunks)})
    if any(_collide(first, second) for first, second in pairwise(both)):
        return None
    return _replayed(split_lines(base), both)


def _collide(first: Replacement, second: Replacement) -> bool:
    if first.start == first.end or second.start == second.end:
        return second.start <= first.end
    return second.start < first.end


def _replacements(differ: LineHunks, old: str, new: str) -> list[Replacement] | None:
    new_lines = split_lines(new)
    try:
        found = differ(old, new)
    except ValueError:  # lone surrogates cannot cross into native code
        return None
    return [Replacement(a, a + n, "".join(new_lines[b : b + m])) for a, n, b, m in found]


def _replayed(lines: Sequence[str], changes: Sequence[Replacement]) -> str:
    parts: list[str] = []
    at = 0
    for change in changes:
        parts += lines[at : change.start]
        parts.append(change.text)
        at = change.end
    return "".join([*parts, *lines[at:]])
