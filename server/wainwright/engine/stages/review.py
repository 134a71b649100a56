"""REVIEW: the reviewer looks at the whole change, and what passed is handed over."""

import asyncio
from collections.abc import Sequence

from wainwright.agents import roles
from wainwright.agents.answers import FindingsAnswer
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs
from wainwright.engine.stages.base import change
from wainwright.engine.stages.structured_answer import ask
from wainwright.engine.views.documents import folder, write

PATCH = "changes.patch"


async def review_change(parts: EngineParts, run: LiveRun, effect: ef.ReviewChange) -> Sequence[ev.Event]:
    """Let the reviewer look at the whole change."""
    state = run.state
    assert state.head_tree is not None
    diff = await change(parts, state)
    receipt = state.tested.receipt if state.tested else None
    done = await ask(
        parts,
        run,
        roles.REVIEW,
        FindingsAnswer,
        f"/REVIEW/{effect.number}",
        lambda _: briefs.join(
            briefs.untested(state),
            briefs.notes(state),
            briefs.diff(diff),
            briefs.remarks(state),
            briefs.receipt(receipt, base=state.base_receipt),
        ),
    )
    summary = done.answer.summary or "The reviewer said nothing more."
    return (ev.Reviewed(tree=state.head_tree, summary=summary, findings=done.answer.findings),)


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
