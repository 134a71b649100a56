"""Where a workspace lies in the repository around it: paths of the one in words of the other."""

import os
import posixpath
from pathlib import Path
from typing import NamedTuple

from wainwright.domain.changes import names_git
from wainwright.domain.errors import WorkspaceError
from wainwright.workspace import enclosed
from wainwright.workspace.plumbing import GitDirectory
from wainwright.workspace.staging import ignored


class Place(NamedTuple):
    """The top folder of a repository, and the way from there to the workspace: empty, or ending with a slash."""

    top: Path
    prefix: str = ""

    def outer(self, path: str) -> str:
        """Return a path of the workspace as the repository has it."""
        return posixpath.normpath(f"{self.prefix}{path}") if self.prefix else path

    def inner(self, path: str) -> str:
        """Return a path of the repository as the workspace has it; ``../`` leads out of the workspace."""
        if not self.prefix:
            return path
        inside = path.startswith(self.prefix)
        return path.removeprefix(self.prefix) if inside else posixpath.relpath(path, self.prefix)

    def within(self, tree: Path) -> Path:
        """Return where the workspace lies in a checkout of the repository."""
        return tree / self.prefix if self.prefix else tree

    def around(self, workspace: Path) -> Path:
        """Return the checkout of the repository in which the workspace is this folder."""
        return workspace.parents[self.prefix.count("/") - 1] if self.prefix else workspace


def locate(workspace: Path) -> Place | None:
    """Return where the repository of a workspace begins: at the folder itself or above it. None without one.

    A repository above is that of the workspace if it has files there, or would take them: what it ignores is none of
    its. The person's home, under git as a whole, and one without a commit are only the repository of what they have.
    One above that belongs to somebody else, as may lie in a folder for all, is none. Raises WorkspaceError for one
    that leads out of itself.
    """
    ceilings = {Path(one) for one in os.environ.get("GIT_CEILING_DIRECTORIES", "").split(":") if one}
    try:
        told = workspace.stat()
        device, owners = told.st_dev, (told.st_uid, os.geteuid())
        for top in (workspace, *workspace.parents):
            if top != workspace and (top in ceilings or top.stat().st_dev != device):
                return None
            if top != workspace and _owner(top / ".git") not in owners:
                continue
            if is_repository(top):
                prefix = "" if top == workspace else f"{workspace.relative_to(top).as_posix()}/"
                place = Place(top, prefix)
                return place if not prefix or _takes(place) else None
    except OSError:
        pass
    return None


def _owner(place: Path) -> int | None:
    try:
        return place.lstat().st_uid
    except FileNotFoundError:
        return None


def is_repository(top: Path) -> bool:
    """Tell whether a folder is the top of a work tree. Raises WorkspaceError for one that leads out of itself."""
    dot_git = top / ".git"
    if not dot_git.exists():
        return False
    enclosed.require(top)
    return GitDirectory(dot_git).run("rev-parse", "--git-dir", ok=(0, 128)).code == 0


def _takes(place: Place) -> bool:
    git = GitDirectory(place.top / ".git").within(place.top)
    if names_git(place.prefix):
        return False
    try:
        if git.run("ls-files", "-z", "--", place.prefix).out:
            return True
        if Path.home().is_relative_to(place.top) or git.resolve("HEAD^{commit}") is None:
            return False
        return not ignored(git, [place.prefix])
    except (WorkspaceError, RuntimeError):
        return False
