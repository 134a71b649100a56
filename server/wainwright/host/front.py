"""What an editor talks to: it hands what is said to the host, and what that says back.

It stays small: nothing is imported but what a socket needs. What another host has to be told when one dies is kept in
``replayed``.
"""

import json
import os
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from wainwright.host import door
from wainwright.host.replayed import Conversation
from wainwright.lsp.connection.framing import Fault, Streams, frame, read_frames

Frame = tuple[dict[str, Any] | Fault, bytes]

ENDS_S = 3.0
"""Seconds in which a host says goodbye to an editor that leaves."""
MOST_DEATHS = 3
"""Hosts that may die in one conversation before it is given up: the next one would die as well."""


def converse(argv: Sequence[str], streams: Streams) -> int | None:
    """Hand everything to a host, and what it says back; the exit code. None where there is no host."""
    try:
        host, process = door.attach(argv, streams.greeted)
    except door.NotThere as reason:
        sys.stderr.write(f"Everything is kept in one process: {reason}.\n")
        return None
    return Front(argv, streams, host, process).serve()


class Front:
    """One conversation, whichever host has it."""

    def __init__(self, argv: Sequence[str], streams: Streams, host: socket.socket, process: int) -> None:
        self._argv = argv
        self._streams = streams
        self._host = host
        self._process = process
        self._said = Conversation(streams.greeted)
        self._deaths = 0
        self._code = 1
        self._over = threading.Event()
        self._ready = threading.Lock()
        """Held while there is no host, and while one is told something."""
        self._writing = threading.Lock()

    def serve(self) -> int:
        """Return when the editor has left, or no host can be had any more."""
        threading.Thread(target=self._hear, name="host", daemon=True).start()
        threading.Thread(target=self._listen, name="editor", daemon=True).start()
        self._over.wait()
        return self._code

    def _listen(self) -> None:
        """What the editor says, to the host."""
        for message, body in self._streams.frames:
            if isinstance(message, Fault):
                self._complain(f"Ignored {message.reason}.")
                continue
            with self._ready:
                self._said.of_editor(message)
                self._send(frame(body))
            if message.get("method") == "exit":
                break
        with self._ready, suppress(OSError):
            self._said.left = True
            self._host.shutdown(socket.SHUT_WR)
        self._over.wait(ENDS_S)
        self._end(0 if self._said.shut_down else 1)

    def _send(self, data: bytes) -> None:
        # A host that has died is told again when there is another one.
        with suppress(OSError):
            self._host.sendall(data)

    def _hear(self) -> None:
        """What the host says, to the editor; where it says no more, another one is found."""
        while not self._over.is_set():
            for message, body in _frames(self._host):
                if isinstance(message, dict) and message.get("method") == door.LEFT:
                    return self._end(int(message["code"]))
                if isinstance(message, dict):
                    self._said.of_host(message)
                self._tell(body)
            with self._ready:
                if self._said.left:
                    return self._end(0 if self._said.shut_down else 1)
                self._another()
        return None

    def _another(self) -> None:
        """The host has died: whatever waits for it is told so, and what is open is told to another one."""
        self._deaths += 1
        self._host.close()
        for message in self._said.bereave():
            self._tell(json.dumps(message).encode())
        if self._deaths > MOST_DEATHS:
            return self._give_up(f"{self._deaths} hosts have died")
        try:
            self._host, self._process = door.attach(self._argv, self._said.greeted, self._process)
        except door.NotThere as reason:
            return self._give_up(str(reason))
        self._say(2, "Wainwright's host has ended. Another one goes on from here; nothing is lost.")
        for message in self._said.again():
            self._send(frame(json.dumps(message).encode()))
        return None

    def _give_up(self, reason: str) -> None:
        self._say(1, f"Wainwright has ended, and cannot begin anew: {reason}. Restart the language server.")
        self._end(1)

    def _say(self, kind: int, sentence: str) -> None:
        params = {"type": kind, "message": sentence}
        self._tell(json.dumps({"jsonrpc": "2.0", "method": "window/showMessage", "params": params}).encode())

    def _complain(self, sentence: str) -> None:
        params = {"type": 2, "message": sentence}
        self._tell(json.dumps({"jsonrpc": "2.0", "method": "window/logMessage", "params": params}).encode())

    def _tell(self, body: bytes) -> None:
        """Say something to the editor; one that does not read any more has left."""
        view = memoryview(frame(body))
        try:
            with self._writing:
                while view:
                    view = view[os.write(self._streams.write_fd, view) :]
        except OSError:
            self._end(1)

    def _end(self, code: int) -> None:
        if not self._over.is_set():
            self._code = code
            self._over.set()


def _frames(host: socket.socket) -> Iterator[Frame]:
    return read_frames(host.fileno())
