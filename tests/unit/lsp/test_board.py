"""What the board knows of gates that come and go."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from wainwright.lsp.runs.board import SETTLES_S, Board


def seen(*gates: str) -> Any:
    return SimpleNamespace(run="r1", gates=[SimpleNamespace(id=gate) for gate in gates])


def test_a_gate_that_comes_where_another_was_is_not_decided_by_the_same_click(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    nobody: Any = SimpleNamespace(workspace=None)
    board = Board(nobody, nobody)
    board.remember(seen("apply-1"))
    assert not board.took_a_place("r1", "apply-1"), "the first of a run stands where nothing was"
    board.remember(seen())
    board.remember(seen("deploy-1"))
    assert board.took_a_place("r1", "deploy-1")
    now += SETTLES_S
    board.remember(seen("deploy-1"))
    assert not board.took_a_place("r1", "deploy-1"), "it has stood there for a while"
