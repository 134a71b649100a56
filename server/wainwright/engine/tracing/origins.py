"""Which task each line of a delivered change comes from: worked out once a run, so that an editor can tell at once.

Lines are told apart by their words and those around them, as they were delivered. What a line's history says to the
letter, and which step and model call wrote it, says ``why``, which takes longer.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from wainwright.domain.artifacts import counted
from wainwright.domain.events import AcceptanceWritten
from wainwright.domain.goal import Fact
from wainwright.domain.shown import in_line
from wainwright.domain.state import RunState
from wainwright.domain.text import headline
from wainwright.engine.tracing.record import Landing, Record
from wainwright.workspace.repository import Repository

LINES_MAX = 20_000
"""Lines of one change whose origin is kept."""
_FILE = re.compile(r"\+\+\+ b/(.*)")
_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@")


class LineOrigin(Fact):
    """A line as it was delivered, and why it is there."""

    path: str
    line: int
    """From 1."""
    before: str
    text: str
    after: str
    told: str
    """Why it is there, as Markdown."""


class _Added(NamedTuple):
    path: str
    line: int
    text: str


def origins(record: Record, repository: Repository) -> tuple[LineOrigin, ...]:
    """The lines that a run added, with where each comes from; empty for one that has built nothing. Blocks."""
    state = record.state
    if state is None or not state.base or not record.tip or record.tip == state.base:
        return ()
    came: dict[tuple[str, str], Landing] = {}
    for commit, landing in record.landings.items():
        for one in _added(repository.shown(commit)):
            came[one.path, one.text] = landing
    told: dict[str, str] = {}
    files: dict[str, list[str]] = {}
    found: list[LineOrigin] = []
    for one in _added(repository.diff(state.base, record.tip)):
        by = came.get((one.path, one.text))
        if by is None or not one.text.strip() or len(found) >= LINES_MAX:
            continue
        if one.path not in files:
            content = repository.read(record.tip, one.path) or b""
            files[one.path] = content.decode("utf-8", "replace").split("\n")
        lines = files[one.path]
        found.append(
            LineOrigin(
                path=one.path,
                line=one.line,
                before=lines[one.line - 2] if one.line > 1 else "",
                text=one.text,
                after=lines[one.line] if one.line < len(lines) else "",
                told=told.setdefault(by.commit, _told(state, by)),
            )
        )
    return tuple(found)


def _added(diff: str) -> Iterator[_Added]:
    """The lines that a unified difference adds, by their numbers afterwards."""
    path, number, inside = "", 0, False
    for line in diff.split("\n"):
        if line.startswith("diff --git "):
            path, inside = "", False
        elif hunk := _HUNK.match(line):
            number, inside = int(hunk[1]), True
        elif not inside:
            path = name[1] if (name := _FILE.fullmatch(line)) else path
        elif line.startswith("+"):
            if path:
                yield _Added(path, number, line[1:].removesuffix("\r"))
            number += 1
        elif not line.startswith(("-", "\\")):
            number += 1


def _told(state: RunState, landing: Landing) -> str:
    if isinstance(landing, AcceptanceWritten):
        shows = ", ".join(dict.fromkeys(one.requirement for one in landing.tests))
        what = f"It was written to show {shows}" if shows else "It helps the acceptance tests"
        return f"{what}, for “{in_line(headline(state.goal.text))}” (run {state.run})."
    one = state.tasks.get(landing.task)
    title = f", {in_line(one.task.title)}" if one else ""
    lines = [f"Task **{landing.task}**{title}, of “{in_line(headline(state.goal.text))}” (run {state.run})."]
    served = one.task.acceptance if one else ()
    required = state.plan.requirements if state.plan else ()
    lines += [f"- **{r.id}** {in_line(headline(r.text, 160))}" for r in required if r.id in served]
    if landing.receipt is not None:
        how = counted(landing.receipt) if landing.receipt.cases else f"exit code {landing.receipt.exit}"
        lines.append(f"- It landed as `{landing.commit[:10]}`; the tests then: {how}.")
    return "\n".join([lines[0], "", *lines[1:]])
