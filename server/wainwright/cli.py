"""The command line. ``run`` works unattended and delivers a branch; ``--ask`` lets you decide at the gates."""

import asyncio
import contextlib
import json
import logging
import shutil
import sys
from collections.abc import Callable, Coroutine
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast, get_args

import structlog
import typer
from pydantic import ValidationError
from rich.console import Console, Group
from rich.live import Live
from rich.prompt import Prompt
from rich.table import Column, Table
from rich.text import Text

from wainwright.app import INDEX_FOLDER, open_engine, state_folder
from wainwright.demo.demo import prepare
from wainwright.doctor import examine
from wainwright.domain.errors import InputError, WainwrightError
from wainwright.domain.goal import WAY, Goal, Stage
from wainwright.engine.engine import Engine, workspace_of
from wainwright.engine.view import Decide, Notice, RunView, Start
from wainwright.workspace.answers import apply_cases, difference, work_out, write
from wainwright.workspace.index import Indexes, measure
from wainwright.workspace.localise import LIMIT, rank_cases, rank_workspace
from wainwright.workspace.native.edits import Applied, Format, Refusal
from wainwright.workspace.native.ranking import Ranking

app = typer.Typer(
    name="wainwright",
    help="An autonomous software engineer that lives in the editor as a language server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False, markup=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

Workspace = Annotated[Path, typer.Option("--workspace", "-w", help="The folder of the project.")]
Json = Annotated[bool, typer.Option("--json", help="The last line is one JSON object.")]
Model = Annotated[list[str] | None, typer.Option("--model", help="provider/model; again for a fall-back.")]
ApiBase = Annotated[str | None, typer.Option("--api-base", help="Address of an OpenAI-compatible server.")]
KeyName = Annotated[
    str | None, typer.Option("--api-key-env", help="Name of the variable that holds the key.")
]
Usd = Annotated[float | None, typer.Option("--budget-usd", help="The most a run may cost, in US dollars.")]
Tokens = Annotated[int | None, typer.Option("--budget-tokens", help="The most tokens a run may take.")]
Cassette = Annotated[
    Path | None, typer.Option("--cassette", help="Play recorded replies instead of a model.")
]
Record = Annotated[Path | None, typer.Option("--record", help="Record the model's replies to this file.")]
Tests = Annotated[str | None, typer.Option("--test-command", help="How to run all tests.")]
Run = Annotated[str | None, typer.Argument(help="The run, or how its name begins; the newest without it.")]

T = TypeVar("T")


def _overrides(
    model: list[str] | None,
    api_base: str | None,
    key_name: str | None,
    usd: float | None,
    tokens: int | None,
    cassette: Path | None,
    record: Path | None,
    tests: str | None,
) -> dict[str, Any]:
    """What was typed, in the shape of the settings."""
    found: dict[str, Any] = {}
    if model:
        extra = {k: v for k, v in (("api_base", api_base), ("api_key_env", key_name)) if v}
        found["models"] = {"default": [{"model": name, **extra} for name in model], "roles": {}}
    elif api_base or key_name:
        raise typer.BadParameter("--api-base and --api-key-env go with --model, such as --model openai/any")
    for name, path in (("cassette", cassette), ("record", record)):
        if path is not None:
            found.setdefault("models", {})[name] = str(path.resolve())
    budget = {k: v for k, v in (("usd", usd), ("tokens", tokens)) if v is not None}
    if budget:
        found["budget"] = budget
    if tests:
        found["test"] = {"command": tests}
    return found


def _with_engine(
    workspace: Path, overrides: dict[str, Any], act: Callable[[Engine], Coroutine[Any, Any, T]]
) -> T:
    """Open the engine, act, close it; what goes wrong is told in a sentence and ends with 2."""

    async def work() -> T:
        engine = await open_engine(workspace, overrides=overrides)
        try:
            return await act(engine)
        finally:
            await engine.close()

    try:
        return asyncio.run(work())
    except WainwrightError as error:
        err.print(Text(error.message, style="red"))
        if error.hint:
            err.print(Text(error.hint))
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        err.print("Stopped. The run stays as it is: `wainwright resume` goes on.")
        raise SystemExit(130) from None


def _tell_version(wanted: bool) -> None:
    if wanted:
        out.print(f"wainwright {metadata.version('wainwright')}")
        raise typer.Exit


@app.callback()
def _quiet(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the log.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which version this is."),
    ] = False,
) -> None:
    """Log to standard error, warnings only unless asked for more."""
    level = logging.DEBUG if verbose else logging.ERROR
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )


