"""The folders that are open in the editor: one engine each, opened one after the other."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wainwright.domain.errors import InputError, WainwrightError
from wainwright.lsp.documents.positions import local_path
from wainwright.lsp.documents.sides import side_of

if TYPE_CHECKING:
    from lsprotocol import types

    from wainwright.lsp.connection.session import WainwrightServer
    from wainwright.lsp.messages import InFolder
    from wainwright.lsp.runs.available import AvailableCommand
    from wainwright.lsp.runs.commands import Runs

Open = Callable[[Path], Coroutine[Any, Any, "Runs | WainwrightError"]]
"""Opens the engine of a folder, or tells why that cannot be."""


class Folders:
    """Which engine answers for which document, command and run.

    A folder that the editor takes out keeps its engine, and what is under way in it, until the window closes.
    """

    def __init__(self, server: "WainwrightServer", opens: Open) -> None:
        self._server = server
        self._opens = opens
        self._opening: dict[Path, asyncio.Task[Runs | WainwrightError]] = {}
        self._too_early: set[Path] = set()
        """Folders of documents that were looked at before their engine was open."""

    @property
    def paths(self) -> list[Path]:
        """The folders in the editor's order; the root that older clients name where there are none."""
        buffers = self._server.buffers
        named = [folder.uri for folder in buffers.folders.values()] or [buffers.root_uri]
        return [path for uri in named if uri and (path := local_path(uri)) is not None]

    def around(self, uri: str) -> Path | None:
        """The innermost folder that a document lies in; the first one for what lies in none."""
        side = side_of(uri)
        uri = uri if side is None else side.folder
        paths, place = self.paths, local_path(uri) if uri else None
        inside = [path for path in paths if place is not None and place.is_relative_to(path)]
        if not inside and place is not None and len(paths) > 1:
            real = place.resolve()
            inside = [path for path in paths if real.is_relative_to(path.resolve())]
        return max(inside, key=lambda path: len(path.parts), default=paths[0] if paths else None)

    async def open_all(self) -> None:
        """Open the engines of all folders, one after the other, so that what waits in any of them is seen."""
        for path in self.paths:
            await asyncio.wait({self._begin(path)})  # whatever ails one folder, the others are opened

    def ready(self, uri: str) -> "Runs | None":
        """The runs of a document's folder, if they are open already: who types must not wait for them."""
        path = self.around(uri)
        if path is None:
            return None
        runs = _opened(self._begin(path))
        if runs is None:
            self._too_early.add(path)
        return runs

    def all_ready(self) -> "list[Runs]":
        """The runs of all folders whose engines are open."""
        found = (_opened(task) for path in self.paths if (task := self._opening.get(path)) is not None)
        return [runs for runs in found if runs is not None]

    async def once_open(self, uri: str) -> "Runs":
        """The runs of a document's folder, once its engine is open. Raises the reason when it cannot be."""
        path = self.around(uri)
        if path is None:
            raise InputError("No folder is open.", "Open the folder of your project in the editor.")
        opened = await asyncio.shield(self._begin(path))
        if isinstance(opened, WainwrightError):
            raise opened
        return opened

    async def meant(self, asked: "InFolder") -> "Runs":
        """The runs that a command is about: of the folder or the document that it names, else where its run is.

        Where it names nothing, it is about the folder in which somebody is waited for, or else the first one.
        """
        named = asked.folder or getattr(asked, "uri", None) or ""
        run = getattr(asked, "run", None) or ""
        if named or len(self.paths) < 2:
            return await self.once_open(named)
        for path in self.paths if run else ():
            opened = await asyncio.shield(self._begin(path))
            if not isinstance(opened, WainwrightError) and await _has(opened, run):
                return opened
        waiting = [runs for runs in self.all_ready() if runs.board.urgent()]
        return waiting[0] if waiting and not run else await self.once_open("")

    def tell_apart(self, uri: str, commands: "list[types.Command | None]") -> None:
        """Have commands name the folder of the document that they are offered in, where there are several.

        Those that name one already are about another.
        """
        path = self.around(uri)
        if path is None or len(self.paths) < 2:
            return
        for command in commands:
            if command is not None:
                given: Any = (*(command.arguments or ()), {})[0]
                command.arguments = [{"folder": path.as_uri(), **given}]

    def elsewhere(self, here: "Runs") -> "list[AvailableCommand]":
        """What is waited for in other folders, so that it is found wherever the person is."""
        return [
            replace(offer, argument={"folder": runs.workspace.as_uri(), **offer.argument})
            for runs in self.all_ready()
            if runs is not here
            for offer in runs.board.urgent()
        ]

    def _begin(self, path: Path) -> "asyncio.Task[Runs | WainwrightError]":
        if path not in self._opening:
            opening = self._server.spawn(self._opens(path), f"open the engine of {path}")
            opening.add_done_callback(lambda task: self._has_opened(path, task))
            self._opening[path] = opening
        return self._opening[path]

    def _has_opened(self, path: Path, task: "asyncio.Task[Runs | WainwrightError]") -> None:
        """What an editor was told while there was nothing to tell, it keeps: have it ask again."""
        if path in self._too_early and _opened(task) is not None:
            self._server.refresh(hints=True)


def _opened(task: "asyncio.Task[Runs | WainwrightError]") -> "Runs | None":
    if not task.done() or task.cancelled() or task.exception() is not None:
        return None
    opened = task.result()
    return None if isinstance(opened, WainwrightError) else opened


async def _has(runs: "Runs", run: str) -> bool:
    """Whether a run, or one whose name begins so, is of this folder."""
    return any(view.run.startswith(run) for view in await runs.engine.runs())
