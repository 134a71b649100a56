"""What a person edits on the page of a plan: it counts when it is saved, through whatever door."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from wainwright.domain.errors import IllegalTransition, InputError, PlanError
from wainwright.domain.events import Event, PlanEdited
from wainwright.domain.plan_edits import EDITABLE, Taken, begun, taken
from wainwright.domain.plan_page import PlanText, Problem
from wainwright.domain.plan_problems import line_of
from wainwright.domain.plan_reading import parse
from wainwright.domain.shown import markdown
from wainwright.domain.state import RunState, TaskState
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages.leftovers import built, difference
from wainwright.engine.tracing.record import Record
from wainwright.engine.tracing.tasks import TaskTold, difference_page, page, tasks_told
from wainwright.engine.views.documents import folder, read_page, write
from wainwright.engine.views.run_view import Decide
from wainwright.models.ledger import Ledger


class PlanPages:
    """The pages of the plans of a workspace."""

    def __init__(
        self,
        parts: EngineParts,
        state: Callable[[str], Awaitable[RunState]],
        submit: Callable[[str, Event], Awaitable[None]],
    ) -> None:
        self._parts = parts
        self._workspace = parts.workspace
        self._ledgers: dict[str, Ledger] = {}
        self._state = state
        self._submit = submit
        self._looked: dict[str, str] = {}
        """Pages as they were looked at last, by run."""
        self._taking = asyncio.Lock()

    async def take(self, run: str, text: str, by: str = "person") -> Taken:
        """Take over what a saved page of a run has otherwise than its plan, as far as that can be; tell the rest."""
        async with self._taking:
            self._looked[run] = text
            state, read = await self._state(run), parse(text)
            came = await asyncio.to_thread(about, state, read)
            if came.plan is not None and state.plan is not None and came.plan != state.plan:
                try:
                    await self._submit(run, PlanEdited(plan=came.plan, what=came.changes, by=by))
                except IllegalTransition as late:
                    refused = Problem(
                        read.title, "not-taken", f"{late.message} {late.hint}".strip(), "warning"
                    )
                    return Taken(None, (*came.problems, refused))
            return came

    async def look(self, run: str) -> None:
        """Take over what was saved since the last look, by whatever program."""
        text = await asyncio.to_thread(read_page, self._workspace, run)
        if text is not None and self._looked.get(run) != text:
            await self.take(run, text)

    async def at_the_gate(self, run: str, decide: Decide) -> Decide:
        """A decision about a plan, with what is on its page: a no tells the Planner what was written there.

        Raises PlanError for a yes to a page that cannot be taken for a plan.
        """
        text = await asyncio.to_thread(read_page, self._workspace, run)
        if text is None:
            return decide
        if decide.decision == "reject":
            words = [f"On {one.at}: {one.text}" if one.at else one.text for one in parse(text).said]
            return decide.model_copy(update={"reason": "\n".join(filter(None, (decide.reason, *words)))})
        came = await self.take(run, text)
        wrong = next((one for one in came.problems if one.severity == "error"), None)
        if wrong is not None:
            where = f"plan.md, line {line_of(text, wrong.span)}"
            raise PlanError(f"What you edited is no plan yet. {where}: {wrong.text}", "Mend it, and save it.")
        return decide

    async def about(self, run: str, text: str) -> Taken:
        """What would become of a page of a run if it were saved now."""
        state = await self._state(run)
        return await asyncio.to_thread(lambda: about(state, parse(text)))

    async def told(self, run: str) -> dict[str, TaskTold]:
        """What can be told of each task of a run."""
        return await asyncio.to_thread(self._told, run)

    def _told(self, run: str) -> dict[str, TaskTold]:
        ledger = self._ledgers.setdefault(run, Ledger(self._parts.journal, run))
        return tasks_told(Record(self._parts.journal, run), ledger.read().calls)

    async def task_page(self, run: str, task: str) -> Path:
        """Write down why a task is as it is; where that stands. Raises InputError for a task that is not there."""
        state, one = await self._task(run, task)
        told = (await self.told(run)).get(task, TaskTold(task=task))
        return await self._written(run, f"{task}.md", page(state, one, told))

    async def task_difference(self, run: str, task: str) -> Path:
        """Write down what a task changes. Raises InputError for a task that is not there."""
        state, one = await self._task(run, task)
        shown = ""
        if one.commit:
            shown = await asyncio.to_thread(self._parts.repository.shown, one.commit)
            shown = await self._parts.redactor.clean(shown)
        elif state.head is not None and (commit := await built(self._parts, state, one)):
            shown = await difference(self._parts, state, commit)
        return await self._written(run, f"{task}-difference.md", difference_page(one, shown))

    async def _task(self, run: str, task: str) -> tuple[RunState, TaskState]:
        state = await self._state(run)
        one = state.tasks.get(task)
        if one is None:
            names = ", ".join(state.tasks) or "none"
            raise InputError(f"Run {run} has no task {task}.", f"Its tasks: {names}.")
        return state, one

    async def _written(self, run: str, name: str, text: str) -> Path:
        place = folder(self._workspace, run) / "tasks" / name
        await asyncio.to_thread(write, self._workspace, place, markdown(text))
        return place


def about(state: RunState, read: PlanText) -> Taken:
    """What would become of a page of a run if it were saved now."""
    if state.plan is None or read.revision != state.revision:
        told = "Another plan has taken the place of this one, or will; what is edited here does not count."
        return Taken(None, (Problem(read.title, "not-taken", told, "warning"),))
    came = taken(state.plan, state.goal.text, read, begun(state))
    if state.stage not in EDITABLE and came.plan is not None and came.plan != state.plan:
        told = f"Run {state.run} is in {state.stage}: its plan is not edited any more."
        return Taken(None, (*came.problems, Problem(read.title, "not-taken", told, "warning")))
    return came
