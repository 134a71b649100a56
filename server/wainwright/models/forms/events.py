"""Server-sent events, as providers write them."""

import json
from collections.abc import Iterator
from typing import Any

LONGEST_EVENT = 8 * 2**20
_DONE = b"[DONE]"


class Unreadable(Exception):
    """What came is no stream of JSON objects."""


class Events:
    """The JSON objects in a stream of bytes that comes in pieces of any size."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._held = 0
        self._lines: list[bytes] = []
        self.done = False
        """Whether ``[DONE]`` came."""

    def feed(self, part: bytes) -> Iterator[dict[str, Any]]:
        """The objects that ``part`` completes. Raises ``Unreadable``."""
        head, found, tail = part.rpartition(b"\n")
        if not found:
            self._hold(part)
            return
        text = b"".join((*self._rest, head))
        self._rest, self._held = [], 0
        self._hold(tail)
        for line in text.split(b"\n"):
            if line.startswith(b"data:"):
                self._lines.append(line[5:].strip())
            elif not line.rstrip(b"\r"):
                yield from self._event()

    def end(self) -> Iterator[dict[str, Any]]:
        """What the last lines say, which nothing ended."""
        yield from self.feed(b"\n\n")

    def _hold(self, part: bytes) -> None:
        if part:
            self._rest.append(part)
            self._held += len(part)
        if self._held > LONGEST_EVENT:
            raise Unreadable("an event without an end")

    def _event(self) -> Iterator[dict[str, Any]]:
        lines, self._lines = self._lines, []
        # An event over several lines is one text; some servers leave out the empty line between two events.
        if len(lines) > 1 and not all(line == _DONE or _object(line) is not None for line in lines):
            lines = [b"\n".join(lines)]
        for line in lines:
            if line == _DONE:
                self.done = True
            elif line:
                found = _object(line)
                if found is None:
                    raise Unreadable(line[:200].decode("utf-8", "replace"))
                yield found


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
