"""The index of the workspace as the person sees it: it follows the disk and the open buffers by itself."""

import asyncio
import contextlib
from pathlib import Path
from typing import NamedTuple

import structlog

from wainwright.domain.errors import WorkspaceError
from wainwright.domain.text import clean
from wainwright.workspace.index import IndexedTree, Indexes
from wainwright.workspace.native import Cancel, Symbol
from wainwright.workspace.threads import stoppable
from wainwright.workspace.watcher import Dirty, watch

log = structlog.get_logger()

_DEFINED = frozenset(
    {"function", "method", "class", "struct", "interface", "trait", "enum", "module", "type"}
)
"""What somebody can ask for tests or words about."""
_SETTLE_S = 0.5
"""Syntax trees are not made anew for every keystroke or every file of a burst."""


class Definition(NamedTuple):
    """A definition around a place; lines from 1, the last inclusive."""

    name: str
    """With the scopes it lies in, joined by dots."""
    first_line: int
    last_line: int


class EditorIndex:
    """The index of the workspace as the person sees it: the disk, and over it what they have typed."""

    def __init__(self, indexes: Indexes, workspace: Path) -> None:
        self._indexes = indexes
        self._workspace = workspace
        self._typed: dict[str, str] = {}
        self._opened: dict[str, dict[object, str]] = {}
        """What each window has of a document, what was typed last at the end."""
        self._indexed: IndexedTree | None = None
        self._stale = asyncio.Event()
        self._following: asyncio.Task[None] | None = None

    def keep(self) -> None:
        """Open the index, and keep it at the tree from now on until `close`; said again, nothing changes."""
        if self._following is None:
            self._following = asyncio.create_task(self._follow(), name="keep the index")
            self._following.add_done_callback(_told)

    async def close(self) -> None:
        """Keep it no more."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait({self._following})

    async def _follow(self) -> None:
        """Syntax trees follow when nobody types."""
        indexed = await stoppable(lambda cancel: self._indexes.open(self._workspace, cancel))
        shown: dict[str, str] = {}
        while shown != self._typed:  # meanwhile more may be typed
            for path in {**shown, **self._typed}:
                text = self._typed.get(path)
                if text is None:
                    await asyncio.to_thread(indexed.index.drop_overlay, path)
                    shown.pop(path, None)
                elif text != shown.get(path):
                    await asyncio.to_thread(indexed.index.overlay, path, text)
                    shown[path] = text
        self._indexed = indexed
        self._stale.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(indexed))
            group.create_task(self._parse(indexed))

    async def typed(self, path: str, text: str | None, window: object = None) -> None:
        """Take over the text of an open document, by its path relative to the workspace; None: it was closed.

        Where several windows have it open, what was typed last counts. Only while it is kept does any of it count.
        """
        if clean(path) != path:  # a name that is not UTF-8 is in no index
            return
        opened = self._opened.setdefault(path, {})
        opened.pop(window, None)
        if text is not None:
            opened[window] = clean(text)
        text = next(reversed(opened.values()), None)
        if text is None:
            self._opened.pop(path)
            self._typed.pop(path, None)
        else:
            self._typed[path] = text
        if self._indexed is None:
            return
        index = self._indexed.index
        await (
            asyncio.to_thread(index.drop_overlay, path)
            if text is None
            else asyncio.to_thread(index.overlay, path, text)
        )
        self._stale.set()

    async def left(self, window: object) -> None:
        """A window has gone with all that was open in it."""
        for path in [path for path, opened in self._opened.items() if window in opened]:
            await self.typed(path, None, window)

    async def find(self, query: str, limit: int) -> tuple[Symbol, ...]:
        """Names that hold the letters of ``query`` in this order, the best first; none before the index is open."""
        if self._indexed is None or not query:
            return ()
        return await asyncio.to_thread(self._indexed.find, query, how="fuzzy", limit=limit)

    async def around(self, path: str, line: int) -> Definition | None:
        """The innermost definition around a line, from 1; None outside of all, and before the index is open."""
        indexed = self._indexed
        if indexed is None or clean(path) != path:
            return None
        found = await asyncio.to_thread(indexed.structure.outline, indexed.index, path) or ()
        within = [one for one in found if one.kind in _DEFINED and one.start_line <= line <= one.end_line]
        inner = min(within, key=lambda one: one.end_line - one.start_line, default=None)
        return inner and Definition(inner.qualname, inner.start_line, inner.end_line)

    async def paths(self) -> tuple[str, ...]:
        """The files of the workspace, relative to it; none before the index is open."""
        if self._indexed is None:
            return ()
        return tuple(path for path, _ in await asyncio.to_thread(self._indexed.index.files))

    async def _watch(self, indexed: IndexedTree) -> None:
        try:
            async with contextlib.aclosing(watch(self._workspace)) as feed:
                async for dirty in feed:
                    if dirty.everything or any(path.endswith(".gitignore") for path in dirty.paths):
                        await asyncio.to_thread(self._indexes.note_kept, self._workspace)
                    await stoppable(_refreshed, indexed, dirty)
                    self._stale.set()
        except WorkspaceError as error:
            # What was typed is still followed; the disk stays as it was when the index was opened.
            log.warning("index.unwatched", reason=str(error))

    async def _parse(self, indexed: IndexedTree) -> None:
        while True:
            await self._stale.wait()
            self._stale.clear()
            await asyncio.sleep(_SETTLE_S)
            await stoppable(_filled, indexed, list(self._typed))
            with contextlib.suppress(OSError):  # it is only read again next time
                await asyncio.to_thread(indexed.index.save)


def _told(following: asyncio.Task[None]) -> None:
    if not following.cancelled() and (failure := following.exception()) is not None:
        log.error("index.not_kept", exc_info=failure)


def _refreshed(cancel: Cancel, indexed: IndexedTree, dirty: Dirty) -> None:
    if dirty.everything:
        indexed.index.refresh(cancel=cancel)
    else:
        indexed.index.refresh_paths(sorted(dirty.paths), cancel=cancel)


def _filled(cancel: Cancel, indexed: IndexedTree, wanted: list[str]) -> None:
    indexed.structure.fill(indexed.index, wanted, cancel=cancel)
