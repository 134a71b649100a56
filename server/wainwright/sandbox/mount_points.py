"""Empty directories in a task's tree on which layers are mounted, and their removal."""

import os
import stat
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class MountPoints:
    """Counts who needs which directory, so that the last to leave removes it.

    Removing one that another command has mounted would take the mount away from it.
    """

    def __init__(self) -> None:
        self._holders: Counter[Path] = Counter()
        self._made: set[Path] = set()

    def take(self, tree: Path, relatives: Iterable[Path]) -> tuple[Path, ...]:
        """Make what is missing; returns those of ``relatives`` that can be mounted on.

        A file or a symbolic link in the way is the task's own: it stays, and nothing is mounted there.
        """
        return tuple(relative for relative in relatives if self._take_one(tree, relative))

    def give_back(self, tree: Path, relatives: Iterable[Path]) -> None:
        """Undo ``take`` for what it returned; directories that are no longer empty stay."""
        for relative in relatives:
            for level in reversed(_levels(relative)):
                self._release(tree, level)

    def _take_one(self, tree: Path, relative: Path) -> bool:
        taken: list[Path] = []
        for level in _levels(relative):
            taken.append(level)
            self._holders[tree / level] += 1
            try:
                self._make(tree, level)
            except OSError:
                for undone in reversed(taken):
                    self._release(tree, undone)
                return False
        return True

    def _make(self, tree: Path, level: Path) -> None:
        parent = _open_beneath(tree, level.parent)
        try:
            try:
                os.mkdir(level.name, 0o755, dir_fd=parent)
                self._made.add(tree / level)
            except FileExistsError:
                os.close(os.open(level.name, _DIRECTORY, dir_fd=parent))
        finally:
            os.close(parent)

    def _release(self, tree: Path, level: Path) -> None:
        path = tree / level
        self._holders[path] -= 1
        if self._holders[path] > 0:
            return
        del self._holders[path]
        if path not in self._made:
            return
        self._made.discard(path)
        with suppress(OSError):
            parent = _open_beneath(tree, level.parent)
            try:
                os.rmdir(level.name, dir_fd=parent)
            finally:
                os.close(parent)


def holds_file(tree: Path, relative: Path) -> bool:
    """Whether a regular file lies there, with no link on the way to it."""
    try:
        parent = _open_beneath(tree, relative.parent)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.stat(relative.name, dir_fd=parent, follow_symlinks=False).st_mode)
    except OSError:
        return False
    finally:
        os.close(parent)


def _levels(relative: Path) -> list[Path]:
    return [Path(*relative.parts[: depth + 1]) for depth in range(len(relative.parts))]


def _open_beneath(tree: Path, relative: Path) -> int:
    """Descriptor of a directory, reached without following a link that a command may have planted."""
    descriptor = os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in relative.parts:
        try:
            below = os.open(part, _DIRECTORY, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor
