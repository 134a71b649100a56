"""What acceptance tests say on the base, and what their author is told about it."""

from typing import Any

import pytest
from tests.unit.domain.test_machine import SNAPSHOT, plan, replay, started

from wainwright.domain import events as ev
from wainwright.domain.evidence import AcceptanceTest, Case, Receipt
from wainwright.domain.plan import Plan
from wainwright.domain.state import RunState
from wainwright.engine.stages import red_first

FILES = ("shop/cart.py", "tests/test_new.py", "go.mod", "calc/new_test.go")
TESTS = (AcceptanceTest(requirement="R1", test="tests/test_new.py::test_new"),)
GUARD = (TESTS[0].model_copy(update={"guards": True}),)


def receipt(*cases: Case, exit_code: int = 1) -> Receipt:
    return Receipt(command="run", tree="t", exit=exit_code, started=0, seconds=1, cases=cases)


def case(name: str, outcome: str = "failed", message: str = "assert 1 == 2", **more: Any) -> Case:
    return Case.model_validate({"name": name, "outcome": outcome, "message": message, **more})


OLD = case("tests/test_old.py::test_old", "passed")
GREEN_BASE = receipt(OLD, exit_code=0)


def state(base: Receipt = GREEN_BASE, **changes: Any) -> RunState:
    made = plan("shop", **changes)
    found = replay([started(), SNAPSHOT, ev.BaseTested(receipt=base), ev.PlanProposed(plan=made)])
    assert found is not None
    return found


def new(outcome: str, message: str = "assert 1 == 2") -> Receipt:
    return receipt(OLD, case("tests/test_new.py::test_new", outcome, message))


def unloaded(message: str) -> Receipt:
    return receipt(OLD, case("tests/test_new.py::collection", "error", message, unbuilt=True))


@pytest.mark.parametrize(
    ("found", "tests", "said"),
    [
        (new("failed"), TESTS, ""),
        (new("failed", "ModuleNotFoundError: No module named 'shop.basket'"), TESTS, ""),
        (
            new("failed", "ModuleNotFoundError: No module named 'numpy'"),
            TESTS,
            "not for want of what is to come",
        ),
        (new("passed"), TESTS, "pass before anything was changed"),
        (new("skipped"), TESTS, "did not run"),
        (new("passed"), GUARD, "None of your tests is red"),
        (new("failed"), GUARD, "said to guard what is so already"),
        (GREEN_BASE, TESTS, "did not run"),
        (unloaded("ImportError: cannot import name 'Basket' from 'shop.cart'"), TESTS, ""),
        (unloaded("ModuleNotFoundError: No module named 'shop.basket'"), TESTS, ""),
        (unloaded("ModuleNotFoundError: No module named 'numpy'"), TESTS, "not for want of what is to come"),
        (unloaded("method distance in class Lev cannot be applied to given types;"), TESTS, ""),
        (unloaded("error: no suitable constructor found for Cart(int,int)"), TESTS, ""),
        (unloaded("e: Unresolved reference: subsequence"), TESTS, ""),
        (unloaded("error CS7036: There is no argument given that corresponds to"), TESTS, ""),
        (unloaded("error: no matching function for call to 'lev(int, int)'"), TESTS, ""),
        *(
            (unloaded(message), TESTS, "")
            for message in (
                "** (CompileError) test/a_test.exs:270: undefined function titleize/1 (expected A to define it)",
                "error: module Inflex.Title is not loaded and could not be found",
                "undefined local variable or method `title' for main:Object",
                "Undefined subroutine &main::title called at t/a.t line 3.",
                "Can't locate Title.pm in @INC (you may need to install the Title module)",
                "error: 'title' undeclared (first use in this function)",
                "a.c:3: undefined reference to `title'",
                "attempt to call field 'title' (a nil value)",
                "test/A.hs:3:5: error: Variable not in scope: title :: String -> String",
                "Error: Unbound value title",
                "error: value title is not a member of object Words",
                'could not find function "title"',
                "UndefVarError: `title` not defined",
                "Unable to resolve symbol: title in this context",
                "error FS0039: The value or constructor 'title' is not defined.",
                "Error: Method not found: 'title'. The method 'title' isn't defined for the class 'Words'.",
            )
        ),
        (unloaded("ReferenceError: title is not defined"), TESTS, "The fault is their own"),
        (unloaded("SyntaxError: expected ':'"), TESTS, "The fault is their own"),
        (receipt(exit_code=1), TESTS, ""),
        (receipt(exit_code=0), TESTS, "pass before anything was changed"),
    ],
)
def test_what_the_author_is_told(found: Receipt, tests: tuple[AcceptanceTest, ...], said: str) -> None:
    base = GREEN_BASE if found.cases else receipt(exit_code=0)
    here = state(base)
    told = red_first.unfit(here, red_first.told(here, found, tests, FILES), tests, "")
    assert said in told
    assert bool(said) == bool(told)


