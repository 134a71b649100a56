"""REVIEW: the reviewer looks at the whole change."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from pydantic import JsonValue

from wainwright.agents import roles
from wainwright.agents.answers import FindingsAnswer
from wainwright.agents.roles import LOOK
from wainwright.agents.spoken import to_go_on_with
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.goal import Stage
from wainwright.domain.shown import in_line
from wainwright.domain.state import RunState
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs
from wainwright.engine.stages.base import beside, change
from wainwright.engine.stages.explaining import explain, review_place
from wainwright.engine.stages.structured_answer import ask
from wainwright.journal import Spend
from wainwright.models.client import Message
from wainwright.tools.shell import HISTORY

COMMITS_NAMED = 30
"""Of those under review, the newest."""


async def review_change(parts: EngineParts, run: LiveRun, effect: ef.ReviewChange) -> Sequence[ev.Event]:
    """Let the reviewer look at the whole change."""
    state = run.state
    assert state.head_tree is not None
    if state.goal.asks == "explanation":
        return await explain(parts, run, effect)
    if state.goal.asks == "look":
        return await review_place(parts, run, effect)
    diff, unshown = await change(parts, state), await beside(parts, state)
    alone = Stage.BUILD not in state.route
    if alone and not diff.strip():
        return (_nothing(state),)
    commits = await asyncio.to_thread(_commits, parts, state)
    base = None if state.from_nothing else state.base_receipt
    receipt = briefs.receipt(state.tested.receipt if state.tested else None, base=base)
    earlier, since = await _last_look(parts, run, effect.number)
    done = await ask(
        parts,
        run,
        replace(roles.REVIEW, tools=(*LOOK, HISTORY)) if alone else roles.REVIEW,
        FindingsAnswer,
        _scope(effect.number),
        lambda _: (
            briefs.join(briefs.AGAIN, since, unshown, receipt)
            if earlier
            else briefs.join(
                briefs.untested(state),
                briefs.skipped(state),
                briefs.before_the_change(state),
                commits,
                briefs.change(state, diff),
                unshown,
                briefs.remarks(state),
                receipt,
            )
        ),
        earlier=earlier,
    )
    summary = done.answer.summary or "The reviewer said nothing more."
    return (ev.Reviewed(tree=state.head_tree, summary=summary, findings=done.answer.findings),)


def _nothing(state: RunState) -> ev.RunFailed:
    """Why there is nothing to look at: said before a model is asked."""
    there = (
        "your files are as in your last commit" if state.person_head else "there is no commit to compare with"
    )
    return ev.RunFailed(
        reason=f"There is nothing to review: {there}.",
        hint="Change something, or name commits: `wainwright review HEAD~3..`.",
    )


def _commits(parts: EngineParts, state: RunState) -> str:
    """The commits under review, the newest first. Blocks."""
    if not state.commits:
        return ""
    start, end = state.commits
    recent = parts.repository.recent(end, COMMITS_NAMED)
    entries = takewhile(lambda one: one.commit != start, recent)
    return "## The commits\n\n" + "\n".join(f"- {one.commit[:10]} {in_line(one.subject)}" for one in entries)


async def _last_look(parts: EngineParts, run: LiveRun, number: int) -> tuple[tuple[Message, ...], str]:
    """What was said when the change was looked at before, and what has changed since; and note this look."""
    head = run.state.head
    assert head is not None

    async def now(_key: str) -> tuple[JsonValue, Spend]:
        return head, Spend()

    await run.steps(_scope(number)).step("look", inputs=None, effect="read", act=now)
    before = run.steps(_scope(number - 1))
    looked, earlier = (
        await before.last("look"),
        await to_go_on_with(
            before.below(roles.REVIEW.name), roles.REVIEW.where(from_nothing=run.state.from_nothing)
        ),
    )
    if looked is None or not earlier:
        return (), ""
    since = await asyncio.to_thread(parts.repository.diff, str(looked[1]), head)
    return earlier, briefs.diff(since, "The difference since your last look")


def _scope(number: int) -> str:
    return f"/REVIEW/{number}"
