"""The command ``audit statement``: what a run did, for somebody who has its commit and nothing else of it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wainwright.cli.console import Run, Text, Workspace, complaining, err, out, with_engine

if TYPE_CHECKING:
    from wainwright.engine.engine import Engine


def statement(
    run: Run = None,
    workspace: Workspace = Path(),
    to: Annotated[Path | None, typer.Option("--to", help="The file to write; without it, here.")] = None,
    verifier: Annotated[
        Path | None, typer.Option("--verifier", help="Write the program that checks it to this file, too.")
    ] = None,
) -> None:
    """Write an in-toto statement of all that a run did before it delivered; whoever has the commit can check it.

    It is signed where you have a key: `wainwright keys signing` makes one.
    """

    async def act(engine: "Engine") -> tuple[str, bytes, str]:
        return await engine.statements.of((await engine.view(run)).run)

    commit, text, key = with_engine(workspace, {}, act)
    with complaining():
        if verifier is not None:
            from wainwright.engine.tracing.statements import VERIFIER  # noqa: PLC0415 - loads the engine

            verifier.write_bytes(VERIFIER.read_bytes())
        if to is None:
            sys.stdout.buffer.write(text)
            return
        to.write_bytes(text)
    signed = (
        f"It is signed with the key {key}."
        if key
        else "It is not signed: `wainwright keys signing` makes a key."
    )
    err.print(Text(f"It speaks of commit {commit}. {signed}"))
    out.print(Text(f"python {verifier or 'verifier.py'} {to} {commit} {key}".rstrip()))
