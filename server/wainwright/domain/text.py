"""Text from outside, made such that it can be written down: of people, editors, file names, programs and models.

Half a surrogate pair is no character: JSON can carry one, an editor may hold one, Python spells undecodable bytes of
a file name or an argument with one, and no encoder takes it. What is kept or sent on has the mark of a character
that could not be read in its place.
"""

import re
import textwrap
from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
DEEPEST = 64
"""Levels of lists and dictionaries in each other that are looked into."""
_PLAIN = frozenset({int, float, bool, type(None)})


def clean(text: str) -> str:
    """``text`` with each half of a surrogate pair that stands alone replaced; both halves make their character."""
    if text.isascii():  # which a text knows of itself
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def clean_within(value: Any, *, levels: int = DEEPEST) -> Any:
    """``value`` with all strings in its dictionaries (keys too), lists and tuples cleaned.

    Raises ValueError for what is nested deeper than ``levels``.
    """
    if isinstance(value, str):
        return clean(value)
    if not isinstance(value, dict | list | tuple):
        return value
    if levels == 0:
        raise ValueError("it is nested too deeply")
    # Most of it is plain, and this is done to all that is stored or sent: a call for each part would be felt.
    if isinstance(value, dict):
        return {
            key if type(key) is str and key.isascii() else clean_within(key): (
                one
                if type(one) in _PLAIN or (type(one) is str and one.isascii())
                else clean_within(one, levels=levels - 1)
            )
            for key, one in value.items()
        }
    return type(value)([clean_within(one, levels=levels - 1) for one in value])


def cut(text: str, limit: int = 10_000) -> str:
    """The head and tail of a long text, with a line between that says how much was left out."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters left out …]\n{text[-half:]}"


def headline(text: str, most: int = 80) -> str:
    """The first line of a text that says something, within ``most`` characters: a longer one is cut between words."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if len(line) <= most:
        return line
    words, space, _ = line[: max(most - 1, 0)].rpartition(" ")
    # A word that takes most of the room is cut itself.
    return (
        f"{words.rstrip(' ,;:')} …" if space and len(words) >= most // 2 else f"{line[: max(most - 1, 0)]}…"
    )


_DEEP = re.compile(r"(?<![\w./-])([\w.@-]+)/(?:[\w.@-]+/){3,}([\w.@-]+)")


def with_short_paths(text: str) -> str:
    """A text whose deep paths are told without their middle: ``src/…/MapKeyTest.kt``."""
    return _DEEP.sub(r"\1/…/\2", text)


def wrapped(text: str, width: int = 72) -> str:
    """Each line that is too long as several; what is indented like code is left alone."""
    return "\n".join(
        textwrap.fill(
            line,
            width,
            subsequent_indent="  " if line.startswith(("- ", "* ")) else "",
            break_long_words=False,
            break_on_hyphens=False,
        )
        if len(line) > width and not line.startswith(("    ", "\t"))
        else line
        for line in text.splitlines()
    )


_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")


def plain(text: str) -> str:
    """``text`` without the escape codes of a terminal."""
    return _ESCAPES.sub("", text) if "\x1b" in text else text
