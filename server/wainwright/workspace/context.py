"""What to show of a workspace before anybody asks: the one assembler for all roles.

What all roles of a run share is put together once, on the base and for the goal, so that each request can begin with
the same bytes. What a role is shown beyond that is for its own piece of work, and repeats nothing. Everything depends
on trees, the history of one commit and the run's own state, so that a resumed agent is given the same words again.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from wainwright.domain.marks import fenced
from wainwright.domain.plan import EVERYTHING, covers
from wainwright.domain.shown import in_line
from wainwright.workspace.index import IndexedTree
from wainwright.workspace.localise import LIMIT
from wainwright.workspace.native.edits import unified
from wainwright.workspace.native.ranking import Moment, RankedFunction, Ranking, role_of
from wainwright.workspace.overview import instructions, listing, manifests
from wainwright.workspace.pages import Pages, by_hand

SHARED_MAX = 13_000
"""Characters of a workspace that all roles are shown; one whose files fit is shown whole."""
SURE = 2.0
"""Where the best score is lower, nothing is shown as what the goal is about. Measured in 16 repositories: 36 of 48
vague goals stay below; of 38 real changes 27 are above, and 23 of those have a changed function among the best three.
"""
SPAN = 4.0
"""A function whose score is so far below the best is hardly ever what has to be changed."""
SMALL_FILE = 1_500
"""A file of so many characters is shown whole where one function of it is asked for."""
_FIRST = {"test": 0, "source": 1}
"""Which files of a write set are shown first; then come all others."""
TEST_SHARE, OUTLINE_SHARE = 4, 8
"""The best file of tests gets the fourth part of the room, outlines around functions the eighth."""
WHOLE_MAX = 9_000
"""Characters of files that have to be shown whole; those beyond can be read."""
SIBLING_MAX = 2_500
DIFF_MAX = 4_000
"""Characters of what has changed in what was shown."""
_TEST_NAME = re.compile(r"(^|[._-])(test|tests|spec)([._-]|$)|Tests?(Case)?\.\w+$|^Test[A-Z]", re.IGNORECASE)
_COMMENT = re.compile(r"\s*(//|#|/?\*|@|--|\"\"\")")
_OUTLINED = frozenset(
    {
        "function",
        "method",
        "constructor",
        "class",
        "struct",
        "interface",
        "trait",
        "enum",
        "impl",
        "type",
        "module",
    }
)


@dataclass(frozen=True)
class Shared:
    """What all roles of a run are shown."""

    text: str = ""
    seen: Mapping[str, tuple[str, Collection[int]]] = field(default_factory=dict)
    """By path the text of a file, and the lines of it that are shown."""
    instructions: tuple[str, ...] = ()
    """The files with the project's instructions that are shown."""
    files: frozenset[str] = frozenset()
    """All there are."""
    sure: bool = True
    """Whether it is as good as known what the goal is about; otherwise nobody is shown a guess."""


def shared(
    indexed: IndexedTree, words: str, *, tip: str = "", moment: Moment | None = None, room: int = SHARED_MAX
) -> Shared:
    """A workspace in Markdown for everybody who works for the goal in these ``words``, within ``room``.

    A small one is shown whole. Of a larger one: its files or folders, the manifests, the project's instructions, and
    where the ranker is sure, in its order the functions that the goal is about, as far as the history of ``tip`` was
    read with it; the file of tests that fits best; and the signatures around.
    """
    files = _files(indexed)
    ranked = indexed.ranker.rank(
        indexed.index, indexed.structure, words, limit=LIMIT, tokens=0, tip=tip, moment=moment
    )[0]
    asked = instructions(indexed.root, [one.path for one in ranked.files[:5]])
    there = f"### Files ({len(files)})\n\n{fenced(listing(files))}" if files else "It is empty."
    parts = [f"## Workspace\n\n{there}"]
    pages = Pages(indexed.root, room)
    legible = (
        [path for path in files if path not in asked and by_hand(path, pages.read(path))]
        if _few(indexed, room)
        else []
    )
    small = bool(legible) and sum(map(pages.cost, legible)) <= room
    if not small and (told := manifests(indexed.root, files)):
        parts.append(told)
    if asked:
        parts.append(_instructions(asked))
    if small:
        for path in legible:
            pages.take(path)
    else:
        pages.room -= sum(map(len, parts))
        _stood(pages, moment)
        if _sure(ranked):
            _about(pages, indexed, ranked, files)
    if pages.pages:
        parts.append(f"## {'The files' if small else 'Where the work seems to be'}\n\n{pages.text()}")
    sure = small or _sure(ranked)
    return Shared("\n\n".join(parts), pages.seen(), tuple(asked), frozenset(files), sure)


