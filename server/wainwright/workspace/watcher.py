"""What changes on disk beneath a workspace, as sets of dirty paths: the one feed for the index, hashes and snapshots.

A set says where to look, not what happened: whoever gets it looks at the disk itself. The first change comes
within a few milliseconds, a burst as one set at a time, and a reader that is slow gets what it missed merged.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import watchfiles

from wainwright.domain.errors import WorkspaceError

_STEP_MS = 2
"""A change is told when nothing else came for so long."""
_BURST_MS = 50
"""A burst is told at least so often."""
_TICK_MS = 50
"""How soon a quiet watch looks at new folders again, and how soon it is known to be armed."""
_MANY = 2_000
"""The system drops events silently once 16,384 of them wait. Sets far smaller than what that can leave behind are
told as ``everything``, which costs a reader no more."""
_OURS = frozenset({".git", ".wainwright"})
_DEPENDENCIES = frozenset({"node_modules", "__pycache__", ".venv", "venv", ".tox"})


@dataclass(frozen=True, slots=True)
class Dirty:
    """Where something may have changed since the set before."""

    paths: frozenset[str] = frozenset()
    """Relative to the workspace, with ``/``. For a folder, all that is beneath it."""
    everything: bool = False
    """Any file may have changed: the watch has just begun, or events may be missing."""

    def __or__(self, other: "Dirty") -> "Dirty":
        if self.everything or other.everything:
            return Dirty(everything=True)
        return Dirty(self.paths | other.paths)


_NOTHING = Dirty()


async def watch(root: Path) -> AsyncGenerator[Dirty, None]:
    """Yield what gets dirty beneath ``root``, first ``everything`` once no later change can be missed.

    Nothing is told of ``.git``, ``.wainwright`` and folders of installed dependencies; other rules are the
    reader's. Closing the iterator ends the watch within milliseconds (use ``contextlib.aclosing``). Raises
    WorkspaceError if the folder, or one beneath it, cannot be watched, or no longer: a reader then checks the
    tree by itself whenever it needs to know.
    """
    loop = asyncio.get_running_loop()
    pending, arrived, stop = _NOTHING, asyncio.Event(), threading.Event()

    def merge(dirty: Dirty) -> None:
        nonlocal pending
        pending |= dirty
        if len(pending.paths) >= _MANY:
            pending = Dirty(everything=True)
        arrived.set()

    def tell(dirty: Dirty) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            loop.call_soon_threadsafe(merge, dirty)

    feed = asyncio.ensure_future(asyncio.to_thread(_feed, root, stop, tell))
    feed.add_done_callback(lambda _: arrived.set())
    try:
        while True:
            await arrived.wait()
            arrived.clear()
            if pending != _NOTHING:
                told, pending = pending, _NOTHING
                yield told
            elif feed.done():
                feed.result()
                raise WorkspaceError(f"{root} is no longer watched.")
    finally:
        stop.set()
        await asyncio.gather(asyncio.shield(feed), return_exceptions=True)


def _feed(root: Path, stop: threading.Event, tell: Callable[[Dirty], None]) -> None:
    """Watch until told to stop, and begin again after a failure in the middle."""
    armed = True
    while armed and not stop.is_set():
        armed = False
        young: set[str] = set()
        try:
            for batch in _batches(root, stop):
                if not armed:
                    armed = True
                    tell(Dirty(everything=True))
                # A file that came before its new folder was watched has no event of its own.
                dirty, young = _dirty(root, batch, young)
                if dirty != _NOTHING:
                    tell(dirty)
        except (OSError, RuntimeError) as error:  # also for a name that is not Unicode
            if not armed:
                raise WorkspaceError(f"{root} cannot be watched: {error}.") from error


def _batches(root: Path, stop: threading.Event) -> Iterable[set[tuple[watchfiles.Change, str]]]:
    return watchfiles.watch(
        root,
        watch_filter=None,
        debounce=_BURST_MS,
        step=_STEP_MS,
        rust_timeout=_TICK_MS,
        yield_on_timeout=True,
        stop_event=stop,
        raise_interrupt=False,
        # It would also keep quiet about a missing root and about a system that has no watches left.
        ignore_permission_denied=False,
    )


def _dirty(root: Path, batch: set[tuple[watchfiles.Change, str]], young: set[str]) -> tuple[Dirty, set[str]]:
    """One batch as a set, with the folders that the batch before added, and the folders that this one added."""
    if len(batch) >= _MANY:
        return Dirty(everything=True), set()
    paths, added = set(young), set()
    for change, name in batch:
        path = Path(name)
        if path == root:
            return Dirty(everything=True), set()
        if not path.is_relative_to(root):
            continue
        relative = path.relative_to(root)
        if _OURS.union(_DEPENDENCIES).intersection(relative.parts):
            continue
        paths.add(relative.as_posix())
        if change is watchfiles.Change.added and path.is_dir() and not path.is_symlink():
            added.add(relative.as_posix())
    return Dirty(frozenset(paths)), added
