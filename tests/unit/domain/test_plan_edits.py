"""What a run makes of a plan that a person edits: before its gate was passed, and while it is built."""

import pytest
from tests.unit.domain.test_machine import ACCEPTANCE, BASE, SNAPSHOT, plan, started

from wainwright.domain import events as ev
from wainwright.domain.decide import decide
from wainwright.domain.effects import OpenGate, RunTask
from wainwright.domain.errors import IllegalTransition
from wainwright.domain.fold import fold, replay
from wainwright.domain.goal import Stage
from wainwright.domain.plan import Plan
from wainwright.domain.plan_edits import begun
from wainwright.domain.state import RunState


def planned(*tasks: str) -> RunState:
    state = replay([started(), SNAPSHOT, BASE, ev.PlanProposed(plan=plan(*tasks))])
    assert state is not None
    return state


def building(*tasks: str) -> RunState:
    """A run that builds this plan; its first task has begun."""
    state = planned(*tasks)
    (effect,) = decide(state)
    assert isinstance(effect, OpenGate)
    for event in (
        ev.GateOpened(gate=effect.gate),
        ev.GateDecided(gate=effect.gate.id, decision="approve", by="person"),
        ev.StageSkipped(stage=Stage.DESIGN, reason="none"),
        ACCEPTANCE,
        ev.TaskStarted(task="a", revision=1, attempt=0, rung="first"),
    ):
        state = fold(state, event)
    return state


def edited(state: RunState, made: Plan) -> RunState:
    return fold(state, ev.PlanEdited(plan=made, what=("a is changed",), by="editor"))


def test_a_plan_that_is_edited_at_its_gate_is_asked_about_anew() -> None:
    state = planned("a")
    (effect,) = decide(state)
    assert isinstance(effect, OpenGate)
    state = edited(fold(state, ev.GateOpened(gate=effect.gate)), plan("a", "b<a"))
    assert list(state.tasks) == ["a", "b"]
    (gate,) = state.open_gates
    assert gate.id == "plan-1", "what is asked on a screen already can still be answered"
    assert "b: b (R1; writes b/**)" in gate.detail
    assert state.revision == 1


def test_tasks_that_have_not_begun_are_edited_while_the_run_goes_on() -> None:
    state = building("a", "b", "c<b")
    assert begun(state) == {"a"}
    made = plan("a", "b", "d<a")
    other = made.task("b").model_copy(update={"instruction": "Else."})
    wider = made.model_copy(update={"tasks": (made.task("a"), other, made.task("d"))})
    state = edited(state, wider)
    assert list(state.tasks) == ["a", "b", "d"]
    assert state.tasks["a"].status == "running"
    assert state.tasks["b"].task.instruction == "Else."
    assert [one.task for one in decide(state) if isinstance(one, RunTask)] == [], (
        "tests are written anew first"
    )
    assert state.acceptance is None
    assert "The person edited the plan" in state.acceptance_digest


def test_other_words_alone_write_no_tests_anew() -> None:
    state = building("a", "b")
    made = plan("a", "b")
    other = made.task("b").model_copy(update={"instruction": "Else.", "write_set": ("z/**",)})
    after = edited(state, made.model_copy(update={"tasks": (made.task("a"), other)}))
    assert after.acceptance == state.acceptance
    assert [one.task for one in decide(after) if isinstance(one, RunTask)] == ["a", "b"]


def test_what_has_begun_is_not_edited() -> None:
    state = building("a", "b")
    with pytest.raises(IllegalTransition, match="Tasks that have begun are not edited any more: a"):
        edited(state, plan("b"))
    landed = fold(state, ev.TaskLanded(task="a", attempt=0, commit="c1", tree="t1"))
    with pytest.raises(IllegalTransition, match="begun"):
        edited(landed, plan("a<b", "b"))
    given_up = state.changed(giving_up="It is wrong.")
    with pytest.raises(IllegalTransition, match="made anew"):
        edited(given_up, plan("a", "b"))


def test_without_what_was_left_of_it_the_run_goes_on_to_test() -> None:
    state = building("a", "b")
    landed = fold(state, ev.TaskLanded(task="a", attempt=0, commit="c1", tree="t1"))
    after = edited(landed, plan("a"))
    assert list(after.tasks) == ["a"]
    assert after.stage is Stage.BUILD, "the acceptance tests are written without it"
    assert fold(after, ACCEPTANCE).stage is Stage.TEST
