"""What a person edits in a plan: what of a page is taken over, and what a run makes of that.

A page is compared with what was shown of the plan, field by field: what nobody touched stays to the letter, whatever
was done to the text so that it could be shown. Tasks that have begun stay as they are, and so does how the tests are
run, which is the settings' to say.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wainwright.domain import sizes
from wainwright.domain.cautions import cautions
from wainwright.domain.errors import IllegalTransition, PlanError
from wainwright.domain.events import PlanEdited
from wainwright.domain.goal import Stage
from wainwright.domain.ladder import given_up_tests
from wainwright.domain.plan import Plan, Requirement, Task
from wainwright.domain.plan_page import PlanText, Problem, RequirementText, TaskText, Word
from wainwright.domain.plan_problems import problems
from wainwright.domain.plan_reading import parse
from wainwright.domain.plan_text import PLAN, render
from wainwright.domain.shown import document, in_line
from wainwright.domain.state import GateState, RunState, TaskState

EDITABLE = frozenset({Stage.PLANNING, Stage.DESIGN, Stage.BUILD})
"""The stages in which a plan can still be edited."""


@dataclass(frozen=True)
class Taken:
    """What becomes of a page."""

    plan: Plan | None
    """The plan with the edits in it; None where the page cannot be taken for a plan."""
    problems: tuple[Problem, ...]
    """What is wrong with the page, and what of it is not taken over."""
    changes: tuple[str, ...] = ()
    """What is otherwise than before, a few words each."""


def shown(plan: Plan, goal: str, revision: int = 1, kept: str = "") -> str:
    """The page of a plan as it is written to disk."""
    return document(PLAN, render(plan, goal, revision, kept))


def begun(state: RunState) -> frozenset[str]:
    """The tasks of the present plan that are not edited any more."""
    return frozenset(name for name, one in _own(state).items() if one.status != "waiting" or one.attempt)


def taken(plan: Plan, goal: str, page: PlanText, begun: Collection[str] = ()) -> Taken:
    """The plan with what a page has otherwise. Tasks in ``begun`` stay as they are."""
    told = list(problems(page))
    if any(one.severity == "error" for one in told):
        return Taken(None, tuple(told))
    before = parse(shown(plan, goal))
    if page.goal != before.goal:
        at = page.title
        told.append(_not_taken(at, "The goal of a run stays as it is; start another run for another goal."))
    tests = page.sections.get("tests", page.title)
    if page.suites != before.suites:
        how = "How the tests are run is not changed here: say it as `test.command` in wainwright.toml."
        told.append(_not_taken(tests, how))
    tasks, about_tasks = _tasks(plan, before, page, begun)
    values: dict[str, Any] = {
        "requirements": _requirements(plan, before, page),
        "tasks": tasks,
        "suites": plan.suites,
        "notes": plan.notes if _same(page.notes, before.notes) else page.notes,
        **_approach(plan, before, page),
    }
    if values["size"] == "small" and len(tasks) > 1:
        values |= {"size": "medium", "size_reason": "it has several tasks"}
    try:
        made = Plan.model_validate(values)
    except (PlanError, ValueError) as error:
        refused = Problem(page.title, "plan", str(getattr(error, "message", error)))
        return Taken(None, (*told, *about_tasks, refused))
    return Taken(made, (*told, *about_tasks), differences(plan, made))


def _not_taken(span: Any, text: str) -> Problem:
    return Problem(span, "not-taken", text, "warning")


def _tasks(
    plan: Plan, before: PlanText, page: PlanText, begun: Collection[str]
) -> tuple[list[Task | dict[str, Any]], list[Problem]]:
    known, seen = {one.id: one for one in plan.tasks}, {one.id.text: one for one in before.tasks}
    tasks: list[Task | dict[str, Any]] = []
    told = []
    for one in page.tasks:
        name = one.id.text
        task = known.get(name)
        values = _task(task, seen.get(name), one)
        if task is not None and name in begun:
            if Task.model_validate(values) != task:
                told.append(_not_taken(one.head, f"Task {name} has begun, so it stays as it was."))
            values = task.model_dump()
        tasks.append(values)
    there = {one.id.text for one in page.tasks}
    gone = [task for task in plan.tasks if task.id in begun and task.id not in there]
    at = page.sections.get("tasks", page.title)
    told += [_not_taken(at, f"Task {task.id} has begun, so it stays in the plan.") for task in gone]
    return [*gone, *tasks], told


def _task(task: Task | None, before: TaskText | None, now: TaskText) -> dict[str, Any]:
    lists = {"needs": now.needs, "write_set": now.writes, "acceptance": now.serves}
    values: dict[str, Any] = {
        "id": now.id.text,
        "title": now.title,
        "instruction": now.instruction,
        "starts_from": now.starts_from,
        **{name: [word.text for word in words] for name, words in lists.items()},
    }
    if task is None or before is None:
        return values
    old = {"needs": before.needs, "write_set": before.writes, "acceptance": before.serves}
    kept = [name for name, words in lists.items() if _names(words) == _names(old[name])]
    kept += [
        name
        for name in ("title", "instruction", "starts_from")
        if _same(getattr(now, name), getattr(before, name))
    ]
    return {**values, **{name: getattr(task, name) for name in kept}}


def _requirements(plan: Plan, before: PlanText, page: PlanText) -> list[dict[str, Any]]:
    known: Mapping[str, Requirement] = {one.id: one for one in plan.requirements}
    seen: Mapping[str, RequirementText] = {one.id.text: one for one in before.requirements}
    found = []
    for one in page.requirements:
        was = seen.get(one.id.text)
        text = known[one.id.text].text if was is not None and _same(one.text, was.text) else one.text
        found.append({"id": one.id.text, "text": text, "met": one.met, "guards": one.guards})
    return found


def _approach(plan: Plan, before: PlanText, page: PlanText) -> dict[str, Any]:
    names = ("size", "size_reason", "keeps_behaviour", "tests_need_design")
    gone = "approach" not in page.sections
    return {
        name: getattr(plan, name)
        if gone or getattr(page, name) == getattr(before, name)
        else getattr(page, name)
        for name in names
    }


def _names(words: Sequence[Word]) -> list[str]:
    return [word.text for word in words]


def _same(one: str, other: str) -> bool:
    """Whether two texts differ in nothing but what an editor does to the ends of lines."""
    return [line.rstrip() for line in one.split("\n")] == [line.rstrip() for line in other.split("\n")]


def differences(before: Plan, now: Plan) -> tuple[str, ...]:
    """What one plan has otherwise than another, a few words each."""
    old, new = {one.id: one for one in before.tasks}, {one.id: one for one in now.tasks}
    told = [f"task {name} is new" for name in new if name not in old]
    told += [f"task {name} is left out" for name in old if name not in new]
    told += [f"task {name} is changed" for name, one in new.items() if name in old and old[name] != one]
    were, are = {r.id: r for r in before.requirements}, {r.id: r for r in now.requirements}
    told += [f"{name} is new" for name in are if name not in were]
    told += [f"{name} is left out" for name in were if name not in are]
    told += [f"{name} is changed" for name, one in are.items() if name in were and were[name] != one]
    told += ["the order of the tasks is changed"] if not told and list(old) != list(new) else []
    rest = {"requirements", "tasks"}
    told += (
        ["how it is worked on is changed"]
        if before.model_dump(exclude=rest) != now.model_dump(exclude=rest)
        else []
    )
    return tuple(told)


# ---- what a run makes of it


def edit(state: RunState, event: PlanEdited) -> RunState:
    """The run with the plan as a person edited it. Raises IllegalTransition for an edit of what has begun."""
    plan = state.plan
    if plan is None or state.giving_up:
        raise IllegalTransition("The plan is being made anew.", "Edit it when it is there.")
    own, new = _own(state), {one.id: one for one in event.plan.tasks}
    late = sorted(name for name in begun(state) if new.get(name) != own[name].task)
    if late:
        raise IllegalTransition(f"Tasks that have begun are not edited any more: {', '.join(late)}.")
    others = {name: one for name, one in state.tasks.items() if name not in own}
    if used := sorted(others.keys() & new.keys()):
        raise IllegalTransition(
            f"There is other work that is called {', '.join(used)}.", "Choose another id."
        )
    earlier = {name: one for name, one in others.items() if one.revision < state.revision}
    tasks = {
        name: own[name]
        if name in own and own[name].task == task
        else TaskState(task=task, revision=state.revision)
        for name, task in new.items()
    }
    changed = state.changed(plan=event.plan, tasks={**earlier, **tasks, **others})
    if state.stage is Stage.PLANNING:
        return changed.changed(gates=_asked_about(changed))
    if _asks(plan) == _asks(event.plan):
        return changed
    return given_up_tests(changed, f"The person edited the plan: {'; '.join(event.what)}.")


def _own(state: RunState) -> dict[str, TaskState]:
    """The tasks of the present plan, as far as they are."""
    planned = state.plan.tasks if state.plan is not None else ()
    return {one.id: state.tasks[one.id] for one in planned if one.id in state.tasks}


def detail(state: RunState) -> str:
    """What somebody has to read who says whether a plan is right: tasks, their files, what they are to make true."""
    plan = state.plan
    assert plan is not None
    head = " ".join(filter(None, (f"revision {state.revision}", sizes.told(state))))
    tasks = [
        f"{t.id}: {in_line(t.title)} ({', '.join(t.acceptance)}; writes {', '.join(map(in_line, t.write_set))})"
        for t in plan.tasks
    ]
    required = [f"{r.id}: {in_line(r.text)}" for r in plan.requirements]
    # Of the notes no line looks like one of those above.
    notes = [f"  {line}" for line in plan.notes.splitlines()]
    return "\n".join([head, *cautions(state), *tasks, *required, *notes])


def _asked_about(state: RunState) -> dict[str, GateState]:
    """The gates, with the open one asking about the plan as it is now: whoever edited it has read that."""
    return {
        name: one.model_copy(update={"gate": one.gate.model_copy(update={"detail": detail(state)})})
        if one.decided is None and one.gate.kind == "plan"
        else one
        for name, one in state.gates.items()
    }


def _asks(plan: Plan) -> tuple[Any, ...]:
    """What acceptance tests are written for, and with which tasks they land."""
    return plan.requirements, tuple((task.id, frozenset(task.acceptance)) for task in plan.tasks)
