"""A plan of two hundred tasks on a scripted world: failures, conflicts, a question, a new plan, red tests, a review.

What comes of an attempt hangs on the seed and on what is attempted, never on when. How long it takes, and so the
order in which the outcomes come, is drawn from a seed of its own.
"""

import hashlib
import os
import random
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.unit.domain.test_journeys import World, fails, finding, receipt, start

from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.decide import decide, goes_on
from wainwright.domain.deployment import DeployFailed
from wainwright.domain.evidence import Verdict
from wainwright.domain.fold import fold
from wainwright.domain.goal import Stage
from wainwright.domain.plan import Plan, Requirement, Task, overlap
from wainwright.domain.state import RunState

TASKS, SLOTS, FOLDERS = 200, 8, 70
WRONG_TESTS, IMPOSSIBLE, LACKING = 50, 100, 150
"""Tasks that all before them lead to, and all behind them need, with what their first attempt finds."""
BARRIERS = {WRONG_TESTS: "tests", IMPOSSIBLE: "impossible", LACKING: "environment"}
STEPS = 3000


def drawn(*words: object) -> random.Random:
    """Chance that is the same for the same words, in each process."""
    return random.Random("/".join(map(str, words)))


def plan_of(seed: int, landed: frozenset[str] = frozenset()) -> Plan:
    """What is left to do of two hundred tasks; a planner may give forty at most, the machine takes any number."""
    tasks = []
    for number in range(TASKS):
        chance, behind = drawn(seed, number), max([0, *(one for one in BARRIERS if one < number)])
        near = range(max(behind, number - 12), number)
        needs = range(number) if number in BARRIERS else {behind, *chance.sample(near, min(len(near), 2))}
        tasks.append(
            Task(
                id=f"t{number}",
                title=f"Task {number}",
                instruction="Do it.",
                needs=tuple(f"t{one}" for one in sorted(needs) if one != number and f"t{one}" not in landed),
                write_set=tuple(f"d{chance.randrange(FOLDERS)}/**" for _ in range(chance.randint(1, 3))),
                acceptance=("R1",),
            )
        )
    left = tuple(task for task in tasks if task.id not in landed)
    return Plan.model_construct(requirements=(Requirement(id="R1", text="It works."),), tasks=left)


class Script(World):
    """What comes of each effect: well, unless the seed says otherwise."""

    def __init__(self, seed: int) -> None:
        super().__init__(person=mended)
        self.seed = seed
        self.landed: set[str] = set()

    def tree(self) -> str:
        return hashlib.sha256(" ".join(sorted(self.landed)).encode()).hexdigest()[:12]

    def perform(self, state: RunState, effect: ef.Effect) -> list[ev.Event]:
        match effect:
            case ef.MakePlan():
                return [ev.PlanProposed(plan=plan_of(self.seed, frozenset(self.landed)))]
            case ef.RunTask():
                return self.attempt(state, effect)
            case ef.RunTests() if effect.number < 2:
                tree = state.head_tree or ""
                verdict = Verdict(passed=False, turned_red=(f"tests/a.py::{effect.number}",))
                return [ev.Tested(tree=tree, verdict=verdict, receipt=receipt(tree, green=False))]
            case ef.ReviewChange() if effect.number < 1:
                found = (finding("patch"),)
                return [ev.Reviewed(tree=state.head_tree or "", summary="One thing.", findings=found)]
            case ef.DeployService() if effect.number < 2:
                return [DeployFailed(reason="No port.")]
        return self.everyday(state, effect)

    def attempt(self, state: RunState, effect: ef.RunTask) -> list[ev.Event]:
        """The outcome of an attempt; its beginning was told when it began."""
        number = int(effect.task[1:]) if effect.task[1:].isdigit() else -1
        first = effect.revision == 1 if number == IMPOSSIBLE else effect.attempt == 0
        chance = drawn(self.seed, effect.task, effect.rung, effect.attempt)
        cause = BARRIERS.get(number, "") if first else ""
        if not cause and effect.rung in ("first", "fresh"):
            cause = chance.choices(["", "code", "model", "conflict"], [70, 12, 6, 12])[0]
        if cause and not (cause == "conflict" and effect.attempt > 1):
            return fails(cause)(state, effect)[1:]
        self.landed.add(effect.task)
        tree = self.tree()
        return [ev.TaskLanded(task=effect.task, attempt=effect.attempt, commit=f"c-{effect.task}", tree=tree)]