@app.command()
def run(
    goal: Annotated[
        str, typer.Argument(help="What should be true when the work is done; - reads standard input.")
    ],
    workspace: Workspace = Path(),
    model: Model = None,
    api_base: ApiBase = None,
    api_key_env: KeyName = None,
    budget_usd: Usd = None,
    budget_tokens: Tokens = None,
    cassette: Cassette = None,
    record: Record = None,
    test_command: Tests = None,
    route: Annotated[str | None, typer.Option(help="Only these stages, such as BUILD,TEST,REVIEW.")] = None,
    ask: Annotated[bool, typer.Option("--ask", help="Decide at the gates yourself.")] = False,
    as_json: Json = False,
) -> None:
    """Take a goal through every stage; the result is a branch `wainwright/…`."""
    overrides = _overrides(
        model, api_base, api_key_env, budget_usd, budget_tokens, cassette, record, test_command
    )
    text = sys.stdin.read() if goal == "-" else goal

    async def act(engine: Engine) -> RunView:
        start = Start(
            goal=_goal(text),
            route=_route(route),
            autonomy="suggest" if ask else "full-auto",
            attended=ask,
        )
        return await _follow(engine, (await engine.start(start)).run, ask=ask, plain=as_json)

    _finish(_with_engine(workspace, overrides, act), as_json)


@app.command()
def resume(
    run: Run = None,
    workspace: Workspace = Path(),
    model: Model = None,
    api_base: ApiBase = None,
    api_key_env: KeyName = None,
    budget_usd: Usd = None,
    budget_tokens: Tokens = None,
    cassette: Cassette = None,
    record: Record = None,
    test_command: Tests = None,
    ask: Annotated[bool, typer.Option("--ask", help="Decide at the gates yourself.")] = False,
    as_json: Json = False,
) -> None:
    """Let a run go on that was killed, failed, was cancelled, or waits; unattended, unless you --ask."""
    overrides = _overrides(
        model, api_base, api_key_env, budget_usd, budget_tokens, cassette, record, test_command
    )

    async def act(engine: Engine) -> RunView:
        seen = await engine.resume(run, attended=ask, cap_usd=budget_usd, cap_tokens=budget_tokens)
        if seen.waiting == "hold":
            await engine.advance(seen.run, None)
            await engine.resume(seen.run)
        return await _follow(engine, seen.run, ask=ask, plain=as_json)

    _finish(_with_engine(workspace, overrides, act), as_json)


@app.command()
def runs(workspace: Workspace = Path(), as_json: Json = False) -> None:
    """List the runs of this workspace."""
    found = _with_engine(workspace, {}, lambda engine: engine.runs())
    if as_json:
        out.out(json.dumps([_summary(one) for one in found]))
        return
    table = Table(Column("run", no_wrap=True), "stage", "goal", "branch", "cost", box=None)
    for one in found:
        table.add_row(
            one.run, str(one.stage), one.goal.splitlines()[0][:60], one.branch or "", f"${one.cost_usd:.4f}"
        )
    out.print(table if found else "No runs yet. Start one: wainwright run GOAL")


@app.command()
def show(run: Run = None, workspace: Workspace = Path(), as_json: Json = False) -> None:
    """Show one run."""
    seen = _with_engine(workspace, {}, lambda engine: engine.view(run))
    if as_json:
        out.out(json.dumps(_summary(seen)))
        return
    out.print(_picture(seen, []))
    _tell_end(seen)


@app.command()
def approve(
    run: Run = None,
    gate: Annotated[str | None, typer.Option(help="Which gate, when several are open.")] = None,
    answer: Annotated[str, typer.Option("--answer", help="What to answer to a question.")] = "",
    workspace: Workspace = Path(),
) -> None:
    """Pass a gate of a run, or answer its question."""
    _decide(workspace, run, gate, "answer" if answer else "approve", answer)


@app.command()
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

    seen = _with_engine(workspace, {}, act)
    out.print(f"{seen.run}: noted. If nothing works on it now, `wainwright resume {seen.run}` goes on.")


@app.command()
def cancel(run: Run = None, workspace: Workspace = Path()) -> None:
    """Stop a run; nothing is deleted."""
    seen = _with_engine(workspace, {}, lambda engine: engine.cancel(run))
    done = "cancelled" if seen.stage is Stage.CANCELLED else "asked to stop where it is at work"
    out.print(f"{seen.run}: {done}. `wainwright resume {seen.run}` would go on.")


