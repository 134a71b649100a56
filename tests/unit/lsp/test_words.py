"""Words of a person that stand in several places at once."""

from types import SimpleNamespace
from typing import Any

import pytest

from wainwright.domain.gates import GATES
from wainwright.engine.views.run_view import GateView
from wainwright.lsp.runs.words import NO_REASON, Words


def words(quoted: str = "", below: dict[int, str] | None = None) -> Words:
    async def unsaid(_run: str) -> dict[int, str]:
        return below or {}

    goals: Any = SimpleNamespace(quoted=lambda *_: quoted)
    hunks: Any = SimpleNamespace(unsaid=unsaid)
    nobody: Any = None
    return Words(nobody, nobody, goals, nobody, hunks, nobody)


def gate(kind: Any) -> GateView:
    told = {"id": f"{kind}-1", "kind": kind, "question": "?", "detail": "", "seen": "0"}
    rule = GATES[kind]
    return GateView.model_validate(
        {**told, "yes": rule.yes, "no": rule.no, "read": rule.read, "ends": rule.ends}
    )


@pytest.mark.parametrize(
    ("given", "quoted", "below", "told"),
    [
        ("", "", {}, NO_REASON),
        ("  ", "In French.", {}, "In French."),
        ("Not so.", "In French.", {}, "Not so."),
        ("", "", {2: "Shorter."}, "On hunk 2 of change.diff: Shorter."),
        ("", "In French.", {2: "Shorter."}, "In French.\nOn hunk 2 of change.diff: Shorter."),
    ],
)
async def test_who_rejects_the_whole_change_is_heard_on_its_hunks_as_well(
    given: str, quoted: str, below: dict[int, str], told: str
) -> None:
    assert await words(quoted, below).at("r1", gate("apply"), "reject", given) == told


async def test_what_stands_below_hunks_is_no_word_on_a_plan() -> None:
    assert await words("", {2: "Shorter."}).at("r1", gate("plan"), "reject", "") == NO_REASON
