"""Commands for runs that there are: ``runs``, ``show``, ``approve``, ``reject``, ``cancel``."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from wainwright.cli.console import Json, Run, Workspace, out, with_engine
from wainwright.cli.follow import picture, summary, tell_end
from wainwright.domain.goal import Stage
from wainwright.engine.engine import Engine
from wainwright.engine.views.run_view import Decide, RunView


def runs(workspace: Workspace = Path(), as_json: Json = False) -> None:
    """List the runs of this workspace."""
    found = with_engine(workspace, {}, lambda engine: engine.runs())
    if as_json:
        out.out(json.dumps([summary(one) for one in found]))
        return
    table = Table(Column("run", no_wrap=True), "stage", "goal", "branch", "cost", box=None)
    for one in found:
        table.add_row(
            one.run, str(one.stage), one.goal.splitlines()[0][:60], one.branch or "", f"${one.cost_usd:.4f}"
        )
    out.print(table if found else "No runs yet. Start one: wainwright run GOAL")


def show(run: Run = None, workspace: Workspace = Path(), as_json: Json = False) -> None:
    """Show one run."""
    seen = with_engine(workspace, {}, lambda engine: engine.view(run))
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
    async def act(engine: Engine) -> RunView:
        name = (await engine.view(run)).run
        return await engine.decide(
            Decide.model_validate({"run": name, "gate": gate, "decision": decision, "reason": reason})
        )

    seen = with_engine(workspace, {}, act)
    out.print(f"{seen.run}: noted. If nothing works on it now, `wainwright resume {seen.run}` goes on.")


def cancel(run: Run = None, workspace: Workspace = Path()) -> None:
    """Stop a run; nothing is deleted."""
    seen = with_engine(workspace, {}, lambda engine: engine.cancel(run))
    done = "cancelled" if seen.stage is Stage.CANCELLED else "asked to stop where it is at work"
    out.print(f"{seen.run}: {done}. `wainwright resume {seen.run}` would go on.")
