"""The router: which model a role asks, what happens when it fails, and that no cap is ever passed.

    ask --> for each candidate: attempt = one journal step named "model"
              reserve an upper bound -> call -> record the reply, settle what it cost
            passing failure: wait, try again; then the next candidate; see ``asking.py``
            final failure, useless reply: the next candidate at once

All attempts of one ask share one journal key: the journal gives a failed step's key out again. So whichever attempt
succeeds, a resumed run and a cassette find its reply under the key that was asked for first. The candidate is not
among the step's inputs, for the same reason.
"""

import asyncio
import copy
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import structlog
from pydantic import JsonValue

from wainwright.domain.errors import BudgetExceeded, ModelError, ModelRejected
from wainwright.journal import NOTHING, Reservation, Spend, Steps
from wainwright.models.asking import Asking, Patience, Spoiled
from wainwright.models.breaker import Breaker
from wainwright.models.budget import TokenBounds
from wainwright.models.caps import Caps, LeftOut, TooDear
from wainwright.models.cassette import CassetteBackend, RecordingBackend
from wainwright.models.client import (
    Backend,
    CallFailed,
    ModelReply,
    ModelRequest,
    Price,
)
from wainwright.models.defaults import HOW_TO_SET
from wainwright.models.discretion import discreet, kept
from wainwright.models.keyed import KeyedBackend
from wainwright.models.questions import same_question
from wainwright.models.starting import HostPlace
from wainwright.models.suited import SuitedBackend
from wainwright.models.telling import Telling
from wainwright.secrets import Redactor, key_name, resolve_keys, secrets_at_hand
from wainwright.settings import BudgetSettings, Candidate, ModelsSettings, Settings
from wainwright.silence import may_take

log = structlog.get_logger()

STRONGER = "stronger"
FAR_PAST = 10
"""How many times the reservation a provider can count and be believed: the bound may be wrong, but not by that."""
UNKNOWN_USD = 0.0001
"""What a call of unknown price reserves in money: with it, a cap that has nothing left lets none through."""


class PriceUnknown(LeftOut):
    """A model without a known price was not asked, because no cap would have held it."""

    raisable = False


