"""What a person is told of how far the tests can be trusted, and where."""

import pytest
from tests.unit.domain.test_machine import (
    ACCEPTANCE,
    BASE,
    GREEN,
    REVIEWED,
    SHOWN,
    SNAPSHOT,
    WAY_TO,
    receipt,
    started,
)

from wainwright.domain import events as ev
from wainwright.domain.artifacts import artifacts, utc
from wainwright.domain.cautions import cautions
from wainwright.domain.decide import decide
from wainwright.domain.effects import OpenGate
from wainwright.domain.evidence import Case, Finding, Receipt, Verdict
from wainwright.domain.fold import replay
from wainwright.domain.goal import Stage
from wainwright.domain.state import without_test

RED = tuple(Case(name=f"tests/old.py::{n}", outcome="failed") for n in "abcde")


def base(*cases: Case, exit_code: int | None = 1, **changes: object) -> ev.BaseTested:
    found = receipt(exit_code=1).model_copy(update={"cases": cases, "exit": exit_code, **changes})
    return ev.BaseTested(receipt=found)


def told(*events: ev.Event) -> tuple[str, ...]:
    state = replay([started(), *events])
    assert state is not None
    return cautions(state)


def whole(found: Receipt, **verdict: object) -> ev.Tested:
    return ev.Tested(tree="t2", verdict=Verdict(passed=True, **verdict), receipt=found)  # type: ignore[arg-type]


def test_nothing_is_said_where_nothing_is_out_of_the_ordinary() -> None:
    assert told(SNAPSHOT, BASE) == ()
    assert told() == (), "nothing is known yet"


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([SNAPSHOT.model_copy(update={"suites": ()})], "It is not known how this workspace is tested"),
        ([SNAPSHOT, base(environment="no pytest.")], "No test of this workspace could run: no pytest."),
        ([SNAPSHOT, ev.BaseTested(reason="no sandbox")], "No test was run on the base: no sandbox."),
        ([SNAPSHOT, base(exit_code=2)], "`pytest` ended with 2 before the run began, without telling single tests."),
        ([SNAPSHOT, base(exit_code=None)], "`pytest` was stopped at its time limit before the run began"),
        ([SNAPSHOT, base(*RED[:1])], "1 of 1 tests was red before the run began: `tests/old.py::a`."),
        (
            [SNAPSHOT, base(*RED)],
            "5 of 5 tests were red before the run began: `tests/old.py::a`, `tests/old.py::b`, "
            "`tests/old.py::c` and 2 more.",
        ),
        ([SNAPSHOT, base(*RED[:1], doubts=("conftest.py lies.",))], "conftest.py lies."),
    ],
)  # fmt: skip
def test_what_is_said_before_the_plan(events: list[ev.Event], said: str) -> None:
    assert any(said in one for one in told(*events))


def test_what_was_red_before_is_told_apart_at_the_end() -> None:
    way = [SNAPSHOT, base(*RED), *WAY_TO[Stage.TEST][3:]]
    five, two = (whole(receipt("t2"), base_red=tuple(c.name for c in RED[:n])) for n in (5, 2))
    assert "before the run began, and still so are all of them: " in told(*way, five)[0]
    assert (
        "before the run began, and still so are 2: `tests/old.py::a`, `tests/old.py::b`."
        in told(*way, two)[0]
    )
    assert "before the run began, and none of them is red now: " in told(*way, whole(receipt("t2")))[0]
    flaky = whole(receipt("t2"), flaky=("tests/x.py::one",), doubts=("pytest.py is new.",))
    assert told(*way, flaky)[1:] == (
        "pytest.py is new.",
        "Red first, and green when run again alone: `tests/x.py::one`.",
    )


def test_one_test_that_was_red_before_is_told_as_one() -> None:
    way = [SNAPSHOT, base(*RED[:1]), *WAY_TO[Stage.TEST][3:]]
    still = told(*way, whole(receipt("t2"), base_red=(RED[0].name,)))
    assert still == ("1 of 1 tests was red before the run began, and still is: `tests/old.py::a`.",)
    mended = told(*way, whole(receipt("t2")))
    assert mended == ("1 of 1 tests was red before the run began, and is not now: `tests/old.py::a`.",)


def test_an_exit_code_is_no_test() -> None:
    ended = Case(
        name="cd sub && make::exit", outcome="failed", message="It ended with exit code 3.\nno", ending=True
    )
    before = [SNAPSHOT, base(*RED[:1], ended)]
    assert told(*before) == (
        "1 of 1 tests was red before the run began: `tests/old.py::a`.",
        "`cd sub && make` ended with exit code 3 before the run began.",
    )
    alone = [SNAPSHOT, base(ended), *WAY_TO[Stage.TEST][3:], whole(receipt("t2"), base_red=(ended.name,))]
    assert told(*alone) == ("`cd sub && make` ended with exit code 3 before the run began, and still does.",)


