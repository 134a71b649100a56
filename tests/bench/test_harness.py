"""What the table says can be trusted: who holds, who is missing, and that the sides take turns."""

import pytest
from tests.bench.harness import OURS, Bar, Figure, Missing, figure, interleave, p99, show, table


def test_sides_take_turns_and_the_first_rounds_do_not_count():
    order: list[str] = []

    def side(name: str):
        def run() -> float:
            order.append(name)
            return float(len(order))

        return lambda: run

    samples = interleave({OURS: side(OURS), "peer": side("peer")}, 2, warm=1)
    assert order == [OURS, "peer", "peer", OURS, OURS, "peer"]
    assert samples.taken == {OURS: [4.0, 5.0], "peer": [3.0, 6.0]}


def test_a_side_that_is_missing_is_named_and_the_other_still_measured():
    def absent():
        raise Missing("rg (apt-get install ripgrep)")

    samples = interleave({OURS: lambda: lambda: 0.002, "rg": absent}, 3)
    one = figure("search", samples, "rg", Bar(4.0))
    assert (one.ours, one.anchor, one.ratio, one.holds) == (0.002, None, None, None)
    assert list(table([one]))[-1].strip() == "rg: rg (apt-get install ripgrep)"


@pytest.mark.parametrize(
    ("ours", "anchor", "bar", "right", "holds"),
    [
        (3.0, 1.0, Bar(4.0), True, True),
        (5.0, 1.0, Bar(4.0), True, False),
        (3.0, 1.0, Bar(4.0), False, False),
        (0.0005, None, Bar(0.0005, "s"), True, True),
        (170e6, 346e6, Bar(160e6, "B"), True, False),
        (3.0, 1.0, None, True, None),
    ],
)
def test_a_figure_holds_by_its_bar_and_only_with_a_right_answer(ours, anchor, bar, right, holds):
    assert Figure("any", "s", ours, anchor, "peer", bar, right).holds is holds


def test_p99_is_not_exceeded_by_99_of_100():
    assert p99([float(value) for value in range(1, 101)]) == 99.0
    assert p99([3.0]) == 3.0


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (None, "s", "-"),
        (-40e-6, "s", "-40 µs"),
        (12.34, "s", "12.3 s"),
        (0.0421, "s", "42.1 ms"),
        (5e-7, "s", "0.5 µs"),
        (346e6, "B", "346 MB"),
    ],
)
def test_values_are_shown_in_the_unit_a_reader_expects(value, unit, shown):
    assert show(value, unit) == shown
