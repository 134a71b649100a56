"""Each file of `marks/` is one thing that an editor shows or does, asked by six clients; `marks.py` plays it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from marks import EDITORS, Case, House, parse

FILES = sorted((Path(__file__).parent / "marks").glob("*.txt"))
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    built = House(tmp_path_factory.mktemp("marks"))
    yield built
    await built.close()


@pytest.mark.parametrize("profile", EDITORS)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_mark(house: House, file: Path, profile: str) -> None:
    (_, state, _), *sections = parse(file.read_text())
    person, run = await house.window(state, profile)
    await Case(person, run).play(sections)
