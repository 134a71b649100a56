"""What a run begins with: the snapshot, the test command, the tests of the base."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.evidence import Suite
from wainwright.domain.goal import Stage
from wainwright.domain.state import RunState
from wainwright.engine import workbenches
from wainwright.engine.agreeing import NotAgreed
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs
from wainwright.receipts import detect
from wainwright.receipts.project import CommitProject


async def take_snapshot(parts: EngineParts, run: LiveRun) -> Sequence[ev.Event]:
    """Commit what the person sees, pin it, and find out how its tests are run."""
    state = run.state
    if state.commits:
        return await _take_commits(parts, run)
    run.tell("takes a snapshot of the workspace")
    overlay = {path: parts.journal.get_blob(sha).decode() for path, sha in state.overlay.items()}
    loop = asyncio.get_running_loop()

    def standing(tree: Path) -> None:
        loop.call_soon_threadsafe(parts.indexes.ahead, tree, state.goal.text)

    taken = await asyncio.to_thread(parts.repository.snapshot, state.run, overlay, standing)
    await asyncio.to_thread(workbenches.know_layers, parts, state.run, taken.dependencies, taken.contents)
    await asyncio.to_thread(_pin, parts, run, taken.commit)
    suites = parts.settings.test.suites or await asyncio.to_thread(_detect, parts, taken.commit)
    return (
        ev.SnapshotTaken(
            commit=taken.commit,
            tree=taken.tree,
            head=taken.head,
            skipped=tuple(f"{s.path}: {s.reason}" for s in taken.skipped),
            suites=suites,
            environment=taken.environment,
            contents=taken.contents,
        ),
    )


async def _take_commits(parts: EngineParts, run: LiveRun) -> Sequence[ev.Event]:
    """What a review of commits looks at: the last of them, beside the one that they begin on."""
    start, end = run.state.commits
    run.tell(f"takes {start[:10]}..{end[:10]}")
    tree = await asyncio.to_thread(parts.repository.take_commits, run.state.run, start, end)
    await asyncio.to_thread(_pin, parts, run, end)
    return (ev.SnapshotTaken(commit=end, tree=tree, head=start),)


def _pin(parts: EngineParts, run: LiveRun, commit: str) -> None:
    ref = f"{run.state.run}/head"
    parts.repository.move(ref, commit, parts.repository.resolve(ref))


def _detect(parts: EngineParts, commit: str) -> tuple[Suite, ...]:
    repository = parts.repository
    project = CommitProject(repository.files(commit), lambda path: repository.read(commit, path))
    return detect.detect(project, detect.around(parts.workspace))


LONG_S = 20.0
"""Tests that take longer are announced with the time that they took before."""


async def test_base(parts: EngineParts, run: LiveRun, effect: ef.TestBase) -> Sequence[ev.Event]:
    """Run the tests on the base, or say why they cannot be run."""
    state, base = run.state, run.state.base
    assert base is not None
    sandbox, reason = parts.fence(attended=state.attended)
    if sandbox is None:
        return (ev.BaseTested(reason=reason),)
    run.tell(f"tests the base: {state.command}")
    # Once there is a plan, a model may have had a say in the command.
    seeds = state.revision == 0
    try:
        async with workbenches.looking_through(parts, state, "tested"):
            receipt = await workbenches.receipt(
                parts,
                state,
                "base",
                base,
                seeds=seeds,
                anew=effect.number > 0,
                recognised=seeds and not parts.settings.test.suites,
            )
    except NotAgreed as error:
        return (ev.BaseTested(reason=error.message),)
    return (ev.BaseTested(receipt=receipt),)


def lasting(state: RunState) -> str:
    """How long tests are to be waited for, where that is long."""
    took = state.base_receipt.seconds if state.base_receipt else 0.0
    return f" (which took {took:.0f} s on the base)" if took >= LONG_S else ""


async def change(parts: EngineParts, state: RunState) -> str:
    """What the run changed; for a route without BUILD, what the person changed since their last commit."""
    return await parts.redactor.clean(await asyncio.to_thread(parts.repository.diff, *_ends(state)))


async def beside(parts: EngineParts, state: RunState) -> str:
    """What a diff does not show of that, for a reviewer."""
    found = await asyncio.to_thread(parts.repository.unshown, *_ends(state))
    return await parts.redactor.clean(briefs.unshown(found))


def _ends(state: RunState) -> tuple[str, str]:
    """The commits that a change lies between."""
    assert state.base is not None
    assert state.head is not None
    built = Stage.BUILD in state.route
    return (state.base if built else (state.person_head or state.base)), state.head
