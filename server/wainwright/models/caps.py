"""Caps beside those of a run's money and tokens, which the journal keeps: on one call, on requests, on a day.

They are looked at when a call is about to go out, so that a reply that was recorded never meets them. What is under
way in this process counts with its reservation until its outcome is written: calls side by side pass no cap together.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from wainwright.domain.errors import BudgetExceeded
from wainwright.journal import Reservation, Steps, Used
from wainwright.models.client import Price
from wainwright.settings import BudgetSettings, Candidate

LEAST_OUTPUT = 512
"""Tokens of output below which a call is not worth its input."""


class LeftOut(BudgetExceeded):
    """A candidate was not asked for what a call may cost; another one may do."""


class TooDear(LeftOut):
    """No call of use fits into the caps on one call."""

    raisable = False


class CapMet(BudgetExceeded):
    """A cap of the settings was met; a higher cap of the run would not help."""

    raisable = False


class Caps:
    """What the settings let through. ``now`` gives the time in seconds since 1970."""

    def __init__(self, budget: BudgetSettings, now: Callable[[], float] = time.time) -> None:
        self._budget = budget
        self._now = now
        self._held: dict[int, tuple[str, Reservation]] = {}
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

    async def take(self, number: int, steps: Steps, reservation: Reservation) -> None:
        """Take room for a call that goes out now. Raises CapMet."""
        budget = self._budget
        if budget.requests is None and budget.day_usd is None and budget.day_tokens is None:
            return
        async with self._lock:
            # Looked at before the journal is: what ends in between is counted twice rather than not at all.
            held = list(self._held.values())
            if budget.requests is not None:
                used = await steps.used()
                calls = used.calls + sum(run == steps.run for run, _ in held)
                if calls >= budget.requests:
                    raise CapMet(
                        f"The run has made {calls} model calls, as many as budget.requests lets it.",
                        "Raise budget.requests in your config.toml, then `wainwright resume`.",
                    )
            if budget.day_usd is not None or budget.day_tokens is not None:
                self._check_day(await steps.used(since=self._midnight()), held, reservation)
            self._held[number] = (steps.run, reservation)

    def _check_day(self, used: Used, held: list[tuple[str, Reservation]], next_one: Reservation) -> None:
        budget = self._budget
        usd = used.usd + sum(one.usd for _, one in held)
        tokens = used.tokens + sum(one.tokens for _, one in held)
        hint = "Go on tomorrow with `wainwright resume`, or raise budget.day_usd or budget.day_tokens."
        if budget.day_usd is not None and usd + next_one.usd > budget.day_usd:
            raise CapMet(
                f"The next call may cost ${next_one.usd:.4f}; ${usd:.4f} of today's ${budget.day_usd:.2f} "
                "is spent or held.",
                hint,
            )
        if budget.day_tokens is not None and tokens + next_one.tokens > budget.day_tokens:
            raise CapMet(
                f"The next call may take {next_one.tokens} tokens; {tokens} of today's {budget.day_tokens} "
                "are spent or held.",
                hint,
            )

    def _midnight(self) -> float:
        today = datetime.fromtimestamp(self._now()).astimezone()
        return today.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
