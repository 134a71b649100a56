"""Shows a run on the terminal, to its end or until it waits for somebody."""

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.live import Live
from rich.prompt import Prompt
from rich.table import Table

from wainwright.cli.console import Text, out
from wainwright.domain.errors import PlanError, WainwrightError
from wainwright.domain.evidence import Finding
from wainwright.domain.gates import choices, typed
from wainwright.domain.goal import WAY, Stage
from wainwright.domain.text import headline
from wainwright.engine.views.run_view import Decide, Notice, RunView

if TYPE_CHECKING:
    from wainwright.engine.engine import Engine


async def follow(engine: "Engine", run: str, *, ask: bool, plain: bool) -> RunView:
    """Show a run until it ends, is held, or waits for somebody who is not here.

    Raises JournalError when it goes on in another process, or cannot be written any more.
    """
    lines: list[str] = []
    writing = ""
    news = asyncio.Event()

    def heard(notice: Notice) -> None:
        nonlocal writing
        line = _line(notice)
        writing = line if notice.kind == "writing" else ""
        if not notice.text or writing:
            news.set()
            return
        lines.append(line)
        if plain or not out.is_terminal:
            out.print(_timed(line))
        news.set()

    stop = engine.subscribe(heard)
    waiting = asyncio.create_task(engine.wait(run))
    live = (
        Live(console=out, refresh_per_second=4) if out.is_terminal and not plain else contextlib.nullcontext()
    )
    try:
        with live as shown:
            while not waiting.done():
                seen = await engine.view(run)
                if shown is not None:
                    shown.update(picture(seen, [*lines, *filter(None, [writing])][-6:]))
                if seen.gates and ask:
                    if shown is not None:
                        shown.stop()
                    await _answer(engine, seen)
                    if shown is not None:
                        shown.start()
                elif seen.gates and not ask:
                    break
                news.clear()
                await asyncio.wait(
                    {waiting, asyncio.create_task(news.wait())}, timeout=2, return_when="FIRST_COMPLETED"
                )
    finally:
        stop()
    return waiting.result() if waiting.done() else await engine.view(run)


def _line(notice: Notice) -> str:
    if not notice.task:
        return f"{notice.stage:9} {notice.text}"
    about = notice.text.removeprefix(f"{notice.task} ").removesuffix(f" of {notice.task}")
    return f"{notice.stage:9} {notice.task}: {about.removesuffix(f' {notice.task}')}"


def _timed(line: str) -> Text:
    """A line that stays, with the time of day: where nothing moves it tells how long ago something did."""
    return Text(f"{time.strftime('%H:%M:%S')} {line}")


async def stand_by(engine: "Engine", run: str) -> RunView:
    """Tell what another process does with a run, until none works on it."""

    def heard(notice: Notice) -> None:
        if notice.text:
            out.print(_timed(_line(notice)))

    stop = engine.subscribe(heard)
    try:
        return await engine.stand_by(run)
    finally:
        stop()


async def _answer(engine: "Engine", seen: RunView) -> None:
    gate = seen.gates[0]
    out.print(Text(f"\n{gate.question}", style="bold"))
    out.print(Text(gate.detail))
    for path in seen.artifacts:
        out.print(Text(f"  {path}"))
    said = await asyncio.to_thread(Prompt.ask, choices(gate.kind), default="")
    decided = typed(gate.kind, said)
    if decided is None:
        # Enter alone, or a key too many, decides nothing: the question is asked again.
        return
    decision, reason = decided
    told = {"run": seen.run, "gate": gate.id, "decision": decision, "reason": reason}
    try:
        await engine.decide(Decide.model_validate(told))
    except PlanError as wrong:
        out.print(Text(str(wrong), style="bold red"))
    except WainwrightError:
        return  # somebody was faster, and what they said is shown


def picture(seen: RunView, lines: list[str]) -> Group:
    """Stages, tasks and the newest lines."""
    at = WAY.index(seen.stage) if seen.stage in WAY else -1
    way = Text()
    for number, stage in enumerate(WAY):
        style = "green" if number < at else "bold yellow" if number == at else "dim"
        way.append(f"{stage} ", style="green" if seen.stage is Stage.DONE else style)
    if at < 0:
        way.append(str(seen.stage), style="bold red")
    if seen.interrupted:
        way.append("interrupted", style="bold red")
    notes = [
        Text(f"note: {headline(one.words, 80)} ({f'received by {who}' if who else 'not received yet'})")
        for one in seen.notes
        for who in [", ".join(one.received)]
    ]
    tasks = Table("task", "status", "attempt", "summary", box=None)
    for task in seen.tasks:
        tasks.add_row(task.id, task.status, str(task.attempt + 1), task.summary or task.title)
    money = "price unknown" if seen.unpriced and not seen.cost_usd else f"${seen.cost_usd:.4f}"
    spent = Text(f"{seen.model_calls} model calls, {seen.tokens} tokens, {money}", style="dim")
    how = [Text(told, style="dim") for told in (seen.size, seen.tier) if told]
    return Group(
        Text(f"{seen.run}: {headline(seen.goal, 90)}"), *how, way, *notes, tasks, *map(Text, lines), spent
    )