@app.command()
def doctor(workspace: Workspace = Path()) -> None:
    """Say what is missing on this machine, and how to get it."""
    found = asyncio.run(examine(workspace.resolve()))
    styles = {"ok": "green", "missing": "red", "note": "yellow"}
    for one in found:
        out.print(Text(f"{one.status:7} ", style=styles[one.status]) + Text(f"{one.name}: {one.detail}"))
        if one.cure:
            out.print(Text(f"        {one.cure}"))
    raise SystemExit(1 if any(one.status == "missing" for one in found) else 0)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where to put the sample workspace.")] = Path(
        "demo-workspace"
    ),
    as_json: Json = False,
) -> None:
    """Run the main job on a shipped sample workspace; the model's part is a recording, no key is needed."""
    try:
        sample = prepare(folder, out.print)
    except WainwrightError as error:
        err.print(Text(str(error), style="red"))
        raise SystemExit(2) from None

    async def act(engine: Engine) -> RunView:
        start = Start(goal=Goal(text=sample.goal), autonomy="full-auto", attended=False)
        return await _follow(engine, (await engine.start(start)).run, ask=False, plain=as_json)

    overrides = {"models": {"cassette": str(sample.cassette), "default": [], "roles": {}}}
    seen = _with_engine(sample.workspace, overrides, act)
    sample.explain(seen, out.print)
    _finish(seen, as_json)


@app.command()
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
    try:
        if batch is not None and results is not None:
            _apply_batch(batch, results)
        elif answer is not None and form in get_args(Format):
            text = sys.stdin.read() if str(answer) == "-" else answer.read_text(encoding="utf-8")
            root = workspace_of(workspace)
            outcome = work_out(root, text, form=cast("Format", form), path=path, symbol=symbol)
            _tell_edits(root, outcome, dry_run=dry_run)
        else:
            raise typer.BadParameter("give an answer and a known format, or both --batch and --out")
    except (OSError, ValueError, WainwrightError) as error:
        err.print(Text(str(error), style="red"))
        raise SystemExit(2) from None


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
        if done.forgiven:
            err.print(
                Text(f"{done.path}:{done.line}: forgiven: {', '.join(done.forgiven)}".replace("_", " "))
            )
    if not dry_run:
        for name, text in outcome.changes.items():
            out.print(f"{name} {'deleted' if text is None else 'written'}")


@app.command()
def index(
    folder: Annotated[Path, typer.Argument(help="The folder of the project.")] = Path(),
    as_json: Json = False,
) -> None:
    """Bring the index of a folder up to date, and say what it holds and what it cost."""
    try:
        workspace = workspace_of(folder)
        measured = asyncio.run(measure(Indexes(state_folder(workspace) / INDEX_FOLDER), workspace))
    except (OSError, WainwrightError) as error:
        err.print(Text(str(error), style="red"))
        raise SystemExit(2) from None
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


@app.command()
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
    try:
        if batch is not None and git_root is not None and results is not None:
            _rank_batch(batch, git_root, results, limit)
        elif query is not None:
            text = sys.stdin.read() if query == "-" else query
            if not text.strip():
                raise typer.BadParameter("say in words what to look for")
            _tell_ranking(_ranked(workspace_of(workspace), text, limit), as_json=as_json)
        else:
            raise typer.BadParameter("give a query, or --batch, --git-root and --out")
    except (OSError, ValueError, WainwrightError) as error:
        err.print(Text(str(error), style="red"))
        raise SystemExit(2) from None


def _ranked(tree: Path, query: str, limit: int) -> Ranking:
    look = Indexes(state_folder(tree) / INDEX_FOLDER).look(tree)
    ranking = rank_workspace(look, query, limit)
    look.index.save()
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


@app.command()
def serve() -> None:
    """Be the language server, on standard input and output."""
    # __main__ takes this word before typer is loaded; the command stands here for --help.
    raise SystemExit(shutil.which("wainwright") is None)


# ---- following a run


async def _follow(engine: Engine, run: str, *, ask: bool, plain: bool) -> RunView:
    """Show a run until it ends, is held, or waits for somebody who is not here."""
    lines: list[str] = []
    news = asyncio.Event()

    def heard(notice: Notice) -> None:
        if not notice.text:
            news.set()
            return
        lines.append(f"{notice.stage:9} {notice.task + ': ' if notice.task else ''}{notice.text}")
        if plain or not out.is_terminal:
            out.print(Text(lines[-1]))
        news.set()

    stop = engine.subscribe(heard)
    waiting = asyncio.create_task(engine.wait(run))
    live = (
        Live(console=out, refresh_per_second=4) if out.is_terminal and not plain else contextlib.nullcontext()
    )
    try:
        with live as picture:
            while not waiting.done():
                seen = await engine.view(run)
                if picture is not None:
                    picture.update(_picture(seen, lines[-6:]))
                if seen.gates and ask:
                    if picture is not None:
                        picture.stop()
                    await _answer(engine, seen)
                    if picture is not None:
                        picture.start()
                elif seen.gates and not ask:
                    break
                news.clear()
                await asyncio.wait(
                    {waiting, asyncio.create_task(news.wait())}, timeout=2, return_when="FIRST_COMPLETED"
                )
    finally:
        stop()
    return await engine.view(run)


