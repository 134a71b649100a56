"""With which task each file of acceptance tests is worked on, and with which it lands."""

import pytest
from tests.unit.domain.test_machine import WAY_TO, plan, replay, started

from wainwright.domain import events as ev
from wainwright.domain.evidence import AcceptanceTest, Case, Receipt, RedFirst
from wainwright.domain.fold import fold
from wainwright.domain.goal import Stage
from wainwright.domain.state import RunState
from wainwright.engine.stages import belonging

OWNERS = {"a_test": ("a",), "b_test": ("b",), "both_test": ("a", "b"), "met_test": ()}
ALL_OF_B = {"b_test", "both_test", "conftest"}
WRITTEN = ev.AcceptanceWritten(
    commit="c1",
    tree="t1",
    kept="k1",
    tests=tuple(AcceptanceTest(requirement="R1", test=f"{path}::one") for path in OWNERS),
    files=dict.fromkeys((*OWNERS, "conftest"), "hash"),
    owners=OWNERS,
)


def building(written: ev.AcceptanceWritten, *landed: str) -> RunState:
    """Two tasks side by side, some of which have landed."""
    way = [e for e in WAY_TO[Stage.BUILD] if not isinstance(e, ev.PlanProposed | ev.RunStarted)]
    at = next(n for n, e in enumerate(way) if isinstance(e, ev.GateOpened))
    state = replay([started(), *way[:at], ev.PlanProposed(plan=plan("a", "b")), *way[at:], written])
    assert state is not None
    for task in landed:
        state = fold(state, ev.TaskLanded(task=task, attempt=0, commit=f"c-{task}", tree=f"t-{task}"))
    return state


@pytest.mark.parametrize(
    ("waits", "landed", "task", "works", "lands", "later"),
    [
        ((), (), "a", {"a_test", "both_test", "conftest"}, {"a_test", "conftest"}, set()),
        ((), ("b",), "a", {"a_test", "both_test", "conftest"}, {"a_test", "both_test", "conftest"}, set()),
        (("both_test",), (), "a", {"a_test", "conftest"}, {"a_test", "conftest"}, {"both_test"}),
        (("both_test",), ("a",), "b", ALL_OF_B, ALL_OF_B, set()),
        (tuple(OWNERS), (), "b", {"b_test", "conftest"}, {"b_test", "conftest"}, {"both_test"}),
        ((), (), "repair-1", set(), set(), set()),
    ],
    ids=[
        "what both need is worked with and does not land",
        "the last lands what both need",
        "what hinders is shown and not in the tree",
        "until its time has come",
        "own tests are there although they hinder",
        "a repair has none of its own",
    ],
)  # fmt: skip
def test_where_the_files_of_a_task_are(
    waits: tuple[str, ...],
    landed: tuple[str, ...],
    task: str,
    works: set[str],
    lands: set[str],
    later: set[str],
) -> None:
    state = building(WRITTEN.model_copy(update={"waits": waits}), *landed)
    assert set(belonging.working_with(state, task)) == works
    assert set(belonging.landing_with(state, task)) == lands
    assert set(belonging.coming_later(state, task)) == later


def test_what_stands_on_the_head() -> None:
    assert set(belonging.standing(building(WRITTEN))) == {"met_test", "conftest"}
    assert set(belonging.standing(building(WRITTEN, "b"))) == {"met_test", "conftest", "b_test"}
    assert set(belonging.standing(building(WRITTEN, "a", "b"))) == set(WRITTEN.files)


def test_tests_of_earlier_versions_stand_on_the_head_at_once() -> None:
    state = building(WRITTEN.model_copy(update={"kept": "", "owners": {}}))
    assert set(belonging.standing(state)) == set(WRITTEN.files)
    for task in ("a", "b"):
        assert belonging.landing_with(state, task) == belonging.working_with(state, task) == ()
        assert belonging.coming_later(state, task) == ()


def test_helpers_alone_land_with_the_first_task() -> None:
    alone = WRITTEN.model_copy(update={"owners": {}, "tests": ()})
    assert set(belonging.landing_with(building(alone), "a")) == set(WRITTEN.files)
    assert belonging.standing(building(alone)) == ()
    assert set(belonging.standing(building(alone, "a"))) == set(WRITTEN.files)


def test_tests_are_judged_as_the_report_calls_them() -> None:
    state = building(WRITTEN)
    assert belonging.tests_in(state, ["b_test", "a_test", "conftest"]) == ("a_test", "b_test")
    cases = tuple(Case(name=name, outcome="failed") for name in ("one", "Suite > one", "another"))
    receipt = Receipt(command="run", tree="t", exit=1, started=0, seconds=1, cases=cases)
    state = state.changed(red_first=ev.RedFirstTested(found=RedFirst(red=("a_test::one",)), receipt=receipt))
    assert belonging.tests_in(state, ["a_test", "conftest"]) == ("one", "Suite > one")
