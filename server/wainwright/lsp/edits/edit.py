"""What an edit of files is, and what became of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from wainwright.domain.changes import content_hash
from wainwright.lsp.documents.positions import split_lines


@dataclass(frozen=True)
class TextHash:
    """Stands for a text that is not at hand."""

    sha256: str
    """Of the UTF-8 bytes, in hex."""

    def matches(self, text: str) -> bool:
        """Whether ``text`` is the one meant."""
        return content_hash(text) == self.sha256


@dataclass(frozen=True)
class FileEdit:
    """What one file should become, and the text this was made against.

    ``before`` is None for a file that is created, ``after`` is None for one that is deleted. ``path`` is absolute.
    """

    path: Path
    before: str | TextHash | None
    after: str | None
    executable: bool = False
    """Whether a file that is created may be executed."""


@dataclass(frozen=True)
class DiskChange:
    """One file to write: its text now, which must still be there, and its new text; None is "no file"."""

    path: Path
    before: str | None
    after: str | None
    executable: bool = False


WriteFiles = Callable[[Sequence[DiskChange]], Awaitable[Mapping[Path, str]]]
"""Writes the files and gives the reasons of those that could not be written."""

KeepWayBack = Callable[[Sequence[FileEdit], Sequence[FileEdit]], Awaitable[None]]
"""Keeps what takes back a change: what is done, and what is about to be written. Raises OSError or ValueError."""

LineHunks = Callable[[str, str], Sequence[tuple[int, int, int, int]]]
"""The differing lines of two texts, in order: first old line, how many, first new line, how many; from 0."""

Merge = Callable[[str, str, str], str | None]
"""Both changes of a text together, or None when they touch the same lines: the text, one side, the other."""


@dataclass(frozen=True)
class FileOutcome:
    """How it went for one file: ``reason`` is a sentence for a person when it was not applied."""

    path: Path
    applied: bool
    rebased: bool = False
    reason: str = ""


@dataclass(frozen=True)
class EditOutcome:
    """How it went for all files; ``inverse`` takes back what was applied."""

    files: tuple[FileOutcome, ...]
    inverse: tuple[FileEdit, ...] = ()

    @property
    def status(self) -> Literal["applied", "partial", "refused"]:
        """The whole in one word."""
        applied = sum(file.applied for file in self.files)
        if applied == len(self.files):
            return "applied"
        return "partial" if applied else "refused"


class Replacement(NamedTuple):
    """Lines ``start`` to ``end`` (not included) of the old text become ``text``."""

    start: int
    end: int
    text: str


def replacements(old: str, new: str, hunks: LineHunks) -> list[Replacement]:
    """What turns ``old`` into ``new``, in pieces as small as ``hunks`` finds them."""
    lines = split_lines(new)
    return [Replacement(a, a + n, "".join(lines[b : b + m])) for a, n, b, m in hunks(old, new)]
