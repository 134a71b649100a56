"""Of a long file what somebody's words speak of: whole functions where they name them, else the lines around."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import PurePosixPath

from wainwright.workspace.index import IndexedTree
from wainwright.workspace.native import Symbol
from wainwright.workspace.native.ranking import role_of
from wainwright.workspace.pages import Pages

FUNCTION_LINES = 40
"""A function with more lines is shown in part, unless it is named."""
NAMED_LINES = 80
"""Also of one that is named no more lines are shown."""
NEAR = 6
"""Lines so near to each other are one place."""
_GROWS_AT_ITS_TOP = re.compile(r"(change|history|news|release)", re.IGNORECASE)
_PLACE = re.compile(
    r"(?P<path>[\w./-]*\w\.\w+)(?::(?P<at>\d+)(?:[-\u2013](?P<to>\d+))?)?"
    r"|\blines?\s+(?P<first>\d+)(?:\s*(?:to|through|-|\u2013)\s*(?P<last>\d+))?"
)
_CODE = frozenset({"function", "method", "constructor"})


def named(words: str) -> set[str]:
    """The names in a text: in backticks, or written as only code is."""
    return {*re.findall(r"`([^`\s]{3,})`", words), *re.findall(r"\b\w*[a-z0-9](?:_|[A-Z])\w+", words)}


def places(words: str, path: str, files: Collection[str]) -> list[tuple[int, int]]:
    """The lines of a file that words name, first and last, in their order: ``path:12-20``, or ``lines 12 to 20``.

    Lines without a file are of the one of these ``files`` that was named before them.
    """
    known = {*files, *(PurePosixPath(file).name for file in files)}
    found, about = list[tuple[int, int]](), ""
    for one in _PLACE.finditer(words):
        about = one["path"] if one["path"] in known else about
        first, last = one["at"] or one["first"], one["to"] or one["last"]
        if first and about and (one["path"] or about) == about and f"/{path}".endswith(f"/{about}"):
            found.append((int(first), max(int(first), int(last or first))))
    return found


def excerpt(
    pages: Pages, indexed: IndexedTree, path: str, words: str, names: Collection[str], room: int
) -> None:
    """Show the parts of a file that words and names speak of, the best first, within ``room`` characters.

    Lines that the words name come before all others. Of tests also how the file ends, where new ones go, and how it
    begins; of a change log where it grows.
    """
    lines, before = pages.read(path).split("\n"), pages.room
    outline = indexed.outline(path) or ()
    functions = [one for one in outline if one.kind in _CODE]

    def take(first: int, end: int) -> bool:
        return pages.take(path, range(first, end + 1), most=room - (before - pages.room))

    def take_around(first: int, end: int) -> bool:
        return any(take(*one) for one in _around(functions, first, end))

    for first, end in places(words, path, [one.path for one in indexed.index.files()]):
        take_around(first, min(end, first + NAMED_LINES))
    for one in _of_name(outline, names):
        take(one.start_line, one.end_line)
    best = spoken(lines, words, names)
    tests = role_of(path) == "test"
    if tests:
        best.insert(1, len(lines))
    elif _GROWS_AT_ITS_TOP.match(PurePosixPath(path).name):
        best = [1]
    for at in best:
        if not take_around(at, at):
            break
    if tests:
        take(1, 10)


def _of_name(outline: Sequence[Symbol], names: Collection[str]) -> list[Symbol]:
    """What is named of a file and not too long, the smallest first."""
    last = {name.rpartition(".")[2] for name in names}
    found = [one for one in outline if one.name in last and one.end_line - one.start_line < NAMED_LINES]
    return sorted(found, key=lambda one: one.end_line - one.start_line)


def _around(functions: Sequence[Symbol], first: int, last: int) -> Iterator[tuple[int, int]]:
    """What may be shown of a place: the innermost function around it that is short enough, else the lines near."""
    around = [one for one in functions if one.start_line <= first and last <= one.end_line]
    short = [one for one in around if one.end_line - one.start_line < FUNCTION_LINES]
    inner = max(short, key=lambda one: one.start_line, default=None)
    if inner is not None:
        yield inner.start_line, inner.end_line
    yield first - NEAR, last + NEAR


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
