"""What the models of a run cost: ``cost``."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table

from wainwright.cli.console import Json, Run, Text, Workspace, out, with_engine
from wainwright.models.ledger import Call, Ledger, Line


def cost(
    run: Run = None,
    workspace: Workspace = Path(),
    calls: Annotated[bool, typer.Option("--calls", help="Show each call.")] = False,
    as_json: Json = False,
) -> None:
    """Show what the models of a run took and cost, by role and model."""
    name, ledger = with_engine(workspace, {}, lambda engine: engine.pages.cost(run))
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
            f"\nNobody knows the price of {total.unpriced} calls. Where your settings name the model, write "
            '{ model = "…", input_usd_per_mtok = 1.0, output_usd_per_mtok = 5.0 } with your own prices.'
        )


_NOTHING = {"", "0", "0.0"}


def _by_role(lines: tuple[Line, ...]) -> Group:
    names = ("calls", "failed", "lost", "input", "cached", "output", "reasoning", "seconds", "cost")
    rows = []
    for line in lines:
        counts = (line.calls, line.failed, line.lost, line.input, line.cached, line.output, line.reasoning)
        rows.append((line.role, line.model or "unknown", *map(str, counts), f"{line.seconds:.1f}", line.cost))
    return _table(("role", "model"), names, rows)


def _each(calls: tuple[Call, ...]) -> Group:
    """A line a call."""
    rows = []
    for call in calls:
        counts = (call.input, call.cached, call.output, call.reasoning)
        outcome = f"{call.outcome}: {call.why}" if call.why else call.outcome
        where = (call.stage, call.task, call.role, call.model or "unknown", outcome, str(call.attempt))
        took = (f"{call.first_s:.1f}", f"{call.seconds:.1f}")
        rows.append((*where, *map(str, counts), *took, _money(call)))
    numbers = ("try", "input", "cached", "output", "reasoning", "first token", "seconds", "cost")
    return _table(("stage", "task", "role", "model", "outcome"), numbers, rows)


def _table(words: Sequence[str], numbers: Sequence[str], rows: Sequence[Sequence[str]]) -> Group:
    """A table without the columns that hold nothing, or the same in each row, which stands below: few have room."""
    names = (*words, *numbers)
    kept = [at for at in range(len(names)) if any(row[at] not in _NOTHING for row in rows)]
    telling = [at for at in kept if at < len(words) or names[at] in ("try", "cost")]
    same = [at for at in telling if len(rows) > 1 and len({row[at] for row in rows}) == 1]
    said = ", ".join(f"{names[at]} {rows[0][at]}" for at in same)
    table = Table(box=None)
    kept = [at for at in kept if at not in same]
    for at in kept:
        number = at >= len(words)
        name = names[at]
        table.add_column(name, justify="right" if number else "left", no_wrap=number, overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[at]) for at in kept))
    return Group(table, Text(f"In each: {said}.")) if said else Group(table)


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
