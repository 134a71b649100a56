"""BUILD: an attempt at a task."""

import asyncio
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from wainwright.agents import roles
from wainwright.agents.answers import WorkAnswer
from wainwright.agents.loop import OutOfTurns, Work, run_agent
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.errors import BadAnswer
from wainwright.domain.evidence import Finding
from wainwright.domain.state import RunState, TaskState
from wainwright.engine import workbenches
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs
from wainwright.engine.stages.belonging import coming_later, reported, standing, with_files, working_with
from wainwright.engine.stages.landing import failed, land
from wainwright.engine.stages.recorded import Beginning, begin
from wainwright.engine.stages.task_check import TaskCheck
from wainwright.journal import Steps
from wainwright.tools.toolbox import Workbench


async def run_task(parts: EngineParts, run: LiveRun, effect: ef.RunTask) -> tuple[ev.Event, ...]:
    """Let an implementer make one attempt, and land it."""
    one = run.state.tasks[effect.task]
    if one.status != "running":
        await run.emit(
            ev.TaskStarted(
                task=effect.task, revision=effect.revision, attempt=effect.attempt, rung=effect.rung
            )
        )
    scope = f"/BUILD/{effect.task}.{effect.revision}.{effect.attempt}"
    steps = run.steps(f"{scope}/implementer")
    begun = await begin(steps, await _begin_task(parts, run.state, one))
    async with _workbench(parts, run.state, one, effect, begun) as workbench:
        try:
            done, remarks = await _attempt(parts, run, one, effect, steps, begun, workbench)
        except (OutOfTurns, BadAnswer) as error:
            return (failed(parts, effect, "code", error.message),)
        answer = done.answer
        if answer.status != "done":
            cause: ev.FailureCause = "environment" if answer.status == "environment" else "impossible"
            return (failed(parts, effect, cause, answer.because or answer.summary),)
        commit = await workbench.checkpoint(one.task.title)
    async with run.integration:
        return await land(parts, run, one, effect, begun, commit, answer.summary, remarks)


def _workbench(
    parts: EngineParts, state: RunState, one: TaskState, effect: ef.RunTask, begun: Beginning
) -> AbstractAsyncContextManager[Workbench]:
    return workbenches.writing(
        parts,
        state,
        f"{effect.task}-{effect.revision}-{effect.attempt}",
        begun.commit,
        write_set=one.task.write_set,
        claimed=begun.claimed,
        read_only=frozenset(state.acceptance.files) if state.acceptance else frozenset(),
    )


async def _attempt(
    parts: EngineParts,
    run: LiveRun,
    one: TaskState,
    effect: ef.RunTask,
    steps: Steps,
    begun: Beginning,
    workbench: Workbench,
) -> tuple[Work[WorkAnswer], tuple[Finding, ...]]:
    state, name = run.state, effect.task
    workbench.own_tests, workbench.due_tests = begun.own_tests, begun.due_tests
    remarks: list[Finding] = []

    def tell(text: str) -> None:
        run.tell(text, name)

    async def check(done: Work[WorkAnswer]) -> str:
        if done.answer.status != "done":
            return ""
        checked = await TaskCheck(parts, run, one, workbench, begun.laid).check(steps)
        remarks[:] = checked.remarks
        return checked.refusal

    tell(f"the implementer begins {name}")
    brief = briefs.join(
        briefs.goal(state),
        briefs.requirements(state),
        briefs.task(one),
        briefs.before(one.digest if one.digest != one.task.instruction else ""),
        briefs.survivors(state),
        briefs.design(state),
        await _told_acceptance(parts, state, one, begun),
        briefs.tests(state),
        briefs.since(begun.landed),
        await workbenches.shown(parts, state, workbench, one.task.instruction, one.task.write_set),
    )
    limits = parts.settings.limits
    done = await run_agent(
        replace(roles.IMPLEMENT.speaking(briefs.tested_by(state)), turns=limits.turns_per_task),
        WorkAnswer,
        parts.redactor.redact(brief),
        workbench=workbench,
        steps=steps,
        models=parts.models,
        check=check,
        refusals_max=limits.repairs,
        rung=effect.rung,
        tell=tell,
    )
    return done, tuple(remarks)


async def _told_acceptance(parts: EngineParts, state: RunState, one: TaskState, begun: Beginning) -> str:
    """The acceptance tests as a brief: those in the tree by name, those that cannot be there yet with their text."""
    there = sorted({*standing(state), *begun.laid})
    later = {}
    for path in coming_later(state, one.task.id):
        assert state.acceptance is not None
        text = await asyncio.to_thread(parts.repository.read, state.acceptance.kept, path)
        later[path] = (text or b"").decode("utf-8", "replace")
    return briefs.acceptance(there, later, begun.own_tests, begun.due_tests)


async def _begin_task(parts: EngineParts, state: RunState, one: TaskState) -> Beginning:
    others = [t.task for t in state.unfinished if t.task.id != one.task.id]
    shared = {r for other in others for r in other.acceptance}
    alone = set(one.task.acceptance) - shared
    tests = state.acceptance.tests if state.acceptance else ()
    laid, commit = working_with(state, one.task.id), state.present_head
    if laid:
        assert state.acceptance is not None
        commit, _ = await with_files(
            parts, commit, state.acceptance.kept, laid, f"Acceptance tests of {one.task.id}"
        )
    there = {*standing(state), *laid}
    return Beginning(
        commit=commit,
        claimed=tuple(sorted({path for other in others for path in other.write_set})),
        landed=tuple(t.task.id for t in state.tasks.values() if t.status == "landed"),
        laid=laid,
        own_tests=_names(state, (t.test for t in tests if t.requirement in one.task.acceptance)),
        due_tests=_names(
            state,
            (t.test for t in tests if t.requirement in alone and t.test.partition("::")[0] in there),
        ),
    )


def _names(state: RunState, tests: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for test in tests for name in reported(state, test)))
