"""Of a long file what somebody's words speak of: whole functions where they name them, else the lines around."""

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from wainwright.workspace.index import IndexedTree
from wainwright.workspace.native.ranking import role_of
from wainwright.workspace.pages import Pages

FUNCTION_LINES = 40
"""A function with more lines is shown in part, unless it is named."""
NAMED_LINES = 80
"""Also of one that is named no more lines are shown."""
NEAR = 6
"""Lines so near to each other are one place."""
_GROWS_AT_ITS_TOP = re.compile(r"(change|history|news|release)", re.IGNORECASE)
_CODE = frozenset({"function", "method", "constructor"})


def named(words: str) -> set[str]:
    """The names in a text: in backticks, or written as only code is."""
    return {*re.findall(r"`([^`\s]{3,})`", words), *re.findall(r"\b\w*[a-z0-9](?:_|[A-Z])\w+", words)}


def excerpt(
    pages: Pages, indexed: IndexedTree, path: str, words: str, names: Collection[str], room: int
) -> None:
    """Show the parts of a file that words and names speak of, the best first, within ``room`` characters.

    Of tests also how the file ends, where new ones go, and how it begins; of a change log where it grows.
    """
    lines, before = pages.read(path).split("\n"), pages.room
    outline = indexed.outline(path) or ()
    functions = [one for one in outline if one.kind in _CODE]
    last = {name.rpartition(".")[2] for name in names}

    def take(first: int, end: int) -> bool:
        return pages.take(path, range(first, end + 1), most=room - (before - pages.room))

    for one in sorted(outline, key=lambda one: one.end_line - one.start_line):
        if one.name in last and one.end_line - one.start_line < NAMED_LINES:
            take(one.start_line, one.end_line)
    places = spoken(lines, words, names)
    tests = role_of(path) == "test"
    if tests:
        places.insert(1, len(lines))
    elif _GROWS_AT_ITS_TOP.match(PurePosixPath(path).name):
        places = [1]
    for at in places:
        around = [o for o in functions if o.start_line <= at <= o.end_line < o.start_line + FUNCTION_LINES]
        inner = max(around, key=lambda one: one.start_line, default=None)
        if not (inner and take(inner.start_line, inner.end_line)) and not take(at - NEAR, at + NEAR):
            break
    if tests:
        take(1, 10)


def spoken(lines: Sequence[str], words: str, names: Collection[str]) -> list[int]:
    """The lines around which most is said of what these words and names say, the best first, none near another.

    What stands in few lines says more of a place than what stands in many, and a name more than a word.
    """
    low = [line.lower() for line in lines]
    said = {name.lower(): 3.0 for name in names}
    for word in re.findall(r"[^\W_]{4,}", words.lower()):
        said.setdefault(word, 0.5)
    worth: defaultdict[int, float] = defaultdict(float)
    for word, weight in said.items():
        hits = [at for at, line in enumerate(low, start=1) if word in line]
        for near in {at + beside for at in hits for beside in range(-NEAR // 2, NEAR // 2 + 1)}:
            worth[near] += weight / len(hits)
    best = max(worth.values(), default=0.0)
    chosen: list[int] = []
    for at in sorted(worth, key=lambda at: (-worth[at], at)):
        if worth[at] * 2 < best:
            break
        if 1 <= at <= len(lines) and all(abs(at - other) > NEAR for other in chosen):
            chosen.append(at)
    return chosen