def mended(_: RunState, effect: Any) -> list[ev.Event]:
    return [ev.GateDecided(gate=effect.gate.id, decision="answer", reason="It is mended.", by="person")]


@dataclass
class Went:
    """How a run went."""

    state: RunState
    events: list[ev.Event]
    beside: int
    """The most attempts that were at work at once."""
    left: list[str] = field(default_factory=list)
    """What was begun and neither ended nor was broken off."""

    @property
    def alone(self) -> dict[str, list[str]]:
        """What each task went through, and under no name all that is no task's; without where the head stood."""
        told: dict[str, list[str]] = defaultdict(list)
        for event in self.events:
            of_task = isinstance(event, ev.TaskStarted | ev.TaskFailed | ev.TaskLanded)
            told[event.task if of_task else ""].append(event.model_dump_json(exclude={"tree", "plan"}))
        return told

    @property
    def digest(self) -> str:
        """Of all events, one after the other."""
        words = "\n".join(event.model_dump_json() for event in self.events)
        return hashlib.sha256(words.encode()).hexdigest()


def go(seed: int, order: int) -> Went:
    """Perform what is wanted, at most so many attempts at once, until the run rests."""
    script = Script(seed)
    went = Went(start(), [], 0)
    running: dict[str, tuple[float, ef.Effect]] = {}
    now = 0.0

    def tell(events: list[ev.Event]) -> None:
        for event in events:
            went.state = fold(went.state, event)
            went.events.append(event)

    for _ in range(STEPS):
        for key in [key for key, (_, one) in running.items() if not goes_on(went.state, one)]:
            del running[key]
        for effect in decide(went.state):
            full = sum(isinstance(one, ef.RunTask) for _, one in running.values()) >= SLOTS
            if effect.key in running or (full and isinstance(effect, ef.RunTask)):
                continue
            running[effect.key] = (now + drawn(order, effect.key).expovariate(1.0), effect)
            if isinstance(effect, ef.RunTask):
                tell(
                    [
                        ev.TaskStarted(
                            task=effect.task,
                            revision=effect.revision,
                            attempt=effect.attempt,
                            rung=effect.rung,
                        )
                    ]
                )
        if not running:
            return went
        beside = [went.state.tasks[one.task] for _, one in running.values() if isinstance(one, ef.RunTask)]
        went.beside = max(went.beside, len(beside))
        for at, one in enumerate(beside):
            assert not any(overlap(one.task.write_set, other.task.write_set) for other in beside[:at])
            assert all(went.state.tasks[need].status == "landed" for need in one.task.needs)
        now, effect = min(running.values(), key=lambda one: one[0])
        del running[effect.key]
        tell(script.perform(went.state, effect))
    went.left = sorted(running)
    return went


@pytest.mark.parametrize("seed", range(3))
def test_two_hundred_tasks_come_to_the_same_end_in_whatever_order_they_do(seed: int) -> None:
    runs = [go(seed, order) for order in range(2)]
    first = runs[0]
    assert len({went.digest for went in runs}) == len(runs), "the outcomes came in another order each time"
    for went in runs:
        assert went.state.stage is Stage.DONE
        assert went.beside > 3
        assert (went.left, went.state.unfinished, went.state.open_gates, decide(went.state)) == (
            [],
            (),
            (),
            (),
        )
        assert {f"t{number}" for number in range(TASKS)} < {*went.state.tasks}
        assert went.alone == first.alone
        assert went.state.head_tree == first.state.head_tree
    kinds = [event.kind for event in first.events]
    causes = {event.cause for event in first.events if isinstance(event, ev.TaskFailed)}
    assert causes == {"code", "model", "conflict", "tests", "impossible", "environment"}
    assert kinds.count("plan-proposed") == 2
    assert {"repair-1", "repair-2"} <= {*first.state.tasks}


def test_another_process_goes_through_the_same_events() -> None:
    code = "from tests.unit.domain.test_large_plan import go; print(go(1, 1).digest)"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == go(1, 1).digest
