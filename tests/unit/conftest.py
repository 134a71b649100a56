"""One sandbox for a whole module; a bench for every test."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import structlog
from tests.fixtures.bench import Bench
from tests.fixtures.scenario import PATH
from tests.fixtures.warm import go_cache

from wainwright.sandbox.bubblewrap import Bubblewrap, prove

FILES = {
    "calc.py": "def add(a, b):\n    return a + b\n",
    "test_calc.py": "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
}


@pytest.fixture(autouse=True)
def log_of_its_own() -> None:
    """A test that ran the program in this process left the log on a stream that is closed by now."""
    structlog.reset_defaults()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Bubblewrap:
    root = tmp_path_factory.mktemp("sandbox")
    environment = {"HOME": str(root / "home"), "PATH": PATH, **await asyncio.to_thread(go_cache)}
    return await prove(root / "state", environment)


@pytest.fixture
def make_bench(tmp_path: Path, sandbox: Bubblewrap) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(files: dict[str, str] | None = None) -> Bench:
        made.append(Bench(tmp_path / str(len(made)), files or FILES, sandbox))
        return made[-1]

    yield make
    for bench in made:
        bench.journal.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()
