"""PLANNING: the planner answers with requirements and tasks."""

from collections.abc import Collection, Sequence

from wainwright.agents import roles
from wainwright.agents.loop import Work
from wainwright.agents.spoken import looked_up, spoken
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.plan import Plan
from wainwright.domain.sizes import asked
from wainwright.domain.state import RunState, TaskState
from wainwright.engine import workbenches
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs, leftovers
from wainwright.engine.stages.base import change
from wainwright.engine.stages.structured_answer import ask


async def make_plan(parts: EngineParts, run: LiveRun, effect: ef.MakePlan) -> Sequence[ev.Event]:
    """Let the planner make a plan, told what became of the one before."""
    state = run.state
    landed = await change(parts, state) if state.base != state.head else ""
    aside = {one.task.id: await _aside(parts, state, one) for one in state.set_aside.values()}
    aside = {name: told for name, told in aside.items() if told}
    seen = await _looked_up(run)
    sure = (await workbenches.shared(parts, state, "planner")).sure
    done = await ask(
        parts,
        run,
        roles.PLAN,
        Plan,
        f"/PLANNING/{effect.revision}",
        lambda shown: briefs.join(
            asked(state),
            briefs.before(effect.digest),
            briefs.former(state),
            seen,
            *aside.values(),
            briefs.diff(landed, "What has landed so far and stays") if landed else "",
            shown,
        ),
        check=lambda answer: _check_plan(parts, state, answer, frozenset(aside)),
        about=effect.digest or ("" if sure else state.goal.text),
    )
    return (ev.PlanProposed(plan=done.answer),)


async def _check_plan(parts: EngineParts, state: RunState, done: Work[Plan], aside: Collection[str]) -> str:
    taken = sorted({t.id for t in done.answer.tasks} & set(state.tasks))
    if taken:
        return f"Task ids of work that has landed cannot be used again: {', '.join(taken)}."
    lost = sorted({t.starts_from for t in done.answer.tasks} - {"", *aside})
    if lost:
        there = ", ".join(sorted(aside)) or "nothing"
        return f"Nothing that was built is called {', '.join(lost)}; `starts_from` may name: {there}."
    return parts.settings.commands.rules.judge([suite.command for suite in done.answer.suites]).refusal


async def _aside(parts: EngineParts, state: RunState, one: TaskState) -> str:
    """What was built for a task of the plan before and did not land, for the planner; empty: nothing."""
    commit = await leftovers.built(parts, state, one)
    diff = await leftovers.difference(parts, state, commit) if commit else ""
    return briefs.set_aside(one, diff) if diff.strip() else ""


async def _looked_up(run: LiveRun) -> str:
    """What the planner of the plan before looked at: it need not look for it again."""
    state = run.state
    if state.former_plan is None:
        return ""
    said = await spoken(run.steps(f"/PLANNING/{state.revision}/{roles.PLAN.name}"))
    return briefs.looked_up(looked_up(said))
