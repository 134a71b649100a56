"""What receipts and agents leave in caches, and who finds it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.fixtures import team

from wainwright.app import open_engine
from wainwright.domain.events import RunStarted, SnapshotTaken
from wainwright.domain.evidence import Suite
from wainwright.domain.fold import replay
from wainwright.domain.goal import WORKING, Goal
from wainwright.domain.state import RunState
from wainwright.engine import workbenches
from wainwright.engine.disk import Disk
from wainwright.engine.parts import EngineParts
from wainwright.sandbox.protocol import Command
from wainwright.workspace.world import caches

LEAVE = "echo {} >> ~/.cache/left; cat ~/.cache/left"


@pytest.fixture
async def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EngineParts]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    engine = await open_engine(team.make_workspace(tmp_path / "work"))
    yield engine._parts
    await engine.close()


@pytest.fixture
def state(parts: EngineParts) -> RunState:
    taken = parts.repository.snapshot("one", {})
    first = RunStarted(
        run="one",
        goal=Goal(text="x"),
        workspace=str(parts.workspace),
        route=WORKING,
        autonomy="suggest",
        trust="trusted",
        tier="none",
        attended=True,
    )
    snapshot = SnapshotTaken(
        commit=taken.commit, tree=taken.tree, head=taken.head, skipped=(), test_command=None
    )
    found = replay([first, snapshot])
    assert found is not None
    return found


async def left_by_receipt(
    parts: EngineParts, state: RunState, word: str, *, seeds: bool = False
) -> list[str]:
    """What a receipt that leaves a word in the cache finds there."""
    assert state.base is not None
    asked = state.model_copy(update={"suites": (Suite(command=LEAVE.format(word)),)})
    receipt = await workbenches.receipt(parts, asked, "r", state.base, seeds=seeds, anew=True)
    return receipt.output.split()


async def left_by_agent(parts: EngineParts, state: RunState, word: str) -> list[str]:
    assert state.base is not None
    async with workbenches.writing(parts, state, "agent", state.base, write_set=("*",)) as bench:
        assert bench.sandbox is not None
        line = Command(argv=("/bin/sh", "-c", LEAVE.format(word)), timeout_s=60)
        return (await bench.sandbox.run(line, bench.view)).output.split()


async def test_what_the_base_built_stays_and_what_others_built_does_not_reach_it(parts, state) -> None:
    assert await left_by_receipt(parts, state, "base", seeds=True) == ["base"]
    layered = ["base"] if parts.sandbox.overlays else []
    assert await left_by_agent(parts, state, "agent") == [*layered, "agent"]
    assert await left_by_receipt(parts, state, "changed") == [*layered, "changed"]
    # A layer of its own is gone with the receipt; where nothing can be layered the run's receipts share one.
    again = [*layered, "changed"] if layered else ["changed", "changed"]
    assert await left_by_receipt(parts, state, "changed") == again
    assert await left_by_agent(parts, state, "agent") == [*layered, "agent"]
    assert await left_by_receipt(parts, state, "base", seeds=True) == ["base", "base"]


async def test_what_is_kept_is_bounded_and_counted(parts, state) -> None:
    await left_by_receipt(parts, state, "base", seeds=True)
    assert (await Disk(parts).view()).shared[caches.KEPT] > 0
    tight = parts.settings.model_copy(
        update={"caches": parts.settings.caches.model_copy(update={"max_bytes": 0})}
    )
    parts.settings = tight
    await left_by_receipt(parts, state, "base", seeds=True)
    assert await left_by_receipt(parts, state, "base", seeds=True) == ["base"]
