"""Listing and searching the files of a tree."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from wainwright import _native
from wainwright.workspace.native.fsops import AnyPath


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
