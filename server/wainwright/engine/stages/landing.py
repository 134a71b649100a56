"""BUILD: landing. A task becomes one commit on the head of the run.

The head and the task's commit are merged without a checkout, the tests run on the *merged* tree, and the head moves
by compare-and-swap. One landing at a time.
"""

import asyncio

from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.errors import WorkspaceError
from wainwright.domain.evidence import Finding
from wainwright.domain.state import TaskState
from wainwright.engine import workbenches
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs
from wainwright.receipts.text import report_text


async def land(
    parts: EngineParts,
    run: LiveRun,
    one: TaskState,
    effect: ef.RunTask,
    began: str,
    commit: str,
    summary: str,
    remarks: tuple[Finding, ...],
) -> tuple[ev.Event, ...]:
    """Merge onto the head, test the merged tree, move the head. The event is written before the next landing."""
    repository, state = parts.repository, run.state
    head = state.head
    assert head is not None
    merged = await asyncio.to_thread(repository.merge, head, commit)
    if merged.tree is None:
        both = await asyncio.to_thread(_conflict, parts, began, head, commit, merged.conflicts)
        return (failed(parts, effect, "conflict", both),)
    message = f"{one.task.title}\n\n{summary}\n\nTask: {effect.task}\nRun: {state.run}"
    landed = head
    if merged.tree != state.head_tree:
        landed = await asyncio.to_thread(repository.commit_tree, merged.tree, [head], message)
    receipt = None
    if parts.sandbox is not None and state.test_command is not None:
        run.tell(f"tests the merged tree of {effect.task}", effect.task)
        receipt = await workbenches.receipt(parts, state, "landing", landed, state.test_command)
        broken = state.turned_red(receipt)
        if broken:
            red = f"Merged with the other tasks, these tests turned red: {', '.join(broken[:10])}.\n"
            return (failed(parts, effect, "code", red + report_text(receipt)),)
    await move_head(parts, run, landed)
    await run.emit(
        ev.TaskLanded(
            task=effect.task,
            attempt=effect.attempt,
            commit=landed,
            tree=merged.tree,
            summary=summary,
            receipt=receipt,
            remarks=remarks,
        )
    )
    return ()


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


async def squash(parts: EngineParts, began: str, commit: str, message: str) -> tuple[str, str]:
    """Make one commit of all between two; gives it and its tree. Nothing changed: ``began`` itself."""
    repository = parts.repository
    tree = await asyncio.to_thread(repository.tree_of, commit)
    if tree == await asyncio.to_thread(repository.tree_of, began):
        return began, tree
    return await asyncio.to_thread(repository.commit_tree, tree, [began], message), tree


async def move_head(parts: EngineParts, run: LiveRun, new: str) -> None:
    """Move the run's ref. It follows the journal: after a crash it may be ahead, and is taken back first."""
    repository, state = parts.repository, run.state
    ref = f"{state.run}/head"
    old = await asyncio.to_thread(repository.resolve, ref)
    if not await asyncio.to_thread(repository.move, ref, new, old):
        raise WorkspaceError(f"The head of run {state.run} was moved by somebody else.", "Resume the run.")


def failed(parts: EngineParts, effect: ef.RunTask, cause: ev.FailureCause, digest: str) -> ev.TaskFailed:
    """The event of an attempt that failed, with secrets left out of what is told."""
    return ev.TaskFailed(
        task=effect.task, attempt=effect.attempt, cause=cause, digest=parts.redactor.redact(digest)
    )
