"""Measure what models are told, section by section, without any model.

    python -m tests.evals.sections seat DIR                requests as they lie in ``NNNN.request.json`` files
    python -m tests.evals.sections scenario NAME...        the requests of scenarios, played as the tests do
    python -m tests.evals.sections workspace FOLDER GOAL   the first requests of each role for a goal in a folder

Of each request: its characters, those that no earlier one begins with, those of the tools that are offered, and by
heading the characters of each section that is new. What stands under a file's heading counts for the section.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.evals.first_message import opening, started
from tests.fixtures.prompts import outside
from tests.fixtures.team import text_of

from wainwright.agents import roles
from wainwright.engine.stages import briefs
from wainwright.workspace import context
from wainwright.workspace.index import Indexes

SCENARIOS = Path(__file__).parents[1] / "scenarios"


def sections(text: str, beginning: str = "") -> Iterator[tuple[str, int]]:
    """The headings of the first two levels outside of fences, and how many characters each has from there on."""
    marks = {line for line in outside(text) if re.match(r"#{1,2} ", line)}
    title, count = beginning, 0
    for line in text.splitlines(keepends=True):
        if line.rstrip("\n") in marks:
            if count:
                yield title, count
            title, count = line.strip("# \n"), 0
        count += len(line)
    if count:
        yield title, count


def measured(requests: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Lines that tell of each request what is new in it."""
    told: list[str] = []
    new = 0
    for number, request in enumerate(requests, start=1):
        text = "\n\n".join(text_of(message) for message in request["messages"])
        same = max((_same(text, before) for before in told), default=0)
        told.append(text)
        new += len(text) - same
        tools = len(json.dumps(request.get("tools", [])))
        yield f"{number:3} {len(text):7} characters, {len(text) - same:6} new, tools {tools}: {_who(text)}"
        yield from (f"      {count:6}  {title}" for title, count in _fresh(text, same))
    yield f"    {new} new characters in {len(told)} requests"


def _fresh(text: str, same: int) -> Iterator[tuple[str, int]]:
    """The sections of a text, as far as they lie beyond what is known of it."""
    at = 0
    for title, count in sections(text, "(all roles)"):
        at += count
        if at > same:
            yield title, min(count, at - same)


def _same(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))


def _who(text: str) -> str:
    found = re.findall(r"^You are (?:the|an) \*\*(\w+)\*\*", text, re.MULTILINE)
    return found[-1] if found else "?"


def of_seat(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(file.read_text("utf-8")) for file in sorted(folder.glob("*.request.json"))]


async def of_scenario(name: str) -> list[dict[str, Any]]:
    # What plays scenarios needs a sandbox; the other two ways do not.
    from tests.fixtures.scenario import perform, stagehand

    async with stagehand() as stage:
        played = await perform(stage, name, (SCENARIOS / f"{name}.txt").read_text("utf-8"))
        return list(played.server.requests)


def of_workspace(folder: Path, goal: str) -> list[dict[str, Any]]:
    """The first requests of planner, implementer and reviewer, with a plan of one task in the goal's words."""
    with tempfile.TemporaryDirectory() as scratch:
        indexed = Indexes(Path(scratch)).open(folder)
        known = context.shared(indexed, goal)
        state = started(goal)
        first = briefs.shared(state, known)
        shown = "" if known.sure else context.own(indexed, goal, known, room=roles.PLAN.room)
        planner = [roles.PLAN.common, *first, roles.PLAN.own, briefs.join("# The work at hand", shown)]
        implementer = opening(indexed, goal, known, ("**",), ())
        reviewer = [*implementer[:-2], roles.REVIEW.own, "# The work at hand"]
    return [_request(parts) for parts in (planner, implementer, reviewer)]


def _request(parts: Sequence[str]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "\n\n".join(parts)}]}


def main() -> None:
    """Print the measures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("seat").add_argument("folder", type=Path)
    commands.add_parser("scenario").add_argument("names", nargs="+")
    workspace = commands.add_parser("workspace")
    workspace.add_argument("folder", type=Path)
    workspace.add_argument("goal")
    asked = parser.parse_args()
    if asked.command == "seat":
        told = [("", of_seat(asked.folder))]
    elif asked.command == "workspace":
        told = [("", of_workspace(asked.folder, asked.goal))]
    else:
        told = [(f"{name}\n", asyncio.run(of_scenario(name))) for name in asked.names]
    for name, requests in told:
        sys.stdout.write(name + "".join(f"{line}\n" for line in measured(requests)))


if __name__ == "__main__":
    main()
