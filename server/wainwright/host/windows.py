"""The windows of one workspace, which the engine takes for one editor; and the engines of all workspaces."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from wainwright.domain.changes import Changeset
from wainwright.domain.errors import WainwrightError
from wainwright.domain.ports import Editor, EditorAnswer
from wainwright.engine.engine import Engine
from wainwright.lsp.runs.seat import Seat
from wainwright.settings_files import CONFIG_FILE, WORKSPACE_FILE, config_dir

log = structlog.get_logger()

OpenEngine = Callable[[Path, Editor], Awaitable[Engine]]
"""Opens the engine of a folder. Raises InputError for one that cannot be worked in."""


class Windows:
    """All windows of a workspace as one editor. A change is brought to the one where its run was worked on last."""

    def __init__(self) -> None:
        self._editors: list[Editor] = []
        self._seats: dict[int, Seat] = {}
        self._taken: dict[str, Editor] = {}

    def __len__(self) -> int:
        return len(self._editors)

    def come(self, editor: Editor) -> None:
        """A window has come."""
        self._editors.append(editor)

    def seated(self, editor: Editor, seat: Seat) -> None:
        """It has its place, and hears of runs from now on."""
        seat.under_way = tuple(self._taken)
        self._seats[id(editor)] = seat

    def go(self, editor: Editor) -> None:
        """It has gone."""
        self._editors.remove(editor)
        self._seats.pop(id(editor), None)

    def take(self, editor: Editor, run: str) -> None:
        """A run is worked on in this window; the others show it."""
        self._taken[run] = editor
        for other, seat in list(self._seats.items()):
            if other != id(editor):
                seat.shared(run)

    async def apply(self, run: str, changeset: Changeset) -> EditorAnswer:
        """As the one window would."""
        editor = self._taken.get(run)
        if editor not in self._editors:
            editor = self._editors[-1] if self._editors else None
        if editor is None:
            return EditorAnswer(status="absent")
        return await editor.apply(run, changeset)

    async def agrees(self, question: str) -> bool:
        """The one that came first is asked."""
        return await self._editors[0].agrees(question) if self._editors else False

    def tell(self, text: str) -> None:
        """All of them are told."""
        for editor in self._editors:
            editor.tell(text)


@dataclass
class _Shared:
    """An engine and who looks at it."""

    opening: "asyncio.Task[Engine]"
    windows: Windows
    settings: object
    """What its settings were read from, as it was then."""
    left_at: float = 0.0
    in_order: bool = True
    """Whether the last window said that it went."""
    closing: "asyncio.Task[None] | None" = None


class Engines:
    """One engine a workspace, for as long as a window shows it, a run goes on, or somebody may come back."""

    def __init__(
        self, open_engine: OpenEngine, clock: Callable[[], float] = time.monotonic, *, idle_s: float = 0.0
    ) -> None:
        self._open_engine = open_engine
        self._clock = clock
        self._shared: dict[Path, _Shared] = {}
        self.idle_s = idle_s
        """For how long whoever has the engines waits for somebody, as the settings of the last one have it."""

    def __len__(self) -> int:
        return len(self._shared)

    async def sit(self, folder: Path, editor: Editor) -> Seat:
        """A place for a window at the engine of a folder. Raises what opening it raises."""
        workspace = await asyncio.to_thread(folder.resolve)
        settings = await asyncio.to_thread(_settings, workspace)
        await self._let_go_of_old(workspace, settings)
        shared = self._shared.get(workspace)
        if shared is None:
            windows = Windows()
            opening = asyncio.create_task(self._opened(folder, windows), name=f"open {folder}")
            shared = self._shared[workspace] = _Shared(opening, windows, settings)
        shared.windows.come(editor)
        try:
            engine = await asyncio.shield(shared.opening)
        except BaseException:
            self._go(shared, editor)
            if _failed(shared.opening) and self._shared.get(workspace) is shared:
                del self._shared[workspace]
            raise
        if shared.settings != settings:
            editor.tell("Your settings have changed: they hold once every window of this folder was closed.")
        self.idle_s = engine.host.idle_s

        async def leave() -> None:
            shared.in_order = seat.in_order
            await engine.index.left(editor)
            self._go(shared, editor)

        seat = Seat(engine, leave, partial(shared.windows.take, editor))
        shared.windows.seated(editor, seat)
        return seat

    async def _opened(self, folder: Path, windows: Windows) -> Engine:
        return await self._open_engine(folder, windows)

    async def look(self) -> None:
        """Close engines that nobody needs any more."""
        for workspace, shared in list(self._shared.items()):
            if shared.windows or not shared.opening.done() or shared.closing is not None:
                continue
            if _failed(shared.opening):
                del self._shared[workspace]
                continue
            engine = shared.opening.result()
            alone_s = self._clock() - shared.left_at
            if not await engine.busy():
                over = alone_s >= engine.host.idle_s
            elif engine.host.finish_runs:
                over, shared.left_at = False, self._clock()
            else:
                over = shared.in_order or alone_s >= engine.host.idle_s
            if over and not shared.windows:
                await self._close(workspace, shared)

    async def close(self) -> None:
        """Close all of them; runs rest."""
        await asyncio.gather(*(self._close(*one) for one in list(self._shared.items())))

    async def _let_go_of_old(self, workspace: Path, settings: object) -> None:
        """Wait for an engine that is being closed; close one that knows other settings, if nobody uses it."""
        shared = self._shared.get(workspace)
        if shared is None or _failed(shared.opening):
            self._shared.pop(workspace, None)
            return
        if shared.closing is not None:
            await asyncio.wait({shared.closing})
        elif shared.settings != settings and not shared.windows and shared.opening.done():
            engine = shared.opening.result()
            if not await engine.busy():
                await self._close(workspace, shared)

    def _go(self, shared: _Shared, editor: Editor) -> None:
        shared.windows.go(editor)
        shared.left_at = self._clock()

    async def _close(self, workspace: Path, shared: _Shared) -> None:
        if shared.closing is None:
            shared.closing = asyncio.ensure_future(self._end(workspace, shared))
        await asyncio.shield(shared.closing)

    async def _end(self, workspace: Path, shared: _Shared) -> None:
        try:
            await (await shared.opening).close()
        except (WainwrightError, OSError) as error:
            log.warning("engine.not_closed", workspace=str(workspace), reason=str(error))
        finally:
            if self._shared.get(workspace) is shared:
                del self._shared[workspace]


def _failed(opening: "asyncio.Task[Engine]") -> bool:
    return opening.done() and (opening.cancelled() or opening.exception() is not None)


def _settings(workspace: Path) -> tuple[object, ...]:
    """What tells whether settings were written since."""
    files = (config_dir() / CONFIG_FILE, config_dir() / "credentials.toml", workspace / WORKSPACE_FILE)
    return tuple(_stamp(file) for file in files)


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        there = os.lstat(file)
    except OSError:
        return None
    return there.st_mtime_ns, there.st_ino
