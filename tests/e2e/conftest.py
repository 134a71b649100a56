"""A started server process per test, killed at its end."""

import asyncio
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from client import Client
from tests.fixtures.leftovers import gone
from tests.fixtures.program import end_services
from workplace import Workplace


@pytest.fixture
async def start(tmp_path):
    """Start servers with `await start()`; they do not survive the test, and nothing that they started does."""
    clients: list[Client] = []

    async def run(*argv, **options) -> Client:
        started_by_itself = argv[:1] == ("-c",)
        clients.append(await Client.start(*argv, loaded=not started_by_itself, **options))
        return clients[-1]

    yield run
    for client in clients:
        await client.kill()
    assert await asyncio.to_thread(gone, tmp_path) == []


@pytest.fixture
async def client(start):
    """An initialized conversation with the probe server, as a client without any capability."""
    client = await start()
    await client.initialize()
    return client


@pytest.fixture
def workplace(start, tmp_path):
    """A workspace with a scripted team; `await workplace.sit_down()` starts a server and an editor."""
    place = Workplace(tmp_path, start)
    with place.model:
        yield place
        for held in place.team.held.values():
            held.set()
    end_services(place.base / "state")