def test_a_guard_that_is_there_is_green_beside_a_test_that_cannot_be_built_yet() -> None:
    tests = (
        AcceptanceTest(requirement="R1", test="tests/test_old.py::test_new"),
        AcceptanceTest(requirement="R1", test="tests/test_old.py::test_old", guards=True),
    )
    broken = case("tests/test_old.py::build", "error", "cannot find symbol", unbuilt=True)
    first = red_first.told(state(), receipt(broken), tests, FILES)
    assert first.found.red == ("tests/test_old.py::test_new",)
    assert first.found.green == ("tests/test_old.py::test_old",)
    assert red_first.unfit(state(), first, tests, "") == ""


def test_a_goal_that_changes_nothing_needs_no_red_test() -> None:
    here = state(keeps_behaviour=True)
    assert red_first.unfit(here, red_first.told(here, new("passed"), TESTS, FILES), TESTS, "") == ""


def test_a_requirement_that_is_met_today_has_guards() -> None:
    requirements = [{"id": "R1", "text": "It stays.", "guards": True}]
    here = state(requirements=requirements)
    first = red_first.told(here, new("failed"), TESTS, FILES)
    told = red_first.unfit(here, first, TESTS, "R10 has no test.", "because")
    assert "said to guard" in told
    assert "R1 is not so today, say that in `because`, by its number" in told
    assert isinstance(here.plan, Plan)
    assert red_first.unfit(here, first, TESTS, "R1 is not so today: a blank is lost.") == ""


@pytest.mark.parametrize(
    ("base", "now", "postponed"),
    [
        (receipt(), receipt(), True),
        (receipt(case("./...::build", unbuilt=True)), receipt(case("./...::build", unbuilt=True)), True),
        (receipt(case("./...::build", unbuilt=True)), receipt(case("calc::build", unbuilt=True)), False),
        (receipt(exit_code=0), receipt(), False),
        (receipt(), new("failed"), False),
    ],
)
def test_where_nothing_runs_yet_the_first_task_has_to_tell(
    base: Receipt, now: Receipt, postponed: bool
) -> None:
    told = red_first.told(state(base), now, TESTS, FILES)
    assert bool(told.postponed) is postponed


@pytest.mark.parametrize(
    ("unbuilt", "waits"),
    [
        ((), ()),
        (("calc::build",), ("calc/new_test.go",)),
        (("tests/test_new.py::collection",), ("tests/test_new.py",)),
        (("some crate::build",), ("tests/test_new.py", "calc/new_test.go")),
    ],
)
def test_files_wait_with_which_nothing_can_be_built(unbuilt: tuple[str, ...], waits: tuple[str, ...]) -> None:
    found = receipt(OLD, *(case(name, "error", unbuilt=True) for name in unbuilt))
    assert red_first.hindering(state(), found, ("tests/test_new.py", "calc/new_test.go")) == waits
