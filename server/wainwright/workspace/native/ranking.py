"""Which files and functions a goal in words is about."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wainwright import _native
from wainwright.workspace.native.index import Index
from wainwright.workspace.native.structure import Structure


class TreeEntry(NamedTuple):
    """A file of a tree in an object store."""

    path: str
    object: str
    """The name of its content: the same for the same bytes."""
    size: int
    """Bytes."""


class RankedFile(NamedTuple):
    """A file of an answer."""

    path: str
    role: str
    """source, test, example, document, foreign (vendored or generated) or data."""
    score: float
    """Comparable within one answer only."""
    why: tuple[str, ...]
    """What speaks for it, the strongest first."""


class RankedFunction(NamedTuple):
    """A function of an answer."""

    path: str
    name: str
    """With the scopes it lies in, joined by dots."""
    start_line: int
    """From 1."""
    end_line: int
    """Inclusive."""
    score: float
    """Comparable within one answer only."""


class Ranking(NamedTuple):
    """Best first; in the files all sources precede everything else."""

    files: tuple[RankedFile, ...]
    functions: tuple[RankedFunction, ...]


def role_of(path: str) -> str:
    """Tell what a file is for, as far as its path tells; see ``RankedFile.role``."""
    return _native.role_of(path)


class Ranker:
    """Ranks trees that need not be on disk. Contents are given once, and are shared between trees."""

    def __init__(self) -> None:
        self._ranker = _native.Ranker()

    def read_history(self, log: bytes) -> None:
        """Take what ``git log`` printed, newest first, in the format of ``workspace.localise``."""
        self._ranker.read_history(log)

    def missing(self, tree: Sequence[TreeEntry]) -> list[str]:
        """Name the contents of a tree that are worth reading and were not supplied yet."""
        return self._ranker.missing(tree)

    def supply(self, contents: Iterable[tuple[str, str, bytes]]) -> None:
        """Take contents: name, a path that has it, bytes."""
        self._ranker.supply(list(contents))

    def rank(self, tree: Sequence[TreeEntry], tip: str, query: str, limit: int) -> Ranking:
        """Rank a tree with the history that the commit ``tip`` contains; at most ``limit`` files and functions."""
        return _ranking(self._ranker.rank(tree, tip, query, limit))


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known of the moment, beside the goal."""

    open: tuple[str, ...] = ()
    """Paths of open files."""
    cursor: tuple[str, int] | None = None
    """The file with the cursor, and its line from 1."""
    diagnostics: tuple[tuple[str, str], ...] = ()
    """Files with what is said of them."""
    selection: str = ""


class Live:
    """Ranks the files of trees over their indexes; what does not change is kept between questions."""

    def __init__(self) -> None:
        self._live = _native.Live()
        # The native half takes one question at a time, and whoever waits there for another's may hold up all threads.
        self._turn = threading.Lock()

    def read_history(self, log: bytes) -> None:
        """Take what ``git log`` printed, newest first, in the format of ``workspace.localise``."""
        with self._turn:
            self._live.read_history(log)

    def knows(self, commit: str) -> bool:
        """Tell whether a commit was read."""
        with self._turn:
            return self._live.knows(commit)

    def rank(
        self,
        index: Index,
        structure: Structure,
        query: str,
        *,
        limit: int,
        tokens: int,
        tip: str = "",
        moment: Moment | None = None,
    ) -> tuple[Ranking, str]:
        """Rank, and pack the best into a text of about so many tokens.

        The history that the commit ``tip`` contains counts, as far as it was read.
        """
        now = moment or Moment()
        with self._turn:
            ranked, packed = self._live.rank(
                index.native,
                structure.native,
                tip,
                query,
                limit=limit,
                tokens=tokens,
                opened=now.open,
                cursor=now.cursor,
                diagnostics=now.diagnostics,
                selection=now.selection,
            )
        return _ranking(ranked), packed


_Answer = tuple[Iterable[tuple[str, str, float, Sequence[str]]], Iterable[tuple[str, str, int, int, float]]]


def _ranking(answer: _Answer) -> Ranking:
    files, functions = answer
    return Ranking(
        tuple(RankedFile(path, role, score, tuple(why)) for path, role, score, why in files),
        tuple(RankedFunction(*function) for function in functions),
    )
