"""Writes what a person can read of a run into the workspace: artifacts, and ``run.md``, which shows how far it is.

They lie below ``.wainwright/``, which ignores itself for git. Only what changed is written; every file is replaced
whole, so that a reader never sees half of one.
"""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import structlog

from wainwright import regular
from wainwright.domain import change_diff
from wainwright.domain.artifacts import artifacts
from wainwright.domain.errors import WorkspaceError
from wainwright.domain.goal import ENDS, Stage
from wainwright.domain.marks import fenced
from wainwright.domain.plan import Plan
from wainwright.domain.plan_edits import shown
from wainwright.domain.plan_reading import parse
from wainwright.domain.plan_text import PLAN
from wainwright.domain.plan_text import render as render_plan
from wainwright.domain.shown import document, in_line
from wainwright.domain.state import RunState
from wainwright.domain.text import headline
from wainwright.engine.views.pictures import lifecycle
from wainwright.engine.views.pictures import tasks as drawn
from wainwright.engine.views.run_view import GateView, NoteView, RunView, TaskView
from wainwright.engine.views.timeline import StageView, Timeline, stages
from wainwright.journal import Journal
from wainwright.models.ledger import Ledger, Line
from wainwright.models.spans import Spans
from wainwright.workspace import native

log = structlog.get_logger()

RUN = "run.md"
RUNS = "runs.md"
DOCUMENT_MAX = 64_000_000
"""Bytes of a document that is looked at before it is written again."""
DECIDE, NOTES = "Decide", "Your notes"
"""Headings of ``run.md`` under which a person writes words, on lines that begin with ``> ``."""
_HOW_TO_DECIDE = "In your words: write lines that begin with `> ` under the question, and choose the action."
_HOW_TO_NOTE = (
    "Say something to those at work: write lines that begin with `> ` here, and choose *Send the note*."
)
_STAGE_MARKS = {"done": "x", "now": ">", "later": " ", "skipped": "-", "wrong": "!"}


def folder(workspace: Path, run: str) -> Path:
    """Where a run's documents lie."""
    return workspace / ".wainwright" / "runs" / run


def read_page(workspace: Path, run: str) -> str | None:
    """The page of a run's plan as it is on disk; None where there is none that can be read."""
    try:
        return regular.read(folder(workspace, run) / PLAN, regular.SMALL, beneath=workspace).decode()
    except (OSError, UnicodeDecodeError):
        return None


class Documents:
    """The documents of one run."""

    def __init__(self, workspace: Path, run: str, journal: Journal, spans: Spans | None = None) -> None:
        self._workspace = workspace
        self._folder = folder(workspace, run)
        self._journal = journal
        self._timeline = Timeline(journal, run)
        self._ledger = Ledger(journal, run)
        self._spans = spans
        self._written: dict[str, str] = {}
        self._plan: int | None = None
        """Of which plan the page is there; None: nobody has looked."""

    def names(self, state: RunState) -> tuple[str, ...]:
        """The artifacts of a state, as paths relative to the workspace."""
        base = self._folder.relative_to(self._workspace)
        return tuple(str(base / name) for name in sorted(artifacts(state)))

    def write(self, state: RunState) -> None:
        """Write the artifacts that changed. What a person edited in a plan is not written over."""
        for name, text in artifacts(state).items():
            if name != PLAN:
                self._put(name, text)
        if state.plan is not None and self._plan != state.revision:
            self._put_plan(state, state.plan)
            self._plan = state.revision

    def _put_plan(self, state: RunState, plan: Plan) -> None:
        """Write the page of a new plan. That of this one is the person's; an edited one of another is kept beside."""
        there = read_page(self._workspace, state.run)
        page = parse(there) if there is not None else None
        if page is not None and page.revision == state.revision:
            return
        former = state.former_plan
        if page is not None and not (former and there == shown(former, state.goal.text, page.revision)):
            self._put(f"plan-{page.revision}.md", there or "")
        self._put(PLAN, render_plan(plan, state.goal.text, state.revision, page.kept if page else ""))

    def show(self, view: RunView, lines: list[str]) -> None:
        """Write ``run.md``: stages, tasks, gates, cost, and the newest lines of what is going on. Tells new calls."""
        self._put(RUN, render(view, lines, self._ledger.read().lines(), self._timeline.began(view.stage)))
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
        # However the person's editor ends lines.
        return there.decode("utf-8", "replace").splitlines()[:2] == document(name, text).splitlines()[:2]


