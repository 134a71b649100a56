"""What an answer at the budget gate means, and what a cap that was met does to a run."""

import pytest
from tests.unit.domain.test_machine import ACCEPTANCE, WAY_TO, decided, plan

from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.caps import CapMet, CapsRaised, NewCaps, caps_in
from wainwright.domain.decide import decide, goes_on
from wainwright.domain.errors import IllegalTransition
from wainwright.domain.fold import fold, replay
from wainwright.domain.goal import Stage
from wainwright.domain.state import RunState

MET = CapMet(reason="$0.49 of $0.50 is spent.", hint="Raise the cap.")


def building(*, attended: bool = True) -> RunState:
    events = [*WAY_TO[Stage.DESIGN][:3], ev.PlanProposed(plan=plan("a", "b", "c<a"))]
    events += [*WAY_TO[Stage.DESIGN][4:], *WAY_TO[Stage.BUILD][-1:], ACCEPTANCE]
    state = replay(events)
    assert state is not None
    return state.changed(attended=attended)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("", NewCaps()),
        ("$5", NewCaps(usd=5)),
        ("2.50", NewCaps(usd=2.5)),
        ("3 dollars", NewCaps(usd=3)),
        ("800000 tokens", NewCaps(tokens=800_000)),
        ("2M tokens", NewCaps(tokens=2_000_000)),
        ("$5, 900k tokens", NewCaps(usd=5, tokens=900_000)),
        ("$5 and 1 token", NewCaps(usd=5, tokens=1)),
        ("more", None),
        ("$0", None),
        ("-3", None),
        ("99999999999999", None),
    ],
)
def test_caps_as_people_write_them(said: str, meant: NewCaps | None) -> None:
    assert caps_in(said) == meant


def test_at_the_cap_nothing_begins_and_what_is_under_way_goes_on() -> None:
    state = building()
    at_work = decide(state)
    assert [type(one) for one in at_work] == [ef.RunTask, ef.RunTask]
    met = fold(state, MET)
    (asked,) = decide(met)
    assert isinstance(asked, ef.OpenGate)
    assert (asked.gate.kind, "$0.49 of $0.50" in asked.gate.detail) == ("budget", True)
    assert all(goes_on(met, one) for one in (*at_work, asked))
    waiting = fold(met, ev.GateOpened(gate=asked.gate))
    assert decide(waiting) == ()
    assert all(goes_on(waiting, one) for one in at_work)


def test_caps_are_raised_by_the_answer_and_the_run_goes_on_as_before() -> None:
    state = building()
    met = fold(state, MET)
    (asked,) = decide(met)
    assert isinstance(asked, ef.OpenGate)
    waiting = fold(met, ev.GateOpened(gate=asked.gate))
    with pytest.raises(IllegalTransition, match="no cap"):
        fold(waiting, decided("budget-1", "answer", "a lot"))
    answered = fold(waiting, decided("budget-1", "answer", "$5"))
    assert decide(answered) == (ef.RaiseCaps(gate="budget-1", answer="$5"),)
    raised = fold(answered, CapsRaised(usd=5, by="person"))
    assert decide(raised) == decide(state)
    assert not fold(waiting, CapsRaised(usd=5, by="person")).open_gates, "raised another way meanwhile"


def test_a_cap_ends_a_run_that_nobody_attends_and_one_that_is_not_to_cost_more() -> None:
    alone = fold(building(attended=False), MET)
    assert decide(alone) == (ef.Fail(reason=MET.reason, hint=MET.hint),)
    met = fold(building(), MET)
    (asked,) = decide(met)
    assert isinstance(asked, ef.OpenGate)
    stopped = fold(fold(met, ev.GateOpened(gate=asked.gate)), decided("budget-1", "reject"))
    assert stopped.stage is Stage.FAILED
    assert stopped.failure is not None
    assert stopped.failure.hint == MET.hint
    again = fold(stopped, ev.RunResumed(by="person"))
    assert decide(again) == decide(building()), "the cap may have been raised"


def test_a_task_that_is_halted_blocks_what_needs_it_and_nothing_else() -> None:
    state = building()
    halted = ev.TaskFailed(task="a", attempt=0, cause="halted", digest="No network.", hint="Wait.")
    state = fold(fold(state, ev.TaskStarted(task="a", revision=1, attempt=0, rung="first")), halted)
    assert [one.task for one in decide(state) if isinstance(one, ef.RunTask)] == ["b"]
    state = fold(state, ev.TaskLanded(task="b", attempt=0, commit="c2", tree="t2"))
    assert decide(state) == (ef.Fail(reason="Task a was halted. No network.", hint="Wait."),)
    ended = fold(state, ev.RunFailed(reason="x"))
    again = fold(ended, ev.RunResumed(by="person"))
    (retried,) = decide(again)
    assert retried == ef.RunTask(task="a", revision=1, attempt=0, rung="first"), "its steps are found again"
    assert again.tasks["a"].digest == state.tasks["a"].digest == ""


@pytest.mark.parametrize("attended", [True, False])
def test_a_task_at_the_end_of_its_ladder_blocks_what_needs_it_and_nothing_else(attended: bool) -> None:
    state = building(attended=attended).changed(replans=1)
    state = fold(state, ev.TaskFailed(task="a", attempt=0, cause="impossible", digest="No."))
    assert [one.task for one in decide(state) if isinstance(one, ef.RunTask)] == ["b"]
    state = fold(state, ev.TaskLanded(task="b", attempt=0, commit="c2", tree="t2"))
    (last,) = decide(state)
    assert isinstance(last, ef.OpenGate if attended else ef.Fail)
