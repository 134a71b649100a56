"""What commands print, handed on while they run, a few times a second. Nobody keeps it: receipts keep what counts."""

import asyncio
import codecs
from collections.abc import Callable

from wainwright.domain.goal import Fact

EVERY_S = 0.1
BYTES_MAX = 16_384
"""Of what is printed in one such while: the end is told, and how much was left out before it."""


class Printed(Fact):
    """A piece of what commands print."""

    run: str
    task: str
    """Whose command it is; empty: nobody's in particular."""
    text: str


class _Stream:
    """What one task prints."""

    def __init__(self) -> None:
        self.pending = bytearray()
        self.left_out = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, chunk: bytes) -> None:
        self.pending += chunk
        too_much = len(self.pending) - BYTES_MAX
        if too_much > 0:
            del self.pending[:too_much]
            self.left_out += too_much

    def taken(self) -> str:
        """What is new; the first bytes of a character wait for its last ones."""
        text = self._decoder.decode(bytes(self.pending))
        if self.left_out:
            text = f"[... {self.left_out} bytes left out ...]\n{text}"
        self.pending.clear()
        self.left_out = 0
        return text


class Outputs:
    """Hands on what is printed to whoever listens, each piece as ``redact`` leaves it: it goes to a screen."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self._listeners: list[Callable[[Printed], None]] = []
        self._streams: dict[tuple[str, str], _Stream] = {}
        self._soon: asyncio.TimerHandle | None = None

    def subscribe(self, listener: Callable[[Printed], None]) -> Callable[[], None]:
        """Hear what is printed from now on; returns what ends it. A listener must not block or raise."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def take(self, run: str, task: str, chunk: bytes) -> None:
        """Take what a command printed."""
        if not self._listeners:
            return
        self._streams.setdefault((run, task), _Stream()).add(chunk)
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(EVERY_S, self._tell)

    def forget(self, run: str) -> None:
        """A run is at rest: what it printed is told, and nothing is kept of it."""
        self._tell()
        self._streams = {key: stream for key, stream in self._streams.items() if key[0] != run}

    def _tell(self) -> None:
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        for (run, task), stream in self._streams.items():
            if text := self._redact(stream.taken()):
                for listener in tuple(self._listeners):
                    listener(Printed(run=run, task=task, text=text))