class Models:
    """Asks models on behalf of roles. ``clock`` gives seconds and only moves forward; ``sleep`` waits by it."""

    def __init__(
        self,
        models: ModelsSettings,
        budget: BudgetSettings,
        backend: Backend,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        redactor: Redactor | None = None,
    ) -> None:
        self.redactor = redactor or Redactor()
        """Masks the keys that the models are asked with."""
        self._settings = models
        self._budget = budget
        self._backend = SuitedBackend(backend)
        self._bounds = TokenBounds()
        self._caps = Caps(budget)
        self._prices: dict[Candidate, Price | None] = {}
        self.patience = Patience(clock=clock, sleep=sleep)
        self._breaker = Breaker(clock)
        self._warming: asyncio.Task[None] | None = None

    @classmethod
    def connect(cls, settings: Settings, *, with_keys: bool = True, hosts: Path | None = None) -> "Models":
        """Models for ``settings``: a recording, or the gateway with the keys that are set.

        ``hosts``: the folder where a host of gateways may be found, or started.

        ``with_keys``: those at hand are read now, so that they are masked wherever they turn up. Keys of other
        programs are looked up when a model is first asked. Raises ``InputError`` when the recording or the
        credentials file cannot be used.
        """
        backend: Backend
        redactor = Redactor(secrets_at_hand(settings) if with_keys else ())
        if settings.models.cassette is not None:
            strict = settings.models.cassette_mode == "strict"
            backend = CassetteBackend(settings.models.cassette, redactor, strict=strict)
        else:
            idle_s = settings.models.host_idle_s
            host = HostPlace(hosts, idle_s) if hosts is not None and idle_s > 0 else None
            backend = KeyedBackend(
                partial(resolve_keys, settings, redactor), host, settings.models.gateway_idle_s
            )
        if settings.models.record is not None:
            backend = RecordingBackend(backend, settings.models.record, redactor)
        return cls(settings.models, settings.budget, backend, redactor=redactor)

    async def warm(self) -> None:
        """Start slow parts early, so that the first ask does not wait for them. Never raises."""
        try:
            await self._backend.warm()
        except CallFailed as error:
            log.warning("models.warm_failed", reason=error.message)

    def begin(self) -> None:
        """Let ``warm`` go on by itself, where there is somebody to be asked."""
        if self._settings.everyone() and (self._warming is None or self._warming.done()):
            self._warming = asyncio.create_task(self.warm(), name="start the models")

    async def close(self) -> None:
        """End the backend."""
        await self._backend.close()
        if self._warming is not None:
            await self._warming

    def during(self, tell: Callable[[str], None], left_s: Callable[[], float]) -> "Models":
        """The same models for one piece of work of a run.

        ``tell`` hears what a model writes, and why nothing goes on for a while; ``left_s`` gives the seconds that the
        run has left.
        """
        models = copy.copy(self)
        models.patience = replace(self.patience, tell=tell, left_s=left_s)
        return models

    async def ask(
        self,
        steps: Steps,
        request: ModelRequest,
        *,
        rung: str = "",
    ) -> ModelReply:
        """Ask the candidates of ``request.role`` until one answers; a recorded reply is returned without a call.

        ``rung`` of ``STRONGER`` asks the stronger candidates, where there are any. A reply that was cut off says so
        in ``finish``. Raises ``BudgetExceeded`` when a call might pass a cap, ``ContextTooLong`` or another
        ``ModelRejected`` when no candidate can take the request, ``CallFailed`` when all are out of order for now.
        """
        request = await discreet(request, self.redactor)
        candidates = self._settings.of(request.role, stronger=rung == STRONGER)
        unfit = _unfit(candidates, request)
        if not candidates or (not self._at_hand(candidates[0], unfit) and await steps.is_recorded("model")):
            # Neither a price, nor a provider's health, nor the gateway is a matter of what was answered before.
            return await self._without_candidates(steps, request)
        asking = Asking(candidates, self._settings, self._breaker, self.patience, failures=unfit)
        while True:
            candidate = await asking.next(partial(steps.check, "llm"))
            began = self._breaker.begin(candidate)
            try:
                reply = await self._attempt(steps, request, candidate, asking)
            except (ModelRejected, LeftOut) as error:
                asking.refused(candidate, error)
            except BudgetExceeded as error:
                if not asking.hopes_for_another(candidate):
                    raise
                asking.refused(candidate, error)
            except Spoiled as error:
                self._breaker.succeeded(candidate, began)
                asking.spoiled(candidate, error)
            except CallFailed as error:
                self._breaker.failed(candidate, error, began)
                asking.failed(candidate, error)
            else:
                self._breaker.succeeded(candidate, began)
                return reply

    def _at_hand(self, candidate: Candidate, unfit: Mapping[Candidate, ModelError]) -> bool:
        """Whether all is there that its step needs, which finds by itself what was recorded."""
        known = candidate in self._prices and self._backend.knows(candidate)
        if not known or candidate in unfit or not self._breaker.sound(candidate):
            return False
        return self._prices[candidate] is not None or self._unpriced() == ""

    async def _attempt(
        self, steps: Steps, request: ModelRequest, candidate: Candidate, asking: Asking
    ) -> ModelReply:
        """One journal step with one call in it."""
        price = await self._price(candidate)
        suited = await self._backend.suited(candidate, request)
        sent, reservation, too_dear = self._within_caps(candidate, suited, price)
        answered: ModelReply | None = None

        async def act(key: str) -> tuple[JsonValue, Spend]:
            nonlocal answered
            if too_dear is not None:
                raise too_dear
            await self._caps.take(number, steps, request.role, reservation)
            try:
                with may_take(candidate.deadline_s):
                    telling = Telling(self.patience.tell, self.redactor)
                    reply = await self._backend.complete(candidate, sent, key, telling)
            except CallFailed as error:
                if error.lost:
                    error.spend = Spend(usd=reservation.usd, tokens=reservation.tokens)
                raise
            reply = kept(reply, self.redactor)
            if reply.attempts != asking.attempts:
                reply = reply.model_copy(update={"attempts": asking.attempts})
            if _believable(reply, reservation):
                self._bounds.learn(candidate, sent, reply)
            spend = _spend(reply, price, reservation)
            if flaw := asking.flaw(candidate, reply):
                raise Spoiled(candidate, flaw, spend)
            answered = reply
            return reply.model_dump(mode="json"), spend

        try:
            with self._caps.holding() as number:
                outcome = await steps.step(
                    "model",
                    inputs=_inputs(request),
                    effect="llm",
                    act=act,
                    reservation=reservation,
                    like=same_question,
                    about={
                        "role": request.role,
                        "model": candidate.model,
                        "priced": price is not None,
                        "key": key_name(candidate),
                    },
                )
        except BudgetExceeded as error:
            if price is None and error.raisable:
                raise LeftOut(
                    f"The price of {candidate.model} is unknown. {error.message}", error.hint
                ) from error
            raise
        return answered or ModelReply.model_validate(outcome)

    async def _without_candidates(self, steps: Steps, request: ModelRequest) -> ModelReply:
        """A recorded reply needs no candidate; anything else is refused."""

        async def act(_: str) -> tuple[JsonValue, Spend]:
            raise ModelRejected(
                f"No model is set for the role {request.role}.",
                HOW_TO_SET,
            )

        outcome = await steps.step(
            "model", inputs=_inputs(request), effect="llm", act=act, like=same_question
        )
        return ModelReply.model_validate(outcome)

    async def _price(self, candidate: Candidate) -> Price | None:
        if candidate not in self._prices:
            self._prices[candidate] = await self._backend.price(candidate)
        price = self._prices[candidate]
        if price is None and (why := self._unpriced()):
            raise PriceUnknown(
                f"The price of {candidate.model} is unknown, and {why}.",
                "Set input_usd_per_mtok and output_usd_per_mtok of the candidate, or budget.tokens with "
                'budget.unknown_price = "tokens".',
            )
        return price

    def _unpriced(self) -> str:
        """Why nobody is asked whose price is unknown; empty when that is allowed."""
        if self._budget.usd is not None and self._budget.tokens is None:
            return "there is no token cap to hold it"
        return "your settings refuse that" if self._budget.unknown_price == "refuse" else ""

    def _within_caps(
        self, candidate: Candidate, request: ModelRequest, price: Price | None
    ) -> tuple[ModelRequest, Reservation, TooDear | None]:
        """What is sent, what it can take, and why it is not sent after all, which a recorded reply never asks."""
        asked, told = self._bounds.input(candidate, request), self._bounds.output(candidate, request)
        try:
            room = self._caps.room(candidate, asked, told, price)
        except TooDear as error:
            return request, NOTHING, error
        sent = request if room == told else request.model_copy(update={"max_output_tokens": room})
        usd = price.worst(asked, room) if price else UNKNOWN_USD
        return sent, Reservation(usd=usd, tokens=asked + room), None


