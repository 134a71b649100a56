"""What a TODO asks for: all lines of its comment, without the marks around them."""

import re

TODO = re.compile(r"\b(?:TODO|FIXME)\b(?:\([^)]*\))?:?[ \t]*")
_MARKS = re.compile(r"^[ \t]*(?://+!?|#+|--+|;+|%+|/\*+|\*+(?!/)|<!--|\{#|\"\"\"|''')?[ \t]?")
_ENDS = re.compile(r"[ \t]*(?:\*/|-->|#\}|--\}\}|\*\)|\"\"\"|''')[ \t]*$")
LINES_MAX = 40
"""Lines of one TODO that are read."""


def todo(lines: list[str], at: int) -> str:
    """What the TODO asks for that a line belongs to, with all lines of its comment; empty: there is none.

    Its comment goes on as long as lines begin with the same mark at the same place and say something, and no other
    TODO begins.
    """
    for begins in range(min(at, len(lines) - 1), max(-1, at - LINES_MAX), -1):
        if TODO.search(lines[begins]):
            said = _said(lines, begins)
            return ("\n".join(said).strip() or lines[begins].strip()) if at < begins + len(said) else ""
        if not lines[begins].strip():
            break
    return ""


def _said(lines: list[str], at: int) -> list[str]:
    """The lines of the TODO that begins on a line."""
    found = TODO.search(lines[at])
    assert found is not None
    begins = lines[at][: found.start()]
    said = [_ENDS.sub("", lines[at][found.end() :]).strip()]
    if not _ENDS.search(lines[at]) and _alone(begins):
        for line in lines[at + 1 : at + LINES_MAX]:
            if not _goes_on(begins, line):
                break
            said.append(_MARKS.sub("", _ENDS.sub("", line)).rstrip())
            if _ENDS.search(line):
                break
    return said


def _alone(begins: str) -> bool:
    """Whether nothing but the mark of a comment stands before the TODO."""
    return not _MARKS.sub("", begins).strip(" \t*")


def _goes_on(begins: str, line: str) -> bool:
    mark = begins.strip()
    text = line.strip()
    if not text or TODO.search(line):
        return False
    if mark in ("/*", "/**", "<!--", "{#", "*", '"""', "'''", ""):
        # A block: it goes on to its end, and is told by its marks alone.
        return mark != "" and text not in ("*/", "-->", "#}")
    indent = len(begins) - len(begins.lstrip())
    same = line[:indent].strip() == "" and line[indent:].startswith(mark)
    return same and bool(line[indent + len(mark) :].strip())
