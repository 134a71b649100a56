"""What a run must have to go far by itself, and what a typed line decides at a gate."""

from typing import get_args

import pytest
from tests.unit.domain.test_machine import SERVICE, WAY_TO, decided, opened

from wainwright.domain.errors import IllegalTransition
from wainwright.domain.events import Gate, GateKind
from wainwright.domain.fold import fold, replay
from wainwright.domain.gates import GATES, choices, digest, lacking, to_read, typed
from wainwright.domain.goal import AUTONOMIES, Autonomy, Stage

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


def test_both_answers_of_every_gate_name_what_is_done() -> None:
    words = [word for rule in GATES.values() for word in (rule.yes, rule.no)]
    assert [word for word in words if len(word.split()) < 3] == []


def test_a_decision_is_about_what_was_read() -> None:
    gate = opened("deploy", "serve (attempt 1)")
    state = replay([*WAY_TO[Stage.DEPLOY], SERVICE, gate])
    yes = decided("deploy-1").model_copy(update={"seen": digest(gate.gate)})
    assert fold(state, yes).open_gates == ()
    other = opened("deploy", "serve --all (attempt 1)")
    with pytest.raises(IllegalTransition, match="asks something else than what was read"):
        fold(state, yes.model_copy(update={"seen": digest(other.gate)}))


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


@pytest.mark.parametrize(
    ("kind", "detail", "read"),
    [
        (
            "apply",
            "tree t2\n2 hunks in 1 file\ntree is a word, too",
            "2 hunks in 1 file\ntree is a word, too",
        ),
        ("apply", "tree t2", ""),
        ("question", "tree or bush?", "tree or bush?"),
    ],
)
def test_the_tree_that_a_yes_is_bound_to_is_not_read_aloud(kind: GateKind, detail: str, read: str) -> None:
    gate = Gate(id="one", kind=kind, question="So?", detail=detail)
    assert to_read(gate) == read
    another = gate.model_copy(update={"detail": detail.replace("t2", "t3")})
    assert (digest(gate) == digest(another)) == (gate == another), "it is bound to it all the same"
