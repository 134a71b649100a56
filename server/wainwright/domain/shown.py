r"""Text from outside, made such that it can be shown: it is seen as it is, and does nothing.

A file name, a program's output or a model's words can hold what a terminal obeys, what turns the order of letters
round, what nobody sees, and links that run something. One function a destination, called where text leaves:
``terminal`` for a text of several lines, ``message`` for what an editor shows, ``markdown`` and ``json_text`` for
documents, ``in_line`` for what has to stay on its line. What is not seen is spelled, such as ``\x1b`` and ``\u202e``:
nothing is dropped, so that what a person is asked about is what will be done. Each of them leaves ordinary text as it
is.
"""

import html
import re
import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

_UNSEEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad"  # controls, and a hyphen that is not shown
    r"\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # tags, and variants beyond those in use
    r"\ud800-\udfff"
)
_LETTER = r"[^\x00-\x7f]"
_JOINER = rf"(?<!{_LETTER})[\u200c\u200d]|[\u200c\u200d](?!{_LETTER})"
"""Joiners have a meaning between letters of some scripts and between pictures; elsewhere they only hide."""
_VARIANT = (
    r"(?:(?<=[\x00-\x22\x24-\x29\x2b-\x2f\x3a-\x7f\ufe00-\ufe0f])|(?<![\x00-\U0010ffff]))[\ufe00-\ufe0f]"
)
"""Variants belong to pictures, to some letters and to what is on keys; behind others, or in a row, they carry data.
"""
_BLOCK = re.compile(rf"[{_UNSEEN}]|{_JOINER}|{_VARIANT}")
_LINE = re.compile(rf"[\t\n{_UNSEEN}]|{_JOINER}|{_VARIANT}")
_WORD = re.compile(r"[^\W\d_]+")
_LOOKS_LATIN = frozenset(
    "\u0430\u0432\u0435\u0455\u0456\u0458\u043e\u0440\u0441\u0443\u0445\u04bb\u0501\u051b\u051d\u0475"
    "\u0410\u0412\u0421\u0415\u041d\u0406\u0408\u041a\u041c\u041e\u0420\u0405\u0422\u0425\u0423"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03c1\u03bd"
)
"""Letters of Cyrillic and Greek that are drawn like Latin ones."""
_SPACES = re.compile(r" {24,}")
"""So many spaces in a row move what follows out of sight."""
_ENDS_OF_LINES = frozenset("\r\v\f")
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def _spelled(found: re.Match[str]) -> str:
    return _escaped(found[0])


def _escaped(one: str) -> str:
    code = ord(one)
    return _SHORT.get(one) or (
        f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    )


