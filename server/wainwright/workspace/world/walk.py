"""What lies in a workspace and is not in its snapshot, found without opening anything."""

import os
import stat
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from wainwright.domain.changes import names_git
from wainwright.workspace.dependencies import leftover

PIPE = "a pipe, a socket or a device, which is never opened"
UNREADABLE = "unreadable"
MANY = "more than 50 000 files lie beside the snapshot"
_FOUND_MAX = 50_000


class Found(NamedTuple):
    """A file, link or empty folder beside the snapshot."""

    path: str
    status: os.stat_result


@dataclass
class Walk:
    """One look at a workspace.

    ``known`` are the paths that the snapshot has, or that were turned away already. ``shown_otherwise`` are the
    folders of dependencies. What every command leaves, and git's own folders, are not looked into.
    """

    root: Path
    known: Container[str]
    shown_otherwise: Container[str]
    left_out: dict[str, str] = field(default_factory=dict)
    """Path -> why it cannot be shown."""

    def find(self) -> list[Found]:
        """Return what lies beside the snapshot, sorted by path."""
        found: list[Found] = []
        for one in self._beneath(""):
            if len(found) == _FOUND_MAX:
                self.left_out["…"] = MANY
                break
            found.append(one)
        return sorted(found)

    def _beneath(self, top: str) -> Iterator[Found]:
        waiting, root = [top], str(self.root)
        while waiting:
            folder = waiting.pop()
            try:
                entries = list(os.scandir(f"{root}/{folder}"))
            except OSError:
                self.left_out[folder] = UNREADABLE
                continue
            if not entries and folder:
                yield from self._one(folder)
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting += [path] if self._worth_a_look(entry.name, path) else []
                elif path not in self.known:
                    yield from self._one(path)

    def _worth_a_look(self, name: str, folder: str) -> bool:
        # The folders above it were worth a look: its own name decides.
        if names_git(name) or leftover(f"{name}/x") or folder in self.shown_otherwise:
            return False
        return f"{folder}/" not in self.known

    def _one(self, path: str) -> Iterator[Found]:
        try:
            status = (self.root / path).lstat()
        except OSError:
            return
        if stat.S_IFMT(status.st_mode) not in {stat.S_IFREG, stat.S_IFLNK, stat.S_IFDIR}:
            self.left_out[path] = PIPE
        elif not names_git(path):
            yield Found(path, status)
