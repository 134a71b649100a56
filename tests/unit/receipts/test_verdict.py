"""What receipts mean, beside the base's, and how they are told."""

from collections.abc import Sequence

import pytest

from wainwright.domain.evidence import Case, Receipt, RedFirst
from wainwright.receipts.names import CUT, as_reported, passed_within
from wainwright.receipts.protocol import CannotNarrow
from wainwright.receipts.text import report_text
from wainwright.receipts.verdict import judge, red_first, rerun


def made(exit_code: int | None = 0, **cases: str) -> Receipt:
    return Receipt(
        command="pytest",
        tree="t",
        exit=exit_code,
        started=0,
        seconds=1,
        cases=tuple(
            Case.model_validate({"name": name.replace("__", "::"), "outcome": outcome})
            for name, outcome in cases.items()
        ),
    )


GREEN = made(a__x="passed", a__y="passed")


@pytest.mark.parametrize(
    ("now", "base", "acceptance", "said"),
    [
        (made(0), None, (), {}),
        (made(1), None, (), {"passed": False}),
        (made(None), GREEN, (), {"passed": False, "gone": ("a::x", "a::y")}),
        (GREEN, GREEN, (), {}),
        (GREEN, None, ("a",), {}),
        (GREEN, GREEN, ("a::x",), {}),
        (GREEN, GREEN, ("b",), {"passed": False, "not_run": ("b",)}),
        (made(1, a__x="passed", a__y="failed"), GREEN, (), {"passed": False, "turned_red": ("a::y",)}),
        (made(1, a__x="passed"), GREEN, (), {"passed": False, "gone": ("a::y",)}),
        (made(0, a__x="passed", a__y="skipped"), GREEN, (), {"passed": False, "gone": ("a::y",)}),
        (made(0, a__x="passed", a__y="skipped"), None, ("a",), {"passed": False, "not_run": ("a::y",)}),
        (
            made(1, a__x="passed", a__y="failed"),
            made(1, a__x="passed", a__y="failed"),
            (),
            {"base_red": ("a::y",)},
        ),
        (
            made(1, a__x="passed", a__y="error"),
            made(1, a__x="passed", a__y="failed"),
            ("a",),
            {"passed": False, "acceptance_red": ("a::y",), "base_red": ("a::y",)},
        ),
        (
            made(1, a__x="passed", b__n="failed"),
            made(0, a__x="passed"),
            (),
            {"passed": False, "turned_red": ("b::n",)},
        ),
        (
            made(1, ab__x="failed", a__x="passed"),
            made(1, ab__x="failed"),
            ("a",),
            {"base_red": ("ab::x",)},
        ),
    ],
)
def test_what_a_receipt_means(
    now: Receipt, base: Receipt | None, acceptance: tuple[str, ...], said: dict[str, object]
) -> None:
    verdict = judge(now, base, acceptance)
    assert bool(verdict.reason) == (not verdict.passed)
    assert verdict.model_dump(exclude_defaults=True, exclude={"reason", "doubts"}) == {"passed": True, **said}


def test_a_parametrised_test_is_accepted_by_its_plain_name() -> None:
    case = Case(name="a::x[1]", outcome="failed")
    found = GREEN.model_copy(update={"cases": (case,)})
    assert judge(found, None, ("a::x",)).acceptance_red == ("a::x[1]",)


def test_the_text_of_a_receipt_names_what_is_red_and_is_bounded() -> None:
    red = tuple(Case(name=f"a::t{n}", outcome="failed", message="E   boom\n" * 900) for n in range(200))
    text = report_text(GREEN.model_copy(update={"cases": red, "exit": 1}))
    assert "200 failed" in text
    assert "a::t0: boom" in text
    assert len(text) < 14_000


# ---- without parsed cases


def by_exit(code: int | None, output: str = "", **more: object) -> Receipt:
    return made(code).model_copy(update={"output": output, **more})


