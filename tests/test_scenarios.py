"""Each file of `scenarios/` is one run, told with what is expected of it; `fixtures/scenario.py` plays it.

With ``SCENARIOS=all`` those are played too that say of themselves that a night is soon enough.
"""

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.fixtures.prompts import beginnings, broken_off, out_of_turn, told_twice
from tests.fixtures.scenario import Stagehand, perform, stagehand

NIGHTLY = os.environ.get("SCENARIOS") == "all"
FILES = [
    file
    for file in sorted((Path(__file__).parent / "scenarios").glob("*.txt"))
    if NIGHTLY or "\n=== nightly\n" not in file.read_text()
]
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stagehand]:
    async with stagehand() as shared:
        yield shared


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_scenario(stage: Stagehand, file: Path) -> None:
    play = await perform(stage, file.stem, file.read_text())
    if not re.search("^=== resume", file.read_text(), re.MULTILINE):
        assert len(beginnings(play.server.requests)) <= 1, "all roles are told the same first"
    # Where other tools are offered from some point on, no provider has the beginning in its cache.
    if not re.search("^=== resume\nsandbox = false", file.read_text(), re.MULTILINE):
        assert broken_off(play.server.entries) == []
    assert [one for one in map(out_of_turn, play.server.requests) if one] == []
    assert [told_twice(one) for one in play.server.requests if told_twice(one)] == []
