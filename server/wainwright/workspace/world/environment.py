"""Which files of a workspace its commands need beside the snapshot, and which they are not shown, and why."""

import os
import stat
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from wainwright.domain.errors import WorkspaceError
from wainwright.workspace import enclosed
from wainwright.workspace.plumbing import GitDirectory
from wainwright.workspace.snapshot import LARGE, LARGE_BYTES, NAMED_SECRET, secret_shaped
from wainwright.workspace.staging import Stored, ignored
from wainwright.workspace.world.layer import Layers
from wainwright.workspace.world.walk import Found, Walk

LINK_OUT = "a link that leads out of the workspace"


class Environment(NamedTuple):
    """The name of a layer, empty when nothing is in it, and path -> why it is not shown."""

    name: str
    left_out: dict[str, str]


def take(
    git: GitDirectory,
    layers: Layers,
    index: Mapping[str, Stored],
    turned_away: Container[str],
    dependencies: Iterable[str],
) -> Environment:
    """Take what lies in the work tree of ``git`` beside its ``index``: what a rule ignores, and submodules' files."""
    root = git.worktree
    assert root is not None
    walk = Walk(root, _Either(index, turned_away), frozenset(dependencies))
    submodules = tuple(f"{path}/" for path, one in index.items() if one.mode == "160000")
    found = walk.find()
    theirs = {one.path for one in found if one.path.startswith(submodules)} if submodules else set()
    plain = [one.path for one in found if one.path not in theirs and not stat.S_ISDIR(one.status.st_mode)]
    # What appeared a moment ago is no part of the snapshot, and would be taken for the task's work here.
    shown = {*theirs, *ignored(git, plain)}
    kept = _Kept(root, submodules)
    chosen = []
    for one in found:
        reason = _why_not(root, one, kept)
        if one.path not in shown and not stat.S_ISDIR(one.status.st_mode):
            continue
        if reason:
            walk.left_out[one.path] = reason
        else:
            chosen.append(one)
    name, left_out = layers.take(root, chosen)
    return Environment(name, {**walk.left_out, **left_out})


class _Either:
    def __init__(self, one: Container[str], other: Container[str]) -> None:
        self._one, self._other = one, other

    def __contains__(self, path: object) -> bool:
        return path in self._one or path in self._other


class _Kept:
    """What submodules keep in their own repositories, looked up when it matters."""

    def __init__(self, root: Path, submodules: Iterable[str]) -> None:
        self._root = root
        self._submodules = submodules
        self._known: dict[str, frozenset[str]] = {}

    def __contains__(self, path: object) -> bool:
        return any(str(path) in self._in(top) for top in self._submodules if str(path).startswith(top))

    def _in(self, top: str) -> frozenset[str]:
        if top not in self._known:
            git = GitDirectory(self._root / top / ".git").within(self._root / top)
            try:
                enclosed.require(self._root / top)
                paths = git.run("ls-files", "-z", "--recurse-submodules").items
            except WorkspaceError:
                paths = []
            self._known[top] = frozenset(top + path for path in paths)
        return self._known[top]


def _why_not(root: Path, one: Found, kept: Container[str]) -> str:
    if stat.S_ISREG(one.status.st_mode) and one.status.st_size > LARGE_BYTES:
        return LARGE
    if stat.S_ISLNK(one.status.st_mode) and not _stays_inside(root, one.path):
        return LINK_OUT
    return NAMED_SECRET if secret_shaped(one.path) and one.path not in kept else ""


def _stays_inside(root: Path, path: str) -> bool:
    place = root / path
    said = Path(os.path.normpath(place.parent / place.readlink()))
    real = Path(os.path.realpath(place))
    return said.is_relative_to(root) and real.is_relative_to(os.path.realpath(root))
