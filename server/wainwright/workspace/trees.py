"""A task's own tree: a checkout that a command chosen by a model may do anything to.

The tree itself holds no ``.git``. Its git directory lies beside it, outside everything that the sandbox
mounts, and every command names both. So a command in the sandbox can plant no setting and no hook, cannot
move a sibling's refs, and a ``.git`` that it makes inside the tree is just a folder which is never looked
into: not at the root, and not deeper down, where the files around it are committed like any others.
Objects are written straight into the private repository, so that a commit is there before its ref is.
"""

import contextlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from wainwright.domain.changes import names_git
from wainwright.workspace.plumbing import GitDirectory
from wainwright.workspace.staging import differing, ignored, stage, untracked


class Committed(BaseModel):
    """Where a tree stands after a commit; without changes ``commit`` is the one it stood on before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    commit: str
    tree: str
    changed: bool


class TaskTree:
    """One task's tree. It has one owner at a time; a lock file left in it is from a process that was killed."""

    def __init__(self, private: GitDirectory, tree: Path) -> None:
        self.path = tree
        self._private = private
        directory = tree.with_name(f"{tree.name}.git")
        self._git = GitDirectory(directory).within(tree, GIT_OBJECT_DIRECTORY=private.path / "objects")

    def create(self, commit: str) -> None:
        """Make the tree, or reset what is there, to stand on ``commit`` with no branch."""
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
        self.restore(commit)

    def head(self) -> str:
        """Return the commit that the tree stands on."""
        return self._git.text("rev-parse", "--verify", "HEAD^{commit}")

    def restore(self, commit: str) -> None:
        """Make every file that is not ignored what it is in ``commit``, and stand on it."""
        self._unlock()
        self._git.run("reset", "--hard", "--quiet", commit)
        self._git.run("clean", "-ffdq")

    def commit(self, message: str, ref: str) -> Committed:
        """Commit all that differs; the private repository's full ``ref`` points to it before this tree does."""
        self._unlock()
        stage(self._git, differing(self._git), self._new_files(self._git, ""))
        tree, parent = self._git.text("write-tree"), self.head()
        differs = tree != self._git.text("rev-parse", f"{parent}^{{tree}}")
        commit = parent
        if differs:
            commit = self._git.text("commit-tree", tree, "-p", parent, "-F", "-", stdin=message.encode())
        self._private.run("update-ref", ref, commit)
        self._git.run("update-ref", "--no-deref", "HEAD", commit)
        return Committed(commit=commit, tree=tree, changed=differs)

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

    def _unlock(self) -> None:
        for name in ("index.lock", "HEAD.lock"):
            (self._git.path / name).unlink(missing_ok=True)
