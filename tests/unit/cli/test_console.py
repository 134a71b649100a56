"""What is typed to set a run to work, what is remembered of it, and what of it holds again."""

import io
from typing import Any

import pytest
import typer
from rich.prompt import Confirm
from rich.table import Table
from rich.text import Text

from wainwright.cli.console import Terminal, as_before, as_typed, kept, overrides, size_or_stages
from wainwright.domain.goal import Size, Stage

MODEL = {"default": [{"model": "openai/any", "api_base": "http://localhost:1/v1"}], "roles": {}}
TEST = {"command": "make test", "commands": []}


def test_what_is_typed_is_remembered_without_caps_and_recordings() -> None:
    typed = overrides(["a/b"], None, "KEY", 5.0, 100, None, None, "make test")
    assert kept(typed) == {
        "models": {"default": [{"model": "a/b", "api_key_env": "KEY"}]},
        "test": TEST,
    }
    assert kept({"budget": {"usd": 1.0}, "models": {"record": "x.jsonl"}}) == {}


@pytest.mark.parametrize(
    ("typed", "again"),
    [
        ({}, "--model openai/any --test-command 'make test'"),
        ({"test": {"command": "tox", "commands": []}}, "--model openai/any"),
        ({"models": {"default": [{"model": "c/d"}], "roles": {}}}, "--test-command 'make test'"),
        ({"models": {"cassette": "c.jsonl"}}, "--test-command 'make test'"),
        ({"models": {"record": "r.jsonl"}}, "--model openai/any --test-command 'make test'"),
    ],
)
def test_what_is_typed_now_stands_in_place_of_what_was(typed: dict[str, Any], again: str) -> None:
    assert as_typed(as_before({"models": MODEL, "test": TEST}, typed)) == again


def test_a_cassette_is_named_as_it_is_typed() -> None:
    assert as_typed({"models": {"cassette": "/a b/c.jsonl"}}) == "--cassette '/a b/c.jsonl'"


@pytest.mark.parametrize(
    ("typed", "size", "stages"),
    [
        (None, None, None),
        ("small", "small", None),
        (" Medium ", "medium", None),
        ("LARGE", "large", None),
        ("review", None, (Stage.REVIEW,)),
        ("BUILD, TEST", None, (Stage.BUILD, Stage.TEST)),
    ],
)
def test_a_route_is_a_size_or_stages(
    typed: str | None, size: Size | None, stages: tuple[Stage, ...] | None
) -> None:
    assert size_or_stages(typed) == (size, stages)


@pytest.mark.parametrize("typed", ["", "tiny", "small,TEST", "BUILD,SLEEP"])
def test_what_is_neither_is_refused_with_what_there_is(typed: str) -> None:
    with pytest.raises(typer.BadParameter, match="sizes: small, medium, large; stages: PLANNING"):
        size_or_stages(typed)


PAYLOAD = "\x1b]52;c;cm0=\x07\x1b[2J\u202eevil\x9b31m[link=http://evil.example]x[/link]"


@pytest.mark.parametrize("how", ["text", "string", "table", "question"])
def test_no_text_is_obeyed_by_the_terminal(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    console = Terminal(file=written, highlight=False, markup=False, soft_wrap=True, width=200)
    if how == "table":
        table = Table("column", box=None)
        table.add_row(PAYLOAD)
        console.print(table)
    elif how == "question":
        monkeypatch.setattr("builtins.input", lambda: "n")
        assert not Confirm.ask(Text(PAYLOAD), console=console, default=False)
    else:
        console.print(Text(PAYLOAD) if how == "text" else PAYLOAD)
    shown = written.getvalue()
    assert all(one.isprintable() or one == "\n" for one in shown), ascii(shown)
    assert "\\x1b]52;c;cm0=" in shown
    assert "\\u202eevil" in shown
    assert "[link=" in shown
