"""Places for the tasks of a run that are worked on at the same time: as many as its settings allow.

async with places.held(key):      a place, for as long as work goes on
    async with places.lent(key):  inside: another may have it, for as long as somebody is waited for
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Places:
    """So many at once; whoever comes back is let in before any that has not begun."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._held: set[str] = set()
        self._coming_back = 0
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def held(self, key: str) -> AsyncIterator[None]:
        """Wait for a place, and have it inside."""
        while self._coming_back or len(self._held) >= self._number:
            await self._change()
        self._held.add(key)
        try:
            yield
        finally:
            self._give(key)

    @asynccontextmanager
    async def lent(self, key: str) -> AsyncIterator[None]:
        """Another may have the place inside, and at the end it is waited for, unless by way of an error.

        Work without a place goes on without one.
        """
        if key not in self._held:
            yield
            return
        self._give(key)
        yield
        self._coming_back += 1
        try:
            while len(self._held) >= self._number:
                await self._change()
            self._held.add(key)
        finally:
            self._coming_back -= 1
            self._changed.set()

    def _give(self, key: str) -> None:
        self._held.discard(key)
        self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
