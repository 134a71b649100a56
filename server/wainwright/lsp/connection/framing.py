"""Messages on the wire: standard input and output taken as a private one, and bytes read as messages.

Only what is loaded in milliseconds is imported: this is read before the first answer, by a front that stays as small
as it is.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from wainwright.domain.written_json import finite, refuse

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_MOST_PROMISED = 8 * MAX_MESSAGE_BYTES
"""Bytes that a message over the limit may have to be read over; more are never sent, and so not waited for."""
_MAX_HEADER_BYTES = 16 * 1024
_CHUNK_BYTES = 64 * 1024
_LENGTH = re.compile(rb"content-length[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r?\n", re.IGNORECASE)
_HEADER = re.compile(rb"[\w-]+[ \t]*:")
_LONGEST_LENGTH = 64
"""Bytes of a line that states a length; as many of an over-long line stay together with what follows it."""
_CHARSET = re.compile(rb"content-type[ \t]*:.*charset[ \t]*=[ \t\"']*([\w-]+)", re.IGNORECASE)


class Streams(NamedTuple):
    """The two descriptors that lead to the client; nothing else in the process, and no child, holds them."""

    read_fd: int
    write_fd: int
    frames: Iterator["tuple[dict[str, Any] | Fault, bytes]"]
    """What is read from there, as `read_frames` gives it."""
    greeted: dict[str, Any] | None = None
    """What the first of these messages, an ``initialize``, has been answered already."""


class Fault(NamedTuple):
    """What arrived cannot be used as a message: the reason, for the log and for the client."""

    reason: str


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
    return Streams(read_fd, write_fd, read_frames(read_fd))


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


class _Head:
    """What the headers of one message say."""

    def __init__(self) -> None:
        self.length: int | None = None
        """None: nobody knows where its body ends. The next header is then looked for behind whatever comes."""
        self.fault = ""
        self.lost = False
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
    for message, _ in read_frames(fd, max_bytes):
        yield message


def read_frames(
    fd: int, max_bytes: int = MAX_MESSAGE_BYTES
) -> Iterator[tuple[dict[str, Any] | Fault, bytes]]:
    """Every message as `read_messages` gives it, and its body as it came."""
    stream = _Bytes(fd)
    told = False
    while (head := _head(stream)) is not None:
        if head.lost and not told:
            yield Fault("something between two messages"), b""
        told = bool(head.fault)
        if head.fault:
            yield Fault(head.fault), b""
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
            yield message, body


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


def frame(body: bytes) -> bytes:
    """A message as it is sent."""
    return b"Content-Length: %d\r\n\r\n" % len(body) + body
