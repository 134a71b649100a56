"""What a model thought, in a text that should have what it says.

Servers without a parser for thoughts leave them in the text; where the chat template has put the opening tag into the
prompt, the reply begins in their midst. What is drafted in them is not acted on.
"""

import re
from bisect import bisect_right

from wainwright.agents.answers import begins_another, ends

_TAG = r"(?:think(?:ing)?|thought|reasoning)"
_OPENS = rf"(?:<{_TAG}>|\[THINK\]|◁think▷)"
_CLOSES = rf"(?:</{_TAG}>|\[/THINK\]|◁/think▷)"
_OPENS_A_LINE = re.compile(rf"^[ \t]*{_OPENS}", re.MULTILINE)
_CLOSES_A_LINE = re.compile(rf"^[ \t]*{_CLOSES}|{_CLOSES}[ \t]*$", re.MULTILINE)
_BEGINS = re.compile(rf"\s*{_OPENS}")
_CLOSES_ANYWHERE = re.compile(rf"(?<![`\"']){_CLOSES}(?![`\"'])")
_FINAL = re.compile(r"<\|channel\|>final<\|message\|>(.*?)(?:<\|(?:return|end)\|>|\Z)", re.DOTALL)
_MOST = 10
"""Thoughts in one reply; more is text about such tags."""


def without_thoughts(text: str) -> str:
    """What a reply says once it was thought. A tag that a block or a code fence shows is no tag."""
    if final := list(_FINAL.finditer(text)):
        return final[-1][1]
    for _ in range(_MOST):
        # Where the thoughts are known to have begun, they may end in mid-line.
        pattern = _CLOSES_ANYWHERE if _BEGINS.match(text) else _CLOSES_A_LINE
        found = list(pattern.finditer(text))
        shown = _Shown(text) if found else None
        closed = next((one for one in found if shown and not shown.around(one)), None)
        if closed is None:
            break
        opened = _OPENS_A_LINE.search(text, 0, closed.start())
        before = text[: opened.start()] if opened else ""
        text = (before if before.strip() else "") + text[closed.end() :].lstrip()
    return "" if _BEGINS.match(text) else text


class _Shown:
    """The blocks and code fences of a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._spans: list[tuple[int, int, int]] = []
        """First and last line of each that has an end, and the last line within that begins another."""
        lines = text.split("\n")
        at = 0
        while at < len(lines):
            end = ends(lines, at)
            if end is not None and end < len(lines):
                within = [n for n in range(at + 1, end) if begins_another(lines[at], lines[n])]
                self._spans.append((at, end, within[-1] if within else -1))
            at = at + 1 if end is None else end + 1

    def around(self, tag: re.Match[str]) -> bool:
        """Whether one of them is around a tag.

        A draft that was never ended is not around what follows it: another begins before the end.
        """
        line = self._text.count("\n", 0, tag.start())
        at = bisect_right(self._spans, line, key=lambda span: span[0]) - 1
        if at < 0:
            return False
        _, last, another = self._spans[at]
        behind = self._text[tag.end() : self._text.find("\n", tag.end())].strip()
        return line <= last and another <= line and not begins_another("", behind)
