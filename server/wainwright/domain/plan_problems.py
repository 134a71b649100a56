"""What is wrong with a plan as it is written on its page, and where: whether it holds together, and what to look at.

``plan.Plan`` refuses the same as a whole; here each problem stands at the words that it is about.
"""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from wainwright.domain.errors import PlanError
from wainwright.domain.plan import leaves_workspace, overlap
from wainwright.domain.plan_page import PlanText, Problem, Span, TaskText, Word


def problems(page: PlanText) -> tuple[Problem, ...]:
    """All problems of a page, in the order of their places; an error keeps it from being taken for a plan."""
    found = [
        *page.problems,
        *_missing(page),
        *_twice(page),
        *_unknown(page),
        *_cycle(page),
        *_write_sets(page),
        *_overlapping(page),
    ]
    if not any(one.severity == "error" for one in found):
        found += _refused(page)
    return tuple(sorted(found, key=lambda one: (one.span.start, one.span.end)))


def _missing(page: PlanText) -> Iterator[Problem]:
    if not page.tasks:
        at = page.sections.get("tasks", page.title)
        yield Problem(at, "no-task", "A plan has a task at least: `### add-tests: Add tests`.")
    if not page.requirements:
        at = page.sections.get("requirements", page.title)
        yield Problem(at, "no-requirement", "A plan has a requirement at least: `- **R1** It answers.`")
    for task in page.tasks:
        if not task.instruction:
            yield Problem(
                task.head, "no-instruction", f"Task {task.id.text} does not say what is to be done."
            )
        if not task.writes:
            told = f"Task {task.id.text} may write nothing: say `- writes: `, such as `src/**`."
            yield Problem(task.fields.get("writes", task.head), "no-write-set", told)
        if not task.serves:
            told = f"Task {task.id.text} has no acceptance: `- serves: ` names the requirements that it makes true."
            yield Problem(task.fields.get("serves", task.head), "no-acceptance", told)
    served = {word.text for task in page.tasks for word in task.serves}
    for one in page.requirements:
        if not one.text:
            yield Problem(one.span, "no-requirement", f"Requirement {one.id.text} says nothing.")
        if not one.met and one.id.text not in served:
            told = (
                f"No task serves {one.id.text}; name it in a task's `- serves: `, or write `(met already)`."
            )
            yield Problem(one.id.span, "not-served", told)


def _twice(page: PlanText) -> Iterator[Problem]:
    for what, words in (
        ("Task", [task.id for task in page.tasks]),
        ("Requirement", [one.id for one in page.requirements]),
    ):
        seen: set[str] = set()
        for word in words:
            if word.text in seen:
                yield Problem(word.span, "twice", f"{what} {word.text} is there twice.")
            seen.add(word.text)


def _unknown(page: PlanText) -> Iterator[Problem]:
    tasks = {task.id.text for task in page.tasks}
    requirements = {one.id.text for one in page.requirements}
    for task in page.tasks:
        for word in task.needs:
            if word.text not in tasks:
                yield Problem(word.span, "unknown-need", f"There is no task {word.text}.")
        for word in task.serves:
            if word.text not in requirements:
                yield Problem(word.span, "unknown-requirement", f"There is no requirement {word.text}.")


def _cycle(page: PlanText) -> Iterator[Problem]:
    by_id = {task.id.text: task for task in page.tasks}
    try:
        TopologicalSorter({name: [w.text for w in task.needs] for name, task in by_id.items()}).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        told = f"Tasks wait for each other in a circle: {' > '.join(circle)}."
        for name in dict.fromkeys(circle):
            task = by_id.get(name)
            if task is not None:
                at = next((word for word in task.needs if word.text in circle), task.id)
                yield Problem(at.span, "cycle", told)


def _write_sets(page: PlanText) -> Iterator[Problem]:
    for task in page.tasks:
        for word in task.writes:
            if leaves_workspace(word.text):
                told = (
                    f"{word.text} is protected: a task writes in the workspace, not to git or our own files."
                )
                yield Problem(word.span, "protected-path", told)


def _overlapping(page: PlanText) -> Iterator[Problem]:
    """Tasks that could run side by side but for a file that both may write: one waits for the other."""
    before = _before(page)
    for number, task in enumerate(page.tasks):
        for other in page.tasks[:number]:
            one, two = task.id.text, other.id.text
            if one == two or two in before.get(one, ()) or one in before.get(two, ()):
                continue
            word = _shared(task, other)
            if word is not None:
                told = f"{two} may write {word.text} as well, so that both do not run at the same time."
                yield Problem(word.span, "overlap", told, "warning")


def _shared(task: TaskText, other: TaskText) -> Word | None:
    theirs = [word.text for word in other.writes]
    return next((word for word in task.writes if overlap([word.text], theirs)), None)


def _before(page: PlanText) -> Mapping[str, set[str]]:
    """Which tasks come before each one, through others as well."""
    needs = {task.id.text: {word.text for word in task.needs} for task in page.tasks}
    before: dict[str, set[str]] = {}
    for name, direct in needs.items():
        reached: set[str] = set()
        left = list(direct)
        while left:
            one = left.pop()
            if one not in reached:
                reached.add(one)
                left += needs.get(one, ())
        before[name] = reached
    return before


def _refused(page: PlanText) -> Iterator[Problem]:
    """What nothing above found, and the plan as a whole is refused for all the same."""
    try:
        page.plan()
    except PlanError as error:
        yield Problem(page.title, "plan", error.message)
    except ValueError as error:
        at: Span = page.title
        told = "; ".join(str(one["msg"]) for one in getattr(error, "errors", list)()) or str(error)
        yield Problem(at, "plan", f"The plan cannot be read: {told}.")


def line_of(text: str, span: Span) -> int:
    """The line of a text on which a span begins, from 1."""
    return text.count("\n", 0, span.start) + 1
