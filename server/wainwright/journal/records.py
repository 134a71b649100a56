"""What goes into the journal and comes out of it, as values."""

from typing import Literal, NamedTuple

from pydantic import Field, JsonValue

from wainwright.domain.goal import Fact


class Reservation(Fact):
    """The most a step may cost; reserved before it."""

    usd: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    tokens: int = Field(default=0, ge=0)


NOTHING = Reservation()


class Spend(Fact):
    """What a step did cost."""

    usd: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    tokens: int = Field(default=0, ge=0)


class Used(NamedTuple):
    """What model calls took that were answered, or may have been."""

    calls: int
    usd: float
    tokens: int


class RunRow(Fact):
    """What the journal knows of a run without reading its events."""

    run: str
    created: float
    goal: str
    owned: bool
    """A live process owns it now."""
    abandoned: bool = False
    """Whether the process that owned it died."""
    process: int = 0
    """The id that the process which owns or owned it has or had; 0: nobody does."""
    stalled: bool = False
    """Whether its owner lives, and has not said so for longer than its lease: stopped, or busy beyond measure."""


class Account(Fact):
    """Money and tokens of a run; ``lost`` counts calls that were under way when a process died."""

    cap_usd: float | None
    cap_tokens: int | None
    spent_usd: float
    spent_tokens: int
    calls: int
    lost: int
    unpriced: int = 0
    """Calls that ended and whose price nobody knows."""


EffectClass = Literal["read", "idempotent", "external", "llm"]
"""Whether a step may be done again: ``read`` only looked, ``idempotent`` comes to the same from the same beginning,
``llm`` is asked and paid again, ``external`` may not be: it changes or destroys what nothing here brings back."""


class Signal(Fact):
    """Something another process asks the owner of a run to do."""

    id: str
    body: dict[str, JsonValue]


class Lease(Fact):
    """The right to write to a run, until somebody else claims it."""

    run: str
    epoch: int


class Row(NamedTuple):
    """One row of a run, all that its hash covers: a fact, the beginning or the outcome of a step, or bookkeeping."""

    seq: int
    kind: str
    key: str
    effect: str
    fingerprint: str
    usd: float
    tokens: int
    body: str
    epoch: int
    at: float
