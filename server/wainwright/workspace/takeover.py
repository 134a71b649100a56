"""How a person takes a branch over from where their files stand: a command line that was tried on a copy.

The copy is a repository of its own that borrows the person's objects. It has those of their files that the branch
changes or that they changed themselves; git is told to take all others for unchanged.
"""

import os
import shlex
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from wainwright.domain.errors import WorkspaceError
from wainwright.workspace import native
from wainwright.workspace.person import Person
from wainwright.workspace.place import Place
from wainwright.workspace.plumbing import GitDirectory, quote
from wainwright.workspace.snapshot import EVERYDAY_SETTINGS

_FILES_MAX = 2_000
_BYTES_MAX = 64 * 2**20
"""More than this is not copied to try something; then the branch is shown beside the files, which always works."""
_HERE = "refs/heads/here"
_QUIET = {"GIT_LITERAL_PATHSPECS": "0", "GIT_MERGE_AUTOEDIT": "no", "GIT_EDITOR": "true"}


class _Way(NamedTuple):
    """Commands that may take a branch over, in turn."""

    commands: tuple[tuple[str, ...], ...]
    whole: bool = False
    """Whether the files have to be those of the branch afterwards, since no command writes to them."""

    @property
    def line(self) -> str:
        return " && ".join(" ".join(("git", *command)) for command in self.commands)


def way(place: Place, base: str, commit: str, branch: str, *, applied: bool = False) -> str:
    """Return a command line that takes ``branch``, which points to ``commit``, over; empty in a folder without git.

    ``base`` is what the commit was built on: HEAD, or HEAD with what the person had not committed. ``applied``: an
    editor has the change, and some of it may not be saved yet. The first of merge, reset and stash that works on the
    copy is named; where none does, the branch is opened beside the files.
    """
    try:
        person = Person.at(place)
    except WorkspaceError:
        person = None
    if person is None:
        return ""
    folder = shlex.quote(f"../{place.top.name}-{branch.replace('/', '-')}")
    beside = f"git worktree add {folder} {branch}"
    try:
        return next((one.line for one in _ways(person, base, commit, branch, applied=applied)), beside)
    except (OSError, WorkspaceError):
        # Half a merge, or something that git does not like: nothing that was tried works.
        return beside


def _ways(person: Person, base: str, commit: str, branch: str, *, applied: bool) -> Iterator[_Way]:
    changed = set(_changed(person, commit))
    mine = _differing(person)
    files = sorted({*changed, *mine})
    if len(files) > _FILES_MAX or _size(person, files) > _BYTES_MAX:
        return
    untracked = {path for path, status in mine.items() if status == "??"}
    stash = ("stash", *(("--include-untracked",) if untracked & changed else ()))
    ways = [
        _Way((("merge", branch),)),
        _Way((("reset", branch),), whole=True),
        _Way((stash, ("merge", branch), ("stash", "pop"))),
    ]
    for one in ways:
        with _copy(person, commit, branch, files) as git:
            if applied:
                _apply(git, commit, changed)
            if _works(git, one, commit, changed):
                yield one
    last = _Way((stash, ("merge", branch)))
    with _copy(person, commit, branch, files) as git:
        began_with_mine = _holds(git, base, list(mine))
    with _copy(person, commit, branch, files) as git:
        if began_with_mine and _works(git, last, commit, changed):
            yield last


def _apply(git: GitDirectory, commit: str, changed: set[str]) -> None:
    """Make the changed files what they are in the commit, as they will be when the editor has saved them."""
    assert git.worktree is not None
    for path in changed:
        (git.worktree / path).unlink(missing_ok=True)
    beside = git.within(GIT_INDEX_FILE=git.path / "applied")
    beside.run("read-tree", commit)
    there = sorted(changed.intersection(beside.run("ls-files", "-z").items))
    beside.run("checkout-index", "--force", "-z", "--stdin", stdin=quote(there))


def _holds(git: GitDirectory, base: str, mine: Sequence[str]) -> bool:
    """Whether a commit has these paths as they are in the files."""
    git.run("add", "--all", "--force", "--", *mine, ok=range(256))
    return git.run("diff", "--cached", "--quiet", base, "--", *mine, ok=range(256)).code == 0


def _works(git: GitDirectory, one: _Way, commit: str, changed: set[str]) -> bool:
    if one.whole and not _leads(git, commit):
        return False
    if any(git.run(*command, ok=range(256)).code != 0 for command in one.commands):
        return False
    return not one.whole or not changed & _status(git).keys()


def _leads(git: GitDirectory, commit: str) -> bool:
    head = git.resolve("HEAD^{commit}")
    return head is None or git.run("merge-base", "--is-ancestor", head, commit, ok=range(256)).code == 0


def _changed(person: Person, commit: str) -> Sequence[str]:
    """The paths in which a commit differs from the person's HEAD."""
    if person.head is None:
        return person.git.run("ls-tree", "-r", "-z", "--name-only", commit).items
    how = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", person.head, commit, "--")
    return person.git.run(*how).items


def _differing(person: Person) -> dict[str, str]:
    """The paths where the person's files differ from their HEAD, untracked ones included."""
    return _status(_seen(person, person.unfiltered))


def _status(git: GitDirectory) -> dict[str, str]:
    how = ("-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=all")
    rows = git.run("status", "--porcelain", *how).items
    return {row[3:]: row[:2] for row in rows if not row.endswith("/")}


def _seen(person: Person, git: GitDirectory) -> GitDirectory:
    return git.configured(person.git.settings(EVERYDAY_SETTINGS, owners=True)).within(**_QUIET)


def _size(person: Person, files: Sequence[str]) -> int:
    places = (person.place.top / path for path in files)
    return sum(place.lstat().st_size for place in places if os.path.lexists(place))


@contextmanager
def _copy(person: Person, commit: str, branch: str, files: Sequence[str]) -> Iterator[GitDirectory]:
    """A repository that stands where the person's does, with their own files among ``files``."""
    with tempfile.TemporaryDirectory(prefix="wainwright-") as folder:
        top = Path(folder, "files")
        top.mkdir()
        bare = GitDirectory(Path(folder, "git"))
        bare.run("init", "--bare", "--quiet", "--template=", f"--object-format={person.object_format}")
        (bare.path / "objects" / "info").mkdir(exist_ok=True)
        (bare.path / "objects" / "info" / "alternates").write_text(f"{person.file('objects').resolve()}\n")
        (bare.path / "info").mkdir(exist_ok=True)
        for name in ("index", "shallow", "info/exclude"):
            if person.file(name).is_file():
                shutil.copyfile(person.file(name), bare.path / name)
        git = _seen(person, bare.within(top)).configured(
            {"core.bare": "false", "core.logAllRefUpdates": "true"}
        )
        git.run("symbolic-ref", "HEAD", _HERE)
        if person.head is not None:
            git.run("update-ref", _HERE, person.head)
        git.run("update-ref", f"refs/heads/{branch}", commit)
        rest = sorted(set(git.run("ls-files", "-z").items).difference(files))
        if rest:
            git.run("update-index", "--skip-worktree", "-z", "--stdin", stdin=quote(rest))
        for path in files:
            _bring(person.place.top, path, top / path)
        yield git


def _bring(root: Path, path: str, target: Path) -> None:
    source = root / path
    if source.is_symlink():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source.readlink())
    elif source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        with native.open_beneath(root, path) as reading, target.open("xb") as writing:
            shutil.copyfileobj(reading, writing)
            status = os.fstat(reading.fileno())
            os.fchmod(writing.fileno(), stat.S_IMODE(status.st_mode))
        # By the time git tells whether a file is the one of its index.
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
