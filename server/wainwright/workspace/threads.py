"""Long work of the native module, in a thread that can be stopped."""

import asyncio
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from wainwright.workspace.native import Cancel

P = ParamSpec("P")
T = TypeVar("T")


async def stoppable(work: Callable[Concatenate[Cancel, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do long work in a thread; it ends soon when the task is cancelled."""
    cancel = Cancel()
    try:
        return await asyncio.to_thread(work, cancel, *args, **kwargs)
    except asyncio.CancelledError:
        cancel.set()
        raise
