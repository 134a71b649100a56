"""The command ``hunk``: the change that a run asks about, in hunks, and what is said of them."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import TypeAdapter

from wainwright.cli.console import Json, Text, Workspace, out, with_engine
from wainwright.domain.hunks import HunkDecision

if TYPE_CHECKING:
    from wainwright.engine.engine import Engine
    from wainwright.engine.hunks import ChangeView


class Act(StrEnum):
    """What is done with hunks."""

    LIST = "list"
    ACCEPT = "accept"
    REJECT = "reject"
    CHANGE = "change"
    EXPLAIN = "explain"


def hunk(
    act: Annotated[
        Act, typer.Argument(help="reject: leave it out; change: have it made otherwise.")
    ] = Act.LIST,
    which: Annotated[
        str, typer.Argument(help="Numbers such as 2 or 1,3; a file of the change; or all.")
    ] = "all",
    words: Annotated[str, typer.Argument(help="Why, or what is to be changed; the team works it in.")] = "",
    run: Annotated[str | None, typer.Option(help="The run; the newest without it.")] = None,
    workspace: Workspace = Path(),
    as_json: Json = False,
) -> None:
    """Say something of parts of the change that a run asks about. `approve` takes over what is not refused."""

    async def do(engine: "Engine") -> "ChangeView | str":
        name = await engine.named(run)
        numbers, file = _chosen(which)
        if act is Act.EXPLAIN:
            chosen = numbers or tuple(
                one.number for one in (await engine.hunks.seen(name)).hunks if file in ("", one.path)
            )
            return "\n\n".join([await engine.hunks.explain(name, number) for number in chosen])
        if act is Act.LIST:
            return await engine.hunks.seen(name)
        decision = TypeAdapter[HunkDecision](HunkDecision).validate_python(act.value)
        return await engine.hunks.decide(name, decision, numbers, file=file, reason=words)

    seen = with_engine(workspace, {}, do)
    if isinstance(seen, str):
        out.print(Text(seen))
    elif as_json:
        out.out(json.dumps(seen.model_dump(mode="json")))
    else:
        _tell(seen)


def _chosen(which: str) -> tuple[tuple[int, ...], str]:
    """Numbers, or a file; neither for all."""
    parts = which.split(",")
    if all(part.strip().isdigit() for part in parts):
        return tuple(int(part) for part in parts), ""
    return (), "" if which == "all" else which


def _tell(seen: "ChangeView") -> None:
    for one in seen.hunks:
        said = {"": "", "accept": "accepted", "reject": "rejected", "change": "to be changed"}[one.decision]
        words = f": {one.reason}" if one.reason else ""
        serves = f" ({', '.join(one.serves)})" if one.serves else ""
        out.print(Text(f"{one.number:>4}  {one.path}{serves}  {said}{words}".rstrip()))
    refused = sum(one.decision in ("reject", "change") for one in seen.hunks)
    taken = len(seen.hunks) - refused
    out.print(
        Text(f"{taken} of {len(seen.hunks)} are taken over when you `wainwright approve {seen.run}`.")
        if taken
        else Text(f"None is left to take over: `wainwright approve {seen.run}` sends all of it back.")
    )
