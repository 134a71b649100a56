"""One checkout of a workspace that stands in the state directory, and that task trees are made from as hard links.

So a tree of twenty thousand files costs neither their writing nor their room. Nothing may ever write to a file of
such a tree in place: git replaces files, so does whoever edits, and commands write to an overlay. Here, too, only git
writes, and what an earlier tree has linked stays what it was when this checkout moves on.
"""

import fcntl
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wainwright.workspace import native, times
from wainwright.workspace.place import Place
from wainwright.workspace.plumbing import GitDirectory

FOLDER = "checkout"
"""The folder of the state directory that it stands in."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_RULES = ("config", "info/exclude", "info/attributes", "shallow")
# A link that another tree takes or drops is no change of the file. The file's number tells when it was replaced.
_LINKED = b"\n[core]\n\ttrustctime = false\n[index]\n\tversion = 4\n"


class StandingCheckout:
    """The checkout of one workspace; threads and processes take turns."""

    def __init__(self, private: GitDirectory, state: Path, place: Callable[[], Place]) -> None:
        """``place`` tells where the person has the files that the commits are of."""
        self._place = place
        self._private = private
        self._folder = state / FOLDER
        self._tree = self._folder / "tree"
        self._git = GitDirectory(self._folder / "git").within(
            self._tree, GIT_OBJECT_DIRECTORY=private.path / "objects"
        )

    def link(self, commit: str, tree: Path, directory: Path) -> None:
        """Make ``tree``, with its git ``directory``, stand on ``commit``; neither is there yet."""
        with self._locked():
            self._stand_on(commit)
            _make(directory, self._rules(), commit)
            tree.mkdir(mode=0o700, parents=True)
            native.lay(self._tree, tree, linked=True)
            # Last: without an index git looks at everything, should this have been cut short.
            # Git replaces an index, too.
            (directory / "index").hardlink_to(self._git.path / "index")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / "lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _stand_on(self, commit: str) -> None:
        rules = self._rules()
        how = hashlib.sha256(b"\0".join(rules.values())).hexdigest()
        # After a power cut files may be shorter than git knows: it looks at each again.
        stands = self._folder / "stands"
        wanted = [commit, how, _BOOT.read_text().strip() if _BOOT.exists() else ""]
        stood = stands.read_text().split("\n") if stands.is_file() else []
        if stood == wanted:
            return
        stands.unlink(missing_ok=True)
        self._tree.mkdir(mode=0o700, exist_ok=True)
        _make(self._git.path, rules, commit)
        for name in ("index.lock", "HEAD.lock"):
            (self._git.path / name).unlink(missing_ok=True)
        if stood[1:2] != [how]:
            # The same commit gives other files under other rules.
            (self._git.path / "index").unlink(missing_ok=True)
        self._git.run("reset", "--hard", "--quiet", commit)
        self._git.run("clean", "-ffdxq")
        times.take_over(self._git, self._tree, self._place())
        _write(stands, "\n".join(wanted).encode())

    def _rules(self) -> dict[str, bytes]:
        """What the private repository says about how files are checked out."""
        found = {}
        for name in _RULES:
            with suppress(FileNotFoundError):
                found[name] = (self._private.path / name).read_bytes()
        return {**found, "config": found.get("config", b"") + _LINKED}


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
