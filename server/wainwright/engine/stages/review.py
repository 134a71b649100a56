"""REVIEW: the reviewer looks at the whole change, and what passed is handed over."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import takewhile

from pydantic import JsonValue

from wainwright.agents import roles
from wainwright.agents.answers import FindingsAnswer
from wainwright.agents.roles import LOOK
from wainwright.agents.spoken import to_go_on_with
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.control_files import CONTROL
from wainwright.domain.gates import agreed_by_person
from wainwright.domain.goal import Stage, slug
from wainwright.domain.shown import in_line
from wainwright.domain.state import RunState
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs
from wainwright.engine.stages.anchoring import anchored
from wainwright.engine.stages.base import beside, change
from wainwright.engine.stages.explaining import explain, review_place
from wainwright.engine.stages.landing import control_files
from wainwright.engine.stages.structured_answer import ask
from wainwright.engine.views.documents import folder, write
from wainwright.journal import Spend
from wainwright.models.client import Message
from wainwright.tools.shell import HISTORY
from wainwright.workspace import takeover

PATCH = "changes.patch"
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


async def hand_over(parts: EngineParts, run: LiveRun) -> Sequence[ev.Event]:
    """Put the change on a branch, or into a patch, and into the editor the run was started from."""
    state = run.state
    base, head = state.base, state.head
    assert base is not None
    assert head is not None
    if base == head:
        return (ev.Delivered(commit=head, detail="Nothing was changed."),)
    head = await anchored(parts, run, head)
    changeset = await asyncio.to_thread(parts.repository.changeset, base, head)
    branch = await asyncio.to_thread(parts.repository.deliver, branch_slug(state), head)
    patch = None
    if branch is None:
        text = await asyncio.to_thread(parts.repository.diff, base, head)
        path = folder(parts.workspace, state.run) / PATCH
        await asyncio.to_thread(write, parts.workspace, path, text)
        patch = str(path.relative_to(parts.workspace))
    run.tell(f"hands over {len(changeset.files)} files")
    # A run that a person did not agree to reaches no farther than its branch with these.
    left = () if agreed_by_person(state) else await asyncio.to_thread(control_files, parts, state, head)
    files = tuple(file for file in changeset.files if file.path not in left)
    answer = await parts.editor.apply(state.run, changeset.model_copy(update={"files": files}))
    if left and answer.status == "applied":
        answer = answer.model_copy(update={"status": "partial"})
    detail = " ".join(filter(None, (_other_name(branch), answer.detail, _on_branch_only(left))))
    # Only now: what the editor did decides which way works.
    way = ""
    if branch is not None:
        taken = partial(takeover.way, applied=answer.status == "applied")
        way = await asyncio.to_thread(taken, parts.repository.place, base, head, branch)
    delivered = ev.Delivered(
        commit=head, branch=branch, patch=patch, editor=answer.status, detail=detail, way=way
    )
    return (delivered,)


def branch_slug(state: RunState) -> str:
    """What a branch of the run is called: by the goal where that is short and says it, else by what was done."""
    titles = [one.task.title for one in state.tasks.values()]
    if state.goal.telling or not titles:
        return state.goal.slug()
    return slug(titles[0]) or state.goal.slug()


def _on_branch_only(control: tuple[str, ...]) -> str:
    """Say which files a person has to take over."""
    told = ", ".join(map(in_line, control))
    return (
        f"It changes {CONTROL}, and nobody was asked: look at them before you take them over. {told}."
        if told
        else ""
    )


def _other_name(branch: str | None) -> str:
    """Say why a branch is not called as branches of runs usually are."""
    if branch is None or branch.startswith("wainwright/"):
        return ""
    return f"The branch is called {branch}: your branch `wainwright` leaves no room for one named `wainwright/...`."
