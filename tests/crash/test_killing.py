"""A few runs that are killed at random times; ``python -m tests.crash.killing`` makes more of them."""

import pytest
from tests.crash.killing import trials

MOST, LEAST, BEGUN_WITHIN_S = 3, 1, 20


@pytest.mark.timeout(
    900
)  # beside much else two trials take four minutes; alone, eight take little more than one
def test_a_run_that_is_killed_at_random_times_ends_as_if_it_were_not() -> None:
    report = trials(MOST, 1, jobs=2, least=LEAST, within_s=BEGUN_WITHIN_S)
    assert report.wrong == []
    assert report.done > LEAST, "the control run is one of them"
    assert report.kills.total() >= LEAST