async def _answer(engine: Engine, seen: RunView) -> None:
    gate = seen.gates[0]
    out.print(Text(f"\n{gate.question}", style="bold"))
    out.print(Text(gate.detail))
    for path in seen.artifacts:
        out.print(Text(f"  {path}"))
    said = await asyncio.to_thread(
        Prompt.ask, "y to approve; anything else is your reason to refuse", default=""
    )
    if not said.strip():
        # Enter alone decides nothing: the question is asked again.
        return
    decision = "approve" if said.strip().lower() in ("y", "yes") else "reject"
    reason = "" if decision == "approve" else said
    if gate.kind == "question" and decision == "reject" and said.strip().lower() not in ("n", "no"):
        decision = "answer"
    with contextlib.suppress(WainwrightError):
        await engine.decide(
            Decide.model_validate({"run": seen.run, "gate": gate.id, "decision": decision, "reason": reason})
        )


def _picture(seen: RunView, lines: list[str]) -> Group:
    """Stages, tasks and the newest lines."""
    at = WAY.index(seen.stage) if seen.stage in WAY else -1
    way = Text()
    for number, stage in enumerate(WAY):
        style = "green" if number < at else "bold yellow" if number == at else "dim"
        way.append(f"{stage} ", style="green" if seen.stage is Stage.DONE else style)
    if at < 0:
        way.append(str(seen.stage), style="bold red")
    tasks = Table("task", "status", "attempt", "summary", box=None)
    for task in seen.tasks:
        tasks.add_row(task.id, task.status, str(task.attempt + 1), task.summary or task.title)
    spent = Text(f"{seen.model_calls} model calls, {seen.tokens} tokens, ${seen.cost_usd:.4f}", style="dim")
    return Group(Text(f"{seen.run}: {seen.goal.splitlines()[0][:90]}"), way, tasks, *map(Text, lines), spent)


def _tell_end(seen: RunView) -> None:
    if seen.stage is Stage.DONE:
        out.print(Text("DONE", style="bold green"))
    elif seen.failure:
        out.print(Text(f"FAILED: {seen.failure}", style="red"))
        out.print(Text(seen.hint or f"`wainwright resume {seen.run}` tries again."))
    elif seen.gates:
        for gate in seen.gates:
            out.print(Text(f"Waits for you: {gate.question} {gate.detail}", style="yellow"))
        out.print(
            Text(
                f"`wainwright approve {seen.run}` or `wainwright reject REASON --run {seen.run}`, then resume."
            )
        )
    for label, value in (("branch", seen.branch), ("patch", seen.patch)):
        if value:
            out.print(Text(f"{label}: {value}"))
    if seen.deployment is not None and seen.deployment.url:
        stop = f"; stop it with {seen.deployment.stop}" if seen.deployment.stop else ""
        out.print(Text(f"deployed at {seen.deployment.url}{stop}"))
    for path in seen.artifacts:
        out.print(Text(f"  {path}", style="dim"))


def _finish(seen: RunView, as_json: bool) -> None:
    _tell_end(seen)
    if as_json:
        out.out(json.dumps(_summary(seen)))
    raise SystemExit(0 if seen.stage is Stage.DONE or seen.waiting else 1)


def _summary(seen: RunView) -> dict[str, Any]:
    """The JSON object of ``--json``."""
    return {
        "run": seen.run,
        "stage": str(seen.stage),
        "tasks": [task.model_dump(mode="json") for task in seen.tasks],
        "artifacts": list(seen.artifacts),
        "branch": seen.branch,
        "patch": seen.patch,
        "receipts": [r.model_dump(mode="json") for r in seen.receipts],
        "model_calls": seen.model_calls,
        "lost_calls": seen.lost_calls,
        "tokens": seen.tokens,
        "cost_usd": seen.cost_usd,
        "deployment": seen.deployment.model_dump() if seen.deployment else None,
        "gates": [gate.model_dump(mode="json") for gate in seen.gates],
        "failure": seen.failure,
        "hint": seen.hint,
    }


def _goal(text: str) -> Goal:
    try:
        return Goal(text=text)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]["msg"]
        raise InputError(f"The goal cannot be used: {wrong}.", "Say it shorter, in plain text.") from None


def _route(text: str | None) -> tuple[Stage, ...] | None:
    if text is None:
        return None
    try:
        return tuple(Stage(word.strip().upper()) for word in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"{error}; stages: {', '.join(WAY[1:-1])}") from None