@pytest.mark.parametrize(
    ("now", "base", "passed", "said"),
    [
        (by_exit(0), by_exit(1, "FAIL a"), True, ""),
        (by_exit(1, "FAIL a in 3 ms"), by_exit(1, "FAIL a in 12 ms"), True, "its tests cannot be told apart"),
        (by_exit(1, "FAIL a\nFAIL b"), by_exit(1, "FAIL a"), False, "on the base it ended with exit code 1"),
        (by_exit(2, "FAIL a"), by_exit(1, "FAIL a"), False, "exit code 2"),
        (by_exit(1), by_exit(0), False, "on the base it ended with exit code 0"),
        (by_exit(None), by_exit(None), False, "time limit"),
        (by_exit(0), GREEN, False, "on the base 2 were green"),
        (by_exit(0, environment="no database"), GREEN, False, "no database"),
        (by_exit(0, disbelieved=("pytest.py is there.",)), GREEN, False, "not believed: pytest.py is there."),
        (by_exit(0, runner="go"), None, True, ""),
    ],
)
def test_what_an_exit_code_means_beside_the_bases(
    now: Receipt, base: Receipt, passed: bool, said: str
) -> None:
    verdict = judge(now, base, ())
    assert verdict.passed is passed
    assert said in " ".join((verdict.reason, *verdict.doubts))


def test_no_acceptance_test_that_ran_is_no_pass() -> None:
    assert judge(by_exit(0, runner="go"), None, ("a_test.go",)).not_run == ("a_test.go",)


@pytest.mark.parametrize(
    ("now", "base", "passed"),
    [
        (made(1, a__x="passed"), made(0, a__x="passed"), False),
        (made(1, a__x="passed"), made(1, a__x="passed"), True),
        (made(1, a__x="passed"), made(1, a__x="failed"), False),
        (made(2, a__x="passed"), made(1, a__x="passed"), False),
        (made(None, a__x="passed"), made(0, a__x="passed"), False),
    ],
)
def test_exit_code_and_report_agree_as_they_did_on_the_base(
    now: Receipt, base: Receipt, passed: bool
) -> None:
    verdict = judge(now, base, ())
    assert verdict.passed is passed
    assert bool(verdict.reason) is not passed


def test_tests_of_a_file_that_was_deleted_openly_may_be_gone() -> None:
    now = made(0, a__x="passed")
    base = made(0, a__x="passed", b__y="passed")
    assert judge(now, base, ()).gone == ("b::y",)
    verdict = judge(now, base, (), deleted=("b",))
    assert verdict.passed
    assert verdict.deleted == ("b::y",)


def test_what_is_skipped_and_was_not_is_counted() -> None:
    base = made(1, a__red="failed", a__old="skipped", a__green="passed")
    now = made(
        0, a__red="skipped", a__old="skipped", a__green="passed", a__new="skipped", b__wanted="skipped"
    )
    verdict = judge(now, base, ())
    assert verdict.passed
    assert verdict.skipped == ("a::new", "a::red", "b::wanted")
    wanted = judge(now, base, ("b",))
    assert (wanted.passed, wanted.not_run, wanted.skipped) == (False, ("b::wanted",), ("a::new", "a::red"))
    green = judge(made(0, a__green="skipped"), base, ())
    assert (green.gone, green.skipped) == (("a::green",), ())


def unbuilt(name: str, message: str = "") -> Case:
    return Case(name=name, outcome="error", message=message, unbuilt=True)


def test_what_could_not_be_built_on_the_base_is_in_nobodys_way() -> None:
    base = GREEN.model_copy(update={"exit": 1, "cases": (*GREEN.cases, unbuilt("c::build"))})
    assert judge(base, base, ()).base_red == ("c::build",)
    now = base.model_copy(update={"cases": (*base.cases, unbuilt("d::build"))})
    assert (judge(now, base, ()).passed, judge(now, base, ()).unbuilt) == (False, ("d::build",))


# ---- red first

NAME = "E   ImportError: cannot import name 'sub' from 'calc'"


@pytest.mark.parametrize(
    ("cases", "where"),
    [
        ((Case(name="t.py::test_a", outcome="failed"),), "red"),
        ((Case(name="t.py::test_a", outcome="error"),), "red"),
        ((Case(name="t.py::test_a", outcome="passed"),), "green"),
        ((Case(name="t.py::test_a", outcome="skipped"),), "not_run"),
        (
            (Case(name="t.py::test_a[1]", outcome="passed"), Case(name="t.py::test_a[2]", outcome="failed")),
            "red",
        ),
        ((unbuilt("t.py::collection", NAME),), "red"),
        ((unbuilt("t.py::collection", "E   SyntaxError: invalid syntax"),), "unbuilt"),
        ((unbuilt("u.py::collection", NAME),), "not_run"),
        ((Case(name="t.py::test_b", outcome="failed"),), "not_run"),
        ((), "not_run"),
    ],
)
def test_what_an_acceptance_test_says_on_the_base(cases: tuple[Case, ...], where: str) -> None:
    found = red_first(GREEN.model_copy(update={"cases": cases}), None, ("t.py::test_a",))
    assert found == RedFirst(**{where: ("t.py::test_a",)})


