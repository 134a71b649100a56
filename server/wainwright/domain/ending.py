"""What a person is told when a run ends: what was done, what is missing, where it is, how it goes on."""

import shlex

from wainwright.domain.gates import NOBODY_AGREED
from wainwright.domain.goal import Stage
from wainwright.domain.shown import in_line
from wainwright.domain.skipping import skipped
from wainwright.domain.state import RunState, TaskState


def ending(state: RunState) -> tuple[str, ...]:
    """Sentences about a run that ended unfinished, once it is known what was kept, or that did not deploy."""
    kept, plan = state.kept, state.deployment_plan
    if state.stage is Stage.DONE and plan is not None and state.skips.get(Stage.DEPLOY) == NOBODY_AGREED:
        return (
            f"It was {NOBODY_AGREED}: `{in_line(shlex.join(plan.command))}`.",
            f"`wainwright deploy {state.run}` starts it, fenced, on this machine's loopback.",
        )
    if kept is None or state.stage not in (Stage.FAILED, Stage.CANCELLED):
        return ()
    told = [*_tasks(state)]
    if kept.branch:
        told.append(f"What landed is on branch `{kept.branch}`. {take_over(kept.branch, kept.way)}")
    if kept.patches:
        named = ", ".join(f"`{path}`" for path in kept.patches)
        told.append(f"What is on no branch is kept as a patch: {named}.")
    if not (kept.branch or kept.patches or kept.detail):
        told.append("Nothing was built, so nothing is kept.")
    if kept.detail:
        told.append(kept.detail)
    hint = state.failure.hint if state.failure else ""
    on = f"wainwright resume {state.run}"
    return (*told, *(() if on in hint else (f"`{on}` goes on.",)))


def _tasks(state: RunState) -> list[str]:
    tasks = list(state.tasks.values())
    landed = [one for one in tasks if one.status == "landed"]
    told = [f"Done: {_named(landed)}."] if landed else []
    gone = list(skipped(state))
    told += [f"Skipped: {_named(gone)}."] if gone else []
    missing = [one for one in tasks if one.status not in ("landed", "skipped")]
    if missing:
        told.append(f"Missing: {_named(missing)}.")
    elif state.stopped_at is not None:
        told.append(f"Missing: what comes from {state.stopped_at} on.")
    return told


def _named(tasks: list[TaskState]) -> str:
    return ", ".join(f"{one.task.id} ({one.task.title})" for one in tasks)


def take_over(branch: str, way: str) -> str:
    """How a branch is taken over by the way that was tried, in a sentence."""
    if way.startswith("git reset"):
        return f"Its change is in your files already: `{way}` puts your branch on its commits and touches no file."
    if way.startswith("git worktree"):
        return f"It cannot be merged as your files stand: `{way}` opens it beside them."
    if way.startswith("git stash") and not way.endswith("pop"):
        return f"`{way}` takes it over; what you had not committed is in it, and in the stash as well."
    return f"`{way}` takes it over." if way else f"`git log {branch}` shows it."
