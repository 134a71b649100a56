"""The native core by itself: ``apply``, ``index``, ``context``. No model is asked."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, cast, get_args

import typer
from rich.table import Column, Table

from wainwright.app import state_folder, workspace_of
from wainwright.cli.console import Json, Text, Workspace, complaining, err, out
from wainwright.workspace.answers import apply_cases, difference, work_out, write
from wainwright.workspace.index import FOLDER, Indexes, measure
from wainwright.workspace.localise import LIMIT, rank_cases, rank_workspace
from wainwright.workspace.native.edits import Applied, Format, Refusal
from wainwright.workspace.native.ranking import Ranking


def apply(
    answer: Annotated[
        Path | None,
        typer.Argument(help="The file with a model's answer; - reads standard input.", allow_dash=True),
    ] = None,
    workspace: Workspace = Path(),
    form: Annotated[
        str, typer.Option("--format", help="auto, blocks, unified or v4a; function or file for code alone.")
    ] = "auto",
    path: Annotated[str | None, typer.Option(help="The file, where the answer is code alone.")] = None,
    symbol: Annotated[str | None, typer.Option(help="The function, where the answer is its code.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the difference and write nothing.")
    ] = False,
    batch: Annotated[Path | None, typer.Option(help="Many cases, one JSON object a line, instead.")] = None,
    results: Annotated[Path | None, typer.Option("--out", help="Where the results of a batch go.")] = None,
) -> None:
    """Apply the edits of a model's answer to a folder: all of them, or none and the reason why."""
    with complaining():
        if batch is not None and results is not None:
            _apply_batch(batch, results)
        elif answer is not None and form in get_args(Format):
            text = sys.stdin.read() if str(answer) == "-" else answer.read_text(encoding="utf-8")
            root = workspace_of(workspace)
            outcome = work_out(root, text, form=cast("Format", form), path=path, symbol=symbol)
            _tell_edits(root, outcome, dry_run=dry_run)
        else:
            raise typer.BadParameter("give an answer and a known format, or both --batch and --out")


def _apply_batch(batch: Path, results: Path) -> None:
    with batch.open(encoding="utf-8") as cases, results.open("w", encoding="utf-8") as written:
        for result in apply_cases(cases):
            written.write(json.dumps(result) + "\n")


def _tell_edits(root: Path, outcome: Applied | Refusal, *, dry_run: bool) -> None:
    if isinstance(outcome, Refusal):
        err.print(Text(f"Nothing was changed. Edit {outcome.edit + 1}: {outcome.explain()}"))
        raise SystemExit(1)
    if dry_run:
        out.print(Text(difference(root, outcome)), end="")
    else:
        state = state_folder(root)
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(root, outcome, state)
    for done in outcome.done:
        if done.tolerances:
            err.print(
                Text(f"{done.path}:{done.line}: tolerated: {', '.join(done.tolerances)}".replace("_", " "))
            )
    if not dry_run:
        for name, text in outcome.changes.items():
            out.print(f"{name} {'deleted' if text is None else 'written'}")


def index(
    folder: Annotated[Path, typer.Argument(help="The folder of the project.")] = Path(),
    as_json: Json = False,
) -> None:
    """Bring the index of a folder up to date, and say what it holds and what it cost."""
    try:
        with complaining():
            workspace = workspace_of(folder)
            measured = asyncio.run(measure(Indexes(state_folder(workspace) / FOLDER), workspace))
    except KeyboardInterrupt:
        err.print("Stopped. What was parsed is kept.")
        raise SystemExit(130) from None
    if as_json:
        out.out(json.dumps(measured))
        return
    rows = Table("", Column(justify="right"), box=None, show_header=False)
    for name, value in measured.items():
        if isinstance(value, dict):
            for tier, seconds in value.items():
                rows.add_row(f"{tier} tier", f"{seconds:.3f} s")
        else:
            rows.add_row(name.replace("_", " "), f"{value:,}")
    out.print(rows)


def context(
    query: Annotated[str | None, typer.Argument(help="The goal in words; - reads standard input.")] = None,
    workspace: Workspace = Path(),
    limit: Annotated[int, typer.Option(min=1, help="The most files, and the most functions.")] = LIMIT,
    as_json: Json = False,
    batch: Annotated[Path | None, typer.Option(help="Many cases, one JSON object a line, instead.")] = None,
    git_root: Annotated[
        Path | None, typer.Option("--git-root", help="Where the repositories of a batch lie.")
    ] = None,
    results: Annotated[Path | None, typer.Option("--out", help="Where the rankings of a batch go.")] = None,
) -> None:
    """Find the files and functions that a goal is about, without a model."""
    with complaining():
        if batch is not None and git_root is not None and results is not None:
            _rank_batch(batch, git_root, results, limit)
        elif query is not None:
            text = sys.stdin.read() if query == "-" else query
            if not text.strip():
                raise typer.BadParameter("say in words what to look for")
            _tell_ranking(_ranked(workspace_of(workspace), text, limit), as_json=as_json)
        else:
            raise typer.BadParameter("give a query, or --batch, --git-root and --out")


def _ranked(tree: Path, query: str, limit: int) -> Ranking:
    indexed = Indexes(state_folder(tree) / FOLDER).open(tree)
    ranking = rank_workspace(indexed, query, limit)
    indexed.index.save()
    return ranking


def _rank_batch(batch: Path, git_root: Path, results: Path, limit: int) -> None:
    failed = 0
    with batch.open(encoding="utf-8") as cases, results.open("w", encoding="utf-8") as written:
        for located in rank_cases(cases, git_root, limit):
            if located.ranking is None:
                failed += 1
                err.print(Text(located.error, style="red"))
            else:
                written.write(json.dumps(located.ranking) + "\n")
                written.flush()
    if failed:
        err.print(Text(f"{failed} cases have no ranking."))


def _tell_ranking(ranking: Ranking, *, as_json: bool) -> None:
    if as_json:
        files = [
            {"path": one.path, "score": round(one.score, 4), "why": "; ".join(one.why), "role": one.role}
            for one in ranking.files
        ]
        functions = [{**one._asdict(), "score": round(one.score, 4)} for one in ranking.functions]
        out.print(Text(json.dumps({"files": files, "functions": functions})))
        return
    table = Table(Column("file", overflow="fold"), Column("why", style="dim"), box=None, pad_edge=False)
    for file in ranking.files:
        table.add_row(
            file.path if file.role == "source" else f"({file.role}) {file.path}", "; ".join(file.why)
        )
    out.print(table)
    out.print()
    for function in ranking.functions:
        out.print(f"{function.path}:{function.start_line}-{function.end_line} {function.name}")
