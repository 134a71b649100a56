"""States of the person's files that can be gone back to, in native snapshots: a rewind asks nothing of git.

A snapshot holds the files of a change alone, so that it costs what they are, whatever the size of the workspace. What
each landing of a run changed is taken over from its commit once, behind the run's back; what stood in the person's
files before they were changed is kept as its bytes were on disk or in buffers. What the snapshots are of says a list
beside them, to which lines are appended; a line that a kill cut off counts as never written.
"""

import fcntl
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from wainwright.domain.changes import protected
from wainwright.domain.errors import WorkspaceError
from wainwright.domain.goal import Fact
from wainwright.workspace.comparison import changes, on_disk
from wainwright.workspace.names import object_name
from wainwright.workspace.native import Snapshots
from wainwright.workspace.place import Place
from wainwright.workspace.plumbing import GitDirectory, printable

FOLDER = "checkpoints"


class State(NamedTuple):
    """A file at a checkpoint."""

    content: bytes | None
    """None: it is not there."""
    executable: bool = False
    link: bool = False


class Held(NamedTuple):
    """A file at a checkpoint, by the name that its content has in the snapshots."""

    content: str
    """Empty: it is not there."""
    executable: bool = False
    link: bool = False


class Landed(Fact):
    """What one landing of a run changed: a line of the list."""

    kind: Literal["landed"] = "landed"
    run: str
    commit: str
    at: float
    what: str
    replaces: bool = False
    """It is the commit before it, as it was delivered."""
    paths: tuple[str, ...] = ()
    """All that it changed."""
    then: str = ""
    """The snapshot of these after it."""
    new: tuple[str, ...] = ()
    """Those that no landing before it changed."""
    base: str = ""
    """The snapshot of these on the run's base."""


class Seen(Fact):
    """How far a run's journal was looked at: a line of the list."""

    kind: Literal["seen"] = "seen"
    run: str
    begun: float
    """When its base was taken."""
    row: int
    at: float
    """When that row was written."""
    anew: bool = False
    """What was taken over before counts no more."""


class Kept(Fact):
    """What stood in the person's files before they were changed: a line of the list."""

    kind: Literal["kept"] = "kept"
    name: str
    at: float
    run: str
    """Whose change it was, or whose checkpoints they were changed by."""
    what: str
    paths: tuple[str, ...]
    before: str
    """The snapshot of them."""
    after: str = ""
    """What they were changed to, where no other checkpoint says it."""


class Forgotten(Fact):
    """What was kept for a change that did not come about: a line of the list."""

    kind: Literal["forgotten"] = "forgotten"
    name: str


Line = Landed | Seen | Kept | Forgotten
_LINE: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="kind")])


class Landings:
    """What is known of one run."""

    def __init__(self) -> None:
        self.seen: Seen | None = None
        self.landed: dict[str, Landed] = {}

    @property
    def paths(self) -> set[str]:
        """All files that the run changes."""
        return {path for one in self.landed.values() for path in one.new}

    @property
    def states(self) -> list[tuple[Landed, ...]]:
        """After each landing, all that led there; one that was delivered takes the place of the one before it."""
        found: list[tuple[Landed, ...]] = []
        so_far: tuple[Landed, ...] = ()
        for one in self.landed.values():
            so_far = (*so_far, one)
            if one.replaces and found:
                found[-1] = so_far
            else:
                found.append(so_far)
        return found


