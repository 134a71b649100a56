"""What is looked at without a change: an explanation of what is there, and a review of a file as it stands."""

from collections.abc import Sequence

from wainwright.agents import roles
from wainwright.agents.answers import ExplainAnswer, FindingsAnswer
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.shown import in_line
from wainwright.domain.state import RunState
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs
from wainwright.engine.stages.structured_answer import ask


async def explain(parts: EngineParts, run: LiveRun, effect: ef.ReviewChange) -> Sequence[ev.Event]:
    """Let the reviewer explain what the person asks about."""
    done = await ask(
        parts,
        run,
        roles.EXPLAIN,
        ExplainAnswer,
        f"/REVIEW/{effect.number}",
        lambda shown: shown,
        about=_about(run.state),
    )
    told = next(one.text for one in done.documents if one.name in roles.EXPLAIN.documents)
    return (ev.Reviewed(tree=run.state.head_tree or "", summary=told),)


async def review_place(parts: EngineParts, run: LiveRun, effect: ef.ReviewChange) -> Sequence[ev.Event]:
    """Let the reviewer look at what the person names as it stands."""
    place = run.state.goal.place
    assert place is not None
    lines = f", lines {place.first_line} to {place.last_line}" if place.first_line else ""
    what = (
        f"## What to look at\n\n`{in_line(place.path)}`{lines}, as it stands: there is no change to judge. Look it "
        "up, with what it is used by. Note what is wrong there; its route is `defer`."
    )
    done = await ask(
        parts,
        run,
        roles.REVIEW,
        FindingsAnswer,
        f"/REVIEW/{effect.number}",
        lambda shown: briefs.join(what, shown),
        about=_about(run.state),
    )
    summary = done.answer.summary or "The reviewer said nothing more."
    return (ev.Reviewed(tree=run.state.head_tree or "", summary=summary, findings=done.answer.findings),)


def _about(state: RunState) -> str:
    place = state.goal.place
    return "\n".join(filter(None, (state.goal.text, place.path if place else "")))
