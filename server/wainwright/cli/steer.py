"""Commands for runs that there are: ``runs``, ``show``, ``approve``, ``reject``, ``note``, ``cancel``, ``clean``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from wainwright.cli.console import Json, Run, Text, Workspace, out, with_engine
from wainwright.cli.follow import listing, picture, summary, tell_end
from wainwright.domain.events import Steering
from wainwright.domain.goal import Stage
from wainwright.engine.views.run_view import Decide, RunView

if TYPE_CHECKING:
    from wainwright.engine.disk import DiskView
    from wainwright.engine.engine import Engine


def runs(
    workspace: Workspace = Path(),
    disk: Annotated[bool, typer.Option("--disk", help="What the runs keep on disk, instead.")] = False,
    as_json: Json = False,
) -> None:
    """List the runs of this workspace."""
    if disk:
        _tell_disk(with_engine(workspace, {}, lambda engine: engine.disk.view()), as_json)
        return
    found = with_engine(workspace, {}, _all_runs)
    if as_json:
        out.out(json.dumps([summary(one) for one in found]))
        return
    if not found:
        out.print("No runs yet. Start one: wainwright run GOAL")
        return
    for line in listing(found, out.width):
        out.print(line)
    for one in found:
        if one.interrupted:
            out.print(
                Text(f"{one.run} was interrupted in {one.stage}: `wainwright resume {one.run}` goes on.")
            )


async def _all_runs(engine: "Engine") -> list[RunView]:
    await engine.tell_interrupted()
    return await engine.runs()


def _tell_disk(seen: "DiskView", as_json: bool) -> None:
    if as_json:
        out.out(json.dumps(seen.model_dump(mode="json")))
        return
    table = Table("run", "stage", "for resuming", "for its service", "removable", box=None)
    for one in seen.runs:
        sizes = (_megabytes(size) for size in (one.resuming, one.serving, one.removable))
        table.add_row(one.run, str(one.stage or "unknown"), *sizes)
    out.print(table if seen.runs else "No run keeps anything of its own on disk.")
    shared = ", ".join(f"{name} {_megabytes(size)}" for name, size in seen.shared.items())
    out.print(Text(f"\nFor all runs: {shared}. All of it lies in {seen.folder}"))
    if any(one.removable for one in seen.runs):
        out.print("`wainwright clean` removes what is removable.")


def clean(
    workspace: Workspace = Path(),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")
    ] = False,
) -> None:
    """Remove the trees and caches of runs that have ended; branches, journal and running services stay."""
    gone = with_engine(workspace, {}, lambda engine: engine.disk.clean(dry_run=dry_run))
    for path, size in gone.items():
        out.print(Text(f"{_megabytes(size):>10}  {path}"))
    verb = "would be removed" if dry_run else "removed"
    out.print(f"{_megabytes(sum(gone.values()))} {verb}." if gone else "There is nothing to remove.")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def show(run: Run = None, workspace: Workspace = Path(), as_json: Json = False) -> None:
    """Show one run."""

    async def act(engine: "Engine") -> RunView:
        await engine.tell_interrupted()
        return await engine.view(run)

    seen = with_engine(workspace, {}, act)
    if as_json:
        out.out(json.dumps(summary(seen)))
        return
    out.print(picture(seen, []))
    tell_end(seen)


def approve(
    run: Run = None,
    gate: Annotated[str | None, typer.Option(help="Which gate, when several are open.")] = None,
    answer: Annotated[str, typer.Option("--answer", help="What to answer to a question.")] = "",
    workspace: Workspace = Path(),
) -> None:
    """Pass a gate of a run, or answer its question."""
    _decide(workspace, run, gate, "answer" if answer else "approve", answer)


def reject(
    reason: Annotated[str, typer.Argument(help="Why; the team works it in.")],
    run: Annotated[str | None, typer.Option(help="The run; the newest without it.")] = None,
    gate: Annotated[str | None, typer.Option(help="Which gate, when several are open.")] = None,
    workspace: Workspace = Path(),
) -> None:
    """Refuse a gate of a run, with a reason."""
    _decide(workspace, run, gate, "reject", reason)


def _decide(workspace: Path, run: str | None, gate: str | None, decision: str, reason: str) -> None:
    async def act(engine: "Engine") -> RunView:
        name = (await engine.view(run)).run
        return await engine.decide(
            Decide.model_validate({"run": name, "gate": gate, "decision": decision, "reason": reason})
        )

    seen = with_engine(workspace, {}, act)
    out.print(f"{seen.run}: noted. If nothing works on it now, `wainwright resume {seen.run}` goes on.")


def task(
    way: Annotated[Steering, typer.Argument(help="pause, go-on, stop, again: a new attempt, or skip.")],
    task: Annotated[str, typer.Argument(help="The task, as `wainwright show` names it.")],
    run: Annotated[str | None, typer.Option(help="The run; the newest without it.")] = None,
    workspace: Workspace = Path(),
) -> None:
    """Pause one task of a run, let it go on, stop it, have it tried again, or skip it; the others go on.

    What needs a skipped task waits: `go-on` has it built without, `skip` leaves it out too.
    """
    seen = with_engine(workspace, {}, lambda engine: engine.steer(run, task, way))
    out.print(f"{seen.run}: noted. If nothing works on it now, `wainwright resume {seen.run}` goes on.")


def note(
    words: Annotated[list[str], typer.Argument(help="What is to be minded; a run may be named first.")],
    workspace: Workspace = Path(),
) -> None:
    """Say something to those at work on a run: `note [RUN] WORDS`. Each agent hears it at its next turn."""

    async def act(engine: "Engine") -> RunView:
        first, *more = words
        named = bool(more) and first in {one.run for one in await engine.runs()}
        run, said = (first, " ".join(more)) if named else (None, " ".join(words))
        return await engine.say(run, said)

    seen = with_engine(workspace, {}, act)
    out.print(f"{seen.run}: noted. `wainwright show {seen.run}` tells who has received it.")


def stop(run: Run = None, workspace: Workspace = Path()) -> None:
    """Stop the service that a run started."""

    async def act(engine: "Engine") -> str:
        return await engine.serving.stop(await engine.named(run), by="person")

    out.print(with_engine(workspace, {}, act))


def cancel(run: Run = None, workspace: Workspace = Path()) -> None:
    """Stop a run; nothing is deleted."""
    seen = with_engine(workspace, {}, lambda engine: engine.cancel(run))
    done = "cancelled" if seen.stage is Stage.CANCELLED else "asked to stop where it is at work"
    out.print(f"{seen.run}: {done}. `wainwright resume {seen.run}` would go on.")
