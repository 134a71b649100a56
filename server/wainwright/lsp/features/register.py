"""Puts the product into the server: opens the engines of the folders, and wires commands, actions and lenses.

Nothing heavy is imported before the editor has its answer to ``initialize``; the engine comes in a thread afterwards.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.domain.errors import InputError, WainwrightError
from wainwright.lsp.documents.sides import SCHEME, side_of
from wainwright.lsp.features.code_actions import KINDS, actions
from wainwright.lsp.features.code_lenses import lenses
from wainwright.lsp.features.diagnostics import Findings, GoalProblems
from wainwright.lsp.features.execute_command import Catalogue
from wainwright.lsp.features.folders import Folders
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
    from wainwright.lsp.runs.plan_pages import PlanPages
    from wainwright.lsp.runs.seat import Opens


class Product:
    """The folders of one conversation."""

    def __init__(self, server: "WainwrightServer", opens: "Opens") -> None:
        self._server = server
        self._opens = opens
        self._folders = Folders(server, self._open)
        server.content_schemes = (SCHEME,)
        Catalogue(self._folders.meant, self._folders.all_ready).register(server.commands)
        self._register_folders()
        self._register_looks()

    def _register_folders(self) -> None:
        """As functions: pygls marks what it registers, and a bound method takes no marks."""
        feature, folders = self._server.feature, self._folders

        @feature(types.INITIALIZED)
        async def initialized(params: types.InitializedParams) -> None:
            self._server.spawn(offer_plan_document(self._server), "offer the pages of plans")
            self._server.spawn(folders.open_all(), "open the folders")

        @feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
        async def folders_changed(params: types.DidChangeWorkspaceFoldersParams) -> None:
            await folders.open_all()

        @feature(types.WORKSPACE_SYMBOL)
        async def workspace_symbol(params: types.WorkspaceSymbolParams) -> list[types.WorkspaceSymbol]:
            found: list[types.WorkspaceSymbol] = []
            for runs in folders.all_ready():
                found += [*documents(runs.board, params.query), *await symbols(runs.engine, params.query)]
            return found

    def _register_looks(self) -> None:
        feature, folders = self._server.feature, self._folders

        @feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=list(KINDS)))
        async def code_action(params: types.CodeActionParams) -> list[types.CodeAction | types.Command]:
            uri = params.text_document.uri
            runs = folders.ready(uri)
            if runs is None and params.context.trigger_kind is not types.CodeActionTriggerKind.Automatic:
                # A person who asks waits a moment rather than being shown nothing. Emacs does not say who asks.
                with suppress(WainwrightError):
                    runs = await folders.once_open(uri)
            if runs is None:
                return []
            elsewhere = folders.elsewhere(runs)
            found = await actions(self._server, runs.board, runs.hunks, runs.pages, params, elsewhere)
            folders.tell_apart(uri, [one.command for one in found])
            if self._server.profile.action_literals:
                return [*found]
            return [one.command for one in found if one.command is not None]

        @feature(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensOptions())
        async def code_lens(params: types.CodeLensParams) -> list[types.CodeLens]:
            runs = folders.ready(params.text_document.uri)
            found = [] if runs is None else await lenses(runs.board, runs.hunks, runs.pages, params)
            folders.tell_apart(params.text_document.uri, [one.command for one in found])
            return found

        @feature(types.WORKSPACE_TEXT_DOCUMENT_CONTENT)
        async def content(params: types.TextDocumentContentParams) -> types.TextDocumentContentResult:
            side = side_of(params.uri)
            if side is None:
                raise InputError(f"{params.uri} is no document of ours.", "Review the change anew.")
            runs = await folders.once_open(params.uri)
            return types.TextDocumentContentResult(await runs.hunks.text(side))

        @feature(types.TEXT_DOCUMENT_HOVER)
        async def on_hover(params: types.HoverParams) -> types.Hover | None:
            runs = folders.ready(params.text_document.uri)
            return None if runs is None else hover(self._server, runs.pages, runs.lines, params)

        def pages_of(uri: str) -> "PlanPages | None":
            runs = folders.ready(uri)
            return None if runs is None else runs.pages

        register_plan_document(self._server, pages_of)

    async def _open(self, folder: Path) -> "Runs | WainwrightError":
        try:
            runs_of = await asyncio.to_thread(_load_runs)
            runs = await runs_of(self._server, folder, self._opens)
        except WainwrightError as error:
            where = "here" if len(self._folders.paths) < 2 else f"in {folder}"
            said = types.LogMessageParams(
                types.MessageType.Warning, f"Wainwright cannot work {where}. {error}"
            )
            self._server.window_log_message(said)
            return error
        self._server.on_stop.append(runs.close)
        findings = Findings(self._server, runs.workspace)
        runs.board.listeners.append(lambda view: findings.show((*view.findings, *view.failing), view.run))
        self._server.spawn(findings.follow(), "look whether what was remarked holds")
        follow_plan_document(self._server, runs.pages)
        await runs.restore()
        problems = GoalProblems(self._server, runs.workspace)
        self._server.spawn(problems.follow(), "look at the goal document")
        self._server.spawn(runs.expect_goals(), "wait for a goal")
        self._server.spawn(follow_buffers(self._server, runs.engine), "follow the buffers")
        return runs


def _load_runs() -> "Callable[[WainwrightServer, Path, Opens], Awaitable[Runs]]":
    from wainwright.lsp.runs.commands import open_runs  # noqa: PLC0415 - takes the engine along: not before it is needed

    return open_runs
