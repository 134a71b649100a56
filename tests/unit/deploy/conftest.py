from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wainwright.deploy.services import Services
from wainwright.sandbox.bubblewrap import Bubblewrap, prove


@pytest.fixture
async def sandbox(tmp_path: Path) -> Bubblewrap:
    return await prove(tmp_path / "state")


@pytest.fixture
async def services(tmp_path: Path, sandbox: Bubblewrap) -> AsyncIterator[Services]:
    """Services that all end with the test."""
    state = tmp_path / "state" / "deploy"
    yield Services(state, sandbox)
    last = Services(state, sandbox)
    for record in (state / "deployments").glob("*.json"):
        service = last.find(record.stem)
        if service is not None:
            await last.stop(service)
            assert not last.alive(service)
