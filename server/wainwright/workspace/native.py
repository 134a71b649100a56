"""Typed face of the native half: listing, search, differences, edits, and files beneath a root.

The only importer of the extension module. Every function works without the interpreter lock, so a thread that
calls it holds nobody up. Roots are absolute; other paths are relative to the root, with ``/`` between
components.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Literal, NamedTuple, cast

from wainwright import _native
from wainwright.domain.errors import OutsideBoundary

AnyPath = str | PathLike[str]
"""A path as callers have it."""


class FileEntry(NamedTuple):
    """A regular file of a tree."""

    path: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a tree, sorted by path."""

    files: tuple[FileEntry, ...]
    truncated: bool
    """There are more files than were asked for."""

    def __iter__(self) -> Iterator[FileEntry]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)


class Hit(NamedTuple):
    """A matching line."""

    path: str
    line: int
    """From 1. A line ends at LF, CRLF or CR."""
    text: str
    """Without the line end, cut to 400 characters."""


@dataclass(frozen=True, slots=True)
class Found:
    """The first hits of a search, in the order of path and line."""

    hits: tuple[Hit, ...]
    truncated: bool
    """There are more hits than were asked for."""

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)


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


def walk(root: AnyPath, *, limit: int = 100_000) -> Listing:
    """List at most ``limit`` files beneath ``root`` that no ignore rule leaves out.

    ``.gitignore`` and ``.ignore`` count in any folder, hidden files are left out, and so are ``.git`` and
    ``.wainwright`` always. Links are not followed. Raises ValueError if ``root`` is no absolute path to a
    directory.
    """
    files, truncated = _native.walk(root, limit)
    return Listing(tuple(FileEntry(*entry) for entry in files), truncated)


def search(
    root: AnyPath,
    pattern: str,
    *,
    regex: bool = False,
    ignore_case: bool = False,
    glob: str | None = None,
    limit: int = 100,
) -> Found:
    """Find the first ``limit`` lines that match, in the files that ``walk`` lists.

    A match lies within one line. ``glob`` keeps files whose path matches; without ``/`` it is matched against
    the file name in any folder. Binary files and those above 2 MB are skipped. Raises ValueError if the pattern
    or the glob does not parse, or ``root`` is no absolute path to a directory.
    """
    hits, truncated = _native.search(
        root, pattern, regex=regex, ignore_case=ignore_case, glob=glob, max_hits=limit
    )
    return Found(tuple(Hit(*hit) for hit in hits), truncated)


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


def write_batch(root: AnyPath, changes: Iterable[tuple[AnyPath, bytes | None, int | None]]) -> None:
    """Write or delete files beneath ``root``, all or none.

    Each change is a path, the whole new content (None deletes), and permission bits (None keeps those of an
    existing file). Missing folders are made. Raises OutsideBoundary if a path leaves the root or passes a link,
    FileNotFoundError if a file to delete is not there, ValueError for a path given twice, and other OSErrors;
    nothing is changed then, except where the message of an OSError names a file that could not be set back.
    """
    try:
        _native.write_batch(root, list(changes))
    except _native.BoundaryError as error:
        raise _outside(error) from error


def read_beneath(root: AnyPath, path: AnyPath, max_bytes: int) -> bytes:
    """Read a regular file of at most ``max_bytes`` beneath ``root``; links that stay beneath are followed.

    Raises OutsideBoundary if the path leaves the root, FileNotFoundError, and other OSErrors: with errno EFBIG
    if the file is larger, with EISDIR if the path is no regular file.
    """
    try:
        return _native.read_beneath(root, path, max_bytes)
    except _native.BoundaryError as error:
        raise _outside(error) from error


def _outside(error: _native.BoundaryError) -> OutsideBoundary:
    return OutsideBoundary(f"{error}.", "Use a path beneath the workspace that no link leads out of.")
