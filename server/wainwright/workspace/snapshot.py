"""What the person sees, as a git tree: their HEAD, their working tree and their unsaved buffers.

All work happens in the private repository with an index of its own. It starts as a copy of the person's
index, because that carries what HEAD does not know: staged files that are ignored otherwise, sparse
checkouts, and which files are unchanged since git last looked (so that they need not be read, and a file
that their git stores in another form, as LFS does, keeps that form). Objects that only the person's
repository holds are borrowed while the tree is made, and copied before anything relies on it.
"""

import os
import re
import shutil
import stat
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict

from wainwright.domain.changes import names_git
from wainwright.workspace.files import encoded
from wainwright.workspace.plumbing import GitDirectory, printable, quote

_LARGE_BYTES = 10 * 1024 * 1024
_OPEN_NAMES = re.compile(
    r"\.env\.(example|sample|template|dist)"
    r"|credentials.*\.(py|rs|go|[jt]sx?|java|kt|rb|php|cs|swift|c|cc|cpp|h|hpp|md|html|css|vue)"
)
_SECRET_NAMES = re.compile(
    r"\.env.*|.*\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk)|id_(rsa|dsa|ecdsa|ed25519).*|credentials.*"
    r"|\.(npmrc|netrc|pypirc|pgpass|htpasswd|git-credentials)|_netrc|service[-_]account.*\.json|secrets\.\w+"
)
_SECRET_FOLDERS = frozenset({".ssh", ".aws", ".gnupg", ".kube"})

_SURE_DEPENDENCIES = frozenset({".venv", "venv", "node_modules", "__pypackages__", ".tox"})
_LIKELY_DEPENDENCIES = frozenset({"target"})
_DEPENDENCY_DEPTH = 3
_EXCLUDED = ("/.wainwright/", "__pycache__/", *(f"{name}/" for name in sorted(_SURE_DEPENDENCIES)))
_EVERYDAY_SETTINGS = r"^core\.(autocrlf|eol|excludesfile|filemode|ignorecase|precomposeunicode|symlinks)$"


class Skipped(BaseModel):
    """A file or folder that the person has but the snapshot has not, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    reason: str


class Snapshot(BaseModel):
    """The base of a run.

    ``commit`` is the person's own HEAD commit when nothing differs from it, else a commit on top of it.
    ``head`` is None in a folder without git, and before the first commit. ``dirty``: the tree differs from HEAD's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    commit: str
    tree: str
    head: str | None
    dirty: bool
    skipped: tuple[Skipped, ...]


def secret_shaped(path: str) -> bool:
    """Tell whether a relative path is named like something that holds secrets."""
    *folders, name = PurePosixPath(path.lower()).parts or ("",)
    if _SECRET_FOLDERS.intersection(folders):
        return True
    return bool(_SECRET_NAMES.fullmatch(name)) and not _OPEN_NAMES.fullmatch(name)


class Person:
    """The person's own repository, which is only read here: never its index, HEAD, hooks or settings change."""

    def __init__(self, git: GitDirectory) -> None:
        self.git = git
        self.head = git.resolve("HEAD^{commit}")

    @classmethod
    def find(cls, workspace: Path) -> "Person | None":
        """Return the repository whose work tree is exactly this folder, or None."""
        dot_git = workspace / ".git"
        if not dot_git.exists():
            return None
        git = GitDirectory(dot_git)
        return cls(git) if git.run("rev-parse", "--git-dir", ok=(0, 128)).code == 0 else None

    @property
    def object_format(self) -> str:
        """The hash that the repository names its objects by."""
        return self.git.text("rev-parse", "--show-object-format")

    def place(self, name: str) -> Path:
        """Return where git keeps ``name`` (index, objects, info/exclude, shallow) for this work tree."""
        return self.git.path.parent / self.git.text("rev-parse", "--git-path", name)

    def settings(self) -> dict[str, str]:
        """Return the person's settings that decide how bytes on disk become bytes in git."""
        return everyday_settings(self.git.within(GIT_CONFIG_GLOBAL=Path.home() / ".gitconfig"))


