"""The gateway process as the server sees it: started, asked several things at once, watched, and ended.

A call that takes too long is ended alone. A gateway that does not even answer a ping is ended with all of its calls:
whoever asks next gets another.
"""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from wainwright.models import starting
from wainwright.models.pipe import LONGEST_BODY, Kind, Pipe
from wainwright.secrets import Redactor

PING_EVERY_S = 5.0
_PING = 2**32 - 1
"""The number of a ping: no call has it."""


class Stopped(Exception):
    """The gateway cannot answer. ``lost``: what was asked may have been done all the same."""

    def __init__(self, message: str, *, lost: bool) -> None:
        super().__init__(message)
        self.lost = lost


@dataclass(frozen=True)
class _Waiting:
    answer: asyncio.Future[tuple[Kind, bytes]]
    heard: Callable[[bytes], None] = field(default=lambda _text: None)


class GatewayProcess:
    """One process and the calls that wait for it. ``frozen_s``: silence after a ping that ends it."""

    def __init__(
        self,
        process: starting.Started,
        redactor: Redactor,
        frozen_s: float,
    ) -> None:
        self._process = process
        self._redactor = redactor
        self._frozen_s = frozen_s
        self._numbers = itertools.count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._ready: asyncio.Future[tuple[Kind, bytes]] = asyncio.get_running_loop().create_future()
        self._waiting[0] = _Waiting(self._ready)
        self._stderr = b""
        self._why = "stopped before it answered"
        self._pong = asyncio.Event()
        self.dead = False

    async def _attend(self, end: socket.socket) -> None:
        self._pipe = await Pipe.over(end, self._deliver, LONGEST_BODY)
        self._ending = asyncio.create_task(self._end())
        self._hearing = asyncio.create_task(self._keep_stderr())
        self._watching = asyncio.create_task(self._watch())

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @classmethod
    async def start(
        cls, limit_s: float, redactor: Redactor, frozen_s: float, host: starting.HostPlace | None = None
    ) -> "GatewayProcess":
        """Start a process, by the host where there may be one, and wait until it can be asked. Raises ``Stopped``."""
        process, ours = await starting.start(host, limit_s)
        gateway = cls(process, redactor, frozen_s)
        await gateway._attend(ours)
        try:
            async with asyncio.timeout(limit_s):
                await gateway._ready
        except BaseException as error:
            await gateway.close()
            if isinstance(error, TimeoutError):
                raise gateway.failure(f"did not start within {limit_s:g} s", lost=False) from error
            raise
        return gateway

    async def call(
        self, kind: Kind, body: bytes, limit_s: float, heard: Callable[[bytes], None] = lambda _text: None
    ) -> tuple[Kind, bytes]:
        """Ask, and wait for the answer. After ``limit_s`` seconds this call is ended, alone. Raises ``Stopped``."""
        number = next(self._numbers)
        waiting = self._waiting[number] = _Waiting(asyncio.get_running_loop().create_future(), heard)
        try:
            async with asyncio.timeout(limit_s):
                await self._send(kind, number, body)
                return await waiting.answer
        except (TimeoutError, asyncio.CancelledError) as error:
            if not self.dead:
                self._pipe.write(Kind.CANCEL, number)
            if isinstance(error, TimeoutError):
                raise self.failure(f"gave no answer within {limit_s:g} s", lost=True) from error
            raise
        finally:
            self._waiting.pop(number, None)

    def kill(self) -> None:
        """End the process and all of its children at once."""
        self.dead = True
        self._process.kill()

    async def close(self) -> None:
        """Kill and wait."""
        self.kill()
        self._watching.cancel()
        await self._process.wait()
        self._pipe.close()
        await asyncio.gather(self._ending, self._hearing, self._watching, return_exceptions=True)

    def failure(self, what: str, *, lost: bool) -> Stopped:
        """An error that tells what became of the process, with the end of what it said."""
        said = self._redactor.redact(self._stderr.decode(errors="replace")).strip()[-400:]
        return Stopped(f"The model gateway {what}.{' It said: ' + said if said else ''}", lost=lost)

    async def _send(self, kind: Kind, number: int, body: bytes) -> None:
        try:
            self._pipe.write(kind, number, body)
            await self._pipe.drained()
        except OSError as error:
            raise self.failure("has stopped", lost=False) from error

    async def _end(self) -> None:
        """When nothing comes any more, tell all who wait for it."""
        await self._pipe.closed
        self.kill()
        await self._process.wait()
        await self._hearing
        for number, waiting in self._waiting.items():
            if not waiting.answer.done():
                waiting.answer.set_exception(self.failure(self._why, lost=number > 0))

    def _deliver(self, kind: Kind, number: int, body: bytes | None) -> None:
        waiting = self._waiting.get(number)
        if kind is Kind.PING:
            self._pong.set()
        elif waiting is None or waiting.answer.done():
            return
        elif body is None:
            waiting.answer.set_exception(self.failure("answered more than is read", lost=True))
        elif kind is Kind.HEARD:
            waiting.heard(body)
        else:
            waiting.answer.set_result((kind, body))

    async def _watch(self) -> None:
        """While somebody waits, see that the gateway reacts."""
        await asyncio.wait({self._ready})
        while not self.dead:
            await asyncio.sleep(min(PING_EVERY_S, self._frozen_s))
            if self._waiting and not await self._reacts():
                self._why = f"did not react for {self._frozen_s:g} s and has been ended"
                self.kill()

    async def _reacts(self) -> bool:
        self._pong.clear()
        self._pipe.write(Kind.PING, _PING)
        # In two halves: when it was this process that stood still, the first is over before anything was read.
        for _ in range(2):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._frozen_s / 2):
                    await self._pong.wait()
                    return True
        return False

    async def _keep_stderr(self) -> None:
        while data := await self._process.stderr.read(4096):
            self._stderr = (self._stderr + data)[-4096:]
