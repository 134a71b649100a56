"""Writes what a person can read of a run into the workspace: artifacts, and ``run.md``, which shows how far it is.

They lie below ``.wainwright/``, which ignores itself for git. Only what changed is written; every file is replaced
whole, so that a reader never sees half of one.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

from wainwright import regular
from wainwright.domain import change_diff
from wainwright.domain.artifacts import artifacts
from wainwright.domain.errors import WorkspaceError
from wainwright.domain.goal import ENDS, WAY
from wainwright.domain.marks import fenced
from wainwright.domain.shown import document, in_line
from wainwright.domain.state import RunState
from wainwright.domain.text import headline
from wainwright.engine.views.run_view import GateView, NoteView, RunView
from wainwright.journal import Journal
from wainwright.models.ledger import Ledger, Line
from wainwright.models.spans import Spans
from wainwright.workspace import native

log = structlog.get_logger()

RUN = "run.md"
DOCUMENT_MAX = 64_000_000
"""Bytes of a document that is looked at before it is written again."""
DECIDE, NOTES = "Decide", "Your notes"
"""Headings of ``run.md`` under which a person writes words, on lines that begin with ``> ``."""
_HOW_TO_DECIDE = "In your words: write lines that begin with `> ` under the question, and choose the action."
_HOW_TO_NOTE = (
    "Say something to those at work: write lines that begin with `> ` here, and choose *Send the note*."
)
_STAGE_MARKS = {"done": "x", "now": ">", "later": " ", "skipped": "-"}


def folder(workspace: Path, run: str) -> Path:
    """Where a run's documents lie."""
    return workspace / ".wainwright" / "runs" / run


class Documents:
    """The documents of one run."""

    def __init__(self, workspace: Path, run: str, journal: Journal, spans: Spans | None = None) -> None:
        self._workspace = workspace
        self._folder = folder(workspace, run)
        self._ledger = Ledger(journal, run)
        self._spans = spans
        self._written: dict[str, str] = {}

    def names(self, state: RunState) -> tuple[str, ...]:
        """The artifacts of a state, as paths relative to the workspace."""
        base = self._folder.relative_to(self._workspace)
        return tuple(str(base / name) for name in sorted(artifacts(state)))

    def write(self, state: RunState) -> None:
        """Write the artifacts that changed."""
        for name, text in artifacts(state).items():
            self._put(name, text)

    def show(self, view: RunView, lines: list[str]) -> None:
        """Write ``run.md``: stages, tasks, gates, cost, and the newest lines of what is going on. Tells new calls."""
        self._put(RUN, render(view, lines, self._ledger.read().lines()))
        if self._spans is not None:
            self._spans.tell(view.run, self._ledger.news())

    def _put(self, name: str, text: str) -> None:
        if self._written.get(name) == text:
            return
        try:
            if name != change_diff.NAME or not self._stands(name, text):
                write(self._workspace, self._folder / name, document(name, text))
        except (OSError, WorkspaceError) as error:
            # The run itself does not depend on these files.
            log.warning("documents.not_written", path=str(self._folder / name), reason=str(error))
            return
        self._written[name] = text

    def _stands(self, name: str, text: str) -> bool:
        """Whether a document is there that begins so: a person may have written below that."""
        try:
            there = regular.read(self._folder / name, DOCUMENT_MAX, beneath=self._workspace)
        except OSError:
            return False
        return there.decode("utf-8", "replace").split("\n", 2)[:2] == document(name, text).split("\n", 2)[:2]


def write(workspace: Path, path: Path, text: str) -> None:
    """Write a file below ``.wainwright/`` as a whole, and never through a link that leads out of the workspace.

    Raises OSError, and OutsideBoundary where a link is in the way.
    """
    files = [(path.relative_to(workspace), text.encode("utf-8", "replace"), None)]
    ignore = workspace / ".wainwright" / ".gitignore"
    if not os.path.lexists(ignore):
        files.append((ignore.relative_to(workspace), b"*\n", None))
    native.write_batch(workspace, files)


