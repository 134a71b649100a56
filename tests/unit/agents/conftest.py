"""One gateway for a whole module."""

from collections.abc import AsyncIterator

import pytest_asyncio

from wainwright.models.client import GatewayBackend


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncIterator[GatewayBackend]:
    backend = GatewayBackend({}, grace_s=5.0)
    await backend.warm()
    yield backend
    await backend.close()
