"""The end of a run that is not done: what it achieved is put where the person finds it; nothing of theirs changes.

What landed is a branch that is marked as unfinished; what was built and did not land is a patch in the run's folder.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from wainwright.domain import events as ev
from wainwright.domain.errors import WainwrightError
from wainwright.domain.skipping import skipped
from wainwright.domain.state import RunState
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import leftovers
from wainwright.engine.views.documents import folder, write
from wainwright.workspace import native, takeover

UNFINISHED = "unfinished"
"""Marks the branch, and names the folder of the patches."""
_LANDED = "all_that_landed"
_TESTS = "acceptance_tests"
"""Names of patches; no task is called so, since their ids have no underscore."""


async def keep_work(parts: EngineParts, run: LiveRun) -> Sequence[ev.Event]:
    """Put what was achieved where the person finds it, and say where that is."""
    state = run.state
    if state.base is None or state.head is None:
        return (ev.Kept(),)
    run.tell("keeps what was done")
    texts = await _not_landed(parts, state)
    delivered = state.delivered
    branch, way, detail = None, "", ""
    if delivered is not None and delivered.commit == state.head:
        branch, way = delivered.branch, delivered.way
    elif state.shown is not None and state.shown.branch is not None:
        branch = state.shown.branch
        way = await asyncio.to_thread(takeover.way, parts.repository.place, state.base, state.head, branch)
    elif state.base != state.head:
        branch, way, detail = await _on_a_branch(parts, state, state.base, state.head)
        if branch is None:
            texts[_LANDED] = await asyncio.to_thread(parts.repository.diff, state.base, state.head)
    patches = await asyncio.to_thread(_write, parts.workspace, state.run, texts)
    return (ev.Kept(branch=branch, way=way, patches=patches, detail=detail),)


async def _on_a_branch(
    parts: EngineParts, state: RunState, base: str, head: str
) -> tuple[str | None, str, str]:
    """The branch with what landed and the way to take it over; without a branch, why there is none."""
    slug = f"{state.goal.slug()}-{UNFINISHED}"
    try:
        branch = await asyncio.to_thread(parts.repository.deliver, slug, head)
    except WainwrightError as error:
        return None, "", f"There is no branch. {error.message}"
    if branch is None:
        return None, "", ""
    way = await asyncio.to_thread(takeover.way, parts.repository.place, base, head, branch)
    return branch, way, ""


async def _not_landed(parts: EngineParts, state: RunState) -> dict[str, str]:
    """Name -> patch on the head of the run, for each task that was begun and has not landed, and for their tests."""
    texts: dict[str, str] = {}
    # A new plan may give a task the name of one before it, whose work is all that there is so far.
    for one in (*state.unfinished, *skipped(state), *state.set_aside.values()):
        name = one.task.id
        commit = "" if name in texts else await leftovers.built(parts, state, one)
        if commit:
            texts[name] = await asyncio.to_thread(_patch, parts, state.present_head, commit)
    tests = state.acceptance or state.former_acceptance
    if tests is not None and tests.kept:
        laid = await asyncio.to_thread(
            parts.repository.lay, state.present_head, tests.kept, tuple(tests.files)
        )
        texts[_TESTS] = await asyncio.to_thread(parts.repository.diff, state.present_head, laid)
    return {name: text for name, text in texts.items() if text.strip()}


def _patch(parts: EngineParts, head: str, commit: str) -> str:
    """What a commit adds to the head; where the two are in each other's way, what it adds to where it began."""
    repository = parts.repository
    merged = repository.merge(head, commit)
    if merged.tree is not None:
        return repository.diff(head, merged.tree)
    return repository.diff(repository.common(head, commit), commit)


def _write(workspace: Path, run: str, texts: dict[str, str]) -> tuple[str, ...]:
    """Write the patches, and take away those of an end before this one."""
    place = folder(workspace, run) / UNFINISHED
    wanted = {place / f"{name}.patch": text for name, text in texts.items()}
    old = [path.relative_to(workspace) for path in place.glob("*.patch") if path not in wanted]
    native.write_batch(workspace, [(path, None, None) for path in old])
    for path, text in wanted.items():
        write(workspace, path, text)
    return tuple(str(path.relative_to(workspace)) for path in wanted)
