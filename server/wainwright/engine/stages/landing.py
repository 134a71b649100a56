"""BUILD: landing. A task becomes one commit on the head of the run.

The head and the commits of all tasks that are ready are merged without a checkout, the tests run once on the tree
that has all of them, and the head moves by compare-and-swap. One batch at a time; mostly it is of one task. Where
that tree is worse than the base, the batch is halved, down to the tasks that make it so.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.control_files import acts, named
from wainwright.domain.errors import Closing, IllegalTransition, WorkspaceError
from wainwright.domain.evidence import Receipt
from wainwright.domain.fold import fold
from wainwright.domain.shown import in_line, terminal
from wainwright.domain.state import RunState
from wainwright.engine.judging import broken, judged
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.ready import Ready
from wainwright.engine.stages import briefs
from wainwright.engine.stages.base import lasting
from wainwright.engine.stages.belonging import landing_with, standing, tests_in
from wainwright.engine.stages.red_first import postponed
from wainwright.silence import left_behind
from wainwright.workspace import commit_words

HISTORY_READ = 200
"""Subjects of the person's history that are looked through for its convention."""


@dataclass(frozen=True)
class _Batch:
    """Ready trees, merged onto the head one after the other, each as a commit of its own."""

    members: tuple[Ready, ...]
    landings: tuple[ev.TaskLanded, ...]
    after: RunState
    """The run as it is when they have landed."""

    @property
    def names(self) -> str:
        """Their tasks."""
        return ", ".join(one.task for one in self.members)


async def land(parts: EngineParts, run: LiveRun, mine: Ready) -> tuple[ev.Event, ...]:
    """Land it, in one batch with all that is ready by the time its turn has come; the events still to be written.

    What landed is written before the turn is given on.
    """
    run.ready.append(mine)
    try:
        run.tell(f"{mine.task} is ready to land", mine.task)
        async with run.integration:
            while mine.outcome is None and mine.at_work(run.state):
                await _land(parts, run, run.ready)
    finally:
        _leave(run, mine)
    return mine.outcome or ()


def _leave(run: LiveRun, *settled: Ready) -> None:
    run.ready = [one for one in run.ready if one not in settled]


def _waiting(run: LiveRun, some: Sequence[Ready]) -> list[Ready]:
    """Those that are still to be landed: whose attempt was stopped waits no more."""
    return [one for one in some if one in run.ready and one.at_work(run.state)]


async def _land(parts: EngineParts, run: LiveRun, some: Sequence[Ready]) -> None:
    """Merge and test them as one. Where that is worse than the base, each half goes by itself, down to who did it.

    What is in the way of the head has failed. What is in the way of another of them waits for what becomes of that.
    """
    waiting = _waiting(run, some)
    if not waiting:
        return
    batch = await _merged(parts, run.state, waiting)
    if isinstance(batch, str):
        _fail(parts, run, waiting[0], "conflict", batch)
        return
    tested, worse = await _tested(parts, run, batch)
    if left_behind():
        raise Closing("Nothing was heard of this landing for too long.", "Another one has taken its place.")
    members = batch.members
    if not worse:
        await _take_over(parts, run, batch, tested)
    elif len(members) == 1:
        _fail(parts, run, members[0], "code", f"Merged with the other tasks:\n{worse}")
    else:
        run.tell(f"together {batch.names} are worse than the base: they are halved", members[0].task)
        half = len(members) // 2
        await _land(parts, run, members[:half])
        # Where the first half landed, this is the tree that was just tested: that costs no other run of the tests.
        await _land(parts, run, members[half:])


def _fail(parts: EngineParts, run: LiveRun, one: Ready, cause: ev.FailureCause, digest: str) -> None:
    one.outcome = (failed(parts, one.effect, cause, digest),)
    _leave(run, one)


async def _merged(parts: EngineParts, state: RunState, waiting: Sequence[Ready]) -> _Batch | str:
    """A batch of all that are not in each other's way; what is in the way of the first one, where it is the head."""
    repository = parts.repository
    members: list[Ready] = []
    landings: list[ev.TaskLanded] = []
    for one in waiting:
        head = state.present_head
        merged = await asyncio.to_thread(repository.merge, head, one.commit)
        if merged.tree is None and not members:
            return await asyncio.to_thread(_conflict, parts, one.began, head, one.commit, merged.conflicts)
        if merged.tree is None:
            continue
        due = landing_with(state, one.task)
        tree = await asyncio.to_thread(_with_its_tests, parts, state, merged.tree, one.laid, due)
        landed = head
        if tree != state.head_tree:
            message = await asyncio.to_thread(
                commit_message, parts, state, head, tree, one.subject, one.summary
            )
            landed = await asyncio.to_thread(repository.commit_tree, tree, [head], message)
        landing = ev.TaskLanded(
            task=one.task,
            attempt=one.effect.attempt,
            commit=landed,
            tree=tree,
            summary=one.summary,
            remarks=one.remarks,
            control=await asyncio.to_thread(control_files, parts, state, landed),
            unshown=await asyncio.to_thread(_unshown, parts, state, landed),
        )
        # Which tests are due with the next one hangs on what has landed before it.
        state = fold(state, landing)
        members.append(one)
        landings.append(landing)
    return _Batch(tuple(members), tuple(landings), state)


@dataclass(frozen=True)
class _Tested:
    """What the tests say of a tree that may land."""

    receipt: Receipt | None = None
    first: ev.RedFirstTested | None = None
    """How the acceptance tests end on the base, where that was put off until now."""


