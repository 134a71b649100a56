"""PLANNING: the planner answers with requirements and tasks."""

from collections.abc import Sequence

from wainwright.agents import roles
from wainwright.agents.loop import Work
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.plan import Plan
from wainwright.domain.state import RunState
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs
from wainwright.engine.stages.base import change
from wainwright.engine.stages.structured_answer import ask


async def make_plan(parts: EngineParts, run: LiveRun, effect: ef.MakePlan) -> Sequence[ev.Event]:
    """Let the planner make a plan, told what became of the one before."""
    state = run.state
    landed = await change(parts, state) if state.base != state.head else ""
    done = await ask(
        parts,
        run,
        roles.PLAN,
        Plan,
        f"/PLANNING/{effect.revision}",
        lambda shown: briefs.join(
            briefs.before(effect.digest),
            briefs.former(state),
            briefs.diff(landed, "What has landed so far and stays") if landed else "",
            shown,
        ),
        check=lambda answer: _check_plan(state, answer),
        about=effect.digest,
    )
    return (ev.PlanProposed(plan=done.answer),)


async def _check_plan(state: RunState, done: Work[Plan]) -> str:
    taken = sorted({t.id for t in done.answer.tasks} & set(state.tasks))
    return f"Task ids of work that has landed cannot be used again: {', '.join(taken)}." if taken else ""
