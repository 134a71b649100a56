"""Regular files, read whole: no pipe, device or endless file that a clone put in the place of one is waited for.

What lies in a folder that somebody else may write to is read with ``beneath``: through a handle of that folder, as
``workspace.native.read_beneath`` reads it, so that no link leads out, whatever is exchanged meanwhile.
"""

import errno
import os
import stat
from pathlib import Path

from wainwright import _native

SMALL = 1_000_000
"""Bytes of a file that a person or git writes by hand: settings, rules, lists."""


def private(path: str, flags: int) -> int:
    """For ``open``: what is made is its owner's alone."""
    return os.open(path, flags, 0o600)


def only_mine(path: Path) -> None:
    """Raises PermissionError for a file or folder that somebody else owns, or that others can change.

    A group of the person's own may: some systems give each person one, and let it write.
    """
    there = path.stat()
    by_group = there.st_mode & stat.S_IWGRP and there.st_gid not in (os.getegid(), 0)
    sticky = stat.S_ISDIR(there.st_mode) and there.st_mode & stat.S_ISVTX
    if there.st_uid not in (os.geteuid(), 0) or by_group or (there.st_mode & stat.S_IWOTH and not sticky):
        raise PermissionError(errno.EPERM, "others can change it", str(path))


def read(path: Path, max_bytes: int, *, beneath: Path | None = None) -> bytes:
    """Read a regular file of at most so many bytes; links are followed, with ``beneath`` only those that stay there.

    Raises OSError: with errno EISDIR for what is no regular file, EFBIG for a larger one, EXDEV for a link that leads
    out or in a circle, and FileNotFoundError also for a name that no file can have.
    """
    try:
        place = Path(os.path.realpath(path))
        if beneath is not None:
            return _beneath(Path(os.path.realpath(beneath)), place, max_bytes)
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except ValueError as error:
        raise FileNotFoundError(errno.ENOENT, "no file can have this name", str(path)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise IsADirectoryError(errno.EISDIR, "it is no regular file", str(path))
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"it has more than {max_bytes:,} bytes", str(path))
    return content


def write_private(path: Path, content: bytes) -> None:
    """Write a file of the user's own as a whole, through links; what is made is theirs alone. Raises OSError."""
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(fresh, "wb", opener=private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _beneath(root: Path, place: Path, max_bytes: int) -> bytes:
    """Read what links led to when they were looked at; what is a link by now, and leads out, is not followed."""
    out = OSError(errno.EXDEV, "a link leads out of the folder, or in a circle", str(place))
    if not place.is_relative_to(root):
        raise out
    try:
        return _native.read_beneath(root, place.relative_to(root), max_bytes)
    except _native.BoundaryError as error:
        raise out from error
