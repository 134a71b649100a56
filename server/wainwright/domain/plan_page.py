"""What stands on the page of a plan, as it is written: values with their places, valid or not."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from wainwright.domain.goal import Size
from wainwright.domain.plan import Plan


@dataclass(frozen=True)
class Span:
    """A part of a text: offsets of characters, the end left out."""

    start: int
    end: int


@dataclass(frozen=True)
class Word:
    """A value, and where it stands."""

    text: str
    span: Span


@dataclass(frozen=True)
class Problem:
    """What is wrong with a plan as it is written, and where."""

    span: Span
    code: str
    """Which kind it is, such as ``cycle``."""
    text: str
    severity: Literal["error", "warning", "hint"] = "error"
    """An ``error`` keeps the page from being taken for a plan."""


@dataclass(frozen=True)
class TaskText:
    """A task as it is written."""

    id: Word
    title: str
    span: Span
    """Its section, from its heading to the next one."""
    head: Span
    """Its heading."""
    instruction: str = ""
    needs: tuple[Word, ...] = ()
    writes: tuple[Word, ...] = ()
    serves: tuple[Word, ...] = ()
    starts_from: str = ""
    fields: dict[str, Span] = field(default_factory=dict)
    """Where each list of it stands: ``needs``, ``writes``, ``serves``."""


@dataclass(frozen=True)
class RequirementText:
    """A requirement as it is written."""

    id: Word
    text: str
    span: Span
    met: bool = False
    guards: bool = False


@dataclass(frozen=True)
class Said:
    """A line that a person wrote to the Planner, and what it stands at."""

    text: str
    span: Span
    at: str = ""
    """The id of the task or requirement above it; empty: the plan as a whole."""


@dataclass(frozen=True)
class PlanText:
    """A page, read."""

    title: Span
    revision: int = 1
    """Which plan of the run it is."""
    goal: str = ""
    tasks: tuple[TaskText, ...] = ()
    requirements: tuple[RequirementText, ...] = ()
    suites: tuple[dict[str, str], ...] = ()
    keeps_behaviour: bool = False
    tests_need_design: bool = True
    size: Size | None = None
    size_reason: str = ""
    notes: str = ""
    said: tuple[Said, ...] = ()
    problems: tuple[Problem, ...] = ()
    """Of reading alone; whether the plan holds together says ``plan_problems``."""
    kept: str = ""
    """Sections that nobody knows, as they are."""
    sections: dict[str, Span] = field(default_factory=dict)
    """Where the known sections stand, each from its heading to its end."""

    def values(self) -> dict[str, Any]:
        """What a `Plan` is made of, valid or not."""
        return {
            "requirements": [
                {"id": r.id.text, "text": r.text, "met": r.met, "guards": r.guards} for r in self.requirements
            ],
            "tasks": [
                {
                    "id": t.id.text,
                    "title": t.title,
                    "instruction": t.instruction,
                    "needs": _texts(t.needs),
                    "write_set": _texts(t.writes),
                    "acceptance": _texts(t.serves),
                    "starts_from": t.starts_from,
                }
                for t in self.tasks
            ],
            "suites": list(self.suites),
            "keeps_behaviour": self.keeps_behaviour,
            "tests_need_design": self.tests_need_design,
            "size": "medium" if self.size == "small" and len(self.tasks) > 1 else self.size,
            "size_reason": self.size_reason,
            "notes": self.notes,
        }

    def plan(self) -> Plan:
        """The plan that stands here. Raises PlanError or ValueError for one that is none."""
        return Plan.model_validate(self.values())

    def task_at(self, offset: int) -> TaskText | None:
        """The task in whose section an offset lies."""
        return next((one for one in self.tasks if one.span.start <= offset < one.span.end), None)


def _texts(words: Iterable[Word]) -> list[str]:
    return [word.text for word in words]
