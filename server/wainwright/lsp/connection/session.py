"""One conversation with one editor: what is known about the client, what runs for it, and how it ends."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcMethodNotFound
from pygls.lsp.server import LanguageServer

from wainwright.lsp.connection.advice import in_editor
from wainwright.lsp.connection.capabilities import ClientProfile, client_profile
from wainwright.lsp.connection.framing import Streams
from wainwright.lsp.connection.inbox import Inbox, Withdrawn
from wainwright.lsp.connection.peer import ProgressToken
from wainwright.lsp.connection.protocol import WainwrightProtocol, plain_converter
from wainwright.lsp.connection.transport import (
    END_SECONDS,
    EndOfInput,
    Incoming,
    Mark,
    Writer,
    end_process_within,
    is_alive,
    parent_gone,
    start_hearing_signals,
    start_reader,
)
from wainwright.lsp.documents.buffers import Buffers

if TYPE_CHECKING:
    from wainwright.lsp.connection.commands import Commands

log = logging.getLogger(__name__)

STOP_SECONDS = 1.0
"""How long background work may take to end: editors wait for 1.5 to 2 seconds and then kill."""


@dataclass(frozen=True)
class Reply:
    """What the client said to a question; ``failure`` is empty when it answered it."""

    result: Any = None
    failure: str = ""
    silent: bool = False
    """Whether it said nothing at all, and may still do what it was asked for."""

    @property
    def ok(self) -> bool:
        """Whether there is an answer."""
        return not self.failure


class WainwrightServer(LanguageServer):
    """The server as features see it: the client's profile, questions to the client, background work, commands."""

    protocol: WainwrightProtocol

    def __init__(self, name: str, version: str, commands: "Commands") -> None:
        super().__init__(name, version, protocol_cls=WainwrightProtocol, converter_factory=plain_converter)
        self.commands = commands
        self.profile = ClientProfile()
        self.content_schemes: tuple[str, ...] = ()
        """URI schemes served through ``workspace/textDocumentContent``; set before `converse`."""
        self.by_selector: dict[str, str] = {}
        """Requests that are offered for some documents only, after `initialize`: the capability of each that would
        offer it for all. Set before `converse`."""
        self.after = 0
        """The process that had this conversation before and died, whose work goes on. 0: there was none."""
        self.on_stop: list[Callable[[], Awaitable[None]]] = []
        """Called at the end, all at once, with `STOP_SECONDS` to finish."""
        self._background: set[asyncio.Task[Any]] = set()
        self._cancel_by_token: dict[ProgressToken, list[Callable[[], None]]] = {}
        """More than one where a client uses its token again while the first work with it goes on."""
        self._unsupported: set[str] = set()
        self._inbox = Inbox()
        self._gone = False

    @property
    def buffers(self) -> Buffers:
        """The open documents; only after `initialize`."""
        workspace = self.workspace
        assert isinstance(workspace, Buffers)
        return workspace

    @property
    def pending_bytes(self) -> int:
        """How much output the client has not taken yet."""
        writer = self.protocol.writer
        return writer.pending_bytes if isinstance(writer, Writer) else 0

    def welcome(self, params: types.InitializeParams, capabilities: types.ServerCapabilities) -> None:
        """Resolve the client's profile and add to ``capabilities`` what pygls' builder leaves out."""
        self.profile = client_profile(params)
        capabilities.execute_command_provider = types.ExecuteCommandOptions(
            commands=self.commands.names(), work_done_progress=True
        )
        for capability in self.by_selector.values():
            # A formatter or a list of completions of ours has no business in the person's own files.
            setattr(capabilities, capability, None)
        if self.content_schemes and capabilities.workspace is not None:
            capabilities.workspace.text_document_content = types.TextDocumentContentOptions(
                schemes=list(self.content_schemes)
            )
        # Looked at before the editor hears of us: one that ends at once was there. One that is not there at all
        # is outside of this container, and its id means nothing here.
        editor = params.process_id
        if editor is not None and editor > 0 and is_alive(editor):
            self.spawn(self._leave_with(editor), "watch the editor's process")

    async def run_command(self, params: types.ExecuteCommandParams) -> Any:
        """Run one of `commands`; raises a JSON-RPC error with a sentence for a person when it cannot."""
        return await self.commands.run(self, params.command, params.arguments, params.work_done_token)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Failures go to the log; pygls shows each of them to the person as a popup."""
        log.error("%s", error, exc_info=error)

    def window_show_message(self, params: types.ShowMessageParams) -> None:
        """Say something to the person."""
        params.message = in_editor(params.message)
        super().window_show_message(params)

    # Questions to the client -----------------------------------------------------------------------------------

    async def ask(self, method: str, params: Any = None, *, seconds: float | None = 10.0) -> Reply:
        """Send a request to the client and wait for its answer, for at most ``seconds``.

        Never raises for what the client does: a refusal, a malformed answer and silence are all a `Reply` with a
        failure. After the time the request is cancelled, and an answer that still comes is ignored. A method that
        the client does not know is not sent a second time.
        """
        if self._gone:
            return Reply(failure="The editor has gone.")
        if method in self._unsupported:
            return Reply(failure=f"The editor does not support {method}.")
        message_id = self.protocol.new_id()
        future = asyncio.wrap_future(self.protocol.send_request(method, params, msg_id=message_id))
        try:
            async with asyncio.timeout(seconds):
                return Reply(await future)
        except TimeoutError:
            self.protocol.forget(message_id)
            return Reply(failure=f"The editor did not answer {method} in {seconds:g} seconds.", silent=True)
        except asyncio.CancelledError:
            self.protocol.forget(message_id)
            raise
        except JsonRpcMethodNotFound:
            self._unsupported.add(method)
            return Reply(failure=f"The editor does not support {method}.")
        except JsonRpcException as refused:
            return Reply(failure=refused.message or f"The editor refused {method}.")

    def refresh(self, *, hints: bool = False) -> None:
        """Have the editor ask again for its lenses, and for its ``hints``, where it can be told so."""
        profile = self.profile
        for method, wanted in (
            (types.WORKSPACE_CODE_LENS_REFRESH, profile.code_lens_refresh),
            (types.WORKSPACE_INLAY_HINT_REFRESH, profile.inlay_hint_refresh and hints),
        ):
            if wanted:
                self.spawn(self.ask(method), f"ask for {method}")

    # Background work -------------------------------------------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run ``work`` in the background until it ends or the server stops; its failure is logged."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._background.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            log.error("background work failed: %s", task.get_name(), exc_info=failure)

    def cancel_background(self) -> None:
        """Ask all background work to end; does not wait."""
        for task in list(self._background):
            task.cancel()

    def track_progress(self, token: ProgressToken, cancel: Callable[[], None]) -> Callable[[], None]:
        """Have ``cancel`` called when the person cancels ``token``; the result stops the tracking."""
        under_way = self._cancel_by_token.setdefault(token, [])
        under_way.append(cancel)

        def forget() -> None:
            if cancel in under_way:
                under_way.remove(cancel)
            if not under_way and self._cancel_by_token.get(token) is under_way:
                del self._cancel_by_token[token]

        return forget

    def cancel_progress(self, token: ProgressToken) -> None:
        """The person pressed cancel; a token that is over is ignored."""
        for cancel in list(self._cancel_by_token.get(token, ())):
            cancel()

    # The conversation ------------------------------------------------------------------------------------------

    async def converse(self, streams: Streams, over: Callable[[], None] | None = None) -> int:
        """Talk until the client leaves; the result is the exit code of the process, which ends with it.

        ``over``: the process goes on. It is called in another thread when nothing is read any more.
        """
        loop = asyncio.get_running_loop()

        def deliver(message: Incoming) -> None:
            loop.call_soon_threadsafe(self._inbox.put, message)

        writer = Writer(streams.write_fd, on_broken=lambda: deliver(EndOfInput()))
        self.protocol.set_writer(writer)
        self.protocol.greeted = streams.greeted
        # A handler that blocks the loop does not keep alive what nobody talks to any more.
        gone = over or partial(end_process_within, END_SECONDS, lambda: self.protocol.exit_code)
        start_reader(streams.frames, deliver, writer.room, gone)

        def told_to_end() -> None:
            gone()
            with suppress(RuntimeError):  # the loop is closed: it ends already
                deliver(EndOfInput())

        if over is None:
            start_hearing_signals(told_to_end)
        await self._hear()
        if over is None:
            end_process_within(STOP_SECONDS + 0.5, lambda: self.protocol.exit_code)
        await self._stop()
        self._inbox.close()
        await asyncio.to_thread(writer.close, STOP_SECONDS / 2)
        return self.protocol.exit_code

    async def _hear(self) -> None:
        while not self.protocol.exited:
            message = await self._inbox.get()
            if isinstance(message, EndOfInput):
                break
            if isinstance(message, Mark):
                message.handled.set()
            elif isinstance(message, Withdrawn):
                self.protocol.refuse_cancelled(message.request_id)
            else:
                self.protocol.receive(message)
            await asyncio.sleep(0)  # what the message started gets its first turn before the next one is read

    def leave(self) -> None:
        """End the conversation after the messages that are already here."""
        self._inbox.put(EndOfInput())

    async def _leave_with(self, pid: int) -> None:
        await parent_gone(pid)
        self.leave()

    async def _stop(self) -> None:
        self.cancel_background()
        # What an engine asked goes on without an answer: it may have other windows, and other work.
        self._gone = True
        self.protocol.hang_up()
        closing = [asyncio.ensure_future(_guarded(close)) for close in self.on_stop]
        pending = {*self._background, *closing}
        if pending:
            await asyncio.wait(pending, timeout=STOP_SECONDS)


async def _guarded(close: Callable[[], Awaitable[None]]) -> None:
    try:
        await close()
    except Exception:
        log.exception("something did not close cleanly")
