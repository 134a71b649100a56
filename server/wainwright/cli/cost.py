"""What the models of a run cost: ``cost``."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from wainwright.cli.console import Json, Run, Workspace, out, with_engine
from wainwright.models.ledger import Call, Ledger, Line


def cost(
    run: Run = None,
    workspace: Workspace = Path(),
    calls: Annotated[bool, typer.Option("--calls", help="Show each call.")] = False,
    as_json: Json = False,
) -> None:
    """Show what the models of a run took and cost, by role and model."""
    name, ledger = with_engine(workspace, {}, lambda engine: engine.cost(run))
    if as_json:
        out.out(json.dumps(_as_json(name, ledger, calls)))
        return
    total = ledger.total()
    out.print(Text(f"{name}: {total.calls} model calls, {total.tokens} tokens, {total.cost}"))
    if not total.calls:
        return
    out.print()
    out.print(_each(ledger.calls) if calls else _by_role(ledger.lines()))
    if total.bounded:
        out.print(
            f"\n{total.bounded} calls were lost or not counted believably: the most they may have cost is booked."
        )
    if total.unpriced:
        out.print(
            f"\nNobody knows the price of {total.unpriced} calls: set input_usd_per_mtok and output_usd_per_mtok "
            "of the candidate."
        )


def _by_role(lines: tuple[Line, ...]) -> Table:
    table = Table("role", "model", box=None)
    for name in ("calls", "failed", "lost", "input", "cached", "output", "reasoning", "seconds", "cost"):
        table.add_column(name, justify="right")
    for line in lines:
        counts = (line.calls, line.failed, line.lost, line.input, line.cached, line.output, line.reasoning)
        table.add_row(line.role, line.model or "unknown", *map(str, counts), f"{line.seconds:.1f}", line.cost)
    return table


def _each(calls: tuple[Call, ...]) -> Table:
    table = Table("stage", "task", "role", "model", "try", "outcome", box=None)
    for name in ("input", "cached", "output", "reasoning", "first token", "seconds", "cost"):
        table.add_column(name, justify="right")
    for call in calls:
        counts = (call.input, call.cached, call.output, call.reasoning)
        table.add_row(
            *(call.stage, call.task, call.role, call.model or "unknown", str(call.attempt)),
            Text(f"{call.outcome}: {call.why}" if call.why else call.outcome),
            *map(str, counts),
            *(_seconds(call.first_s), _seconds(call.seconds), _money(call)),
        )
    return table


def _seconds(took: float) -> str:
    return f"{took:.1f}" if took else "not known"


def _money(call: Call) -> str:
    words = {"told": "", "at most": "at most ", "unknown": "price unknown"}[call.sure]
    held = "reserved " if call.outcome == "under way" else words
    return held if call.sure == "unknown" else f"{held}${call.cost_usd:.4f}"


def _as_json(run: str, ledger: Ledger, calls: bool) -> dict[str, object]:
    found: dict[str, object] = {
        "run": run,
        "total": _line(ledger.total()),
        "roles": [_line(line) for line in ledger.lines()],
    }
    if calls:
        found["calls"] = [
            {**call.model_dump(mode="json", exclude={"priced"}), "provider": call.provider}
            for call in ledger.calls
        ]
    return found


def _line(line: Line) -> dict[str, object]:
    return {**line.model_dump(mode="json"), "cost": line.cost}
