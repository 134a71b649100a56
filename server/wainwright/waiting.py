"""Waiting that a cancellation does not cut short: whoever cancels is obeyed when what was begun has ended."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Ended = asyncio.Future[None]


class _Telling(threading.local):
    """Who is to be woken by this thread, by event loop; None while each is woken at once."""

    waiting: dict[asyncio.AbstractEventLoop, list[Ended]] | None = None


_telling = _Telling()


async def to_its_end(work: Future[T] | asyncio.Future[T]) -> T:
    """Wait for what must not be cut short; whoever cancels the waiter is obeyed when it has ended."""
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            if isinstance(work, Future):
                await _ended(work)
            else:
                await asyncio.wait({work})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled from work.exception()
    return work.result()


def _ended(work: Future[T]) -> Ended:
    """Wakes whoever waits when a thread has ended its work; it is asked again after a cancellation."""
    loop = asyncio.get_running_loop()
    ended: Ended = loop.create_future()

    def tell(_: Future[T]) -> None:
        if _telling.waiting is None:
            _wake(loop, [ended])
        else:
            _telling.waiting.setdefault(loop, []).append(ended)

    work.add_done_callback(tell)
    return ended


def _wake(loop: asyncio.AbstractEventLoop, waiting: list[Ended]) -> None:
    def wake() -> None:
        for one in waiting:
            if not one.done():
                one.set_result(None)

    with suppress(RuntimeError):  # nobody waits any more in a loop that is closed
        loop.call_soon_threadsafe(wake)


@contextmanager
def told_together() -> Iterator[None]:
    """Who waits for what this thread ends meanwhile is woken when all of it has ended: to wake a loop is dear."""
    waiting: dict[asyncio.AbstractEventLoop, list[Ended]] = {}
    _telling.waiting = waiting
    try:
        yield
    finally:
        _telling.waiting = None
        for loop, ended in waiting.items():
            _wake(loop, ended)


async def finish_in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``asyncio.to_thread`` that leaves no thread behind.

    A run that is cancelled and resumed at once would otherwise have two git processes in one tree.
    """
    return await to_its_end(asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs)))
