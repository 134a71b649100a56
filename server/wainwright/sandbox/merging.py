"""Moves what a command wrote, as an overlay left it in its upper directory, into the directory that lay beneath.

A command that wishes us ill may have made anything here: names of any bytes, links, directories that nobody may
enter, paths longer than the system takes at once. So everything is done a name at a time beneath open directories, no
link is ever followed, and as many are open at any depth. Nobody else may change either side meanwhile.
"""

import itertools
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_OPAQUE = "user.overlay.opaque"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OURS = 0o700
WRITTEN_MAX = 5_000
"""Files that are told of, and folders that are looked into for them, about."""


def merge(upper: Path, tree: Path, kept_out: Collection[Path]) -> None:
    """Move everything of ``upper`` into ``tree``, but nothing at or beneath the paths in ``kept_out``.

    Files are replaced, never written to: they may be hard links. What was deleted goes to a directory beside
    ``upper``, which the caller removes with it. Raises OSError.
    """
    if not any(upper.iterdir()):  # as most commands leave it
        return
    gone = upper.with_name(f"{upper.name}.gone")
    gone.mkdir(mode=0o700)
    with _opened(upper) as above, _opened(tree) as below, _opened(gone) as away:
        _Merge(above, below, away, frozenset(path.parts for path in kept_out)).run()


def written(upper: Path, tree: Path) -> tuple[str, ...]:
    """Files of a tree that an overlay's upper directory has otherwise, or gone, and new ones in folders of the tree.

    The first ones, where they are many. What cannot be looked at is left out.
    """
    found: list[str] = []
    for looked, (folder, folders, names) in enumerate(os.walk(upper)):
        beneath = os.path.relpath(folder, upper)
        folders[:] = [name for name in folders if os.path.isdir(tree / beneath / name)]  # noqa: PTH112 - many
        found += [os.path.normpath(os.path.join(beneath, name)) for name in names]  # noqa: PTH118 - many
        if len(found) > WRITTEN_MAX or looked > WRITTEN_MAX:
            break
    return tuple(path.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for path in found)


class _Merge:
    def __init__(self, above: int, below: int, away: int, kept_out: frozenset[tuple[str, ...]]) -> None:
        self._above, self._below, self._away = above, below, away
        self._numbers = itertools.count()
        self._kept_out = kept_out
        self._at: list[str] = []

    def run(self) -> None:
        pending = [self._here()]
        while pending:
            name = next(pending[-1], None)
            if name is None:
                pending.pop()
                if pending:
                    self._leave()
            elif (*self._at, name) not in self._kept_out and self._settle(name):
                self._enter(name)
                pending.append(self._here())

    def _here(self) -> Iterator[str]:
        with os.scandir(self._above) as entries:
            return iter(sorted(entry.name for entry in entries))

    def _settle(self, name: str) -> bool:
        """Bring one entry over; True for a directory that is in both, where each entry must be looked at."""
        found = _look(self._above, name)
        there = _look(self._below, name)
        if found is None:
            return False
        folder = stat.S_ISDIR(found.st_mode)
        if stat.S_ISCHR(found.st_mode):
            # Overlays write down with a device that something is gone. Nobody here can make another device.
            self._drop(name, there)
            return False
        if folder:
            # To be entered, and moved: that changes what ".." is.
            os.chmod(name, stat.S_IMODE(found.st_mode) | _OURS, dir_fd=self._above)
            if there is not None and stat.S_ISDIR(there.st_mode) and not self._is_opaque(name):
                os.chmod(name, stat.S_IMODE(found.st_mode) | _OURS, dir_fd=self._below)
                return True
        if there is not None and (folder or stat.S_ISDIR(there.st_mode)):
            if self._holds_kept_out(name):
                return folder and stat.S_ISDIR(there.st_mode)
            self._drop(name, there)
        os.rename(name, name, src_dir_fd=self._above, dst_dir_fd=self._below)
        return False

    def _holds_kept_out(self, name: str) -> bool:
        here = (*self._at, name)
        return any(path[: len(here)] == here for path in self._kept_out)

    def _drop(self, name: str, there: os.stat_result | None) -> None:
        if there is None or self._holds_kept_out(name):
            return
        if stat.S_ISDIR(there.st_mode):
            # Moving a directory changes what ".." is in it.
            os.chmod(name, _OURS, dir_fd=self._below)
        os.rename(name, f"{next(self._numbers)}", src_dir_fd=self._below, dst_dir_fd=self._away)

    def _is_opaque(self, name: str) -> bool:
        with _opened(name, self._above) as folder, suppress(OSError):
            return os.getxattr(folder, _OPAQUE) in (b"y", b"x")
        return False

    def _enter(self, name: str) -> None:
        self._at.append(name)
        self._move_to(name)

    def _leave(self) -> None:
        self._at.pop()
        self._move_to("..")

    def _move_to(self, name: str) -> None:
        for side in (self._above, self._below):
            fresh = os.open(name, _DIRECTORY, dir_fd=side)
            os.dup2(fresh, side, inheritable=False)
            os.close(fresh)


def _look(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


@contextmanager
def _opened(place: Path | str, within: int | None = None) -> Iterator[int]:
    descriptor = os.open(place, _DIRECTORY, dir_fd=within)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