async def _tested(parts: EngineParts, run: LiveRun, batch: _Batch) -> tuple[_Tested, str]:
    """Test the tree that has all of a batch; and in what it is worse than the base."""
    state, after = run.state, batch.after
    if parts.sandbox is None or not state.testable:
        return _Tested(), ""
    run.tell(f"tests the merged tree of {batch.names}{lasting(state)}", batch.members[0].task)
    there = tests_in(after, standing(after))
    receipt, verdict = await judged(parts, state, "landing", after.present_head, there)
    worse = broken(receipt, verdict, state.base_receipt)
    first = None if worse else await postponed(parts, state, after.present_head)
    return _Tested(receipt, first), worse


async def _take_over(parts: EngineParts, run: LiveRun, batch: _Batch, tested: _Tested) -> None:
    """Move the head to the end of a batch, and write that all of it has landed, in one go."""
    if not _all_wait(run, batch):
        return
    together = tuple(one.task for one in batch.members) if len(batch.members) > 1 else ()
    more = {"receipt": tested.receipt, "together": together}
    landed = [one.model_copy(update=more) for one in batch.landings]
    await move_head(parts, run, batch.after.present_head)
    try:
        await run.emit(*([tested.first] if tested.first is not None else []), *landed)
    except IllegalTransition:
        # While it was written, a task of it was skipped: the others land without it.
        if _all_wait(run, batch):
            raise
    finally:
        # Whoever does this may be stopped when it is written; for the others it is done all the same.
        for one, landing in zip(batch.members, batch.landings, strict=True):
            if run.state.tasks[one.task].commit == landing.commit:
                one.outcome = ()
                _leave(run, one)


def _all_wait(run: LiveRun, batch: _Batch) -> bool:
    return _waiting(run, batch.members) == list(batch.members)


def control_files(parts: EngineParts, state: RunState, tip: str) -> tuple[str, ...]:
    """The control files that a commit has otherwise than the base. Blocks."""
    assert state.base is not None
    repository, base = parts.repository, state.base

    def text(commit: str, path: str) -> str | None:
        content = repository.read(commit, path)
        return None if content is None else content.decode("utf-8", "replace")

    paths = [path for _, path in repository.changes(base, tip)]
    # Most are none by their names alone; the others are few.
    return tuple(path for path in paths if named(path) and acts(path, text(base, path), text(tip, path)))


def _unshown(parts: EngineParts, state: RunState, tip: str) -> tuple[str, ...]:
    """What a diff from the base to a commit does not show, as its reviewers are told. Blocks."""
    assert state.base is not None
    found = parts.repository.unshown(state.base, tip)
    return tuple(parts.redactor.redact(f"{one.path} {one.said}") for one in found)


def commit_message(
    parts: EngineParts, state: RunState, before: str, after: str, subject: str, body: str
) -> str:
    """The words of a commit that may land in the person's history, in the way of that history. Blocks."""
    known = parts.repository.subjects(state.person_head, HISTORY_READ) if state.person_head else []
    paths = [path for _, path in parts.repository.changes(before, after)]
    title, text = in_line(parts.redactor.redact(subject)), terminal(parts.redactor.redact(body))
    return commit_words.message(commit_words.learn(known), title, text, paths)


def _with_its_tests(
    parts: EngineParts, state: RunState, merged: str, laid: tuple[str, ...], due: tuple[str, ...]
) -> str:
    """The merged tree with the acceptance tests that land now, as they were written, and without the others."""
    later = tuple(path for path in laid if path not in due)
    tree = parts.repository.lay(merged, state.present_head, later)
    return parts.repository.lay(tree, state.acceptance.kept, due) if state.acceptance and due else tree


def _conflict(parts: EngineParts, began: str, head: str, commit: str, paths: tuple[str, ...]) -> str:
    """Both intents, for the attempt that starts on the new head."""
    repository = parts.repository
    theirs = repository.diff(began, head, paths)
    mine = repository.diff(began, commit, paths)
    return briefs.join(
        f"Your change and what landed meanwhile are in each other's way in {', '.join(paths)}. "
        "You start again on the new state; keep what both want.",
        briefs.diff(theirs, "What landed meanwhile"),
        briefs.diff(mine, "Your earlier change"),
    )


async def move_head(parts: EngineParts, run: LiveRun, new: str) -> None:
    """Move the run's ref from the head that the journal has.

    Where it is elsewhere, a crash came before its landing was written, or a process moved it on its way out: whoever
    still has the lease takes it back. Raises Fenced for one that has not.
    """
    repository, state = parts.repository, run.state
    ref = f"{state.run}/head"
    if await asyncio.to_thread(repository.move, ref, new, state.present_head):
        return
    await run.still_owned()
    old = await asyncio.to_thread(repository.resolve, ref)
    if not await asyncio.to_thread(repository.move, ref, new, old):
        raise WorkspaceError(f"The head of run {state.run} was moved by somebody else.", "Resume the run.")


def failed(parts: EngineParts, effect: ef.RunTask, cause: ev.FailureCause, digest: str) -> ev.TaskFailed:
    """The event of an attempt that failed, with secrets left out of what is told."""
    return ev.TaskFailed(
        task=effect.task, attempt=effect.attempt, cause=cause, digest=parts.redactor.redact(digest)
    )
