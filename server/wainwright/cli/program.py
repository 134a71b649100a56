"""The program ``wainwright``: its options and its commands, which are the functions of the files beside this one.

A file is imported when one of its commands is asked for: what most of them need takes a second to load.
"""

import logging
import shutil
import sys
from collections.abc import Sequence
from importlib import import_module, metadata
from typing import Annotated

import typer

_COMMANDS = {
    "run": "start",
    "review": "start",
    "resume": "start",
    "deploy": "start",
    "replay": "replay",
    "runs": "steer",
    "show": "steer",
    "cost": "cost",
    "approve": "steer",
    "reject": "steer",
    "hunk": "hunk",
    "task": "steer",
    "note": "steer",
    "cancel": "steer",
    "stop": "steer",
    "clean": "steer",
    "why": "why",
    "rewind": "rewind",
    "trust": "trust",
    "doctor": "doctor",
    "demo": "start",
    "apply": "native",
    "index": "native",
    "context": "native",
    "serve": "program",
    "host": "program",
}
"""The file of each command, a function of the same name there; in the order of ``--help``."""
_GROUPS = ("audit", "keys")
"""Files that are a command with commands below it."""


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wainwright {metadata.version('wainwright')}")
        raise typer.Exit


def _quiet(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the log.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which version this is."),
    ] = False,
) -> None:
    """Log to standard error, warnings only unless asked for more."""
    from wainwright.app import log_lines  # noqa: PLC0415 - `--version` need not wait for it

    log_lines(sys.stderr, logging.DEBUG if verbose else logging.ERROR)


def serve() -> None:
    """Be the language server, on standard input and output."""
    # __main__ takes this word before typer is loaded; the command stands here for --help.
    raise SystemExit(shutil.which("wainwright") is None)


def host() -> None:
    """Be the process that windows share which are started alike, in a terminal; takes the words of serve."""
    raise SystemExit(shutil.which("wainwright") is None)


def program(words: Sequence[str] = ()) -> typer.Typer:
    """The program with the command that these words begin with; with all of them where that is none."""
    # To say its version it needs none, and `serve` is here already.
    asked = next(
        (word for word in words if not word.startswith("-")), "serve" if "--version" in words else ""
    )
    alone = asked in _COMMANDS or asked in _GROUPS
    app = typer.Typer(
        name="wainwright",
        help="An autonomous software engineer that lives in the editor as a language server.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        callback=_quiet,
    )
    for name, file in _COMMANDS.items():
        if not alone or name == asked:
            app.command(name)(getattr(import_module(f"wainwright.cli.{file}"), name))
    for name in _GROUPS:
        if not alone or name == asked:
            app.add_typer(import_module(f"wainwright.cli.{name}").app, name=name)
    return app
