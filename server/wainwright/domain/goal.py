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

Size = Literal["small", "medium", "large"]
"""How much work around a goal it is worth; what each leaves out says ``sizes``."""
SIZES: tuple[Size, ...] = ("small", "medium", "large")
Autonomy = Literal["suggest", "auto-edit", "full-auto"]
AUTONOMIES: tuple[Autonomy, ...] = ("suggest", "auto-edit", "full-auto")
"""From the one that asks most to the one that asks least."""
Asks = Literal["change", "explanation", "look"]
"""What comes of a goal: a change, words about what is there, or findings about it as it stands."""
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
    asks: Asks = "change"

    @field_validator("text")
    @classmethod
    def _not_empty(cls, text: str) -> str:
        if not text.strip():
            raise InputError(
                "The goal is empty.", "Say in a sentence what should be true when the work is done."
            )
        # Neither an argument of a command nor the message of a commit can hold the character NUL.
        return text.strip().replace("\0", REPLACEMENT)

    def slug(self, most: int = 40) -> str:
        """A short name for branches and runs: lower-case words of the first line, at most so many characters."""
        return slug(self.text, most) or "goal"

    @property
    def telling(self) -> bool:
        """Whether the goal's own words can name a change: one short sentence that says what of what."""
        words = self.text.split()
        vague = len(words) <= _VAGUE_WORDS_MAX and _VAGUE.search(self.text)
        return len(self.text) <= _TELLING_MAX and "\n" not in self.text and len(words) >= 3 and not vague


_TELLING_MAX = 100
_VAGUE_WORDS_MAX = 8
_VAGUE = re.compile(
    r"\b(bugs?|issues?|problems?|errors?|things?|stuff|it|this|that|better|faster|nicer|improve|clean ?up|work)\b",
    re.IGNORECASE,
)
_HANGING = frozenset(
    ["a", "an", "and", "as", "by", "for", "from", "in", "of", "on", "or", "so", "the", "to", "with"]
)


def slug(text: str, most: int = 40) -> str:
    """The lower-case words of a first line, joined by hyphens: at most so many characters, no word left hanging."""
    chosen: list[str] = []
    for word in re.findall(r"[a-z0-9]+", text.lower().splitlines()[0] if text.strip() else ""):
        if len("-".join([*chosen, word])) > most:
            break
        chosen.append(word)
    while len(chosen) > 1 and chosen[-1] in _HANGING:
        chosen.pop()
    return "-".join(chosen)
