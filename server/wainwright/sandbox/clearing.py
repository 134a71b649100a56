"""Removing folders that a command may have done anything to, and telling how much room they take."""

import os
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