def write(workspace: Path, path: Path, text: str) -> None:
    """Write a file below ``.wainwright/`` as a whole, and never through a link that leads out of the workspace.

    Raises OSError, and OutsideBoundary where a link is in the way.
    """
    files = [(path.relative_to(workspace), text.encode("utf-8", "replace"), None)]
    ignore = workspace / ".wainwright" / ".gitignore"
    if not os.path.lexists(ignore):
        files.append((ignore.relative_to(workspace), b"*\n", None))
    native.write_batch(workspace, files)


def render(
    view: RunView,
    lines: list[str],
    spent: Sequence[Line] = (),
    began: Mapping[Stage, float] = MappingProxyType({}),
) -> str:
    """``run.md``: what waits for the person first, then how far the run is, and what came of it."""
    head = f"# Run {view.run}\n\n{headline(view.goal)}\n\n**{view.stage}**, {view.percent} %"
    parts = [head + _waits(view)]
    if view.gates:
        parts.append("\n\n".join([f"## {DECIDE}", *map(_asked, view.gates), _HOW_TO_DECIDE]))
    if view.notes or view.stage not in ENDS:
        told = ["\n".join(map(_note, view.notes))] if view.notes else []
        parts.append("\n\n".join([f"## {NOTES}", *told, *([_HOW_TO_NOTE] if view.stage not in ENDS else [])]))
    parts += [told for told in (view.size, view.tier) if told]
    parts += [*(f"> **Tests:** {told}" for told in view.cautions), *view.left_out]
    way = stages(view, began)
    parts.append("## Timeline\n\n" + "\n".join(map(_stage, way)))
    if view.tasks:
        parts.append("## Tasks\n\n" + "\n".join(map(_task, view.tasks)))
    if lines:
        parts.append("## Newest\n\n" + "\n".join(f"- {in_line(line)}" for line in lines))
    parts.append(_spent(view, spent))
    parts += [*_came_of_it(view), *_links(view)]
    parts.append("\n\n".join(["## Picture", *filter(None, (lifecycle(way), drawn(view.tasks)))]))
    ended = f"\n\nEnded {time.strftime('%Y-%m-%d %H:%M:%S')}." if view.stage in ENDS else ""
    return "\n\n".join(parts) + ended + "\n"


def _stage(one: StageView) -> str:
    at = f", {time.strftime('%H:%M:%S', time.localtime(one.began))}" if one.began else ""
    return f"- [{_STAGE_MARKS[one.mark]}] {one.stage}{f': {one.why}' if one.why else at}"


def _task(one: TaskView) -> str:
    again = f" (attempt {one.attempt + 1})" if one.attempt else ""
    return f"- {one.status}: {one.id}, {in_line(one.title)}{again}. {in_line(one.summary)}".rstrip()


def _links(view: RunView) -> list[str]:
    """The documents of the run, which lie beside this one."""
    names = [path.partition(f"/runs/{view.run}/")[2] for path in view.artifacts]
    lines = [f"- [{name}]({name})" for name in names if name.endswith((".md", ".diff"))]
    return ["## Documents\n\n" + "\n".join(lines)] if lines else []


def listed(views: Sequence[RunView]) -> str:
    """``runs.md``: the runs of a workspace, the newest first; what waits for the person before all."""
    parts = ["# Runs"]
    waiting = [view for view in views if view.gates or view.interrupted]
    groups = (("Waits for you", waiting), ("All", [view for view in views if view not in waiting]))
    for heading, some in groups:
        if some:
            parts.append(f"## {heading}\n\n" + "\n".join(map(_listed, some)))
    return "\n\n".join(parts if views else [*parts, "None yet."]) + "\n"


def _listed(view: RunView) -> str:
    cost = "price unknown" if view.unpriced and not view.cost_usd else f"${view.cost_usd:.2f}"
    branch = f", branch `{in_line(view.branch)}`" if view.branch else ""
    told = f"{view.stage}{', interrupted' if view.interrupted else ''}, {cost}{branch}"
    asked = "".join(f"\n  - {in_line(gate.question)}" for gate in view.gates)
    return f"- [{view.run}](runs/{view.run}/run.md): {told}. {in_line(headline(view.goal))}{asked}"


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
        stop = f"Stop it: `{view.deployment.stop}`." if view.deployment.stop else ""
        told = (view.deployment.url or view.deployment.id, view.deployment.fence, stop)
        parts.append("\n\n".join(["## Deployment", *filter(None, told)]))
    return parts
