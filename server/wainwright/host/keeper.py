"""The host: it has the engines of all windows that are started alike, and talks to each of them over its socket."""

import asyncio
import gc
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from wainwright import app, regular
from wainwright.domain.ports import Editor
from wainwright.engine.engine import Engine
from wainwright.home import state_home
from wainwright.host import door
from wainwright.host.windows import Engines, OpenEngine
from wainwright.lsp.connection.framing import Streams, frame, read_frames
from wainwright.lsp.connection.session import WainwrightServer
from wainwright.lsp.options import Options, read_options
from wainwright.lsp.server import create_server
from wainwright.sockets import identity

log = structlog.get_logger()

LOOK_EVERY_S = 0.25
"""How often it looks whether somebody still needs it."""
GREETS_S = 10.0
"""Seconds in which who connects has to say what they are."""
FIRST_S = 10.0
"""Seconds in which a host that a window started waits for it."""
ENDS_S = 3.0
"""Seconds in which conversations end when the host does, and in which the end of one is heard."""
LOG = "host.log"


def keep(listening: int, path: str, words: list[str], first_s: float = FIRST_S) -> int:
    """Be the host of a socket at ``path`` until nobody needs one any more; the result is the exit code.

    ``first_s``: how long the first window is waited for.
    """
    options = read_options(words)
    place = Path(path)
    version = door.version()
    if not sys.stderr.isatty():
        _write_down()
    app.log_to(options.log)
    os.chdir("/")
    gc.freeze()  # what is imported stays
    gc.enable()
    engines = partial(Engines, idle_s=first_s)
    asyncio.run(Host(socket.socket(fileno=os.dup(listening)), place, options, version, engines).serve())
    return 0


def _write_down() -> None:
    """What goes wrong is found in a file of the user's."""
    with suppress(OSError):
        state_home().mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(state_home() / LOG, "w", opener=regular.private) as file:
            os.dup2(file.fileno(), 2)


class Host:
    """Answers fronts. It ends when it has had no window and no engine for a while, or nobody can find it any more."""

    def __init__(
        self,
        listening: socket.socket,
        path: Path,
        options: Options,
        version: str,
        engines: Callable[[OpenEngine], Engines],
    ) -> None:
        # Listening anew says to who connects that it is this process that they reach.
        listening.listen()
        listening.setblocking(False)
        self._listening = listening
        self._path = path
        self._mine = identity(path)
        self._options = options
        self._version = version
        self._engines = engines(self._open_engine)
        self._conversations: dict[asyncio.Task[None], WainwrightServer | None] = {}
        self._idle_since = time.monotonic()
        self._told_to_end = asyncio.Event()

    async def serve(self) -> None:
        """Return when nobody needs a host any more."""
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(one, self._told_to_end.set)
        accepting = asyncio.create_task(self._accept())
        try:
            while await self._is_needed():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._told_to_end.wait(), LOOK_EVERY_S)
        finally:
            if self._is_found():
                with suppress(OSError):
                    self._path.unlink()
            accepting.cancel()
            self._listening.close()
            await self._end()

    async def _open_engine(self, folder: Path, editor: Editor) -> Engine:
        options = self._options
        return await app.open_engine(folder, overrides=options.overrides, editor=editor, word=options.trust)

    async def _is_needed(self) -> bool:
        await self._engines.look()
        if self._told_to_end.is_set():
            return False
        if self._conversations or len(self._engines):
            self._idle_since = time.monotonic()
            return True
        return self._is_found() and time.monotonic() - self._idle_since < self._engines.idle_s

    def _is_found(self) -> bool:
        return self._mine is not None and identity(self._path) == self._mine

    async def _end(self) -> None:
        for server in self._conversations.values():
            if server is not None:
                server.leave()
        if self._conversations:
            await asyncio.wait(self._conversations, timeout=ENDS_S)
        await self._engines.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(self._listening)
            if not door.mine(connection):
                log.warning("host.stranger")
                connection.close()
                continue
            conversation = asyncio.create_task(self._converse(connection), name="a window")
            self._conversations[conversation] = None
            conversation.add_done_callback(self._over)

    def _over(self, conversation: "asyncio.Task[None]") -> None:
        del self._conversations[conversation]
        if not conversation.cancelled() and (failure := conversation.exception()) is not None:
            log.error("host.conversation_failed", exc_info=failure)

    async def _converse(self, connection: socket.socket) -> None:
        """Talk to one front until it leaves."""
        with connection:
            try:
                told = await asyncio.to_thread(self._greet, connection)
            except (OSError, ValueError) as error:
                log.info("host.not_greeted", reason=f"{type(error).__name__}: {error}")
                return
            if told is None:
                return
            server = create_server(self._engines.sit)
            server.after = int(told["after"])
            task = asyncio.current_task()
            assert task is not None
            self._conversations[task] = server
            ended = threading.Event()
            wire = connection.fileno()
            streams = Streams(wire, wire, read_frames(wire), told["greeted"])
            code = await server.converse(streams, ended.set)
            await asyncio.to_thread(self._part, connection, code, ended)

    def _greet(self, connection: socket.socket) -> dict[str, Any] | None:
        """What a front says of itself; None for one that is refused. Raises OSError, ValueError."""
        connection.settimeout(GREETS_S)
        told = door.read_line(connection)
        same = told.get("version") == self._version
        answer: dict[str, Any] = {"version": self._version, "process": os.getpid()}
        if not same:
            answer["refused"] = "the host is of another version"
        connection.sendall(json.dumps(answer).encode() + b"\n")
        connection.settimeout(None)
        return told if same else None

    def _part(self, connection: socket.socket, code: int, ended: threading.Event) -> None:
        """Tell the front how the conversation ended: without it, it would look for another host."""
        with suppress(OSError):
            if not self._told_to_end.is_set():
                connection.settimeout(ENDS_S)
                connection.sendall(frame(json.dumps({"method": door.LEFT, "code": code}).encode()))
            connection.shutdown(socket.SHUT_RDWR)
        ended.wait(ENDS_S)
