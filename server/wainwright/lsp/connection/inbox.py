"""Messages that wait for the loop, in the order of arrival."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

from lsprotocol import types

from wainwright.lsp.connection.protocol import MessageId, is_request
from wainwright.lsp.connection.transport import Incoming, Mark


@dataclass(frozen=True)
class Withdrawn:
    """A request that the client cancelled before it was started."""

    request_id: MessageId


class Inbox:
    """Messages that wait for the loop. A request that is cancelled while it waits is never started."""

    def __init__(self) -> None:
        self._messages: deque[Incoming] = deque()
        self._waiting: set[MessageId] = set()
        self._withdrawn: set[MessageId] = set()
        self._filled = asyncio.Event()
        self._closed = False

    def put(self, message: Incoming) -> None:
        """Add a message; loop thread only."""
        if self._closed:
            _let_go(message)
            return
        if isinstance(message, dict):
            if (target := _cancel_target(message)) is not None and target in self._waiting:
                self._withdrawn.add(target)
                return
            if is_request(message) and isinstance(message["id"], int | str):
                self._waiting.add(message["id"])
        self._messages.append(message)
        self._filled.set()

    async def get(self) -> Incoming | Withdrawn:
        """The next message, in the order of arrival."""
        while not self._messages:
            self._filled.clear()
            await self._filled.wait()
        message = self._messages.popleft()
        if isinstance(message, dict) and is_request(message) and isinstance(message["id"], int | str):
            request_id: MessageId = message["id"]
            self._waiting.discard(request_id)
            if request_id in self._withdrawn:
                self._withdrawn.discard(request_id)
                return Withdrawn(request_id)
        return message

    def close(self) -> None:
        """Nothing is handled any more, and the reader waits for nothing."""
        self._closed = True
        while self._messages:
            _let_go(self._messages.popleft())


def _let_go(message: Incoming) -> None:
    if isinstance(message, Mark):
        message.handled.set()


def _cancel_target(message: dict[str, Any]) -> MessageId | None:
    if message.get("method") != types.CANCEL_REQUEST or not isinstance(message.get("params"), dict):
        return None
    target = message["params"].get("id")
    return target if isinstance(target, int | str) else None
