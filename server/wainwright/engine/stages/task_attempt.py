"""BUILD: an attempt at a task, and what is checked before it may land."""

import asyncio
from dataclasses import replace

from pydantic import JsonValue

from wainwright.agents import roles
from wainwright.agents.answers import FindingsAnswer, WorkAnswer
from wainwright.agents.loop import OutOfTurns, Work, run_agent
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.errors import BadAnswer
from wainwright.domain.evidence import Finding, Receipt
from wainwright.domain.goal import Fact
from wainwright.domain.plan import covers
from wainwright.domain.state import RunState, TaskState
from wainwright.engine import workbenches
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs
from wainwright.engine.stages.landing import failed, land
from wainwright.engine.stages.recorded import Beginning, begin, recorded_receipt
from wainwright.journal import Spend, Steps
from wainwright.tools import receipts
from wainwright.tools.toolbox import Desk

_OWN_RED = (
    "Acceptance tests of requirements that only this task serves are red. Mend the code. If one can only pass "
    "once another task is there, answer again as you did; the whole is tested when all tasks are merged."
)


class _Checked(Fact):
    """What the engine found out about an answer."""

    refusal: str
    remarks: tuple[Finding, ...] = ()


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
    begun = await begin(steps, _begin_task(run.state, one))
    try:
        done, desk, remarks = await _attempt(parts, run, one, effect, steps, begun)
    except (OutOfTurns, BadAnswer) as error:
        return (failed(parts, effect, "code", error.message),)
    answer = done.answer
    if answer.status != "done":
        cause: ev.FailureCause = "environment" if answer.status == "environment" else "impossible"
        return (failed(parts, effect, cause, answer.because or answer.summary),)
    commit = await desk.checkpoint(one.task.title)
    async with run.integration:
        return await land(parts, run, one, effect, begun.commit, commit, answer.summary, remarks)


async def _attempt(
    parts: EngineParts, run: LiveRun, one: TaskState, effect: ef.RunTask, steps: Steps, begun: Beginning
) -> tuple[Work[WorkAnswer], Desk, tuple[Finding, ...]]:
    state, name = run.state, effect.task
    pinned = frozenset(state.acceptance.files) if state.acceptance else frozenset()
    desk = await workbenches.writing(
        parts,
        state,
        f"{name}-{effect.revision}-{effect.attempt}",
        begun.commit,
        write_set=one.task.write_set,
        claimed=begun.claimed,
        read_only=pinned,
    )
    desk.own_tests, desk.due_tests = begun.own_tests, begun.due_tests
    remarks: list[Finding] = []

    def tell(text: str) -> None:
        run.tell(text, name)

    async def check(done: Work[WorkAnswer]) -> str:
        if done.answer.status != "done":
            return ""
        checked = await _check(parts, run, one, desk, steps)
        remarks[:] = checked.remarks
        return checked.refusal

    tell(f"the implementer begins {name}")
    brief = briefs.join(
        briefs.goal(state),
        briefs.requirements(state),
        briefs.task(one),
        briefs.before(one.digest if one.digest != one.task.instruction else ""),
        briefs.design(state),
        briefs.acceptance(state, begun.own_tests, begun.due_tests),
        briefs.tests(state),
        briefs.since(begun.landed),
        await workbenches.shown(parts, state, desk, one.task.instruction, one.task.write_set),
    )
    limits = parts.settings.limits
    done = await run_agent(
        replace(roles.IMPLEMENT, turns=limits.turns_per_task),
        WorkAnswer,
        parts.redactor.redact(brief),
        desk=desk,
        steps=steps,
        models=parts.models,
        check=check,
        refusals_max=limits.repairs,
        rung=effect.rung,
        tell=tell,
    )
    return done, desk, tuple(remarks)


async def _check(parts: EngineParts, run: LiveRun, one: TaskState, desk: Desk, steps: Steps) -> _Checked:
    """May this land? Files, tests, critic, reviewer; recorded as one step, since tests print times."""
    commit = await desk.checkpoint(one.task.title)

    tree = await asyncio.to_thread(desk.repository.tree_of, commit)

    async def act(key: str) -> tuple[JsonValue, Spend]:
        number = int(key.rpartition("#")[2])
        # An attempt that was killed while it was given up may come here again with another tree.
        inside = steps.below(f"check{number}-{tree[:12]}")
        checked = await _look(parts, run, one, desk, inside, commit, first=number == 0)
        return checked.model_dump(mode="json"), Spend()

    found = await steps.step("check", inputs=tree, effect="read", act=act)
    return _Checked.model_validate(found)


