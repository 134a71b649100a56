"""Standard input and output as a private wire, with one thread for each direction.

Only the standard library is imported, so that the descriptors can be taken before anything else has a chance to
print. The reader and the writer work on plain descriptors: a thread that is blocked in one holds no lock of a
Python stream, and cannot stop the interpreter from ending.
"""

import asyncio
import json
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_MOST_PROMISED = 8 * MAX_MESSAGE_BYTES
"""Bytes that a message over the limit may have to be read over; more are never sent, and so not waited for."""
_MAX_HEADER_BYTES = 16 * 1024
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True)
class Streams:
    """The two descriptors that lead to the client; nothing else in the process, and no child, holds them."""

    read_fd: int
    write_fd: int


@dataclass(frozen=True)
class Fault:
    """What arrived cannot be used as a message: the reason, for the log and for the client."""

    reason: str


@dataclass(frozen=True)
class EndOfInput:
    """The client has closed its side."""


Incoming = dict[str, Any] | Fault | EndOfInput


def claim_stdio() -> Streams:
    """Take descriptors 0 and 1 away from the rest of the process.

    Afterwards descriptor 0 reads nothing, descriptor 1 and ``sys.stdout`` lead to standard error: a ``print``, a C
    library and an inherited child can neither read nor write the protocol. Call it once, before other imports.
    """
    read_fd, write_fd = os.dup(0), os.dup(1)  # both are non-inheritable, as os.dup makes them
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - exists on Windows alone

        msvcrt.setmode(read_fd, os.O_BINARY)
        msvcrt.setmode(write_fd, os.O_BINARY)
    return Streams(read_fd, write_fd)


class _Bytes:
    """A buffered reader over a descriptor that takes no lock."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._buffer = b""

    def _fill(self, size: int = _CHUNK_BYTES) -> bytes:
        try:
            return os.read(self._fd, size)
        except OSError:
            return b""

    def line(self) -> bytes:
        """The next line with its end; what there is at the end of input; an over-long line is cut into pieces."""
        while True:
            end = self._buffer.find(b"\n") + 1
            if end == 0 and len(self._buffer) >= _MAX_HEADER_BYTES:
                end = _MAX_HEADER_BYTES
            if end:
                taken, self._buffer = self._buffer[:end], self._buffer[end:]
                return taken
            more = self._fill()
            if not more:
                taken, self._buffer = self._buffer, b""
                return taken
            self._buffer += more

    def exactly(self, size: int, *, keep: bool = True) -> bytes | None:
        """``size`` bytes, or None when the input ends earlier; with ``keep=False`` they are read and dropped."""
        first, self._buffer = self._buffer[:size], self._buffer[size:]
        parts, missing = [first], size - len(first)
        while missing:
            more = self._fill(min(missing, 1024 * 1024))
            if not more:
                return None
            missing -= len(more)
            if keep:
                parts.append(more)
        return b"".join(parts) if keep else b""


def _content_length(stream: _Bytes) -> int | Fault | None:
    """Read one block of headers: its length (names in any case), a fault, or None at the end of input."""
    length: int | Fault | None = None
    seen = False
    while line := stream.line():
        if not line.strip():
            if not seen:
                continue  # stray empty lines between messages
            return Fault("a message without Content-Length") if length is None else length
        seen = True
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            digits = value.strip()
            length = int(digits) if digits.isdigit() and len(digits) < 16 else Fault("a bad Content-Length")
            if isinstance(length, int) and length > _MOST_PROMISED:
                length = Fault(f"a message that is said to have {length} bytes")
    return None


def read_messages(fd: int, max_bytes: int = MAX_MESSAGE_BYTES) -> Iterator[dict[str, Any] | Fault]:
    """Yield every message from ``fd`` as parsed JSON until the input ends; what cannot be used is a `Fault`.

    A body longer than ``max_bytes`` is read over, not kept; one that nobody could send is not waited for. Blocks;
    meant for a thread of its own.
    """
    stream = _Bytes(fd)
    while (length := _content_length(stream)) is not None:
        if isinstance(length, Fault):
            yield length
            continue
        keep = length <= max_bytes
        body = stream.exactly(length, keep=keep)
        if body is None:
            return
        yield _parse(body) if keep else Fault(f"a message of {length} bytes; the limit is {max_bytes}")


def _parse(body: bytes) -> dict[str, Any] | Fault:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as broken:
        return Fault(f"malformed JSON ({type(broken).__name__})")
    if not isinstance(message, dict):
        return Fault("a message that is not an object (batches are not part of LSP)")
    return message


def start_reader(fd: int, deliver: Callable[[Incoming], None]) -> None:
    """Read messages on a daemon thread of their own; ``deliver`` is called there, at last with `EndOfInput`."""

    def run() -> None:
        with suppress(RuntimeError):  # the loop is closed: there is nobody left to deliver to
            for message in read_messages(fd):
                deliver(message)
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
        self._lock = threading.Lock()
        self._pending = 0
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
                with suppress(RuntimeError):
                    self._on_broken()
                return
            with self._lock:
                self._pending -= len(data)


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


async def parent_gone(pid: int, every: float = 2.0) -> None:
    """Return when process ``pid`` has ended, looking every ``every`` seconds.

    Never returns for a process that is not there to begin with: an editor outside of this container has an id that
    means nothing here.
    """
    never = asyncio.Event()
    if pid <= 0 or not is_alive(pid):
        await never.wait()
    while is_alive(pid):  # nothing tells a process that another one has ended, unless it is its child
        with suppress(TimeoutError):
            await asyncio.wait_for(never.wait(), every)


def end_process_within(seconds: float, code: Callable[[], int]) -> None:
    """End the process after ``seconds`` even when a worker thread or a library refuses to let it end."""

    def end() -> None:
        os._exit(code())

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