class Taker:
    """Makes the tree of one snapshot, with the private repository and the person's, if there is one."""

    def __init__(self, private: GitDirectory, workspace: Path, person: Person | None) -> None:
        self._workspace = workspace
        self._person = person
        self._private = private
        self._skipped: dict[str, str] = {}

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What was left out, sorted by path."""
        return tuple(
            Skipped(path=printable(path), reason=self._skipped[path]) for path in sorted(self._skipped)
        )

    @contextmanager
    def borrowing(self) -> Iterator[GitDirectory]:
        """Yield the private repository with a fresh private index, reading the person's objects as well."""
        index = self._private.path / f"snapshot-{uuid.uuid4().hex}"
        git = self._private.within(self._workspace, GIT_INDEX_FILE=index)
        if self._person is not None:
            git = git.within(GIT_ALTERNATE_OBJECT_DIRECTORIES=_as_list_item(self._person.place("objects")))
        try:
            yield git
        finally:
            index.unlink(missing_ok=True)
            index.with_name(f"{index.name}.lock").unlink(missing_ok=True)

    def tree(self, git: GitDirectory, overlay: Mapping[str, str]) -> str:
        """Write the tree of what the person sees and return its name; ``git`` comes from ``borrowing``."""
        self._start_index(git)
        modes = tracked(git)
        self._skipped.update({path: "submodule" for path, mode in modes.items() if mode == "160000"})
        others = [path for path in untracked(git) if self._welcome(path)]
        stage(git, others)
        self._stage_overlay(git, overlay, modes)
        return git.text("write-tree")

    def _start_index(self, git: GitDirectory) -> None:
        if self._person is None:
            return
        source, copy = self._person.place("index"), Path(git.environment["GIT_INDEX_FILE"])
        if source.is_file():
            # The time stamp comes along: git compares it with those of the files to find late changes.
            shutil.copy2(source, copy)
            if git.run("ls-files", "--stage", ok=(0, 128)).code == 0:
                return
            # It leans on a second file (a split index): HEAD is the next best beginning.
            copy.unlink()
        if self._person.head is not None:
            git.run("read-tree", self._person.head)

    def _welcome(self, path: str) -> bool:
        """Decide on one untracked path; what is turned away is listed with the reason."""
        reason = self._reason_to_skip(path)
        if reason:
            self._skipped[path.rstrip("/")] = reason
        return not reason

    def _reason_to_skip(self, path: str) -> str:
        if path.endswith("/"):
            return "nested repository"
        if printable(path) != path:
            return "name is not UTF-8"
        if names_git(path):
            return "name is reserved"
        if secret_shaped(path):
            return "named like a secret"
        place = self._workspace / path
        try:
            status = place.lstat()
        except OSError:
            return "vanished"
        if stat.S_ISREG(status.st_mode) and status.st_size > _LARGE_BYTES:
            return "larger than 10 MB"
        if stat.S_ISREG(status.st_mode) and not os.access(place, os.R_OK):
            return "unreadable"
        return ""

    def _stage_overlay(self, git: GitDirectory, overlay: Mapping[str, str], modes: Mapping[str, str]) -> None:
        """Put unsaved text over what is on disk, with the same rules for files that git does not track."""
        entries = []
        for path, text in sorted(overlay.items()):
            place = self._real(path)
            if place is None:
                self._skipped[path] = "not a file of the workspace"
                continue
            if place not in modes and not self._overlay_welcome(git, place):
                continue
            name = git.text("hash-object", "-w", "--stdin", f"--path={place}", stdin=encoded(text))
            entries.append(f"{self._mode(place, modes)} {name} 0\t{place}")
        if entries:
            git.run("update-index", "--replace", "-z", "--index-info", stdin=quote(entries))

    def _real(self, path: str) -> str | None:
        """Follow links: an editor that opened a link edits its target. None outside the workspace."""
        root = self._workspace.resolve()
        try:
            place = (root / path).resolve().relative_to(root).as_posix()
        except (ValueError, OSError, RuntimeError):
            return None
        nested = any(place == skip or place.startswith(f"{skip}/") for skip in self._folders_skipped())
        return None if names_git(place) or nested else place

    def _folders_skipped(self) -> list[str]:
        return [
            path for path, reason in self._skipped.items() if reason in {"submodule", "nested repository"}
        ]

    def _overlay_welcome(self, git: GitDirectory, path: str) -> bool:
        if ignored(git, [path]):
            self._skipped[path] = "ignored"
        elif secret_shaped(path):
            self._skipped[path] = "named like a secret"
        else:
            return True
        return False

    def _mode(self, path: str, modes: Mapping[str, str]) -> str:
        if modes.get(path) in {"100644", "100755"}:
            return modes[path]
        return "100755" if os.access(self._workspace / path, os.X_OK) else "100644"


