"""Marks that tell a model what is material and what is said to it: what nobody may forge who only wrote the material.

What files, commands and tools say stands in a fence that is longer than any inside it, so that nothing in it ends it.
What another model wrote stands among our own words, and begins no heading there and leaves no fence open.
"""

import re

_RUN = re.compile(r"`{3,}")
_OPENS = re.compile(r" {0,3}(?:(`{3,})[^`]*|(~{3,}).*)")
_HEADING = re.compile(r" {0,3}#")


def fenced(text: str, language: str = "") -> str:
    """A text in a Markdown fence that is longer than any inside it."""
    longest = max((len(run) for run in _RUN.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def among(text: str) -> str:
    """A model's text for a place among our own words: none of its lines is a heading, and no fence is left open."""
    if "#" not in text and "```" not in text and "~~~" not in text:
        return text
    lines, fence = [], ""
    for line in text.split("\n"):
        outside = not fence
        fence = _after(fence, line)
        lines.append(f"\\{line.lstrip(' ')}" if outside and _HEADING.match(line) else line)
    return "\n".join([*lines, fence] if fence else lines)


def shortened(text: str, limit: int) -> str:
    """The head and tail of a long text, whole lines where it has some; what stood in a fence stands in one still."""
    if len(text) <= limit:
        return text
    half = limit // 2
    head, tail = text[:half], text[-half:]
    head = head[: head.rfind("\n")] if "\n" in head else head
    tail = tail[tail.find("\n") + 1 :] if "\n" in tail.rstrip("\n") else tail
    closed, opened = _open(head), _open(text[: len(text) - len(tail)].removesuffix("\n"))
    left_out = f"[… {len(text) - len(head) - len(tail)} characters left out …]"
    return "\n".join(part for part in (head, closed, left_out, opened, tail) if part)


def _open(text: str) -> str:
    """The fence that a text leaves open."""
    fence = ""
    for line in text.split("\n"):
        fence = _after(fence, line)
    return fence


def _after(fence: str, line: str) -> str:
    """Which fence is open behind a line, where ``fence`` is before it."""
    if fence:
        return "" if re.fullmatch(rf" {{0,3}}{fence[0]}{{{len(fence)},}}[ \t\r]*", line) else fence
    found = _OPENS.fullmatch(line)
    return (found[1] or found[2]) if found else ""
