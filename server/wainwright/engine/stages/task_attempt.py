"""BUILD: an attempt at a task."""

import asyncio
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from functools import partial

from wainwright.agents import roles
from wainwright.agents.answers import AloneAnswer, WorkAnswer
from wainwright.agents.loop import Brief, OutOfTurns, Work, run_agent
from wainwright.agents.spoken import looked_up, spoken, to_go_on_with
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.errors import BadAnswer
from wainwright.domain.evidence import Finding
from wainwright.domain.sizes import writes_own_tests
from wainwright.domain.state import RunState, TaskState
from wainwright.engine import workbenches
from wainwright.engine.live_run import LiveRun
from wainwright.engine.noting import NotesOfRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.ready import Ready
from wainwright.engine.stages import briefs, leftovers
from wainwright.engine.stages.alone import OwnTests
from wainwright.engine.stages.belonging import coming_later, reported, standing, with_files, working_with
from wainwright.engine.stages.landing import failed, land
from wainwright.engine.stages.recorded import Beginning, begin
from wainwright.engine.stages.task_check import TaskCheck
from wainwright.engine.stages.told import told
from wainwright.engine.stages.wrong_tests import WrongTests
from wainwright.journal import Steps
from wainwright.models.client import Message
from wainwright.models.waits import in_words
from wainwright.silence import Silence, Silent
from wainwright.tools.toolbox import Workbench

_CAUSES: dict[str, ev.FailureCause] = {
    "environment": "environment",
    "bigger": "bigger",
    "impossible": "impossible",
    "wrong-tests": "tests",
}
"""What the answers mean that end an attempt without landing."""
_HANGS = "Look what hangs: the disk, a keyring that asks, the provider. Then resume, or raise `limits.task_idle_s`."


async def run_task(parts: EngineParts, run: LiveRun, effect: ef.RunTask) -> tuple[ev.Event, ...]:
    """Let an implementer make one attempt, and land it; it is stopped when nothing is heard of it any more."""
    idle_s = parts.settings.limits.task_idle_s
    try:
        return await Silence(idle_s).watch(_run_task(parts, run, effect))
    except Silent:
        digest = f"Nothing was heard of it for {in_words(idle_s)}, and it was stopped."
        event: ev.Event = failed(parts, effect, "silent", digest).model_copy(update={"hint": _HANGS})
    with suppress(Silent):
        one = run.state.tasks[effect.task]
        event = await Silence(idle_s).watch(leftovers.with_built(parts, run.state, one, event))
    return (event,)


async def _run_task(parts: EngineParts, run: LiveRun, effect: ef.RunTask) -> tuple[ev.Event, ...]:
    one = run.state.tasks[effect.task]
    if one.status != "running":
        await run.emit(
            ev.TaskStarted(
                task=effect.task, revision=effect.revision, attempt=effect.attempt, rung=effect.rung
            )
        )
    steps = run.steps(_scope(effect.task, effect.revision, effect.attempt), effect.task)
    begun = await begin(steps, await _begin_task(parts, run.state, one))
    outcome = await _go_through(parts, run, one, effect, steps, begun)
    return tuple([await leftovers.with_built(parts, run.state, one, event) for event in outcome])


async def _go_through(
    parts: EngineParts, run: LiveRun, one: TaskState, effect: ef.RunTask, steps: Steps, begun: Beginning
) -> tuple[ev.Event, ...]:
    async with _workbench(parts, run.state, one, begun) as workbench:
        try:
            workbench.began_at = begun.plain
            done, remarks, agreed = await _attempt(parts, run, one, effect, steps, begun, workbench)
        except (OutOfTurns, BadAnswer) as error:
            return (failed(parts, effect, "code", error.message),)
        answer = done.answer
        if answer.status != "done":
            digest = f"{answer.because or answer.summary}{agreed}"
            return (failed(parts, effect, _CAUSES[answer.status], digest),)
        commit = await workbench.checkpoint(one.task.title)
    ready = Ready(
        effect,
        commit,
        began=begun.plain,
        laid=begun.laid,
        subject=answer.subject or one.task.title,
        summary=answer.summary,
        remarks=(*remarks, *answer.noted),
    )
    return await land(parts, run, ready)


def _workbench(
    parts: EngineParts, state: RunState, one: TaskState, begun: Beginning
) -> AbstractAsyncContextManager[Workbench]:
    return workbenches.writing(
        parts,
        state,
        leftovers.place(one),
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
) -> tuple[Work[WorkAnswer] | Work[AloneAnswer], tuple[Finding, ...], str]:
    state, name = run.state, effect.task
    workbench.own_tests, workbench.due_tests = begun.own_tests, begun.due_tests
    workbench.person = run.person
    remarks: list[Finding] = []
    agreed = ""

    def tell(text: str) -> None:
        run.tell(text, name)

    checking = TaskCheck(parts, run, one, workbench, begun.laid, alone=begun.alone)

    async def pin(done: Work[AloneAnswer]) -> str:
        own = OwnTests(parts, run, one, workbench, steps)
        refusal = await own.pin(done.answer) if done.answer.status == "done" else ""
        return refusal or await check(done)

    async def check(done: Work[WorkAnswer] | Work[AloneAnswer]) -> str:
        nonlocal agreed
        if done.answer.status == "wrong-tests":
            claim = WrongTests(parts, run, one, workbench, begun.laid)
            consent = await claim.consent(steps, done.answer.because)
            agreed = f"\n\nThe Reviewer agrees: {consent.reason}"
            return "" if consent.agree else f"The tests stay as they are. {consent.reason}"
        if done.answer.status != "done":
            return ""
        pinned = run.state.acceptance.files if begun.alone and run.state.acceptance else ()
        checking.laid = (*begun.laid, *pinned)
        checked = await checking.check(steps, done.answer.declared)
        remarks[:] = checked.remarks
        return checked.refusal

    tell(f"the implementer begins {name}")
    brief = await _brief(parts, run, one, effect, begun, workbench)
    limits = parts.settings.limits
    work = partial(
        run_agent,
        brief=replace(brief, notes=NotesOfRun(parts, run, name)),
        workbench=workbench,
        steps=steps,
        models=parts.models.during(tell, run.left_s),
        refusals_max=limits.repairs,
        rung=effect.rung,
        tell=tell,
    )
    how = replace(_how(state), turns=limits.turns_per_task)
    if how.answer is AloneAnswer:
        return await work(how, AloneAnswer, check=pin), tuple(remarks), agreed
    return await work(how, WorkAnswer, check=check), tuple(remarks), agreed


