"""What a goal's size leaves out, who says it, and how a run that turns out larger goes on."""

from typing import Any

import pytest
from tests.unit.domain.test_journeys import World, fails, finding, go, landed, plan_of, review, start, triage

from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.decide import decide
from wainwright.domain.errors import IllegalTransition, PlanError
from wainwright.domain.evidence import Verdict
from wainwright.domain.fold import fold
from wainwright.domain.goal import Size, Stage
from wainwright.domain.plan import Plan
from wainwright.domain.sizes import criticises, named, reviews_tasks, told
from wainwright.domain.state import RunState

S = Stage
SEVERAL = (("a", (), ("a/**",)), ("b", (), ("b/**",)))


def sized(size: Size | None, *, several: bool = False) -> Plan:
    tasks = SEVERAL if several else SEVERAL[:1]
    return Plan.model_validate({**plan_of(*tasks).model_dump(), "size": size, "size_reason": "One place."})


def builds(state: RunState, effect: ef.RunTask) -> list[ev.Event]:
    """Land the task, with tests of its own where nobody else writes any."""
    begun = ev.TaskStarted(
        task=effect.task, revision=effect.revision, attempt=effect.attempt, rung=effect.rung
    )
    tree = f"t-{effect.task}-{effect.attempt}"
    own = [ev.AcceptanceWritten(commit="c0", tree="t0")] if state.size == "small" else []
    return [begun, *(own if state.acceptance is None else []), landed(effect, tree)]


def done(world: World) -> list[str]:
    return [type(e).__name__ for e in world.done]


def world(plan: Plan, **answers: Any) -> World:
    return World({ef.RunTask: builds, **{getattr(ef, name): one for name, one in answers.items()}}, plan=plan)


def at_build(plan: Plan, **changes: Any) -> RunState:
    """A run in BUILD, before anything of it was done."""
    return go(world(plan), until=S.DESIGN, **changes)


def test_a_small_goal_is_planned_built_tested_and_reviewed_and_nothing_else() -> None:
    played = world(sized("small"))
    state = go(played)
    assert state.stage is S.DONE
    assert done(played)[:6] == ["TakeSnapshot", "TestBase", "MakePlan", "OpenGate", "SkipStage", "RunTask"]
    assert done(played)[6:8] == ["RunTests", "ReviewChange"]
    assert state.skips[S.DESIGN] == "the goal is small: One place"


def test_a_medium_goal_of_one_task_is_reviewed_once() -> None:
    played = world(sized("medium"))
    state = go(played)
    assert "WriteAcceptance" in done(played)
    assert "MakeDesign" not in done(played)
    assert "ReviewChange" in done(played)
    assert not reviews_tasks(state)
    assert not criticises(state)


def test_a_medium_goal_of_several_tasks_is_reviewed_by_task_and_handed_over_all_the_same() -> None:
    played = world(sized("medium", several=True))
    state = go(played)
    assert "ReviewChange" not in done(played)
    assert "HandOver" in done(played)
    assert reviews_tasks(state)
    assert not criticises(state)
    assert state.skips[S.REVIEW].endswith("each of its tasks was reviewed before it landed")


def test_what_was_noted_on_tasks_stands_in_the_review_that_nobody_makes() -> None:
    noted = finding("patch", "minor")

    def remarked(state: RunState, effect: ef.RunTask) -> list[ev.Event]:
        begun, done = builds(state, effect)
        return [begun, done.model_copy(update={"remarks": (noted,)})]

    state = go(World({ef.RunTask: remarked}, plan=sized("medium", several=True)))
    assert state.reviewed is not None
    assert state.reviewed.findings == (noted, noted)


def test_the_whole_is_reviewed_where_a_task_of_a_plan_before_was_not() -> None:
    state = go(world(sized("medium")), until=S.BUILD)
    state = state.changed(revision=2, plan=sized("medium", several=True))
    assert [
        type(e) for e in decide(go(world(sized("medium")), state).changed(stage=S.REVIEW, until=None))
    ] == [ef.ReviewChange]


@pytest.mark.parametrize("size", ["large", None])
def test_a_large_goal_and_one_that_nobody_sized_have_everything(size: Size | None) -> None:
    played = world(sized(size, several=True))
    state = go(played)
    assert {"MakeDesign", "WriteAcceptance", "ReviewChange"} <= set(done(played))
    assert criticises(state)
    assert reviews_tasks(state)


