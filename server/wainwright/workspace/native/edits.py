"""Differences of texts, and edits to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

from wainwright import _native


class Hunk(NamedTuple):
    """Lines of an old text that become lines of a new one. The first line is 0."""

    old_start: int
    """An insertion stands before this line."""
    old_len: int
    new_start: int
    new_len: int


class Place(NamedTuple):
    """Some lines of a text."""

    line: int
    """Number of the first one, from 1."""
    text: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no block was applied, with what is needed to write a better one."""

    block: int
    """Index of the first block that was refused."""
    reason: Literal["missing", "ambiguous", "empty"]
    places: tuple[Place, ...]
    """In the text as it was given: the most similar lines of a missing text, the first places of an ambiguous one."""

    def explain(self) -> str:
        """Say what to do about it, with the lines concerned."""
        if self.reason == "empty":
            return "An empty search text stands for an empty file, but the file is not empty."
        if self.reason == "ambiguous":
            lines = ", ".join(str(place.line) for place in self.places)
            return f"It is found at lines {lines}. Add neighbouring lines until it is found once."
        if not self.places:
            return "Nothing similar is in the file. Read it again."
        place = self.places[0]
        return f"The most similar lines begin at line {place.line}:\n{place.text}"


def line_hunks(old: str, new: str) -> tuple[Hunk, ...]:
    """Return the differing lines in order. A line ends at LF, CRLF or CR only and includes its end."""
    return tuple(Hunk(*hunk) for hunk in _native.line_hunks(old, new))


def unified(old: str, new: str, old_name: str, new_name: str, *, context: int = 3) -> str:
    """Write the difference as ``git apply`` reads it, with ``context`` equal lines around; empty if none.

    The names stand in the header as given, such as ``a/path`` or ``/dev/null``.
    """
    return _native.unified(old, new, old_name, new_name, context)


def apply_blocks(text: str, blocks: Sequence[tuple[str, str]]) -> str | Refusal:
    """Apply (search, replace) blocks, each to the outcome of those before it; all, or none and a refusal.

    Each search text must be found exactly once: byte by byte, else by lines that may differ in white space at
    their end, in the kind of line end, and in one indentation of them all, to which the replacement is brought.
    An empty search text stands for the whole of an empty file. Raises UnicodeEncodeError (a ValueError) for
    lone surrogates.
    """
    edited, refusal = _native.apply_blocks(text, blocks)
    if refusal is None:
        return cast("str", edited)
    block, reason, places = refusal
    known = cast('Literal["missing", "ambiguous", "empty"]', reason)
    return Refusal(block, known, tuple(Place(*place) for place in places))
