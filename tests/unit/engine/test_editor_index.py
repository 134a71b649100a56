"""The index that follows what the person sees."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from wainwright.engine.editor_index import EditorIndex
from wainwright.workspace.index import Indexes


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "src").mkdir(parents=True)
    (root / "src" / "one.py").write_text("def first(): ...\n")
    (root / "notes.md").write_text("# Heading\n")
    return root


@asynccontextmanager
async def following(live: EditorIndex) -> AsyncIterator[None]:
    live.keep()
    try:
        yield
    finally:
        await live.close()


async def until(true: Callable[[], Awaitable[object]]) -> None:
    """Ask until it is so: what follows the disk says by itself when it has caught up."""
    async with asyncio.timeout(30):
        while not await true():
            await asyncio.sleep(0.01)


async def names(live: EditorIndex, query: str) -> list[str]:
    return [f"{found.path}:{found.line} {found.name}" for found in await live.find(query, 10)]


async def test_the_editors_index_follows_the_disk_and_the_buffers(tmp_path: Path, tree: Path) -> None:
    live = EditorIndex(Indexes(tmp_path / "cache"), tree)
    await live.typed("src/one.py", "\ndef typed_first(): ...\n")
    assert await names(live, "first") == [], "nothing is known before it is open"
    async with following(live):
        await until(lambda: names(live, "typedfirst"))
        assert await names(live, "first") == ["src/one.py:2 typed_first"]
        (tree / "src" / "two.py").write_text("class Second: ...\n")
        await until(lambda: names(live, "second"))
        await live.typed("src/one.py", None)
        await until(lambda: asyncio.ensure_future(_is(live, "first", ["src/one.py:1 first"])))
        (tree / "src" / "two.py").unlink()
        await until(lambda: asyncio.ensure_future(_is(live, "second", [])))


async def _is(live: EditorIndex, query: str, expected: list[str]) -> bool:
    return await names(live, query) == expected
