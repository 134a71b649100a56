"""BUILD: landing. A task becomes one commit on the head of the run.

The head and the task's commit are merged without a checkout, the tests run on the *merged* tree, and the head moves
by compare-and-swap. One landing at a time.
"""

import asyncio

from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.errors import WorkspaceError
from wainwright.domain.evidence import Finding
from wainwright.domain.state import RunState, TaskState
from wainwright.engine.judging import broken, judged
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs
from wainwright.engine.stages.belonging import landing_with, standing, tests_in
from wainwright.engine.stages.recorded import Beginning
from wainwright.engine.stages.red_first import postponed
from wainwright.workspace import commit_words

HISTORY_READ = 200
"""Subjects of the person's history that are looked through for its convention."""


async def land(
    parts: EngineParts,
    run: LiveRun,
    one: TaskState,
    effect: ef.RunTask,
    begun: Beginning,
    commit: str,
    summary: str,
    remarks: tuple[Finding, ...],
    *,
    subject: str = "",
) -> tuple[ev.Event, ...]:
    """Merge onto the head, test the merged tree, move the head. The event is written before the next landing."""
    repository, state = parts.repository, run.state
    head = state.present_head
    merged = await asyncio.to_thread(repository.merge, head, commit)
    if merged.tree is None:
        both = await asyncio.to_thread(_conflict, parts, begun.plain, head, commit, merged.conflicts)
        return (failed(parts, effect, "conflict", both),)
    due = landing_with(state, effect.task)
    tree = await asyncio.to_thread(_with_its_tests, parts, state, merged.tree, begun.laid, due)
    landed = head
    if tree != state.head_tree:
        message = await asyncio.to_thread(
            commit_message, parts, state, head, tree, subject or one.task.title, summary
        )
        landed = await asyncio.to_thread(repository.commit_tree, tree, [head], message)
    receipt = first = None
    if parts.sandbox is not None and state.testable:
        run.tell(f"tests the merged tree of {effect.task}", effect.task)
        there = tests_in(state, {*standing(state), *due})
        receipt, verdict = await judged(parts, state, "landing", landed, there)
        worse = broken(receipt, verdict, state.base_receipt)
        if worse:
            return (failed(parts, effect, "code", f"Merged with the other tasks:\n{worse}"),)
        first = await postponed(parts, state, landed)
    await move_head(parts, run, landed)
    if first is not None:
        await run.emit(first)
    await run.emit(
        ev.TaskLanded(
            task=effect.task,
            attempt=effect.attempt,
            commit=landed,
            tree=tree,
            summary=summary,
            receipt=receipt,
            remarks=remarks,
        )
    )
    return ()


def commit_message(
    parts: EngineParts, state: RunState, before: str, after: str, subject: str, body: str
) -> str:
    """The words of a commit that may land in the person's history, in the way of that history. Blocks."""
    known = parts.repository.subjects(state.person_head, HISTORY_READ) if state.person_head else []
    paths = [path for _, path in parts.repository.changes(before, after)]
    title, text = parts.redactor.redact(subject), parts.redactor.redact(body)
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