def _in_json(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def terminal(text: str) -> str:
    """``text`` for a terminal: lines and tabs stay, all else that is not seen is spelled."""
    return text if _is_plain(text) else _BLOCK.sub(_spelled, text.replace("\r\n", "\n"))


def in_line(text: str) -> str:
    """``text`` for the middle of a line: of a list, a heading, a title. It begins no other line.

    Names stand in such places: a letter of another script that is drawn like a Latin one is spelled within a Latin
    word, and spaces that would move the rest out of sight are counted.
    """
    if not (_is_plain(text) and text.isprintable()):
        text = _WORD.sub(_mixed, _LINE.sub(_spelled, text))
    return _SPACES.sub(lambda found: f"[{len(found[0])} spaces]", text)


def _mixed(found: re.Match[str]) -> str:
    word = found[0]
    if word.isascii() or not any(one.isascii() for one in word):
        return word
    return "".join(_escaped(one) if _looks_latin(one) else one for one in word)


def _looks_latin(one: str) -> bool:
    return one in _LOOKS_LATIN or (not one.isascii() and unicodedata.normalize("NFKC", one).isascii())


def for_model(text: str) -> tuple[str, int]:
    """``text`` for a model, with what nobody sees in it spelled, and how many characters these were.

    What hides an instruction from a person who looks at the same text, or turns it round, is in plain sight. Ends of
    lines and pages stay as they are.
    """
    if _is_plain(text):
        return text, 0
    hidden = 0

    def spelled(found: re.Match[str]) -> str:
        nonlocal hidden
        if found[0] in _ENDS_OF_LINES:
            return found[0]
        hidden += 1
        return _spelled(found)

    return _BLOCK.sub(spelled, text), hidden


def as_it_was(told: str, text: str) -> str:
    """What a model quotes of ``text``, with what was spelled for it as it stands there.

    A spelling that ``text`` has in so many words stays one: which of them is meant nobody can tell.
    """
    if _is_plain(text):
        return told
    hidden = {found[0]: _spelled(found) for found in _BLOCK.finditer(text) if found[0] not in _ENDS_OF_LINES}
    for one, spelled in hidden.items():
        if spelled not in text:
            told = told.replace(spelled, one)
    return told


def json_text(text: str) -> str:
    """JSON for a document; what is spelled is still the same JSON."""
    return text if _is_plain(text) else _BLOCK.sub(_in_json, text)


def message(text: str) -> str:
    """``text`` for an editor, which may make links of it: those that would run something are none any more."""
    text = terminal(text)
    return _without_targets(text, _INLINE) if "](" in text else text


def message_within(value: Any) -> Any:
    """What an editor is sent, with all in it that is shown made fit; what it is to apply or send back stays."""
    if isinstance(value, str):
        return message(value)
    if isinstance(value, list | tuple):
        return [message_within(one) for one in value]
    if isinstance(value, dict):
        return {key: one if key in _NOT_SHOWN else message_within(one) for key, one in value.items()}
    return value


_NOT_SHOWN = frozenset({"arguments", "data", "edit", "edits", "uri", "newText", "token", "id", "method"})


def _is_plain(text: str) -> bool:
    return text.isascii() and text.replace("\n", "").replace("\t", "").isprintable()


# ---- links

_SAFE = frozenset({"http", "https", "mailto"})
"""Where a link may lead beside files; it is followed only by somebody who chooses to."""
_TARGET_MAX = 300
"""Characters of a target that are looked at; it has said by then where it leads."""
_LINK = rf"(?P<mark>\()\s*(?:<(?P<quoted>[^\n>]{{0,{_TARGET_MAX}}})|(?P<to>[^\s)]{{0,{_TARGET_MAX}}}))"
_INLINE = re.compile(rf"\]{_LINK}")
_ANY = re.compile(rf"\]{_LINK.replace('(?P<mark>', '(?P<mark>:|', 1)}")
"""Of Markdown, where ``[name]: target`` is one as well."""
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):(.*)", re.IGNORECASE | re.DOTALL)
_ADDRESS = re.compile(r"(?:https?://|(?<![\w.])(?=www\.))(?:[^\s/@]*@)?([^\s/:?#\]]+)", re.IGNORECASE)
_PLACE = re.compile(r"\d+([:-]\d+)*")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


def _leads_out(written: str) -> bool:
    """Whether a link's target is neither a file beside it nor a page: it may run something, or call somebody up."""
    to = re.sub(r"[\x00-\x20]", "", unquote(html.unescape(_ESCAPED.sub(r"\1", written))))
    if to.startswith(("//", "\\")):
        return True
    scheme = _SCHEME.match(to)
    if scheme is None:
        return len(written) >= _TARGET_MAX
    return scheme[1].lower() not in _SAFE and not ("." in scheme[1] and _PLACE.fullmatch(scheme[2]))


def _misleads(words: str, written: str) -> bool:
    """Whether the words of a link are an address of another host than the one it leads to."""
    said, to = _ADDRESS.search(words), _ADDRESS.match(written)
    return said is not None and to is not None and said[1].lower() != to[1].lower()


