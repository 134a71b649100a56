"""Hunks: what a change replaces in one file in one piece, numbered through, and what a person says of each.

What is told here of a change is for a person; what is taken over or left out is made of the commits themselves.
"""

from typing import Literal

from wainwright.domain.goal import Fact

HunkDecision = Literal["accept", "reject", "change"]
"""``reject``: it is left out, and BUILD is told why; ``change``: the same, and BUILD begins with what it was;
``accept``: it is taken over, as one that nobody said anything of is."""


class Hunk(Fact):
    """Lines of a file as they were, and what they become. The first line is 0."""

    number: int
    """From 1, through all files of the change."""
    old_start: int = 0
    old_len: int = 0
    new_start: int = 0
    new_len: int = 0
    lines: str = ""
    """As in a unified diff, context included; empty for what text cannot show."""


class ShownFile(Fact):
    """A file of a change, in hunks. What cannot be shown or taken in parts is one hunk."""

    path: str
    kind: Literal["created", "modified", "deleted"]
    hunks: tuple[Hunk, ...]
    tasks: tuple[str, ...] = ()
    """Whose commits changed it, in order."""
    serves: tuple[str, ...] = ()
    """The requirements that those tasks serve."""
    note: str = ""
    """What its lines do not show, in a sentence."""
    whole: bool = False
    """It is taken over as a whole or not at all: what is created, deleted, or no text."""


class ChangeShown(Fact):
    """A change was put where the person can look at it, before they are asked whether it is taken over."""

    kind: Literal["change-shown"] = "change-shown"
    commit: str
    """The head of the run; what is handed over has trailers that this one lacks."""
    tree: str
    branch: str | None = None
    patch: str | None = None
    """Path of a patch file, where there is no repository to take a branch."""
    files: tuple[ShownFile, ...] = ()

    @property
    def hunks(self) -> dict[int, tuple[ShownFile, Hunk]]:
        """All hunks by number, each with its file."""
        return {hunk.number: (file, hunk) for file in self.files for hunk in file.hunks}


class HunksDecided(Fact):
    """A person said something of hunks of the change that is shown."""

    kind: Literal["hunks-decided"] = "hunks-decided"
    commit: str
    """Which change they looked at."""
    hunks: tuple[int, ...]
    decision: HunkDecision
    reason: str = ""
    by: str
