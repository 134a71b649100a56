"""Masks secrets in any text on its way to disk, to a screen or to a model."""

import asyncio
import base64
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus

from wainwright.secrets.shapes import finders, private_keys, small

DUMMY_KEY = "no-key-needed"
MASK = "[secret]"

_SHORTEST_SECRET = 6
_SURE = 12
"""So long is what is masked in other letters, too, and over several lines: of less that may be anything."""
_MARGIN = r"[+>|#* \t-]{0,40}"
_WITHIN_ASCII = re.compile(
    rf"\n{_MARGIN}|\r\n{_MARGIN}|\\[nr]{_MARGIN}|"  # each with one letter ahead: no other place is looked at
    r"\x1b\[[0-?]{0,40}[ -/]{0,4}[@-~]"
)
_WITHIN = re.compile(
    f"{_WITHIN_ASCII.pattern}|"
    "[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]"
)
"""What may stand within a value that is one to whoever reads it: colours, what nobody sees, ends of lines."""
_AT_ONCE = 20_000
"""Characters that are looked through while nothing else goes on."""
_PIECE = 64_000
_KEPT_MAX = 128
"""Texts whose masked form is kept: each request repeats the ones before it."""
_GOES_ON = re.compile(r"\n(?!.{0,60}value)")
"""An end of line at which a text may be cut: a name may stand on one line, and its value on the next."""


class Redactor:
    """Masks secrets in text: the given values, their usual encodings, and whatever has the shape of a key."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: frozenset[str] = frozenset()
        self._forms: tuple[str, ...] = ()
        """What is masked, the longest first."""
        self._bare: tuple[str, ...] = ()
        """What is masked of a text without what may stand within: in small letters, the longest first."""
        self._looked_through = lru_cache(_KEPT_MAX)(self._look_through)
        self.learn(values)

    def learn(self, values: Iterable[str]) -> None:
        """Mask these, too, from now on."""
        self._values |= {value for value in values if _is_secret(value)}
        forms = {form for value in self._values for form in _forms(value)}
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        bare = {small(form) for form in self._forms if len(form) >= _SURE}
        self._bare = tuple(sorted(bare, key=lambda form: (-len(form), form)))
        self._looked_through.cache_clear()

    def redact(self, text: str, *, by_lines: bool = False) -> str:
        """``text`` with every secret replaced by a mask. Redacting twice changes nothing.

        ``by_lines``: there are as many lines as before, so that some of them can be shown by their numbers.
        """
        return self._looked_through(text, by_lines)

    def _look_through(self, text: str, by_lines: bool) -> str:
        text = self._without_values(text, by_lines=by_lines)
        text = _masked(text, private_keys(text), by_lines=by_lines)
        return "".join(map(_without_shapes, _pieces(text)))

    async def clean(self, text: str) -> str:
        """The same, in a thread where the text is long."""
        if len(text) <= _AT_ONCE:
            return self.redact(text)
        return await asyncio.to_thread(self.redact, text)

    def without_values(self, text: str) -> str:
        """``text`` without the given values: what somebody made up may look like a key and be none."""
        return self._without_values(text, by_lines=False)

    def _without_values(self, text: str, *, by_lines: bool) -> str:
        found = [form for form in self._forms if form in text]
        if found:
            text = re.sub("|".join(map(re.escape, found)), MASK, text)
        return _masked(text, self._broken_up(text), by_lines=by_lines)

    def _broken_up(self, text: str) -> Iterator[tuple[int, int]]:
        """Where values are in other letters, over several lines, or with colours or what nobody sees within."""
        within = _WITHIN_ASCII if text.isascii() else _WITHIN
        bare = small(within.sub("", text)) if self._bare else ""
        found = [form for form in self._bare if form in bare]
        if not found:
            return
        places: list[int] = []
        at = 0
        for one in within.finditer(text):
            places.extend(range(at, one.start()))
            at = one.end()
        places.extend(range(at, len(text)))
        for one in re.finditer("|".join(map(re.escape, found)), bare):
            yield places[one.start()], places[one.end() - 1] + 1


def _without_shapes(text: str) -> str:
    for find in finders(text):
        text = _masked(text, find(text))
    return text


def _pieces(text: str) -> Iterator[str]:
    """A long text in pieces of whole lines: a search stops all threads, so none may take long."""
    begin = 0
    while len(text) - begin > _PIECE and (end := _GOES_ON.search(text, begin + _PIECE)):
        yield text[begin : end.end()]
        begin = end.end()
    yield text[begin:]


def _masked(text: str, spans: Iterable[tuple[int, int]], *, by_lines: bool = False) -> str:
    kept, at = [], 0
    for begin, end in spans:
        kept += [text[at:begin], MASK, "\n" * text.count("\n", begin, end) if by_lines else ""]
        at = end
    return "".join([*kept, text[at:]]) if kept else text


def _is_secret(value: str) -> bool:
    return len(value) >= _SHORTEST_SECRET and value != DUMMY_KEY


def _forms(value: str) -> Iterator[str]:
    """The value as it is, and as it looks inside URLs, JSON strings and base64 text."""
    yield value
    yield quote(value, safe="")
    yield quote_plus(value)
    yield value.replace("\\", "\\\\").replace('"', '\\"')
    raw = value.encode()
    yield raw.hex()
    for shift in range(3):
        # Base64 works on groups of three bytes: what stands before the secret shifts it, and the characters
        # at both ends also depend on the neighbours, so only the middle is certain.
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        middle = encoded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        if len(middle) >= _SHORTEST_SECRET:
            yield middle
            yield middle.replace("+", "-").replace("/", "_")