class Checkpoints:
    """The states of one workspace's files. Every method blocks; one thread at a time."""

    def __init__(self, place: Place, state: Path) -> None:
        self._place = place
        self._git = GitDirectory(state / "repository.git")
        self._folder = state / FOLDER
        self._opened: Snapshots | None = None
        self._read = 0
        self._runs: dict[str, Landings] = {}
        self._kept: dict[str, Kept] = {}

    # ---- the list

    @property
    def _list(self) -> Path:
        return self._folder / "list"

    @property
    def runs(self) -> Mapping[str, Landings]:
        """What is known of each run, also of what another process has written down."""
        self._read_on()
        return self._runs

    def kept(self) -> list[Kept]:
        """All that was kept, the newest last."""
        self._read_on()
        return list(self._kept.values())

    def _read_on(self) -> None:
        try:
            with self._list.open("rb") as file:
                file.seek(self._read)
                told = file.read()
        except FileNotFoundError:
            return
        # What stands behind the last end of a line is still being written.
        whole = told[: told.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            try:
                self._take(_LINE.validate_json(line))
            except ValidationError:
                continue

    def _take(self, line: Line) -> None:
        match line:
            case Landed():
                self._runs.setdefault(line.run, Landings()).landed[line.commit] = line
            case Seen():
                if line.anew:
                    self._runs.pop(line.run, None)
                self._runs.setdefault(line.run, Landings()).seen = line
            case Kept():
                self._kept[line.name] = line
            case Forgotten():
                self._kept.pop(line.name, None)

    def _append(self, lines: Iterable[Fact], *, durable: bool = False) -> None:
        with self._writing() as file:
            os.write(file, "".join(f"{line.model_dump_json()}\n" for line in lines).encode())
            if durable:
                os.fdatasync(file)
        self._read_on()

    @contextmanager
    def _writing(self) -> Iterator[int]:
        """The list, for one process at a time; where a kill cut a line off, the next one begins anew."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        file = os.open(self._list, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":
                os.write(file, b"\n")
            yield file
        except OSError as error:
            raise WorkspaceError(f"{self._list} cannot be written: {error.strerror}.") from error
        finally:
            os.close(file)

    # ---- what landed

    def take_over(self, run: str, base: str, landings: Iterable[tuple[str, float, str, bool]]) -> None:
        """Keep what landings changed that are not known yet: commit, when, what it is, whether it replaces."""
        known, before = self.runs.get(run) or Landings(), base
        paths = known.paths
        for commit, at, what, replaces in landings:
            if commit not in known.landed:
                changed = tuple(
                    one.path
                    for one in changes(self._git, self._place, object_name(before), object_name(commit))
                    if _is_ours(one.path)
                )
                new = tuple(path for path in changed if path not in paths)
                paths.update(new)
                landed = Landed(run=run, commit=commit, at=at, what=what, replaces=replaces, paths=changed)
                then, begun = self._keep(self._at(commit, changed)), self._keep(self._at(base, new))
                self._append([landed.model_copy(update={"then": then, "new": new, "base": begun})])
            elif known.landed[commit].what != what:
                self._append([known.landed[commit].model_copy(update={"what": what})])
            before = commit

    def saw(self, seen: Seen) -> None:
        """Remember how far a run's journal was looked at."""
        self._append([seen])

    def after(self, run: str, landed: Iterable[Landed]) -> dict[str, Held]:
        """All files that a run changes, as they were after these landings; after none, as they were on its base."""
        states: dict[str, Held] = {}
        for one in self.runs[run].landed.values():
            states.update(self._held(one.base, one.new))
        for one in landed:
            states.update(self._held(one.then, one.paths))
        return states

    def ever(self, run: str) -> Iterator[tuple[str, Held]]:
        """All states that the files of a run have had, each with its path."""
        for one in self.runs[run].landed.values():
            yield from self._held(one.base, one.new).items()
            yield from self._held(one.then, one.paths).items()

    def _at(self, commit: str, paths: Iterable[str]) -> dict[str, State]:
        """These files as a checkout of a commit has them on disk."""
        rows = self._rows(commit, paths)
        contents = on_disk(self._git, commit, [self._place.outer(path) for path in rows])
        return {
            path: State(contents[self._place.outer(path)], rows[path] == "100755", rows[path] == "120000")
            if path in rows
            else State(None)
            for path in paths
        }

    def _rows(self, commit: str, paths: Iterable[str]) -> dict[str, str]:
        """Path -> mode, of those that the commit has."""
        which = [self._place.outer(path) for path in paths]
        if not which:
            return {}
        rows = self._git.run("ls-tree", "-r", "-z", object_name(commit), "--", *which).items
        found = (row.partition("\t") for row in rows)
        modes = {self._place.inner(path): entry.split(" ")[0] for entry, _, path in found}
        return {path: mode for path, mode in modes.items() if re.fullmatch(r"100...|120000", mode)}

    # ---- what is kept

    def keep(
        self,
        kind: Literal["rewind", "applied"],
        files: Mapping[str, State],
        *,
        at: float,
        run: str,
        what: str,
        after: Mapping[str, State] | None = None,
    ) -> str:
        """Keep files as they are before they are changed, for certain; the name of that checkpoint."""
        before, then = self._keep(files), self._keep(after) if after is not None else ""
        self._sync()
        with self._writing() as file:
            self._read_on()
            taken = (name.rpartition("-") for name in self._kept)
            number = max((int(last) for begin, _, last in taken if begin == kind), default=0) + 1
            kept = Kept(
                name=f"{kind}-{number}",
                at=at,
                run=run,
                what=what,
                paths=tuple(sorted(files)),
                before=before,
                after=then,
            )
            os.write(file, f"{kept.model_dump_json()}\n".encode())
            os.fdatasync(file)
        self._read_on()
        return kept.name

    def forget(self, name: str) -> None:
        """Drop what was kept for a change that did not come about."""
        self._append([Forgotten(name=name)])

    def of_kept(self, kept: Kept) -> dict[str, Held]:
        """The files that were kept."""
        return self._held(kept.before, kept.paths)

    def changed_to(self, kept: Kept) -> dict[str, Held]:
        """What they were changed to, as far as that was kept."""
        return self._held(kept.after, kept.paths) if kept.after else {}

    # ---- the snapshots

    def content(self, held: Held) -> State:
        """A file with its content."""
        try:
            content = self._store.content(held.content) if held.content else None
        except OSError as error:
            raise _damaged(error) from error
        return State(content, held.executable, held.link)

    @staticmethod
    def named(content: bytes | None) -> str:
        """The name that content has in the snapshots; empty for none."""
        return "" if content is None else Snapshots.name(content)

    @property
    def _store(self) -> Snapshots:
        if self._opened is None:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._opened = Snapshots(self._folder)
        return self._opened

    def _keep(self, files: Mapping[str, State]) -> str:
        there = (
            (path, one.content, 0o755 if one.executable else 0o644, one.link)
            for path, one in files.items()
            if one.content is not None
        )
        try:
            return self._store.keep(there)
        except OSError as error:
            raise WorkspaceError(f"What stands in your files cannot be kept: {error}.") from error

    def _sync(self) -> None:
        try:
            self._store.sync()
        except OSError as error:
            raise WorkspaceError(f"What stands in your files cannot be kept: {error}.") from error

    def _held(self, snapshot: str, paths: Iterable[str]) -> dict[str, Held]:
        try:
            found = self._store.files(snapshot)
        except OSError as error:
            raise _damaged(error) from error
        there = {one.path: Held(one.hash, bool(one.mode & 0o100), one.kind == "link") for one in found}
        return {path: there.get(path, Held("")) for path in paths}


def _is_ours(path: str) -> bool:
    """Whether a file of a commit is one that a change may bring to the person."""
    return not protected(path) and not path.startswith("../") and printable(path) == path


def _damaged(error: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"That checkpoint is damaged: {error}.", "Take the files from the branch of the run."
    )