@pytest.mark.parametrize(
    ("chosen", "planned", "size"), [("large", "small", "large"), ("small", "large", "small")]
)
def test_the_person_has_the_last_word(chosen: Size, planned: Size, size: Size) -> None:
    state = go(world(sized(planned)), size=chosen)
    assert state.size == size
    assert told(state) == f"The goal is {size}: the person says so."


def test_several_tasks_are_never_small() -> None:
    assert go(world(sized("large", several=True)), size="small").size == "medium"
    with pytest.raises(PlanError, match="a small goal is one task, and here are 2"):
        sized("small", several=True)


@pytest.mark.parametrize("way", ["bigger", "code"])
def test_a_small_goal_that_is_bigger_is_planned_anew_as_medium_once(way: str) -> None:
    small = True

    def plans(_state: RunState, _effect: Any) -> list[ev.Event]:
        return [ev.PlanProposed(plan=sized("small"))]

    def tries(state: RunState, effect: ef.RunTask) -> list[ev.Event]:
        nonlocal small
        answer = fails(way) if small and state.resized is None else builds
        return answer(state, effect)

    played = World({ef.RunTask: tries, ef.MakePlan: plans})
    state = go(played)
    assert state.stage is S.DONE
    assert state.size == "medium"
    assert state.replans == 0
    assert done(played).count("Resize") == 1
    assert done(played).count("MakePlan") == 2
    assert "WriteAcceptance" in done(played)
    assert told(state) == "The goal is medium: It broke."
    with pytest.raises(IllegalTransition, match="once"):
        fold(state.changed(stage=S.BUILD), ev.Resized(size="large", reason="again"))


def test_the_end_of_the_rounds_makes_a_small_goal_larger_too() -> None:
    state = go(world(sized("small"), ReviewChange=review("patch")), until=S.REVIEW, attended=False)
    assert state.resized is not None


def test_what_is_impossible_is_not_larger_and_neither_is_what_the_person_sized() -> None:
    impossible = World({ef.RunTask: fails("impossible")}, plan=sized("small"))
    state = go(impossible)
    assert state.resized is None
    assert state.replans == 1
    chosen = World({ef.RunTask: fails("bigger")}, plan=sized("small"))
    state = go(chosen, size="small")
    assert state.resized is None
    assert state.open_gates[0].kind == "question"


def test_wrong_tests_of_a_small_goal_are_written_anew_by_the_tester() -> None:
    reds = iter([False])

    def tests(state: RunState, effect: ef.RunTests) -> list[ev.Event]:
        passed = next(reds, True)
        return [ev.Tested(tree=f"t{effect.number}", verdict=Verdict(passed=passed))]

    played = world(sized("small"), RunTests=tests, TriageFailure=triage("test", consent=True))
    assert go(played).stage is S.DONE
    assert done(played).count("WriteAcceptance") == 1


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("large", "large"),
        (" Medium: there are two formats", "medium"),
        ("small, one task", "small"),
        ("small changes are missing", None),
        ("enlarge it", None),
        ("", None),
    ],
)
def test_a_refusal_can_name_the_size(words: str, size: Size | None) -> None:
    assert named(words) == size
    state = start(attended=True, autonomy="suggest")
    state = go(world(sized("small")), state)
    state = fold(state, ev.GateDecided(gate="plan-1", decision="reject", reason=words, by="person"))
    assert state.chosen_size == size
    assert state.plan is None


def test_the_gate_of_the_plan_says_the_size() -> None:
    state = go(world(sized("small")), start(autonomy="suggest"))
    assert state.open_gates[0].detail.startswith("revision 1 The goal is small: One place.\n")


def test_journals_of_before_have_no_sizes() -> None:
    state = at_build(sized(None))
    assert state.chosen_size is None
    assert state.size == "large"
    assert told(state) == ""


@pytest.mark.parametrize(
    ("changes", "size", "wanted"),
    [
        ({"tests_need_design": False}, "large", ["MakeDesign", "WriteAcceptance"]),
        ({}, "large", ["MakeDesign"]),
        ({"tests_need_design": False}, "medium", ["SkipStage"]),
    ],
)
def test_tests_are_written_while_the_designer_works_where_they_need_no_design(
    changes: dict[str, bool], size: Size, wanted: list[str]
) -> None:
    plan = sized(size, several=True).model_copy(update=changes)
    state = go(world(plan), until=S.PLANNING).changed(until=None)
    assert [type(effect).__name__ for effect in decide(state)] == wanted
    held_after = state.changed(until=S.DESIGN)
    assert [type(effect).__name__ for effect in decide(held_after)] == wanted[:1]
