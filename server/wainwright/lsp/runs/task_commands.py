"""What can be done about one task at this moment; lenses and code actions both show it."""

from typing import TYPE_CHECKING

from wainwright.domain.goal import ENDS
from wainwright.lsp.runs.available import AvailableCommand

if TYPE_CHECKING:
    from wainwright.engine.views.run_view import RunView, TaskView
    from wainwright.lsp.runs.plan_pages import PlanPage

_WAYS: dict[str, tuple[tuple[str, str], ...]] = {
    "waiting": (("Skip", "skip"), ("Pause", "pause")),
    "running": (("Pause", "pause"), ("Stop", "stop"), ("Re-run", "again"), ("Skip", "skip")),
    "paused": (("Run", "go-on"), ("Skip", "skip")),
    "halted": (("Run", "go-on"), ("Re-run", "again"), ("Skip", "skip")),
    "stuck": (("Re-run", "again"), ("Skip", "skip")),
    "blocked": (("Re-run", "again"), ("Skip", "skip")),
    "skipped": (("Re-run", "again"),),
}
"""By the status of a task: what a person can do with it, and the way of `wainwright.task` that does it."""
_BUILDS = frozenset({"BUILD", *ENDS})


def task_commands(page: "PlanPage", name: str) -> list[AvailableCommand]:
    """What can be done about a task of a page; nothing as long as its plan waits for a yes."""
    view, task = page.view, page.task(name)
    if view is None or task is None:
        return []
    moves, shown = moves_of(view, task), shown_of(view, task)
    if not shown:
        return moves
    line = page.index.position(next(t.head.start for t in page.read.tasks if t.id.text == name)).line
    where = {"run": view.run, "uri": page.uri, "line": line}
    return [*moves, AvailableCommand(f"Why {name} is as it is", "wainwright.why", where, short="Why"), *shown]


def moves_of(view: "RunView", task: "TaskView") -> list[AvailableCommand]:
    """What moves a task."""
    about = {"run": view.run, "task": task.id}
    return [
        AvailableCommand(f"{title} {task.id}", "wainwright.task", {**about, "way": way}, short=title)
        for title, way in _ways(view, task)
    ]


def shown_of(view: "RunView", task: "TaskView") -> list[AvailableCommand]:
    """What there is to see of a task that has begun."""
    about = {"run": view.run, "task": task.id}
    title = f"Show the diff of {task.id}"
    offer = AvailableCommand(title, "wainwright.difference", about, short="Show diff")
    return [offer] if task.status != "waiting" or task.attempt else []


def _ways(view: "RunView", task: "TaskView") -> tuple[tuple[str, str], ...]:
    if view.stage not in _BUILDS or view.stage == "DONE" or any(gate.kind == "plan" for gate in view.gates):
        return ()
    # What is all that is to be done is not skipped: then the run is cancelled.
    last = all(one.id == task.id or one.status == "skipped" for one in view.tasks)
    return tuple(way for way in _WAYS.get(task.status, ()) if not (last and way[1] == "skip"))
