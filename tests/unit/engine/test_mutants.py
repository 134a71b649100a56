"""What is written down of mutants, when they end and when they are broken off."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.domain.test_machine import RED_FIRST, REVIEWED, TRIED, S, finding, in_review

from wainwright.domain import events as ev
from wainwright.domain.artifacts import artifacts
from wainwright.domain.errors import IllegalTransition
from wainwright.domain.evidence import Case, Receipt, Survivor, unnoticed
from wainwright.domain.state import RunState
from wainwright.engine.stages import briefs
from wainwright.engine.stages import mutants as stage
from wainwright.engine.stages.mutants import changed_lines, try_mutants
from wainwright.engine.views.run_view import view
from wainwright.journal import Account
from wainwright.secrets import Redactor
from wainwright.workspace.native import Mutant, mutants

ALTERED = stage._Altered("a.py", Mutant(0, 1, "x", 3, "boundary", "`<` is `<=`"), b"x")


def receipt(*passing: str, exit_code: int | None = 0) -> Receipt:
    cases = tuple(Case(name=name, outcome="passed") for name in passing)
    return Receipt(command="pytest", tree="", exit=exit_code, started=1.0, seconds=1.0, cases=cases)


def trying(state: RunState | None = None) -> Any:
    parts: Any = SimpleNamespace(redactor=Redactor(()))
    return stage._Trying(parts, state or in_review(RED_FIRST), tree="t2", ends=0.0)


def test_killed_is_what_makes_a_test_that_passed_not_pass() -> None:
    tried = trying(in_review())
    tried.know(receipt("tests/a.py::one", "tests/other.py::two"))
    assert tried.expected == {"tests/a.py::one"}
    tried.made = 4
    tried.note(ALTERED, receipt("tests/a.py::one", exit_code=1))
    tried.note(ALTERED, receipt("tests/other.py::two"))
    tried.note(ALTERED, receipt(exit_code=None))
    told = tried.told()
    assert (told.made, told.killed, told.timed_out, told.left) == (4, 2, 1, 1)
    assert unnoticed(told.survivors) == {"a.py:3": "Here no acceptance test fails when `<` is `<=`."}


def test_once_the_review_is_over_little_time_is_left() -> None:
    tried = trying(in_review())
    tried.ends = time.monotonic() + 1_000
    assert tried.left_s > 900
    tried.reviewed = lambda: True
    assert tried.left_s <= stage.AFTER_REVIEW_S
    before = tried.ends
    assert tried.left_s <= stage.AFTER_REVIEW_S
    assert tried.ends == before, "it is not put off"


class Altered:
    """A tree whose tests end as told, for the acceptance tests alone and for all tests."""

    def __init__(self, alone: Receipt, together: Receipt) -> None:
        self._alone, self._together = alone, together

    async def test(self, only: tuple[str, ...], _seconds: float) -> Receipt:
        return self._alone if only else self._together


SAYS_NOTHING = [receipt(exit_code=None), receipt("tests/other.py::two"), receipt(exit_code=1)]


@pytest.mark.parametrize("itself", SAYS_NOTHING)
async def test_nothing_is_tried_where_the_change_itself_does_not_pass(itself: Receipt) -> None:
    tried = trying(in_review())
    tried.made = 1
    tried.waiting.append(ALTERED)
    altered: Any = Altered(itself, itself)
    await stage._test_itself(tried, altered)
    assert not tried.waiting
    slow = "takes longer than there is time" in tried.told().reason
    assert slow == (itself.exit is None)
    assert slow or "do not pass by themselves" in tried.told().reason
    assert tried.told().left == 1


@pytest.mark.parametrize("alone", SAYS_NOTHING)
async def test_all_tests_are_asked_where_the_acceptance_tests_alone_say_nothing(alone: Receipt) -> None:
    tried = trying(in_review())
    tried.waiting.append(ALTERED)
    altered: Any = Altered(alone, receipt("tests/a.py::one"))
    await stage._test_itself(tried, altered)
    assert tried.waiting
    assert tried.only == ()
    assert tried.expected == {"tests/a.py::one"}
    assert not tried.told().reason


class Run:
    """As much of a run as is asked for."""

    def __init__(self) -> None:
        self.state = in_review()
        self.emitted: list[ev.Event] = []

    def tell(self, text: str) -> None:
        pass

    async def emit(self, event: ev.Event) -> None:
        if self.state.stage is S.CANCELLED:
            raise IllegalTransition("It is over.")
        self.emitted.append(event)


@pytest.mark.parametrize(
    ("tried", "now", "recorded"),
    [
        (True, in_review(REVIEWED), 1),
        (False, in_review(REVIEWED), 0),
        (True, in_review(), 0),
        (True, in_review(ev.RunCancelled(by="person")), 0),
    ],
    ids=["reviewed", "nothing was tried", "the process ends", "cancelled"],
)
async def test_what_is_broken_off_is_told_once_the_review_is_over(
    monkeypatch: pytest.MonkeyPatch, tried: bool, now: RunState, recorded: int
) -> None:
    begun = asyncio.Event()

    async def slow(one: Any) -> None:
        one.made = 2
        if tried:
            one.note(ALTERED, receipt())
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(stage, "_try_all", slow)
    run: Any = Run()
    parts: Any = SimpleNamespace(redactor=Redactor(()))
    work = asyncio.create_task(try_mutants(parts, run))
    await begun.wait()
    run.state = now
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert [(one.kind, one.left) for one in run.emitted] == [("mutants-tried", 1)] * recorded


def test_changed_lines_and_their_mutants() -> None:
    before, after = b"a = 1\nb = 2\n", b"a = 1\nb = 3\nc = 4 < 5\n"
    assert changed_lines(before, after) == [(2, 3)]
    assert changed_lines(after, before[:6]) == []
    made = mutants("x.py", after, [(3, 3)])
    assert made[0].applied(after) == b"a = 1\nb = 3\nc = 4 <= 5\n"
    assert {one.line for one in made} == {3}
    assert mutants("tests/test_x.py", after, [(1, 3)]) == ()
    assert mutants("notes.md", after, [(1, 3)]) == ()
    assert mutants("web/eslint.config.mjs", b"x = 1 < 2;\n", [(1, 1)]) == ()
    assert mutants("web/config.mjs", b"x = 1 < 2;\n", [(1, 1)])


def test_what_survives_is_told_once_a_line_and_not_as_if_a_test_were_missing() -> None:
    found = [
        Survivor(path="a.py", line=line, what=what)
        for line, what in [(2, "`<` is `<=`"), (2, "this line is gone"), (3, "`1` is `2`")]
    ]
    tried = TRIED.model_copy(update={"survivors": tuple(found)})
    state = in_review(tried, REVIEWED)
    lines = [
        "- `a.py:2`: Here no acceptance test fails when `<` is `<=`, or when this line is gone.",
        "- `a.py:3`: Here no acceptance test fails when `1` is `2`.",
    ]
    for told in (briefs.survivors(state), artifacts(state)["test-report.md"]):
        assert [line for line in told.splitlines() if line.startswith("- `a.py")] == lines
        assert told.count("Either a test is missing, or it need not be as it is.") == 1


def test_survivors_stand_beside_the_findings_of_the_review() -> None:
    account = Account(cap_usd=None, cap_tokens=None, spent_usd=0, spent_tokens=0, calls=0, lost=0)
    noted = REVIEWED.model_copy(update={"findings": (finding("defer", "minor"),)})
    seen = view(in_review(TRIED, noted), account, (), ()).findings
    assert [(one.where, one.severity, one.binding) for one in seen] == [
        ("a.py:1", "minor", False),
        ("a.py:2", "minor", False),
    ]
    assert seen[1].trigger == "Here no acceptance test fails when `<` is `<=`."
    of_another_tree = TRIED.model_copy(update={"tree": "t1"})
    assert view(in_review(of_another_tree), account, (), ()).findings == ()
