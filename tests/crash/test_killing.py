"""A few runs that are killed at random times; ``python -m tests.crash.killing`` makes more of them."""

import pytest
from tests.crash.killing import trials


@pytest.mark.timeout(600)  # each is a whole run, and one or more of its processes have to begin anew
def test_a_run_that_is_killed_at_random_times_ends_as_if_it_were_not() -> None:
    report = trials(2, 1, 2)
    assert report.wrong == []
    assert report.done == 3
    assert sum(report.kills.values()) >= 2
