"""The indexes of a workspace's trees: what stands where, kept between processes and shared between trees.

A tree's own index is looked over before each answer, so it tells what is there now. The workspace's index follows the
disk and the open buffers by itself.
"""

import asyncio
import contextlib
import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import structlog

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
from wainwright.workspace.watcher import Dirty, watch

log = structlog.get_logger()

TREES_MAX = 8
"""Trees whose index stays open; a task's tree is asked many questions in a row, and then never again."""
READ_MAX = 8_000_000
"""Bytes of a file out of which lines are shown."""
_SETTLE_S = 0.5
"""Syntax trees are not made anew for every keystroke or every file of a burst."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Look:
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
        self._open: OrderedDict[Path, Look] = OrderedDict()
        self._opening = asyncio.Lock()
        self._making = threading.Lock()

    async def at(self, tree: Path, *, parsed: bool = True) -> Look:
        """A tree as it is now; unless ``parsed`` is False, with every file of a known language parsed."""
        async with self._opening:
            look = self._open.pop(tree, None)
            look = await _stoppable(self._brought, tree, look, parsed=parsed)
            self._open[tree] = look
            while len(self._open) > TREES_MAX:
                self._open.popitem(last=False)
        return look

    def _brought(self, cancel: Cancel, tree: Path, look: Look | None, *, parsed: bool) -> Look:
        kept.note(self._place(tree) / KEPT, kept.in_task_tree(tree))
        if look is None:
            look = self._look(tree, cancel)
        else:
            look.index.refresh(cancel=cancel)
        if parsed:
            look.structure.fill(look.index, cancel=cancel)
        return look

    def look(self, workspace: Path, cancel: Cancel | None = None) -> Look:
        """Open the index of a person's folder; reads what is not known. Syntax trees come by ``Structure.fill``."""
        self.note_kept(workspace)
        return self._look(workspace, cancel)

    async def forget(self, tree: Path) -> None:
        """Let go of a task tree that is no more."""
        async with self._opening:
            self._open.pop(tree, None)
            await asyncio.to_thread(kept.drop, self._place(tree) / KEPT)

    def note_kept(self, workspace: Path) -> None:
        """Look which ignored files of a person's folder git has: the next refresh finds them."""
        kept.note(self._place(workspace) / KEPT, kept.in_workspace(workspace))

    def _place(self, tree: Path) -> Path:
        return self.cache / hashlib.sha256(str(tree).encode("utf-8", "surrogateescape")).hexdigest()[:12]

    def _look(self, tree: Path, cancel: Cancel | None = None) -> Look:
        # The workspace and the first tree may be opened by two threads, and what was parsed is kept once.
        with self._making:
            if self._structure is None:
                self.cache.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._structure = Structure(self.cache)
        return Look(tree, Index(tree, self._place(tree), cancel=cancel), self._structure, self._ranker)


async def measure(indexes: Indexes, tree: Path) -> dict[str, int | dict[str, float]]:
    """Bring the index of a tree up to date and save it; what it holds, in bytes and counts, and seconds per tier.

    Raises OSError when it cannot be saved.
    """
    return await _stoppable(_measured, indexes, tree)


def _measured(cancel: Cancel, indexes: Indexes, tree: Path) -> dict[str, int | dict[str, float]]:
    began = time.perf_counter()
    look = indexes.look(tree, cancel)
    lexical = time.perf_counter() - began
    filled = look.structure.fill(look.index, threads=os.cpu_count() or 1, cancel=cancel)
    look.index.save()
    words, parsed = look.index.stats(), look.structure.stats(look.index)
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


class LiveIndex:
    """The index of the workspace as the person sees it: the disk, and over it what they have typed."""

    def __init__(self, indexes: Indexes, workspace: Path) -> None:
        self._indexes = indexes
        self._workspace = workspace
        self._typed: dict[str, str] = {}
        self._look: Look | None = None
        self._stale = asyncio.Event()

    async def follow(self) -> None:
        """Open the index, and keep it at the tree until cancelled. Syntax trees follow when nobody types."""
        look = await _stoppable(lambda cancel: self._indexes.look(self._workspace, cancel))
        for path, text in self._typed.items():
            await asyncio.to_thread(look.index.overlay, path, text)
        self._look = look
        self._stale.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(look))
            group.create_task(self._parse(look))

    async def typed(self, path: str, text: str | None) -> None:
        """Take over the text of an open document; None when it was closed. Only while followed does it count."""
        if text is None:
            self._typed.pop(path, None)
        else:
            self._typed[path] = text
        if self._look is None:
            return
        index = self._look.index
        await (
            asyncio.to_thread(index.drop_overlay, path)
            if text is None
            else asyncio.to_thread(index.overlay, path, text)
        )
        self._stale.set()

    async def find(self, query: str, limit: int) -> tuple[Symbol, ...]:
        """Names that hold the letters of ``query`` in this order, the best first; none before the index is open."""
        if self._look is None or not query:
            return ()
        return await asyncio.to_thread(self._look.find, query, how="fuzzy", limit=limit)

    async def _watch(self, look: Look) -> None:
        try:
            async with contextlib.aclosing(watch(self._workspace)) as feed:
                async for dirty in feed:
                    if dirty.everything or any(path.endswith(".gitignore") for path in dirty.paths):
                        await asyncio.to_thread(self._indexes.note_kept, self._workspace)
                    await _stoppable(_refreshed, look, dirty)
                    self._stale.set()
        except WorkspaceError as error:
            # What was typed is still followed; the disk stays as it was when the index was opened.
            log.warning("index.unwatched", reason=str(error))

    async def _parse(self, look: Look) -> None:
        while True:
            await self._stale.wait()
            self._stale.clear()
            await asyncio.sleep(_SETTLE_S)
            await _stoppable(_filled, look, list(self._typed))
            with contextlib.suppress(OSError):  # it is only read again next time
                await asyncio.to_thread(look.index.save)


def _refreshed(cancel: Cancel, look: Look, dirty: Dirty) -> None:
    if dirty.everything:
        look.index.refresh(cancel=cancel)
    else:
        look.index.refresh_paths(sorted(dirty.paths), cancel=cancel)


def _filled(cancel: Cancel, look: Look, wanted: list[str]) -> None:
    look.structure.fill(look.index, wanted, cancel=cancel)


async def _stoppable(work: Callable[Concatenate[Cancel, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do long work in a thread; it ends soon when the task is cancelled."""
    cancel = Cancel()
    try:
        return await asyncio.to_thread(work, cancel, *args, **kwargs)
    except asyncio.CancelledError:
        cancel.set()
        raise
