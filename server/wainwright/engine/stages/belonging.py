"""BUILD: where the acceptance tests stand. Each file lands with the last of the tasks that it belongs to.

All of them are kept in one commit beside the head. A task works with its own in its tree, so long as they let it be
built: what another unfinished task has a part in as well stays out of what it lands, and so does what would keep the
tree from being built, until its time has come.
"""

import asyncio
from collections.abc import Iterable

from wainwright.domain.changes import content_hash
from wainwright.domain.events import AcceptanceWritten
from wainwright.domain.state import RunState
from wainwright.engine.parts import EngineParts
from wainwright.receipts.names import as_reported, belongs


def landing_with(state: RunState, task: str) -> tuple[str, ...]:
    """The files that land with a task, as things stand: no other unfinished task has a part in them."""
    written = state.acceptance
    if written is None or not written.kept:
        return ()
    own = [path for path, owners in written.owners.items() if task in owners]
    due = [path for path in own if _rest_landed(state, written, path, task)]
    return (*due, *_helpers(written)) if due or not written.owners else ()


def working_with(state: RunState, task: str) -> tuple[str, ...]:
    """The files that a task has in its tree while it is worked on."""
    written = state.acceptance
    if written is None or not written.kept:
        return ()
    due = landing_with(state, task)
    early = [path for path, owners in written.owners.items() if task in owners and path not in written.waits]
    return tuple(dict.fromkeys((*due, *early, *(_helpers(written) if early else ()))))


def standing(state: RunState) -> tuple[str, ...]:
    """The files that are on the head."""
    written = state.acceptance
    if written is None:
        return ()
    if not written.kept:
        return tuple(written.files)
    there = [path for path in written.owners if _rest_landed(state, written, path, "")]
    begun = there or (not written.owners and any(one.status == "landed" for one in state.tasks.values()))
    return (*there, *_helpers(written)) if begun else ()


def coming_later(state: RunState, task: str) -> tuple[str, ...]:
    """The files that show what a task is to do, and cannot be in its tree yet."""
    written = state.acceptance
    if written is None:
        return ()
    there = {*working_with(state, task), *standing(state)}
    return tuple(path for path, owners in written.owners.items() if task in owners and path not in there)


def _rest_landed(state: RunState, written: AcceptanceWritten, path: str, task: str) -> bool:
    others = (state.tasks.get(owner) for owner in written.owners[path] if owner != task)
    return all(other is None or other.status == "landed" for other in others)


def _helpers(written: AcceptanceWritten) -> tuple[str, ...]:
    return tuple(path for path in written.files if path not in written.owners)


async def with_files(
    parts: EngineParts, onto: str, source: str, paths: Iterable[str], message: str
) -> tuple[str, str]:
    """A commit on ``onto`` that has some paths as ``source`` has them, and its tree; ``onto`` where they are so."""
    repository = parts.repository
    tree = await asyncio.to_thread(repository.lay, onto, source, tuple(paths))
    if tree == await asyncio.to_thread(repository.tree_of, onto):
        return onto, tree
    return await asyncio.to_thread(repository.commit_tree, tree, [onto], message), tree


def tests_in(state: RunState, files: Iterable[str]) -> tuple[str, ...]:
    """The acceptance tests in some of the files: by file, or as the report calls them where it tells no files.

    They are named one by one, too, where the file has others that were red before the run.

    What helps tests is pinned too, and has none of its own.
    """
    written = state.acceptance
    if written is None:
        return ()
    red_before = state.base_receipt.failing if state.base_receipt else ()
    found: list[str] = []
    for path in sorted(files):
        named = [test.test for test in written.tests if test.test.partition("::")[0] == path]
        if named or path in written.owners:
            called = [name for test in named for name in reported(state, test)]
            alone = set(called) <= set(named) and not any(belongs(name, path) for name in red_before)
            found += [path] if alone or not named else called
    return tuple(dict.fromkeys(found))


def reported(state: RunState, test: str) -> tuple[str, ...]:
    """How the report of this workspace's runner calls an acceptance test."""
    first = state.red_first.receipt if state.red_first else None
    return (test,) if first is None else as_reported(test, first, state.base_receipt)


def tampered(parts: EngineParts, state: RunState, commit: str) -> tuple[str, ...]:
    """Acceptance test files on the head that are not what the tester wrote."""
    pinned, read = (state.acceptance.files if state.acceptance else {}), parts.repository.read
    return tuple(path for path in standing(state) if content_hash(read(commit, path) or b"") != pinned[path])
