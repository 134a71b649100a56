"""The command ``replay``: whether this version would do what a run did, its rows, and going on from any of them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wainwright.cli.console import (
    ApiBase,
    Json,
    KeyName,
    Run,
    Text,
    Workspace,
    as_before,
    kept,
    out,
    with_engine,
)
from wainwright.cli.follow import follow, summary, tell_end
from wainwright.domain.goal import ROLES, Stage
from wainwright.engine.views.run_view import RunView

if TYPE_CHECKING:
    from wainwright.engine.engine import Engine
    from wainwright.engine.forking import Comparison, RowView
    from wainwright.engine.replaying import Verification


def replay(
    run: Run = None,
    workspace: Workspace = Path(),
    events: Annotated[
        bool, typer.Option("--events", help="List what the run did, with the numbers that --fork takes.")
    ] = False,
    fork: Annotated[
        int | None,
        typer.Option(
            "--fork", help="Go on after this row in a new run; what is asked the same costs nothing."
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="ROLE=provider/model: that role is asked anew in the fork."),
    ] = None,
    api_base: ApiBase = None,
    api_key_env: KeyName = None,
    last: Annotated[
        int | None,
        typer.Option("--last", min=1, help="Replay the newest runs: which would go otherwise now?"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Do a run again against its record, without a model; or go on from any row of it in a run of its own."""
    if model and fork is None:
        raise typer.BadParameter("--model goes with --fork ROW: only a fork asks a model.")
    if events:
        _list(with_engine(workspace, {}, lambda engine: _rows(engine, run)), as_json)
    elif fork is not None:
        extra = {
            name: value for name, value in (("api_base", api_base), ("api_key_env", api_key_env)) if value
        }
        _fork(workspace, run, fork, _roles(model, extra), as_json)
    else:
        _verify(workspace, run, last, as_json)


def _verify(workspace: Path, run: str | None, last: int | None, as_json: bool) -> None:
    async def act(engine: "Engine") -> "list[Verification]":
        if last is not None:
            return await engine.replaying.last(last)
        return [await engine.replaying.verify(await engine.named(run))]

    found = with_engine(workspace, {}, act)
    if as_json:
        told = [one.model_dump(mode="json") for one in found]
        out.out(json.dumps(told if last is not None else told[0]))
    else:
        for one in found:
            _tell_verified(one, short=last is not None)
    raise SystemExit(1 if any(one.differences or one.unreadable for one in found) else 0)


def _tell_verified(seen: "Verification", *, short: bool) -> None:
    if seen.unreadable:
        out.print(Text(seen.sentence, style="red"))
        return
    if seen.differences:
        first, more = seen.differences[0], len(seen.differences) - 1
        out.print(Text(seen.sentence, style="red"))
        for one in () if short else seen.differences[1:]:
            out.print(Text(f"  row {one.row}: {one.what}"))
        if short and more:
            out.print(Text(f"  and {more} more"))
        before = f"`wainwright replay {seen.run} --fork {first.before}`"
        out.print(Text(f"  {before} goes on from before that, in a run of its own."))
    else:
        out.print(Text(seen.sentence, style="green"))
    out.print(
        Text(f"  {seen.asked} of {seen.calls} recorded model calls were asked for again; none was made.")
    )
    if short:
        return
    if seen.reworded:
        out.print(Text(f"  {seen.reworded} of them would be worded otherwise. The first: {seen.first_words}"))
    for told in seen.not_redone:
        out.print(Text(f"  taken from the record, since a command would have to run: {told}"))
    for name in seen.documents:
        out.print(Text(f"  not on disk as it was written: {name}", style="yellow"))


def _roles(model: list[str] | None, extra: dict[str, str]) -> dict[str, Any]:
    """What ``--model ROLE=MODEL`` says, as the settings have it."""
    roles: dict[str, list[dict[str, str]]] = {}
    for one in model or ():
        role, equals, name = one.partition("=")
        if not (role and equals and name):
            raise typer.BadParameter(f"{one}: say ROLE=provider/model, such as implementer=openai/gpt-5.")
        if role not in ROLES:
            raise typer.BadParameter(f"There is no role {role}. Roles: {', '.join(ROLES)}.")
        roles.setdefault(role, []).append({"model": name, **extra})
    return roles


async def _rows(engine: "Engine", run: str | None) -> "list[RowView]":
    return await engine.forking.rows(await engine.named(run))


def _list(rows: "list[RowView]", as_json: bool) -> None:
    if as_json:
        out.out(json.dumps([row.model_dump() for row in rows]))
        return
    wide = max((len(str(row.number)) for row in rows), default=0)
    for row in rows:
        when = datetime.fromtimestamp(row.at, tz=UTC).astimezone().strftime("%H:%M:%S")
        cost = f"  ${row.usd:.4f}" if row.usd else ""
        what = row.text if row.kind == "event" else f"  {row.kind} {row.text}"
        line = Text(f"{row.number:>{wide}}  {when}  {what}{cost}")
        if row.kind != "event":
            line.stylize("dim")
        out.print(line)


def _fork(workspace: Path, run: str | None, at: int, roles: dict[str, Any], as_json: bool) -> None:
    async def origin(engine: "Engine") -> tuple[str, dict[str, Any]]:
        name = await engine.named(run)
        return name, await engine.forking.typed(name, at)

    name, remembered = with_engine(workspace, {}, origin)
    typed = as_before(remembered, {})
    if roles:
        models = typed.get("models", {})
        # A recording has only what was asked then.
        models.pop("cassette", None)
        typed["models"] = {**models, "roles": {**models.get("roles", {}), **roles}}

    async def act(engine: "Engine") -> "tuple[RunView, Comparison]":
        new = await engine.forking.fork(name, at, roles)
        if not as_json:
            out.print(Text(f"{new} goes on from row {at} of {name}"))
        await engine.resume(new, attended=False, typed=kept(typed))
        seen = await follow(engine, new, ask=False, plain=as_json)
        return seen, await engine.forking.compare(new)

    seen, compared = with_engine(workspace, typed, act, asking=True)
    tell_end(seen)
    if as_json:
        out.out(json.dumps({**summary(seen), "comparison": compared.model_dump(mode="json")}))
    else:
        _tell(compared)
    raise SystemExit(0 if seen.stage is Stage.DONE or seen.waiting else 1)


def _tell(seen: "Comparison") -> None:
    out.print(Text(f"\nBeside {seen.parent}:"))
    for line in seen.sentences:
        out.print(Text(f"  {line}"))
