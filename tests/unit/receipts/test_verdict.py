"""What receipts mean, beside the base's, and how they are told."""

import pytest

from wainwright.domain.evidence import Case, Receipt
from wainwright.receipts.text import report_text
from wainwright.receipts.verdict import judge


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
