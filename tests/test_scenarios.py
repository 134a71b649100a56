"""Each file of `scenarios/` is one run, told with what is expected of it; `fixtures/scenario.py` plays it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.fixtures.scenario import PATH, Shared, Stagehand, perform

from wainwright.sandbox.bubblewrap import prove

FILES = sorted((Path(__file__).parent / "scenarios").glob("*.txt"))
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stagehand]:
    root = tmp_path_factory.mktemp("scenarios")
    environment = {"HOME": str(root / "home"), "PATH": PATH}
    gateway = Shared({}, grace_s=5.0)
    await gateway.warm()
    yield Stagehand(root, await prove(root / "state", environment), gateway)
    await gateway.end()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_scenario(stage: Stagehand, file: Path) -> None:
    await perform(stage, file.stem, file.read_text())
