"""One gateway for a whole module (its import takes seconds), and a real journal."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.unit.models.support import KEY, Books

from wainwright.models.client import GatewayBackend


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncIterator[GatewayBackend]:
    backend = GatewayBackend({"OPENAI_API_KEY": KEY, "WRONG_KEY": "a-wrong-key"}, grace_s=5.0)
    await backend.warm()
    yield backend
    await backend.close()


@pytest.fixture
def open_books(tmp_path: Path) -> Iterator[Callable[..., Books]]:
    opened: list[Books] = []

    def open_one(*, usd: float | None = 10.0, tokens: int | None = 1_000_000) -> Books:
        opened.append(Books(tmp_path / f"journal-{len(opened)}.db", usd=usd, tokens=tokens))
        return opened[-1]

    yield open_one
    for books in opened:
        books.journal.close()


@pytest.fixture
def books(open_books: Callable[..., Books]) -> Books:
    return open_books()
