"""What a person sees who points at a task of a plan: how far it is, its cost, what its agent saw, its tests."""

from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.domain.shown import in_line

if TYPE_CHECKING:
    from wainwright.lsp.runs.plan_pages import PlanPage

SAW_MAX = 12
"""Lines of what an agent saw; all of them stand behind *Why*."""


def on_plan(page: "PlanPage", position: types.Position) -> str:
    """What is known of the task or requirement at a position, as Markdown."""
    name = page.word_at(position)
    return _requirement(page, name) or _task(page, name or _heading(page, position))


def _heading(page: "PlanPage", position: types.Position) -> str:
    task = page.task_at(position)
    return task.id.text if task is not None and page.range(task.head).start.line == position.line else ""


def _requirement(page: "PlanPage", name: str) -> str:
    one = next((one for one in page.read.requirements if one.id.text == name), None)
    if one is None:
        return ""
    by = [task for task in page.read.tasks if name in [word.text for word in task.serves]]
    states = [
        f"- {task.id.text}: {seen.status if (seen := page.task(task.id.text)) else 'new'}" for task in by
    ]
    return "\n".join([f"**{name}** {in_line(one.text)}", "", *(states or ["No task serves it."])])


def _task(page: "PlanPage", name: str) -> str:
    written = next((one for one in page.read.tasks if one.id.text == name), None)
    if written is None:
        return ""
    seen, told = page.task(name), page.told.get(name)
    if seen is None:
        return f"**{name}** is new: it counts once the page is saved."
    attempt = f", attempt {seen.attempt + 1}" if seen.attempt else ""
    lines = [f"**{name}**: {seen.status}{attempt}"]
    lines += [in_line(seen.summary)] if seen.summary else []
    if told is not None and told.calls:
        lines.append(f"{told.calls} model calls, {told.tokens} tokens, {told.cost}, {told.seconds:.1f} s")
    lines += [f"Tests: {in_line(told.tests)}"] if told is not None and told.tests else []
    saw = told.saw[:SAW_MAX] if told is not None else ()
    lines += ["\n".join(["What its agent looked at and did:", "", *map(in_line, saw)])] if saw else []
    return "\n\n".join(lines)
