"""Going back: the person's files as they were before a change, after any of its tasks, or before the last rewind.

Only files of the change are touched. What the person changed meanwhile is named, and left unless they ask for it.
What stood there before is kept first, so that a rewind can be taken back like any other.
"""

import asyncio
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple, ParamSpec, TypeVar, get_args

import structlog
from pydantic import JsonValue

from wainwright.domain import events as ev
from wainwright.domain.errors import InputError, StaleEdit, WainwrightError, WorkspaceError
from wainwright.domain.goal import Fact
from wainwright.engine.editing import LARGEST_BYTES, Editing, TextChange, line_hunks
from wainwright.engine.parts import EngineParts
from wainwright.engine.tracing.record import Landing, Record
from wainwright.journal import Row
from wainwright.waiting import finish_in_thread
from wainwright.workspace.checkpoints import Checkpoints, Held, Kept, Landings, Seen, State
from wainwright.workspace.native import read_beneath, write_batch

log = structlog.get_logger()
P = ParamSpec("P")
T = TypeVar("T")

_KINDS = "|".join(one.model_fields["kind"].default for one in (*get_args(Landing), ev.Delivered))
_LANDS = re.compile(rf'"kind":\s*"({_KINDS})"')
_HOW = "`wainwright rewind` lists the checkpoints."


class Checkpoint(Fact):
    """A state that the files can be brought to."""

    name: str
    at: float
    run: str
    what: str
    """What state it is, in a few words."""


class FileStep(Fact):
    """What a rewind does to one file."""

    path: str
    kind: Literal["write", "create", "delete"]
    added: int = 0
    """Lines."""
    removed: int = 0
    changed: bool = False
    """The person changed it since: it is left alone unless they ask for it."""
    barred: str = ""
    """Why it cannot be done at all."""


class Preview(Fact):
    """What a rewind would do; empty ``files``: all is so already."""

    checkpoint: Checkpoint
    files: tuple[FileStep, ...]

    @property
    def doing(self) -> tuple[FileStep, ...]:
        """What will be done."""
        return tuple(one for one in self.files if not one.changed and not one.barred)

    @property
    def left(self) -> tuple[FileStep, ...]:
        """What will be left as it is."""
        return tuple(one for one in self.files if one.changed or one.barred)


class Rewound(Fact):
    """What came of a rewind."""

    preview: Preview
    back: str = ""
    """The checkpoint that takes it back; empty: nothing was done."""
    reason: str = ""
    """Why nothing was done."""


class Step(NamedTuple):
    """A file as it is and as it shall be."""

    path: str
    now: State
    then: State


class Planned(NamedTuple):
    """A rewind that was looked at."""

    preview: Preview
    steps: tuple[Step, ...]
    """What will be done, in the order of the preview."""


class _Target(NamedTuple):
    checkpoint: Checkpoint
    states: dict[str, Held]
    known: dict[str, set[str]]


