"""Caps beside those of a run's money and tokens, which the journal keeps: on one call, on requests, a role, a day.

They are looked at when a call is about to go out, so that a reply that was recorded never meets them. What is under
way counts with its reservation until its outcome is written, in this process and, for a day, in others: calls side by
side pass no cap together.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from wainwright.domain.errors import BudgetExceeded
from wainwright.journal import Reservation, Steps, Used
from wainwright.models.client import Price
from wainwright.settings import BudgetSettings, Candidate, RoleBudget

LEAST_OUTPUT = 512
"""Tokens of output below which a call is not worth its input."""


_NO_CAP = RoleBudget()


class LeftOut(BudgetExceeded):
    """A candidate was not asked for what a call may cost; another one may do."""


class TooDear(LeftOut):
    """No call of use fits into the caps on one call."""

    raisable = False


class CapMet(BudgetExceeded):
    """A cap of the settings was met; a higher cap of the run would not help."""

    raisable = False


class _Held(NamedTuple):
    """A call that is under way."""

    run: str
    role: str
    reservation: Reservation


class Caps:
    """What the settings let through. ``now`` gives the time in seconds since 1970."""

    def __init__(self, budget: BudgetSettings, now: Callable[[], float] = time.time) -> None:
        self._budget = budget
        self._run = RoleBudget(requests=budget.requests)
        self._day = RoleBudget(usd=budget.day_usd, tokens=budget.day_tokens)
        self._of_no_run = self._run == self._day == _NO_CAP
        self._now = now
        self._held: dict[int, _Held] = {}
        self._numbers = itertools.count()
        self._lock = asyncio.Lock()

    def room(self, candidate: Candidate, asked: int, told: int, price: Price | None) -> int:
        """The tokens of output that the caps on one call let it have, ``told`` at most.

        ``asked`` bounds its input. Raises TooDear when what is left is of no use.
        """
        room = told
        if self._budget.call_tokens is not None:
            room = min(room, self._budget.call_tokens - asked)
        if self._budget.call_usd is not None and price is not None:
            left = self._budget.call_usd - price.worst(asked, 0)
            each = price.worst(asked, 1) - price.worst(asked, 0)
            room = min(room, int(left / each)) if each else room if left >= 0 else 0
        if room < min(told, LEAST_OUTPUT):
            raise TooDear(
                f"{candidate.model}: a call with up to {asked} tokens of input leaves no room for a reply within "
                "the caps on one call.",
                "Raise budget.call_usd or budget.call_tokens, or set a cheaper model for this role.",
            )
        return room

    @contextmanager
    def holding(self) -> Iterator[int]:
        """The number under which a call takes its room; it has it until the block ends."""
        number = next(self._numbers)
        try:
            yield number
        finally:
            self._held.pop(number, None)

    async def take(self, number: int, steps: Steps, role: str, reservation: Reservation) -> None:
        """Take room for a call that goes out now. Raises CapMet."""
        run, day = self._run, self._day
        own = self._budget.roles.get(role, _NO_CAP)
        if self._of_no_run and own is _NO_CAP:
            return
        async with self._lock:
            # Looked at before the journal is: what ends in between is counted twice rather than not at all.
            held = list(self._held.values())
            in_run = [one for one in held if one.run == steps.run]
            if run != _NO_CAP:
                _check(run, await steps.used(), in_run, reservation, "the run", "budget")
            if own != _NO_CAP:
                of_role = [one for one in in_run if one.role == role]
                whose = f"the {role} in this run"
                _check(own, await steps.used(role=role), of_role, reservation, whose, f"budget.roles.{role}")
            if day != _NO_CAP:
                used = await steps.used(since=self._midnight())
                _check(day, used, held, reservation, "all runs today", "budget.day")
            self._held[number] = _Held(steps.run, role, reservation)

    def _midnight(self) -> float:
        today = datetime.fromtimestamp(self._now()).astimezone()
        return today.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _check(
    cap: RoleBudget, used: Used, held: Sequence[_Held], more: Reservation, whose: str, setting: str
) -> None:
    """Raise CapMet when one more call could pass a cap."""
    calls = used.calls + len(held)
    usd = used.usd + sum(one.reservation.usd for one in held)
    tokens = used.tokens + sum(one.reservation.tokens for one in held)
    if cap.requests is not None and calls >= cap.requests:
        met = f"{calls} model calls of {whose} were made or are under way; {cap.requests} are allowed"
    elif cap.usd is not None and usd + more.usd > cap.usd:
        met = (
            f"The next call may cost ${more.usd:.4f}; ${usd:.4f} of the ${cap.usd:.2f} of {whose} "
            "is spent or held"
        )
    elif cap.tokens is not None and tokens + more.tokens > cap.tokens:
        met = (
            f"The next call may take {more.tokens} tokens; {tokens} of the {cap.tokens} of {whose} "
            "are spent or held"
        )
    else:
        return
    later = "Go on tomorrow with `wainwright resume`, or raise" if setting.endswith("day") else "Raise"
    raise CapMet(f"{met}.", f"{later} the cap under {setting} in your config.toml, then `wainwright resume`.")
