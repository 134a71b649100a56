"""The caps of a run: as a person writes them, and that one was met or raised."""

import re
from typing import Literal

from wainwright.domain.errors import InputError
from wainwright.domain.goal import Fact

HIGHEST_CAP = 10**12
"""US dollars or tokens: a run without a cap is a matter of the settings."""

_MONEY = re.compile(r"\$?\s*(\d+(?:\.\d+)?)\s*(?:\$|usd|dollars?)?", re.IGNORECASE)
_TOKENS = re.compile(r"(\d+(?:\.\d+)?)\s*([km]?)\s*tokens?", re.IGNORECASE)
_MANY = {"": 1, "k": 10**3, "m": 10**6}


class NewCaps(Fact):
    """The caps that somebody wants; both None: as much again, or as they were."""

    usd: float | None = None
    tokens: int | None = None

    def checked(self) -> "NewCaps":
        """The same. Raises InputError for a cap that is none."""
        if any(cap is not None and not 0 <= cap <= HIGHEST_CAP for cap in (self.usd, self.tokens)):
            raise InputError(
                f"A cap is a number from 0 to {HIGHEST_CAP:.0e} of US dollars or tokens.",
                "Give such a number.",
            )
        return self


class CapMet(Fact):
    """A call was not made, because it could have passed a cap: no other begins until the caps are raised."""

    kind: Literal["cap-met"] = "cap-met"
    reason: str
    hint: str = ""


class CapsRaised(Fact):
    """The run has new caps; None: as it was."""

    kind: Literal["caps-raised"] = "caps-raised"
    usd: float | None = None
    tokens: int | None = None
    by: str


def caps_in(text: str) -> NewCaps | None:
    """What ``$5``, ``5``, ``800000 tokens``, ``2m tokens`` or two of these say; empty: as much again.

    None: nothing that is a cap.
    """
    found = NewCaps()
    for part in filter(None, (one.strip() for one in re.split(r",\s+|;|\band\b", text))):
        if (tokens := _TOKENS.fullmatch(part)) is not None:
            many = int(float(tokens[1]) * _MANY[tokens[2].lower()])
            found = found.model_copy(update={"tokens": many})
        elif (money := _MONEY.fullmatch(part)) is not None:
            found = found.model_copy(update={"usd": float(money[1])})
        else:
            return None
    told = [cap for cap in (found.usd, found.tokens) if cap is not None]
    return found if all(0 < cap <= HIGHEST_CAP for cap in told) else None
