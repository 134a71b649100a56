"""What SQLite and the disk complain of, in a sentence with what to do."""

import errno
import shutil
import sqlite3
from pathlib import Path

from wainwright.domain.errors import JournalBroken, JournalError

WAYS_OUT = (
    "Nothing was changed. `wainwright audit verify` tells what can be believed, `wainwright audit restore` puts the "
    "last verified copy in its place, `wainwright audit export` writes out what is there."
)
FULL, BUSY, LOCKED = sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED
READ_ONLY = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM})
FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
NO_ROOM = 64 * 1024
"""Bytes: with less, not even what SQLite keeps beside a database finds room."""
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})


def code(error: BaseException) -> int:
    """SQLite's primary result code; 0 for an error that is not SQLite's own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def told(error: sqlite3.Error | OSError, path: Path) -> JournalError:
    """The sentence for an error of the file at a path."""
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return _full(path)
        why = error.strerror or str(error)
        return _cannot(path, why) if error.errno in FORBIDDEN else _unwell(path, why)
    kind = code(error)
    if kind == FULL or (kind == sqlite3.SQLITE_IOERR and _no_room(path)):
        return _full(path)
    if kind in (BUSY, LOCKED):
        return JournalError(
            f"Another program has kept the journal {path} locked.",
            "End that program, then go on: `wainwright resume`.",
        )
    if kind in READ_ONLY:
        return _cannot(path, "it can only be read")
    if kind in DAMAGED or "decode" in str(error):
        return JournalBroken(f"The journal {path} is damaged: {error}.", WAYS_OUT)
    return _unwell(path, str(error))


def _no_room(path: Path) -> bool:
    """On a full disk SQLite may say no more than that it could not write."""
    try:
        return shutil.disk_usage(path.parent).free < NO_ROOM
    except OSError:
        return False


def _unwell(path: Path, why: str) -> JournalError:
    return JournalError(
        f"The journal {path} could not be read or written: {why}.",
        "See whether its disk is well, then go on: `wainwright resume`.",
    )


def _full(path: Path) -> JournalError:
    return JournalError(
        f"The disk is full: the journal {path} could not be written.",
        "Make room on that disk, then go on: `wainwright resume`.",
    )


def _cannot(path: Path, why: str) -> JournalError:
    return JournalError(
        f"The journal {path} cannot be written: {why}.",
        "Make the folder and its files writable for you, then go on: `wainwright resume`.",
    )
