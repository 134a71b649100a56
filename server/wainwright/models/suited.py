"""Asks each model in the way that it can take: within its window, and without what it refused.

That is tools, which are told in words then, or the schema of an answer. What a model can take is known from the
settings, from LiteLLM's table, or from what its provider refused. What is learned holds as long as the process: a
refused request costs nothing, and another process learns it again. So a run never depends on it: what a role asks,
and what the journal keeps, is the whole conversation.
"""

import structlog

from wainwright.models.client import (
    Backend,
    ContextTooLong,
    Heard,
    ModelReply,
    ModelRequest,
    Price,
    SchemaRefused,
    ToolsRefused,
    unheard,
)
from wainwright.models.fit import Room
from wainwright.models.messages import in_words
from wainwright.settings import Candidate

log = structlog.get_logger()

AGAIN_MAX = 2
"""How often a conversation that was too long is shortened and sent again."""


class SuitedBackend:
    """Asks another backend."""

    def __init__(self, inner: Backend) -> None:
        self._inner = inner
        self._rooms: dict[Candidate, Room] = {}
        self._without_tools: set[Candidate] = set()
        """Those that refused tools."""
        self._without_schema: set[Candidate] = set()
        """Those that refused a schema of the answer."""

    async def suited(self, candidate: Candidate, request: ModelRequest) -> ModelRequest:
        """What ``candidate`` is sent for ``request``, as far as is known now. Raises ``CallFailed``."""
        room = await self._room(candidate)
        fitted = room.fitted(request, candidate.max_output_tokens)
        if candidate in self._without_schema or candidate.schema_answers is False:
            fitted = fitted.model_copy(update={"answer": None})
        native = candidate.tools and candidate not in self._without_tools
        return fitted if native else in_words(fitted)

    async def complete(
        self, candidate: Candidate, request: ModelRequest, key: str, heard: Heard = unheard
    ) -> ModelReply:
        """Ask ``candidate``; again with less, or in words, when it was refused for that. See ``Backend``."""
        room = await self._room(candidate)
        sent, again = request, AGAIN_MAX
        while True:
            try:
                reply = await self._inner.complete(candidate, sent, key, heard)
            except ToolsRefused:
                if not sent.tools:
                    raise
                log.info("model.without_tools", model=candidate.model)
                self._without_tools.add(candidate)
                sent = in_words(sent)
            except SchemaRefused:
                if sent.answer is None:
                    raise
                log.info("model.without_schema", model=candidate.model)
                self._without_schema.add(candidate)
                sent = sent.model_copy(update={"answer": None})
            except ContextTooLong as error:
                room.overflowed(sent, error.message)
                longer, sent = sent, room.fitted(sent, candidate.max_output_tokens)
                again -= 1
                if again < 0 or sent == longer:
                    raise
                log.info("model.shortened", model=candidate.model, window=room.window)
            else:
                room.learn(sent, reply.usage.input)
                return reply

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

    def knows(self, candidate: Candidate) -> bool:
        """Whether ``suited`` can tell without asking anybody."""
        return candidate in self._rooms

    async def _room(self, candidate: Candidate) -> Room:
        if candidate not in self._rooms:
            self._rooms[candidate] = Room(window=await self._inner.window(candidate))
        return self._rooms[candidate]
