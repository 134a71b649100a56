"""Asks each model in the way that it can take: within its window, and with tools in words where it takes none.

What a model can take is known from the settings, from LiteLLM's table, or from what its provider refused. What is
learned holds as long as the process: a refused request costs nothing, and another process learns it again. So a run
never depends on it: what a role asks, and what the journal keeps, is the whole conversation.
"""

from wainwright.models.client import Backend, ContextTooLong, Heard, ModelReply, ModelRequest, Price, unheard
from wainwright.models.fit import Room
from wainwright.settings import Candidate

AGAIN_MAX = 2
"""How often a conversation that was too long is shortened and sent again."""


class SuitedBackend:
    """Asks another backend."""

    def __init__(self, inner: Backend) -> None:
        self._inner = inner
        self._rooms: dict[Candidate, Room] = {}

    async def suited(self, candidate: Candidate, request: ModelRequest) -> ModelRequest:
        """What ``candidate`` is sent for ``request``, as far as is known now. Raises ``CallFailed``."""
        return (await self._room(candidate)).fitted(request, candidate.max_output_tokens)

    async def complete(
        self, candidate: Candidate, request: ModelRequest, key: str, heard: Heard = unheard
    ) -> ModelReply:
        """Ask ``candidate``; again with a shorter conversation when it was too long. See ``Backend``."""
        room = await self._room(candidate)
        sent = await self.suited(candidate, request)
        for left in reversed(range(1 + AGAIN_MAX)):
            try:
                reply = await self._inner.complete(candidate, sent, key, heard)
            except ContextTooLong as error:
                room.overflowed(sent, error.message)
                shorter = await self.suited(candidate, request)
                if left == 0 or shorter == sent:
                    raise
                sent = shorter
            else:
                room.learn(sent, reply.usage.input)
                return reply
        raise AssertionError

    async def price(self, candidate: Candidate) -> Price | None:
        """See ``Backend``."""
        return await self._inner.price(candidate)

    async def window(self, candidate: Candidate) -> int | None:
        """See ``Backend``."""
        return await self._inner.window(candidate)

    async def warm(self) -> None:
        """See ``Backend``."""
        await self._inner.warm()

    async def close(self) -> None:
        """See ``Backend``."""
        await self._inner.close()

    async def _room(self, candidate: Candidate) -> Room:
        if candidate not in self._rooms:
            self._rooms[candidate] = Room(window=await self._inner.window(candidate))
        return self._rooms[candidate]
