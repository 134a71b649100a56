r"""The text form of a plan: ``plan.md``, which a person reads and edits. ``plan_reading`` reads it again.

    # Plan
    Goal: the goal in one line
    ## Tasks
    ### ID: TITLE          and below it `- needs:`, `- writes:`, `- serves:`, `- starts from:`, then the instruction
    ## Requirements        `- **R1** text`, with `(met already)` or `(so today, and to stay so)` before the text
    ## Approach, ## Tests, ## Notes       only where there is something to say

Reading forgives: sections and headings may stand in any order, unknown ones are kept as they are, and what cannot be
understood is a `Problem` with its place, never lost. Lines that begin with ``> `` are said to the Planner. A line of
a text that would be read as one of these begins with a backslash. How far a task is never stands here.
"""

import json
import re
from collections.abc import Iterator, Sequence

from wainwright.domain.plan import Plan
from wainwright.domain.plan_page import Said
from wainwright.domain.shown import in_line
from wainwright.domain.text import headline

PLAN = "plan.md"
"""What the page is called in the folder of a run."""
FIELDS = {"needs": "needs", "need": "needs", "depends on": "needs", "writes": "writes", "write": "writes",
           "serves": "serves", "serve": "serves", "starts from": "starts from"}  # fmt: skip
OURS = re.compile(
    r"(?:# plan(?: [0-9]+)?|## (?:tasks|requirements|tests|approach|notes))[ \t]*|### [a-z0-9][a-z0-9-]*: .*",
    re.I,
)
"""Headings that end a block of code that was left open; in a text they begin with a backslash, in code as well."""
_NOTHING = re.compile(r"(?!)")
FENCE = re.compile(r" {0,3}(?:(`{3,})[^`]*|(~{3,}).*)")
MEANS = rf"#{{1,3}}(?:[ \t]|$)|>|`{{3}}|~{{3}}|[-*] +(?:{'|'.join(FIELDS)})[ \t]*:"
_ESCAPE = re.compile(rf"( {{0,3}})(?=\\*(?:{MEANS}))", re.IGNORECASE)
FLAG = re.compile(r"[ \t]*\((met already|met|so today, and to stay so|guards?)\)(?:[ \t]|$)", re.IGNORECASE)
_MET, _GUARDS = "(met already)", "(so today, and to stay so)"
STAYS, NO_DESIGN = "stays as it is", "need no design"


def render(plan: Plan, goal: str, revision: int = 1, kept: str = "", said: Sequence[Said] = ()) -> str:
    """The page of a plan; ``kept`` stands at its end, and what was said to the Planner at what it is about.

    A plan that took the place of another one says so in its title, so that an old page is not taken for an edit.
    """
    spoken: dict[str, list[str]] = {}
    for one in said:
        lines = [f"> {line}".rstrip() for line in one.text.split("\n")]
        spoken.setdefault(one.at, []).extend(["", *lines] if spoken.get(one.at) else lines)
    number = f" {revision}" if revision > 1 else ""
    parts = [f"# Plan{number}\n\nGoal: {in_line(headline(goal))}"]
    parts += ["\n".join(spoken[""])] if "" in spoken else []
    parts.append("## Tasks")
    for task in plan.tasks:
        parts.append(
            "\n".join(
                [
                    f"### {task.id}: {_line(task.title)}",
                    "",
                    f"- needs: {', '.join(map(_id, task.needs)) or 'nothing'}",
                    f"- writes: {', '.join(map(_code, task.write_set)) or 'nothing'}",
                    f"- serves: {', '.join(map(_id, task.acceptance)) or 'nothing'}",
                    *([f"- starts from: {_line(task.starts_from)}"] if task.starts_from else []),
                ]
            )
        )
        parts += ["\n".join(spoken[task.id])] if task.id in spoken else []
        parts.append(_block(task.instruction))
    items = []
    for wanted in plan.requirements:
        flags = "".join([f"{_MET} " if wanted.met else "", f"{_GUARDS} " if wanted.guards else ""])
        items += [f"- **{wanted.id}** {flags}{_item(wanted.text)}", *spoken.get(wanted.id, ())]
    parts.append("## Requirements\n\n" + "\n".join(items))
    parts += [*_approach(plan), *_tests(plan)]
    parts += [f"## Notes\n\n{_block(plan.notes)}"] if plan.notes else []
    parts += [kept.strip("\n")] if kept.strip() else []
    return "\n\n".join(parts) + "\n"


