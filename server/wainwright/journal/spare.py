"""Room on the disk that is kept for what has happened already: when the disk is full, it is given up for that."""

import os
from contextlib import suppress
from pathlib import Path

ROOM = 4 * 1024 * 1024
"""Bytes: outcomes of some calls under way, and the facts that end a run."""


class Spare:
    """A file of nothing beside the journal."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = False
        with suppress(OSError):
            self.keep()

    def keep(self) -> None:
        """Have the room again before something is begun whose outcome may need it. Raises OSError without any."""
        if self._kept:
            return
        fd = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            os.posix_fallocate(fd, 0, ROOM)
        except OSError:
            self._path.unlink(missing_ok=True)
            raise
        finally:
            os.close(fd)
        self._kept = True

    def give_up(self) -> bool:
        """Give the room back to the disk; False when it was given before."""
        if not self._kept:
            return False
        self._kept = False
        self._path.unlink(missing_ok=True)
        return True
