"""Which state belongs to a workspace: it is found again where the folder was moved, and inherited by no other one.

Each state folder has a record of the folder that it is the state of: its path, its inode, the first commits of its
repository. The same inode is the same folder wherever it lies, unless the repository in it is another one: inodes are
used again. The same first commits at another path, with nothing left at the old one, may be a move between file
systems or a second clone: that is for a person to say.
"""

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from wainwright import regular
from wainwright.domain.errors import WorkspaceError
from wainwright.workspace import enclosed
from wainwright.workspace.plumbing import GitDirectory

T = TypeVar("T")

RECORD = "workspace.json"


class Found(NamedTuple):
    """The state of a workspace."""

    state: Path
    before: str = ""
    """Where the workspace lay before, when it was moved."""
    doubt: "Doubt | None" = None


class Doubt(NamedTuple):
    """Another state that may be the one of this workspace; ``state`` of Found is a new one."""

    state: Path
    path: str
    """Where the workspace of that state lay."""


@dataclass(frozen=True)
class Record:
    """A folder as it was seen last."""

    path: str
    inode: int
    device: int
    roots: tuple[str, ...] = ()
    """The first commits of its repository."""


def find(home: Path, workspace: Path) -> Found:
    """The state of a workspace, below ``home``. Nothing is written."""
    here = _Here(workspace)
    known = {folder: record for folder in sorted(home.glob("*")) if (record := _read(folder)) is not None}
    doubt = None
    for folder, record in known.items():
        if record.path == str(workspace):
            same = here.at_its_path(record)
            if same:
                return Found(folder)
            doubt = doubt or (Doubt(folder, record.path) if same is None else None)
    old = home / _name(workspace)
    if old not in known and old.is_dir():
        return Found(old)  # of a version that kept no records
    for folder, record in known.items():
        if record.path != str(workspace) and not _stands(record):
            same = here.elsewhere(record)
            if same:
                return Found(folder, before=record.path)
            doubt = doubt or (Doubt(folder, record.path) if same is None else None)
    return Found(_new(home, workspace, known), doubt=doubt)


def keep(state: Path, workspace: Path) -> None:
    """Record that this is the state of a workspace as it is now."""
    here, before = _Here(workspace), _read(state)
    roots = before.roots if before is not None and before.roots and here.has(before.roots) else here.roots()
    record = Record(str(workspace), here.inode, here.device, roots)
    if record == before:
        return
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = state / f".{RECORD}-{os.getpid()}"
    draft.write_text(json.dumps(asdict(record)))
    draft.replace(state / RECORD)


class _Here:
    """A workspace as it is now."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        try:
            told = workspace.stat()
        except OSError:
            self.inode = self.device = 0
        else:
            self.inode, self.device = told.st_ino, told.st_dev

    def at_its_path(self, record: Record) -> bool | None:
        """Whether the folder at a record's path is the one that was recorded; None: nobody can tell."""
        if record.roots:
            # Cloned or restored anew it is the same project.
            return self.has(record.roots) or (self.inode == record.inode and not self.roots())
        # File systems are given other numbers when they are mounted again.
        return True if self.inode == record.inode else None

    def elsewhere(self, record: Record) -> bool | None:
        """Whether this is the folder that has gone from a record's path; None: nobody can tell."""
        moved = (self.inode, self.device) == (record.inode, record.device)
        if not record.roots:
            return moved
        if not self.has(record.roots):
            return False
        return True if moved else None

    def has(self, roots: tuple[str, ...]) -> bool:
        """Whether these commits are in the repository of the workspace."""
        return _git(self.workspace, lambda git: all(git.has(root) for root in roots)) or False

    def roots(self) -> tuple[str, ...]:
        """The first commits of the repository, in order; nothing without any."""

        def look(git: GitDirectory) -> tuple[str, ...]:
            told = git.run("rev-list", "--max-parents=0", "HEAD", ok=(0, 128))
            return tuple(sorted(told.text.split())) if told.code == 0 else ()

        return _git(self.workspace, look) or ()


def _git(workspace: Path, look: Callable[[GitDirectory], T]) -> T | None:
    top = next((one for one in (workspace, *workspace.parents) if (one / ".git").exists()), None)
    if top is None:
        return None
    with suppress(WorkspaceError, OSError):
        enclosed.require(top)
        return look(GitDirectory(top / ".git"))
    return None


def _stands(record: Record) -> bool:
    """Whether the folder of a record is where it was."""
    try:
        return Path(record.path).stat().st_ino == record.inode
    except (OSError, ValueError):
        return False


def _read(folder: Path) -> Record | None:
    try:
        told = json.loads(regular.read(folder / RECORD, regular.SMALL))
        return Record(
            str(told["path"]), int(told["inode"]), int(told["device"]), tuple(map(str, told["roots"]))
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _new(home: Path, workspace: Path, known: dict[Path, Record]) -> Path:
    """A state folder that is nobody's yet."""
    number = 0
    while (state := home / _name(workspace, number)) in known:
        number += 1
    return state


def _name(workspace: Path, number: int = 0) -> str:
    marked = os.fsencode(workspace) + (f"\0{number}".encode() if number else b"")
    return f"{workspace.name or 'root'}-{hashlib.sha256(marked).hexdigest()[:12]}"
