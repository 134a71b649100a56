"""The goal document: what of it is the goal, where the caret stands, and what in it could be misread."""

import re
from dataclasses import dataclass
from typing import Literal

from wainwright.domain.goal import Goal

LONGEST = 20_000
"""Characters of a goal."""
TEMPLATE = "# Goal\n\n"
CARET = 2
"""The line of the template, from 0, where one types."""
_TITLE = re.compile(r"\A\s*#{1,6}[ \t]+goal[ \t]*:?[ \t]*#*[ \t]*(?:\r?\n|\Z)", re.IGNORECASE)
_HEADING = re.compile(r"\A(\s*)#{1,6}[ \t]+([^\r\n]*)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass(frozen=True)
class Unclear:
    """A place of the document that says something else than it seems to; offsets count characters."""

    start: int
    end: int
    message: str
    severity: Literal["error", "warning", "information"]


def goal_text(document: str) -> str:
    """The goal in a goal document: all but comments and the title *Goal*. Another heading belongs to it."""
    text = _COMMENT.sub("", document)
    without = _TITLE.sub("", text, count=1)
    return _HEADING.sub(r"\1\2", without, count=1).strip()


def unclear(document: str) -> list[Unclear]:
    """What somebody should know before they start from this document."""
    found = []
    goal = goal_text(document)
    whole = (0, len(document))
    opens = _COMMENT.sub(lambda comment: " " * len(comment[0]), document).find("<!--")
    if opens >= 0:
        told = "This comment has no end, so that all behind it belongs to the goal. End it with -->."
        found.append(Unclear(opens, opens + 4, told, "warning"))
    if not goal:
        told = "There is no goal yet: say below in a sentence what should be true when the work is done."
        found.append(Unclear(*whole, told, "information"))
    elif len(goal) > LONGEST:
        told = (
            f"The goal is longer than {LONGEST} characters: put the long parts into a file, and name it here."
        )
        found.append(Unclear(*whole, told, "error"))
    elif len(goal.split()) < 3 or ("\n" not in goal and len(goal) <= 60 and not Goal(text=goal).telling):
        told = "It is not clear what is to be true when this is done: say of what, and how one would see it."
        found.append(Unclear(*whole, told, "information"))
    return found
