"""The person's own repository, which is read here and written by ``delivery`` alone."""

import os
from functools import cached_property
from pathlib import Path

from wainwright.domain.errors import WorkspaceError
from wainwright.workspace.place import Place, is_repository, locate
from wainwright.workspace.plumbing import GitDirectory, printable

_NAMED_MAX = 20
_FILES = ("index", "objects", "info/exclude", "info/attributes", "shallow")
_FORMAT = "--show-object-format"
_UNFINISHED = {
    "MERGE_HEAD": ("A merge", "git merge --abort"),
    "rebase-merge": ("A rebase", "git rebase --abort"),
    "rebase-apply": ("A rebase, or applying of patches,", "git rebase --abort` or `git am --abort"),
    "CHERRY_PICK_HEAD": ("A cherry-pick", "git cherry-pick --abort"),
    "REVERT_HEAD": ("A revert", "git revert --abort"),
}
"""What lies in the git directory while something is half done -> its name, and how to go back."""


class Person:
    """The person's own repository, which is only read here: never its index, HEAD, hooks or settings change."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.git = GitDirectory(place.top / ".git")

    @cached_property
    def head(self) -> str | None:
        """The commit that they are on; None before the first one."""
        return self.git.resolve("HEAD^{commit}")

    @classmethod
    def find(cls, workspace: Path) -> "Person | None":
        """Return the repository that the workspace is the top or a folder of, or None."""
        place = locate(workspace)
        return cls(place) if place else None

    @classmethod
    def at(cls, place: Place) -> "Person | None":
        """Return the repository that begins there, or None."""
        return cls(place) if is_repository(place.top) else None

    def refuse_unfinished(self, git: GitDirectory) -> None:
        """Raise WorkspaceError where files are in conflict, or what git began is not ended.

        Between the two, files may hold both sides and the marks between them, which must not get into a commit.
        ``git`` has a copy of the index.
        """
        paths = sorted({row.partition("\t")[2] for row in git.run("ls-files", "-z", "--unmerged").items})
        if paths:
            more = f" and {len(paths) - _NAMED_MAX} more" if len(paths) > _NAMED_MAX else ""
            names = ", ".join(printable(path) for path in paths[:_NAMED_MAX])
            raise WorkspaceError(
                f"These files are in conflict: {names}{more}.",
                "Resolve them and `git add` them, and end the merge or rebase, or go back "
                "(`git merge --abort`, `git rebase --abort`), then resume.",
            )
        directory = Path(self.git.text("rev-parse", "--absolute-git-dir"))
        for sign, (what, back) in _UNFINISHED.items():
            if (directory / sign).exists():
                raise WorkspaceError(
                    f"{what} is under way in the repository.",
                    f"End it as `git status` says, or go back (`{back}`), then resume.",
                )

    @property
    def object_format(self) -> str:
        """The hash that the repository names its objects by."""
        return self._told[_FORMAT]

    def file(self, name: str) -> Path:
        """Return where git keeps one of ``_FILES`` for this work tree."""
        return self.git.path.parent / self._told[name]

    @cached_property
    def _told(self) -> dict[str, str]:
        """What git says of the repository, asked once."""
        asking = (word for name in _FILES for word in ("--git-path", name))
        said = self.git.text("rev-parse", _FORMAT, *asking).split("\n")
        if len(said) == 1 + len(_FILES):
            return dict(zip((_FORMAT, *_FILES), said, strict=True))
        # A folder above may have a line break in its name.
        one_by_one = {name: self.git.text("rev-parse", "--git-path", name) for name in _FILES}
        return {_FORMAT: self.git.text("rev-parse", _FORMAT), **one_by_one}

    @cached_property
    def unfiltered(self) -> GitDirectory:
        """The repository and its work tree, for commands that read files: its filters are programs, and not run."""
        named = self.git.settings(r"^filter\.")
        off = {name: "false" if name.endswith(".required") else "" for name in named}
        return self.git.within(self.place.top).configured(off)

    def seeing(self, worktree: Path) -> GitDirectory:
        """Return the repository with all attributes that the person's git goes by."""
        return self.git.within(worktree).configured({"core.attributesFile": self.attributes_file})

    @cached_property
    def attributes_file(self) -> str:
        """The file with attributes for all repositories of the person, which need not be there."""
        named = self.git.settings(r"^core\.attributesfile$", owners=True).get("core.attributesfile")
        base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return named or str(Path(base, "git", "attributes"))
