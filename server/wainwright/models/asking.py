"""One ask: which candidate is next, how long it is waited for, and when it is given up.

The first candidate goes first. Another one gets its turn when the first refuses, rests for long or has failed more
often than ``retries`` allows. When all of them rest, the ask waits for the earliest, as long as the run and the
settings let it: for who is busy to the end of the run, for an outage some minutes. A call that was lost may have been
paid, so it is not made again and again.
"""

import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from wainwright.domain.errors import ModelError, ModelRejected
from wainwright.journal import Spend
from wainwright.models.breaker import Breaker
from wainwright.models.client import CallFailed, ContextTooLong, ModelReply
from wainwright.models.waits import in_words, time_of_day
from wainwright.settings import Candidate, ModelsSettings

log = structlog.get_logger()

NEAR_S = 15.0
"""A rest that is waited for although another candidate could be asked."""
OUTAGE_S = 900.0
NEVER_ANSWERED_S = 20.0
"""How long an outage is waited out, and how long what never answered: its address may be wrong."""
SLICE_S = 5.0
"""Seconds after which a wait looks again: another agent's call may have ended the rest."""
WORTH_TELLING_S = 2.0
BEHIND = 2
"""Empty replies after which a candidate goes behind the others."""

_FLAWS = {
    "empty": "its reply was empty",
    "filtered": "its reply was held back by a filter",
    "cut off": "its reply was cut off at its limit of tokens",
}


class Spoiled(ModelError):
    """A reply was paid, and is of no use."""

    def __init__(self, candidate: Candidate, flaw: str, spend: Spend) -> None:
        super().__init__(f"{candidate.model}: {_FLAWS[flaw]}.", "Set another model for this role.")
        self.flaw = flaw
        self.spend = spend


@dataclass(frozen=True)
class Patience:
    """Who hears of a wait, how long it may last, and how it is done."""

    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    tell: Callable[[str], None] = lambda _line: None
    left_s: Callable[[], float] = lambda: math.inf
    """Seconds that the run has left."""


