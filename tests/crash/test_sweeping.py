"""A few of the points of ``python -m tests.crash.sweeping``, which has all."""

import pytest
from tests.crash.sweeping import sweep_all

STRIDE, FIRST = 264, 93
"""Of about 790 points: one at each of what is killed."""


@pytest.mark.timeout(900)
def test_a_run_is_killed_at_some_of_the_writes_to_its_journal() -> None:
    sweep = sweep_all(STRIDE, FIRST, jobs=2)
    assert sweep.wrong == []
    assert sweep.kills.total() == 3
    assert len(sweep.kills) > 2, "the command line, a server, a gateway"
