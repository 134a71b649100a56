"""One task is paused, goes on, is stopped or tried again, and the others go on."""

import pytest
from tests.unit.domain.test_caps import building
from tests.unit.domain.test_machine import opened

from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.decide import decide, goes_on, paused
from wainwright.domain.errors import IllegalTransition
from wainwright.domain.events import Steering
from wainwright.domain.fold import fold
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
