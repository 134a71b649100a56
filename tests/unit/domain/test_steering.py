"""One task is paused, goes on, is stopped or tried again, and the others go on."""

import pytest
from tests.unit.domain.test_caps import building
from tests.unit.domain.test_machine import opened

from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.cautions import cautions
from wainwright.domain.decide import decide, goes_on, paused
from wainwright.domain.errors import IllegalTransition
from wainwright.domain.events import Steering
from wainwright.domain.evidence import AcceptanceTest, Verdict
from wainwright.domain.fold import fold
from wainwright.domain.goal import Stage
from wainwright.domain.plan import Requirement
from wainwright.domain.skipping import left_out
from wainwright.domain.state import RunState

BEGUN = ev.TaskStarted(task="a", revision=1, attempt=0, rung="first")
LANDED_B = ev.TaskLanded(task="b", attempt=0, commit="c2", tree="t2")


def steered(state: RunState, way: Steering, task: str = "a") -> RunState:
    return fold(state, ev.TaskSteered(task=task, way=way, by="person"))


def attempts(state: RunState) -> list[tuple[str, int]]:
    return [(one.task, one.attempt) for one in decide(state) if isinstance(one, ef.RunTask)]


@pytest.mark.parametrize("attended", [True, False])
@pytest.mark.parametrize("begun", [True, False])
def test_a_paused_task_lets_nothing_begin_and_breaks_nothing_off(attended: bool, begun: bool) -> None:
    state = building(attended=attended)
    state = fold(state, BEGUN) if begun else state
    (of_a, _) = decide(state)
    waits = steered(state, "pause")
    assert attempts(waits) == [("b", 0)]
    assert goes_on(waits, of_a) is begun
    waits = fold(waits, LANDED_B)
    assert decide(waits) == ()
    assert paused(waits), "the run waits for somebody to let it go on"
    assert attempts(steered(waits, "go-on")) == [("a", 0)]


def test_a_stopped_task_is_halted_and_can_go_on_or_be_tried_again() -> None:
    state = fold(building(), BEGUN)
    (of_a, _) = decide(state)
    stopped = steered(state, "stop")
    assert attempts(stopped) == [("b", 0)]
    assert not goes_on(stopped, of_a)
    (end,) = decide(fold(stopped, LANDED_B))
    assert isinstance(end, ef.Fail)
    assert "stopped by person" in end.reason
    assert "task again a" in end.hint
    assert attempts(steered(stopped, "go-on")) == [("a", 0), ("b", 0)]
    assert attempts(steered(stopped, "again")) == [("a", 1), ("b", 0)]


def test_another_try_takes_the_place_of_the_present_one_and_of_a_question_about_it() -> None:
    state = fold(building(), BEGUN)
    (of_a, _) = decide(state)
    again = steered(state, "again")
    assert not goes_on(again, of_a)
    assert attempts(again) == [("a", 1), ("b", 0)]
    stuck = fold(
        building().changed(replans=1), ev.TaskFailed(task="a", attempt=0, cause="impossible", digest="No.")
    )
    asked = fold(stuck, opened("question"))
    again = steered(asked, "again")
    assert not again.open_gates
    assert attempts(again) == [("a", 1), ("b", 0)]


def test_what_is_not_to_be_done_cannot_be_steered() -> None:
    state = fold(building(), LANDED_B)
    for task in ("b", "nothing"):
        with pytest.raises(IllegalTransition, match=f"No task {task} is to be done") as caught:
            steered(state, "again", task)
        assert caught.value.hint == "Tasks to be done: a, c."
    stuck = fold(
        state.changed(replans=1), ev.TaskFailed(task="a", attempt=0, cause="impossible", digest="No.")
    )
    for way in ("pause", "go-on", "stop"):
        with pytest.raises(IllegalTransition, match="is stuck"):
            steered(stuck, way)  # type: ignore[arg-type]


def skipping(state: RunState, task: str = "a") -> RunState:
    return steered(state, "skip", task)


@pytest.mark.parametrize("attended", [True, False])
def test_what_needs_a_skipped_task_waits_until_somebody_says_that_it_goes_on_without(attended: bool) -> None:
    state = fold(building(attended=attended), BEGUN)
    (of_a, _) = decide(state)
    left = skipping(state)
    assert not goes_on(left, of_a)
    assert attempts(left) == [("b", 0)]
    waits = fold(left, LANDED_B)
    assert waits.stage is Stage.BUILD
    (effect,) = decide(waits)
    if attended:
        assert isinstance(effect, ef.OpenGate)
        assert effect.gate.question == "Task c needs a, which is skipped. Build it without?"
        asked = fold(waits, ev.GateOpened(gate=effect.gate))
        answered = fold(asked, ev.GateDecided(gate=effect.gate.id, decision="approve", by="person"))
        assert attempts(answered) == [("c", 0)]
        assert not skipping(asked, "c").open_gates
    else:
        assert isinstance(effect, ef.Fail)
        waits = fold(waits, ev.RunFailed(reason=effect.reason, hint=effect.hint))
        resumed = fold(waits, ev.RunResumed(by="person"))
        assert decide(resumed) == (effect,), "resuming alone does not say so"
    goes = steered(waits, "go-on", "c")
    goes = goes if attended else fold(goes, ev.RunResumed(by="person"))
    assert attempts(goes) == [("c", 0)]
    assert skipping(left, "c").stage is Stage.BUILD
    ends = skipping(waits, "c")
    ends = ends if attended else fold(ends, ev.RunResumed(by="person"))
    assert ends.stage is Stage.TEST
    assert [one.task.id for one in ends.unfinished] == []
    assert "Task a (a) was skipped by person." in cautions(ends)


