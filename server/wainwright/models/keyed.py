"""Asks through the gateway with keys that are looked up when somebody is first asked.

A keyring may have to be unlocked by the person, and Vault is another machine: who only looks at runs waits for
neither, and a source that is out of order stops nothing but what needs it.
"""

import asyncio
import math
from collections.abc import Callable, Mapping

from wainwright.domain.errors import InputError, ModelRejected
from wainwright.models.client import (
    CallFailed,
    GatewayBackend,
    Heard,
    ModelReply,
    ModelRequest,
    Price,
    unheard,
)
from wainwright.models.starting import HostPlace
from wainwright.settings import Candidate


class KeyedBackend:
    """The gateway, opened with what ``find`` gives; where that raises, the next ask tries it again.

    ``host`` and ``idle_s`` as in ``GatewayBackend``.
    """

    def __init__(
        self,
        find: Callable[[], Mapping[str, str]],
        host: HostPlace | None = None,
        idle_s: float = math.inf,
    ) -> None:
        self._find = find
        self._host = host
        self._idle_s = idle_s
        self._opening = asyncio.Lock()
        self._gateway: GatewayBackend | None = None
        self._closed = False

    async def complete(
        self, candidate: Candidate, request: ModelRequest, key: str, heard: Heard = unheard
    ) -> ModelReply:
        """Ask ``candidate`` once; see ``Backend``. ``ModelRejected`` where the keys cannot be looked up."""
        return await (await self._open()).complete(candidate, request, key, heard)

    async def price(self, candidate: Candidate) -> Price | None:
        """What ``candidate`` costs; see ``Backend``."""
        return await (await self._open()).price(candidate)

    async def window(self, candidate: Candidate) -> int | None:
        """The window of ``candidate``; see ``Backend``."""
        return await (await self._open()).window(candidate)

    async def warm(self) -> None:
        """Look the keys up and start the gateway early. Raises ``CallFailed``."""
        try:
            gateway = await self._open()
        except ModelRejected as error:
            raise CallFailed(error.message, error.hint) from error
        await gateway.warm()

    async def close(self) -> None:
        """End the gateway."""
        self._closed = True
        if self._gateway is not None:
            await self._gateway.close()

    async def _open(self) -> GatewayBackend:
        async with self._opening:
            if self._gateway is None:
                try:
                    keys = await asyncio.to_thread(self._find)
                except InputError as error:
                    raise ModelRejected(error.message, error.hint) from error
                self._gateway = GatewayBackend(keys, host=self._host, idle_s=self._idle_s)
                if self._closed:  # it refuses by itself
                    await self._gateway.close()
            return self._gateway
