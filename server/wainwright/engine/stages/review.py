"""REVIEW: the reviewer looks at the whole change, and what passed is handed over."""

import asyncio
from collections.abc import Sequence

from pydantic import JsonValue

from wainwright.agents import roles
from wainwright.agents.answers import FindingsAnswer
from wainwright.agents.spoken import to_go_on_with
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs
from wainwright.engine.stages.base import change
from wainwright.engine.stages.structured_answer import ask
from wainwright.engine.views.documents import folder, write
from wainwright.journal import Spend
from wainwright.models.client import Message

PATCH = "changes.patch"


async def review_change(parts: EngineParts, run: LiveRun, effect: ef.ReviewChange) -> Sequence[ev.Event]:
    """Let the reviewer look at the whole change."""
    state = run.state
    assert state.head_tree is not None
    diff = await change(parts, state)
    receipt = briefs.receipt(state.tested.receipt if state.tested else None, base=state.base_receipt)
    earlier, since = await _last_look(parts, run, effect.number)
    done = await ask(
        parts,
        run,
        roles.REVIEW,
        FindingsAnswer,
        _scope(effect.number),
        lambda _: (
            briefs.join(briefs.AGAIN, since, receipt)
            if earlier
            else briefs.join(
                briefs.untested(state), briefs.notes(state), briefs.diff(diff), briefs.remarks(state), receipt
            )
        ),
        earlier=earlier,
    )
    summary = done.answer.summary or "The reviewer said nothing more."
    return (ev.Reviewed(tree=state.head_tree, summary=summary, findings=done.answer.findings),)


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
        await to_go_on_with(before.below(roles.REVIEW.name), roles.REVIEW),
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
    changeset = await asyncio.to_thread(parts.repository.changeset, base, head)
    branch = await asyncio.to_thread(parts.repository.deliver, state.goal.slug(), head)
    patch = None
    if branch is None:
        text = await asyncio.to_thread(parts.repository.diff, base, head)
        path = folder(parts.workspace, state.run) / PATCH
        await asyncio.to_thread(write, parts.workspace, path, text)
        patch = str(path.relative_to(parts.workspace))
    run.tell(f"hands over {len(changeset.files)} files")
    answer = await parts.editor.apply(state.run, changeset)
    detail = " ".join(filter(None, (_other_name(branch), answer.detail)))
    return (ev.Delivered(commit=head, branch=branch, patch=patch, editor=answer.status, detail=detail),)


def _other_name(branch: str | None) -> str:
    """Say why a branch is not called as branches of runs usually are."""
    if branch is None or branch.startswith("wainwright/"):
        return ""
    return f"The branch is called {branch}: your branch `wainwright` leaves no room for one named `wainwright/...`."
