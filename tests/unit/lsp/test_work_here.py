"""What is offered at a place, and that no two of it can be taken for each other."""

from types import SimpleNamespace
from typing import Any

import pytest
from lsprotocol import types

from wainwright.engine.editor_index import Definition
from wainwright.lsp.documents.positions import TextIndex
from wainwright.lsp.features.code_actions import _apart, _of
from wainwright.lsp.features.work_here import FIX, SOURCE, WORK, Beginning, beginnings
from wainwright.lsp.runs.available import AvailableCommand

TEXT = "# TODO: accept fractions,\n# also negative ones\ndef add(a, b):\n    return a + b\n"


def at(first: int, last: int, character: int = 0) -> types.Range:
    return types.Range(types.Position(first, 0), types.Position(last, character))


def wrong(message: str, line: int, **more: Any) -> types.Diagnostic:
    return types.Diagnostic(at(line, line, 3), message, **more)


def offered(
    span: types.Range, *diagnostics: types.Diagnostic, inside: Definition | None = None
) -> list[Beginning]:
    buffer: Any = SimpleNamespace(source=TEXT, index=TextIndex(TEXT, "utf-16"))
    found = beginnings("file:///calc.py", "calc.py", buffer, span, list(diagnostics), inside)
    titles = [one.offer.title for one in found]
    assert len(set(titles)) == len(titles)
    return found


def named(found: list[Beginning]) -> dict[str, dict[str, Any]]:
    return {one.offer.title: one.offer.argument for one in found}


def test_a_todo_is_done_in_full() -> None:
    first, *rest = offered(at(0, 0))
    assert (first.kind, first.offer.command) == (FIX, "wainwright.start")
    assert first.offer.argument["goal"] == "accept fractions,\nalso negative ones"
    assert {one.kind for one in rest} == {SOURCE}


def test_a_diagnostic_is_fixed_with_what_every_server_says_beside_it() -> None:
    said = wrong("int is too narrow\nsee PEP 3141", 3, source="mypy", code="arg-type")
    other = wrong("unused name", 3, source="ruff", code="F841")
    argument = named(offered(at(3, 3), said, other))["Fix with Wainwright: int is too narrow"]
    assert argument["goal"] == "Fix: int is too narrow\nsee PEP 3141"
    assert argument["diagnostics"] == [
        "int is too narrow\nsee PEP 3141 (mypy arg-type, line 4)",
        "unused name",
    ]
    every = named(offered(at(3, 3), said, other))["Fix with Wainwright: all 2 problems here"]
    assert every["goal"].count("\n- ") == 2
    again = wrong("int is too narrow\nsee PEP 3141", 1)
    assert list(named(offered(at(3, 3), said, said, again)))[:2] == [
        "Fix with Wainwright: int is too narrow (line 4)",
        "Fix with Wainwright: int is too narrow (line 2)",
    ]


@pytest.mark.parametrize(
    ("span", "diagnostics", "default"),
    [
        (at(2, 3, 10), (), "explain"),
        (at(2, 3, 10), (wrong("unused", 2),), "unused"),
        (at(0, 3, 10), (wrong("unused", 2),), "accept fractions,\nalso negative ones"),
    ],
)
def test_work_on_a_selection_asks_what_and_offers_what_is_nearest(
    span: types.Range, diagnostics: tuple[types.Diagnostic, ...], default: str
) -> None:
    (asks,) = [one for one in offered(span, *diagnostics) if one.offer.command == "wainwright.work"]
    assert asks.kind == WORK
    assert asks.offer.argument["offered"] == default
    assert "def add(a, b)" in asks.offer.argument["goal"]


def test_a_definition_and_a_test_are_named() -> None:
    titles = named(offered(at(3, 3), inside=Definition("add", 3, 4)))
    assert {"Explain `add`", "Write tests for `add`", "Document `add`", "Review `add`"} <= titles.keys()
    assert titles["Explain `add`"]["range"]["start"]["line"] == 2
    assert "Make `test_add` pass" not in titles
    buffer: Any = SimpleNamespace(source=TEXT, index=TextIndex(TEXT, "utf-16"))
    inside = Definition("test_add", 3, 4)
    found = beginnings("file:///t", "tests/test_calc.py", buffer, at(3, 3), [], inside)
    assert "Make `test_add` pass" in named(found)


def test_actions_of_the_same_title_are_told_apart() -> None:
    same = [
        _of(AvailableCommand("Approve: Run `x`?", "wainwright.approve", {"run": "r1", "gate": gate}), FIX)
        for gate in ("command-1", "command-2")
    ]
    titles = [one.title for one in _apart(same)]
    assert titles == [f"Wainwright: Approve: Run `x`? (r1, command-{n})" for n in (1, 2)]
    assert [one.command and one.command.title for one in same] == titles
