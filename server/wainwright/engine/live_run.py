"""Drives one run: ``events -> fold -> state -> decide -> effects -> perform -> outcomes -> events``.

Effects that the machine wants go on at the same time, bounded. One that has begun is let finish while the run only
pauses; when the world has moved on, it is cancelled, and its outcome never counts. Everything that can go wrong in an
effect ends as a fact with a reason and what to do, resumable, and nothing lost: a task is halted by it and its
neighbours go on; anything else ends the run as FAILED. Before that, and at a cap, what is under way comes to its end:
no call is broken off for what happened to another, and no other begins.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial

import structlog
from pydantic import ValidationError

from wainwright.domain.caps import CapMet
from wainwright.domain.decide import decide, goes_on, paused
from wainwright.domain.effects import Effect, Fail, GiveUpPlan, KeepWork, OpenGate, RunTask, TryMutants
from wainwright.domain.errors import (
    BudgetExceeded,
    Closing,
    Fenced,
    IllegalTransition,
    JournalError,
    WainwrightError,
)
from wainwright.domain.events import (
    EVENT,
    CommandAsked,
    Decision,
    Event,
    Gate,
    GateDecided,
    GateOpened,
    Kept,
    RunCancelled,
    RunFailed,
    TaskFailed,
)
from wainwright.domain.fold import fold
from wainwright.domain.gates import NOBODY_THERE, passes_by_policy, rejected_unattended
from wainwright.domain.goal import ENDS
from wainwright.domain.state import RunState
from wainwright.engine.forking import ParentsAnswers
from wainwright.engine.places import Places
from wainwright.engine.ready import Ready
from wainwright.engine.views.event_text import describe_event
from wainwright.engine.views.run_view import Notice
from wainwright.journal import BEAT_S, Journal, Lease, Signal, Steps
from wainwright.models.telling import WRITES
from wainwright.sandbox.output import listening
from wainwright.silence import Turns, heard, left_behind, may_take
from wainwright.tools.toolbox import Approval, PersonPort
from wainwright.waiting import to_its_end

log = structlog.get_logger()

SIGNALS_EVERY_S = 0.4
"""How often decisions from other processes are looked for, in seconds."""
LAST_CALLS_S = 60.0
"""How long what is under way may take to come to its end when the run's time is over, in seconds."""
_NOBODY = ("policy", "machine")
"""Who decides a gate and is no person."""
_EFFECT: ContextVar[str] = ContextVar("EFFECT", default="")
"""The key of the effect that is performed here."""


@dataclass(frozen=True)
class _Begun:
    """An effect that is being performed."""

    effect: Effect
    work: asyncio.Task[Sequence[Event]]


