"""Our side of the rows: what the product offers, under the names the rows use.

As a program it measures a start in a process of its own and prints one line of JSON:
`subject.py cold ROOT CACHE TIER` or `subject.py reopen ROOT CACHE`.
"""

import json
import os
import sys
import time
from functools import cached_property
from pathlib import Path

from wainwright.workspace import native
from wainwright.workspace.localise import LIMIT
from wainwright.workspace.native.ranking import Live

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Subject:
    """An index over a tree, kept in a cache folder: what was there is ready when this returns."""

    def __init__(self, root: Path, cache: Path) -> None:
        cache.mkdir(parents=True, exist_ok=True)
        self.cache = cache
        self.index = native.Index(root, cache)
        self.ranker = Live()

    @cached_property
    def structure(self) -> native.Structure:
        return native.Structure(self.cache)

    def fill(self, threads: int) -> native.Filled:
        """Return when the structural tier is complete."""
        return self.structure.fill(self.index, threads=threads)

    def save(self) -> None:
        self.index.save()

    def places(self, word: str) -> list[tuple[str, list[int]]]:
        """Paths and lines of all hits of a word, in order."""
        return self.index.places(word)

    def lines(self, word: str, limit: int) -> list[tuple[str, int]]:
        """Path and line of the first hits of a word, in order, for which their text is read."""
        return [(path, line) for path, line, _ in self.index.search(word, word=True, limit=limit)]

    def files(self, word: str) -> list[str]:
        """Paths of the files that have a word, in order."""
        return [posting.path for posting in self.index.word(word)]

    def edit(self, path: str, text: str) -> None:
        """The text of an open buffer is now this."""
        self.index.overlay(path, text)

    def defined(self, name: str) -> list[str]:
        """Paths of the files that define a name."""
        return [place.path for place in self.index.defined(name)]

    def context(self, goal: str, tokens: int) -> str:
        """What a model is shown for a goal."""
        shown = self.ranker.rank(self.index, self.structure, goal, limit=LIMIT, tokens=tokens)
        return shown[1]


class Snapshots:
    """States of a tree that can be had again; a watcher tells which paths changed."""

    def __init__(self, root: Path, scratch: Path) -> None:
        folder = scratch / f"snapshots-{root.name}"
        folder.mkdir()
        self.tree = native.Tree(root)
        self.store = native.Snapshots(folder)
        self.first = self.store.take(self.tree)
        self.changed: list[str] = []

    def snapshot(self, changed: list[str]) -> None:
        """Keep the tree as it is, with these paths changed since the last time."""
        self.changed = changed
        self.store.take(self.tree, changed)

    def restore(self) -> None:
        """Set the tree back to what it was at first."""
        self.store.restore(self.tree, self.first, self.changed)


def memory() -> dict[str, int]:
    """Bytes resident now and at most so far, mapped files included."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        name: 1024 * int(fields[key].split()[0]) for name, key in (("resident", "VmRSS"), ("peak", "VmHWM"))
    }


def cold(root: Path, cache: Path, tier: str) -> dict[str, float]:
    before = memory()
    began = time.perf_counter()
    index = Subject(root, cache)
    measured = {"lexical": time.perf_counter() - began}
    if tier == "structural":
        filled = index.fill(CORES)
        measured["structural"] = time.perf_counter() - began
        measured |= {"parsed_files": filled.parsed, "parsed_bytes": filled.parsed_bytes}
    index.save()
    measured["saved"] = time.perf_counter() - began
    disk = sum(file.stat().st_size for file in cache.rglob("*") if file.is_file())
    return measured | memory() | {"before": before["resident"], "disk": disk}


def reopen(root: Path, cache: Path) -> dict[str, float]:
    began = time.perf_counter()
    Subject(root, cache)
    return {"ready": time.perf_counter() - began}


def main() -> None:
    command, root, cache, *more = sys.argv[1:]
    measure = {"cold": cold, "reopen": reopen}[command]
    print(json.dumps(measure(Path(root), Path(cache), *more)))


if __name__ == "__main__":
    main()
