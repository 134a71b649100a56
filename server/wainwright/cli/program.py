"""The program ``wainwright``: its options and its commands, which are the functions of the files beside this one."""

import asyncio
import logging
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from wainwright.app import log_lines
from wainwright.cli import (
    audit,
    cost,
    hunk,
    keys,
    native,
    replay,
    rewind,
    start,
    statement,
    steer,
    trust,
    why,
)
from wainwright.cli.console import ApiBase, KeyName, Model, Text, Workspace, out, overrides


def _tell_version(wanted: bool) -> None:
    if wanted:
        out.print(f"wainwright {metadata.version('wainwright')}")
        raise typer.Exit


def _quiet(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the log.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which version this is."),
    ] = False,
) -> None:
    """Log to standard error, warnings only unless asked for more."""
    log_lines(sys.stderr, logging.DEBUG if verbose else logging.ERROR)


def doctor(
    workspace: Workspace = Path(),
    model: Model = None,
    api_base: ApiBase = None,
    api_key_env: KeyName = None,
) -> None:
    """Say what is missing on this machine, and how to get it; with the options of a run, for such a run."""
    from wainwright.doctor import examine  # noqa: PLC0415 - a run need not wait for it

    typed = overrides(model, api_base, api_key_env, None, None, None, None, None)
    found = asyncio.run(examine(workspace.resolve(), typed))
    styles = {"ok": "green", "missing": "red", "note": "yellow"}
    for one in found:
        out.print(Text(f"{one.status:7} ", style=styles[one.status]) + Text(f"{one.name}: {one.detail}"))
        if one.cure:
            out.print(Text(f"        {one.cure}"))
    raise SystemExit(1 if any(one.status == "missing" for one in found) else 0)


def serve() -> None:
    """Be the language server, on standard input and output."""
    # __main__ takes this word before typer is loaded; the command stands here for --help.
    raise SystemExit(shutil.which("wainwright") is None)


def host() -> None:
    """Be the process that windows share which are started alike, in a terminal; takes the words of serve."""
    raise SystemExit(shutil.which("wainwright") is None)


app = typer.Typer(
    name="wainwright",
    help="An autonomous software engineer that lives in the editor as a language server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    callback=_quiet,
)
audit.app.command()(statement.statement)
app.add_typer(audit.app, name="audit")
for _command in (
    start.run,
    start.review,
    start.resume,
    start.deploy,
    replay.replay,
    steer.runs,
    steer.show,
    cost.cost,
    steer.approve,
    steer.reject,
    hunk.hunk,
    steer.task,
    steer.note,
    steer.cancel,
    steer.stop,
    steer.clean,
    why.why,
    rewind.rewind,
    trust.trust,
    doctor,
    start.demo,
    native.apply,
    native.index,
    native.context,
    serve,
    host,
):
    app.command()(_command)
app.add_typer(keys.app, name="keys")