def _approach(plan: Plan) -> list[str]:
    lines = [f"- size: {plan.size}"] if plan.size else []
    lines += [f"- because: {_line(plan.size_reason)}"] if plan.size_reason else []
    lines += [f"- behaviour: {STAYS}"] if plan.keeps_behaviour else []
    lines += [] if plan.tests_need_design else [f"- tests: {NO_DESIGN}"]
    return ["\n".join(["## Approach", "", *lines])] if lines else []


def _tests(plan: Plan) -> list[str]:
    lines = []
    for suite in plan.suites:
        where = "" if suite.folder == "." else f" in {_code(suite.folder)}"
        why = f": {_line(suite.reason)}" if suite.reason else ""
        lines.append(f"- {_code(suite.command)}{where}{why}")
    return ["\n".join(["## Tests", "", *lines])] if lines else []


def _line(text: str) -> str:
    """A value for the rest of a line: as it is, or in the quotes of JSON where a line cannot hold it."""
    plain = text == text.strip() and text and "\n" not in text and "\r" not in text
    return text if plain and not text.startswith('"') else json.dumps(text, ensure_ascii=False)


def _code(text: str) -> str:
    plain = text and text == text.strip() and not set(text) & set("`\n\r")
    return f"`{text}`" if plain else json.dumps(text, ensure_ascii=False)


def _id(text: str) -> str:
    return f"`{text}`" if text in ("nothing", "none") else text


def _block(text: str, indent: str = "") -> str:
    """Lines among which none is read as a part of the page."""
    return "\n".join(_guarded(text.split("\n"), indent))


def _guarded(lines: Sequence[str], indent: str) -> Iterator[str]:
    shown = [f"{indent}{line}" if line else "" for line in lines]
    closes = 0
    for at, line in enumerate(shown):
        if at < closes:
            yield f"\\{line}" if OURS.fullmatch(line.lstrip("\\")) else line
            continue
        end = end_of_code(shown, at, _NOTHING)
        if end is not None:
            closes = end
            yield line
        elif is_blank(line.replace("\\", "")) and ("\\" in line or at in (0, len(shown) - 1)):
            yield f"{indent}\\{line[len(indent) :]}"
        else:
            yield _ESCAPE.sub(r"\1\\", line, count=1) if _ESCAPE.match(line) else line


def _item(text: str) -> str:
    """A text behind the number of a requirement: what follows its first line is indented."""
    first, _, rest = text.partition("\n")
    if (
        is_blank(first.replace("\\", ""))
        or first.lstrip("\\")[:1].isspace()
        or FLAG.match(first.lstrip("\\"))
    ):
        first = f"\\{first}"
    return f"{first}\n{_block(rest, '  ')}" if "\n" in text else first


def is_blank(line: str) -> bool:
    """Whether nothing is seen on a line."""
    return not line.strip()


def end_of_code(lines: Sequence[str], at: int, stops: re.Pattern[str] = OURS) -> int | None:
    """Behind which line a block of code ends that begins at a line; None: none begins there, or it never ends."""
    found = FENCE.fullmatch(lines[at])
    if found is None:
        return None
    fence = found[1] or found[2]
    closes = re.compile(rf" {{0,3}}{fence[0]}{{{len(fence)},}}[ \t\r]*")
    for number in range(at + 1, len(lines)):
        if closes.fullmatch(lines[number]):
            return number + 1
        if stops.fullmatch(lines[number]):
            return None
    return None
