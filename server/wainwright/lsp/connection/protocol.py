"""The protocol between the editor and the server, on top of pygls.

pygls 2.1 has defects that matter to a server that runs for days and edits files. Each override below names the one
it cures; the numbers are those of the list at the end of this text.

1. a cancelled command runs on  2. shutdown fails while a command runs  3. a future leaks for each notification
4. tokens and result types leak  5. parameters that do not parse are never answered  6. lines break at form feeds
7. CRLF of closed files is lost  8. a late answer from the client is an error popup  9. names in custom parameters
change  10. exit code, header case, calls before initialize, nested ``jsonrpc`` keys  11. a slow client blocks the
loop  12. children inherit the wire  13. the client's ids and ours share a table, and nothing looks at an id
(6 and 7: `buffers`; 10, 11 and 12: also `transport`)
"""

import itertools
import json
import logging
import re
import secrets
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.protocol import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
    LanguageServerProtocol,
    default_converter,
    lsp_method,
)

from wainwright.domain.errors import WainwrightError
from wainwright.domain.shown import message_within
from wainwright.lsp.connection.advice import in_editor
from wainwright.lsp.connection.framing import Fault, frame
from wainwright.lsp.connection.peer import Peer
from wainwright.lsp.documents.buffers import Buffers

if TYPE_CHECKING:
    from cattrs import Converter


log = logging.getLogger(__name__)

MessageId = int | str

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
INTERNAL_ERROR = -32603
NOT_INITIALIZED = -32002
REQUEST_CANCELLED = -32800
REQUEST_FAILED = -32803

_OUR_IDS = "wainwright:"
_TO_MAKE_FIT = re.compile(r"\\[^n\"\\]|\]\(")
"""In JSON: a character that is spelled, and what may be read as a link."""


def plain_converter() -> "Converter":
    """Defect 9: pygls turns custom parameters into named tuples and renames keys that are not identifiers."""
    converter: Converter = default_converter()  # type: ignore[no-untyped-call]

    def keep(raw: dict[str, Any], cls: type[Any]) -> Any:
        empty = {"params": None} if "method" in raw else {"result": None}
        return cls(**{**empty, **raw})

    for cls in (JsonRPCRequestMessage, JsonRPCResponseMessage, JsonRPCNotification):
        converter.register_structure_hook(cls, keep)
    return converter


