"""The command ``rewind``: the person's files as they were at a checkpoint."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wainwright.cli.console import Json, Text, Workspace, err, out, with_engine
from wainwright.domain.errors import InputError

if TYPE_CHECKING:
    from wainwright.engine.engine import Engine
    from wainwright.engine.rewinding import Planned, Rewound


def rewind(
    checkpoint: Annotated[
        str | None, typer.Argument(help="Where to go back to; without it the checkpoints are listed.")
    ] = None,
    workspace: Workspace = Path(),
    overwrite: Annotated[
        list[str] | None, typer.Option("--overwrite", help="A file to rewind although you changed it since.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Bring your files back to a checkpoint, and back again if you like."""
    if checkpoint is None:
        _list(workspace, as_json)
        return

    async def act(engine: "Engine") -> "tuple[Planned, Rewound | None]":
        planned = await engine.rewinding.look(checkpoint, overwrite or ())
        if not as_json:
            _preview(planned)
        if not planned.steps or not (yes or _agreed(len(planned.steps))):
            return planned, None
        return planned, await engine.rewinding.rewind(planned)

    planned, done = with_engine(workspace, {}, act)
    if as_json:
        back = done.back if done else ""
        out.out(json.dumps({**planned.preview.model_dump(mode="json"), "back": back}))
    elif done is not None and done.back:
        left = sum(one.changed for one in planned.preview.files)
        but = f" {left} files that you changed since are as they were." if left else ""
        out.print(Text(f"Done.{but} `wainwright rewind {done.back}` takes it back."))
    if done is not None and done.reason:
        err.print(Text(done.reason, style="red"))
        raise SystemExit(1)


def _agreed(files: int) -> bool:
    """Ask whoever sits at the terminal. Raises InputError when nobody does."""
    if not sys.stdin.isatty():
        raise InputError("Nobody can be asked here.", "`--yes` rewinds without a question.")
    return typer.confirm(f"Rewind {files} files?", err=True)


def _preview(planned: "Planned") -> None:
    from wainwright.engine.rewinding import shown, when  # noqa: PLC0415 - loads the engine

    target = planned.preview.checkpoint
    out.print(Text(f"{target.name}, {when(target)}: {target.what}", style="bold"))
    if not planned.preview.files:
        out.print("Your files are so already.")
    for line in shown(planned.preview):
        out.print(Text(line))
    changed = [one.path for one in planned.preview.files if one.changed]
    if changed:
        more = " ".join(f"--overwrite {path}" for path in changed)
        out.print(Text(f"What you changed since is rewound with {more}."))


def _list(workspace: Path, as_json: bool) -> None:
    from wainwright.engine.rewinding import when  # noqa: PLC0415 - loads the engine

    found = with_engine(workspace, {}, lambda engine: engine.rewinding.checkpoints())
    if as_json:
        out.out(json.dumps([one.model_dump(mode="json") for one in found]))
        return
    if not found:
        out.print("There are no checkpoints yet: no run has changed anything.")
    for one in found:
        out.print(Text(f"{when(one)}  {one.name}  {one.what}"))
