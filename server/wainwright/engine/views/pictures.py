"""Pictures of a run as Mermaid, which many readers of Markdown draw: the way through its stages, and its tasks."""

from collections.abc import Sequence

from wainwright.engine.views.run_view import TaskView
from wainwright.engine.views.timeline import Mark, StageView

_LOOKS = {
    "done": "fill:#d3f0d3,stroke:#2a7d2a,color:#000",
    "now": "fill:#fff3c4,stroke:#b8860b,color:#000,stroke-width:3px",
    "later": "fill:#eee,stroke:#999,color:#000",
    "skipped": "fill:#fff,stroke:#999,color:#666,stroke-dasharray:4",
    "wrong": "fill:#f8d0d0,stroke:#b22222,color:#000",
}
_OF_STATUS: dict[str, Mark] = {
    "landed": "done",
    "running": "now",
    "waiting": "later",
    "paused": "later",
    "skipped": "skipped",
}


def lifecycle(way: Sequence[StageView]) -> str:
    """The stages of a run, in their order."""
    boxes = [f'  {one.stage}["{one.stage}"]:::{one.mark}' for one in way]
    line = f"  {' --> '.join(one.stage for one in way)}"
    return _drawn(["flowchart LR", *boxes, line], {one.mark for one in way})


def mark(status: str) -> Mark:
    """How a task of this status is drawn; one that is in somebody's way is drawn as wrong."""
    return _OF_STATUS.get(status, "wrong")


def tasks(shown: Sequence[TaskView]) -> str:
    """The tasks of a run and what each waits for; empty where there are none."""
    if not shown:
        return ""
    # Some words mean something to Mermaid, so that boxes have names of their own.
    names = {one.id: f"t{number}" for number, one in enumerate(shown)}
    looks = {one.id: mark(one.status) for one in shown}
    boxes = [f'  {names[one.id]}["{one.id}: {one.status}"]:::{looks[one.id]}' for one in shown]
    lines = [f"  {names[need]} --> {names[one.id]}" for one in shown for need in one.needs if need in names]
    return _drawn(["flowchart LR", *boxes, *lines], set(looks.values()))


def _drawn(lines: Sequence[str], looks: set[str]) -> str:
    classes = [f"  classDef {look} {_LOOKS[look]}" for look in sorted(looks)]
    return "\n".join(["```mermaid", *lines, *classes, "```"])
