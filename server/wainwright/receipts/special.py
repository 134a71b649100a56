"""Code that answers a test with the test's own words: what it is asked, and what it is to say, as literals."""

import re
from collections.abc import Collection, Iterator

from wainwright.receipts.detect import holds_tests
from wainwright.receipts.protocol import Project

READ_MAX = 300
"""Files of tests that are read."""
NAMED_MAX = 3
"""Places named in one sentence."""

_LITERAL = r"""-?\d[\d_]*(?:\.\d+)?|"[^"\n]*"|'[^'\n]*'"""
_ASKED = re.compile(rf"(?:===?|\bcase|\bis|\.equals\()\s*\(?({_LITERAL})")
_SAID = re.compile(rf"(?:\breturn\b|=>|->)\s*\(?({_LITERAL})\)?\s*[;,]?\s*$")
_ORDINARY = re.compile(r"-?[01]?|-?[01]?\.0+|.{0,1}")
"""What is compared with and returned everywhere: nothing, 0, 1, a single letter."""


def special_cases(path: str, text: str, old: str, now: Project) -> Iterator[str]:
    """What a file of code answers with a literal when it is asked what a test asks, and did not on the base."""
    if holds_tests(path):
        return
    pairs = list(_answers(text, set(map(str.strip, old.splitlines()))))
    lines = list(_lines_of_tests(now)) if pairs else []
    found = [f"line {line}" for line, asked, said in pairs if any(asked | {said} <= one for one in lines)]
    if found:
        more = f" and {len(found) - NAMED_MAX} more" if len(found) > NAMED_MAX else ""
        places = f"{', '.join(found[:NAMED_MAX])}{more}"
        yield f"answers what a test asks with what the test expects, {times(len(found))} ({places})"


def times(number: int) -> str:
    """How often, in words."""
    return "once" if number == 1 else f"{number} times"


def _answers(text: str, before: Collection[str]) -> Iterator[tuple[int, frozenset[str], str]]:
    """Each new line that compares with literals and leads to one, with its number, those, and that."""
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        asked = frozenset(map(_plain, _ASKED.findall(line)))
        if not asked or line.strip() in before or all(map(_ORDINARY.fullmatch, asked)):
            continue
        said = _SAID.search(line) or (_SAID.search(lines[number]) if number < len(lines) else None)
        if said is not None and not _ORDINARY.fullmatch(_plain(said[1])):
            yield number, asked, _plain(said[1])


def _lines_of_tests(now: Project) -> Iterator[frozenset[str]]:
    """The literals of each line of the tests that has two of them or more."""
    for path in sorted(filter(holds_tests, now.files()))[:READ_MAX]:
        for line in (now.text(path) or "").splitlines():
            found = frozenset(map(_plain, re.findall(_LITERAL, line)))
            if len(found) > 1:
                yield found


def _plain(literal: str) -> str:
    return literal[1:-1] if literal[:1] in "\"'" else literal.replace("_", "")
