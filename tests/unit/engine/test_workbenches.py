"""What lies over the trees of a run; what receipts and agents leave in caches, and who finds it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.fixtures import team

from wainwright.app import open_engine
from wainwright.domain.errors import WorkspaceError
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
    engine = await open_engine(team.make_workspace(tmp_path / "work"), word=True)
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
    """What a receipt that leaves a word in the cache finds there; each word makes another command, tested anew."""
    assert state.base is not None
    suites = (Suite(command=LEAVE.format(word)),)
    asked = state.model_copy(update={"suites": suites, "own_suites": suites})
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
    again = [*layered, "further"] if layered else ["changed", "further"]
    assert await left_by_receipt(parts, state, "further") == again
    assert await left_by_agent(parts, state, "agent") == [*layered, "agent"]
    assert await left_by_receipt(parts, state, "more", seeds=True) == ["base", "more"]


async def test_what_is_kept_is_bounded_and_counted(parts, state) -> None:
    await left_by_receipt(parts, state, "base", seeds=True)
    assert (await Disk(parts).view()).shared[caches.KEPT] > 0
    tight = parts.settings.model_copy(
        update={"caches": parts.settings.caches.model_copy(update={"max_bytes": 0})}
    )
    parts.settings = tight
    assert await left_by_receipt(parts, state, "more", seeds=True) == ["base", "more"]
    assert await left_by_receipt(parts, state, "last", seeds=True) == ["last"]


async def test_installed_things_are_looked_up_once_a_run_and_each_task_has_its_own(
    parts: EngineParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = parts.workspace / "node_modules" / "tool"
    installed.mkdir(parents=True)
    (installed / "index.js").write_text("theirs")
    asked: list[None] = []
    look_up = parts.repository.dependencies

    def counted() -> tuple[str, ...]:
        asked.append(None)
        return look_up()

    monkeypatch.setattr(parts.repository, "dependencies", counted)
    taken = parts.repository.snapshot("r", {})
    base = taken.commit
    first = RunStarted(
        run="r",
        goal=Goal(text="x"),
        workspace=str(parts.workspace),
        route=(),
        autonomy="suggest",
        trust="trusted",
        tier="none",
        attended=True,
    )
    state = replay([first, SnapshotTaken(commit=base, tree=taken.tree, head=taken.head)])
    assert state is not None
    script = (
        "cat node_modules/tool/index.js; echo ours > node_modules/tool/index.js; mkdir node_modules/.cache"
    )
    for name in ("one", "two"):
        receipt = await workbenches.command(parts, state, name, base, ("sh", "-c", script))
        assert (receipt.exit, receipt.output) == (0, "theirs")
    async with workbenches.reading(parts, state, "three", base) as workbench:
        assert [layer.at for layer in workbench.view.layers] == [Path("node_modules")]
    assert len(asked) == 1
    assert (installed / "index.js").read_text() == "theirs"
    assert not (installed.parent / ".cache").exists()
    assert not list((parts.state / "trees").glob("*/*"))


async def test_what_all_are_shown_is_made_ready_beside_other_work(
    parts: EngineParts, state: RunState
) -> None:
    async with workbenches.looking_through(parts, state, "tested"):
        assert state.run not in parts.shared
    ready = parts.shared[state.run]
    assert await workbenches.shared(parts, state, "planner") is ready
    assert ready.text


async def test_what_cannot_be_made_ready_is_told_to_whoever_needs_it(
    parts: EngineParts, state: RunState
) -> None:
    lost = state.model_copy(update={"run": "two", "base": "0" * 40})
    async with workbenches.looking_through(parts, lost, "tested"):
        pass
    with pytest.raises(WorkspaceError):
        await workbenches.shared(parts, lost, "planner")
