"""The wire of a conversation: one thread for each direction, and what ends the process with it.

The reader and the writer work on plain descriptors: a thread that is blocked in one holds no lock of a Python stream,
and cannot stop the interpreter from ending.
"""

import asyncio
import logging
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from wainwright.lsp.connection.framing import Fault

log = logging.getLogger(__name__)

_AHEAD_MESSAGES = 256
_AHEAD_BYTES = 4 * 1024 * 1024
"""How far the reader is ahead of the loop at most: the next message waits until those before it are handled."""
MOST_UNREAD_BYTES = 16 * 1024 * 1024
"""Output that a client may leave unread before nothing more of it is read: else it would fill the memory."""
END_SECONDS = 2.0
"""How long the process may live after its client has left, whatever keeps the loop from ending it."""


@dataclass(frozen=True)
class EndOfInput:
    """The client has closed its side."""


@dataclass(frozen=True)
class Mark:
    """The reader wants to know when everything before this is handled."""

    handled: threading.Event = field(default_factory=threading.Event)


Incoming = dict[str, Any] | Fault | Mark | EndOfInput


def start_reader(
    frames: Iterator[tuple[dict[str, Any] | Fault, bytes]],
    deliver: Callable[[Incoming], None],
    room: Callable[[], None],
    gone: Callable[[], None],
) -> None:
    """Read messages on a daemon thread of their own; ``deliver`` is called there, at last with `EndOfInput`.

    ``room`` returns when there is room for more answers, ``gone`` is called at the end of input.
    """

    def wait() -> None:
        mark = Mark()
        deliver(mark)
        mark.handled.wait()
        room()

    def run() -> None:
        messages = ahead = 0
        with suppress(RuntimeError):  # the loop is closed: there is nobody left to deliver to
            for message, body in frames:
                deliver(message)
                messages, ahead = messages + 1, ahead + len(body)
                if messages >= _AHEAD_MESSAGES or ahead >= _AHEAD_BYTES:
                    messages = ahead = 0
                    wait()
            gone()
            deliver(EndOfInput())

    threading.Thread(target=run, name="lsp-reader", daemon=True).start()


class Writer:
    """All output goes through one queue and one thread.

    ``write`` returns at once and may be called from any thread: a client that does not read never stops the loop.
    """

    def __init__(self, fd: int, on_broken: Callable[[], None] = lambda: None) -> None:
        self._fd = fd
        self._on_broken = on_broken
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._lock = threading.Condition()
        self._pending = 0
        self._broken = False
        self._thread = threading.Thread(target=self._run, name="lsp-writer", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Queue one whole message."""
        with self._lock:
            self._pending += len(data)
        self._queue.put(data)

    @property
    def pending_bytes(self) -> int:
        """How much the client has not taken yet; a reason to leave out what can be left out."""
        return self._pending

    def room(self) -> None:
        """Return when the client has read so much of the output that there may be more, or reads no more at all."""
        with self._lock:
            self._lock.wait_for(lambda: self._broken or self._pending <= MOST_UNREAD_BYTES)

    def close(self, timeout: float = 1.0) -> None:
        """Let the queue drain, for at most ``timeout`` seconds."""
        self._queue.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        while (data := self._queue.get()) is not None:
            view = memoryview(data)
            try:
                while view:
                    view = view[os.write(self._fd, view) :]
            except OSError:
                with self._lock:
                    self._broken = True
                    self._lock.notify_all()
                with suppress(RuntimeError):
                    self._on_broken()
                return
            with self._lock:
                self._pending -= len(data)
                self._lock.notify_all()


def is_alive(pid: int) -> bool:
    """Whether a process with this id exists."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - only needed on Windows

        synchronize, still_running = 0x00100000, 0x102
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(synchronize, False, pid)
        if not handle:
            return False
        try:
            return bool(kernel.WaitForSingleObject(handle, 0) == still_running)
        finally:
            kernel.CloseHandle(handle)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass  # somebody else's process, or no process id at all: no reason to stop
    return True


async def parent_gone(pid: int, every: float = 1.0) -> None:
    """Return when process ``pid`` has ended, looking every ``every`` seconds."""
    never = asyncio.Event()
    while is_alive(pid):  # nothing tells a process that another one has ended, unless it is its child
        with suppress(TimeoutError):
            await asyncio.wait_for(never.wait(), every)


def start_hearing_signals(told: Callable[[], None]) -> None:
    """Call ``told`` on a daemon thread of its own whenever the process is told to end.

    A handler of Python's, and so the loop's, waits for the main thread; the byte that the kernel's signal leaves here
    does not. Call it on the main thread.
    """
    ear, mouth = socket.socketpair()
    mouth.setblocking(False)
    ending = {getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)}
    for one in ending:
        signal.signal(one, lambda *_: None)  # else the process ends at once, and no byte is left
    signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)

    def run(_open: socket.socket) -> None:
        while number := ear.recv(1):
            if number[0] in ending:
                told()

    threading.Thread(target=run, args=(mouth,), name="lsp-signals", daemon=True).start()


def end_process_within(seconds: float, code: Callable[[], int]) -> None:
    """End the process after ``seconds`` even when a worker thread or a library refuses to let it end."""

    def end() -> None:
        os._exit(code())

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
