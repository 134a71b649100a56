"""The indexes of a workspace's trees: what stands where, kept between processes and shared between trees.

A tree's own index is looked over before each answer, so it tells what is there now. The engine has the index of the
workspace follow the editor.
"""

import asyncio
import contextlib
import hashlib
import os
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from wainwright.domain.errors import WorkspaceError
from wainwright.workspace import kept
from wainwright.workspace.native import (
    Caller,
    Cancel,
    Found,
    How,
    Index,
    Structure,
    Symbol,
    Usage,
    ranking,
    read_beneath,
)
from wainwright.workspace.native.index import KEPT
from wainwright.workspace.threads import stoppable

FOLDER = "index"
"""Where the indexes of a workspace lie in its state folder."""
STORE = "lexical.index"
"""What the native half calls the file in which an index outlives its process."""
SEED = "seed"
"""The folder with the store that the index of a new task tree begins with: only what differs is read again."""
SEED_AGE_S = 7 * 86_400.0
TREES_MAX = 8
"""Trees whose index stays open; a task's tree is asked many questions in a row, and then never again."""
READ_MAX = 8_000_000
"""Bytes of a file out of which lines are shown."""


@dataclass(frozen=True)
class IndexedTree:
    """One tree and what is known of it. Every method blocks; call it in a thread."""

    root: Path
    index: Index
    structure: Structure
    ranker: ranking.Live
    """Keeps between questions what does not change; all trees share it."""

    def find(self, name: str, *, how: How = "exact", limit: int = 50) -> tuple[Symbol, ...]:
        """Find definitions by name, the best first."""
        return self.structure.find(self.index, name, how=how, limit=limit)

    def references(self, name: str, limit: int) -> tuple[tuple[Usage, ...], bool]:
        """Find where a name is used, and whether that is all."""
        return self.structure.references(self.index, name, limit)

    def callers(self, name: str, limit: int) -> tuple[tuple[Caller, ...], bool]:
        """Find the definitions that call a name, and whether that is all."""
        return self.structure.callers(self.index, name, limit)

    def outline(self, path: str) -> tuple[Symbol, ...] | None:
        """Tell what a file defines; None for one without a grammar."""
        return self.structure.outline(self.index, path)

    def lines(self, path: str, first: int, last: int) -> tuple[list[str], int]:
        """Return some lines of a file, counted from 1, and how many it has. Raises OSError and ValueError."""
        text = read_beneath(self.root, path, READ_MAX).decode("utf-8", "replace")
        lines = text.removesuffix("\n").split("\n")
        return lines[first - 1 : last], len(lines)

    def search(
        self, pattern: str, *, regex: bool, word: bool, ignore_case: bool, glob: str | None, limit: int
    ) -> Found:
        """Find lines, as ripgrep would. Raises ValueError for a pattern or glob that does not parse."""
        return self.index.search(
            pattern, regex=regex, word=word, ignore_case=ignore_case, glob=glob, limit=limit
        )


