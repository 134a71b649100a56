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
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from wainwright.domain.written_json import finite, refuse

log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_MOST_PROMISED = 8 * MAX_MESSAGE_BYTES
"""Bytes that a message over the limit may have to be read over; more are never sent, and so not waited for."""
_MAX_HEADER_BYTES = 16 * 1024
_CHUNK_BYTES = 64 * 1024
_AHEAD_MESSAGES = 256
_AHEAD_BYTES = 4 * 1024 * 1024
"""How far the reader is ahead of the loop at most: the next message waits until those before it are handled."""
MOST_UNREAD_BYTES = 16 * 1024 * 1024
"""Output that a client may leave unread before nothing more of it is read: else it would fill the memory."""
END_SECONDS = 2.0
"""How long the process may live after its client has left, whatever keeps the loop from ending it."""
_LENGTH = re.compile(rb"content-length[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r?\n", re.IGNORECASE)
_HEADER = re.compile(rb"[\w-]+[ \t]*:")
_LONGEST_LENGTH = 64
"""Bytes of a line that states a length; as many of an over-long line stay together with what follows it."""
_CHARSET = re.compile(rb"content-type[ \t]*:.*charset[ \t]*=[ \t\"']*([\w-]+)", re.IGNORECASE)


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


@dataclass(frozen=True)
class Mark:
    """The reader wants to know when everything before this is handled."""

    handled: threading.Event = field(default_factory=threading.Event)


Incoming = dict[str, Any] | Fault | Mark | EndOfInput


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
                end = len(self._buffer) - _LONGEST_LENGTH
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
        taken, missing = bytearray(first), size - len(first)
        while missing:
            more = self._fill(min(missing, 1024 * 1024))
            if not more:
                return None
            missing -= len(more)
            if keep:
                taken += more
        return bytes(taken)


@dataclass
class _Head:
    """What the headers of one message say."""

    length: int | None = None
    """None: nobody knows where its body ends. The next header is then looked for behind whatever comes."""
    fault: str = ""
    lost: bool = False
    """What came before it belongs to no message."""

    def take(self, line: bytes, *, first: bool) -> None:
        """Read one line of a block of headers."""
        stated = _LENGTH.search(line)
        plain = _HEADER.match(line)
        if stated and stated.start() and first and not plain:
            # The rest of a body whose length was wrong, and behind it a new message. No body can hold such a line by
            # itself: a line that ends within a string is spelled in JSON.
            self.lost = True
        elif not plain:
            # Such as what a browser says first: it is no message, and neither is what comes with it.
            self.fault = "a line that is no header"
        elif (charset := _CHARSET.match(line)) and charset[1].lower() not in (b"utf-8", b"utf8"):
            self.fault = "a message in another encoding than UTF-8"
        if stated is None or (stated.start() and not self.lost):
            return
        length = int(stated[1]) if stated[1].isdigit() and len(stated[1]) < 16 else -1
        if length < 0:
            self.fault = "a bad Content-Length"
        elif length > _MOST_PROMISED:
            self.fault = f"a message that is said to have {length} bytes"
        elif self.length is not None and self.length != length:
            self.length, self.fault = None, "a message with two lengths"
        elif not self.fault:
            self.length = length


def _head(stream: _Bytes) -> _Head | None:
    """Read one block of headers; None at the end of input."""
    head, size = _Head(), 0
    while line := stream.line():
        if not line.strip(b" \t\r\n"):
            if size == 0:
                continue  # stray empty lines between messages
            if size > _MAX_HEADER_BYTES and not head.lost:
                head.fault = head.fault or "a message with endless headers"
            elif head.length is None:
                head.fault = head.fault or "a message without Content-Length"
            return head
        head.take(line, first=size == 0)
        size += len(line)
    return None


def read_messages(fd: int, max_bytes: int = MAX_MESSAGE_BYTES) -> Iterator[dict[str, Any] | Fault]:
    """Yield every message from ``fd`` as parsed JSON until the input ends; what cannot be used is a `Fault`.

    A body longer than ``max_bytes`` is read over, not kept; one that nobody could send is not waited for. Where a
    length was wrong, what follows is read again from the next header on. Blocks; meant for a thread of its own.
    """
    for message, _ in _measured(fd, max_bytes):
        yield message


def _measured(fd: int, max_bytes: int) -> Iterator[tuple[dict[str, Any] | Fault, int]]:
    """Every message, and how many bytes it had."""
    stream = _Bytes(fd)
    told = False
    while (head := _head(stream)) is not None:
        if head.lost and not told:
            yield Fault("something between two messages"), 0
        told = bool(head.fault)
        if head.fault:
            yield Fault(head.fault), 0
        if head.length is None:
            continue
        keep = not head.fault and head.length <= max_bytes
        body = stream.exactly(head.length, keep=keep)
        if body is None:
            return
        if not head.fault:
            over = Fault(f"a message of {head.length} bytes; the limit is {max_bytes}")
            message = _parse(body) if keep else over
            told = isinstance(message, Fault)
            yield message, len(body)


def _parse(body: bytes) -> dict[str, Any] | Fault:
    try:
        message = json.loads(
            body.decode(), object_pairs_hook=_once, parse_constant=refuse, parse_float=finite
        )
    except (ValueError, RecursionError) as broken:
        return Fault(f"malformed JSON ({type(broken).__name__})")
    if not isinstance(message, dict):
        return Fault("a message that is not an object (batches are not part of LSP)")
    return message


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def start_reader(
    fd: int, deliver: Callable[[Incoming], None], room: Callable[[], None], gone: Callable[[], None]
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
            for message, size in _measured(fd, MAX_MESSAGE_BYTES):
                deliver(message)
                messages, ahead = messages + 1, ahead + size
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
