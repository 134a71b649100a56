"""What is remembered of a command line, and what of it holds again."""

from typing import Any

import pytest

from wainwright.cli.console import as_before, as_typed, kept, overrides

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
