"""Runs of scenarios are done again: from the record alone, and with memory thrown away after everything that is done.

A handful of them in each check; all with `make replays`.
"""

import asyncio
import json
import os
import random
import re
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import JsonValue
from tests.fixtures.scenario import Play, Stagehand, perform, stagehand

from wainwright.agents import loop, roles
from wainwright.agents.answers import Reading
from wainwright.domain import decide
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.errors import JournalError
from wainwright.domain.fold import replay
from wainwright.domain.goal import Stage
from wainwright.engine import engine
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.replaying import Replaying, Verification
from wainwright.engine.stages import planning
from wainwright.engine.stages.performer import perform as real_perform
from wainwright.journal import Spend, Steps

ALL = sorted((Path(__file__).parent / "scenarios").glob("*.txt"))
HANDFUL = (
    "a_small_goal",
    "from_goal_to_done",
    "cancelled_while_a_task_is_built",
    "wrong_tests_with_consent",
    "conflict",
    "a_command_that_is_refused_with_words",
)
FEW = HANDFUL[-2:]
"""Of these, for what takes many times as long."""
NIGHTLY = os.environ.get("REPLAYS") == "all"
FILES = [file for file in ALL if NIGHTLY or file.stem in HANDFUL]
BESIDE_THE_TREE = "tests_write_where_things_are_installed"
"""What its commands write into a layer is gone with the workbench, and no checkpoint has it."""
PATIENCE_S = 1500
"""What is begun again after each step takes many times as long, and all of them are the work of a night."""
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(PATIENCE_S + 300)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stagehand]:
    async with stagehand() as shared:
        yield shared


async def verified(play: Play) -> Verification:
    """What a new process says of the run of a scenario."""
    parts = play.stage.parts(play.name, play.server, play.options)
    try:
        return await Replaying(parts).verify(play.run)
    finally:
        parts.journal.close()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_run_is_done_again_from_its_record_alone(stage: Stagehand, file: Path) -> None:
    play = await perform(stage, file.stem, file.read_text(), PATIENCE_S)
    asked = len(play.server.requests)
    seen = await verified(play)
    assert seen.differences == (), "\n".join(f"{one.row}: {one.what}" for one in seen.differences)
    # With other tools from some point on, what came before it is asked with those of then.
    if not re.search("^=== resume\nsandbox = ", file.read_text(), re.MULTILINE):
        assert seen.reworded == 0, seen.first_words
    assert seen.asked == seen.calls
    outside = (play.workspace / ".wainwright").is_symlink()
    assert outside or seen.documents == ()
    assert len(play.server.requests) == asked
    left = list((stage.root / "state" / file.stem).glob("replay-*"))
    assert left == []


class Forgotten(BaseException):
    """What was in memory is gone, as in a process that is killed."""


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often which work was begun again: each step that is done for the first time ends the work around it."""
    forgotten: Counter[str] = Counter()
    step = Steps.step

    async def done_and_forgotten(
        self: Steps,
        name: str,
        *,
        act: Callable[[str], Awaitable[tuple[JsonValue, Spend]]],
        **more: Any,
    ) -> JsonValue:
        done = False

        async def noted(key: str) -> tuple[JsonValue, Spend]:
            nonlocal done
            done = True
            return await act(key)

        value = await step(self, name, act=noted, **more)
        if done:
            raise Forgotten
        return value

    async def again(parts: EngineParts, effect: ef.Effect, run: LiveRun) -> Any:
        while True:
            async with run._appending:
                assert replay(parts.journal.events(run.state.run)) == run.state
            try:
                return await real_perform(replace(parts, shared={}, layers={}), effect, run)
            except Forgotten:
                forgotten[type(effect).__name__] += 1

    monkeypatch.setattr(Steps, "step", done_and_forgotten)
    monkeypatch.setattr(engine, "perform", again)
    return forgotten


def _begun_again(file: Path) -> Any:
    why = "what a command wrote into node_modules or .venv goes with its workbench: no checkpoint has it"
    lost = [pytest.mark.xfail(reason=why, strict=True)] if file.stem == BESIDE_THE_TREE else []
    return pytest.param(file, id=file.stem, marks=lost)


@pytest.mark.parametrize("file", [_begun_again(file) for file in FILES if NIGHTLY or file.stem in FEW])
async def test_a_run_that_remembers_nothing_comes_to_the_same(
    stage: Stagehand, file: Path, forgetful: Counter[str]
) -> None:
    play = await perform(stage, f"forgetful-{file.stem}", file.read_text(), PATIENCE_S)
    assert forgetful.total() >= len(play.server.requests)


TWO = "from_goal_to_done"


SEEDS = range(12 if NIGHTLY else 3)


@pytest.mark.nightly
async def test_which_parallel_step_ends_first_decides_nothing(
    stage: Stagehand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps that are under way at the same time end in an order that a seed says; what comes of it is one result."""
    text = (Path(__file__).parent / "scenarios" / f"{TWO}.txt").read_text()
    orders, results = set(), set()
    for seed in SEEDS:
        with monkeypatch.context() as patching:
            _shuffle(patching, random.Random(seed))
            play = await perform(stage, f"{TWO}-{seed}", text, PATIENCE_S)
        parts = stage.parts(play.name, play.server, play.options)
        ended = [row.key for row in parts.journal.rows(play.run) if row.kind == "done"]
        tested = [one for one in parts.journal.events(play.run) if isinstance(one, ev.Tested)]
        parts.journal.close()
        orders.add(tuple(ended))
        results.add(tested[-1].tree)
        seen = await verified(play)
        assert (seen.differences, seen.asked) == ((), seen.calls), seed
    assert len(orders) > 1, "the order was shuffled"
    assert len(results) == 1


