"""A process that keeps an index is killed at each of its system calls; others use the same store at the same time."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.killing import kills, needs_strace

from wainwright.workspace.native import Index, Structure

FILES = {
    "shop.py": "import tax\n\nclass Shop:\n    def sell(self, item):\n        return tax.rate(item)\n",
    "tax.py": "def rate(item):\n    return item.price() * 2\n",
    "web/main.go": "package main\n\nfunc Sell() int {\n\treturn rate(1)\n}\n",
}
KEEP = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from wainwright.workspace.native import Index, Structure
root, cache = sys.argv[1:]
# How much of the reading is done by which thread is never the same twice, so none of it by the first.
with ThreadPoolExecutor(1) as pool:
    index = pool.submit(Index, root, cache).result()
structure = Structure(cache)
os.sched_yield()
index.save()
structure.fill(index, threads=1)
os.sched_yield()
"""
CHANGE = """
import pathlib, sys
from wainwright.workspace.native import Index, Structure
root, cache, name = sys.argv[1:]
index, structure = Index(root, cache), Structure(cache)
for number in range(40):
    pathlib.Path(root, f"{name}{number % 7}.py").write_text(f"def {name}_{number}():\\n    return rate({number})\\n")
    index.refresh()
    structure.fill(index, threads=1)
    index.save()
    found = structure.find(index, f"{name}_{number}")
    assert [symbol.qualname for symbol in found] == [f"{name}_{number}"], found
    if number % 10 == 9:
        index, structure = Index(root, cache), Structure(cache)
"""


def lay_out(place: Path) -> tuple[Path, Path]:
    root, cache = place / "root", place / "cache"
    (root / "web").mkdir(parents=True)
    for name, text in FILES.items():
        (root / name).write_text(text)
    return root, cache


def told(root: Path, cache: Path) -> dict[str, Any]:
    """Everything an index and the structure with it say of a tree."""
    index, structure = Index(root, cache), Structure(cache)
    filled = structure.fill(index)
    assert filled.ready == filled.files
    paths = [entry.path for entry in index.files()]
    return {
        "files": paths,
        "words": {word: index.word(word) for word in ("rate", "Sell", "sell", "item", "gone")},
        "definitions": {path: index.definitions(path) for path in paths},
        "imported": {path: index.imported(path) for path in paths},
        "hits": index.search("rate").hits,
        "outlines": {path: structure.outline(index, path) for path in paths},
        "references": structure.references(index, "rate", 100),
        "callers": structure.callers(index, "rate", 100),
    }


@needs_strace
@pytest.mark.timeout(600)
@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
def test_a_store_whose_writer_was_killed_says_what_a_new_one_says(tmp_path: Path, known: bool) -> None:
    def prepare(name: str) -> tuple[Path, Path]:
        root, cache = lay_out(tmp_path / name)
        if known:
            told(root, cache)
            Index(root, cache).save()
            (root / "tax.py").write_text("def rate(item, gone):\n    return 3\n\ndef more(): rate(1, 2)\n")
            (root / "web/main.go").unlink()
        return root, cache

    places = kills(KEEP, prepare)
    root, cache = next(places)
    expected = told(root, tmp_path / "fresh")
    assert told(root, cache) == expected
    count = 0
    for root, cache in places:
        assert told(root, cache) == expected
        # And it can be written again.
        Index(root, cache).save()
        assert told(root, cache) == expected
        count += 1
    assert count > 5


@pytest.mark.timeout(120)
def test_processes_that_write_one_store_at_once_do_each_other_no_harm(tmp_path: Path) -> None:
    root, cache = lay_out(tmp_path)
    writers = [
        subprocess.Popen([sys.executable, "-c", CHANGE, root, cache, name], stderr=subprocess.PIPE, text=True)
        for name in ("one", "two", "three")
    ]
    errors = [writer.communicate()[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], errors
    assert told(root, cache) == told(root, tmp_path / "fresh")
    assert sorted(path.name for path in cache.iterdir()) == ["lexical.index", "structure.records"]
