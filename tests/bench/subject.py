"""Our side of the index rows: what the product offers, under the names the rows use.

As a program it measures a start in a process of its own and prints one line of JSON:
`subject.py cold ROOT CACHE TIER` or `subject.py reopen ROOT CACHE`.
"""

import json
import sys
import time
from pathlib import Path

from tests.bench.harness import Missing


class Subject:
    """An index over a tree, kept in a cache folder."""

    def __init__(self, root: Path, cache: Path) -> None:
        raise Missing("the index has no Python face in this build")

    def wait(self, tier: str) -> None:
        """Return when the tier is complete."""

    def hits(self, word: str) -> set[tuple[str, int]]:
        """Path and line of every hit of a word."""

    def edit(self, path: str, text: str) -> None:
        """The text of an open buffer is now this."""

    def defined(self, name: str) -> list[str]:
        """Paths of the files that define a name."""

    def context(self, goal: str, tokens: int) -> str:
        """What a model is shown for a goal."""


class Snapshots:
    """States of a tree that can be had again."""

    def __init__(self, root: Path, scratch: Path) -> None:
        raise Missing("snapshots have no Python face in this build")

    def snapshot(self, changed: list[str]) -> None:
        """Keep the tree as it is; the watcher has told which paths changed since the last time."""

    def restore(self) -> None:
        """Set the tree back to what it was before the last snapshot."""


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
    index.wait("lexical")
    measured = {"lexical": time.perf_counter() - began}
    if tier == "structural":
        index.wait("structural")
        measured["structural"] = time.perf_counter() - began
    index.close()
    disk = sum(file.stat().st_size for file in cache.rglob("*") if file.is_file())
    return measured | memory() | {"before": before["resident"], "disk": disk}


def reopen(root: Path, cache: Path) -> dict[str, float]:
    began = time.perf_counter()
    Subject(root, cache).wait("lexical")
    return {"ready": time.perf_counter() - began}


def main() -> None:
    command, root, cache, *more = sys.argv[1:]
    measure = {"cold": cold, "reopen": reopen}[command]
    print(json.dumps(measure(Path(root), Path(cache), *more)))


if __name__ == "__main__":
    try:
        main()
    except Missing as error:
        raise SystemExit(str(error)) from None