@pytest.mark.parametrize(
    ("test", "broken", "where"),
    [
        ("pkg/a_test.go::TestA", unbuilt("pkg::build", "pkg/a_test.go:3:2: undefined: Sub"), "red"),
        (
            "pkg/a_test.go::TestA",
            unbuilt("pkg::build", "pkg/a_test.go:3:2: expected ';', found x"),
            "unbuilt",
        ),
        ("pkg/a_test.go::TestA", unbuilt("other::build", "undefined: Sub"), "not_run"),
        ("a_test.go::TestA", unbuilt(".::build", "undefined: Sub"), "red"),
        ("tests/it.rs::a", unbuilt("tests/it.rs::build", "error[E0425]: cannot find function"), "red"),
        ("tests/it.rs::a", unbuilt("tests/it.rs::build", "error: expected one of"), "unbuilt"),
        (
            "test/LevTest.java::a",
            unbuilt("test/LevTest.java::build", "cannot be applied to given types"),
            "red",
        ),
    ],
)
def test_what_does_not_build_may_be_what_is_to_come(test: str, broken: Case, where: str) -> None:
    found = red_first(GREEN.model_copy(update={"cases": (broken,)}), GREEN, (test,))
    assert found == RedFirst(**{where: (test,)})


# ---- flaky


async def test_what_is_green_when_run_again_alone_is_flaky() -> None:
    asked: list[Sequence[str]] = []

    async def again(names: Sequence[str]) -> Receipt:
        asked.append(names)
        return made(0, a__y="passed")

    found = await rerun(again, made(1, a__x="passed", a__y="failed"), GREEN)
    assert asked == [["a::y"]]
    verdict = judge(found, GREEN, ())
    assert (verdict.passed, verdict.flaky, found.exit) == (True, ("a::y",), 0)


async def test_what_is_red_again_stays_red() -> None:
    async def again(names: Sequence[str]) -> Receipt:
        return made(1, a__y="failed")

    first = made(1, a__x="passed", a__y="failed")
    assert await rerun(again, first, GREEN) == first


@pytest.mark.parametrize("base", [GREEN, made(1, a__x="passed", a__y="failed")])
async def test_nothing_is_run_again_that_cannot_or_need_not_be(base: Receipt) -> None:
    async def again(names: Sequence[str]) -> Receipt:
        raise CannotNarrow("no")

    first = made(1, a__x="passed", a__y="failed")
    assert await rerun(again, first, base) == first


# ---- in words


def test_identical_failures_are_told_once_and_the_base_stands_beside() -> None:
    cases = tuple(Case(name=f"a::t{n}", outcome="failed", message="E   boom\nat 3") for n in range(3))
    found = GREEN.model_copy(
        update={"cases": (*cases, *GREEN.cases), "exit": 1, "doubts": ("conftest changed.",)}
    )
    base = made(1, a__t0="failed", a__z="passed")
    text = report_text(found, base=base)
    assert text.count("at 3") == 1
    assert "a::t1 (and the same in 1 more)" in text
    assert "On the base: 1 passed, 1 failed." in text
    assert "Red on the base already, and still: a::t0." in text
    assert "Green on the base, and not in this report: a::z." in text
    assert "Not there on the base, and green: a::x, a::y." in text
    assert "Doubt: conftest changed." in text
    assert "On the base it ended with exit code 0." in report_text(by_exit(1), base=by_exit(0))


def test_what_could_not_be_built_is_the_readers_whatever_is_theirs() -> None:
    found = GREEN.model_copy(update={"cases": (unbuilt(".::build", "undefined: x"),), "exit": 1})
    text = report_text(found, own=("b",))
    assert "None of this task's failed." not in text
    assert "undefined: x" in text