_WIDE = 120
"""Columns from which on the list of runs has room for branches."""


def listing(found: list[RunView], width: int) -> list[Text]:
    """A heading, and a line for each run. What has no room is cut, never wrapped: `show` and --json tell all."""
    told = [("run", "stage", "cost", "branch", "goal")]
    for one in found:
        cost = "unknown" if one.unpriced and not one.cost_usd else f"${one.cost_usd:.2f}"
        told.append((one.run, _standing(one), cost, one.branch or "", one.goal))
    shown = [0, 1, 2, 3] if width >= _WIDE else [0, 1, 2]
    firm = {at: max(len(row[at]) for row in told) + 2 for at in shown}
    room = width - sum(firm.values())
    lines = [
        Text("".join([*(row[at].ljust(firm[at]) for at in shown), headline(row[4], room)])) for row in told
    ]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def _standing(seen: RunView) -> str:
    """How a run stands, in a word."""
    return "interrupted" if seen.interrupted else "waits" if seen.waiting else str(seen.stage)


def tell_end(seen: RunView) -> None:
    """Say how a run stands, what it left, and what to do next."""
    _tell_standing(seen)
    for sentence in seen.ending:
        out.print(Text(sentence))
    for found in seen.findings:
        out.print(Text(f"{found.code}: {found.where}: {found.severity}: {found.trigger.rstrip('.')}."))
        out.print(Text(f"    {found.consequence}"))
    for told in seen.cautions:
        out.print(Text(f"tests: {told}", style="yellow"))
    for label, value in (("branch", seen.branch), ("patch", seen.patch)):
        if value:
            out.print(Text(f"{label}: {value}"))
    if seen.take_over:
        out.print(Text(seen.take_over))
    if seen.deployment is not None and seen.deployment.url:
        stop = f"; stop it with {seen.deployment.stop}" if seen.deployment.stop else ""
        out.print(Text(f"deployed at {seen.deployment.url}{stop}"))
    _tell_documents(seen.artifacts)


def _tell_documents(paths: Sequence[str]) -> None:
    """Where the documents are: what is to be read first, and the others beside it."""
    first = next((path for path in paths if path.endswith("/summary.md")), None)
    if first is None:
        for path in paths:
            out.print(Text(f"  {path}", style="dim"))
        return
    folder = first.removesuffix("summary.md")
    others = ", ".join(path.removeprefix(folder) for path in paths if path != first)
    out.print(Text(f"read {first}; beside it: {others}", style="dim"))


def _tell_standing(seen: RunView) -> None:
    resume = f"`wainwright resume {seen.run}`"
    if seen.stage is Stage.DONE:
        out.print(Text("DONE", style="bold green"))
    elif seen.failure:
        out.print(Text(f"FAILED: {seen.failure}", style="red"))
        out.print(Text(seen.hint or f"{resume} tries again."))
    elif seen.stage is Stage.CANCELLED:
        out.print(Text("CANCELLED", style="red"))
    elif seen.gates:
        for gate in seen.gates:
            out.print(Text(f"Waits for you: {gate.question} {gate.detail}", style="yellow"))
        decide = f"`wainwright approve {seen.run}` or `wainwright reject REASON --run {seen.run}`"
        out.print(Text(f"{decide}, then resume."))
    elif seen.interrupted:
        out.print(Text(f"Interrupted in {seen.stage}: nothing works on it. {resume} goes on.", style="red"))
    elif seen.waiting == "hold":
        out.print(Text(f"Holds after {seen.until}. {resume} goes on.", style="yellow"))


def summary(seen: RunView) -> dict[str, Any]:
    """The JSON object of ``--json``."""
    return {
        "run": seen.run,
        "stage": str(seen.stage),
        "size": seen.size,
        "tier": seen.tier,
        "tasks": [task.model_dump(mode="json") for task in seen.tasks],
        "artifacts": list(seen.artifacts),
        "branch": seen.branch,
        "patch": seen.patch,
        "receipts": [r.model_dump(mode="json") for r in seen.receipts],
        "model_calls": seen.model_calls,
        "lost_calls": seen.lost_calls,
        "tokens": seen.tokens,
        "cost_usd": seen.cost_usd,
        "unpriced_calls": seen.unpriced,
        "deployment": seen.deployment.model_dump() if seen.deployment else None,
        "notes": [note.model_dump(mode="json") for note in seen.notes],
        "gates": [gate.model_dump(mode="json") for gate in seen.gates],
        "cautions": list(seen.cautions),
        "findings": [
            found.model_dump(mode="json", include=set(Finding.model_fields)) for found in seen.findings
        ],
        "interrupted": seen.interrupted,
        "failure": seen.failure,
        "hint": seen.hint,
        "ending": list(seen.ending),
    }


def finish(seen: RunView, as_json: bool) -> None:
    """Say how a run stands and end the program: 0 when it is done or waits, else 1."""
    tell_end(seen)
    if as_json:
        out.out(json.dumps(summary(seen)))
    raise SystemExit(0 if seen.stage is Stage.DONE or seen.waiting else 1)
