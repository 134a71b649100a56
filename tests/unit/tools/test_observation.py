"""What is left of a long observation."""

import pytest

from wainwright.tools.observation import relevant

NOISE = [f"line {n} " + "x" * 40 for n in range(1, 1001)]


def test_what_is_short_stays_as_it_is() -> None:
    assert relevant("a\nFAILED b\n", 100) == "a\nFAILED b\n"


@pytest.mark.parametrize(
    "failure",
    ["E   assert 3 == 4", "--- FAIL: TestIt (0.00s)", "not ok 4 - adds", "error[E0308]: mismatched types"],
)
def test_a_failure_in_the_middle_comes_first_with_what_is_behind_it(failure: str) -> None:
    lines = [*NOISE[:500], failure, "behind it", *NOISE[500:]]
    seen = relevant("\n".join(lines), 2000)
    assert len(seen) < 2300
    assert seen.splitlines()[1:3] == [f"  501 {failure}", "  502 behind it"]
    assert (
        seen.index("behind it") < seen.index("line 1 ") < seen.index("left out …]") < seen.index("line 1000 ")
    )


def test_without_failures_head_and_tail_are_left() -> None:
    seen = relevant("\n".join(["3 passed, 0 failed", *NOISE]), 2000)
    assert seen.startswith("3 passed, 0 failed\nline 1 ")
    assert seen.endswith(NOISE[-1])
    assert "[… lines " in seen
    assert "speaks of failures" not in seen


def test_of_very_many_failures_the_first_are_shown() -> None:
    seen = relevant("\n".join(f"error {n} " + "y" * 50 for n in range(1000)), 2000)
    assert len(seen) < 2500
    assert "error 0 " in seen
    assert "error 999 " in seen


def test_a_line_that_never_ends_is_cut() -> None:
    seen = relevant("z" * 50_000, 1000)
    assert len(seen) < 1000
    assert "characters left out" in seen
