"""What ``wainwright serve`` may be told. A person types this, so it may set anything that settings may."""

import argparse
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Options:
    """The start of one server."""

    overrides: dict[str, Any] = field(default_factory=dict)
    """In the shape of the settings."""
    trust: bool = False
    """Work may be done in whatever folder is opened, for as long as the server lives."""
    log: Path | None = None
    """File for the log; None for standard error, where only warnings are said."""


def read_options(argv: Sequence[str]) -> Options:
    """Read the words after ``serve``; ends the process with a sentence when they make no sense."""
    parser = argparse.ArgumentParser("wainwright serve", description="The language server, on stdio.")
    add = parser.add_argument
    add("--model", action="append", default=[], help="provider/model; again for a fall-back")
    add("--api-base", help="address of an OpenAI-compatible server")
    add("--api-key-env", help="name of the variable that holds the key")
    add("--budget-usd", type=float, help="the most a run may cost, in US dollars")
    add("--budget-tokens", type=int, help="the most tokens a run may take")
    add(
        "--autonomy",
        choices=("suggest", "auto-edit", "full-auto"),
        help="how far a run goes by itself; full-auto trusts the folder, too, for this start",
    )
    add("--cassette", type=Path, help="play recorded replies instead of a model")
    add("--test-command", help="how to run all tests")
    add(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="one setting by its name and written as in config.toml, such as limits.repairs=1; again for more",
    )
    add("--trust", action="store_true", help="trust the folder that is opened, for this start")
    add("--log", type=Path, help="write the log to this file")
    add("--no-host", action="store_true", help="share no process with other windows; all is kept in this one")
    # What editors add by themselves.
    add("--stdio", action="store_true", help=argparse.SUPPRESS)
    add("--clientProcessId", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    if not given.model and (given.api_base or given.api_key_env):
        parser.error("--api-base and --api-key-env go with --model, such as --model openai/any")
    for setting in given.set:
        if not re.fullmatch(r"\w+(\.\w+)*=.*", setting, re.DOTALL):
            parser.error(f"--set takes KEY=VALUE, such as --set limits.repairs=1, and not {setting!r}")
    # Whoever types that nothing is to be asked has said that there may be work.
    return Options(_overrides(given), given.trust or given.autonomy == "full-auto", given.log)


def _overrides(given: argparse.Namespace) -> dict[str, Any]:
    found = _set(given.set)
    if given.model:
        more = {"api_base": given.api_base, "api_key_env": given.api_key_env}
        extra = {name: value for name, value in more.items() if value}
        default = [{"model": model, **extra} for model in given.model]
        found.setdefault("models", {}).update(default=default, roles={})
    if given.cassette:
        found.setdefault("models", {})["cassette"] = str(given.cassette.resolve())
    caps = {"usd": given.budget_usd, "tokens": given.budget_tokens}
    if budget := {name: cap for name, cap in caps.items() if cap is not None}:
        found.setdefault("budget", {}).update(budget)
    if given.autonomy:
        found["autonomy"] = given.autonomy
    if given.test_command:
        found.setdefault("test", {}).update(command=given.test_command, commands=[])
    return found


def _set(settings: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for setting in settings:
        key, _, value = setting.partition("=")
        *sections, name = key.split(".")
        section = found
        for one in sections:
            below = section.get(one)
            section[one] = section = below if isinstance(below, dict) else {}
        section[name] = _value(value)
    return found


def _value(text: str) -> Any:
    """What TOML means; a text need not be in quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
