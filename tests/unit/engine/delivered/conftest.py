"""A small change that was delivered: played once, whatever is done to it after."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import pytest_asyncio
from tests.fixtures.delivered import Delivered, deliver
from tests.fixtures.scenario import PATH, Shared, Stagehand
from tests.fixtures.warm import go_cache

from wainwright.sandbox.bubblewrap import prove


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage() -> AsyncIterator[Stagehand]:
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        root = Path(folder)
        gateway = Shared({}, grace_s=5.0)
        await gateway.warm()
        environment = {"HOME": str(root / "home"), "PATH": PATH, **await asyncio.to_thread(go_cache)}
        sandbox = await prove(root / "state", environment)
        yield Stagehand(root, sandbox, gateway)
        await gateway.end()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def small(stage: Stagehand) -> Delivered:
    return await deliver(stage, "a_small_goal")


@pytest.fixture
def it(small: Delivered) -> Delivered:
    """The small one, as it was before the person did anything with it."""
    small.git("checkout", "--quiet", "--force", "--detach", small.base)
    small.git("clean", "-fdq")
    return small
