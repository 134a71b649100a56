"""One checkout of a workspace that stands in the state directory, and that task trees are made from as hard links.

So a tree of twenty thousand files costs neither their writing nor their room, and the last tree that was done with is
kept as a spare: little of it differs from what the next one is to hold. Nothing may ever write to a file of
such a tree in place: git replaces files, so does whoever edits, and commands write to an overlay. Here, too, only git
writes, and what an earlier tree has linked stays what it was when this checkout moves on.
"""

import fcntl
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from wainwright.domain.errors import OutsideBoundary
from wainwright.sandbox import clearing
from wainwright.workspace import native, times
from wainwright.workspace.place import Place
from wainwright.workspace.plumbing import GitDirectory

FOLDER = "checkout"
"""The folder of the state directory that it stands in."""
SPARE = "spare"
"""The folder beside it that is the next tree."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_RULES = ("config", "info/exclude", "info/attributes", "shallow")
# A link that another tree takes or drops is no change of the file. The file's number tells when it was replaced.
_LINKED = b"\n[core]\n\ttrustctime = false\n[index]\n\tversion = 4\n"


class StandingCheckout:
    """The checkout of one workspace. Many may read it at a time, and it moves when nobody does."""

    def __init__(self, private: GitDirectory, state: Path, place: Callable[[], Place]) -> None:
        """``place`` tells where the person has the files that the commits are of."""
        self._place = place
        self._private = private
        self._folder = state / FOLDER
        self._tree = self._folder / "tree"
        self._git = GitDirectory(self._tree.with_name("tree.git")).within(
            self._tree, GIT_OBJECT_DIRECTORY=private.path / "objects"
        )

    @contextmanager
    def standing_on(self, commit: str, beneath: Path | None) -> Iterator[Path | None]:
        """Have it stand on a commit for as long as its tree is only read; None while others read another one.

        The files of ``beneath``, a folder of the environment's, are in the tree where the commit has nothing.
        """
        with self._opened() as handle:
            if _locked(handle, fcntl.LOCK_EX):
                self._stand_on(commit, beneath)
            # In between somebody else may move it.
            shared = _locked(handle, fcntl.LOCK_SH)
            yield self._tree if shared and self._stood()[:2] == [commit, str(beneath or "")] else None

    def stand_on(
        self,
        commit: str,
        beneath: Path | None,
        borrowing: GitDirectory,
        standing: Callable[[Path], None] | None = None,
    ) -> None:
        """Have it stand on a commit where nobody is in the way, with the objects that ``borrowing`` can read.

        ``standing`` is told the workspace in it.
        """
        borrowed = borrowing.environment.get("GIT_ALTERNATE_OBJECT_DIRECTORIES")
        with self._opened() as handle:
            if not _locked(handle, fcntl.LOCK_EX):
                return
            self._stand_on(commit, beneath, borrowed)
        if standing is not None:
            standing(self._place().within(self._tree))

    def tell_at_once(self, standing: Callable[[Path], None]) -> Callable[[Path], None] | None:
        """Tell the workspace in it now, if it stands on anything; else return whom to tell when it does."""
        if not self._stood():
            return standing
        standing(self._place().within(self._tree))
        return None

    def link(self, commit: str, beneath: Path | None, tree: Path, directory: Path) -> None:
        """Make ``tree``, with its git ``directory``, stand on ``commit``; neither is there yet."""
        with self._opened() as handle:
            if _locked(handle, fcntl.LOCK_EX):
                self._stand_on(commit, beneath)
            fcntl.flock(handle, fcntl.LOCK_SH)
            stood = self._stood()[:2]
            if len(stood) != 2:
                # Whoever moved it meanwhile was cut short.
                fcntl.flock(handle, fcntl.LOCK_EX)
                self._stand_on(commit, beneath)
                stood = self._stood()[:2]
            _make(directory, self._rules(), commit)
            self._fill(tree)
            # Last: without an index git looks at everything, should this have been cut short.
            # Git replaces an index, too.
            (directory / "index").hardlink_to(self._git.path / "index")
        git = GitDirectory(directory).within(tree, GIT_OBJECT_DIRECTORY=self._private.path / "objects")
        if stood[0] != commit:
            git.run("reset", "--hard", "--quiet", commit)
        if stood != [commit, str(beneath or "")]:
            git.run("clean", "-ffdxq")
            if beneath is not None:
                native.lay(beneath, tree, linked=True)

    def keep(self, tree: Path) -> bool:
        """Take a tree of links that nobody needs any more as the spare, whatever is in it; False where it stays."""
        try:
            tree.rename(self._spare)
        except OSError:
            # Most often there is one already.
            return False
        return True

    @property
    def _spare(self) -> Path:
        return self._folder / SPARE

    def _fill(self, tree: Path) -> None:
        tree.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._spare.rename(tree)
        except FileNotFoundError:
            tree.mkdir(mode=0o700)
        try:
            native.align(self._tree, tree)
        except (OSError, OutsideBoundary):
            # The spare was made something that can only be removed.
            clearing.remove(tree)
            tree.mkdir(mode=0o700)
            native.align(self._tree, tree)

    @contextmanager
    def _opened(self) -> Iterator[TextIO]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / "lock").open("a") as handle:
            yield handle

    def _stood(self) -> list[str]:
        stands = self._folder / "stands"
        return stands.read_text().split("\n") if stands.is_file() else []

    def _stand_on(self, commit: str, beneath: Path | None, borrowed: str | None = None) -> None:
        rules = self._rules()
        how = hashlib.sha256(b"\0".join(rules.values())).hexdigest()
        # After a power cut files may be shorter than git knows: it looks at each again.
        boot = _BOOT.read_text().strip() if _BOOT.exists() else ""
        wanted, stood = [commit, str(beneath or ""), how, boot], self._stood()
        if stood == wanted:
            return
        (self._folder / "stands").unlink(missing_ok=True)
        there = self._tree.exists()
        self._tree.mkdir(mode=0o700, exist_ok=True)
        _make(self._git.path, rules, commit)
        for name in ("index.lock", "HEAD.lock"):
            (self._git.path / name).unlink(missing_ok=True)
        if stood[2:3] != [how]:
            # The same commit gives other files under other rules.
            (self._git.path / "index").unlink(missing_ok=True)
        git = self._git.within(GIT_ALTERNATE_OBJECT_DIRECTORIES=borrowed)
        git.run("reset", "--hard", "--quiet", commit)
        if there:
            git.run("clean", "-ffdxq")
        times.take_over(git, self._tree, self._place())
        if beneath is not None:
            native.lay(beneath, self._tree, linked=True)
        _write(self._folder / "stands", "\n".join(wanted).encode())

    def _rules(self) -> dict[str, bytes]:
        """What the private repository says about how files are checked out."""
        found = {}
        for name in _RULES:
            with suppress(FileNotFoundError):
                found[name] = (self._private.path / name).read_bytes()
        return {**found, "config": found.get("config", b"") + _LINKED}


def _locked(handle: TextIO, how: int) -> bool:
    """Take a lock if nobody is in the way."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make(directory: Path, rules: dict[str, bytes], commit: str) -> None:
    """Make a git directory whose objects are in the private repository."""
    for folder in ("objects", "refs", "info"):
        (directory / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in {**rules, "HEAD": f"{commit}\n".encode()}.items():
        _write(directory / name, content)


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(f"{path.name}.fresh")
    fresh.write_bytes(content)
    fresh.replace(path)
