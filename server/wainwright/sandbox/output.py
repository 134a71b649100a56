"""A program's output in bounded memory: the head and the tail are kept, the middle is counted.

Somebody may listen to it while it comes: whoever does is known to all that was begun under ``listening``.
"""

from collections.abc import Callable
from contextvars import ContextVar

listening: ContextVar[Callable[[bytes], None] | None] = ContextVar("listening", default=None)
"""Takes each piece of what commands print that are run here; must not block or raise."""


class BoundedOutput:
    """Takes any number of bytes and holds at most about ``bytes_max`` of them."""

    def __init__(self, bytes_max: int) -> None:
        self._head_max = bytes_max // 2
        self._tail_max = bytes_max - self._head_max
        self._head = bytearray()
        self._tail = bytearray()
        self._bytes = 0

    def add(self, chunk: bytes) -> None:
        """Take the next piece."""
        self._bytes += len(chunk)
        room = self._head_max - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:][-self._tail_max :]
        del self._tail[: -self._tail_max]

    @property
    def bytes_cut(self) -> int:
        """How many bytes were not kept."""
        return self._bytes - len(self._head) - len(self._tail)

    def text(self) -> str:
        """What was kept, as text; NUL and bytes that are not UTF-8 become U+FFFD."""
        if not self.bytes_cut:
            return _readable(self._head + self._tail)
        return f"{_readable(self._head)}\n[... {self.bytes_cut} bytes cut ...]\n{_readable(self._tail)}"


def _readable(data: bytearray) -> str:
    return data.decode("utf-8", errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
