"""BUILD: what was built for a task and did not land.

It is one commit on the head that the attempt began on, without the acceptance tests that lay in its tree: so it can
be begun from, shown, and laid down as a patch.
"""

import asyncio

from wainwright.domain import events as ev
from wainwright.domain.state import RunState, TaskState
from wainwright.engine.parts import EngineParts

_GOES_ON = ("tests", "environment", "silent")
"""Failures that say nothing against what was built: the next attempt begins with it."""


def place(one: TaskState) -> str:
    """How the tree of a task's present attempt is called; its commits stand below the run by this name."""
    return f"{one.task.id}-{one.revision}-{one.attempt}"


async def built(parts: EngineParts, state: RunState, one: TaskState) -> str:
    """What was built for a task that has not landed, by the newest attempt that built anything; empty: nothing."""
    return await asyncio.to_thread(_at_present, parts, state, one) or one.kept


def _at_present(parts: EngineParts, state: RunState, one: TaskState) -> str:
    repository = parts.repository
    newest = repository.resolve(f"{state.run}/{place(one)}")
    if newest is None:
        return ""
    began = repository.common(state.present_head, newest)
    written = (state.acceptance, state.former_acceptance)
    tests = tuple({path for tests in written if tests for path in tests.files})
    tree = repository.lay(newest, began, tests)
    if tree == repository.tree_of(began):
        return ""
    kept = repository.commit_tree(tree, [began], f"{one.task.title}\n\nNot landed.\n\nRun: {state.run}")
    ref = f"{state.run}/kept/{place(one)}"
    repository.move(ref, kept, repository.resolve(ref))
    return kept


async def with_built(parts: EngineParts, state: RunState, one: TaskState, event: ev.Event) -> ev.Event:
    """The outcome of an attempt; where it failed, with what it built."""
    if not isinstance(event, ev.TaskFailed):
        return event
    return event.model_copy(update={"kept": await asyncio.to_thread(_at_present, parts, state, one)})


async def begins_with(parts: EngineParts, state: RunState, one: TaskState) -> str:
    """What an attempt is to begin with beside the head; empty: nothing, it begins clean."""
    if one.kept and one.cause in _GOES_ON:
        return one.kept
    before = state.set_aside.get(one.task.starts_from)
    return await built(parts, state, before) if before else ""


async def laid_on(parts: EngineParts, state: RunState, onto: str, source: str, tests: tuple[str, ...]) -> str:
    """A commit on ``onto``, the head with ``tests``, that has what was built as well; empty in a conflict."""
    repository, head = parts.repository, state.present_head
    merged = await asyncio.to_thread(repository.merge, head, source)
    if merged.tree is None:
        return ""
    tree = merged.tree
    if tests and state.acceptance is not None:
        tree = await asyncio.to_thread(repository.lay, tree, state.acceptance.kept, tests)
    return await asyncio.to_thread(repository.commit_tree, tree, [onto], "What was built before")


async def difference(parts: EngineParts, state: RunState, commit: str) -> str:
    """What was built, as a difference to the head that it was built on."""
    repository = parts.repository

    def look() -> str:
        return repository.diff(repository.common(state.present_head, commit), commit)

    return await parts.redactor.clean(await asyncio.to_thread(look))