def test_a_skipped_task_is_done_after_all_and_one_is_left() -> None:
    left = skipping(skipping(building()), "b")
    with pytest.raises(IllegalTransition, match="all that is to be done"):
        skipping(left, "c")
    for way in ("pause", "stop", "go-on", "skip"):
        with pytest.raises(IllegalTransition, match="is skipped"):
            steered(left, way)  # type: ignore[arg-type]
    again = steered(left, "again")
    assert attempts(again) == [("a", 1)]
    assert again.tasks["a"].skipped_by == ""
    with pytest.raises(IllegalTransition, match="does not build any more"):
        skipping(fold(building().changed(stage=Stage.REVIEW), ev.RunFailed(reason="No.")))


def test_a_new_plan_does_not_bring_back_what_was_skipped() -> None:
    state = skipping(fold(building().changed(lets_end=True), BEGUN), "b")
    state = fold(state, ev.TaskFailed(task="a", attempt=0, cause="impossible", digest="No."))
    anew = fold(state, ev.PlanGivenUp())
    assert "The person skipped these, so do not plan them: b: b." in anew.plan_reason
    assert (anew.tasks["b"].status, "b" in anew.set_aside) == ("skipped", False)


def shows(**named: str) -> tuple[AcceptanceTest, ...]:
    return tuple(AcceptanceTest(requirement=r, test=test) for r, test in named.items())


def three() -> RunState:
    """Tasks a, b and c<a serve R1, R2 and R3."""
    state = building()
    assert state.plan is not None
    serves = {"a": ("R1",), "b": ("R2",), "c": ("R3",)}
    wanted = tuple(Requirement(id=r, text=r) for r in ("R1", "R2", "R3"))
    tasks = {
        name: one.model_copy(update={"task": one.task.model_copy(update={"acceptance": serves[name]})})
        for name, one in state.tasks.items()
    }
    plan = state.plan.model_copy(
        update={"requirements": wanted, "tasks": tuple(one.task for one in tasks.values())}
    )
    return state.changed(plan=plan, tasks=tasks)


def written(state: RunState, owners: dict[str, tuple[str, ...]], **named: str) -> ev.AcceptanceWritten:
    return ev.AcceptanceWritten(commit="c1", tree="t1", kept="k", tests=shows(**named), owners=owners)


OWN = {"x": ("a",), "y": ("b",), "z": ("c",)}
NAMED = {"R1": "x::1", "R2": "y::2", "R3": "z::3"}


def test_tests_of_their_own_go_with_a_skipped_task() -> None:
    state = three()
    state = skipping(fold(state.changed(acceptance=None), written(state, OWN, **NAMED)), "b")
    assert state.acceptance is not None
    assert (left_out(state), state.tasks["b"].skipped_tests) == ({"R2"}, ("y::2",))
    assert steered(state, "again", "b").acceptance is not None


@pytest.mark.parametrize("before", [True, False])
def test_tests_in_a_file_with_others_are_written_anew(before: bool) -> None:
    state = three().changed(acceptance=None)
    mixed = written(
        state, {"x": ("a",) if before else ("a", "b"), "z": ("c",)}, R1="x::1", R2="x::2", R3="z::3"
    )
    state = fold(skipping(state, "b"), mixed) if before else skipping(fold(state, mixed), "b")
    (again,) = [one for one in decide(state) if isinstance(one, ef.WriteAcceptance)]
    assert again.round == 1
    assert "- b, b (R2)\nWrite no test of R2." in again.digest
    state = fold(state, written(state, {"x": ("a",), "z": ("c",)}, R1="x::1", R3="z::3"))
    assert attempts(state) == [("a", 0)]
    back = steered(state, "again", "b")
    assert (back.acceptance is None) is not before, "they are missed only where they were there"


def test_what_mends_later_does_not_serve_what_is_left_out() -> None:
    state = skipping(three(), "b")
    for task in ("a", "c"):
        state = fold(state, ev.TaskLanded(task=task, attempt=0, commit="c3", tree=f"t{task}"))
    red = ev.Tested(tree="tc", verdict=Verdict(passed=False, turned_red=("x::1",)))
    state = fold(fold(state, red), ev.FailureTriaged(cause="code", digest="Red."))
    assert state.tasks["repair-1"].task.acceptance == ("R1", "R3")
    assert left_out(state) == {"R2"}


def test_an_attempt_of_which_nothing_is_heard_is_made_again_once() -> None:
    def silent(state: RunState, attempt: int) -> RunState:
        words = {"cause": "silent", "digest": "Nothing was heard of it.", "kept": "c9", "hint": "Look."}
        return fold(state, ev.TaskFailed.model_validate({"task": "a", "attempt": attempt, **words}))

    state = fold(building(), BEGUN)
    (of_a, _) = decide(state)
    once = silent(state, 0)
    assert not goes_on(once, of_a)
    assert attempts(once) == [("a", 1), ("b", 0)]
    assert (once.tasks["a"].kept, once.tasks["a"].digest) == ("c9", "Nothing was heard of it.")
    twice = silent(once, 1)
    assert attempts(twice) == [("b", 0)]
    (end,) = decide(fold(twice, LANDED_B))
    assert isinstance(end, ef.Fail)
    assert "Task a was halted. Nothing was heard of it." in end.reason
    assert end.hint == "Look."
    assert attempts(silent(steered(twice, "again"), 2)) == [("a", 3), ("b", 0)], "a person gives it another"
