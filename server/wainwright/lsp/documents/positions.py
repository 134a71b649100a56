r"""Between what the core uses (code-point offsets, paths) and what the protocol uses (positions, URIs).

A line ends with ``\n``, ``\r\n`` or ``\r`` and with nothing else: ``str.splitlines`` also breaks at form feeds and
other characters, which are ordinary text to every editor.
"""

import functools
import os
import re
from bisect import bisect_right
from itertools import accumulate
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from urllib.parse import quote, unquote, urlsplit

from lsprotocol import types

Encoding = types.PositionEncodingKind

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_DRIVE = re.compile(r"^/?([A-Za-z]):(?=/|$)")
# What RFC 3986 lets stand in a path; the colon of a drive is escaped, as VS Code does.
_PATH_SAFE = "/-._~!$&'()*+,;=@"


def split_lines(text: str) -> list[str]:
    """The lines of ``text``, each with its own ending; joining them gives ``text`` again."""
    return _LINE.findall(text)


def _line_starts(text: str) -> list[int]:
    if text.count("\r") == text.count("\r\n"):  # every line ends in \n: the fast way gives the same starts
        lengths = [len(line) + 1 for line in text.split("\n")]
        return [0, *accumulate(lengths[:-1])]
    lines = split_lines(text)
    starts = [0, *accumulate(map(len, lines))]
    return starts if lines and lines[-1][-1] in "\r\n" else starts[:-1]


class TextIndex:
    """Where the lines of one text begin; converts between offsets and positions in one encoding.

    Offsets count code points. Whatever is asked for outside of the text is clamped to it.
    """

    def __init__(self, text: str, encoding: Encoding | str = Encoding.Utf16) -> None:
        self.text = text
        self._encoding = str(getattr(encoding, "value", encoding))
        self._starts = _line_starts(text)

    @property
    def line_count(self) -> int:
        """At least 1: a text that ends with a line ending has an empty last line."""
        return len(self._starts)

    def line_start(self, line: int) -> int:
        """Offset where ``line`` (from 0) begins; the end of the text for lines after the last."""
        return self._starts[line] if line < len(self._starts) else len(self.text)

    def line(self, line: int) -> str:
        """The text of ``line`` without its ending; empty for lines that are not there."""
        if not 0 <= line < len(self._starts):
            return ""
        return self.text[self._starts[line] : self._content_end(line)]

    def _content_end(self, line: int) -> int:
        end = self.line_start(line + 1)
        start = self._starts[line]
        while end > start and self.text[end - 1] in "\r\n":
            end -= 1
        return end

    def position(self, offset: int) -> types.Position:
        """The position of ``offset``."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self._starts, offset) - 1
        end = min(offset, self._content_end(line))
        return types.Position(line, count_units(self.text[self._starts[line] : end], self._encoding))

    def range(self, start: int, end: int) -> types.Range:
        """The range between two offsets."""
        return types.Range(self.position(start), self.position(max(start, end)))

    def offset(self, position: types.Position) -> int:
        """The offset of ``position``; in the middle of a character, the offset before it."""
        if position.line >= len(self._starts):
            return len(self.text)
        start = self._starts[position.line]
        return start + _code_points(self.line(position.line), position.character, self._encoding)

    def offsets(self, between: types.Range) -> tuple[int, int]:
        """The offsets of both ends of a range, in order even when the client mixed them up."""
        start, end = self.offset(between.start), self.offset(between.end)
        return min(start, end), max(start, end)


def count_units(text: str, encoding: Encoding | str) -> int:
    """How many code units ``text`` has in ``encoding``."""
    name = str(getattr(encoding, "value", encoding))
    if name == "utf-32" or text.isascii():
        return len(text)
    if name == "utf-8":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _code_points(line: str, units: int, encoding: str) -> int:
    """How many whole characters of ``line`` fit in ``units`` code units."""
    if encoding == "utf-32" or line.isascii():
        return min(units, len(line))
    if encoding == "utf-8":
        raw = line.encode("utf-8", "surrogatepass")
        cut = min(units, len(raw))
        while cut < len(raw) and raw[cut] & 0xC0 == 0x80:
            cut -= 1
        return len(raw[:cut].decode("utf-8", "surrogatepass"))
    raw = line.encode("utf-16-le", "surrogatepass")
    cut = min(2 * units, len(raw))
    splits_pair = 0 < cut < len(raw) and raw[cut - 1] & 0xFC == 0xD8 and raw[cut + 1] & 0xFC == 0xDC
    return len(raw[: cut - 2 if splits_pair else cut].decode("utf-16-le", "surrogatepass"))


def uri_from_path(path: PurePath | str) -> str:
    """The ``file:`` URI of an absolute path, percent-encoded; a drive letter is written as ``/c%3A/``."""
    pure = PurePath(path) if isinstance(path, str) else path
    text = pure.as_posix()
    if text.startswith("//"):
        host, _, share = text[2:].partition("/")
        return f"file://{quote(host)}/{_quote_path(share)}"
    if isinstance(pure, PureWindowsPath) and (drive := _DRIVE.match(text)):
        text = f"/{drive[1].lower()}:{text[drive.end() :]}"
    return f"file://{_quote_path(text)}"


def _quote_path(path: str) -> str:
    return quote(os.fsencode(path), safe=_PATH_SAFE)


def path_from_uri(uri: str, *, windows: bool = os.name == "nt") -> PurePath | None:
    """The path that a ``file:`` URI names, or None for any other scheme, or for what no file can be called.

    Drive letters become upper case, so that ``file:///c%3A/x`` and ``file:///C:/x`` are one path.
    """
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme.lower() != "file":
        return None
    if not windows and parts.netloc.lower() not in ("", "localhost"):
        return None  # a file of another machine, whatever lies at that path here
    # A path may hold what a URI splits off: only a stray unescaped "?" or "#" of a careless client comes here.
    tail = ("?" + parts.query if parts.query else "") + ("#" + parts.fragment if parts.fragment else "")
    text = unquote(parts.path + tail, errors="surrogateescape")
    if "\0" in text:
        return None
    if not windows:
        return PurePosixPath(text)
    if parts.netloc and parts.netloc != "localhost":
        return PureWindowsPath(f"//{unquote(parts.netloc)}{text}")
    if drive := _DRIVE.match(text):
        text = f"{drive[1].upper()}:{text[drive.end() :] or '/'}"
    return PureWindowsPath(text)


@functools.lru_cache(maxsize=4096)
def local_path(uri: str) -> Path | None:
    """`path_from_uri` for this machine, or None when the URI names no absolute path on it."""
    pure = path_from_uri(uri)
    return Path(pure) if pure is not None and pure.is_absolute() else None
