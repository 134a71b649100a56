"""The board: what is known about the runs of the workspace, and who wants to hear when it changes."""

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from wainwright.domain.errors import InputError
from wainwright.lsp.runs.available import AvailableCommand, available, to_say, to_start

if TYPE_CHECKING:
    from wainwright.engine.editor_index import Definition
    from wainwright.engine.engine import Engine
    from wainwright.engine.views.run_view import RunView
    from wainwright.lsp.connection.session import WainwrightServer


SETTLES_S = 1.0
"""How long a gate has stood before a decision about it is taken as meant for it, in seconds."""


class Board:
    """Runs as they were seen last; the newest one is told to ``listeners``, as often as it is seen."""

    def __init__(self, server: "WainwrightServer", engine: "Engine") -> None:
        self.newest: str | None = None
        """The run that the editor shows when none is named."""
        self.listeners: list[Callable[[RunView], None]] = []
        self.workspace = engine.workspace
        self._server = server
        self._engine = engine
        self._seen: dict[str, RunView] = {}
        self._appeared: dict[str, dict[str, float]] = {}
        """When each gate of a run was first seen, in seconds of the monotonic clock."""

    def last_seen(self, run: str) -> "RunView":
        """A run as it was seen last. Raises KeyError for one that never was."""
        return self._seen[run]

    def seen(self, run: str) -> "RunView | None":
        """A run as it was seen last; None for one that never was. Waits for nothing."""
        return self._seen.get(run)

    def views(self) -> "list[RunView]":
        """The runs as they were seen last, the one that moved last first."""
        return list(reversed(self._seen.values()))

    async def offers(self) -> list[AvailableCommand]:
        """What the goal document offers now."""
        return to_start(trusted=await self._engine.trusting.given())

    async def around(self, path: str, line: int) -> "Definition | None":
        """The innermost definition around a line of a file, from 1."""
        return await self._engine.index.around(path, line)

    async def look(self, run: str | None) -> "RunView | None":
        """A run, or the newest one; None when there is none. Runs at work here cost nothing to look at."""
        name = run or self.newest
        known = self._seen.get(name) if name else None
        if known is not None and known.at_work == "here":
            return known
        try:
            view = await self._engine.view(run)
        except InputError:
            return None
        self.remember(view)
        return view

    async def look_again(self, run: str) -> "RunView":
        """A run as it is right now; whatever shows it is brought up to date."""
        view = await self._engine.view(run)
        before = self._seen.get(run)
        self.remember(view)
        if before is None or (before.stage, before.gates, before.editor) != (
            view.stage,
            view.gates,
            view.editor,
        ):
            self._server.refresh()
        return view

    def urgent(self) -> list[AvailableCommand]:
        """What somebody waits for, in any run that no other process looks after."""
        mine = [view for view in self._seen.values() if view.at_work != "elsewhere"]
        return [offer for view in mine for offer in available(view) if offer.urgent]

    def to_say(self) -> list[AvailableCommand]:
        """Words for those at work, for each run that goes on."""
        return [offer for view in self._seen.values() for offer in to_say(view)]

    def remember(self, view: "RunView") -> None:
        """Take a run over as it is now; listeners hear of the newest one."""
        self._seen.pop(view.run, None)
        self._seen[view.run] = view
        appeared = self._appeared.setdefault(view.run, {})
        for gate in view.gates:
            appeared.setdefault(gate.id, time.monotonic())
        if self.newest == view.run:
            for listener in self.listeners:
                listener(view)

    def took_a_place(self, run: str, gate: str) -> bool:
        """Whether a gate stands where another one of its run stood a moment ago: a click may have been for that."""
        known = self._appeared.get(run, {})
        return len(known) > 1 and time.monotonic() - known.get(gate, math.inf) < SETTLES_S

    def refresh(self) -> None:
        """Show anew what a command has moved in the editor."""
        self._server.refresh()
        if self.newest is not None:
            self._server.spawn(self._look_beside(self.newest), f"look at {self.newest} again")

    async def _look_beside(self, run: str) -> None:
        self.remember(await self._engine.view(run))
