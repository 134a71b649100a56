"""What the person wants and where they stand: goals, selections, and the text that they have not saved yet."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.domain.changes import protected
from wainwright.domain.errors import InputError, OutsideBoundary, StaleEdit
from wainwright.domain.goal import Asks, Goal, Place
from wainwright.domain.text import clean
from wainwright.engine.editing import Editing
from wainwright.engine.views.documents import RUN
from wainwright.lsp.documents.buffers import Buffer
from wainwright.lsp.documents.goal_page import CARET, LONGEST, TEMPLATE, goal_text
from wainwright.lsp.documents.own import GOAL, read_text, relative
from wainwright.lsp.documents.positions import local_path, uri_from_path
from wainwright.lsp.documents.quoted import quoted
from wainwright.lsp.messages import StartArguments

if TYPE_CHECKING:
    from wainwright.lsp.connection.session import WainwrightServer

LONGEST_SELECTION = 20_000


class Goals:
    """Reads the editor for the start of a run."""

    def __init__(self, server: "WainwrightServer", editing: Editing) -> None:
        self._server = server
        self._editing = editing
        self._workspace = editing.workspace

    async def expect(self, begin: Callable[[], Awaitable[None]]) -> None:
        """Prepare for a goal that is written: a folder to save it in, and what ``begin`` starts, which is slow."""
        known: str | None = None
        goal, buffers = self._workspace / GOAL, self._server.buffers
        while True:
            # Each change asks: by name first, then on disk.
            opened = buffers.find_open(goal) if any(one.name == goal.name for one in buffers.opened) else None
            if opened is not None and opened.source is not known:
                if known is None:
                    await self._editing.make_room()
                known = opened.source
                await begin()
            await buffers.next_change()

    async def goal(self, arguments: StartArguments, asks: Asks = "change") -> Goal:
        """The goal that is meant. Raises InputError when there is none, and says where to write it."""
        text = arguments.goal
        if text is None:
            text = await self._from_document()
        if len(text) > LONGEST:
            raise InputError(
                f"The goal is longer than {LONGEST} characters.", "Put the long parts into a file."
            )
        return Goal(text=text, place=self._place(arguments), asks=asks)

    async def _from_document(self) -> str:
        path = self._workspace / GOAL
        opened = self._server.buffers.find_open(path)
        text = opened.source if opened else await asyncio.to_thread(read_text, path, self._workspace)
        if text is None:
            await self._offer_template()
        if goal := goal_text(text or ""):
            return goal
        self.open_document(uri_from_path(path), CARET)
        raise InputError(
            "The goal is empty.", f"Write what you want to have done into {GOAL}, and start again."
        )

    async def _offer_template(self) -> None:
        """Write a goal document to fill in. Raises InputError if there is one that could not be read."""
        try:
            await self._editing.put(GOAL, TEMPLATE)
        except (StaleEdit, OutsideBoundary, IsADirectoryError) as there:
            raise InputError(
                f"{GOAL} cannot be read as text.",
                "Save it in UTF-8, as a file of the workspace, and start again.",
            ) from there

    def _place(self, arguments: StartArguments) -> Place | None:
        if arguments.uri is None or (path := relative(self._workspace, arguments.uri)) is None:
            return None
        span = arguments.range
        if span is None:
            return Place(path=path, diagnostics=arguments.diagnostics)
        place = self._workspace / path
        document = self._server.buffers.find_open(place)
        between = types.Range(
            types.Position(span.start.line, span.start.character),
            types.Position(span.end.line, span.end.character),
        )
        text = ""
        if document is not None:
            start, end = document.index.offsets(between)
            text = document.source[start:end] or _line_of(document, span.start.line)
        return Place(
            path=path,
            first_line=span.start.line + 1,
            last_line=span.end.line + 1,
            text=text[:LONGEST_SELECTION],
            diagnostics=arguments.diagnostics,
        )

    def quoted(self, run: str, heading: str, entry: str = "") -> str:
        """What the person wrote under a heading of a run's open `run.md`, saved or not; see ``quoted``."""
        opened = self._server.buffers.find_open(self._workspace / ".wainwright" / "runs" / run / RUN)
        return clean(quoted(opened.source, heading, entry)) if opened is not None else ""

    async def unsaved(self) -> dict[str, str]:
        """Texts of open documents that differ from disk, by path relative to the workspace."""
        opened: dict[str, str] = {}
        for document in self._server.buffers.text_documents.values():
            path = relative(self._workspace, document.uri)
            # A name that is not UTF-8 is in no snapshot: the file is left out there, and named.
            if path is not None and not protected(path) and clean(path) == path:
                opened[path] = document.source
        return await asyncio.to_thread(self._differing, opened)

    def _differing(self, opened: dict[str, str]) -> dict[str, str]:
        found = {}
        for path, text in opened.items():
            place = self._workspace / path
            if read_text(place, self._workspace) != text and (text or place.exists()):
                found[path] = text
        return found

    def open_document(self, uri: str, line: int = 0) -> None:
        """Have a document opened at a line, from 0, if the editor can; nothing waits for its answer."""
        top = types.Position(line, 0)
        if not self._server.profile.show_document:
            where = local_path(uri) or uri
            said = types.ShowMessageParams(types.MessageType.Info, f"Look at {where}")
            self._server.window_show_message(said)
            return
        params = types.ShowDocumentParams(uri=uri, take_focus=True, selection=types.Range(top, top))
        self._server.spawn(self._server.ask(types.WINDOW_SHOW_DOCUMENT, params), f"open {uri}")


def _line_of(document: Buffer, line: int) -> str:
    index = document.index
    return document.source[index.line_start(line) : index.line_start(line + 1)].rstrip("\r\n")