class Rewinding:
    """Brings the files of one workspace back."""

    def __init__(self, parts: EngineParts, editing: Editing) -> None:
        self._parts = parts
        self._editing = editing
        self._store = Checkpoints(parts.repository.place, parts.state)
        self._alone = threading.Lock()
        self._landed: set[str] = set()
        """Runs in which something landed that was not looked at yet."""
        self._following: asyncio.Task[None] | None = None

    async def checkpoints(self) -> list[Checkpoint]:
        """All states that can be gone to, the newest first."""
        return await asyncio.to_thread(self._locked, self._checkpoints)

    async def look(
        self, name: str, overwrite: Collection[str] = (), unsaved: Mapping[str, str] | None = None
    ) -> Planned:
        """Say what a rewind would do. ``overwrite``: files to be rewound although the person changed them.

        ``unsaved`` are the texts of open documents. Raises InputError where there is no such checkpoint.
        """
        return await asyncio.to_thread(self._locked, self._look, name, frozenset(overwrite), unsaved or {})

    async def keep(self, planned: Planned, by: str) -> str:
        """Keep the files as they are before they are rewound, and say so; the checkpoint that leads back to them."""
        return await asyncio.to_thread(self._locked, self._keep, planned, by)

    def _keep(self, planned: Planned, by: str) -> str:
        paths: list[JsonValue] = [step.path for step in planned.steps]
        told: dict[str, JsonValue] = {"to": planned.preview.checkpoint.name, "files": paths}
        self._parts.journal.note("rewind", by, told)
        files, target = {step.path: step.now for step in planned.steps}, planned.preview.checkpoint
        what = f"before the rewind to {target.name}"
        return self._store.keep("rewind", files, at=time.time(), run=target.run, what=what)

    async def forget(self, back: str, why: str, by: str) -> None:
        """Drop what was kept for a rewind that did not come about."""
        await asyncio.to_thread(self._locked, self._forget, back, why, by)

    def _forget(self, back: str, why: str, by: str) -> None:
        self._store.forget(back)
        self._parts.journal.note("rewind refused", by, {"back": back, "why": why})

    async def rewind(self, planned: Planned, by: str = "person") -> Rewound:
        """Write what was looked at to disk, all or none of it, and only over what was seen."""
        if not planned.steps:
            return Rewound(preview=planned.preview, reason="There is nothing to do.")
        await self._editing.recover()
        back, reason = await finish_in_thread(self._locked, self._rewind, planned, by)
        return Rewound(preview=planned.preview, back=back, reason=reason)

    def _rewind(self, planned: Planned, by: str) -> tuple[str, str]:
        back = self._keep(planned, by)
        reason = self._write(planned.steps)
        if reason:
            self._forget(back, reason, by)
        return "" if reason else back, reason

    def _write(self, steps: Collection[Step]) -> str:
        """Why nothing was written; empty when all was."""
        batch = [
            (
                step.path,
                step.then.content,
                0o755 if step.then.executable and step.now.content is None else None,
            )
            for step in steps
        ]
        expected = {step.path: step.now.content for step in steps}
        try:
            write_batch(self._parts.workspace, batch, write_log=self._parts.state, expected=expected)
        except StaleEdit as stale:
            return f"{', '.join(stale.paths)} changed at this moment; nothing was done. Try again."
        except (WainwrightError, OSError, ValueError) as error:
            return f"Nothing was done: {error}"
        return ""

    # ---- which there are

    async def changed(self, run: str, texts: Collection[TextChange]) -> None:
        """Keep what a change of a run met in the person's files, where it met something else than it was made for."""
        if texts:
            await asyncio.to_thread(self._locked, self._changed, run, texts)

    def _changed(self, run: str, texts: Collection[TextChange]) -> None:
        self._complete(run)
        known = self._known(run)
        before = {one.path: self._state(one, one.before) for one in texts}
        after = {one.path: self._state(one, one.after) for one in texts}
        states = [*before.items(), *after.items()]
        if any(self._store.named(state.content) not in known.get(path, ()) for path, state in states):
            what = f"before the change of {run} was put into your files"
            self._store.keep("applied", before, at=time.time(), run=run, what=what, after=after)

    def _state(self, change: TextChange, text: str | None) -> State:
        executable = change.executable or _is_executable(self._parts.workspace / change.path)
        return State(None if text is None else text.encode("utf-8", "surrogatepass"), executable)

    def heard(self, run: str, event: ev.Event) -> None:
        """Keep what lands, so that nothing is asked of git when somebody wants to go back to it."""
        if isinstance(event, Landing | ev.Delivered):
            self._landed.add(run)
            if self._following is None or self._following.done():
                self._following = asyncio.create_task(self._follow(), name="checkpoints")

    async def _follow(self) -> None:
        while self._landed:
            run = self._landed.pop()
            await asyncio.to_thread(self._locked, self._try, run)

    async def settle(self) -> None:
        """Wait until what landed is kept."""
        if self._following is not None:
            await asyncio.wait({self._following})

    def _locked(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        with self._alone:
            return act(*args, **kwargs)

    def _try(self, run: str) -> None:
        try:
            self._complete(run)
        except (WainwrightError, OSError) as error:
            # It is tried again when somebody asks for one of them, and told then.
            log.warning("checkpoints.not_kept", run=run, reason=str(error))

    def _complete(self, run: str) -> None:
        """Take over what landed in a run since it was looked at. Costs next to nothing when nothing did."""
        journal = self._parts.journal
        known = self._store.runs.get(run)
        seen = known.seen if known else None
        rows = journal.newest(run, seen.row - 1 if seen else 0)
        if seen is not None:
            if [(row.seq, row.at) for row in rows[:1]] != [(seen.row, seen.at)]:
                rows = journal.newest(run, 0)  # it was restored since, from a copy that ends earlier
            elif not any(row.kind == "event" and _LANDS.search(row.body) for row in rows[1:]):
                return
        if rows:
            self._take_over(run, rows[-1])

    def _take_over(self, run: str, newest: Row, *, anew: bool = False) -> None:
        record = Record(self._parts.journal, run)
        state = record.state
        if state is None or not state.base:
            return
        if anew:
            self._store.saw(Seen(run=run, begun=_begun(record), row=0, at=0.0, anew=True))
        self._store.take_over(run, state.base, _landings(record))
        self._store.saw(Seen(run=run, begun=_begun(record), row=newest.seq, at=newest.at))

    def _checkpoints(self) -> list[Checkpoint]:
        for row in self._parts.journal.runs():
            self._try(row.run)
        found = [_kept(one) for one in self._store.kept()]
        for run, known in self._store.runs.items():
            found += [_of_run(run, known, number) for number in range(len(known.states) + 1) if known.landed]
        return sorted(found, key=lambda one: one.at, reverse=True)

    def _target(self, name: str) -> _Target:
        kept = next((one for one in self._store.kept() if one.name == name), None)
        run = kept.run if kept else self._named(name.rpartition("@")[0])
        if run:
            self._complete(run)
        try:
            return self._found(name, kept, run)
        except WorkspaceError:
            # After a power cut something may be missing of what nobody waited for: the commits have it.
            if run not in self._store.runs:
                raise
            self._take_over(run, self._parts.journal.newest(run, 0)[-1], anew=True)
            return self._found(name, kept, run)

    def _found(self, name: str, kept: Kept | None, run: str) -> _Target:
        if kept is not None:
            return _Target(_kept(kept), self._store.of_kept(kept), self._known(run))
        known, number = self._store.runs.get(run), name.rpartition("@")[2]
        if known is None or number not in [str(one) for one in range(len(known.states) + 1)]:
            raise InputError(f"There is no checkpoint {name}.", _HOW)
        landed = known.states[int(number) - 1] if number != "0" else ()
        checkpoint = _of_run(run, known, int(number))
        return _Target(checkpoint, self._store.after(run, landed), self._known(run))

    def _named(self, name: str) -> str:
        """The run of this name, or one whose name begins so; empty: none."""
        if name in self._store.runs or not name:
            return name
        runs = [row.run for row in self._parts.journal.runs()]
        return next((one for one in runs if one == name or one.startswith(name)), "")

    def _known(self, run: str) -> dict[str, set[str]]:
        """What may stand at a path without being the person's own: any state of the run, by the name of content."""
        known = defaultdict[str, set[str]](set)
        states = [*self._store.ever(run)] if run in self._store.runs else []
        for one in self._store.kept():
            states += self._store.changed_to(one).items() if one.run == run else ()
        for path, held in states:
            known[path].add(held.content)
        return known

    # ---- what it would do

    def _look(self, name: str, overwrite: frozenset[str], unsaved: Mapping[str, str]) -> Planned:
        target = self._target(name)
        unknown = overwrite - target.states.keys()
        if unknown:
            raise InputError(f"{', '.join(sorted(unknown))}: not a file of {name}.", "Leave it out.")
        files, steps = list[FileStep](), list[Step]()
        for path, held in sorted(target.states.items()):
            now, barred = self._now(path, unsaved)
            content = self._store.named(now.content)
            if content == held.content and not barred:
                continue
            then = self._store.content(held)
            barred = barred or ("It is a link; take it from the branch." if then.link else "")
            changed = content not in target.known[path] and path not in overwrite
            file = _counted(path, now, then).model_copy(update={"changed": changed, "barred": barred})
            files.append(file)
            if not changed and not barred:
                steps.append(Step(path, now, then))
        return Planned(Preview(checkpoint=target.checkpoint, files=tuple(files)), tuple(steps))

    def _now(self, path: str, unsaved: Mapping[str, str]) -> tuple[State, str]:
        """How a file is now, or why that cannot be told."""
        place = self._parts.workspace / path
        executable = _is_executable(place)
        if path in unsaved:
            return State(unsaved[path].encode("utf-8", "surrogatepass"), executable), ""
        try:
            return State(read_beneath(self._parts.workspace, path, LARGEST_BYTES), executable), ""
        except (FileNotFoundError, NotADirectoryError):
            return State(None), ""
        except (WainwrightError, OSError) as error:
            return State(None), f"It cannot be read: {error}"


def _is_executable(place: Path) -> bool:
    return place.is_file() and bool(place.stat().st_mode & 0o100)


def _begun(record: Record) -> float:
    return next((at for fact, at in record.facts if isinstance(fact, ev.SnapshotTaken)), 0.0)


def _landings(record: Record) -> Iterator[tuple[str, float, str, bool]]:
    """The commits of a run with when they came, what they are, and whether they take the place of the one before."""
    last: Landing | None = None
    for commit, landing in record.landings.items():
        at = next(at for fact, at in record.facts if fact is landing)
        what = f"after {landing.task}" if isinstance(landing, ev.TaskLanded) else "after its tests"
        delivered = record.state is not None and record.state.delivered
        what += ", as it was delivered" if delivered and delivered.commit == commit else ""
        yield commit, at, what, landing is last
        last = landing


def _of_run(run: str, known: Landings, number: int) -> Checkpoint:
    if number == 0:
        begun = known.seen.begun if known.seen else 0.0
        return Checkpoint(name=f"{run}@0", at=begun, run=run, what="before its change")
    one = known.states[number - 1][-1]
    return Checkpoint(name=f"{run}@{number}", at=one.at, run=run, what=one.what)


def _kept(one: Kept) -> Checkpoint:
    return Checkpoint(name=one.name, at=one.at, run=one.run, what=one.what)


def _counted(path: str, now: State, then: State) -> FileStep:
    """How many lines change; of what is no text none are counted."""
    kind: Literal["write", "create", "delete"] = (
        "create" if now.content is None else "delete" if then.content is None else "write"
    )
    try:
        before, after = (b"" if one.content is None else one.content for one in (now, then))
        hunks = line_hunks(before.decode(), after.decode())
    except UnicodeDecodeError:
        return FileStep(path=path, kind=kind)
    return FileStep(
        path=path,
        kind=kind,
        added=sum(one.new_len for one in hunks),
        removed=sum(one.old_len for one in hunks),
    )


def shown(preview: Preview) -> list[str]:
    """What a rewind would do, a line for each file."""
    signs = {"write": "M", "create": "A", "delete": "D"}
    lines = [f"{signs[one.kind]} {one.path}  +{one.added} -{one.removed}" for one in preview.doing]
    for one in preview.left:
        why = one.barred or "you changed it since"
        lines.append(f"  {one.path}: {why}; it is left as it is")
    return lines


def as_texts(planned: Planned) -> list[TextChange]:
    """What will be done, for an editor. Raises InputError for a file that is no text."""
    return [
        TextChange(
            path=step.path,
            before=_text(step.path, step.now),
            after=_text(step.path, step.then),
            executable=step.then.executable,
        )
        for step in planned.steps
    ]


def _text(path: str, state: State) -> str | None:
    try:
        return None if state.content is None else state.content.decode()
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text.", "`wainwright rewind` in a terminal can do it.") from None


def when(checkpoint: Checkpoint) -> str:
    """When it was, for people."""
    return datetime.fromtimestamp(checkpoint.at, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M")
