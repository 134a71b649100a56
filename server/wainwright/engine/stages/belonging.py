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
from wainwright.receipts.detect import holds_tests


def landing_with(state: RunState, task: str) -> tuple[str, ...]:
    """The files that land with a task, as things stand: no other unfinished task has a part in them."""
    written = state.acceptance
    if written is None or not written.kept:
        return ()
    own = [path for path, owners in written.owners.items() if task in owners]
    due = [path for path in own if _rest_landed(state, written, path, task)]
    return (*due, *_helpers(written)) if due else ()


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
    return (*there, *_helpers(written)) if there else ()


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
    """Those of some acceptance files that hold tests. What helps them is pinned too, and has no tests of its own."""
    if state.acceptance is None:
        return ()
    named = {test.test.partition("::")[0] for test in state.acceptance.tests}
    return tuple(path for path in sorted(files) if path in named or holds_tests(path))


def tampered(parts: EngineParts, state: RunState, commit: str) -> tuple[str, ...]:
    """Acceptance test files on the head that are not what the tester wrote."""
    pinned, read = (state.acceptance.files if state.acceptance else {}), parts.repository.read
    return tuple(path for path in standing(state) if content_hash(read(commit, path) or b"") != pinned[path])
