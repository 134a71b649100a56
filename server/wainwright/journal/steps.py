"""Keyed access to the journal: an act is done once, and its outcome is written whatever becomes of who waits."""

import asyncio
import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple, Protocol

from pydantic import JsonValue

from wainwright.domain.errors import Diverged, WainwrightError
from wainwright.domain.text import clean
from wainwright.journal.journal import Journal
from wainwright.journal.likeness import Alike, alike, first_difference
from wainwright.journal.records import NOTHING, EffectClass, Lease, Reservation, Spend, Used
from wainwright.journal.texts import as_json
from wainwright.waiting import Promise, to_its_end


class Answers(Protocol):
    """Replies that were paid for before, elsewhere."""

    async def find(self, key: str, inputs: JsonValue) -> tuple[JsonValue] | None:
        """The outcome that the same question had, or None."""


Act = Callable[[str], Awaitable[tuple[JsonValue, Spend]]]
"""Does what a step is for, given its key: what came of it, and what it cost."""


class Asked(NamedTuple):
    """A step that is asked for; its fields are told of at `Steps.step`."""

    key: str
    inputs: JsonValue
    effect: EffectClass
    act: Act
    reservation: Reservation
    like: Alike
    about: JsonValue
    unknown: JsonValue


class Steps:
    """Keyed access to the journal for one scope; two scopes never see each other's steps.

    A model call that ``before`` has an answer to is not made, and costs nothing.
    """

    def __init__(
        self,
        journal: Journal,
        lease: Lease,
        scope: str,
        before: Answers | None = None,
        allow: Callable[[str], None] = lambda _effect: None,
    ) -> None:
        """``allow`` is told the effect of an act before it begins, and raises where none may begin any more."""
        self.scope = clean(scope)
        self._before = before
        self._allow = allow
        self._journal = journal
        self._lease = lease
        self._counts: Counter[str] = Counter()
        self._failed: defaultdict[str, list[int]] = defaultdict(list)
        """Numbers to be used again, by name: their steps have no outcome yet. Each list is a heap."""
        self._keys: list[str] = []

    async def step(
        self,
        name: str,
        *,
        inputs: JsonValue,
        effect: EffectClass,
        act: Act,
        reservation: Reservation = NOTHING,
        like: Alike = alike,
        about: JsonValue = None,
        unknown: JsonValue = None,
    ) -> JsonValue:
        """Do an act once. A recorded outcome is returned without acting.

        ``about`` is kept with the intent: what is known of an act that may have no outcome, and decides nothing.

        Where it was recorded with other inputs, ``like`` says whether they differ in what decides. If they do, what
        only looked (``read``) looks again; anything else is ``Diverged``, and says how to go on from before it.

        ``effect`` is ``read`` or ``idempotent`` (may be done again after a crash), ``llm`` (is asked again; what
        the lost call may have cost counts as spent), or ``external`` (is never done again by itself: whether it
        happened before a crash or an exception nobody knows, so ``unknown`` is its outcome from then on). If
        another ``act`` raises, the step is recorded as failed and the next ask tries it anew. What that cost tells
        the exception's ``spend`` attribute; a WainwrightError without one cost nothing. Of anything else (a defect, a
        cancellation, a process that is told to end) the cost is unknown, and the whole reservation counts as spent.
        Whenever a cancellation comes, it takes effect with the outcome on disk. Steps of one scope may run side by
        side: they are numbered in the order in which they were asked for. Raises BudgetExceeded, Diverged, Fenced,
        JournalError when the step is under way already, and what ``act`` raises.
        """
        number = self._number(name)
        key = f"{self.scope}/{name}#{number}"
        asked = Asked(key, inputs, effect, act, reservation, like, about, unknown)
        try:
            value, ended = await self._outcome(asked)
        except BaseException:
            heapq.heappush(self._failed[name], number)
            raise
        self._keys.append(key)
        if ended is not None:
            await to_its_end(ended)
        return value

    async def _outcome(self, asked: Asked) -> tuple[JsonValue, Promise[None] | None]:
        """What came of a step, recorded or done now; with that, its writing, which has to end before it counts."""
        given = await self._given(asked)
        if given is not None:
            asked = asked._replace(act=partial(_give, given), reservation=NOTHING)
        recorded = await self._begin(asked)
        if recorded is not None:
            return recorded[0], None
        body, spend = await self._act(asked)
        # Read back as a resumed run finds it.
        return json.loads(body), self._end(asked, ("done", body), spend)

    async def _given(self, asked: Asked) -> tuple[JsonValue] | None:
        """An outcome that stands for acting, or None."""
        if asked.effect == "llm":
            return await self._before.find(asked.key, asked.inputs) if self._before else None
        if asked.effect != "external":
            return None
        lost = await to_its_end(self._journal.queue(self._journal.is_lost, self._lease.run, asked.key))
        return (asked.unknown,) if lost else None

    def _number(self, name: str) -> int:
        if self._failed[name]:
            return heapq.heappop(self._failed[name])
        self._counts[name] += 1
        return self._counts[name] - 1

    async def _begin(self, asked: Asked) -> tuple[JsonValue] | None:
        try:
            return await self._begin_exactly(asked)
        except Diverged:
            found = await to_its_end(self._journal.queue(self._journal.recorded, self._lease.run, asked.key))
            if found is None:
                raise
            before, recorded, outcome = found
            if asked.like(recorded, asked.inputs):
                return (outcome,)
            if asked.effect != "read":
                run, difference = self._lease.run, first_difference(recorded, asked.inputs)
                raise Diverged(
                    f"Step {asked.key} was recorded for something else. {difference}",
                    f"`wainwright replay {run} --fork {before}` goes on from before this step in a run of its own, "
                    f"with all that was done until then; run {run} stays as it is.",
                ) from None
        await to_its_end(self._journal.queue(self._journal.void, self._lease, [asked.key]))
        return await self._begin_exactly(asked)

    async def _begin_exactly(self, asked: Asked) -> tuple[JsonValue] | None:
        key, inputs, effect, _, reservation, _, about, _ = asked
        begun = self._journal.queue(self._journal.begin, self._lease, key, inputs, effect, reservation, about)
        try:
            return await to_its_end(begun)
        except asyncio.CancelledError:
            if begun.exception() is None and begun.result() is None:
                # The intent is on disk, and nobody will act on it.
                outcome = ("failed", as_json("cancelled before it began"))
                await to_its_end(self._end(asked, outcome, Spend()))
            raise

    async def _act(self, asked: Asked) -> tuple[str, Spend]:
        """What came of the act, as JSON, and what it cost."""
        begun = False
        try:
            self._allow(asked.effect)
            begun = True
            value, spend = await asked.act(asked.key)
        except BaseException as error:
            unknown = Spend(usd=asked.reservation.usd, tokens=asked.reservation.tokens)
            # Our own errors say what they cost. What nobody foresaw may come after the act was paid.
            spent = getattr(error, "spend", Spend() if isinstance(error, WainwrightError) else unknown)
            kind = "lost" if begun and asked.effect == "external" else "failed"
            ended = self._end(asked, (kind, as_json(str(error))), spent)
            if isinstance(error, GeneratorExit):
                ended.result()  # a coroutine that is being closed may not await
            else:
                await to_its_end(ended)
            raise
        return as_json(value), spend

    def _end(self, asked: Asked, outcome: tuple[str, str], spend: Spend) -> Promise[None]:
        return self._journal.queue(self._journal.end, self._lease, asked.key, outcome, asked.effect, spend)

    @property
    def run(self) -> str:
        """Whose steps these are."""
        return self._lease.run

    async def used(self, since: float | None = None, role: str = "") -> Used:
        """What the model calls of this run, or of a role in it, took; with ``since``, all runs' from then on."""
        return await to_its_end(self._journal.queue(self._journal.used, self._lease.run, since, role))

    def check(self, effect: EffectClass) -> None:
        """Raise where no act of this effect may begin any more: whoever waits to begin one looks now and then."""
        self._allow(effect)

    def below(self, name: str) -> "Steps":
        """A scope inside this one."""
        return Steps(self._journal, self._lease, f"{self.scope}/{name}", self._before, self._allow)

    async def last(self, name: str) -> tuple[JsonValue, JsonValue] | None:
        """What was put into the newest step of this name that is done in this scope, and what came of it.

        Whoever did it. A step that was made void counts too: nobody acts on it again, but it was done.
        """
        found = self._journal.queue(self._journal.last, self._lease.run, f"{self.scope}/{name}#")
        return await to_its_end(found)

    async def is_recorded(self, name: str) -> bool:
        """Whether the next step of this name would find an outcome of before."""
        number = self._failed[name][0] if self._failed[name] else self._counts[name]
        key = f"{self.scope}/{name}#{number}"
        return await to_its_end(self._journal.queue(self._journal.is_done, self._lease.run, key))

    async def void(self) -> None:
        """What this scope did was useless: ask everything anew the next time."""
        await to_its_end(self._journal.queue(self._journal.void, self._lease, self._keys))


async def _give(given: tuple[JsonValue], _key: str) -> tuple[JsonValue, Spend]:
    return given[0], Spend()
