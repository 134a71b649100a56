"""What lies behind pointers: a snapshot has the pointers of Git LFS, and commands find the contents the person has.

The contents are shown over the pointers, each a file of its own and read-only. A task's tree never holds them, so no
commit can take one for a change.
"""

from collections.abc import Iterable
from pathlib import Path

from wainwright.sandbox.protocol import Layer
from wainwright.workspace.plumbing import GitDirectory
from wainwright.workspace.world.environment import Environment
from wainwright.workspace.world.layer import Layers
from wainwright.workspace.world.walk import Found

SHOWN = "a Git LFS file: commands find its content and cannot change it, commits keep its pointer"
TOO_MANY = "a Git LFS file: commands find its pointer, as more than 500 contents are not shown"
_SHOWN_MAX = 500


def take(git: GitDirectory, layers: Layers, pointers: Iterable[str]) -> Environment:
    """Take what the work tree of ``git`` has at these paths, of which the snapshot has pointers; name them all."""
    root = git.worktree
    assert root is not None
    paths = sorted(pointers)
    some, others = paths[:_SHOWN_MAX], paths[_SHOWN_MAX:]
    name, left_out = layers.take(root, [Found(path, (root / path).lstat()) for path in some])
    told = {**dict.fromkeys(some, SHOWN), **dict.fromkeys(others, TOO_MANY)}
    return Environment(name, {**told, **left_out})


def shown(folder: Path | None) -> tuple[Layer, ...]:
    """Return the layers that show the contents in a folder that was taken."""
    if folder is None:
        return ()
    files = sorted(one for one in folder.rglob("*") if one.is_file())
    return tuple(
        Layer(at=one.relative_to(folder), sources=(one.readlink() if one.is_symlink() else one,))
        for one in files
    )
