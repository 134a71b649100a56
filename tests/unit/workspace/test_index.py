"""Indexes of trees."""

import asyncio
from pathlib import Path

import pytest

from wainwright.workspace.index import TREES_MAX, Indexes, measure


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "src").mkdir(parents=True)
    (root / "src" / "one.py").write_text("def first(): ...\n")
    (root / "notes.md").write_text("# Heading\n")
    return root


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


async def test_what_is_begun_ahead_changes_no_answer_and_ends_with_the_rest(
    tmp_path: Path, tree: Path
) -> None:
    indexes = Indexes(tmp_path / "cache")
    indexes.ahead(tree, "the first function")
    indexes.ahead(tmp_path / "nowhere", "the first function")
    assert [found.path for found in (await indexes.at(tree)).find("first")] == ["src/one.py"]
    indexes.ahead(tree, "again")
    await indexes.close()
    indexes.ahead(tree, "too late")
    assert asyncio.all_tasks() == {asyncio.current_task()}
