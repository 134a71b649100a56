"""A task's own tree: a checkout that a command chosen by a model may do anything to.

The tree itself holds no ``.git``. Its git directory lies beside it, outside everything that the sandbox
mounts, and every command names both. So a command in the sandbox can plant no setting and no hook, cannot
move a sibling's refs, and a ``.git`` that it makes inside the tree is just a folder which is never looked
into: not at the root, and not deeper down, where the files around it are committed like any others.
Objects are written straight into the private repository, so that a commit is there before its ref is.
"""

import contextlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict

from wainwright.domain.changes import names_git
from wainwright.sandbox import clearing
from wainwright.sandbox.protocol import layers_beside
from wainwright.workspace import filters, native
from wainwright.workspace.dependencies import leftover
from wainwright.workspace.plumbing import GitDirectory
from wainwright.workspace.snapshot import secret_shaped
from wainwright.workspace.staging import differing, ignored, stage, untracked
from wainwright.workspace.standing import StandingCheckout


class Committed(BaseModel):
    """Where a tree stands after a commit; without changes ``commit`` is the one it stood on before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    commit: str
    tree: str
    changed: bool


_LINKED = "linked"
"""A file in the git directory of a tree that is made of links, so that nobody writes there in place."""


def directory_beside(tree: Path) -> Path:
    """Return the git directory of a task's tree."""
    return tree.with_name(f"{tree.name}.git")


