"""Files beneath a root that no path can leave."""

from collections.abc import Iterable
from os import PathLike, fspath
from typing import NamedTuple

from wainwright import _native
from wainwright.domain.errors import OutsideBoundary

AnyPath = str | PathLike[str]
"""A path as callers have it."""


class Recovery(NamedTuple):
    """What ``recover`` found to do, as paths relative to the root."""

    written: tuple[str, ...]
    """Written or deleted as their batch wanted."""
    left: tuple[str, ...]
    """Changed by somebody else since, and left as they are."""


def write_batch(
    root: AnyPath,
    changes: Iterable[tuple[AnyPath, bytes | None, int | None]],
    *,
    journal: AnyPath | None = None,
) -> None:
    """Write or delete files beneath ``root``, all or none.

    Each change is a path, the whole new content (None deletes), and permission bits (None keeps those of an
    existing file). Missing folders are made. Raises OutsideBoundary if a path leaves the root or passes a link,
    FileNotFoundError if a file to delete is not there, ValueError for a path given twice, and other OSErrors;
    nothing is changed then, except where the message of an OSError names a file that could not be set back.

    With ``journal``, an existing folder outside the root that serves this root only, all or none also holds when
    the process is killed or the power goes: ``recover`` completes what was begun. Call it before the first batch
    of a process, and after a batch in the background, which frees the journal.
    """
    try:
        _native.write_batch(root, list(changes), journal)
    except _native.BoundaryError as error:
        raise _outside(error) from error


def recover(journal: AnyPath, root: AnyPath) -> Recovery:
    """Complete the batches of a journal that are half done, and make sure that the disk has all of them.

    May be called at any time and again. Raises ValueError if the journal is that of another root, and OSError if
    a file cannot be written; the journal keeps the batch then.
    """
    written, left = _native.recover(journal, root)
    return Recovery(tuple(map(fspath, written)), tuple(map(fspath, left)))


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
