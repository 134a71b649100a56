"""The plan: numbered requirements and a DAG of tasks."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import Any, Self

from pydantic import Field, model_validator

from wainwright.domain.errors import PlanError
from wainwright.domain.evidence import Suite
from wainwright.domain.goal import Fact, Size

EVERYTHING = "**"
"""The write set of a task that may touch any file; it never runs beside another task."""


class Requirement(Fact):
    """One numbered, testable statement of what must be true when the goal is met."""

    id: str = Field(pattern=r"^R[1-9][0-9]*$")
    text: str = Field(min_length=1)
    met: bool = False
    """Work that landed before this plan meets it already, so no task has to serve it."""
    guards: bool = False
    """It is so today and has to stay so: its tests are green before the change and after it."""


class Task(Fact):
    """A node of the plan: one piece of work for one implementer."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    title: str = Field(min_length=1, max_length=120)
    instruction: str = Field(min_length=1)
    needs: tuple[str, ...] = ()
    """Ids of the tasks that must have landed before this one starts."""
    write_set: tuple[str, ...] = Field(min_length=1)
    """Paths relative to the workspace that the task may write; ``dir/**`` for all below a folder."""
    acceptance: tuple[str, ...] = Field(min_length=1)
    """Ids of the requirements that this task serves."""
    starts_from: str = ""
    """The id of a task of a plan before that did not land: this one begins with what was built for it."""


class Plan(Fact):
    """Requirements and tasks that fit together; a plan that does not is refused as a PlanError."""

    requirements: tuple[Requirement, ...] = Field(min_length=1, max_length=60)
    tasks: tuple[Task, ...] = Field(min_length=1, max_length=40)
    suites: tuple[Suite, ...] = Field(default=(), max_length=12)
    """How the tests are run, when the planner knows better than what was recognised."""
    keeps_behaviour: bool = False
    """The goal asks for no change of behaviour, so that no test has to be red before it."""
    tests_need_design: bool = True
    """The acceptance tests call what only the design names, so they wait for it."""
    notes: str = ""
    size: Size | None = None
    """How large the goal is, as the planner sees it; None, as in earlier journals: large."""
    size_reason: str = ""

    @model_validator(mode="before")
    @classmethod
    def _one_command(cls, given: Any) -> Any:
        return with_suites(given, "the plan names it")

    @model_validator(mode="after")
    def _well_formed(self) -> Self:
        problems = [
            *_duplicates(self),
            *_unknown(self),
            *_cycle(self.tasks),
            *_write_sets(self.tasks),
            *_folders(self.suites),
            *_too_many(self),
        ]
        if problems:
            raise PlanError("The plan does not hold together: " + "; ".join(problems) + ".")
        return self

    def task(self, task_id: str) -> Task:
        """The task of that id; KeyError when there is none."""
        for task in self.tasks:
            if task.id == task_id:
                return task
        raise KeyError(task_id)


def with_suites(given: Any, reason: str = "") -> Any:
    """Read what names its tests by one ``test_command``: models do so, and so did earlier versions."""
    if not isinstance(given, dict) or "test_command" not in given:
        return given
    rest = {key: value for key, value in given.items() if key != "test_command"}
    command = given["test_command"]
    if not command or rest.get("suites"):
        return rest
    return {**rest, "suites": ({"command": command, "reason": reason},)}


def _duplicates(plan: Plan) -> list[str]:
    found = []
    for what, ids in (
        ("task", [t.id for t in plan.tasks]),
        ("requirement", [r.id for r in plan.requirements]),
    ):
        found += [f"{what} {one} is there twice" for one in sorted({i for i in ids if ids.count(i) > 1})]
    return found


def _unknown(plan: Plan) -> list[str]:
    tasks, requirements = {t.id for t in plan.tasks}, {r.id for r in plan.requirements}
    served = {r for t in plan.tasks for r in t.acceptance}
    return [
        *(f"task {t.id} needs {n}, which is no task" for t in plan.tasks for n in t.needs if n not in tasks),
        *(
            f"task {t.id} is to serve {r}, which is no requirement"
            for t in plan.tasks
            for r in t.acceptance
            if r not in requirements
        ),
        *(f"no task serves requirement {r.id}" for r in plan.requirements if not (r.met or r.id in served)),
    ]


def _cycle(tasks: Sequence[Task]) -> list[str]:
    try:
        TopologicalSorter({t.id: t.needs for t in tasks}).prepare()
    except CycleError as error:
        return ["tasks wait for each other in a circle: " + " > ".join(error.args[1])]
    return []


def _write_sets(tasks: Sequence[Task]) -> list[str]:
    return [
        f"task {t.id} may not write {p}: a write set holds paths inside the workspace"
        for t in tasks
        for p in t.write_set
        if leaves_workspace(p)
    ]


def _folders(suites: Sequence[Suite]) -> list[str]:
    return [
        f"tests cannot be run in {suite.folder}: a folder is relative to the workspace and inside it"
        for suite in suites
        if suite.folder.startswith(("/", "~")) or ".." in _parts(suite.folder)
    ]


def _too_many(plan: Plan) -> list[str]:
    many = plan.size == "small" and len(plan.tasks) > 1
    return (
        [f"a small goal is one task, and here are {len(plan.tasks)}; make it one, or medium"] if many else []
    )


def leaves_workspace(entry: str) -> bool:
    """Whether an entry of a write set names what no task may write: outside of the workspace, git, our own files."""
    return entry.startswith(("/", "~")) or _protected([part.lower() for part in _parts(entry)])


def _protected(parts: Sequence[str]) -> bool:
    return ".." in parts or ".git" in parts or parts[:1] in ([".wainwright"], ["wainwright.toml"])


def _parts(path: str) -> list[str]:
    """The names along a path: ``./a//b`` and ``a/b`` are the same."""
    return [part for part in path.split("/") if part not in ("", ".")]


def overlap(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether two write sets could name a common file; doubt counts as yes."""
    return any(_meet(a, b) for a in one for b in other)


def covers(write_set: Iterable[str], path: str) -> bool:
    """Whether a path lies in a write set."""
    return any(_meet(entry, path) for entry in write_set)


def _meet(a: str, b: str) -> bool:
    (left, wild_left), (right, wild_right) = _prefix(a), _prefix(b)
    if wild_left and wild_right:
        return left.startswith(right) or right.startswith(left)
    if wild_left:
        return right.startswith(left)
    if wild_right:
        return left.startswith(right)
    return left == right


@lru_cache(maxsize=4096)
def _prefix(entry: str) -> tuple[str, bool]:
    """The literal part of an entry before its first wildcard, and whether there is one; a folder has one."""
    plain = "/".join(_parts(entry))
    if plain and entry.endswith("/"):
        plain += "/"
    cut = min((plain.index(c) for c in "*?[" if c in plain), default=len(plain))
    return plain[:cut], cut < len(plain) or plain == "" or plain.endswith("/")
