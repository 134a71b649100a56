"""Which tier holds more, and how it is told."""

import pytest

from wainwright.domain.tiers import NONE, asks, height, reach, reaching, told

WALLS, ALONE = "bubblewrap + seccomp + Landlock 7", "Landlock 7 + seccomp"


def test_the_tiers_are_in_order_and_only_one_asks() -> None:
    assert [height(tier) for tier in (NONE, ALONE, "bubblewrap + seccomp", WALLS)] == [0, 1, 2, 2]
    assert [asks(tier) for tier in (NONE, ALONE, WALLS)] == [False, True, False]


@pytest.mark.parametrize(
    ("tier", "reason", "said"),
    [
        (WALLS, "", f"Commands are held by {WALLS}."),
        (ALONE, "bwrap is missing. ", f"Commands are held by {ALONE}: bwrap is missing."),
        (NONE, "bwrap is missing", "No command is run: bwrap is missing."),
        (NONE, "", "No command is run."),
    ],
)
def test_it_is_told_in_a_sentence(tier: str, reason: str, said: str) -> None:
    assert told(tier, reason) == said


def test_hosts_that_commands_reach_are_part_of_the_name() -> None:
    listed = reaching(WALLS, ["pypi.org:443", "crates.io:443"])
    assert (reach(listed), reach(WALLS), reaching(WALLS, [])) == ("pypi.org:443 crates.io:443", "", WALLS)
    assert height(listed) == height(WALLS)
