"""Commands that set a run to work: ``run``, ``review``, ``resume``, ``deploy``, ``demo``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from wainwright.cli.console import (
    DEPLOYS,
    ApiBase,
    Cassette,
    Deploys,
    Json,
    KeyName,
    Model,
    Record,
    Run,
    Tests,
    Text,
    Tokens,
    Usd,
    Workspace,
    as_before,
    as_typed,
    complaining,
    err,
    kept,
    out,
    overrides,
    size_or_stages,
    with_engine,
)
from wainwright.cli.follow import finish, follow, stand_by
from wainwright.demo.demo import prepare
from wainwright.domain.errors import InputError
from wainwright.domain.goal import ENDS, Goal, Stage
from wainwright.engine.views.run_view import RunView, Start

if TYPE_CHECKING:
    from wainwright.engine.engine import Engine


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
    route: Annotated[
        str | None,
        typer.Option(
            help="How large the goal is: small, medium or large; or only these stages, such as BUILD,TEST,REVIEW."
        ),
    ] = None,
    ask: Annotated[bool, typer.Option("--ask", help="Decide at the gates yourself.")] = False,
    deploys: Deploys = False,
    as_json: Json = False,
) -> None:
    """Take a goal through every stage; the result is a branch `wainwright/…`."""
    typed = overrides(
        model,
        api_base,
        api_key_env,
        budget_usd,
        budget_tokens,
        cassette,
        record,
        test_command,
        deploys=deploys,
    )
    text = sys.stdin.read() if goal == "-" else goal
    size, stages = size_or_stages(route)

    async def act(engine: "Engine") -> RunView:
        start = Start(
            goal=_goal(text),
            route=stages,
            size=size,
            autonomy="suggest" if ask else "full-auto",
            attended=ask,
            typed=kept(typed),
        )
        engine.equipping.require()
        return await follow(engine, (await engine.start(start)).run, ask=ask, plain=as_json)

    finish(with_engine(workspace, typed, act, asking=True), as_json)


def review(
    commits: Annotated[
        str,
        typer.Argument(
            help="Commits, such as HEAD~3.. or main...topic; without them what is not committed yet."
        ),
    ] = "",
    workspace: Workspace = Path(),
    about: Annotated[str, typer.Option(help="What the change is for, or what to look at.")] = "",
    model: Model = None,
    api_base: ApiBase = None,
    api_key_env: KeyName = None,
    cassette: Cassette = None,
    record: Record = None,
    as_json: Json = False,
) -> None:
    """Have a change reviewed and nothing else; the findings are printed."""
    typed = overrides(model, api_base, api_key_env, None, None, cassette, record, None)
    what = f"the commits {commits}" if commits else "what is not committed yet"
    goal = _goal(about or f"Review {what}.")

    async def act(engine: "Engine") -> RunView:
        start = Start(
            goal=goal,
            route=(Stage.REVIEW,),
            autonomy="full-auto",
            attended=False,
            commits=commits,
            typed=kept(typed),
        )
        engine.equipping.require()
        return await follow(engine, (await engine.start(start)).run, ask=False, plain=as_json)

    seen = with_engine(workspace, typed, act, asking=True)
    if seen.stage is Stage.DONE and not seen.findings and not as_json:
        out.print("The review has no findings.")
    finish(seen, as_json)


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
    deploys: Deploys = False,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait", help="Follow it while another process works on it, and take over if that dies."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Let a run go on that was killed, failed, was cancelled, or waits; unattended, unless you --ask.

    It goes on with the models, the cassette and the test command that were typed for it, unless others are typed now.
    """
    typed = overrides(
        model,
        api_base,
        api_key_env,
        budget_usd,
        budget_tokens,
        cassette,
        record,
        test_command,
        deploys=deploys,
    )
    name, remembered = with_engine(workspace, {}, lambda engine: engine.remembered(run))
    before = as_before(remembered, typed)
    if before:
        err.print(Text(f"{name} goes on as before, with {as_typed(before)}"))
    together = {**before, **typed, "models": {**before.get("models", {}), **typed.get("models", {})}}

    async def act(engine: "Engine") -> RunView:
        if wait:
            seen = await stand_by(engine, name)
            if seen.stage in ENDS:
                return seen
        seen = await engine.resume(
            name, attended=ask, cap_usd=budget_usd, cap_tokens=budget_tokens, typed=kept(together)
        )
        if seen.waiting == "hold":
            await engine.advance(seen.run, None)
            await engine.resume(seen.run)
        return await follow(engine, seen.run, ask=ask, plain=as_json)

    finish(with_engine(workspace, together, act, asking=True), as_json)


def deploy(run: Run = None, workspace: Workspace = Path(), as_json: Json = False) -> None:
    """Start the service that a run built and did not start; a run of its own does it, and watches it."""

    async def planned(engine: "Engine") -> tuple[str, int, dict[str, Any]]:
        name = await engine.named(run)
        at = await engine.forking.before_deploying(name)
        return name, at, await engine.forking.typed(name, at)

    name, at, remembered = with_engine(workspace, {}, planned)
    typed = {**as_before(remembered, {}), **DEPLOYS}

    async def act(engine: "Engine") -> RunView:
        new = await engine.forking.fork(name, at)
        if not as_json:
            out.print(Text(f"{new} deploys what {name} built"))
        await engine.resume(new, attended=False, typed=kept(typed))
        return await follow(engine, new, ask=False, plain=as_json)

    finish(with_engine(workspace, typed, act, asking=True), as_json)


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to put the sample workspace.")] = Path(
        "demo-workspace"
    ),
    as_json: Json = False,
) -> None:
    """Run the main job on a shipped sample workspace, and start the service it builds, fenced, on 127.0.0.1.

    The model's part is a recording, no key is needed.
    """
    with complaining():
        sample = prepare(folder, out.print)
    out.print(
        "What it builds is a service. It is started at the end, fenced, on 127.0.0.1: the demo is your yes."
    )

    async def act(engine: "Engine") -> RunView:
        start = Start(goal=Goal(text=sample.goal), autonomy="full-auto", attended=False)
        engine.equipping.require()
        return await follow(engine, (await engine.start(start)).run, ask=False, plain=as_json)

    # Whoever starts the demo is told that it starts a service, and has asked for it.
    played = {"models": {"cassette": str(sample.cassette), "default": [], "roles": {}}, **DEPLOYS}
    seen = with_engine(sample.workspace, played, act)
    sample.explain(seen, out.print)
    finish(seen, as_json)


def _goal(text: str) -> Goal:
    try:
        return Goal(text=text)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]["msg"]
        raise InputError(f"The goal cannot be used: {wrong}.", "Say it shorter, in plain text.") from None
