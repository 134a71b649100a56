"""What a run lets finish while it pauses, and what it stops: a real journal, and calls that end when told to."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue
from tests.unit.domain.test_machine import (
    ACCEPTANCE,
    BASE,
    DESIGN,
    SNAPSHOT,
    decided,
    gate,
    opened,
    plan,
    started,
)

from wainwright.domain import events as ev
from wainwright.domain.caps import CapsRaised
from wainwright.domain.effects import Effect, Fail, GiveUpPlan, KeepWork, RunTask, TestBase
from wainwright.domain.errors import BudgetExceeded, Closing, Fenced, IllegalTransition, ModelRejected
from wainwright.domain.fold import replay
from wainwright.domain.goal import Stage
from wainwright.engine import live_run
from wainwright.engine.live_run import LiveRun
from wainwright.journal import Journal, Reservation, Spend
from wainwright.journal import journal as owning
from wainwright.tools.toolbox import Approval

RESERVED = Reservation(usd=2.0, tokens=900)
PAID = Spend(usd=0.5, tokens=30)
UNTESTED = ev.BaseTested(reason="no sandbox then")


class Team:
    """Each task is one model call, which is answered when the test says so; `b` lacks something or breaks at once."""

    def __init__(self, breaks: Exception | None = None) -> None:
        self.breaks = breaks
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()
        self.keeps, self.keep = asyncio.Event(), asyncio.Event()
        self.keep.set()
        self.performed: list[str] = []

    async def perform(self, effect: Effect, run: LiveRun) -> Sequence[ev.Event]:
        self.performed.append(f"{type(effect).__name__} {getattr(effect, 'task', '')}".strip())
        match effect:
            case RunTask(task="a" as task):
                await run.emit(ev.TaskStarted(task=task, revision=effect.revision, attempt=0, rung="first"))
                steps = run.steps(f"/BUILD/{task}", task)
                await steps.step("model", inputs=task, effect="llm", act=self._call, reservation=RESERVED)
                return (ev.TaskLanded(task=task, attempt=0, commit="c2", tree="t2"),)
            case RunTask() if self.breaks is not None:
                await self.asked.wait()
                raise self.breaks
            case RunTask():
                return (
                    ev.TaskFailed(
                        task=effect.task, attempt=effect.attempt, cause="environment", digest="no db"
                    ),
                )
            case KeepWork():
                self.keeps.set()
                await self.keep.wait()
                return (ev.Kept(),)
            case GiveUpPlan():
                return (ev.PlanGivenUp(),)
            case Fail():
                return (ev.RunFailed(reason=effect.reason, hint=effect.hint),)
            case TestBase():
                await self.answer.wait()
                return (BASE,)
        await asyncio.Event().wait()
        raise AssertionError

    async def _call(self, _key: str) -> tuple[JsonValue, Spend]:
        self.asked.set()
        await self.answer.wait()
        return "done", PAID


class Place:
    """A run in BUILD with two tasks, at work."""

    def __init__(self, journal: Journal, team: Team, live: LiveRun, driving: asyncio.Task[None]) -> None:
        self.journal, self.team, self.live, self.driving = journal, team, live, driving
        self.changed = asyncio.Event()

    async def until_gate(self) -> None:
        async with asyncio.timeout(60):
            while not self.live.state.open_gates:
                self.changed.clear()
                await self.changed.wait()

    async def until(self, kind: str) -> None:
        async with asyncio.timeout(60):
            while kind not in [event.kind for event in self.journal.events("r1")]:
                self.changed.clear()
                await self.changed.wait()

    @property
    def spent(self) -> tuple[float, int]:
        account = self.journal.account("r1")
        return account.spent_usd, account.spent_tokens


@asynccontextmanager
async def at_work(
    folder: Path,
    base: ev.BaseTested = BASE,
    *,
    breaks: Exception | None = None,
    attended: bool = True,
    wall_s: float = 600,
    parallel: int = 4,
) -> AsyncIterator[Place]:
    journal = Journal(folder / "journal.db")
    first = started(attended=attended)
    lease = journal.create(first, "r1", "x", cap_usd=None, cap_tokens=None)
    events: list[ev.Event] = [
        SNAPSHOT,
        base,
        ev.PlanProposed(plan=plan("a", "b")),
        opened("plan"),
        decided("plan-1"),
    ]
    events += [DESIGN, ACCEPTANCE]
    journal.append(lease, events)
    state = replay([first, *events])
    assert state is not None
    team = Team(breaks)

    def hear(_notice: object, _event: object) -> None:
        place.changed.set()

    async def tidy(_run: str) -> None: ...

    perform = team.perform
    live = LiveRun(state, lease, journal, perform, parallel=parallel, wall_s=wall_s, notify=hear, tidy=tidy)
    place = Place(journal, team, live, asyncio.create_task(live.drive()))
    async with asyncio.timeout(60):
        await team.asked.wait()
    try:
        yield place
    finally:
        place.driving.cancel()
        await asyncio.gather(place.driving, return_exceptions=True)
        journal.close()


async def test_a_hold_lets_a_call_finish_and_charges_what_it_cost(tmp_path: Path) -> None:
    async with at_work(tmp_path) as place:
        await place.until_gate()
        await place.live.emit(ev.HoldMoved(until=Stage.PLANNING))
        place.team.answer.set()
        await place.until("task-landed")
        assert place.spent == (PAID.usd, PAID.tokens)
        assert place.team.performed == ["RunTask a", "RunTask b"]


async def test_a_question_and_what_its_answer_starts_let_a_call_finish(tmp_path: Path) -> None:
    async with at_work(tmp_path, UNTESTED) as place:
        await place.until_gate()
        await place.live.emit(decided("question-1", "answer", "there is one now"))
        async with asyncio.timeout(60):
            while "TestBase" not in place.team.performed:
                await asyncio.sleep(0)
        assert place.team.performed.count("RunTask b") == 1, "nothing begins while the base is tested"
        place.team.answer.set()
        await place.until("task-landed")
        assert place.spent == (PAID.usd, PAID.tokens)
        assert place.team.performed.count("RunTask a") == 1


@pytest.mark.parametrize("lands", [True, False])
async def test_a_plan_is_made_anew_when_what_is_paid_for_has_ended(tmp_path: Path, lands: bool) -> None:
    async with at_work(tmp_path) as place:
        await place.until_gate()
        await place.live.emit(
            ev.GateOpened(gate=gate(number=7, returns_to=Stage.PLANNING)),
            decided("question-7", "answer", "anew"),
        )
        for _ in range(20):
            await asyncio.sleep(0)
        assert place.live.state.stage is Stage.BUILD
        if lands:
            place.team.answer.set()
        else:
            await place.live.emit(ev.TaskSteered(task="a", way="stop", by="person"))
        await place.until("plan-given-up")
        assert ("a" in place.live.state.tasks) is lands
        assert ("a" in place.live.state.set_aside) is not lands
        paid = (PAID.usd, PAID.tokens) if lands else (RESERVED.usd, RESERVED.tokens)
        assert place.spent == paid


@pytest.mark.parametrize(
    "events",
    [
        (ev.RunCancelled(by="person"),),
        (ev.RunFailed(reason="no disk"),),
    ],
    ids=["cancelled", "failed"],
)
async def test_what_is_over_is_stopped_and_its_cost_is_unknown(
    tmp_path: Path, events: tuple[ev.Event, ...]
) -> None:
    async with at_work(tmp_path) as place:
        await place.until_gate()
        await place.live.emit(*events)
        async with asyncio.timeout(60):
            while place.spent != (RESERVED.usd, RESERVED.tokens):
                await asyncio.sleep(0)
        assert "task-landed" not in [event.kind for event in place.journal.events("r1")]


@pytest.mark.parametrize(
    "breaks", [ModelRejected("The key has expired."), RuntimeError("odd"), BudgetExceeded("No money.")]
)
@pytest.mark.parametrize("attended", [True, False])
async def test_what_breaks_one_task_breaks_off_no_call_of_another(
    tmp_path: Path, breaks: Exception, attended: bool
) -> None:
    async with at_work(tmp_path, breaks=breaks, attended=attended) as place:
        await place.until("cap-met" if isinstance(breaks, BudgetExceeded) else "task-failed")
        for _ in range(20):
            await asyncio.sleep(0)
        assert not place.driving.done()
        assert place.live.state.stage is Stage.BUILD
        place.team.answer.set()
        await place.until("task-landed")
        assert place.spent == (PAID.usd, PAID.tokens)
        if attended and isinstance(breaks, BudgetExceeded):
            await place.until_gate()
            assert place.live.state.stage is Stage.BUILD
            return
        async with asyncio.timeout(60):
            await place.driving
        failure = place.live.state.failure
        assert failure is not None
        assert str(breaks) in failure.reason
        assert place.team.performed == ["RunTask a", "RunTask b", "Fail", "KeepWork"]


async def test_no_call_begins_at_a_cap_and_what_was_refused_goes_on_where_it_was(tmp_path: Path) -> None:
    async with at_work(tmp_path, breaks=BudgetExceeded("No money.")) as place:
        await place.until_gate()

        async def never(_key: str) -> tuple[JsonValue, Spend]:
            raise AssertionError

        async def look(_key: str) -> tuple[JsonValue, Spend]:
            return "seen", Spend()

        steps = place.live.steps("/BUILD/c")
        with pytest.raises(Closing):
            await steps.step("model", inputs=1, effect="llm", act=never, reservation=RESERVED)
        with pytest.raises(Closing):
            await steps.below("critic").step("model", inputs=1, effect="llm", act=never)
        assert await steps.step("look", inputs=1, effect="read", act=look) == "seen"
        await place.live.emit(CapsRaised(usd=9, by="person"))
        place.team.answer.set()
        await steps.step("model", inputs=1, effect="llm", act=place.team._call, reservation=RESERVED)
        await place.until("task-landed")
        assert place.spent == (2 * PAID.usd, 2 * PAID.tokens)


async def test_a_call_under_way_when_the_time_is_over_is_let_finish(tmp_path: Path) -> None:
    async with at_work(tmp_path, breaks=ModelRejected("no"), wall_s=0.1) as place:
        async with asyncio.timeout(60):
            while place.live._broken is None:
                await asyncio.sleep(0.01)
        place.team.answer.set()
        async with asyncio.timeout(60):
            await place.driving
        assert place.live.state.failure == ev.RunFailed(
            reason="The run took longer than 0 s.", hint="Resume it to give it as long again."
        )
        assert place.spent == (PAID.usd, PAID.tokens)
        assert "task-landed" in [event.kind for event in place.journal.events("r1")]


async def test_what_never_ends_is_stopped_some_time_after_the_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_run, "LAST_CALLS_S", 0.1)
    async with at_work(tmp_path, breaks=ModelRejected("no"), wall_s=0.1) as place:
        async with asyncio.timeout(60):
            await place.driving
        assert place.live.state.stage is Stage.FAILED
        assert place.spent == (RESERVED.usd, RESERVED.tokens)


async def test_an_outcome_that_comes_while_the_run_is_cancelled_breaks_nothing(tmp_path: Path) -> None:
    async with at_work(tmp_path) as place:
        await place.until_gate()
        writing = place.live._appending
        async with writing:
            cancelling = asyncio.create_task(place.live.emit(ev.RunCancelled(by="person")))
            async with asyncio.timeout(60):
                while len(writing._waiters or ()) < 1:
                    await asyncio.sleep(0)
                place.team.answer.set()
                while len(writing._waiters or ()) < 2:
                    await asyncio.sleep(0)
        await cancelling
        async with asyncio.timeout(60):
            await place.driving
        assert place.live.state.stage is Stage.CANCELLED
        assert "task-landed" not in [event.kind for event in place.journal.events("r1")]


async def test_what_an_end_keeps_is_kept_when_the_program_is_told_to_stop(tmp_path: Path) -> None:
    async with at_work(tmp_path) as place:
        place.team.keep.clear()
        await place.live.emit(ev.RunCancelled(by="person"))
        async with asyncio.timeout(60):
            await place.team.keeps.wait()
        place.driving.cancel()
        await asyncio.sleep(0)
        place.team.keep.set()
        await asyncio.gather(place.driving, return_exceptions=True)
        assert [event.kind for event in place.journal.events("r1")][-2:] == ["run-cancelled", "kept"]


async def test_an_owner_that_was_fenced_says_so_and_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(tmp_path) as place:
        with monkeypatch.context() as patched:
            patched.setattr(owning, "alive", lambda *_owner: False)
            other = Journal(tmp_path / "journal.db")
            other.claim("r1")
        place.team.answer.set()
        async with asyncio.timeout(60):
            await place.driving
        assert isinstance(place.live.left, Fenced)
        assert "took run r1 over" in place.live.left.message
        assert place.live.state.stage is Stage.BUILD
        assert "task-landed" not in [event.kind for event in other.events("r1")]
        other.close()


async def test_a_paused_task_asks_nothing_more_and_goes_on_from_there(tmp_path: Path) -> None:
    async with at_work(tmp_path) as place:
        await place.until_gate()
        await place.live.emit(ev.TaskSteered(task="a", way="pause", by="person"))
        steps = place.live.steps("/BUILD/a/more", "a")
        with pytest.raises(Closing, match="is paused"):
            await steps.step("model", inputs=1, effect="llm", act=place.team._call, reservation=RESERVED)
        await place.live.emit(ev.TaskSteered(task="a", way="go-on", by="person"))
        place.team.answer.set()
        await place.until("task-landed")
        await steps.step("model", inputs=1, effect="llm", act=place.team._call, reservation=RESERVED)
        assert place.spent == (2 * PAID.usd, 2 * PAID.tokens)
        assert place.team.performed.count("RunTask a") == 1, "a call that was under way was let finish"


APPROVAL = Approval("Run `git push`?", "git push", "digest")


class Asks(Team):
    """The team; who builds `a` asks a person before anything else."""

    def __init__(self, breaks: Exception | None = None) -> None:
        super().__init__(breaks)
        self.said: list[str] = []

    async def perform(self, effect: Effect, run: LiveRun) -> Sequence[ev.Event]:
        if isinstance(effect, RunTask) and effect.task == "a":
            self.asked.set()
            assert run.person is not None
            self.said.append(await run.person(APPROVAL, "/BUILD/a/ask#0", "binds"))
        return await super().perform(effect, run)


@asynccontextmanager
async def asking(folder: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> AsyncIterator[Place]:
    monkeypatch.setattr(sys.modules[__name__], "Team", Asks)
    async with at_work(folder, **more) as place:
        async with asyncio.timeout(60):
            while "command-1" not in place.live.state.gates:
                await asyncio.sleep(0)
        yield place


async def test_waiting_for_a_person_takes_none_of_the_runs_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asking(tmp_path, monkeypatch, wall_s=0.3) as place:
        await place.until("task-failed")
        await asyncio.sleep(0.5)
        assert place.live.left_s() > -0.4
        assert place.live.state.stage is Stage.BUILD
        await place.live.emit(decided("command-1", "reject", "Not today."))
        async with asyncio.timeout(60):
            while not place.team.said:
                await asyncio.sleep(0)
        assert place.team.said == ["the person said no. Not today"]


@pytest.mark.parametrize("ends", ["stopped", "broken"])
async def test_a_question_is_withdrawn_with_the_work_that_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    async with asking(tmp_path, monkeypatch) as place:
        if ends == "broken":
            place.live._broken = Fail(reason="no disk", hint="")
            place.live._wake.set()
        else:
            await place.live.emit(ev.TaskSteered(task="a", way="stop", by="person"))
        async with asyncio.timeout(60):
            while place.live.state.gates["command-1"].decided is None:
                await asyncio.sleep(0)
        gate = place.live.state.gates["command-1"].decided
        assert (gate.decision, gate.by) == ("reject", "machine")
        with pytest.raises(IllegalTransition, match="not open"):
            await place.live.emit(decided("command-1"))
        assert place.team.said == []


async def test_who_waits_for_a_person_leaves_its_place_to_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asking(tmp_path, monkeypatch, parallel=1) as place:
        await place.until("task-failed")
        assert place.live.state.tasks["b"].status != "waiting"
        assert place.team.said == []
        await place.live.emit(decided("command-1"))
        place.team.answer.set()
        await place.until("task-landed")
        assert place.team.said == [""]
