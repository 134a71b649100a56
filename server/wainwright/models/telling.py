"""What a person sees of a reply while it is being written: one line, now and then."""

import time
from collections.abc import Callable

WRITES = "writes: "
EVERY_S = 2.0
LONGEST = 80


class Telling:
    """Hears pieces of a text, and tells its newest line that has words in it: ``writes: …``."""

    def __init__(self, tell: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._clock = clock
        self._next = 0.0
        self._line = ""

    def __call__(self, text: str) -> None:
        """Hear a piece."""
        *whole, self._line = (self._line + text).splitlines() or [""]
        self._line = self._line[-1000:]
        if text.endswith(("\n", "\r")):
            whole, self._line = [*whole, self._line], ""
        if self._clock() < self._next:
            return
        said = next((" ".join(line.split()) for line in reversed([*whole, self._line]) if line.strip()), "")
        if said:
            self._next = self._clock() + EVERY_S
            self._tell(WRITES + (said if len(said) <= LONGEST else "…" + said[-LONGEST:]))
