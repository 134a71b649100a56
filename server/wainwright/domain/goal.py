"""What the person asked, how far the run may go by itself, and the stages it passes."""

import re
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from wainwright.domain.errors import InputError
from wainwright.domain.text import REPLACEMENT, clean_within


class Fact(BaseModel):
    """Base of every value that is stored or crosses a room: frozen, and unknown keys are refused.

    Its texts can be written down, wherever they come from: see ``text.clean``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _clean(cls, given: Any) -> Any:
        return clean_within(given)


class Stage(StrEnum):
    """Where a run is on its way."""

    NEW = "NEW"
    PLANNING = "PLANNING"
    DESIGN = "DESIGN"
    BUILD = "BUILD"
    TEST = "TEST"
    REVIEW = "REVIEW"
    DEPLOY = "DEPLOY"
    MONITOR = "MONITOR"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


WAY: tuple[Stage, ...] = (
    Stage.NEW,
    Stage.PLANNING,
    Stage.DESIGN,
    Stage.BUILD,
    Stage.TEST,
    Stage.REVIEW,
    Stage.DEPLOY,
    Stage.MONITOR,
    Stage.DONE,
)
"""The way in order; FAILED and CANCELLED are its other ends."""

WORKING: tuple[Stage, ...] = WAY[1:-1]
"""The stages that do work and that a route may leave out."""

ENDS: frozenset[Stage] = frozenset({Stage.DONE, Stage.FAILED, Stage.CANCELLED})

Autonomy = Literal["suggest", "auto-edit", "full-auto"]
Trust = Literal["trusted", "untrusted"]
Role = Literal["planner", "designer", "implementer", "tester", "reviewer", "critic", "deployer", "monitor"]
ROLES: tuple[Role, ...] = (
    "planner",
    "designer",
    "implementer",
    "tester",
    "reviewer",
    "critic",
    "deployer",
    "monitor",
)


class Place(Fact):
    """Where the person stood: a file, relative to the workspace, and 1-based lines of it."""

    path: str
    first_line: int | None = None
    last_line: int | None = None
    text: str = ""
    """The selected text, or the line of the TODO."""
    diagnostics: tuple[str, ...] = ()


class Goal(Fact):
    """What the person asked, in their words."""

    text: str = Field(max_length=20_000)
    place: Place | None = None

    @field_validator("text")
    @classmethod
    def _not_empty(cls, text: str) -> str:
        if not text.strip():
            raise InputError(
                "The goal is empty.", "Say in a sentence what should be true when the work is done."
            )
        # Neither an argument of a command nor the message of a commit can hold the character NUL.
        return text.strip().replace("\0", REPLACEMENT)

    def slug(self) -> str:
        """A short name for branches: lower-case words of the first line, at most 40 characters."""
        words = re.findall(r"[a-z0-9]+", self.text.lower().splitlines()[0])
        slug = ""
        for word in words:
            if len(slug) + len(word) + 1 > 40:
                break
            slug = f"{slug}-{word}" if slug else word
        return slug or "goal"


def title(text: str) -> str:
    """The first line of a text, at most 80 characters, cut between words."""
    line = text.strip().splitlines()[0]
    return line if len(line) <= 80 else line[:78].rsplit(" ", 1)[0] + " …"