class TaskTree:
    """One task's tree. It has one owner at a time; a lock file left in it is from a process that was killed."""

    def __init__(self, private: GitDirectory, tree: Path, standing: StandingCheckout | None = None) -> None:
        """``standing``: what a new tree is linked from; None where commands write to the tree in place."""
        self.path = tree
        self._private = private
        self._standing = standing
        self._git = GitDirectory(directory_beside(tree)).within(
            tree, GIT_OBJECT_DIRECTORY=private.path / "objects"
        )

    def create(self, commit: str, beneath: Path | None = None) -> None:
        """Make the tree, or reset what is there, to stand on ``commit`` with no branch.

        The files of ``beneath``, a folder of the environment's, are there, too, where the commit has nothing. Rules
        ignore them, so no commit takes them. They are linked or copied as the tree is.
        """
        clearing.remove(layers_beside(self.path))
        if self._standing is None:
            if self._mark.exists():
                # Nobody may write to links in place.
                self.remove()
            self._check_out(commit)
        elif self.path.exists() and self._mark.exists():
            self._check_out(commit)
        else:
            if self.path.exists() or self._git.path.exists():
                # What was cut short may hold what rules ignore.
                self.remove()
            self._standing.link(commit, beneath, self.path, self._git.path)
            self._mark.touch()
        self._noted.write_text(str(beneath or ""))
        self._lay_beneath()

    def _check_out(self, commit: str) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        hashing = f"--object-format={self._private.text('rev-parse', '--show-object-format')}"
        GitDirectory(self._git.path).run("init", "--bare", "--quiet", "--template=", hashing)
        for shared in ("config", "info/exclude", "info/attributes"):
            copy = self._git.path / shared
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes((self._private.path / shared).read_bytes())
        with contextlib.suppress(FileNotFoundError):
            (self._git.path / "shallow").write_bytes((self._private.path / "shallow").read_bytes())
        self._unlock()
        # An index left by a process that was killed may be broken, and it saves little.
        (self._git.path / "index").unlink(missing_ok=True)
        self._git.run("update-ref", "--no-deref", "HEAD", commit)
        self._reset(commit)

    def remove(self) -> None:
        """Remove the tree and its git directory, and their folder if nothing else is in it.

        One tree of links is kept beside the standing checkout, for the next tree to be made of.
        """
        if self._standing is None or not self._mark.exists() or not self._standing.keep(self.path):
            clearing.remove(self.path)
        for folder in (layers_beside(self.path), self._git.path):
            clearing.remove(folder)
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()

    def head(self) -> str:
        """Return the commit that the tree stands on."""
        return self._git.text("rev-parse", "--verify", "HEAD^{commit}")

    def restore(self, commit: str) -> None:
        """Make every file that is not ignored what it is in ``commit``, and stand on it."""
        self._reset(commit)
        self._lay_beneath()

    def commit(self, message: str, ref: str, written: Iterable[str] = ()) -> Committed:
        """Commit all that differs; the private repository's full ``ref`` points to it before this tree does.

        New files that a rule ignores stay out, but not the ``written`` ones.
        """
        self._unlock()
        clearing.open_up(self.path)
        parent, tree = self._git.text("rev-parse", "HEAD^{commit}", "HEAD^{tree}").split()
        beneath = self._beneath()
        # A task that drops the rule which keeps these out has not made them.
        found = (path for path in self._new_files(self._git, "") if not (beneath and _lies(beneath / path)))
        new = [*found, *(path for path in written if (self.path / path).is_file())]
        before, commit = tree, parent
        differs = differing(self._git)
        for path in (*differs, *new):
            _let_be_read(self.path / path)
        stage(self._git, differs, new)
        tree = self._git.text("write-tree")
        if tree != before:
            commit = self._git.text("commit-tree", tree, "-p", parent, "-F", "-", stdin=message.encode())
        self._private.run("update-ref", ref, commit)
        if commit != parent:
            self._git.run("update-ref", "--no-deref", "HEAD", commit)
        return Committed(commit=commit, tree=tree, changed=commit != parent)

    def hidden(self) -> list[str]:
        """Return files that are no part of a commit because a rule ignores them; a folder of them ends with /."""
        how = ("--others", "--ignored", "--exclude-standard", "--directory", "--no-empty-directory")
        found = self._git.run("ls-files", "-z", *how).items
        # What every command leaves is not worth a word.
        return [path for path in found if not leftover(f"{path}x")]

    def why_not_kept(self, path: str) -> str:
        """Return why a file that is written here would not be in any commit; empty when it would be."""
        above = [str(folder) for folder in PurePosixPath(path).parents][:-1]
        rows = self._git.run("ls-tree", "-z", "HEAD", "--", *above).items if above else []
        submodules = [row.partition("\t")[2] for row in rows if row.startswith("160000")]
        if submodules:
            return f"{path} lies in the submodule {submodules[0]}, which has a repository of its own"
        if links := [folder for folder in above if (self.path / folder).is_symlink()]:
            return f"{links[0]} is a link, and nothing is written through one"
        if self._is_pointer(path):
            return f"{path} is a Git LFS file, of which only the pointer is kept here"
        if not ignored(self._git, [path]):
            return ""
        if folder := leftover(path):
            return f"{path} is ignored: {folder} is for what is installed, built or cached"
        if secret_shaped(path):
            return f"{path} is ignored and named like a secret"
        return ""

    def _is_pointer(self, path: str) -> bool:
        size = self._git.run("cat-file", "-s", f"HEAD:{path}", ok=(0, 128)).text
        small = size.isdigit() and int(size) < filters.POINTER_MAX
        return small and filters.reads_as_pointer(self._git.run("cat-file", "-p", f"HEAD:{path}").out)

    def _new_files(self, git: GitDirectory, prefix: str) -> list[str]:
        """List untracked files, those around a planted ``.git`` included, relative to the tree."""
        found = [prefix + path for path in untracked(git)]
        nested = [path for path in found if path.endswith("/")]
        plain = [path for path in found if not path.endswith("/") and not names_git(path)]
        if prefix:
            outer = ignored(self._git, plain)
            plain = [path for path in plain if path not in outer]
        for folder in nested:
            # Seen from inside, git takes the folder for an ordinary work tree with nothing in its index.
            inner = self._git.within(self.path / folder, GIT_INDEX_FILE=self._git.path / "no-index")
            plain += self._new_files(inner, folder)
        return plain

    @property
    def _mark(self) -> Path:
        return self._git.path / _LINKED

    @property
    def _noted(self) -> Path:
        return self._git.path / "beneath"

    def _reset(self, commit: str) -> None:
        self._unlock()
        clearing.open_up(self.path)
        self._git.run("reset", "--hard", "--quiet", commit)
        self._git.run("clean", "-ffdq")

    def _lay_beneath(self) -> None:
        if beneath := self._beneath():
            native.lay(beneath, self.path, linked=self._mark.exists())

    def _beneath(self) -> Path | None:
        said = self._noted.read_text() if self._noted.is_file() else ""
        return Path(said) if said else None

    def _unlock(self) -> None:
        for name in ("index.lock", "HEAD.lock"):
            (self._git.path / name).unlink(missing_ok=True)


def _let_be_read(file: Path) -> None:
    with contextlib.suppress(OSError):
        mode = file.lstat().st_mode
        if stat.S_ISREG(mode) and not mode & stat.S_IRUSR:
            file.chmod(stat.S_IMODE(mode) | stat.S_IRUSR)


def _lies(place: Path) -> bool:
    return os.path.lexists(place)
