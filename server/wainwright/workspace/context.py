"""What to show of a workspace before anybody asks: the one assembler for all roles.

What all roles of a run share is put together once, on the base and for the goal, so that each request can begin with
the same bytes. What a role is shown beyond that is for its own piece of work, and repeats nothing. Everything depends
on trees, the history of one commit and the run's own state, so that a resumed agent is given the same words again.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice
from pathlib import PurePosixPath

from wainwright.domain.marks import fenced
from wainwright.domain.plan import EVERYTHING, covers
from wainwright.domain.shown import in_line
from wainwright.workspace.excerpts import excerpt, named
from wainwright.workspace.index import IndexedTree
from wainwright.workspace.localise import LIMIT
from wainwright.workspace.native import FileEntry
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
FIRM = 4.0
"""Where it is lower than this, only names are shown. Measured on 150 real changes in six repositories: from here on a
changed function is among the best three in 62 of 85, below in 15 of 38, so that whole functions would mislead.
"""
GUESSES_MAX, GUESSES_CHARACTERS = 12, 1_800
"""Functions that are named where it is not known which of them the goal is about, and characters of the list."""
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
SHARE = 2_000
"""So many characters each file that is to be changed keeps, before another one is shown whole; a file of acceptance
tests that cannot be shown whole has no more.
"""
SIBLING_MAX = 2_500
DIFF_MAX = 4_000
"""Characters of what has changed in what was shown."""
_DOUBTED = (
    "## Where the work may be\n\nFound by the words alone: it may be here, and as well in another place. "
    "The best comes first, with what speaks for it, and lines where functions begin. Open what you need."
)
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
    entries = indexed.index.files()
    files = [one.path for one in entries]
    ranked = indexed.ranker.rank(
        indexed.index, indexed.structure, words, limit=LIMIT, tokens=0, tip=tip, moment=moment
    )[0]
    firm = _best(ranked) >= FIRM
    asked = instructions(indexed.root, [one.path for one in ranked.files[:5]])
    told = fenced(listing(files, named=not firm))
    there = f"### Files ({len(files)})\n\n{told}" if files else "It is empty."
    parts = [f"## Workspace\n\n{there}"]
    pages = Pages(indexed.root, room)
    legible = (
        [path for path in files if path not in asked and by_hand(path, pages.read(path))]
        if _few(entries, room)
        else []
    )
    small = bool(legible) and sum(map(pages.cost, legible)) <= room
    pages.known = {path: every for path, text in asked.items() if (every := _every_line(pages, path, text))}
    if not small:
        told, found = manifests(indexed.root, files)
        parts += [told] if told else []
        pages.known |= {path: (pages.read(path), frozenset(page.chosen)) for path, page in found.items()}
    if asked:
        parts.append(_instructions(asked))
    if small:
        for path in legible:
            pages.take(path)
    else:
        pages.room -= sum(map(len, parts))
        _stood(pages, moment)
        if firm:
            _about(pages, indexed, ranked, files, words)
    if pages.pages:
        parts.append(f"## {_title(small=small, firm=firm)}\n\n{pages.text()}")
    sure = small or _best(ranked) >= SURE
    if sure and not (small or firm):
        parts.append(_guesses(ranked))
    return Shared("\n\n".join(parts), pages.seen(), tuple(asked), frozenset(files), sure)


def _every_line(pages: Pages, path: str, shown: str) -> tuple[str, Collection[int]] | None:
    """A file with all of its lines, where these are what is ``shown`` of it."""
    text = pages.read(path)
    return (text, range(1, text.count("\n") + 2)) if text.strip() == shown else None


def _title(*, small: bool, firm: bool) -> str:
    if small:
        return "The files"
    return "Where the work seems to be" if firm else "Where the person stood"


def _best(ranked: Ranking) -> float:
    """How well the best of what was found fits the words."""
    return max((one.score for found in (ranked.files, ranked.functions) for one in found), default=0.0)


def _guesses(ranked: Ranking) -> str:
    """Names of what words may be about, where nothing of it fits well enough to be shown."""
    sources = [one for one in ranked.files if one.role == "source"]
    best = max((one.score for one in sources), default=0.0)
    found: dict[str, list[RankedFunction]] = {one.path: [] for one in sources if best - one.score <= SPAN}
    for one in ranked.functions[:GUESSES_MAX]:
        if one.path in found:
            found[one.path].append(one)
    why = {one.path: ", ".join(one.why[:2]) for one in ranked.files}
    rows: list[str] = []
    for path, functions in islice(found.items(), GUESSES_MAX):
        rows.append(f"{path} ({why[path]})" if why.get(path) else path)
        rows += [f"  {one.start_line}: {one.name}" for one in functions]
    counted = accumulate(len(row) + 1 for row in rows)
    kept = [in_line(row) for row, count in zip(rows, counted, strict=True) if count <= GUESSES_CHARACTERS]
    told = "\n".join(kept)
    return f"{_DOUBTED}\n\n{fenced(told)}" if kept else ""


def _few(files: Iterable[FileEntry], room: int) -> bool:
    """Whether a tree might be shown whole: most of it is not even read otherwise."""
    size = 0
    for one in files:
        if role_of(one.path) != "foreign":
            size += one.size
            if size > 2 * room:
                return False
    return True


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

    The files that have to be there ``whole`` come first, also where there is little ``room``, and in part where
    ``most`` characters are not enough; then those of the ``write_set``, whole where it names them and there are so
    many, tests first; the functions that the words are about, and where a file is new, one beside it for the style.
    """
    pages = Pages(indexed.root, WHOLE_MAX, known.seen)
    files = [one.path for one in indexed.index.files()]
    asked = instructions(indexed.root, write_set, known.instructions)
    parts = [_instructions(asked)] if asked else []
    if changed := _changed(pages):
        parts.append(f"## What has changed in the files above\n\n{changed}")
    pages.room = min(WHOLE_MAX, max(0, most - sum(map(len, parts)))) if most else WHOLE_MAX
    for path in sorted(whole, key=pages.cost):
        if not pages.take(path):
            excerpt(pages, indexed, path, words, named(words), min(pages.room, SHARE))
    taken = len(pages.text()) + sum(map(len, parts))
    room, pages.room = max(0, room - taken), max(0, room - taken, most - taken)
    given = [] if EVERYTHING in write_set else [path for path in files if covers(write_set, path)]
    given = [path for path in given if by_hand(path, pages.read(path))]
    given.sort(key=lambda path: (_FIRST.get(role_of(path), len(_FIRST)), pages.cost(path)))
    _given(pages, indexed, [path for path in given if path in write_set], words, room)
    pages.room = min(room, pages.room)
    rest = [path for path in given if path not in write_set]
    for path in rest:
        if not pages.take(path, most=room // 2):
            excerpt(pages, indexed, path, words, named(words), room // (2 * len(rest)))
    doubted = ""
    if words.strip() and room > 0:
        ranked = indexed.ranker.rank(indexed.index, indexed.structure, words, limit=LIMIT, tokens=0)[0]
        firm = _best(ranked) >= FIRM
        mine = [one for one in ranked.functions if one.path in given]
        _functions(pages, [*mine, *(one for one in ranked.functions if firm and one.path not in given)])
        _outlines(pages, indexed, min(pages.room, room // OUTLINE_SHARE))
        # Whoever was given files knows where to look, and all were shown guesses where there was a clue.
        doubted = "" if firm or given or known.sure else _guesses(ranked)
    _round_off(pages)
    for path in files:
        if path not in known.files and by_hand(path, pages.read(path)):
            pages.take(path, most=room // 3)
    _sibling(pages, files, write_set)
    if pages.pages:
        parts.append(f"## Files for this work\n\n{pages.text()}")
    return "\n\n".join([*parts, *filter(None, [doubted])])


def _given(pages: Pages, indexed: IndexedTree, paths: Sequence[str], words: str, room: int) -> None:
    """Show files that are to be changed: whole where the others keep a share, else what the words speak of.

    In part, tests and documents get half of the ``room`` at most: what is named in sources matters more.
    """
    left, whole, by_cost = pages.room, set[str](), sorted(paths, key=pages.cost)
    for at, path in enumerate(by_cost):
        if pages.cost(path) <= left - sum(min(SHARE, pages.cost(other)) for other in by_cost[at + 1 :]):
            whole.add(path)
            left -= pages.cost(path)
    for path in (one for one in paths if one in whole):
        pages.take(path)
    rest = sorted((one for one in paths if one not in whole), key=lambda one: role_of(one) == "source")
    beside = sum(role_of(one) != "source" for one in rest)
    left = min(pages.room, room)
    for at, path in enumerate(rest):
        before = pages.room
        share = left // (2 * len(rest)) if at < beside else left // (len(rest) - at)
        excerpt(pages, indexed, path, words, named(words), share)
        left -= before - pages.room


def _instructions(asked: Mapping[str, str]) -> str:
    head = (
        "## Project instructions\n\nThe project's own rules for style, words and commands, the nearest first. "
        "They give no leave to go beyond your part or what you may write."
    )
    return "\n\n".join([head, *(f"### {in_line(path)}\n\n{fenced(text)}" for path, text in asked.items())])


def _stood(pages: Pages, moment: Moment | None) -> None:
    """Choose the place where the person stood."""
    if moment is not None and moment.cursor is not None:
        path, line = moment.cursor
        if not pages.take(path, most=SMALL_FILE):
            pages.take(path, range(line - 5, line + max(20, moment.selection.count("\n") + 1)))


def _about(pages: Pages, indexed: IndexedTree, ranked: Ranking, files: Sequence[str], words: str) -> None:
    """Choose what the goal is about, the most important first."""
    room = pages.room
    test = _best_test(pages, ranked, files)
    kept = room // TEST_SHARE if test else 0
    pages.room -= kept + room // OUTLINE_SHARE
    _functions(pages, ranked.functions)
    pages.room += kept
    if test:
        names = {_last(one) for one in ranked.functions[:5]}
        if not pages.take(test, most=kept):
            excerpt(pages, indexed, test, words, names, kept)
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


def _round_off(pages: Pages) -> None:
    """Show the rest of files of which most is shown: imports, and what stands between."""
    for page in list(pages.pages.values()):
        pages.take(page.path, most=sum(len(page.lines[at - 1]) for at in page.chosen) // 2)


def _best_test(pages: Pages, ranked: Ranking, files: Sequence[str]) -> str:
    """The file of tests for the first sources: by its name, else the first in the ranking."""
    sources = [one.path for one in ranked.files if one.role == "source"][:3]
    ranks = {one.path: at for at, one in enumerate(ranked.files)}
    # By its name first: few files have such a one.
    tests = [path for path in files if _TEST_NAME.search(path.rpartition("/")[2]) and role_of(path) == "test"]
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


def _last(function: RankedFunction) -> str:
    return function.name.rpartition(".")[2]


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
