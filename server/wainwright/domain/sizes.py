"""What the size of a goal leaves out. The machine decides it; what is left out is an event with its reason.

size    | design | tests before the change | critic | a review of each task | a review of the whole
--------|--------|-------------------------|--------|-----------------------|----------------------
small   | no     | the implementer's own   | no     | no                    | yes
medium  | no     | the tester's            | no     | of several tasks      | of one task
large   | yes    | the tester's            | yes    | yes                   | yes
"""

import re

from wainwright.domain.goal import SIZES, Size
from wainwright.domain.state import RunState

_NAMED = re.compile(rf"\s*({'|'.join(SIZES)})\s*([:;,.!\n]|$)", re.IGNORECASE)


def designs(state: RunState) -> bool:
    """Whether somebody settles how, between plan and code."""
    return state.size == "large"


def writes_own_tests(state: RunState) -> bool:
    """Whether the implementer of the present work writes its acceptance tests, and none is pinned yet."""
    return state.size == "small" and state.acceptance is None and bool(state.unfinished)


def criticises(state: RunState) -> bool:
    """Whether a critic looks at a task before the reviewer."""
    return state.size == "large"


def reviews_tasks(state: RunState) -> bool:
    """Whether each task is reviewed before it lands."""
    return state.size == "large" or (state.size == "medium" and _several(state))


def reviews_whole(state: RunState) -> bool:
    """Whether the whole change is reviewed: not where each of its tasks was."""
    of_this_plan = all(one.revision == state.revision for one in state.tasks.values())
    return not (state.size == "medium" and _several(state) and of_this_plan)


def _several(state: RunState) -> bool:
    return state.plan is not None and len(state.plan.tasks) > 1


def reason(state: RunState) -> str:
    """Why the goal has its size."""
    if state.chosen_size is not None:
        return "the person says so"
    if state.resized is not None:
        return state.resized.reason
    return state.plan.size_reason if state.plan else ""


def told(state: RunState) -> str:
    """The size of the goal and its reason in a sentence; empty where nobody has sized it."""
    if not (state.chosen_size or state.resized or (state.plan and state.plan.size)):
        return ""
    why = reason(state).strip().rstrip(".")
    return f"The goal is {state.size}{f': {why}' if why else ''}."


def asked(state: RunState) -> str:
    """The size that the person gave the goal, as the planner is told; empty where they gave none."""
    size = state.chosen_size
    return f"## Size\n\nThe person says that this goal is {size}. Plan it so." if size else ""


def named(text: str) -> Size | None:
    """The size that a person's words begin with, as in ``large`` or ``medium: there are two formats``."""
    found = _NAMED.match(text)
    return next(size for size in SIZES if size == found[1].lower()) if found else None
