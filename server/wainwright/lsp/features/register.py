"""Puts the product into the server: opens the engine of the workspace, and wires commands, actions and lenses.

Nothing heavy is imported before the editor has its answer to ``initialize``; the engine comes in a thread afterwards.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.domain.errors import InputError, WainwrightError
from wainwright.lsp.documents.positions import local_path
from wainwright.lsp.features.code_actions import KINDS, actions
from wainwright.lsp.features.code_lenses import lenses
from wainwright.lsp.features.diagnostics import Findings, GoalProblems
from wainwright.lsp.features.execute_command import Catalogue
from wainwright.lsp.features.hover import hover
from wainwright.lsp.features.plan_document import (
    follow_plan_document,
    offer_plan_document,
    register_plan_document,
)
from wainwright.lsp.features.workspace_symbols import documents, follow_buffers, symbols

if TYPE_CHECKING:
    from wainwright.lsp.connection.session import WainwrightServer
    from wainwright.lsp.runs.commands import Runs
    from wainwright.lsp.runs.seat import Opens


class Product:
    """One workspace behind one conversation."""

    def __init__(self, server: "WainwrightServer", opens: "Opens") -> None:
        self._server = server
        self._opens = opens
        self._opening: asyncio.Task[Runs | WainwrightError] | None = None
        Catalogue(self.runs).register(server.commands)
        self._register_features()

    def _register_features(self) -> None:
        """As functions: pygls marks what it registers, and a bound method takes no marks."""
        feature = self._server.feature

        @feature(types.INITIALIZED)
        async def initialized(params: types.InitializedParams) -> None:
            self._server.spawn(offer_plan_document(self._server), "offer the pages of plans")
            self._begin()

        @feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=list(KINDS)))
        async def code_action(params: types.CodeActionParams) -> list[types.CodeAction | types.Command]:
            runs = self._ready
            if runs is None and params.context.trigger_kind is types.CodeActionTriggerKind.Invoked:
                runs = await self._once_open()
            if runs is None:
                return []
            found = await actions(self._server, runs.board, runs.hunks, runs.pages, params)
            if self._server.profile.action_literals:
                return [*found]
            return [one.command for one in found if one.command is not None]

        @feature(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensOptions())
        async def code_lens(params: types.CodeLensParams) -> list[types.CodeLens]:
            runs = self._ready
            return [] if runs is None else await lenses(runs.board, runs.hunks, runs.pages, params)

        @feature(types.TEXT_DOCUMENT_HOVER)
        async def on_hover(params: types.HoverParams) -> types.Hover | None:
            runs = self._ready
            return None if runs is None else hover(self._server, runs.pages, runs.lines, params)

        register_plan_document(self._server, lambda: runs.pages if (runs := self._ready) else None)

        @feature(types.WORKSPACE_SYMBOL)
        async def workspace_symbol(params: types.WorkspaceSymbolParams) -> list[types.WorkspaceSymbol]:
            runs = self._ready
            if runs is None:
                return []
            return [*documents(runs.board, params.query), *await symbols(runs.engine, params.query)]

    async def runs(self) -> "Runs":
        """The runs of the workspace, once its engine is open. Raises the reason when it cannot be."""
        opened = await asyncio.shield(self._begin())
        if isinstance(opened, WainwrightError):
            raise opened
        return opened

    async def _once_open(self) -> "Runs | None":
        """The same for what a person asks for themselves, who waits a moment rather than being shown nothing."""
        with suppress(WainwrightError):
            return await self.runs()
        return None

    @property
    def _ready(self) -> "Runs | None":
        """The runs, if the engine is open already: what is asked for while a person types must not wait."""
        task = self._opening
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return None
        opened = task.result()
        return None if isinstance(opened, WainwrightError) else opened

    def _begin(self) -> "asyncio.Task[Runs | WainwrightError]":
        if self._opening is None:
            self._opening = self._server.spawn(self._open(), "open the engine")
        return self._opening

    async def _open(self) -> "Runs | WainwrightError":
        folder = self._folder()
        if folder is None:
            return InputError("No folder is open.", "Open the folder of your project in the editor.")
        try:
            runs_of = await asyncio.to_thread(_load_runs)
            runs = await runs_of(self._server, folder, self._opens)
        except WainwrightError as error:
            said = types.LogMessageParams(types.MessageType.Warning, f"Wainwright cannot work here. {error}")
            self._server.window_log_message(said)
            return error
        self._server.on_stop.append(runs.close)
        findings = Findings(self._server, runs.workspace)
        runs.board.listeners.append(lambda view: findings.show((*view.findings, *view.failing), view.run))
        follow_plan_document(self._server, runs.pages)
        await runs.restore()
        problems = GoalProblems(self._server, runs.workspace)
        self._server.spawn(problems.follow(), "look at the goal document")
        self._server.spawn(runs.expect_goals(), "wait for a goal")
        self._server.spawn(follow_buffers(self._server, runs.engine), "follow the buffers")
        return runs

    def _folder(self) -> Path | None:
        """The first workspace folder, or the root that older clients name."""
        buffers = self._server.buffers
        named = [*(folder.uri for folder in buffers.folders.values()), buffers.root_uri]
        return next((path for uri in named if uri and (path := local_path(uri)) is not None), None)


def _load_runs() -> "Callable[[WainwrightServer, Path, Opens], Awaitable[Runs]]":
    from wainwright.lsp.runs.commands import open_runs  # noqa: PLC0415 - takes the engine along: not before it is needed

    return open_runs
