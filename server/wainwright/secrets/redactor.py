"""Masks secrets in any text on its way to disk, to a screen or to a model."""

import base64
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

DUMMY_KEY = "no-key-needed"
MASK = "[secret]"

_SHORTEST_SECRET = 6
_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END)[\s\S])*(?:-----END [A-Z ]*PRIVATE KEY-----)?"
    r"|(?<![A-Za-z0-9])(?:"
    r"sk-(?=[A-Za-z0-9_-]*[0-9])(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{20,}"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{35}|gsk_[A-Za-z0-9]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}"
    r"|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}"
    r")"
)


class Redactor:
    """Masks secrets in text: the given values, their usual encodings, and whatever has the shape of a key."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: frozenset[str] = frozenset()
        self._known: re.Pattern[str] | None = None
        self.learn(values)

    def learn(self, values: Iterable[str]) -> None:
        """Mask these, too, from now on."""
        self._values |= {value for value in values if _is_secret(value)}
        forms = {form for value in self._values for form in _forms(value)}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def redact(self, text: str) -> str:
        """``text`` with every secret replaced by a mask. Redacting twice changes nothing."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        return _SHAPES.sub(MASK, text)


def _is_secret(value: str) -> bool:
    return len(value) >= _SHORTEST_SECRET and value != DUMMY_KEY


def _forms(value: str) -> Iterator[str]:
    """The value as it is, and as it looks inside URLs, JSON strings and base64 text."""
    yield value
    yield quote(value, safe="")
    yield quote_plus(value)
    yield value.replace("\\", "\\\\").replace('"', '\\"')
    raw = value.encode()
    for shift in range(3):
        # Base64 works on groups of three bytes: what stands before the secret shifts it, and the characters
        # at both ends also depend on the neighbours, so only the middle is certain.
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        middle = encoded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        if len(middle) >= _SHORTEST_SECRET:
            yield middle
            yield middle.replace("+", "-").replace("/", "_")