def _unfit(candidates: Sequence[Candidate], request: ModelRequest) -> dict[Candidate, ModelError]:
    """Who cannot do what ``request`` needs, and why."""
    pictures = any(part.kind == "image" for message in request.messages for part in message.content)
    hint = "Set a model that can see pictures for this role."
    return {
        one: ModelRejected(f"{one.model}: is left out, because it cannot see pictures.", hint)
        for one in candidates
        if pictures and one.vision is False
    }


def _inputs(request: ModelRequest) -> JsonValue:
    """What makes a step the same step."""
    inputs: JsonValue = request.asked()
    return inputs


def _believable(reply: ModelReply, reservation: Reservation) -> bool:
    """Whether what the provider counted can be true."""
    usage = reply.usage
    answered = usage.output > 0 or not (reply.text or reply.tool_calls)
    return usage.counted and answered and usage.input + usage.output <= FAR_PAST * reservation.tokens


def _spend(reply: ModelReply, price: Price | None, reservation: Reservation) -> Spend:
    """What a call cost; who does not count its tokens, or not believably, is taken to have used the reservation."""
    usage = reply.usage
    if not _believable(reply, reservation):
        log.warning(
            "budget.not_counted",
            model=reply.model,
            usage=usage.model_dump(),
            reservation=reservation.model_dump(),
        )
        return Spend(usd=reservation.usd, tokens=reservation.tokens)
    usd = reply.cost_usd
    if usd is None:
        usd = price.worst(usage.input, usage.output) if price else 0.0
    if usd > FAR_PAST * reservation.usd > 0:
        usd = reservation.usd
    if usage.input + usage.output > reservation.tokens or usd > reservation.usd > 0:
        log.error(
            "budget.bound_passed",
            model=reply.model,
            usage=usage.model_dump(),
            reservation=reservation.model_dump(),
        )
    return Spend(usd=usd, tokens=usage.input + usage.output)
