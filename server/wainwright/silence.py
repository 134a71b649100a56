"""Noticing that nothing is heard any more of a piece of work, and letting go of it.

    await Silence(idle_s).watch(work)     ends with the work, or raises ``Silent``
        heard()                           inside: a sign of life
        with may_take(seconds):           inside: what ends by itself within so long, and may be silent until then
        async with turns:                 inside: one at a time; waiting for the others is no silence

Silence is counted by ticks, not read off a clock: while this process is stopped, or its loop stands still, nothing
could be heard of anything, and that is one tick however long it was.

What is silent is cancelled. What does not obey even that is left behind, and holds nobody up: its turn is given on.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable, Coroutine, Iterator
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

import structlog

log = structlog.get_logger()
T = TypeVar("T")

TICK_S = 5.0
"""How often it is looked whether something was heard, in seconds."""
GRACE_S = 60.0
"""How long what is cancelled may take to end, in seconds."""


class Silent(Exception):
    """Nothing was heard of it for too long, and it was stopped."""


async def tick(work: "asyncio.Task[Any]") -> None:
    """Wait for a tick, or for the work to end."""
    await asyncio.wait({work}, timeout=TICK_S)


class Silence:
    """What is heard of one piece of work, which may say nothing for ``idle_s`` seconds."""

    def __init__(self, idle_s: float) -> None:
        self.left_behind = False
        """Whether it was told to end, and does not."""
        self.holds: list[Callable[[], None]] = []
        """What gives on that which it holds; each may be called twice."""
        self.left_s: dict[object, float] = {}
        """For how many seconds more each thing that ends by itself may be silent."""
        self._idle_s = idle_s
        self._silent_s = 0.0

    def hear(self) -> None:
        """Take a sign of life."""
        self._silent_s = 0.0

    async def watch(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it. Raises ``Silent``. Whoever cancels this is obeyed when the work has ended, or is given up."""
        context = copy_context()
        context.run(_CURRENT.set, self)
        doing = asyncio.create_task(work, context=context)
        cancelled = await self._wait(doing, self._ticked)
        silent = not doing.done() and cancelled is None
        if silent:
            doing.cancel()
            cancelled = await self._wait(doing, _Grace().ticked)
        if not doing.done():
            self._leave(doing)
        # Asking for the error is also what keeps the loop from complaining that nobody did.
        ended_badly = not doing.done() or doing.cancelled() or doing.exception() is not None
        if cancelled is not None:
            raise cancelled
        if silent and ended_badly:
            raise Silent
        return doing.result()

    async def _wait(
        self, doing: "asyncio.Task[T]", ticked: Callable[[], bool]
    ) -> asyncio.CancelledError | None:
        """Wait until it ends or was given long enough; a cancellation is passed on to it, and handed back."""
        cancelled: asyncio.CancelledError | None = None
        grace = _Grace()
        while not doing.done():
            try:
                await tick(doing)
            except asyncio.CancelledError as error:
                cancelled = error
                doing.cancel()
            else:
                if not doing.done() and (grace.ticked() if cancelled else ticked()):
                    break
        return cancelled

    def _ticked(self) -> bool:
        """Count a tick; whether it has been silent for too long."""
        bounded = [mark for mark, left in self.left_s.items() if left > 0]
        for mark in bounded:
            self.left_s[mark] -= TICK_S
        if not bounded:
            self._silent_s += TICK_S
        return self._silent_s >= self._idle_s

    def _leave(self, doing: "asyncio.Task[T]") -> None:
        self.left_behind = True
        for give_on in self.holds:
            give_on()
        log.error("work.left_behind", name=doing.get_name())
        _LEFT_BEHIND.add(doing)
        doing.add_done_callback(_came_back)


class _Grace:
    """What is cancelled may take some ticks to end."""

    def __init__(self) -> None:
        self._waited_s = 0.0

    def ticked(self) -> bool:
        """Count a tick; whether it was waited long enough."""
        self._waited_s += TICK_S
        return self._waited_s >= GRACE_S


_CURRENT: ContextVar[Silence | None] = ContextVar("SILENCE", default=None)
_LEFT_BEHIND: set["asyncio.Task[Any]"] = set()
"""A loop holds on to none of its tasks."""


def _came_back(doing: "asyncio.Task[Any]") -> None:
    _LEFT_BEHIND.discard(doing)
    if not doing.cancelled() and (error := doing.exception()):
        log.info("work.came_back", reason=str(error))


def heard() -> None:
    """A sign of life of the work that is being done here."""
    if silence := _CURRENT.get():
        silence.hear()


def left_behind() -> bool:
    """Whether the work that is being done here was given up."""
    silence = _CURRENT.get()
    return silence is not None and silence.left_behind


@contextlib.contextmanager
def may_take(seconds: float) -> Iterator[None]:
    """Inside, it may be silent for so long: that which is done ends by itself."""
    silence = _CURRENT.get()
    if silence is None:
        yield
        return
    mark = object()
    silence.hear()
    silence.left_s[mark] = seconds
    try:
        yield
    finally:
        del silence.left_s[mark]
        silence.hear()


class Turns:
    """A lock: waiting for it is no silence, and who is left behind has it no longer."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._give_on: Callable[[], None] = self._lock.release

    async def __aenter__(self) -> None:
        with may_take(math.inf):
            await self._lock.acquire()
        stack = contextlib.ExitStack()
        stack.callback(self._lock.release)
        self._give_on = stack.close
        if silence := _CURRENT.get():
            silence.holds.append(stack.close)

    async def __aexit__(self, *_: object) -> None:
        if not left_behind():
            self._give_on()