def test_it_stands_at_the_gates_and_on_top_of_every_document() -> None:
    state = replay([started(), SNAPSHOT, base(*RED[:1]), *WAY_TO[Stage.DESIGN][3:4]])
    assert state is not None
    (effect,) = decide(state)
    assert isinstance(effect, OpenGate)
    assert effect.gate.detail == f"revision 1\n{cautions(state)[0]}\na: a (R1; writes a/**)\nR1: It works."
    way = [
        started(),
        SNAPSHOT,
        base(*RED[:1]),
        *WAY_TO[Stage.DESIGN][3:],
        *WAY_TO[Stage.REVIEW][6:],
        REVIEWED,
        SHOWN,
    ]
    state = replay(way)
    assert state is not None
    (effect,) = decide(state)
    assert isinstance(effect, OpenGate)
    assert cautions(state)[0] in effect.gate.detail
    documents = {name: text for name, text in artifacts(state).items() if name.endswith(".md")}
    assert "**Tests:**" not in documents.pop("plan.md"), "it has the plan alone, which is edited"
    assert {"requirements.md", "test-report.md", "review.md"} <= set(documents)
    for name, text in documents.items():
        assert f"> **Tests:** {cautions(state)[0]}\n" in text, name


def test_what_no_test_shows_is_told_in_the_testers_words() -> None:
    way = list(WAY_TO[Stage.TEST])
    at = next(n for n, event in enumerate(way) if isinstance(event, ev.AcceptanceWritten))
    said = "R1 is left out; a person judges | taste. R11 is another matter."
    way[at] = ACCEPTANCE.model_copy(update={"tests": (), "summary": said})
    state = replay([*way, GREEN])
    assert state is not None
    assert without_test(state) == {"R1": "R1 is left out; a person judges | taste."}
    row = "| R1 | no test: R1 is left out; a person judges \\| taste. | | |"
    assert row in artifacts(state)["test-report.md"]
    ended = artifacts(state.changed(stage=Stage.DONE))["summary.md"]
    assert state.plan is not None
    assert "1 requirement is written down in `requirements.md`.\n" in ended
    assert state.plan.requirements[0].text not in ended, "it is said once, in its own document"
    assert state.plan.requirements[0].text in artifacts(state)["requirements.md"]
    assert "- R1: no test. R1 is left out; a person" in ended
    noted = state.changed(stage=Stage.DONE, plan=state.plan.model_copy(update={"notes": "Mind the gap."}))
    assert "## The Planner's notes\n\nMind the gap.\n" in artifacts(noted)["summary.md"]


def test_what_was_remarked_on_the_way_is_in_the_summary_unless_the_review_says_it() -> None:
    state = replay(list(WAY_TO[Stage.DEPLOY]))
    assert state is not None
    assert state.reviewed is not None
    (one, *_) = state.tasks.values()
    remark = Finding(
        where="docs/a.md:1", trigger="It has no number.", consequence="x", severity="minor", route="defer"
    )
    built = state.tasks | {one.task.id: one.model_copy(update={"remarks": (remark,)})}
    ended = state.changed(stage=Stage.DONE, tasks=built)
    assert "## What was noticed on the way\n\n- **minor** at `docs/a.md:1`" in artifacts(ended)["summary.md"]
    said = state.reviewed.model_copy(update={"findings": (remark,)})
    assert "noticed on the way" not in artifacts(ended.changed(reviewed=said))["summary.md"]
    assert '"met"' not in artifacts(ended)["plan.json"], "which is about what was so before"


def test_before_tests_are_written_none_is_missed() -> None:
    state = replay(list(WAY_TO[Stage.DESIGN]))
    assert state is not None
    assert without_test(state) == {}


def test_a_reused_receipt_says_when_it_was_taken() -> None:
    again = GREEN.model_copy(
        update={"receipt": receipt("t2").model_copy(update={"reused": True, "started": 951_782_400.0})}
    )
    state = replay([*WAY_TO[Stage.TEST], again])
    assert state is not None
    assert "reused, taken at 2000-02-29 00:00:00 UTC" in artifacts(state)["test-report.md"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01 00:00:00 UTC"),
        (1_709_251_199, "2024-02-29 23:59:59 UTC"),
        (1_709_251_200, "2024-03-01 00:00:00 UTC"),
        (4_102_444_799.9, "2099-12-31 23:59:59 UTC"),
        (4_107_542_400, "2100-03-01 00:00:00 UTC"),
    ],
)
def test_a_time_is_worked_out(seconds: float, text: str) -> None:
    assert utc(seconds) == text
