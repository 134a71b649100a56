"""What a person reads of a fact."""

import pytest

from wainwright.domain import events as ev
from wainwright.domain.evidence import Receipt
from wainwright.engine.views.event_text import describe_event


@pytest.mark.parametrize(
    ("code", "output", "told"),
    [
        (0, "all is well", "exit code 0"),
        (1, "", "exit code 1"),
        (None, "unknown", "stopped at its time limit"),
        (1, "Fetching\n\x1b[31mException: no host\x1b[0m\n\tat a.b\n", "exit code 1 (Exception: no host)"),
        (2, "make: nothing\nBad luck.\n\n", "exit code 2 (Bad luck.)"),
    ],
)  # fmt: skip
def test_a_base_whose_tests_tell_nothing_says_what_the_command_complains_of(
    code: int | None, output: str, told: str
) -> None:
    receipt = Receipt(command="t", tree="t0", exit=code, started=1.0, seconds=1.0, output=output)
    assert describe_event(ev.BaseTested(receipt=receipt)) == f"the base: {told}"