def everyday_settings(git: GitDirectory) -> dict[str, str]:
    """Return the settings about line ends, ignored files and file modes; none of them can run a program."""
    reply = git.run("config", "--null", "--get-regexp", _EVERYDAY_SETTINGS, ok=(0, 1, 128))
    pairs = (item.partition("\n") for item in reply.items)
    return {name: value if given else "true" for name, given, value in pairs}


def tracked(git: GitDirectory) -> dict[str, str]:
    """Return every path of the index with its mode."""
    rows = (item.partition("\t") for item in git.run("ls-files", "-z", "--stage").items)
    return {path: entry.split(" ", 1)[0] for entry, _, path in rows}


def untracked(git: GitDirectory) -> list[str]:
    """Return files that git does not track and no rule ignores; a nested repository ends with a slash."""
    return git.run("ls-files", "-z", "--others", "--exclude-standard").items


def ignored(git: GitDirectory, paths: Sequence[str]) -> set[str]:
    """Return those of the untracked paths that a rule ignores."""
    if not paths:
        return set()
    # This command refuses the literal mode that all others run in; "./" keeps a name from being read as magic.
    plain = git.within(GIT_LITERAL_PATHSPECS="0")
    reply = plain.run("check-ignore", "-z", "--stdin", stdin=quote(f"./{path}" for path in paths), ok=(0, 1))
    return {path.removeprefix("./") for path in reply.items}


def stage(git: GitDirectory, new: Iterable[str]) -> None:
    """Bring the index in line with all tracked files and the ``new`` ones; submodules are not looked into."""
    items = git.run("diff-files", "-z", "--name-status", "--ignore-submodules=all").items
    rows = list(zip(items[::2], items[1::2], strict=True))
    there = [path for status, path in rows if status != "D" and _can_hold(git, path)]
    # Named as gone, because git refuses a path where a folder is a link now, or the file a pipe.
    gone = sorted({path for _, path in rows}.difference(there))
    git.run("update-index", "--force-remove", "-z", "--stdin", stdin=quote(gone))
    adding = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")
    git.run(*adding, stdin=quote([*there, *new]))


def _can_hold(git: GitDirectory, path: str) -> bool:
    assert git.worktree is not None
    try:
        mode = (git.worktree / path).lstat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode)


def dependencies(
    workspace: Path, is_tracked: Callable[[str], bool], is_ignored: Callable[[str], bool]
) -> list[str]:
    """Return the folders of installed dependencies and build output that git does not track, sorted.

    Folders named ``target`` count when a rule ignores them or their maker marked them as a cache.
    """
    found = []
    for path in _candidates(workspace, workspace, _DEPENDENCY_DEPTH):
        name = path.relative_to(workspace).as_posix()
        sure = path.name not in _LIKELY_DEPENDENCIES or (path / "CACHEDIR.TAG").is_file()
        if not is_tracked(name) and (sure or is_ignored(name)):
            found.append(name)
    return sorted(found)


def exclude_rules(persons: str, found: Iterable[str]) -> str:
    """Return the text of the private exclude file; the person's own rules come last and win."""
    anchored = (re.sub(r"([\\*?\[\] ])", r"\\\1", f"/{path}/") for path in found)
    return "\n".join((*_EXCLUDED, *anchored, persons)).rstrip("\n") + "\n"


def _candidates(root: Path, folder: Path, depth: int) -> Iterator[Path]:
    try:
        entries = [entry for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for entry in entries:
        path = Path(entry.path)
        bundle = path.name == "bundle" and folder.name == "vendor"
        if bundle or path.name in _SURE_DEPENDENCIES | _LIKELY_DEPENDENCIES:
            yield path
        elif depth > 1 and path.name not in {".git", ".wainwright"}:
            yield from _candidates(root, path, depth - 1)


def _as_list_item(path: Path) -> str:
    """Spell a path so that a colon in it does not end it."""
    text = str(path)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if set(text) & set(':"') else text
