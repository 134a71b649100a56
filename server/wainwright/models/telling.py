"""What a person sees of a reply while it is being written: one line, now and then, and no secret.

A secret comes in pieces, and a key over many lines. So what was written last is masked together, and a word is told
when it is whole.
"""

import re
import time
from collections.abc import Callable

from wainwright.secrets import Redactor

WRITES = "writes: "
EVERY_S = 2.0
LONGEST = 80
_KEPT = 16_000
"""Characters of what was written last: a private key fits."""
_WHOLE = re.compile(r".*\s", re.DOTALL)


class Telling:
    """Hears pieces of a text, and tells its newest line that has words in it: ``writes: …``."""

    def __init__(
        self,
        tell: Callable[[str], None],
        redactor: Redactor,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tell = tell
        self._redactor = redactor
        self._clock = clock
        self._next = 0.0
        self._written = ""
        self._is_new = False
        """Whether a word came, or ended, since something was told."""

    def __call__(self, text: str) -> None:
        """Hear a piece."""
        self._is_new = bool(self._is_new or text.strip() or self._written[-1:].strip())
        self._written = (self._written + text)[-_KEPT:]
        if not self._is_new or self._clock() < self._next:
            return
        whole = _WHOLE.match(self._written)
        lines = self._redactor.redact(whole[0]).splitlines() if whole else []
        said = next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "…")
        self._next = self._clock() + EVERY_S
        self._is_new = False
        self._tell(WRITES + (said if len(said) <= LONGEST else "…" + said[-LONGEST:]))