@dataclass(eq=False)
class Asking:
    """What came of one ask so far."""

    candidates: Sequence[Candidate]
    settings: ModelsSettings
    breaker: Breaker
    patience: Patience
    attempts: int = 0
    failures: dict[Candidate, ModelError] = field(default_factory=dict)
    """The newest failure of each candidate, in the order in which they first failed."""

    def __post_init__(self) -> None:
        self._open = [one for one in dict.fromkeys(self.candidates) if one not in self.failures]
        self._trials: Counter[Candidate] = Counter()
        self._lost: Counter[Candidate] = Counter()
        self._spoiled: Counter[Candidate] = Counter()
        self._since: float | None = None
        self._told: set[tuple[Candidate, int]] = set()

    async def next(self, check: Callable[[], None] = lambda: None) -> Candidate:
        """Who is asked now; waits until that makes sense. Raises one ModelError for all when nobody is left.

        ``check`` raises when it is no longer to be waited, because the run stops.
        """
        try:
            return await self._next(check)
        finally:
            self.breaker.leave(self)

    async def _next(self, check: Callable[[], None]) -> Candidate:
        while self._open:
            candidate = self._choose()
            wait = self.breaker.turn(candidate, self)
            if wait <= 0:
                self._trials[candidate] += 1
                self.attempts += 1
                return candidate
            now = self.patience.clock()
            self._since = now if self._since is None else self._since
            if wait > self._longest(candidate, wait, now):
                raise self._given_up(candidate, wait)
            check()
            self._say(candidate, wait, now)
            await self.patience.sleep(min(wait, SLICE_S))
        raise self._most_telling()

    def refused(self, candidate: Candidate, error: ModelError) -> None:
        """``candidate`` will not do for this ask."""
        self.failures[candidate] = error
        self._open.remove(candidate)

    def hopes_for_another(self, candidate: Candidate) -> bool:
        """Whether ``candidate`` only stands in for one that goes before it and may answer yet."""
        before = self.candidates[: self.candidates.index(candidate)]
        return any(one in self._open and isinstance(self.failures.get(one), CallFailed) for one in before)

    def failed(self, candidate: Candidate, error: CallFailed) -> None:
        """``candidate`` failed in a way that may pass."""
        self.failures[candidate] = error
        self._since = self.patience.clock() if self._since is None else self._since
        log.warning("model.failed", model=candidate.model, reason=error.message, asked_s=error.retry_after)
        if error.lost:
            # It was expensive in time and perhaps money: another candidate is the better bet.
            self._lost[candidate] += 1
            if len(self._open) > 1:
                self._trials[candidate] = max(self._trials[candidate], self.settings.retries + 1)
            if self._lost[candidate] > self.settings.retries:
                self._open.remove(candidate)

    def flaw(self, candidate: Candidate, reply: ModelReply) -> str:
        """Why another reply is wanted than this one; empty when it is taken, also for want of a better one.

        An empty reply is asked for again once; with it, or one that was filtered or cut off, a candidate goes behind
        the others, and what it says when its turn comes again is taken.
        """
        spoiled, others = self._spoiled[candidate], [one for one in self._open if one != candidate]
        if reply.finish == "content_filter":
            return "filtered" if others and spoiled < BEHIND else ""
        if not reply.text.strip() and not reply.tool_calls:
            return "empty" if spoiled == 0 or (others and spoiled < BEHIND) else ""
        larger = any(one.max_output_tokens > candidate.max_output_tokens for one in others)
        return "cut off" if reply.finish == "length" and larger and spoiled < BEHIND else ""

    def spoiled(self, candidate: Candidate, error: Spoiled) -> None:
        """A reply of ``candidate`` had a flaw."""
        log.warning("model.spoiled", model=candidate.model, reason=error.message)
        self.failures[candidate] = error
        self._spoiled[candidate] += 1 if error.flaw == "empty" else BEHIND
        if self._spoiled[candidate] >= BEHIND:
            self._open.remove(candidate)
            self._open.append(candidate)

    def _choose(self) -> Candidate:
        for one in self._open:
            fresh = self._trials[one] <= self.settings.retries and not self.breaker.open(one)
            if fresh and self.breaker.wait(one) <= NEAR_S:
                return one
        return min(self._open, key=self.breaker.wait)

    def _longest(self, candidate: Candidate, wait: float, now: float) -> float:
        """Seconds that ``candidate`` may be waited for from now on."""
        left = self.patience.left_s()
        if self._trials[candidate] <= self.settings.retries and wait <= NEAR_S:
            return left
        whole = self.settings.wait_s
        if not self.breaker.busy(candidate):
            whole = min(whole, OUTAGE_S if self.breaker.answered(candidate) else NEVER_ANSWERED_S)
        return min(left, whole - (now - (now if self._since is None else self._since)))

    def _say(self, candidate: Candidate, wait: float, now: float) -> None:
        """Tell of a wait, once."""
        mark = (candidate, round(now + wait))
        if wait < WORTH_TELLING_S or mark in self._told:
            return
        self._told.add(mark)
        at = time_of_day(time.time() + wait, time.time())
        why = self.breaker.reason(candidate)
        self.patience.tell(f"{why}; tries again in {in_words(wait)} (at {at})")

    def _given_up(self, candidate: Candidate, wait: float) -> ModelError:
        """The error that tells when it makes sense to go on."""
        now = time.time()
        at, left = time_of_day(now + wait, now), self.patience.left_s()
        waited = 0.0 if self._since is None else self.patience.clock() - self._since
        if wait > left:
            why = f"It can be asked again in {in_words(wait)}, at {at}; the run has {in_words(max(left, 1))} left."
        elif waited >= WORTH_TELLING_S:
            why = f"It was waited for {in_words(waited)}; the next try is at {at}."
        else:
            why = f"It can be asked again in {in_words(wait)}, at {at}."
        before = self.failures.get(candidate)
        message = before.message if before else f"{self.breaker.reason(candidate)}."
        hint = f"Go on with `wainwright resume` from {at} on, or set another model for this role."
        if before and not self.breaker.busy(candidate):
            hint = f"{before.hint} Then go on with `wainwright resume`.".lstrip()
        self.failures[candidate] = CallFailed(f"{message.rstrip()} {why}", hint, retry_after=wait)
        return self._most_telling()

    def _most_telling(self) -> ModelError:
        """One error for all: of the kind that a person can do most about, telling what each candidate said."""
        kinds = (ContextTooLong, ModelRejected, CallFailed)
        failures = list(self.failures.values())
        chosen = min(failures, key=lambda e: [*(isinstance(e, kind) for kind in kinds), True].index(True))
        told = list(dict.fromkeys(error.message for error in failures))
        return chosen if len(told) == 1 else type(chosen)(" ".join(told), chosen.hint)
