"""Going back: the person's files as they were before a change, after any of its tasks, or before the last rewind.

Only files of the change are touched. What the person changed meanwhile is named, and left unless they ask for it.
What stood there before is kept first, so that a rewind can be taken back like any other.
"""

import asyncio
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from wainwright.domain import events as ev
from wainwright.domain.changes import protected
from wainwright.domain.errors import InputError, StaleEdit, WainwrightError
from wainwright.domain.goal import Fact
from wainwright.engine.editing import LARGEST_BYTES, Editing, TextChange, line_hunks
from wainwright.engine.parts import EngineParts
from wainwright.engine.tracing.record import Record
from wainwright.workspace.checkpoints import Checkpoints, Kept, State
from wainwright.workspace.native import read_beneath, write_batch

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
    states: dict[str, State]
    known: dict[str, set[bytes | None]]
    """What may stand at a path without being the person's own: any state of the run."""


class Rewinding:
    """Brings the files of one workspace back."""

    def __init__(self, parts: EngineParts, editing: Editing) -> None:
        self._parts = parts
        self._editing = editing
        self._store = Checkpoints(parts.repository.place, parts.state)

    async def checkpoints(self) -> list[Checkpoint]:
        """All states that can be gone to, the newest first."""
        return await asyncio.to_thread(self._checkpoints)

    async def look(
        self, name: str, overwrite: Collection[str] = (), unsaved: Mapping[str, str] | None = None
    ) -> Planned:
        """Say what a rewind would do. ``overwrite``: files to be rewound although the person changed them.

        ``unsaved`` are the texts of open documents. Raises InputError where there is no such checkpoint.
        """
        return await asyncio.to_thread(self._look, name, frozenset(overwrite), unsaved or {})

    async def keep(self, planned: Planned) -> str:
        """Keep the files as they are before they are rewound; the checkpoint that leads back to them."""
        files = {step.path: step.now for step in planned.steps}
        target = planned.preview.checkpoint
        return await asyncio.to_thread(self._store.keep, files, run=target.run, to=target.name)

    async def forget(self, back: str) -> None:
        """Drop what was kept for a rewind that did not come about."""
        await asyncio.to_thread(self._store.forget, back)

    async def rewind(self, planned: Planned) -> Rewound:
        """Write what was looked at to disk, all or none of it, and only over what was seen."""
        if not planned.steps:
            return Rewound(preview=planned.preview, reason="There is nothing to do.")
        back = await self.keep(planned)
        await self._editing.recover()
        reason = await asyncio.to_thread(self._write, planned.steps)
        if reason:
            await self.forget(back)
        return Rewound(preview=planned.preview, back="" if reason else back, reason=reason)

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

    def _checkpoints(self) -> list[Checkpoint]:
        found = [_kept(one) for one in self._kept()]
        for row in self._parts.journal.runs():
            found += [checkpoint for checkpoint, _ in self._of_run(row.run)]
        return sorted(found, key=lambda one: one.at, reverse=True)

    def _kept(self) -> list[Kept]:
        there = (self._parts.state / "repository.git").is_dir()
        return self._store.kept() if there else []

    def _of_run(self, run: str) -> list[tuple[Checkpoint, str]]:
        """The states of a run with their commits: before its change, and after each task."""
        record = Record(self._parts.journal, run)
        state = record.state
        if state is None or not state.base or not record.landings:
            return []
        found = [
            (Checkpoint(name=f"{run}@0", at=_begun(record), run=run, what="before its change"), state.base)
        ]
        # A commit that was delivered takes the place of the one that landed.
        newest = {id(landing): (commit, landing) for commit, landing in record.landings.items()}
        for number, (commit, landing) in enumerate(newest.values(), 1):
            at = next(at for fact, at in record.facts if fact is landing)
            delivered = state.delivered is not None and state.delivered.commit == commit
            what = f"after {landing.task}" if isinstance(landing, ev.TaskLanded) else "after its tests"
            what += ", as it was delivered" if delivered else ""
            found.append((Checkpoint(name=f"{run}@{number}", at=at, run=run, what=what), commit))
        return found

    def _target(self, name: str) -> _Target:
        kept = next((one for one in self._kept() if one.name == name), None)
        run = kept.run if kept else name.rpartition("@")[0]
        runs = [row.run for row in self._parts.journal.runs()]
        run = next((one for one in runs if one == run), "") or next(
            (one for one in runs if run and one.startswith(run)), ""
        )
        states = self._of_run(run) if run else []
        number = name.rpartition("@")[2]
        chosen = next((one for one in states if one[0].name == f"{run}@{number}"), None)
        if kept is None and chosen is None:
            raise InputError(f"There is no checkpoint {name}.", _HOW)
        base, tip = (states[0][1], states[-1][1]) if states else ("", "")
        changed = {one.path for one in self._parts.repository.changes(base, tip)} if states else set()
        paths = sorted(set(kept.paths) if kept else {path for path in changed if not protected(path)})
        at = {commit: self._store.at(commit, paths) for _, commit in states}
        known = {path: {one[path].content for one in at.values()} for path in paths}
        if kept is not None:
            return _Target(_kept(kept), self._store.of_kept(kept), known)
        assert chosen is not None
        return _Target(chosen[0], at[chosen[1]], known)

    # ---- what it would do

    def _look(self, name: str, overwrite: frozenset[str], unsaved: Mapping[str, str]) -> Planned:
        target = self._target(name)
        unknown = overwrite - target.states.keys()
        if unknown:
            raise InputError(f"{', '.join(sorted(unknown))}: not a file of {name}.", "Leave it out.")
        files, steps = list[FileStep](), list[Step]()
        for path, then in sorted(target.states.items()):
            now, barred = self._now(path, unsaved)
            if now.content == then.content and not barred:
                continue
            barred = barred or ("It is a link; take it from the branch." if then.link else "")
            changed = now.content not in target.known[path] and path not in overwrite
            file = _counted(path, now, then).model_copy(update={"changed": changed, "barred": barred})
            files.append(file)
            if not changed and not barred:
                steps.append(Step(path, now, then))
        return Planned(Preview(checkpoint=target.checkpoint, files=tuple(files)), tuple(steps))

    def _now(self, path: str, unsaved: Mapping[str, str]) -> tuple[State, str]:
        """How a file is now, or why that cannot be told."""
        place = self._parts.workspace / path
        executable = place.is_file() and bool(place.stat().st_mode & 0o100)
        if path in unsaved:
            return State(unsaved[path].encode("utf-8", "surrogatepass"), executable), ""
        try:
            return State(read_beneath(self._parts.workspace, path, LARGEST_BYTES), executable), ""
        except (FileNotFoundError, NotADirectoryError):
            return State(None), ""
        except (WainwrightError, OSError) as error:
            return State(None), f"It cannot be read: {error}"


def _begun(record: Record) -> float:
    return next((at for fact, at in record.facts if isinstance(fact, ev.SnapshotTaken)), 0.0)


def _kept(one: Kept) -> Checkpoint:
    return Checkpoint(name=one.name, at=one.at, run=one.run, what=f"before the rewind to {one.to}")


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