class Indexes:
    """All indexes of one workspace, kept in one folder; trees with the same texts share what was parsed."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self._structure: Structure | None = None
        self._ranker = ranking.Live()
        self._open: OrderedDict[Path, IndexedTree] = OrderedDict()
        self._opening = asyncio.Lock()
        self._making = threading.Lock()
        self._ahead: set[asyncio.Task[None]] = set()
        self._closed = False

    async def at(self, tree: Path, *, parsed: bool = True) -> IndexedTree:
        """A tree as it is now; unless ``parsed`` is False, with every file of a known language parsed."""
        async with self._opening:
            indexed = self._open.pop(tree, None)
            indexed = await stoppable(self._brought, tree, indexed, parsed=parsed)
            self._open[tree] = indexed
            while len(self._open) > TREES_MAX:
                self._open.popitem(last=False)
        return indexed

    def ahead(self, tree: Path, words: str) -> None:
        """Begin to look through a tree about which somebody will soon ask in such words."""
        if not self._closed:
            looking = asyncio.create_task(self._look_ahead(tree, words))
            self._ahead.add(looking)
            looking.add_done_callback(self._ahead.discard)

    async def _look_ahead(self, tree: Path, words: str) -> None:
        # What goes wrong is met again by whoever asks.
        with contextlib.suppress(OSError, ValueError, WorkspaceError):
            indexed = await self.at(tree, parsed=False)
            known = indexed.index, indexed.structure
            await asyncio.to_thread(indexed.ranker.rank, *known, words, limit=1, tokens=0)

    async def close(self) -> None:
        """End what was begun ahead."""
        self._closed = True
        ahead = list(self._ahead)
        for one in ahead:
            one.cancel()
        await asyncio.gather(*ahead, return_exceptions=True)

    def _brought(
        self, cancel: Cancel, tree: Path, indexed: IndexedTree | None, *, parsed: bool
    ) -> IndexedTree:
        kept.note(self._place(tree) / KEPT, kept.in_task_tree(tree))
        if indexed is None:
            planted = self._plant(tree)
            indexed = self._opened(tree, cancel)
            if not planted:
                self._keep_seed(tree, indexed)
        else:
            indexed.index.refresh(cancel=cancel)
        if parsed:
            # Somebody waits for it.
            indexed.structure.fill(indexed.index, threads=os.cpu_count() or 1, cancel=cancel)
        return indexed

    def _plant(self, tree: Path) -> bool:
        """Let the index of a tree begin with what is known of an earlier one. Trees share their files."""
        seed = self.cache / SEED / STORE
        try:
            if time.time() - seed.stat().st_mtime > SEED_AGE_S:
                return False
            self._place(tree).mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._place(tree) / STORE).unlink(missing_ok=True)
            # Stores are replaced as a whole, so the other name keeps what it names.
            os.link(seed, self._place(tree) / STORE)
        except OSError:
            return False
        return True

    def _keep_seed(self, tree: Path, indexed: IndexedTree) -> None:
        seed = self.cache / SEED
        # Without it the next index reads everything: no reason to fail.
        with contextlib.suppress(OSError):
            self._place(tree).mkdir(mode=0o700, parents=True, exist_ok=True)
            indexed.index.save()
            seed.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._place(tree) / STORE).replace(seed / STORE)

    def open(self, workspace: Path, cancel: Cancel | None = None) -> IndexedTree:
        """Open the index of a person's folder; reads what is not known. Syntax trees come by ``Structure.fill``."""
        self.note_kept(workspace)
        return self._opened(workspace, cancel)

    async def forget(self, tree: Path) -> None:
        """Let go of a task tree that is no more."""
        async with self._opening:
            self._open.pop(tree, None)
            await asyncio.to_thread(self._drop, self._place(tree))

    @staticmethod
    def _drop(place: Path) -> None:
        (place / STORE).unlink(missing_ok=True)
        kept.drop(place / KEPT)

    def note_kept(self, workspace: Path) -> None:
        """Look which ignored files of a person's folder git has: the next refresh finds them."""
        kept.note(self._place(workspace) / KEPT, kept.in_workspace(workspace))

    def _place(self, tree: Path) -> Path:
        return self.cache / hashlib.sha256(str(tree).encode("utf-8", "surrogateescape")).hexdigest()[:12]

    def _opened(self, tree: Path, cancel: Cancel | None = None) -> IndexedTree:
        # The workspace and the first tree may be opened by two threads, and what was parsed is kept once.
        with self._making:
            if self._structure is None:
                self.cache.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._structure = Structure(self.cache)
        return IndexedTree(tree, Index(tree, self._place(tree), cancel=cancel), self._structure, self._ranker)


async def measure(indexes: Indexes, tree: Path) -> dict[str, int | dict[str, float]]:
    """Bring the index of a tree up to date and save it; what it holds, in bytes and counts, and seconds per tier.

    Raises OSError when it cannot be saved.
    """
    return await stoppable(_measured, indexes, tree)


def _measured(cancel: Cancel, indexes: Indexes, tree: Path) -> dict[str, int | dict[str, float]]:
    began = time.perf_counter()
    indexed = indexes.open(tree, cancel)
    lexical = time.perf_counter() - began
    filled = indexed.structure.fill(indexed.index, threads=os.cpu_count() or 1, cancel=cancel)
    indexed.index.save()
    words, parsed = indexed.index.stats(), indexed.structure.stats(indexed.index)
    resident, peak = _memory()
    return {
        "files": words.files,
        "symbols": parsed.definitions,
        "references": parsed.references,
        "words": words.distinct_words,
        "bytes": words.text_bytes,
        "disk_bytes": words.index_bytes + parsed.disk_bytes,
        "seconds": {"lexical": round(lexical, 4), "structural": round(filled.seconds, 4)},
        "parsed_files": filled.parsed,
        "memory_bytes": resident,
        "memory_peak_bytes": peak,
    }


def _memory() -> tuple[int, int]:
    """Resident bytes of this process, now and at their most; 0 where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0, 0
    told = {name: value.split() for name, _, value in (line.partition(":") for line in status.splitlines())}
    return int(told["VmRSS"][0]) * 1024, int(told["VmHWM"][0]) * 1024
