"""Work-done progress that the server starts by itself: no client sends a token along with a command."""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import uuid4

from lsprotocol import types

from wainwright.lsp.connection.peer import ProgressToken

if TYPE_CHECKING:
    from wainwright.lsp.connection.session import WainwrightServer

REPORT_SECONDS = 0.1
"""Least time between two reports."""
LOG_SECONDS = 1.0
"""The same where progress is told by log messages."""
CREATE_SECONDS = 5.0
BACKLOG_BYTES = 1024 * 1024
"""Reports are left out while the client has this much to read."""


class Progress:
    """One progress bar. Made by `begin`; `report` as often as you like; `end` exactly once (more do no harm)."""

    def __init__(
        self,
        server: "WainwrightServer",
        title: str,
        token: "ProgressToken | None",
        forget: Callable[[], None],
    ) -> None:
        self._server = server
        self._title = title
        self._token = token
        self._forget = forget
        self._message: str | None = None
        self._percentage: int | None = None
        self._sent_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._over = False

    @classmethod
    async def begin(
        cls,
        server: "WainwrightServer",
        title: str,
        *,
        message: str | None = None,
        cancel: Callable[[], None] | None = None,
        token: "ProgressToken | None" = None,
    ) -> "Progress":
        """Show a progress bar, with a cancel button when ``cancel`` is given.

        ``token`` is the client's own one, if it sent any. A client that cannot show progress, or refuses to, gets
        log messages in its place.
        """
        ours: ProgressToken = token if token is not None else f"wainwright-{uuid4()}"
        forget = server.track_progress(ours, cancel) if cancel is not None else _nothing
        usable = token is not None
        if not usable and server.profile.work_done_progress:
            create = types.WorkDoneProgressCreateParams(token=ours)
            try:
                created = await server.ask(
                    types.WINDOW_WORK_DONE_PROGRESS_CREATE, create, seconds=CREATE_SECONDS
                )
            except asyncio.CancelledError:
                forget()
                raise
            usable = created.ok
        if not usable:
            forget()
        progress = cls(server, title, ours if usable else None, forget)
        progress._begin(message, cancellable=cancel is not None)
        return progress

    def report(self, message: str | None = None, percentage: float | None = None) -> None:
        """Say how far it is; ``percentage`` is 0 to 100. Reports in quick succession become one."""
        if self._over:
            return
        self._message = message if message is not None else self._message
        self._percentage = max(0, min(100, round(percentage))) if percentage is not None else self._percentage
        if self._timer is None:
            wait = self._sent_at + self._interval - time.monotonic()
            self._timer = asyncio.get_running_loop().call_later(max(0.0, wait), self._flush)

    def end(self, message: str | None = None) -> None:
        """Take the progress bar away."""
        if self._over:
            return
        self._over = True
        self._forget()
        if self._timer is not None:
            self._timer.cancel()
        self._send(types.WorkDoneProgressEnd(message=message), message or "finished")

    @property
    def _interval(self) -> float:
        return REPORT_SECONDS if self._token is not None else LOG_SECONDS

    def _begin(self, message: str | None, *, cancellable: bool) -> None:
        begin = types.WorkDoneProgressBegin(
            title=self._title, message=message, cancellable=cancellable, percentage=0
        )
        self._send(begin, message or "started")

    def _flush(self) -> None:
        self._timer = None
        if self._server.pending_bytes > BACKLOG_BYTES:
            self._sent_at = time.monotonic()
            self.report()  # later: the last report says it all
            return
        report = types.WorkDoneProgressReport(message=self._message, percentage=self._percentage)
        percentage = f"{self._percentage} %" if self._percentage is not None else ""
        self._send(report, " ".join(filter(None, (percentage, self._message))))

    def _send(
        self,
        value: types.WorkDoneProgressBegin | types.WorkDoneProgressReport | types.WorkDoneProgressEnd,
        sentence: str,
    ) -> None:
        self._sent_at = time.monotonic()
        if self._token is None:
            text = types.LogMessageParams(type=types.MessageType.Info, message=f"{self._title}: {sentence}")
            self._server.window_log_message(text)
        else:
            self._server.protocol.notify(types.PROGRESS, types.ProgressParams(token=self._token, value=value))


def _nothing() -> None:
    """For progress that cannot be cancelled."""
