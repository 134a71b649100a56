"""The frames on the pipe between the server and the gateway process.

    9 bytes: length of the body, number of the call, kind;  then the body: JSON

Whoever reads knows how long a body is and whose it is before taking it: one that is too long fails its own call only.
"""

import asyncio
import enum
import socket
import struct
from collections.abc import Callable
from typing import cast

HEAD = struct.Struct("<IIB")
LONGEST_BODY = 32 * 2**20
"""Bytes of a body that the server takes."""


class Kind(enum.IntEnum):
    """What a frame is."""

    COMPLETE = 1
    """Asked: ``{"candidate": {...}, "request": {...}, "key": "..." or null}``."""
    PRICE = 2
    """Asked: ``{"candidate": {...}}``."""
    CANCEL = 3
    """Asked: end the call of this number; it is not answered."""
    PING = 4
    """Asked: say that you are there."""
    DONE = 5
    """Answered: what was asked for. For call 0, once: the gateway can be asked."""
    FAILED = 6
    """Answered: ``{"kind", "message", "hint", "retry_after", "status", "lost"}``."""
    HEARD = 7
    """Told meanwhile: a text, as it comes."""
    WINDOW = 8
    """Asked: ``{"candidate": {...}}``."""


Take = Callable[[Kind, int, bytes | None], None]
"""Takes a frame; a body that was too long to be read is None."""


class Pipe(asyncio.Protocol):
    """One end. A stream would wake a task of its own for each frame, twice."""

    def __init__(self, take: Take, longest: int | None = None) -> None:
        self._take = take
        self._longest = longest
        self._came = bytearray()
        self._skipped = 0
        """Bytes of a body that are still to come and are not read."""
        self._room = asyncio.Event()
        self._room.set()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when nothing comes any more."""

    @classmethod
    async def over(cls, end: socket.socket, take: Take, longest: int | None = None) -> "Pipe":
        """Read and write frames over one end of a socket pair, from now on."""
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(lambda: cls(take, longest), sock=end))[1]

    def write(self, kind: Kind, number: int, body: bytes = b"") -> None:
        """Write one frame, without waiting. Nothing happens when the pipe has closed."""
        self._transport.writelines((HEAD.pack(len(body), number, kind), body))

    @property
    def waiting(self) -> int:
        """Bytes that the other side has not read."""
        return self._transport.get_write_buffer_size()

    async def drained(self) -> None:
        """Wait until the other side has read most of it. Raises OSError when the pipe has closed."""
        if self.closed.done():
            raise BrokenPipeError("the pipe is closed")
        if not self._room.is_set():
            await self._room.wait()

    def close(self) -> None:
        """Let go of it."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self._room.clear()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._room.set()

    def connection_lost(self, _: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._room.set()
        if not self.closed.done():
            self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._skipped:
            data, self._skipped = data[self._skipped :], max(0, self._skipped - len(data))
        self._came += data
        at = 0
        while len(self._came) - at >= HEAD.size:
            length, number, kind = HEAD.unpack_from(self._came, at)
            begin = at + HEAD.size
            if self._longest is not None and length > self._longest:
                self._skipped = max(0, begin + length - len(self._came))
                self._take(Kind(kind), number, None)
            elif len(self._came) - begin < length:
                break
            else:
                self._take(Kind(kind), number, bytes(self._came[begin : begin + length]))
            at = begin + length
        del self._came[:at]
