"""Advice that was written for a terminal, as an editor gives it; every command that is named is one there."""

import re

import pytest

from wainwright.lsp.connection.advice import _HERE, in_editor
from wainwright.lsp.connection.commands import Commands
from wainwright.lsp.features.execute_command import Catalogue


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Start one: `wainwright run GOAL`.", "Start one: `wainwright.start`."),
        ("`wainwright runs` lists the runs.", "`.wainwright/runs.md` lists the runs."),
        ("Then `wainwright resume`.", "Then `wainwright.resume`."),
        ("`wainwright task go-on add` lets it go on.", "`wainwright.task` lets it go on."),
        ("`wainwright replay r1 --fork 12` goes on from there.", "`wainwright.fork` goes on from there."),
        ("`wainwright replay r1 --events` lists them.", "`wainwright.rows` lists them."),
        ("`wainwright replay r1` looks.", "`wainwright.replay` looks."),
        (
            "Raise the cap: `wainwright resume r1 --budget-usd …`, in an editor `budgetUsd`.",
            "Raise the cap: `wainwright.resume` with `budgetUsd`.",
        ),
        ("See `wainwright doctor`.", "See `wainwright doctor` in a terminal."),
        (
            "`wainwright.apply` tries again, `git log` tells.",
            "`wainwright.apply` tries again, `git log` tells.",
        ),
        ("No `wainwright` at all", "No `wainwright` at all"),
    ],
)
def test_commands_are_named_as_the_editor_has_them(said: str, told: str) -> None:
    assert in_editor(said) == told


def test_all_that_are_named_are_there() -> None:
    commands = Commands()
    Catalogue(None, list).register(commands)  # type: ignore[arg-type]
    named = re.findall(
        r"wainwright\.\w+", in_editor("`wainwright run` `wainwright replay` `wainwright replay --fork`")
    )
    assert {*named, *(f"wainwright.{name}" for name in _HERE), "wainwright.rows"} <= {*commands.names()}
