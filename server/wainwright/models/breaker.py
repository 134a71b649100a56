"""When a provider, or one model of it, rests: after a failure it is left alone until it makes sense to ask again.

A model that is asked too often rests by itself; an outage rests the whole provider, with all of its models. How long:
what the provider asks for, else growing with each failure in a row, up to minutes, spread by chance. After the rest
it is half open: one call goes out, the next a second later, until one succeeds.

Calls that were under way when a rest began say nothing new: ten that fail together count as one failure.
"""

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from wainwright.models.client import CallFailed
from wainwright.settings import Candidate

OPENS_AFTER = 3
"""Failures in a row after which others go first, and no promise of the provider's is believed alone."""
FIRST_S = 0.5
LONGEST_S = 120.0
APART_S = 1.0
"""Seconds between the beginnings of two calls to what failed last."""
LATER_S = 3.0
"""A rest that was asked for is spread by chance too: by a tenth of it, by so much at most, and never shorter."""


@dataclass
class _Rest:
    failures: int = 0
    """In a row."""
    until: float = 0.0
    since: float = float("-inf")
    """When the newest failure was counted."""
    error: CallFailed | None = None
    """The newest."""


class Breaker:
    """Knows who rests. ``clock`` gives seconds and only moves forward."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rests: defaultdict[object, _Rest] = defaultdict(_Rest)
        self._answered: set[object] = set()
        self._lines: defaultdict[Candidate, list[object]] = defaultdict(list)
        """Who waits for whom, longest first."""

    def wait(self, candidate: Candidate) -> float:
        """Seconds until ``candidate`` may be asked; 0 when it may be now."""
        now = self._clock()
        return max(0.0, *(rest.until - now for rest in self._of(candidate)))

    def turn(self, candidate: Candidate, who: object) -> float:
        """Seconds until ``who`` may ask ``candidate``: after a failure, who has waited for longest goes first.

        Whoever may not yet stands in line until ``leave``. Otherwise the one that failed last, which knows best when
        the rest ends, would ask again and again, and all others would wait.
        """
        wait, line = self.wait(candidate), self._lines[candidate]
        if wait <= 0 and (self.sound(candidate) or not line or line[0] is who):
            return 0.0
        if who not in line:
            self.leave(who)
            line.append(who)
        return max(wait, APART_S) if line[0] is not who else wait

    def leave(self, who: object) -> None:
        """``who`` waits no longer."""
        for line in self._lines.values():
            if who in line:
                line.remove(who)

    def sound(self, candidate: Candidate) -> bool:
        """Whether nothing has failed since it last answered."""
        return not any(rest.failures for rest in self._of(candidate))

    def open(self, candidate: Candidate) -> bool:
        """Whether others go first: it failed several times in a row, and has not rested long enough."""
        now = self._clock()
        return any(rest.failures >= OPENS_AFTER and rest.until > now for rest in self._of(candidate))

    def busy(self, candidate: Candidate) -> bool:
        """Whether what keeps ``candidate`` from being asked works and tells when, or only takes no more for now."""
        error = self._reason(candidate)
        return error is not None and (error.busy or error.retry_after is not None)

    def reason(self, candidate: Candidate) -> str:
        """Why it rests, in few words."""
        error = self._reason(candidate)
        said = error.message if error else f"{candidate.model}: rests"
        return ": ".join(said.split(": ")[:2])[:120].rstrip(".")

    def answered(self, candidate: Candidate) -> bool:
        """Whether the provider has ever answered."""
        return _provider(candidate) in self._answered

    def begin(self, candidate: Candidate) -> float:
        """A call goes out now; gives the time, to be handed back with what came of it."""
        now = self._clock()
        for rest in self._of(candidate):
            if rest.failures:
                rest.until = max(rest.until, now + APART_S)
        return now

    def failed(self, candidate: Candidate, error: CallFailed, began: float) -> None:
        """The call that began then failed in a way that may pass."""
        rest = self._of(candidate)[1 if error.busy else 0]
        now, asked = self._clock(), error.retry_after
        if error.status:
            self._answered.add(_provider(candidate))
        rest.error = error
        if began < rest.since:
            rest.until = max(rest.until, now + (asked or 0.0))
            return
        rest.failures += 1
        rest.since = now
        grown = min(LONGEST_S, FIRST_S * 2 ** min(rest.failures - 1, 20)) * _chance(0.75, 1.25)
        longer = 0.0 if asked is None else asked + _chance(0.0, min(LATER_S, asked / 10))
        rest.until = now + max(longer, grown if asked is None or rest.failures >= OPENS_AFTER else 0.0)

    def succeeded(self, candidate: Candidate, began: float) -> None:
        """The call that began then was answered: earlier failures are forgotten."""
        self._answered.add(_provider(candidate))
        for rest in self._of(candidate):
            if began >= rest.since:
                rest.failures, rest.until = 0, 0.0

    def _reason(self, candidate: Candidate) -> CallFailed | None:
        return max(self._of(candidate), key=lambda rest: rest.until).error

    def _of(self, candidate: Candidate) -> tuple[_Rest, _Rest]:
        """The rests of its provider and of itself."""
        return self._rests[_provider(candidate)], self._rests[candidate]


def _chance(low: float, high: float) -> float:
    return random.uniform(low, high)  # noqa: S311 - no secret hangs on it


def _provider(candidate: Candidate) -> tuple[str, str | None]:
    return candidate.provider, candidate.api_base
