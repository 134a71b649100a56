"""Indexes of trees, and the one that follows what the person sees."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from wainwright.workspace.index import TREES_MAX, Indexes, LiveIndex, measure


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "src").mkdir(parents=True)
    (root / "src" / "one.py").write_text("def first(): ...\n")
    (root / "notes.md").write_text("# Heading\n")
    return root


@asynccontextmanager
async def following(live: LiveIndex) -> AsyncIterator[None]:
    task = asyncio.create_task(live.follow())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], Awaitable[object]]) -> None:
    """Ask until it is so: what follows the disk says by itself when it has caught up."""
    async with asyncio.timeout(30):
        while not await true():
            await asyncio.sleep(0.01)


async def names(live: LiveIndex, query: str) -> list[str]:
    return [f"{found.path}:{found.line} {found.name}" for found in await live.find(query, 10)]


async def test_the_editors_index_follows_the_disk_and_the_buffers(tmp_path: Path, tree: Path) -> None:
    live = LiveIndex(Indexes(tmp_path / "cache"), tree)
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


async def _is(live: LiveIndex, query: str, expected: list[str]) -> bool:
    return await names(live, query) == expected


async def test_a_tree_is_told_as_it_is_now_and_few_stay_open(tmp_path: Path, tree: Path) -> None:
    indexes = Indexes(tmp_path / "cache")
    assert [found.path for found in (await indexes.at(tree)).find("first")] == ["src/one.py"]
    for number in range(TREES_MAX + 1):
        other = tmp_path / f"other{number}"
        other.mkdir()
        assert (await indexes.at(other)).find("first") == ()
    (tree / "src" / "one.py").write_text("def again(): ...\n")
    look = await indexes.at(tree)
    assert look.find("first") == ()
    assert [found.line for found in look.find("again")] == [1]


async def test_trees_with_the_same_texts_share_what_was_parsed(tmp_path: Path, tree: Path) -> None:
    indexes = Indexes(tmp_path / "cache")
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "renamed.py").write_text((tree / "src" / "one.py").read_text())
    first = await measure(indexes, tree)
    second = await measure(indexes, copy)
    assert (first["files"], first["symbols"], first["parsed_files"]) == (2, 2, 2)
    assert (second["files"], second["symbols"], second["parsed_files"]) == (1, 1, 0)


async def test_a_second_process_finds_what_the_first_one_parsed(tmp_path: Path, tree: Path) -> None:
    await measure(Indexes(tmp_path / "cache"), tree)
    again = await measure(Indexes(tmp_path / "cache"), tree)
    assert (again["parsed_files"], again["symbols"]) == (0, 2)