def _shuffle(patching: pytest.MonkeyPatch, order: random.Random) -> None:
    """Hold what is done for a moment; of all that is held one chosen by chance goes on."""
    waiting: list[asyncio.Event] = []
    act = Steps._act

    async def held(self: Steps, *args: Any) -> Any:
        came = await act(self, *args)
        gone_on = asyncio.Event()
        waiting.append(gone_on)
        asyncio.get_running_loop().call_later(0.05, release)
        await gone_on.wait()
        return came

    def release() -> None:
        waiting.pop(order.randrange(len(waiting))).set()

    patching.setattr(Steps, "_act", held)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recorded(stage: Stagehand) -> Play:
    """A run that an earlier version made, as it were."""
    text = (Path(__file__).parent / "scenarios" / f"{TWO}.txt").read_text()
    return await perform(stage, "recorded", text)


async def test_other_prompts_are_no_difference(recorded: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles.Assignment, "common", "# What all are given\n\nIn other words.")
    monkeypatch.setattr(roles.Assignment, "prompt", "Another prompt.")
    seen = await verified(recorded)
    assert (seen.differences, seen.reworded, seen.asked) == ((), 0, seen.calls)


async def test_other_descriptions_are_told_and_are_no_difference(
    recorded: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = tuple(replace(tool, description="Described anew.") for tool in roles.IMPLEMENT.tools)
    monkeypatch.setattr(roles, "IMPLEMENT", replace(roles.IMPLEMENT, tools=newer))
    seen = await verified(recorded)
    assert (seen.differences, seen.asked) == ((), seen.calls)
    assert seen.reworded > 0
    assert "description" in seen.first_words


async def test_a_version_that_asks_once_more_is_told_with_the_row(
    recorded: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any) -> str:
        return "This will not do."

    monkeypatch.setattr(planning, "_check_plan", never)
    seen = await verified(recorded)
    assert len(seen.differences) == 1, "the record is followed on"
    assert seen.differences[0].what == "The record has nothing of /PLANNING/1/planner/model#1."
    parts = recorded.stage.parts(recorded.name, recorded.server, recorded.options)
    kinds = {
        row.seq: json.loads(row.body).get("kind") for row in parts.journal.rows(recorded.run) if row.key == ""
    }
    parts.journal.close()
    assert kinds[seen.differences[0].row] == "plan-proposed"
    assert seen.differences[0].before == seen.differences[0].row - 1


async def test_a_version_that_wants_something_else_is_told(
    recorded: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        decide._DECIDE, Stage.DESIGN, lambda _: (ef.SkipStage(stage=Stage.DESIGN, reason="no"),)
    )
    seen = await verified(recorded)
    assert "design-proposed was recorded, and this version wants SkipStage here" in seen.differences[0].what


async def test_a_version_that_reads_a_reply_otherwise_is_told(
    recorded: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = loop.read

    def otherwise(text: str) -> Reading:
        found = read(text)
        return found.model_copy(update={"blocks": ()}) if found.answer is None else found

    monkeypatch.setattr(loop, "read", otherwise)
    seen = await verified(recorded)
    assert any(
        one.what.endswith("/implementer/act-edit#0 was done then, and would not be done now.")
        for one in seen.differences
    )


async def test_a_document_that_was_changed_is_named(recorded: Play) -> None:
    place = recorded.workspace / ".wainwright" / "runs" / recorded.run / "plan.md"
    text = place.read_text()
    place.write_text(text + "More.\n")
    assert (await verified(recorded)).documents == ("plan.md",)
    place.unlink()
    assert (await verified(recorded)).documents == ("plan.md",)
    place.write_text(text)
    assert (await verified(recorded)).documents == ()


async def test_a_journal_that_was_changed_is_not_replayed(recorded: Play) -> None:
    path = recorded.stage.root / "state" / recorded.name / "journal.db"
    with sqlite3.connect(path) as connection:
        kept = connection.execute("SELECT seq, body FROM journal WHERE kind = 'done' LIMIT 1").fetchone()
        connection.execute("UPDATE journal SET body = '{}' WHERE seq = ?", [kept[0]])
        connection.commit()
        with pytest.raises(JournalError):
            await verified(recorded)
        parts = recorded.stage.parts(recorded.name, recorded.server, recorded.options)
        (told,) = await Replaying(parts).last(5)
        parts.journal.close()
        assert "is not what was written" in told.unreadable
        connection.execute("UPDATE journal SET body = ? WHERE seq = ?", [kept[1], kept[0]])
    connection.close()
    assert (await verified(recorded)).differences == ()
