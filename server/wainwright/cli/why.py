"""The command ``why``: from a line back to the run, the step and the model call that wrote it."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from wainwright.cli.console import Json, Text, Workspace, out, with_engine
from wainwright.engine.views.why_view import around, described


def why(
    where: Annotated[str, typer.Argument(metavar="FILE:LINE", help="The line, counted from 1.")],
    workspace: Workspace = Path(),
    run: Annotated[str | None, typer.Option(help="Ask about this run alone.")] = None,
    as_json: Json = False,
) -> None:
    """Tell where a line comes from: hunk, step, model call, test run and approvals."""
    path, colon, number = where.rpartition(":")
    if not (colon and path and number.isdigit()):
        raise typer.BadParameter(f"{where}: say FILE:LINE, such as src/app.py:12.")
    inside = _inside(workspace.resolve(), path)
    seen = with_engine(workspace, {}, lambda engine: engine.tracing.why(inside, int(number), run=run))
    if as_json:
        out.out(json.dumps({**seen.model_dump(mode="json"), "whole": seen.whole}))
        return
    first, *rest = described(seen)
    out.print(Text(first, style="bold"))
    for line in around(seen.hunk, seen.text):
        out.print(Text(f"  {line}", style={"+": "green", "-": "red"}.get(line[:1], "dim")))
    for line in rest:
        out.print(Text(line))


def _inside(workspace: Path, path: str) -> str:
    """A path as the workspace has it: given from where the person stands, or relative to the workspace."""
    here = Path(os.path.abspath(path))  # noqa: PTH100 - links stay, as the repository has them
    found = here if here.is_relative_to(workspace) and os.path.lexists(here) else workspace / path
    return os.path.relpath(found, workspace)