def render(view: RunView, lines: list[str], spent: Sequence[Line] = ()) -> str:
    """``run.md``."""
    at = WAY.index(view.stage) if view.stage in WAY else -1
    head = f"# Run {view.run}\n\n{headline(view.goal)}\n\n**{view.stage}**, {view.percent} %"
    head += _waits(view)
    stages = []
    for number, stage in enumerate(WAY[1:-1], start=1):
        state = "done" if at > number else "now" if at == number else "later"
        if stage in view.skips:
            state = "skipped"
        stages.append(
            f"- [{_STAGE_MARKS[state]}] {stage}" + (f": {view.skips[stage]}" if stage in view.skips else "")
        )
    head += f"\n\n{view.size}" if view.size else ""
    head += f"\n\n{view.tier}" if view.tier else ""
    head += "".join(f"\n\n> **Tests:** {told}" for told in view.cautions)
    head += "".join(f"\n\n{told}" for told in view.left_out)
    parts = [head, "## Stages\n\n" + "\n".join(stages)]
    if view.gates:
        parts.append("\n\n".join([f"## {DECIDE}", *map(_asked, view.gates), _HOW_TO_DECIDE]))
    if view.notes or view.stage not in ENDS:
        told = ["\n".join(map(_note, view.notes))] if view.notes else []
        parts.append("\n\n".join([f"## {NOTES}", *told, *([_HOW_TO_NOTE] if view.stage not in ENDS else [])]))
    if view.tasks:
        parts.append(
            "## Tasks\n\n"
            + "\n".join(
                f"- {t.status}: {t.id}, {in_line(t.title)}. {in_line(t.summary)}".rstrip() for t in view.tasks
            )
        )
    parts.append(_spent(view, spent))
    parts += _came_of_it(view)
    if lines:
        parts.append("## Newest\n\n" + "\n".join(f"- {in_line(line)}" for line in lines))
    ended = f"\n\nEnded {time.strftime('%Y-%m-%d %H:%M:%S')}." if view.stage in ENDS else ""
    return "\n\n".join(parts) + ended + "\n"


def _waits(view: RunView) -> str:
    """Why nothing goes on, and what would let it go on."""
    if view.interrupted:
        return f", **interrupted**: nothing works on it. `wainwright resume {view.run}` goes on"
    waits = {"gate": ", waits for a decision", "hold": f", waits for you: it holds after {view.until}"}
    return waits.get(view.waiting, "")


def _asked(gate: GateView) -> str:
    """A gate with what has to be known to decide it, a line each: of a plan, its tasks and requirements."""
    if gate.kind == "command":
        # To the letter: nothing in it is read as Markdown.
        return f"- **{gate.id}** {in_line(gate.question)}\n\n{fenced(gate.detail)}\n"
    lines = [
        f"{'    - ' if line[0] == ' ' else '  - '}{line.strip()}"
        for line in gate.detail.splitlines()
        if line.strip()
    ]
    return "\n".join([f"- **{gate.id}** {in_line(gate.question)}", *lines])


def _note(note: NoteView) -> str:
    who = ", ".join(note.received)
    return f"- {in_line(note.words)} ({f'received by {who}' if who else 'nobody has received it yet'})"


def _spent(view: RunView, spent: Sequence[Line]) -> str:
    """What the models took: in all, and where there are several, each role with each model."""
    unpriced = sum(line.unpriced for line in spent)
    known = sum(line.cost_usd for line in spent) if unpriced else view.cost_usd
    money = f"${known:.4f}" if known or not unpriced else "price unknown"
    told = f"## Spent\n\n{view.model_calls} model calls, {view.tokens} tokens, {money}"
    if known and unpriced:
        told += f", and {unpriced} calls of unknown price"
    if view.lost_calls:
        told += f", {view.lost_calls} calls lost in a crash"
    if len(spent) < 2:
        return told
    lines = (
        f"- {line.role}, {line.model}: {line.calls} calls, {line.tokens} tokens, {line.cost}"
        for line in spent
    )
    return "\n".join((told, "", *lines, "", f"Each call: `wainwright cost {view.run} --calls`"))


def _came_of_it(view: RunView) -> list[str]:
    """How it failed or ended, and where its work is."""
    parts = []
    if view.failure:
        parts.append(f"## Failed\n\n{view.failure}\n\n{view.hint}")
    if view.ending:
        parts.append("## How it ended\n\n" + "\n".join(f"- {told}" for told in view.ending))
    if view.branch or view.patch:
        where = f"{view.branch or view.patch}; editor: {view.editor}"
        parts.append(f"## Delivered\n\n{where}" + (f"\n\n{view.take_over}" if view.take_over else ""))
    if view.deployment and view.deployment.serves:
        told = (view.deployment.url or view.deployment.id, view.deployment.fence)
        parts.append("\n\n".join(["## Deployment", *filter(None, told)]))
    return parts
