"""Noticing that nothing is heard any more of a piece of work, and letting go of it.

    await Silence(idle_s).watch(work)     ends with the work, or raises ``Silent``
        heard()                           inside: a sign of life
        with may_take(seconds):           inside: what ends by itself within so long, and may be silent until then
        async with turns:                 inside: one at a time; waiting for the others is no silence

What is silent is cancelled. What does not obey even that is left behind, and holds nobody up: its turn is given on.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Coroutine, Iterator
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

import structlog

log = structlog.get_logger()
T = TypeVar("T")

GRACE_S = 10.0
"""How long what is cancelled may take to end, in seconds."""


class Silent(Exception):
    """Nothing was heard of it for too long, and it was stopped."""


class Silence:
    """What is heard of one piece of work, which may say nothing for ``idle_s`` seconds."""

    def __init__(self, idle_s: float) -> None:
        self.left_behind = False
        """Whether it was told to end, and does not."""
        self.holds: list[Callable[[], None]] = []
        """What gives on that which it holds; each may be called twice."""
        self.ends: dict[object, float] = {}
        """When that which ends by itself has to be over."""
        self._idle_s = idle_s
        self.hear()

    def hear(self) -> None:
        """Take a sign of life."""
        self._heard = time.monotonic()

    async def watch(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it. Raises ``Silent``. Whoever cancels this is obeyed when the work has ended, or is given up."""
        self.hear()
        context = copy_context()
        context.run(_CURRENT.set, self)
        doing = asyncio.create_task(work, context=context)
        cancelled = await _wait(doing, self._left_s)
        if not doing.done():
            doing.cancel()
            until = time.monotonic() + GRACE_S
            cancelled = await _wait(doing, lambda: until - time.monotonic()) or cancelled
            silent = not doing.done() or doing.cancelled() or doing.exception() is not None
            if not doing.done():
                self._leave(doing)
            if silent and cancelled is None:
                raise Silent
        if cancelled is not None:
            if doing.done() and not doing.cancelled():
                doing.exception()  # else the loop complains that nobody asked
            raise cancelled
        return doing.result()

    def _left_s(self) -> float:
        left = max([self._heard, *self.ends.values()]) + self._idle_s - time.monotonic()
        return min(left, self._idle_s)

    def _leave(self, doing: "asyncio.Task[T]") -> None:
        self.left_behind = True
        for give_on in self.holds:
            give_on()
        log.error("work.left_behind", name=doing.get_name())
        _LEFT_BEHIND.add(doing)
        doing.add_done_callback(_came_back)


_CURRENT: ContextVar[Silence | None] = ContextVar("SILENCE", default=None)
_LEFT_BEHIND: set["asyncio.Task[Any]"] = set()
"""A loop holds on to none of its tasks."""


def _came_back(doing: "asyncio.Task[Any]") -> None:
    _LEFT_BEHIND.discard(doing)
    if not doing.cancelled() and (error := doing.exception()):
        log.info("work.came_back", reason=str(error))


async def _wait(doing: "asyncio.Task[T]", left_s: Callable[[], float]) -> asyncio.CancelledError | None:
    """Wait until it ends or no time is left; a cancellation is passed on to it, and handed back."""
    cancelled: asyncio.CancelledError | None = None
    while not doing.done() and (left := left_s()) > 0:
        try:
            await asyncio.wait({doing}, timeout=left)
        except asyncio.CancelledError as error:
            cancelled = error
            doing.cancel()
    return cancelled


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
    silence.ends[mark] = time.monotonic() + seconds
    try:
        yield
    finally:
        del silence.ends[mark]
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