def _how(state: RunState) -> roles.Assignment:
    """Whoever works alone also mends alone, so that the conversation can go on."""
    how = roles.ALONE if state.size == "small" else roles.IMPLEMENT
    return how.speaking(briefs.tested_by(state)).where(from_nothing=state.from_nothing)


async def _told_built(parts: EngineParts, state: RunState, one: TaskState, begun: Beginning) -> str:
    """What was built before: in the tree already, or shown, so that a clean start knows what was tried."""
    if begun.onto:
        diff = await asyncio.to_thread(parts.repository.diff, begun.onto, begun.commit)
        return briefs.built_before(await parts.redactor.clean(diff), in_tree=True)
    # After a conflict both sides are told already.
    source = await leftovers.begins_with(parts, state, one) or (one.kept if one.cause != "conflict" else "")
    return (
        briefs.built_before(await leftovers.difference(parts, state, source), in_tree=False) if source else ""
    )


async def _brief(
    parts: EngineParts,
    run: LiveRun,
    one: TaskState,
    effect: ef.RunTask,
    begun: Beginning,
    workbench: Workbench,
) -> Brief:
    """What is at hand, as a word more in the conversation that it mends the work of, or with all that is needed."""
    state = run.state
    digest = one.digest if one.digest != one.task.instruction else ""
    text = briefs.join(
        briefs.task(one),
        briefs.without(state, one),
        briefs.before(digest),
        briefs.survivors(state),
        await _told_built(parts, state, one, begun),
        await _looked_up(run, effect),
        await _told_acceptance(parts, state, one, begun),
        briefs.since(begun.landed),
    )
    why, earlier = await _earlier(run, effect, begun)
    if earlier:
        return Brief(await parts.redactor.clean(briefs.join(why, text)), earlier=earlier)
    shared = await told(parts, state, workbench.name)
    there = {*standing(state), *begun.laid}
    how, taken = _how(state), sum(map(len, shared)) + len(text)
    shown = await workbenches.shown(
        parts,
        state,
        workbench,
        f"{one.task.instruction}\n{digest}",
        one.task.write_set,
        whole=sorted({test.partition("::")[0] for test in begun.own_tests} & there),
        room=how.room_beside(taken),
        most=how.left_beside(taken),
    )
    return Brief(await parts.redactor.clean(briefs.join(text, shown)), shared)


async def _earlier(run: LiveRun, effect: ef.RunTask, begun: Beginning) -> tuple[str, tuple[Message, ...]]:
    """The conversation that this attempt goes on with, if any, and what came of it.

    It is the one before on the same rung: what it made was in the way of another task's. Or the one in which all of
    what is to be mended was made: a task that answers a red test or a review names no files, so that is sure only
    where one task of the plan has landed.
    """
    state, how = run.state, _how(run.state)
    if effect.rung == "first" and effect.attempt > 0:
        before = _scope(effect.task, effect.revision, effect.attempt - 1)
        return briefs.GOES_ON if begun.onto else briefs.BEGINS_AGAIN, await to_go_on_with(
            run.steps(before), how
        )
    done = [t for t in state.tasks.values() if t.status == "landed"]
    planned = {task.id for task in state.plan.tasks} if state.plan else set()
    if effect.rung != "repair" or sum(t.task.id in planned for t in done) != 1:
        return "", ()
    last = done[-1]
    scope = _scope(last.task.id, last.revision, last.attempt)
    return briefs.MENDS, await to_go_on_with(run.steps(scope), how)


async def _looked_up(run: LiveRun, effect: ef.RunTask) -> str:
    """What an earlier attempt at the same task looked at."""
    if effect.attempt == 0:
        return ""
    said = await spoken(run.steps(_scope(effect.task, effect.revision, effect.attempt - 1)))
    return briefs.looked_up(looked_up(said))


def _scope(task: str, revision: int, attempt: int) -> str:
    return f"/BUILD/{task}.{revision}.{attempt}/implementer"


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
    source = await leftovers.begins_with(parts, state, one)
    begins = await leftovers.laid_on(parts, state, commit, source, laid) if source else ""
    return Beginning(
        commit=begins or commit,
        alone=writes_own_tests(state),
        onto=commit if begins else "",
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