class WainwrightProtocol(LanguageServerProtocol):
    """pygls' protocol with its defects cured and one entrance, `receive`."""

    def __init__(self, server: LanguageServer, converter: "Converter") -> None:
        self._peer = cast("Peer", server)
        # An answer that was meant for another window's server answers nothing here.
        self._id_prefix = f"{_OUR_IDS}{secrets.token_hex(4)}:"
        self._ids = itertools.count(1)
        self.exited = False
        self.greeted: dict[str, Any] | None = None
        """What ``initialize`` was answered before we were there: our own answer, sent first of all, is not sent."""
        super().__init__(server, converter)

    @property
    def exit_code(self) -> int:
        """0 when the client asked for shutdown, else 1 (defect 10)."""
        return 0 if self._shutdown else 1

    @property
    def initialized(self) -> bool:
        """Whether `initialize` has been handled."""
        return self._workspace is not None

    # What comes in ---------------------------------------------------------------------------------------------

    def receive(self, message: dict[str, Any] | Fault) -> None:
        """Handle one message from the client; never raises, whatever the message is."""
        if isinstance(message, Fault):
            self._complain(f"Ignored {message.reason}.")
            # Whose request it was to be, nobody can tell: JSON-RPC has such errors answer nobody by name.
            error = {"code": PARSE_ERROR, "message": f"This is no message: {message.reason}."}
            self._send_data({"jsonrpc": "2.0", "id": None, "error": error})
            return
        try:
            if (refusal := self._refusal(message)) is not None:
                self._answer_refused(message, refusal)
                return
            structured = self._structure(message)
            if structured is not None:
                self.handle_message(structured)
        except Exception as failure:
            log.exception("a message could not be handled")
            self._answer_refused(message, _internal_error(failure))

    def _answer_refused(self, message: dict[str, Any], refusal: types.ResponseError) -> None:
        """Answer what is not handled, if it waits for an answer: without an id where it has none that is its own."""
        if "id" not in message or message.keys() & {"result", "error"}:
            return
        if self._is_free(message["id"]):
            self._send_response(message["id"], error=refusal)
        else:  # pygls leaves out what is null
            error = {"code": refusal.code, "message": refusal.message}
            self._send_data({"jsonrpc": "2.0", "id": None, "error": error})

    def _is_free(self, message_id: Any) -> bool:
        """Whether this can be the id of a request of the client's (defect 13)."""
        if isinstance(message_id, str):
            return not message_id.startswith(_OUR_IDS) and message_id not in self._request_futures
        numbered = isinstance(message_id, int) and not isinstance(message_id, bool)
        return numbered and message_id not in self._request_futures

    def refuse_cancelled(self, request_id: MessageId) -> None:
        """Answer a request that the client took back before it was started (defect 11: pygls runs it anyway)."""
        self._send_response(request_id, error=_cancelled())

    def _refusal(self, message: dict[str, Any]) -> types.ResponseError | None:
        """Defects 10 and 13: what the state of the connection does not allow; pygls answers wrongly or not at all."""
        method = message.get("method")
        if message.get("jsonrpc") != "2.0" or not (method is None or isinstance(method, str)):
            return types.ResponseError(INVALID_REQUEST, "This is not a JSON-RPC 2.0 message.")
        if method is None and not message.keys() & {"result", "error"}:
            return types.ResponseError(INVALID_REQUEST, "This message names no method and answers nothing.")
        if is_request(message) and not self._is_free(message["id"]):
            reason = "The id of a request is a number or a text, and not that of another one under way."
            return types.ResponseError(INVALID_REQUEST, reason)
        if method is None or method == types.EXIT:
            return None
        if not self.initialized and method != types.INITIALIZE:
            return types.ResponseError(
                NOT_INITIALIZED, "The server is not initialized. Send initialize first."
            )
        if self.initialized and method == types.INITIALIZE:
            return types.ResponseError(INVALID_REQUEST, "The server is already initialized.")
        if self._shutdown:
            return types.ResponseError(INVALID_REQUEST, "The server is shutting down.")
        return None

    def _structure(self, message: dict[str, Any]) -> Any:
        """Defects 5 and 10: a request that does not parse is answered; only the top level is a message."""
        try:
            return self.structure_message(message)
        except JsonRpcException as broken:
            if message.get("method") == types.INITIALIZE and self._prune(message):
                return self._structure(message)
            where = message.get("method", "an answer")
            if is_request(message):
                reason = f"The parameters of {where} do not have the form that the protocol asks for."
                self._send_response(
                    message["id"], error=types.ResponseError(JsonRpcInvalidParams.CODE, reason)
                )
            elif "method" not in message and (waiting := self._take_asked(message.get("id"))) is not None:
                waiting.set_exception(broken)
            else:
                self._complain(f"Ignored a message that does not parse: {where}.")
            return None

    def _prune(self, message: dict[str, Any]) -> bool:
        """Take out of `initialize` the capabilities that do not parse; tells whether there were any.

        A client newer than lsprotocol may list values that its closed enumerations do not have; without this the
        server would not start in that editor.
        """
        params = message.get("params")
        capabilities = params.get("capabilities") if isinstance(params, dict) else None
        if not isinstance(capabilities, dict):
            return False
        pruned = False
        for area, entries in list(capabilities.items()):
            if not isinstance(entries, dict):
                del capabilities[area]
                pruned = True
                continue
            for name, value in list(entries.items()):
                if not self._parses({area: {name: value}}):
                    log.warning("the capability %s.%s of the client is not understood", area, name)
                    del entries[name]
                    pruned = True
        return pruned

    def _parses(self, capabilities: dict[str, Any]) -> bool:
        params = {"capabilities": capabilities}
        try:
            self.structure_message({"jsonrpc": "2.0", "id": 0, "method": types.INITIALIZE, "params": params})
        except JsonRpcException:
            return False
        return True

    def _take_asked(self, message_id: Any) -> "Future[Any] | None":
        """The pending question with this id; None when it is not one of ours, or nobody waits any more."""
        if not isinstance(message_id, str) or not message_id.startswith(self._id_prefix):
            return None
        self._result_types.pop(message_id, None)
        future = self._request_futures.pop(message_id, None)
        return None if future is None or future.done() else future

    def _handle_response(
        self, msg_id: MessageId, result: Any | None = None, error: types.ResponseError | None = None
    ) -> None:
        """Defects 4 and 8: a late answer is no error, and nothing is kept for a question that is over."""
        waiting = self._take_asked(msg_id)
        if waiting is None:
            log.debug("ignoring an answer to %r, which nobody waits for", msg_id)
        elif error is not None:
            waiting.set_exception(JsonRpcException.from_error(error))
        else:
            waiting.set_result(result)

    def _handle_cancel_notification(self, msg_id: MessageId) -> None:
        """Defect 13: a question of ours is not the client's to take back, it is theirs to answer."""
        if not str(msg_id).startswith(_OUR_IDS):
            super()._handle_cancel_notification(msg_id)

    def _execute_handler(
        self,
        msg_id: MessageId,
        handler: Callable[..., Any],
        callback: Callable[[Future[Any]], None],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        """Defect 3: pygls keeps the future of each notification for ever."""

        def done(future: Future[Any]) -> None:
            self._request_futures.pop(msg_id, None)
            callback(future)

        super()._execute_handler(msg_id, handler, done, args, kwargs)

    # What goes out ---------------------------------------------------------------------------------------------

    def send_request(
        self,
        method: str,
        params: Any | None = None,
        callback: Callable[[Any], None] | None = None,
        msg_id: MessageId | None = None,
    ) -> "Future[Any]":
        """Our ids carry a prefix, so that no answer can be taken for one of the client's own requests."""
        message_id = msg_id or self.new_id()
        try:
            return super().send_request(method, params, callback, message_id)
        except (TypeError, ValueError):  # the parameters are not JSON: nothing was asked
            self._request_futures.pop(message_id, None)
            self._result_types.pop(message_id, None)
            raise

    def new_id(self) -> str:
        """A fresh id for a question to the client."""
        return f"{self._id_prefix}{next(self._ids)}"

    def forget(self, message_id: MessageId) -> None:
        """Give up on a question and tell the client so (defects 4 and 8)."""
        self._request_futures.pop(message_id, None)
        self._result_types.pop(message_id, None)
        self.notify(types.CANCEL_REQUEST, types.CancelParams(id=message_id))

    def hang_up(self) -> None:
        """The client has gone: nothing that it was asked is answered any more."""
        for message_id in [one for one in self._request_futures if str(one).startswith(_OUR_IDS)]:
            if (waiting := self._take_asked(message_id)) is not None:
                waiting.set_exception(JsonRpcException("The editor has gone."))

    def _send_data(self, data: Any) -> None:
        """Defect 11: hand the message to the writer thread; raises ValueError or TypeError when it is not JSON."""
        if self.writer is None:
            return
        text = self._written(data)
        if _TO_MAKE_FIT.search(text):
            text = self._written(message_within(json.loads(text)))
        if self.greeted is not None:
            given, self.greeted = self.greeted, None
            self._compare(given, json.loads(text))
            return
        self.writer.write(frame(text.encode()))

    def _compare(self, given: dict[str, Any], ours: dict[str, Any]) -> None:
        """What we would have said to ``initialize`` beside what was said: only a refusal cannot be made good."""
        if "error" in ours:
            said = f"Wainwright cannot work with this editor. {ours['error']['message']}"
            params = types.ShowMessageParams(type=types.MessageType.Error, message=said)
            self.notify(types.WINDOW_SHOW_MESSAGE, params)
            self.exited = True
        elif ours != given:
            log.warning("initialize was answered with %s, and would be with %s", given, ours)

    def _written(self, data: Any) -> str:
        return json.dumps(data, default=self._serialize_message, allow_nan=False, separators=(",", ":"))

    def _send_response(
        self, msg_id: Any, result: Any | None = None, error: types.ResponseError | None = None
    ) -> None:
        """Defect 5 (other half): a result that cannot be written is still answered; tracebacks stay at home."""
        if error is not None and isinstance(error.data, dict) and "traceback" in error.data:
            error = types.ResponseError(error.code, error.message)
        try:
            super()._send_response(msg_id, result, error)
        except Exception:
            log.exception("the answer to %r cannot be written as JSON", msg_id)
            super()._send_response(msg_id, error=_internal_error(None))

    def _send_handler_result(self, future: "Future[Any]", *, msg_id: MessageId) -> None:
        """Answer a request; the person reads a sentence, the log gets the traceback."""
        self._request_futures.pop(msg_id, None)
        if future.cancelled():
            self._send_response(msg_id, error=_cancelled())
        elif (failure := future.exception()) is not None:
            self._send_response(msg_id, error=_response_error(failure))
        else:
            self._send_response(msg_id, result=future.result())

    def _check_handler_result(self, future: "Future[Any]") -> None:
        """A notification that fails is ours to log; pygls pops up a message in the editor."""
        if not future.cancelled() and (failure := future.exception()) is not None:
            log.error("a notification could not be handled", exc_info=failure)

    def _complain(self, sentence: str) -> None:
        log.warning(sentence)
        if self.initialized:
            self.notify(
                types.WINDOW_LOG_MESSAGE,
                types.LogMessageParams(type=types.MessageType.Warning, message=sentence),
            )

    # Lifecycle and built-in requests ---------------------------------------------------------------------------

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        """Put our own mirror of the documents in place, and state what pygls' builder cannot (defects 6 and 7)."""
        result = yield from super().lsp_initialize(params)
        plain = self.workspace
        self._workspace = Buffers(
            plain.root_uri,
            types.TextDocumentSyncKind.Incremental,
            list(plain.folders.values()),
            plain.position_encoding,
        )
        self._peer.welcome(params, result.capabilities)
        return result

    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *args: Any) -> Generator[Any, Any, None]:
        """Defect 2: pygls walks over its table of requests while the requests leave it."""
        if (handler := self.fm.features.get(types.SHUTDOWN)) is not None:
            yield handler, args, None
        this = self.msg_id
        for message_id, future in list(self._request_futures.items()):
            if message_id != this:
                future.cancel()
        self._peer.cancel_background()
        self._shutdown = True

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: Any) -> None:  # type: ignore[override]  # a plain function, on purpose
        """Defect 10: pygls raises SystemExit inside of a task, where it is lost."""
        self.exited = True

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(  # type: ignore[override]  # a coroutine, on purpose
        self, params: types.ExecuteCommandParams
    ) -> Any:
        """Defect 1: as a coroutine of its own a command can be cancelled, and sees its progress token."""
        return await self._peer.run_command(params)

    @lsp_method(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    def lsp_work_done_progress_cancel(self, params: types.WorkDoneProgressCancelParams) -> None:
        """Defect 4: progress is tracked by `progress`, which forgets a token at its end."""
        self._peer.cancel_progress(params.token)


def is_request(message: dict[str, Any]) -> bool:
    """Whether the client waits for an answer to this message."""
    return "method" in message and "id" in message


def _cancelled() -> types.ResponseError:
    return types.ResponseError(REQUEST_CANCELLED, "The request was cancelled.")


def _internal_error(failure: BaseException | None) -> types.ResponseError:
    kind = f" ({type(failure).__name__})" if failure is not None else ""
    return types.ResponseError(INTERNAL_ERROR, f"Internal error{kind}. The server's log has the details.")


def _response_error(failure: BaseException) -> types.ResponseError:
    if isinstance(failure, JsonRpcException):
        return failure.to_response_error()
    if isinstance(failure, WainwrightError):
        return types.ResponseError(REQUEST_FAILED, in_editor(str(failure)))
    log.error("a request could not be handled", exc_info=failure)
    return _internal_error(failure)
