"""The feed of dirty paths, on a real folder."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from wainwright.domain.errors import WorkspaceError
from wainwright.workspace.watcher import Dirty, watch


async def told(feed: AsyncIterator[Dirty], enough: Callable[[Dirty], bool]) -> Dirty:
    """What the feed tells until it is enough."""
    dirty = Dirty()
    async with asyncio.timeout(30):
        async for more in feed:
            dirty |= more
            if enough(dirty):
                break
    return dirty


async def test_the_first_word_is_everything_and_then_each_path(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "gone").touch()
    async with aclosing(watch(tmp_path)) as feed:
        assert await anext(feed) == Dirty(everything=True)
        (tmp_path / "folder/new").write_text("x")
        (tmp_path / "gone").unlink()
        (tmp_path / "link").symlink_to("nowhere")
        wanted = {"folder/new", "gone", "link"}
        assert wanted <= (await told(feed, lambda dirty: wanted <= dirty.paths)).paths


async def test_protected_and_dependency_folders_are_left_out(tmp_path: Path) -> None:
    for name in (".git", ".wainwright/runs", "sub/node_modules"):
        (tmp_path / name).mkdir(parents=True)
    async with aclosing(watch(tmp_path)) as feed:
        await anext(feed)
        for name in (".git/index", ".wainwright/runs/plan.md", "sub/node_modules/x.js", "last"):
            (tmp_path / name).write_text("x")
        assert await told(feed, lambda dirty: "last" in dirty.paths) == Dirty(frozenset({"last"}))


async def test_no_file_of_a_new_folder_is_missed(tmp_path: Path) -> None:
    async with aclosing(watch(tmp_path)) as feed:
        await anext(feed)
        seen: set[str] = set()
        expected = {f"n{number}/a/b/file" for number in range(50)}
        for name in expected:
            (tmp_path / name).parent.mkdir(parents=True)
            (tmp_path / name).write_text("x")

        def look(dirty: Dirty) -> bool:
            # As every reader does: a folder stands for what is beneath it now.
            for name in dirty.paths:
                seen.update(
                    str(p.relative_to(tmp_path)) for p in [tmp_path / name, *(tmp_path / name).rglob("*")]
                )
            return expected <= seen

        await told(feed, look)


async def test_a_flood_is_everything_and_a_slow_reader_gets_one_set(tmp_path: Path) -> None:
    async with aclosing(watch(tmp_path)) as feed:
        await anext(feed)
        for number in range(9_000):
            os.close(os.open(tmp_path / f"f{number}", os.O_CREAT))
        assert (await told(feed, lambda dirty: dirty.everything)).everything


async def test_an_event_that_cannot_be_told_begins_the_watch_again(tmp_path: Path) -> None:
    async with aclosing(watch(tmp_path)) as feed:
        await anext(feed)
        os.close(os.open(os.fsencode(tmp_path) + b"/\xff", os.O_CREAT))
        assert (await told(feed, lambda dirty: dirty.everything)).everything
        (tmp_path / "after").write_text("x")
        await told(feed, lambda dirty: "after" in dirty.paths)


async def test_a_folder_that_is_not_there_cannot_be_watched(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="cannot be watched"):
        async with aclosing(watch(tmp_path / "none")) as feed:
            await anext(feed)
