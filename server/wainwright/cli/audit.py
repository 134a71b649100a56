"""The commands ``audit show``, ``verify``, ``restore`` and ``export``: what was done, and whether to believe it.

The fifth, ``statement``, has a file of its own.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, get_args

import typer

from wainwright import regular
from wainwright.app import state_folder, workspace_of
from wainwright.cli.console import Run, Text, Workspace, err, out
from wainwright.cli.statement import statement
from wainwright.domain.errors import InputError, WainwrightError
from wainwright.domain.shown import in_line
from wainwright.domain.text import headline
from wainwright.engine.tracing.audit import WIDE, Act, ActKind, acts
from wainwright.journal import Journal, restore

app = typer.Typer(
    no_args_is_help=True,
    help="What was done in this workspace, whether that is what was written down, and ways out if not.",
)
app.command()(statement)

KINDS = get_args(ActKind)


@contextmanager
def _journal(workspace: Path) -> Iterator[Journal]:
    """The journal of a workspace, without the engine: it may be the reason why that does not start."""
    with _telling():
        journal = Journal(_path(workspace))
        try:
            yield journal
        finally:
            journal.close()


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except WainwrightError as error:
        err.print(Text(error.message, style="red"))
        err.print(Text(error.hint))
        raise SystemExit(2) from None


def _path(workspace: Path) -> Path:
    folder = workspace_of(workspace)
    path = state_folder(folder) / "journal.db"
    if not path.parent.is_dir():
        raise InputError(f"{folder} has no journal yet.", "Start a run: `wainwright run GOAL`.")
    return path


def _named(journal: Journal, run: str | None) -> list[str]:
    found = [name for name in journal.names() if run is None or name == run]
    found = found or [name for name in journal.names() if run is not None and name.startswith(run)]
    if run is not None and len(found) != 1:
        raise InputError(f"There is no one run {run} here.", "`wainwright audit verify` names all of them.")
    return found


@app.command()
def show(
    run: Run = None,
    workspace: Workspace = Path(),
    actor: Annotated[str, typer.Option("--actor", help="Only acts of these: how their name begins.")] = "",
    kind: Annotated[list[str] | None, typer.Option("--kind", help=f"Only these: {', '.join(KINDS)}.")] = None,
    denied: Annotated[bool, typer.Option("--denied", help="Only what was asked for and not done.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List what was done, an act a line: when, by whom, behind which walls, what came of it, on whose word."""
    if unknown := sorted({*(kind or ())} - {*KINDS}):
        raise typer.BadParameter(f"There is no kind {', '.join(unknown)}. Kinds: {', '.join(KINDS)}.")
    some = False
    with _journal(workspace) as journal:
        for name in _named(journal, run):
            for act in acts(name, journal.everything(name), journal.get_blob):
                if not act.actor.startswith(actor) or (kind and act.kind not in kind):
                    continue
                if act.denied or not denied:
                    some = True
                    out.out(act.model_dump_json()) if as_json else _tell(act)
    if not some and not as_json:
        out.print("Nothing was denied." if denied else "There is no such act.")


def _short(text: str) -> str:
    return headline(" ".join(text.split()), WIDE)


def _tell(act: Act) -> None:
    when = datetime.fromtimestamp(act.at, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    came = f" -> {_short(act.outcome)}" if act.outcome else ""
    word = f"  (yes to: {_short(act.approved)})" if act.approved else ""
    doubt = "" if act.believed else "  (not as it was written)"
    what = _short(act.what)
    line = f"{when}  {act.run}  {act.row}  {act.kind}  {act.actor}  {act.tier}  {what}{came}{word}{doubt}"
    out.print(Text(in_line(line), style="red" if act.denied or doubt else ""))


@app.command()
def verify(run: Run = None, workspace: Workspace = Path()) -> None:
    """Look at every row of a run, or of all runs, and say what can be believed."""
    with _journal(workspace) as journal:
        wrong = 0
        for name in _named(journal, run):
            verdict = journal.verify(name)
            if verdict.wrong:
                wrong += 1
                out.print(Text(verdict.sentence, style="red"))
                out.print(Text(f"  {verdict.ways_out}"))
            else:
                out.print(Text(f"{name}: {verdict.rows} rows, all as they were written", style="green"))
        damaged = journal.damaged_blobs() if run is None else []
        for sha in damaged:
            out.print(Text(f"Content {sha} is not what was written.", style="red"))
    raise SystemExit(1 if wrong or damaged else 0)


@app.command("restore")
def restore_(workspace: Workspace = Path()) -> None:
    """Put what was verified in the place of the journal; the original is kept beside it."""
    with _telling():
        aside, runs = restore(_path(workspace))
    for one in runs:
        lost = f"; the {one.lost} rows behind them are lost" if one.lost else ""
        out.print(Text(f"{one.run}: {one.rows} rows{lost}", style="yellow" if one.lost else "green"))
    if any(one.lost for one in runs):
        out.print("What was lost had its price: money that is known to be spent counts as spent.")
    out.print(Text(f"The original lies in {aside}"))


@app.command()
def export(
    run: Run = None,
    workspace: Workspace = Path(),
    to: Annotated[Path | None, typer.Option("--to", help="The file to write; without it, here.")] = None,
) -> None:
    """Write out the rows of a run, or of all runs: one JSON object a line, each with whether it is as written."""
    with _journal(workspace) as journal:
        lines = (line for name in _named(journal, run) for line in journal.lines(name))
        if to is None:
            sys.stdout.writelines(f"{line}\n" for line in lines)
            return
        try:
            with open(to, "x", encoding="utf-8", opener=regular.private) as file:
                count = sum(file.write(f"{line}\n") > 0 for line in lines)
        except OSError as error:
            raise InputError(
                f"{to} cannot be written: {error.strerror}.", "Name another file with --to."
            ) from None
        out.print(Text(f"{count} rows in {to}"))