def _without_targets(text: str, links: re.Pattern[str]) -> str:
    """``text`` in which what would lead out, or elsewhere than it says, is no link."""

    def told(found: re.Match[str]) -> str:
        whole, written = found[0], found["quoted"] or found["to"] or ""
        since = max(0, found.start() - _TARGET_MAX)
        words = text[max(since, text.rfind("[", since, found.start())) : found.start()]
        return f"]\\{whole[1:]}" if _leads_out(written) or _misleads(words, written) else whole

    return links.sub(told, text)


# ---- Markdown

_FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,})")
_TICKS = re.compile(r"`+")
_LINE_MAX = 5_000
"""A longer line has no spans of code."""
_OBEYED = re.compile(
    r"(?<!\\)((?:\\\\)*)(!(?=\[)|<(?=[A-Za-z][A-Za-z0-9+.-]*(?:[\s/>:]|$)|/[A-Za-z]|[!?])|^[ \t]*\$(?=\$))",
    re.MULTILINE,
)
"""Pictures, tags and formulas, unless a backslash has made them text already."""


def markdown(text: str) -> str:
    """A document in which no picture is fetched, no tag is obeyed and no link runs anything; code stays as it is.

    A fence counts only at the beginning of a line, a span of code only within one, and both only where every reader
    of Markdown agrees; what is doubtful is taken for text.
    """
    told = terminal(text)
    if told.startswith("---"):  # what stands between such lines at the top is not read as text
        told = f"\\{told}"
    return "\n".join(_blocks(told.split("\n")))


def document(file: str, text: str) -> str:
    """A text for the document of this name."""
    return {"md": markdown, "json": json_text}.get(file.rpartition(".")[2], terminal)(text)


def _blocks(lines: list[str]) -> Iterator[str]:
    closes: re.Pattern[str] | None = None
    prose: list[str] = []
    for line in lines:
        if closes is not None:
            yield line
            closes = None if closes.fullmatch(line) else closes
            continue
        opens = _FENCE.match(line)
        if opens is None and line.strip(" \t"):
            prose.append(line)
            continue
        yield from _prose(prose)
        prose = []
        if opens is not None:
            fence = opens[1] or opens[2]
            closes = re.compile(rf" {{0,3}}{fence[0]}{{{len(fence)},}}[ \t]*")
        yield line
    yield from _prose(prose)


def _prose(lines: list[str]) -> Iterator[str]:
    """Lines between empty ones. Spans of code in them count if all marks of all lines are pairs."""
    if not lines:
        return
    parts = [list(_parts(line)) for line in lines]
    if not all(map(_balanced, parts)):
        yield _inert("\n".join(lines))
        return
    # No text holds this character: it was spelled.
    text = "\n".join("".join("\x00" if is_code else part for part, is_code in one) for one in parts)
    spans = (part for one in parts for part, is_code in one if is_code)
    yield re.sub("\x00", lambda _: next(spans), _inert(text))


def _parts(line: str) -> Iterator[tuple[str, bool]]:
    """A line in parts: text, and spans of code."""
    at, ticks = 0, [] if len(line) > _LINE_MAX else list(_TICKS.finditer(line))
    for number, opens in enumerate(ticks):
        if opens.start() < at or line[: opens.start()].endswith("\\"):
            continue
        closes = next((one for one in ticks[number + 1 :] if one[0] == opens[0]), None)
        # A bar ends a cell of a table, in code too.
        if closes is None or "|" in line[opens.end() : closes.start()].replace("\\|", ""):
            continue
        yield line[at : opens.start()], False
        yield line[opens.start() : closes.end()], True
        at = closes.end()
    yield line[at:], False


def _balanced(parts: list[tuple[str, bool]]) -> bool:
    """Whether all marks of code in a line are pairs, and no formula might be read before them."""
    return not any("`" in part or "$" in part for part, is_code in parts if not is_code)


def _inert(text: str) -> str:
    return _OBEYED.sub(_with_backslash, _without_targets(text, _ANY))


def _with_backslash(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2][:-1]}\\{found[2][-1]}"
