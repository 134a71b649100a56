"""JSON as models write it: with a comma too many, comments, typographic quotes, Python's words.

What is strictly JSON is read as that. Else slips are mended that leave one reading; what could be read in two ways is
refused, with what is wrong.
"""

import json
import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from wainwright.domain.text import clean_within

if TYPE_CHECKING:  # the server reads its first message before it loads any of this
    from pydantic import JsonValue

_BEGINS = re.compile(r"[ \t\r\n]*[\[{]")
_TYPOGRAPHIC = "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{DOUBLE LOW-9 QUOTATION MARK}"
_COMMENT = re.compile(r"//[^\n]*|#[^\n]*|/\*.*?\*/", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")
_PYTHONS = {"True": "true", "False": "false", "None": "null"}
_ENDS_A_STRING = re.compile(r"\s*(?:[,:}\]]|$)")
_RAW = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def read_json(text: str, start: int = 0, *, exact: bool = False) -> "tuple[JsonValue, int]":
    """The object or list that begins at ``start``, and where it ends. Raises ValueError, or RecursionError.

    Half a character is replaced; where it has to be ``exact``, since something is done with it, it is refused.
    """
    begins = _BEGINS.match(text, start)
    if begins is None:
        raise ValueError("it begins with neither { nor [")
    at = begins.end() - 1
    try:
        value, end = _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        mended, end = _mended(text, at)
        if mended == text[at:end]:
            raise ValueError(str(error)) from error
        value = _DECODER.decode(mended)
    cleaned = clean_within(value)
    if exact and cleaned != value:
        raise ValueError("half a character stands in it")
    return cleaned, end


def once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """An object of these keys and values. Raises ValueError for a key with two values: no one of them is meant."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found and found[key] != value:
            raise ValueError(f'"{key}" stands twice in one object')
        found[key] = value
    return found


def refuse(constant: str) -> NoReturn:
    """For a decoder's ``parse_constant``. Raises ValueError: not a number, and infinite ones, are not JSON."""
    raise ValueError(f"{constant} is not JSON")


def finite(number: str) -> float:
    """For a decoder's ``parse_float``. Raises ValueError for what is larger than any number."""
    if not math.isfinite(value := float(number)):
        refuse(number)
    return value


_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=once, parse_constant=refuse, parse_float=finite)


def _mended(text: str, at: int) -> tuple[str, int]:
    """What begins at ``at`` with its slips mended, and where it ends. Raises ValueError when it has no end."""
    written: list[str] = []
    depth = 0
    while at < len(text):
        char = text[at]
        if char == '"' or char in _TYPOGRAPHIC:
            string, at = _string(text, at)
            written.append(string)
            continue
        if comment := _COMMENT.match(text, at):
            at = comment.end()
            continue
        if word := _WORD.match(text, at):
            written.append(_PYTHONS.get(word[0], word[0]))
            at = word.end()
            continue
        at += 1
        if char in "}]":
            _drop_comma(written)
        written.append(char)
        depth += (char in "{[") - (char in "}]")
        if depth == 0:
            return "".join(written), at
    raise ValueError("it has no end")


def _drop_comma(written: list[str]) -> None:
    """Take away a comma that nothing follows; two of them stay, and are an error."""
    last = next((n for n in range(len(written) - 1, -1, -1) if not written[n].isspace()), None)
    if last is not None and written[last] == ",":
        del written[last]


def _string(text: str, at: int) -> tuple[str, int]:
    """A string with straight quotes, and where it ends."""
    typographic = text[at] in _TYPOGRAPHIC
    written = ['"']
    at += 1
    while at < len(text):
        char = text[at]
        at += 1
        if char == "\\" and at < len(text):
            following = text[at]
            at += 1
            # A backslash that escapes nothing is one of a regular expression or of a path.
            known = following in '"\\/bfnrtu'
            written.append(char + following if known else "'" if following == "'" else "\\\\" + following)
        elif char == '"' and not typographic:
            return "".join((*written, '"')), at
        elif typographic and (char == '"' or char in _TYPOGRAPHIC):
            if _ENDS_A_STRING.match(text, at):
                return "".join((*written, '"')), at
            written.append('\\"' if char == '"' else char)
        else:
            written.append(_RAW.get(char, char))
    raise ValueError("a string in it has no end")
