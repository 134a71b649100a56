"""Waiting that a cancellation does not cut short: whoever cancels is obeyed when what was begun has ended."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def to_its_end(work: Future[T] | asyncio.Future[T]) -> T:
    """Wait for what must not be cut short; whoever cancels the waiter is obeyed when it has ended."""
    waiting = asyncio.wrap_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not waiting.done():
        try:
            await asyncio.wait({waiting})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled from waiting.exception()
    return waiting.result()


async def finish_in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``asyncio.to_thread`` that leaves no thread behind.

    A run that is cancelled and resumed at once would otherwise have two git processes in one tree.
    """
    return await to_its_end(asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs)))
