"""Waiting that a cancellation does not cut short: whoever cancels is obeyed when what was begun has ended."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Ended = asyncio.Future[None]


class Promise(Generic[T]):
    """What a thread was given to do and nobody can take back. What came of it is said once, with `say`.

    It has no lock: who waits puts itself down before it looks whether all is said, and who says it looks whom to wake
    after it has said it.
    """

    __slots__ = ("_said", "_waiting")

    def __init__(self) -> None:
        self._said: tuple[T | None, BaseException | None] | None = None
        self._waiting: list[tuple[asyncio.AbstractEventLoop, Ended] | threading.Event] = []

    def done(self) -> bool:
        """Whether it is said."""
        return self._said is not None

    def exception(self) -> BaseException | None:
        """What it failed with, if it is done and did."""
        return self._said[1] if self._said is not None else None

    def result(self, timeout: float | None = None) -> T:
        """What came of it, or raise what it failed with; this thread stands still until it is said."""
        if self._said is None:
            event = threading.Event()
            self._waiting.append(event)
            if not self.done() and not event.wait(timeout):
                raise TimeoutError
        assert self._said is not None
        value, error = self._said
        if error is not None:
            raise error
        return value  # type: ignore[return-value]  # None only where that is what came of it

    def ended(self) -> Ended:
        """Wakes whoever waits in an event loop; it is asked again after a cancellation."""
        loop = asyncio.get_running_loop()
        ended: Ended = loop.create_future()
        self._waiting.append((loop, ended))
        if self._said is not None:
            ended.set_result(None)
        return ended

    def say(self, value: T | None, error: BaseException | None) -> None:
        """Say what came of it, and wake nobody yet: see `wake`."""
        self._said = value, error

    def waiting(self) -> list[tuple[asyncio.AbstractEventLoop, Ended] | threading.Event]:
        """Who is to be woken."""
        waiting, self._waiting = self._waiting, []
        return waiting


def wake(promises: "Iterable[Promise[T]]") -> None:
    """Wake all who wait for what was said: each event loop once, because that is dear."""
    loops: dict[asyncio.AbstractEventLoop, list[Ended]] = {}
    for promise in promises:
        for one in promise.waiting():
            if isinstance(one, threading.Event):
                one.set()
            else:
                loops.setdefault(one[0], []).append(one[1])
    for loop, ended in loops.items():
        with suppress(RuntimeError):  # nobody waits any more in a loop that is closed
            loop.call_soon_threadsafe(_end, ended)


def _end(waiting: list[Ended]) -> None:
    for one in waiting:
        if not one.done():
            one.set_result(None)


async def to_its_end(work: Promise[T] | asyncio.Future[T]) -> T:
    """Wait for what must not be cut short; whoever cancels the waiter is obeyed when it has ended."""
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            if isinstance(work, Promise):
                await work.ended()
            else:
                await asyncio.wait({work})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled from work.exception()
    return work.result()


async def finish_in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``asyncio.to_thread`` that leaves no thread behind.

    A run that is cancelled and resumed at once would otherwise have two git processes in one tree.
    """
    return await to_its_end(asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs)))
