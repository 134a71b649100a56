"""Waiting that a cancellation does not cut short: whoever cancels is obeyed when what was begun has ended."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


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


def _ended(work: Future[T]) -> asyncio.Future[None]:
    """Wakes whoever waits when a thread has ended its work; it is asked again after a cancellation."""
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def wake() -> None:
        if not ended.done():
            ended.set_result(None)

    def tell(_: Future[T]) -> None:
        with suppress(RuntimeError):  # nobody waits any more in a loop that is closed
            loop.call_soon_threadsafe(wake)

    work.add_done_callback(tell)
    return ended


async def finish_in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``asyncio.to_thread`` that leaves no thread behind.

    A run that is cancelled and resumed at once would otherwise have two git processes in one tree.
    """
    return await to_its_end(asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs)))