class LiveRun:
    """One run at work in this process."""

    def __init__(
        self,
        state: RunState,
        lease: Lease,
        journal: Journal,
        perform: "Perform",
        *,
        parallel: int,
        wall_s: float,
        notify: Callable[[Notice, Event | None], None],
        tidy: Callable[[str], Awaitable[None]],
        printed: Callable[[str, bytes], None] | None = None,
    ) -> None:
        self.state = state
        self.lease = lease
        self.left: JournalError | None = None
        """Why this process works on it no more although it has not ended: another one took it over, or the journal
        cannot be written."""
        self.integration = Turns()
        """Held while commits are landed: one batch at a time."""
        self.ready: list[Ready] = []
        """What waits for its turn to land, in order: whoever has the turn lands all of it."""
        self._journal = journal
        self._before = ParentsAnswers(journal, state.run)
        self._carry_out = perform
        self._notify = notify
        self._printed = printed
        self._tidy = tidy
        self._places = Places(parallel)
        self._wall_s = wall_s
        self._deadline = 0.0
        self._appending = asyncio.Lock()
        self._running: dict[str, _Begun] = {}
        self._broken: Fail | None = None
        """What ends the run once all that is under way has ended."""
        self._wake = asyncio.Event()
        self.asking: dict[str, str] = {}
        """Steps in which agents here wait for a person, each with the key of the effect that it belongs to."""
        self._answered = asyncio.Condition()
        self._opening = asyncio.Lock()

    def steps(self, scope: str, task: str = "") -> Steps:
        """Keyed access to the journal for one piece of work; ``task`` names the one that it belongs to."""
        return Steps(self._journal, self.lease, scope, self._before, partial(self._allow, task=task))

    def _allow(self, effect: str, task: str = "") -> None:
        heard()
        if left_behind():
            raise Closing(
                "Nothing was heard of this attempt for too long.", "Another one has taken its place."
            )
        if task and self.state.tasks[task].paused:
            raise Closing(f"Task {task} is paused.", f"`wainwright task go-on {task}` lets it go on.")
        if effect == "llm" and (self._broken is not None or self.state.capped is not None):
            raise Closing(f"Run {self.state.run} asks no model any more.", "It goes on when it is resumed.")

    async def emit(self, *events: Event, settles: str = "") -> None:
        """Write facts and take them over; illegal ones are refused before anything is written.

        ``settles`` names the signal that asked for them: with its outcome on disk it is not given out again.
        Cancelling the caller does not cut this short: what is on disk and what is in memory stay the same.
        """
        await to_its_end(asyncio.ensure_future(self._append(events, settles)))

    async def _append(self, events: Sequence[Event], settles: str) -> None:
        async with self._appending:
            state = self.state
            notices = []
            passed = {event.gate for event in events if isinstance(event, GateDecided)}
            for event in events:
                task = getattr(event, "task", "")
                # A gate that the policy passes at once asks nobody.
                asks_nobody = isinstance(event, GateOpened) and event.gate.id in passed
                text = "" if asks_nobody else describe_event(event)
                # The stage it happened in, not the one it leads to.
                where = state.stage
                state = fold(state, event)
                notices.append(Notice(run=state.run, kind=event.kind, text=text, stage=where, task=task))
            await to_its_end(self._journal.queue(self._journal.append, self.lease, events, settles=settles))
            self.state = state
            self._wake.set()
            async with self._answered:
                self._answered.notify_all()
        for notice, event in zip(notices, events, strict=True):
            self._notify(notice, event)

    def tell(self, text: str, task: str = "") -> None:
        """Say what is going on; this is not kept."""
        heard()
        kind = "writing" if text.startswith(WRITES) else "activity"
        notice = Notice(run=self.state.run, kind=kind, text=text, stage=self.state.stage, task=task)
        self._notify(notice, None)

    @property
    def person(self) -> PersonPort | None:
        """Whom an agent asks about what only a person may say yes to; None when nobody attends."""
        return self._ask if self.state.attended else None

    async def _ask(self, approval: Approval, step: str, binds: str) -> str:
        """Ask at a gate, and wait: empty for yes, else why not. Raises Closing when the run is about to end.

        One that an earlier process opened is gone on with, also when it was decided meanwhile.
        """
        asked = CommandAsked(effect=_EFFECT.get(), step=step, binds=binds)
        # A person may think for as long as they like: nobody is paid meanwhile, and others work.
        with may_take(math.inf):
            async with self._places.lent(asked.effect):
                return await self._decided(approval, asked)

    async def _decided(self, approval: Approval, asked: CommandAsked) -> str:
        self.asking[asked.step] = asked.effect
        try:
            gate = await self._opened(approval, asked)
            self._wake.set()
            async with self._answered:
                await self._answered.wait_for(
                    lambda: self.state.gates[gate].decided is not None or self.state.stage in ENDS
                )
        finally:
            del self.asking[asked.step]
            self._wake.set()
        decided = self.state.gates[gate].decided
        if decided is None or decided.by in _NOBODY or self.state.stage in ENDS:
            raise Closing("Nobody answers any more.", "It is asked again when the run goes on.")
        return "" if decided.decision == "approve" else f"the person said no. {decided.reason}".strip(". ")

    async def _opened(self, approval: Approval, asked: CommandAsked) -> str:
        """The gate that asks just this, which is opened unless it was."""
        async with self._opening:
            known = self._gate_of(asked)
            if known is not None:
                return known.id
            # Whoever works in a scope asks about one thing at a time.
            scope = asked.step.rpartition("/")[0]
            await self._withdraw(lambda one: one.step.rpartition("/")[0] == scope)
            number = 1 + sum(one.gate.kind == "command" for one in self.state.gates.values())
            told = {"question": approval.question, "detail": approval.detail, "command": asked}
            gate = Gate.model_validate({"id": f"command-{number}", "kind": "command", **told})
            await self.emit(GateOpened(gate=gate))
            return gate.id

    def _gate_of(self, asked: CommandAsked) -> Gate | None:
        """The gate that asks just this, open or decided by a person."""
        for one in self.state.gates.values():
            same = one.gate.command is not None and one.gate.command.binds == asked.binds
            if same and (one.decided is None or one.decided.by not in _NOBODY):
                return one.gate
        return None

    async def _withdraw(self, which: Callable[[CommandAsked], bool]) -> None:
        """Decide gates that nobody waits for any more: what they ask about will not be done."""
        for gate in self.state.open_gates:
            if gate.command is not None and which(gate.command):
                reason = "what it was asked for is over"
                await self.emit(GateDecided(gate=gate.id, decision="reject", reason=reason, by="machine"))

    @property
    def at_work(self) -> bool:
        """Whether anything is done but waiting for a person's decision."""
        return bool(self._running.keys() - self.asking.values())

    def left_s(self) -> float:
        """Seconds that the run may still take."""
        return self._deadline - time.monotonic()

    async def drive(self) -> None:
        """Go on until the run ends or is held. A gate is waited for. Cancelling this leaves the run as it is.

        Where it cannot be written any more, ``left`` says why.
        """
        helpers = [asyncio.create_task(self._beat()), asyncio.create_task(self._listen())]
        self._deadline = time.monotonic() + self._wall_s
        try:
            await self._decide_unattended()
            while await self._round(helpers):
                pass
        except JournalError as error:
            log.warning("run.left", run=self.state.run, reason=error.message)
            self.left = error
        finally:
            try:
                keeping = [k for k, one in self._running.items() if isinstance(one.effect, KeepWork)]
                await self._stop(self._running.keys() - keeping)
                # What an end keeps is kept, also when the program is told to stop.
                for key in keeping:
                    await self._finish_kept(self._running.pop(key))
                if self.state.stage in ENDS and not any(helper.done() for helper in helpers):
                    # As long as the lease is kept, nobody else works on the run.
                    await self._tidy(self.state.run)
            finally:
                for one in helpers:
                    one.cancel()
                await asyncio.gather(*helpers, return_exceptions=True)
                with contextlib.suppress(WainwrightError):
                    await asyncio.to_thread(self._journal.release, self.lease)

    async def _round(self, helpers: Sequence[asyncio.Task[None]]) -> bool:
        """Start what is wanted, stop what is over, wait for news. False at rest."""
        self._wake.clear()
        await self._stop(k for k, one in self._running.items() if not self._goes_on(one.effect))
        for effect in await self._wanted():
            if effect.key not in self._running:
                self._running[effect.key] = _Begun(effect, asyncio.create_task(self._perform(effect)))
        if self.state.stage not in ENDS:
            ends = self._broken is not None
            await self._withdraw(lambda one: ends or one.effect not in self._running)
        waits = self.state.stage not in ENDS and (self.state.open_gates or paused(self.state))
        if not self._running and not waits:
            return False
        waker = asyncio.create_task(self._wake.wait())
        began, at_work = time.monotonic(), self.at_work
        timed = at_work and self.state.stage not in ENDS
        left = max(0.0, self._deadline - began) if timed else None
        await asyncio.wait(
            {waker, *helpers, *(one.work for one in self._running.values())},
            timeout=left,
            return_when=asyncio.FIRST_COMPLETED,
        )
        waker.cancel()
        if not at_work:
            # Waiting for a person's decision is not the run's own time.
            self._deadline += time.monotonic() - began
        for helper in helpers:
            if helper.done():
                # Without a beat or an ear the run must not go on: this raises what ended it.
                helper.result()
        for key in [key for key, one in self._running.items() if one.work.done()]:
            await self._finish(self._running.pop(key))
        if time.monotonic() >= self._deadline and self.state.stage not in ENDS:
            await self._end_in_time()
        return self.state.stage not in ENDS or bool(decide(self.state))

    def _goes_on(self, effect: Effect) -> bool:
        return effect == self._ends_with() or goes_on(self.state, effect)

    def _ends_with(self) -> Fail | None:
        """What is wanted in place of all else; what has ended or been cancelled meanwhile needs no other end."""
        return self._broken if self.state.stage not in ENDS else None

    async def _wanted(self) -> tuple[Effect, ...]:
        """What should be going on. The end of a run or a plan waits for what is under way; nothing else begins."""
        ends = self._ends_with()
        wanted = (ends,) if ends is not None else decide(self.state)
        if not any(isinstance(effect, Fail | GiveUpPlan) for effect in wanted):
            return wanted
        await self._stop([k for k, one in self._running.items() if isinstance(one.effect, TryMutants)])
        return () if self._running else wanted

    async def _end_in_time(self) -> None:
        """The run's time is over: it ends when what is under way has ended, and at once if that takes too long."""
        over = Fail(
            reason=f"The run took longer than {self._wall_s:.0f} s.",
            hint="Resume it to give it as long again.",
        )
        if self._broken is not None:
            await self.emit(RunFailed(reason=self._broken.reason, hint=self._broken.hint))
        self._broken = self._broken or over
        self._deadline = time.monotonic() + LAST_CALLS_S

    async def _perform(self, effect: Effect) -> Sequence[Event]:
        _EFFECT.set(effect.key)
        if self._printed is not None:
            listening.set(partial(self._printed, getattr(effect, "task", "")))
        if isinstance(effect, OpenGate):
            return self._open(effect)
        if isinstance(effect, RunTask):
            async with self._places.held(effect.key):
                # A cap may have been met while it waited for its turn.
                self._allow("llm", effect.task)
                return await self._carry_out(effect, self)
        return await self._carry_out(effect, self)

    def _open(self, effect: OpenGate) -> Sequence[Event]:
        opened = GateOpened(gate=effect.gate)
        if not passes_by_policy(self.state, effect.gate.kind):
            return (opened,)
        reason = f"autonomy {self.state.autonomy}" if self.state.attended else "nobody attends this run"
        return (opened, GateDecided(gate=effect.gate.id, decision="approve", reason=reason, by="policy"))

    async def _decide_unattended(self) -> None:
        """Gates that were opened for somebody who is not here any more: the policy decides them."""
        for gate in self.state.open_gates:
            passes = passes_by_policy(self.state, gate.kind)
            if passes or rejected_unattended(self.state, gate.kind):
                decision: Decision = "approve" if passes else "reject"
                await self.emit(
                    GateDecided(gate=gate.id, decision=decision, reason=NOBODY_THERE, by="policy")
                )

    async def _finish(self, begun: _Begun) -> None:
        done = begun.work
        error = done.exception() if not done.cancelled() else None
        if isinstance(error, Fenced):
            raise error
        stops = isinstance(error, BudgetExceeded) and error.raisable and self.state.capped is not None
        if stops or isinstance(error, Closing):
            # What it has done so far is recorded.
            self.tell(
                "stops here, and goes on from here when the run does", getattr(begun.effect, "task", "")
            )
            return
        if done.cancelled() or not self._goes_on(begun.effect):
            return
        if error is not None and self.state.stage in ENDS:
            # A run that has ended cannot fail any more; it says that its work is where it was.
            log.error("work.not_kept", run=self.state.run, exc_info=error)
            await self.emit(Kept(detail=f"What was done could not be put anywhere else: {error}"))
        else:
            try:
                await self.emit(*(done.result() if error is None else self._broke(begun.effect, error)))
            except IllegalTransition:
                # While it waited for its turn to be written, another fact may have ended what it is the outcome of.
                if self._goes_on(begun.effect):
                    raise

    def _broke(self, effect: Effect, error: BaseException) -> tuple[Event, ...]:
        """An effect could not be performed: the run waits at a cap, a task is halted, or the run is to end."""
        if isinstance(error, WainwrightError):
            reason, hint = error.message, error.hint
        else:
            log.error("effect.broke", run=self.state.run, exc_info=error)
            reason = f"Something unexpected happened: {type(error).__name__}: {error}"
            hint = "The log has the details. Resume the run to try again."
        if isinstance(error, BudgetExceeded) and error.raisable:
            return (CapMet(reason=reason, hint=hint),)
        if isinstance(effect, RunTask):
            task, attempt = effect.task, effect.attempt
            return (TaskFailed(task=task, attempt=attempt, cause="halted", digest=reason, hint=hint),)
        self._broken = self._broken or Fail(reason=reason, hint=hint)
        return ()

    async def _finish_kept(self, begun: _Begun) -> None:
        await asyncio.wait({begun.work})
        with contextlib.suppress(WainwrightError):
            await self._finish(begun)

    async def _stop(self, keys: Iterable[str]) -> None:
        stopped = [self._running.pop(key).work for key in tuple(keys)]
        for one in stopped:
            one.cancel()
        await asyncio.gather(*stopped, return_exceptions=True)

    async def cancel(self, by: str) -> None:
        """Stop everything and record it."""
        if self.state.stage not in ENDS:
            await self.emit(RunCancelled(by=by))

    async def still_owned(self) -> None:
        """Renew the lease. Raises Fenced when another process took the run over."""
        await asyncio.to_thread(self._journal.beat, self.lease)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            await self.still_owned()

    async def _listen(self) -> None:
        while True:
            for signal in await asyncio.to_thread(self._journal.signals, self.state.run):
                await self._obey(signal)
            await asyncio.sleep(SIGNALS_EVERY_S)

    async def _obey(self, signal: Signal) -> None:
        """Do what another process asked for; what is no longer possible is dropped, and said so in the log."""
        try:
            await self.emit(EVENT.validate_python(signal.body), settles=signal.id)
        except Fenced:
            raise
        except (WainwrightError, ValidationError) as error:
            log.warning("signal.refused", run=self.state.run, reason=str(error))
            await asyncio.to_thread(self._journal.settle_signal, self.state.run, signal.id, str(error))


Perform = Callable[[Effect, LiveRun], Awaitable[Sequence[Event]]]
"""Does what an effect asks for, and gives the events that end it."""
