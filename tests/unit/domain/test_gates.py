"""What a run must have to go far by itself, and what a typed line decides at a gate."""

from typing import get_args

import pytest

from wainwright.domain.events import GateKind
from wainwright.domain.gates import GATES, choices, lacking, typed
from wainwright.domain.goal import AUTONOMIES, Autonomy

NO_SANDBOX = "no sandbox could be proven on this machine"
ALONE = "Landlock 7 + seccomp"
NO_CAP = "neither money nor tokens of a run are capped"


def test_the_levels_go_from_the_one_that_asks_most() -> None:
    assert get_args(Autonomy) == AUTONOMIES


@pytest.mark.parametrize(
    ("attended", "tier", "capped", "lacks"),
    [
        (True, "bubblewrap", True, ""),
        (True, "none", True, NO_SANDBOX),
        (True, ALONE, True, f"behind {ALONE} alone a person is asked about every command"),
        (True, "bubblewrap", False, NO_CAP),
        (False, "none", True, ""),
        (False, "bubblewrap", False, NO_CAP),
    ],
)
def test_full_auto_needs_a_sandbox_and_a_cap(attended: bool, tier: str, capped: bool, lacks: str) -> None:
    assert lacking("full-auto", attended=attended, tier=tier, capped=capped) == lacks
    for autonomy in AUTONOMIES[:-1]:
        assert lacking(autonomy, attended=attended, tier=tier, capped=capped) == ""


@pytest.mark.parametrize(
    ("kind", "said", "decided"),
    [
        ("plan", "y", ("approve", "")),
        ("plan", "n", ("reject", "")),
        ("plan", "one module, please", ("reject", "one module, please")),
        ("plan", "x", None),
        ("question", "", None),
        ("question", "n", None),
        ("question", "5", ("answer", "5")),
        ("question", "Use port 5.", ("answer", "Use port 5.")),
        ("question", "stop", ("reject", "")),
        ("budget", " $5 ", ("answer", "$5")),
        ("unverified", "n", None),
        ("unverified", "why not", None),
        ("unverified", "Stop", ("reject", "")),
        ("command", "No", ("reject", "")),
    ],
)
def test_what_is_typed_at_a_gate_ends_no_run_by_a_slip(
    kind: GateKind, said: str, decided: tuple[str, str] | None
) -> None:
    assert typed(kind, said) == decided
    offered = choices(kind)
    assert ("stop" in offered) == GATES[kind].ends