async def _look(
    parts: EngineParts, run: LiveRun, one: TaskState, desk: Desk, steps: Steps, commit: str, *, first: bool
) -> _Checked:
    state = run.state
    misplaced = await asyncio.to_thread(_misplaced, desk, commit)
    if misplaced:
        return _Checked(refusal=misplaced)
    receipt = await recorded_receipt(parts, state, desk, steps, commit)
    if receipt is not None:
        broken = state.turned_red(receipt)
        if broken:
            names = ", ".join(broken[:10])
            text = receipts.report_text(receipt, own=broken)
            return _Checked(refusal=f"Green before your change and red now: {names}.\n{text}")
        if first and receipts.red(receipt, desk.due_tests):
            run.tell("sends it back: acceptance tests of its own are red", one.task.id)
            return _Checked(refusal=f"{_OWN_RED}\n{receipts.report_text(receipt, own=desk.due_tests)}")
    findings = await _opinions(parts, run, one, desk, steps, commit, receipt)
    binding = [f for f in findings if f.binding]
    if binding:
        return _Checked(refusal=briefs.findings(tuple(binding), "The review found"), remarks=findings)
    return _Checked(refusal="", remarks=findings)


def _misplaced(desk: Desk, commit: str) -> str:
    """Changes by shell that the edit blocks would have refused, and deletions that were not declared."""
    wrong = []
    for status, path in desk.repository.changes(desk.began_at, commit):
        refusal = desk.refuses(path)
        if refusal:
            wrong.append(f"{path}: {refusal}")
        elif status == "D" and not covers(desk.write_set, path):
            wrong.append(f"{path} is deleted and not in your write set; put it back")
    return "\n".join(wrong)


async def _opinions(
    parts: EngineParts,
    run: LiveRun,
    one: TaskState,
    desk: Desk,
    steps: Steps,
    commit: str,
    receipt: Receipt | None,
) -> tuple[Finding, ...]:
    """The critic looks first and advises; the reviewer verifies and decides."""
    state = run.state
    diff = await asyncio.to_thread(desk.repository.diff, desk.began_at, commit)
    if not diff.strip():
        return ()
    shared = briefs.join(
        briefs.goal(state),
        briefs.requirements(state, one.task.acceptance),
        briefs.design(state),
        briefs.task(one).replace("## Your task", "## The task"),
        briefs.diff(diff),
        briefs.receipt(receipt, own=desk.own_tests),
    )
    reader = await workbenches.reading(parts, state, f"{desk.tree.name}-read", commit)
    run.tell("the critic looks at the change", one.task.id)
    critique = await _opinion(parts, roles.CRITIQUE, shared, reader, steps)
    run.tell("the reviewer looks at the change", one.task.id)
    text = briefs.join(shared, briefs.findings(critique.findings, "The Critic's findings"))
    return (await _opinion(parts, roles.TASK_REVIEW, text, reader, steps)).findings


async def _opinion(
    parts: EngineParts, assignment: roles.Assignment, brief: str, desk: Desk, steps: Steps
) -> FindingsAnswer:
    done = await run_agent(
        assignment,
        FindingsAnswer,
        parts.redactor.redact(brief),
        desk=desk,
        steps=steps.below(assignment.name),
        models=parts.models,
    )
    return done.answer


def _begin_task(state: RunState, one: TaskState) -> Beginning:
    others = [t.task for t in state.unfinished if t.task.id != one.task.id]
    shared = {r for other in others for r in other.acceptance}
    alone = set(one.task.acceptance) - shared
    tests = state.acceptance.tests if state.acceptance else ()
    return Beginning(
        commit=state.present_head,
        claimed=tuple(sorted({path for other in others for path in other.write_set})),
        landed=tuple(t.task.id for t in state.tasks.values() if t.status == "landed"),
        own_tests=tuple(dict.fromkeys(t.test for t in tests if t.requirement in one.task.acceptance)),
        due_tests=tuple(dict.fromkeys(t.test for t in tests if t.requirement in alone)),
    )
