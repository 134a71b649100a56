"""Removing folders that a command may have done anything to, and telling how much room they take."""

import os
import stat
import uuid
from contextlib import suppress
from pathlib import Path

from wainwright import _native

_GOING = ".going-"


def remove(folder: Path) -> None:
    """Remove a folder and all beneath it, whatever its modes and however deep; nothing when it is not there.

    It is out of the way at once: what is left by a kill is never taken for what it was. Links are not followed.
    Raises OSError where this user may not remove something.
    """
    doomed = folder.with_name(f"{_GOING}{uuid.uuid4().hex}")
    try:
        folder.rename(doomed)
    except FileNotFoundError:
        return
    _native.remove(doomed)


def open_up(folder: Path) -> None:
    """Let this user into all folders of a tree of theirs again, whatever a command closed. To root none is closed."""
    if os.getuid() == 0:
        return
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        with suppress(OSError):
            mode = place.lstat().st_mode
            if mode & stat.S_IRWXU != stat.S_IRWXU:
                place.chmod(stat.S_IMODE(mode) | stat.S_IRWXU)
            with os.scandir(place) as entries:
                waiting += [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]


def size(folder: Path) -> int:
    """Return how many bytes on disk a folder takes with all beneath it, as far as it can be read."""
    total, waiting = 0, [folder]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
    return total
