from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wainwright.deploy.process import ProcessTarget
from wainwright.sandbox.bubblewrap import Bubblewrap, prove


@pytest.fixture
async def sandbox(tmp_path: Path) -> Bubblewrap:
    return await prove(tmp_path / "state")


@pytest.fixture
async def target(tmp_path: Path, sandbox: Bubblewrap) -> AsyncIterator[ProcessTarget]:
    """A target whose services all end with the test."""
    state = tmp_path / "state" / "deploy"
    yield ProcessTarget(state, sandbox)
    last = ProcessTarget(state, sandbox)
    for record in (state / "deployments").glob("*.json"):
        deployment = last.find(record.stem)
        if deployment is not None:
            await last.stop(deployment)
            assert not last.alive(deployment)
