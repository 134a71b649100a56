"""Our own documents are found by their names, although git ignores their folder."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wainwright.engine.views.run_view import RunView
from wainwright.lsp.features.workspace_symbols import documents


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("run", ["runs.md", "run.md: Add it", "run.md: Sub it"]),
        ("plan", ["plan.md: Sub it"]),
        ("GOAL", ["goal.md"]),
        ("pl", []),
        ("add", []),
    ],
)
def test_documents_are_found_by_how_their_names_begin(query: str, found: list[str]) -> None:
    views = [
        RunView.model_construct(run="r2", goal="Add it", artifacts=()),
        RunView.model_construct(run="r1", goal="Sub it", artifacts=(".wainwright/runs/r1/plan.md",)),
    ]
    board: Any = SimpleNamespace(views=lambda: views, workspace=Path("/work"))
    assert [one.name for one in documents(board, query)] == found