@pytest.mark.parametrize(
    ("test", "cases", "base", "called"),
    [
        ("a.py::x", ("a.py::x",), (), ("a.py::x",)),
        ("a.py", ("a.py::x",), (), ("a.py",)),
        ("a.py::y", ("a.py::x",), (), ("a.py::y",)),
        ("a.js::adds two", ("adds two", "old"), ("old",), ("adds two",)),
        ("a.js::adds two", ("calc adds two", "old"), ("old",), ("calc adds two",)),
        ("a.js", ("calc adds two", "adds", "old"), ("old",), ("calc adds two", "adds")),
        ("a.js::adds two", ("old",), ("old",), ("a.js::adds two",)),
        ("a.js", ("old",), ("old",), ("a.js",)),
        ("a.ts::calc > adds", ("a.ts::calc::adds", "b.ts::calc::adds"), (), ("a.ts::calc::adds",)),
        ("a.ts::calc > adds", ("a.ts::calc::adds two", "a.ts::calc::adds"), (), ("a.ts::calc::adds",)),
        ("a.ts::calc > adds", ("a.ts::calc::adds > 1", "a.ts::calc::adds > 2"), (),
         ("a.ts::calc::adds > 1", "a.ts::calc::adds > 2")),
        ("a.rb::Calc adds", ("a.rb::Calc::adds",), (), ("a.rb::Calc::adds",)),
        ("a.rb::Calc#adds", ("a.rb::Calc::adds", "a.rb::Calc::adding"), (), ("a.rb::Calc::adds",)),
        ("a.ts::calc > drops", ("a.ts::calc::adds",), (), ("a.ts::calc > drops",)),
        ("a.rb::test_x", ("a.rb::TestA::test_x", "a.rb::TestA::test_xx", "b.rb::TestA::test_x"), (),
         ("a.rb::TestA::test_x",)),
        ("a.rb::test_x", ("a.rb::TestA::test_x", "a.rb::TestB::test_x"), (),
         ("a.rb::TestA::test_x", "a.rb::TestB::test_x")),
        ("a.rb::t_x", ("a.rb::TestA::test_x",), (), ("a.rb::t_x",)),
        ("a.py::TestA.test_x", ("a.py::TestA::test_x", "a.py::TestB::test_x"), (), ("a.py::TestA::test_x",)),
        ("a_test.go::TestA/two words", ("a_test.go::TestA", "a_test.go::TestA/two_words"), (),
         ("a_test.go::TestA/two_words",)),
        ("A.java::adds()", ("A.java::A::adds", "A.java::A::addsTwo"), (), ("A.java::A::adds",)),
        ("a.rb::half past 7", ("a.rb::TestA::test_half_past_7", "a.rb::TestA::test_past_7"), (),
         ("a.rb::TestA::test_half_past_7",)),
        ("a.rb::half past", ("a.rb::TestA::test_half_past", "a.rb::TestB::test_half_past"), (),
         ("a.rb::half past",)),
        ("a.rb::?!", ("a.rb::TestA::test_x",), (), ("a.rb::?!",)),
    ],
)  # fmt: skip
def test_a_report_may_call_a_test_otherwise(
    test: str, cases: tuple[str, ...], base: tuple[str, ...], called: tuple[str, ...]
) -> None:
    now, before = (
        Receipt(
            command="npm test",
            tree="t",
            exit=1,
            started=0,
            seconds=1,
            cases=tuple(Case(name=name, outcome="failed") for name in names),
        )
        for names in (cases, base)
    )
    assert as_reported(test, now, before) == called


FAILED_IN = """options_test is a Catch host application.
Unknown options
/home/me/cx/test/options.cpp:12: FAILED:
  CHECK( told == "did you mean" )
"""


@pytest.mark.parametrize(
    ("test", "message", "called", "passed", "as_guard"),
    [
        ("test/options.cpp::Unknown options", FAILED_IN, ("ctest::options",), False, False),
        ("test/options.cpp::Known options", FAILED_IN, ("ctest::options",), True, True),
        ("test/options.cpp::Known options", f"{FAILED_IN}{CUT}", ("ctest::options",), False, True),
        ("test/options.cpp", FAILED_IN, ("ctest::options",), False, False),
        ("test/other.cpp::Known options", FAILED_IN, ("test/other.cpp::Known options",), False, False),
        (
            "options.cpp::Unknown options",
            "a message that names no file",
            ("options.cpp::Unknown options",),
            False,
            False,
        ),
    ],
)
def test_a_report_may_know_whole_programs_alone(
    test: str, message: str, called: tuple[str, ...], passed: bool, as_guard: bool
) -> None:
    cases = (
        Case(name="ctest::options", outcome="failed", message=message),
        Case(name="ctest::b", outcome="passed"),
    )
    now = Receipt(command="ctest", tree="t", exit=8, started=0, seconds=1, cases=cases)
    base = now.model_copy(
        update={"cases": tuple(one.model_copy(update={"outcome": "passed"}) for one in cases)}
    )
    assert as_reported(test, now, base) == called
    assert passed_within(test, called, now, guard=False) == passed
    assert passed_within(test, called, now, guard=True) == as_guard
