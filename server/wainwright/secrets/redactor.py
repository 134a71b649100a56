"""Masks secrets in any text on its way to disk, to a screen or to a model."""

import base64
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

DUMMY_KEY = "no-key-needed"
MASK = "[secret]"

_SHORTEST_SECRET = 6
# Each begins with letters that a search can skip to: a long text that has none of them costs next to nothing.
_SHAPES = tuple(
    re.compile(rf"{begin}(?<![A-Za-z0-9]{begin}){rest}")
    for begin, rest in (
        ("AKIA", r"[A-Z0-9]{16}"),
        ("ASIA", r"[A-Z0-9]{16}"),
        ("AIza", r"[A-Za-z0-9_-]{35}"),
        ("sk-", r"(?=[A-Za-z0-9_-]*[0-9])(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{20,}"),
        ("gh", r"[pousr]_[A-Za-z0-9]{20,}"),
        ("github_pat_", r"[A-Za-z0-9_]{20,}"),
        ("glpat-", r"[A-Za-z0-9_-]{20,}"),
        ("gsk_", r"[A-Za-z0-9]{20,}"),
        ("xox", r"[abprs]-[A-Za-z0-9-]{10,}"),
        ("hf_", r"[A-Za-z0-9]{20,}"),
        ("npm_", r"[A-Za-z0-9]{30,}"),
    )
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END)[\s\S])*(?:-----END [A-Z ]*PRIVATE KEY-----)?"
)


class Redactor:
    """Masks secrets in text: the given values, their usual encodings, and whatever has the shape of a key."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: frozenset[str] = frozenset()
        self._forms: tuple[str, ...] = ()
        """What is masked, the longest first."""
        self.learn(values)

    def learn(self, values: Iterable[str]) -> None:
        """Mask these, too, from now on."""
        self._values |= {value for value in values if _is_secret(value)}
        forms = {form for value in self._values for form in _forms(value)}
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))

    def redact(self, text: str) -> str:
        """``text`` with every secret replaced by a mask. Redacting twice changes nothing."""
        found = [form for form in self._forms if form in text]
        if found:
            text = re.sub("|".join(map(re.escape, found)), MASK, text)
        text = _PRIVATE_KEY.sub(MASK, text)
        for shape in _SHAPES:
            text = shape.sub(MASK, text)
        return text


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