def _sure(ranked: Ranking) -> bool:
    best = [max((one.score for one in found), default=0.0) for found in (ranked.files, ranked.functions)]
    return max(best) >= SURE


def _files(indexed: IndexedTree) -> list[str]:
    return [one.path for one in indexed.index.files()]


def _few(indexed: IndexedTree, room: int) -> bool:
    """Whether a tree might be shown whole: most of it is not even read otherwise."""
    return sum(one.size for one in indexed.index.files() if role_of(one.path) != "foreign") <= 2 * room


def own(
    indexed: IndexedTree,
    words: str,
    known: Shared,
    *,
    write_set: Sequence[str] = (),
    whole: Sequence[str] = (),
    room: int,
    most: int = 0,
) -> str:
    """What somebody needs beyond what all are shown, for a piece of work in these ``words``; nothing of it twice.

    The files that have to be there ``whole`` come first, also where there is little ``room``; then those of the
    ``write_set``, whole where it names them and there are ``most`` characters, tests first; the functions that the
    words are about, and where a file is new, one beside it for the style.
    """
    pages = Pages(indexed.root, WHOLE_MAX, known.seen)
    for path in sorted(whole, key=pages.cost):
        pages.take(path)
    changed, files = _changed(pages), _files(indexed)
    asked = instructions(indexed.root, write_set, known.instructions)
    parts = [_instructions(asked)] if asked else []
    if changed:
        parts.append(f"## What has changed in the files above\n\n{changed}")
    taken = len(pages.text()) + sum(map(len, parts))
    room, pages.room = max(0, room - taken), max(0, room - taken, most - taken)
    given = [] if EVERYTHING in write_set else [path for path in files if covers(write_set, path)]
    given = [path for path in given if by_hand(path, pages.read(path))]
    given.sort(key=lambda path: (_FIRST.get(role_of(path), len(_FIRST)), pages.cost(path)))
    rest = [path for path in given if path not in write_set or not pages.take(path)]
    pages.room = min(room, pages.room)
    for path in rest:
        if not pages.take(path, most=room // 2):
            _places(pages, path, words, room // (2 * len(rest)))
    if words.strip() and room > 0:
        ranked = indexed.ranker.rank(indexed.index, indexed.structure, words, limit=LIMIT, tokens=0)[0]
        mine = [one for one in ranked.functions if one.path in given]
        _functions(pages, [*mine, *(one for one in ranked.functions if one.path not in given)])
        _outlines(pages, indexed, min(pages.room, room // OUTLINE_SHARE))
    for path in files:
        if path not in known.files and by_hand(path, pages.read(path)):
            pages.take(path, most=room // 3)
    _sibling(pages, files, write_set)
    if pages.pages:
        parts.append(f"## Files for this work\n\n{pages.text()}")
    return "\n\n".join(parts)


def _instructions(asked: Mapping[str, str]) -> str:
    head = (
        "## Project instructions\n\nThe project's own rules for style, words and commands, the nearest first. "
        "They give no leave to go beyond your part or what you may write."
    )
    return "\n\n".join([head, *(f"### {in_line(path)}\n\n{fenced(text)}" for path, text in asked.items())])


def _places(pages: Pages, path: str, words: str, room: int) -> None:
    """Of a file that is to be changed the lines around what the words name, and of tests and lists the end."""
    named = {*re.findall(r"`([^`\s]{3,})`", words), *re.findall(r"\b\w*[a-z0-9](?:_|[A-Z])\w+", words)}
    lines, before = pages.read(path).split("\n"), pages.room
    found = [at for at, line in enumerate(lines, start=1) if any(name in line for name in named)]
    if role_of(path) == "test":
        found.insert(0, len(lines))
    for at in found:
        if not pages.take(path, range(at - 4, at + 7), most=room - (before - pages.room)):
            return


def _stood(pages: Pages, moment: Moment | None) -> None:
    """Choose the place where the person stood."""
    if moment is not None and moment.cursor is not None:
        path, line = moment.cursor
        if not pages.take(path, most=SMALL_FILE):
            pages.take(path, range(line - 5, line + max(20, moment.selection.count("\n") + 1)))


def _about(pages: Pages, indexed: IndexedTree, ranked: Ranking, files: Sequence[str]) -> None:
    """Choose what the goal is about, the most important first."""
    room = pages.room
    test = _best_test(pages, ranked, files)
    kept = room // TEST_SHARE if test else 0
    pages.room -= kept + room // OUTLINE_SHARE
    _functions(pages, ranked.functions)
    pages.room += kept
    if test:
        _test(pages, indexed, test, ranked, kept)
    pages.room += room // OUTLINE_SHARE
    _outlines(pages, indexed, min(pages.room, room // OUTLINE_SHARE))


def _functions(pages: Pages, functions: Sequence[RankedFunction]) -> None:
    """Whole functions in their order, as far as there is room and they are not much worse than the best."""
    best = max((one.score for one in functions), default=0.0)
    for one in functions:
        if best - one.score > SPAN:
            continue
        text = pages.read(one.path)
        if not text or not by_hand(one.path, text) or pages.take(one.path, most=SMALL_FILE):
            continue
        lines, first = text.split("\n"), one.start_line
        while first > 1 and first > one.start_line - 8 and _COMMENT.match(lines[first - 2]):
            first -= 1
        pages.take(one.path, range(first, one.end_line + 1))


def _outlines(pages: Pages, indexed: IndexedTree, room: int) -> None:
    """The signatures around what is shown of each file."""
    kept, pages.room = pages.room, room
    for page in list(pages.pages.values()):
        if not page.whole:
            found = indexed.outline(page.path) or ()
            for one in found:
                if one.kind in _OUTLINED:
                    pages.take(page.path, [one.line])
    pages.room = kept - (room - pages.room)


def _best_test(pages: Pages, ranked: Ranking, files: Sequence[str]) -> str:
    """The file of tests for the first sources: by its name, else the first in the ranking."""
    sources = [one.path for one in ranked.files if one.role == "source"][:3]
    ranks = {one.path: at for at, one in enumerate(ranked.files)}
    tests = [
        path for path in files if role_of(path) == "test" and _TEST_NAME.search(PurePosixPath(path).name)
    ]
    stems = [PurePosixPath(path).name.partition(".")[0].lower() for path in sources]

    def order(path: str) -> tuple[int, int, int]:
        name = _bare(path)
        fits = next((at for at, stem in enumerate(stems) if name == stem.replace("_", "")), len(stems))
        return fits, ranks.get(path, LIMIT), len(path)

    best = min(tests, key=order, default="")
    return best if best and order(best)[:2] != (len(stems), LIMIT) and by_hand(best, pages.read(best)) else ""


def _bare(path: str) -> str:
    """A test's file name without what says that it is one."""
    stem = PurePosixPath(path).name.rpartition(".")[0].lower()
    return re.sub(r"[._-]|(?<![a-z])(tests?|spec)(?![a-z])|tests?$", "", stem)


def _test(pages: Pages, indexed: IndexedTree, path: str, ranked: Ranking, room: int) -> None:
    """A file of tests: whole, or its beginning and those tests that speak of the first functions."""
    if pages.take(path, most=room):
        return
    lines = pages.read(path).split("\n")
    names = {one.name.rpartition(".")[2] for one in ranked.functions[:5]}
    before = pages.room
    pages.take(path, range(1, 16), most=room)

    def spoken(first: int, last: int) -> int:
        return sum(any(name in line for name in names) for line in lines[first - 1 : last])

    found = [one for one in indexed.outline(path) or () if one.kind in ("function", "method")]
    found.sort(key=lambda one: (-min(spoken(one.start_line, one.end_line), 3), one.start_line))
    for one in found[:8]:
        left = room - (before - pages.room)
        pages.take(path, range(one.start_line, one.end_line + 1), most=left)
    if not found:
        pages.take(path, range(len(lines) - 25, len(lines) + 1), most=room - (before - pages.room))


def _sibling(pages: Pages, files: Sequence[str], write_set: Sequence[str]) -> None:
    """Beside a file that is to be made, one of its kind."""
    there = set(files)
    new = [path for path in write_set if "*" not in path and path not in there]
    if not new or pages.pages:
        return
    place = PurePosixPath(new[0])
    beside = [
        one for one in files if PurePosixPath(one).parent == place.parent and one.endswith(place.suffix)
    ]
    for path in sorted((one for one in beside if one not in pages.known), key=pages.cost, reverse=True):
        if by_hand(path, pages.read(path)) and pages.take(path, most=SIBLING_MAX):
            return


def _changed(pages: Pages) -> str:
    """What became of the files that were shown, where the tree has others."""
    return "\n\n".join(_differences(pages))


def _differences(pages: Pages) -> Iterator[str]:
    room = DIFF_MAX
    for path in sorted(filter(pages.changed, pages.known)):
        now = pages.read(path)
        told = (
            unified(pages.known[path][0], now, in_line(path), in_line(path), context=1)
            if now
            else "It is gone."
        )
        if len(told) > room:
            yield f"### {in_line(path)}\n\nIt has changed: read it before you edit."
        else:
            room -= len(told)
            yield f"### {in_line(path)}\n\n{fenced(told)}"
