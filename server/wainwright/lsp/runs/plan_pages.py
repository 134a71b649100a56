"""The pages of plans that are open, as they stand in the editor's memory: what a request is answered from at once.

Nothing here waits for the engine but ``follow`` and ``saved``, which no request waits for.
"""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.domain.errors import WainwrightError
from wainwright.domain.plan_page import PlanText, Problem, Span, TaskText
from wainwright.domain.plan_reading import parse
from wainwright.lsp.documents.own import own_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from wainwright.engine.engine import Engine
    from wainwright.engine.tracing.tasks import TaskTold
    from wainwright.engine.views.run_view import RunView, TaskView
    from wainwright.lsp.connection.session import WainwrightServer
    from wainwright.lsp.documents.buffers import Buffer
    from wainwright.lsp.documents.positions import TextIndex
    from wainwright.lsp.runs.board import Board

log = logging.getLogger(__name__)

TOLD_EVERY_S = 3.0
"""How often it is looked what tasks cost by now, in seconds."""


@dataclass
class PlanPage:
    """The open page of one plan."""

    uri: str
    run: str
    source: str
    index: "TextIndex"
    read: PlanText
    problems: tuple[Problem, ...]
    view: "RunView | None" = None
    """The run as it was seen last."""
    told: "dict[str, TaskTold]" = field(default_factory=dict)

    def range(self, span: Span) -> types.Range:
        """Where a part of the page stands, for the editor."""
        return self.index.range(span.start, span.end)

    def task(self, name: str) -> "TaskView | None":
        """How far a task is."""
        tasks = self.view.tasks if self.view is not None else ()
        return next((one for one in tasks if one.id == name), None)

    def word_at(self, position: types.Position) -> str:
        """The id of the task or requirement at a position; empty where there is none."""
        at = self.index.offset(position)
        words = [word for task in self.read.tasks for word in (task.id, *task.needs, *task.serves)]
        words += [one.id for one in self.read.requirements]
        return next((word.text for word in words if word.span.start <= at <= word.span.end), "")

    def task_at(self, position: types.Position) -> TaskText | None:
        """The task in whose section a position lies."""
        return self.read.task_at(self.index.offset(position))


class PlanPages:
    """The open pages of plans."""

    def __init__(self, server: "WainwrightServer", board: "Board", engine: "Engine") -> None:
        self.engine = engine
        self.workspace = board.workspace
        self.listeners: list[Callable[[PlanPage], None]] = []
        """Told of each page whose problems may have changed."""
        self.paths: tuple[str, ...] = ()
        """Files of the workspace, relative to it, as they were when a page was looked at last."""
        self._server = server
        self._board = board
        self._pages: dict[str, PlanPage] = {}
        self._told_at: dict[str, float] = {}
        self._owed = False
        """Whether something has happened since it was looked what tasks cost."""
        self._news = asyncio.Event()
        board.listeners.append(lambda _: self._news.set())

    def page(self, uri: str) -> PlanPage | None:
        """The page of that URI, read as it stands in the editor; None for any other document."""
        buffer = self._server.buffers.open_document(uri)
        document = own_document(self.workspace, uri) if buffer is not None else None
        if buffer is None or document is None or not document.is_plan or document.run is None:
            return None
        known = self._pages.get(buffer.uri)
        # Texts are made anew by every change, so that being the same object tells.
        if known is None or known.source is not buffer.source:
            known = self._pages[buffer.uri] = self._read(buffer, document.run, known)
        known.view = self._board.seen(document.run)
        return known

    def _read(self, buffer: "Buffer", run: str, before: PlanPage | None) -> PlanPage:
        read = parse(buffer.source)
        told = before.told if before is not None else {}
        # What was wrong with the text before may be so still, until somebody has looked.
        found = before.problems if before is not None else ()
        return PlanPage(buffer.uri, run, buffer.source, buffer.index, read, found, told=told)

    async def saved(self, uri: str) -> None:
        """Take over what a person saved; what changes by it is said aloud."""
        page = self.page(uri)
        if page is None:
            return
        before = page.view
        try:
            came = await self.engine.plans.take(page.run, page.source, by="editor")
            view = await self._board.look_again(page.run)
        except WainwrightError as error:
            self._say(types.MessageType.Warning, f"The plan of {page.run} was not taken over. {error}")
            return
        page.problems, page.view = came.problems, view
        self._tell(page)
        wrong = sum(one.severity == "error" for one in came.problems)
        if wrong:
            many = "is a problem" if wrong == 1 else f"are {wrong} problems"
            self._say(
                types.MessageType.Warning, f"There {many} in what you edited: the plan stays as it was."
            )
        elif came.changes:
            later = " Tasks that have begun stay as they are." if before and not before.gates else ""
            self._say(types.MessageType.Info, f"The plan is edited: {'; '.join(came.changes)}.{later}")

    def _say(self, kind: types.MessageType, text: str) -> None:
        self._server.window_show_message(types.ShowMessageParams(kind, text))

    async def follow(self) -> None:
        """Keep the memory of open pages at what is typed and what the runs do, for as long as the server lives."""
        self._server.spawn(self._hear_typing(), "hear what is typed in plans")
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(TOLD_EVERY_S if self._owed else None):
                    await self._news.wait()
            self._news.clear()
            await self._look()
            await asyncio.sleep(0.2)  # what is typed in one go is looked at once

    async def _hear_typing(self) -> None:
        """Also while a page is being looked at: what is typed then is looked at next."""
        while True:
            await self._server.buffers.next_change()
            self._news.set()

    async def _look(self) -> None:
        open_now = {
            uri: page
            for uri in list(self._server.buffers.text_documents)
            if (page := self.page(uri)) is not None
        }
        for uri in self._pages.keys() - open_now.keys():
            gone = self._pages.pop(uri)
            gone.problems = ()
            self._tell(gone)
        self._owed = False
        for page in open_now.values():
            try:
                page.view = await self._board.look(page.run)
                page.problems = (await self.engine.plans.about(page.run, page.source)).problems
                await self._look_at_costs(page)
            except WainwrightError as error:
                log.info("a page was not looked at: %s", error)
            self._tell(page)

    async def _look_at_costs(self, page: PlanPage) -> None:
        """What takes reading the journal of the run is done now and then, and once more when it has gone quiet."""
        last = self._told_at.get(page.run)
        if last is not None and time.monotonic() - last < TOLD_EVERY_S:
            self._owed = True
            return
        self._told_at[page.run] = time.monotonic()
        page.told = await self.engine.plans.told(page.run)
        self.paths = await self.engine.index.paths()

    def _tell(self, page: PlanPage) -> None:
        for listener in self.listeners:
            listener(page)
