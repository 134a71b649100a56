"""What the files of a tree define and where it is used, read from their syntax trees."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from wainwright import _native
from wainwright.workspace.native.fsops import AnyPath
from wainwright.workspace.native.index import Cancel, Index

How = Literal["exact", "prefix", "fuzzy"]
"""How a name must fit: with its case; its beginning in any case; its letters in this order in any case."""


class Symbol(NamedTuple):
    """A definition, and where it is."""

    path: str
    name: str
    qualname: str
    """With the scopes it lies in, joined by dots."""
    kind: str
    """Such as ``function``, ``method``, ``class``, ``constant``, ``heading``."""
    line: int
    """Of the name, from 1."""
    start_line: int
    """First line with decorators and the like, from 1."""
    end_line: int
    """Last line, inclusive."""
    signature: str
    """In one line, cut to 240 characters."""


class Around(NamedTuple):
    """The innermost definition around a place."""

    qualname: str
    kind: str
    start_line: int
    end_line: int


class Usage(NamedTuple):
    """A place where a name is called, or named as a type or base."""

    path: str
    line: int
    """From 1."""
    text: str
    """The line, cut to 240 characters."""
    is_call: bool
    within: Around | None
    """None outside of every definition."""


class Caller(NamedTuple):
    """A definition that calls a name."""

    path: str
    caller: Around | None
    """None for calls outside of every definition."""
    lines: list[int]
    """Of the calls, from 1."""


class Filled(NamedTuple):
    """What a filling did."""

    parsed: int
    """Files that were parsed."""
    ready: int
    """Files that have a record now."""
    files: int
    """Files that can have one."""
    parsed_bytes: int
    seconds: float


class StructureStats(NamedTuple):
    """How large the structural tier is; what it counts is in the files of one index."""

    records: int
    """Texts with a record, of all trees that share the store."""
    disk_bytes: int
    definitions: int
    references: int


class Structure:
    """Records of what texts define and use, kept by their content: trees with the same files share them.

    A file that has no record yet is parsed when a question needs it, within bounds.
    """

    def __init__(self, cache: AnyPath) -> None:
        """Open the records kept in the folder ``cache``; damaged ones are as if they were not there."""
        self._structure = _native.Structure(cache)

    @property
    def native(self) -> _native.Structure:
        """The tier itself, for questions that go beyond it."""
        return self._structure

    def fill(
        self, index: Index, wanted: Sequence[str] = (), *, threads: int = 1, cancel: Cancel | None = None
    ) -> Filled:
        """Parse every file without a record, the ``wanted`` first; returns early once ``cancel`` is set."""
        return Filled(*self._structure.fill(index.native, list(wanted), threads, cancel))

    def outline(self, index: Index, path: str) -> tuple[Symbol, ...] | None:
        """Tell what a file defines, in the order of the text; None for one without a grammar."""
        rows = self._structure.outline(index.native, path)
        return None if rows is None else tuple(Symbol(*row) for row in rows)

    def find(
        self, index: Index, name: str, *, how: How = "exact", kinds: Sequence[str] = (), limit: int = 50
    ) -> tuple[Symbol, ...]:
        """Find definitions by name, the best first; scopes before it (``Type.name``) must be exact.

        Only files that have a record are found. Raises ValueError for an unknown kind.
        """
        rows = self._structure.find(index.native, name, how, list(kinds), limit)
        return tuple(Symbol(*row) for row in rows)

    def references(self, index: Index, name: str, limit: int = 100) -> tuple[tuple[Usage, ...], bool]:
        """Find where a name is used, and whether that is all."""
        rows, complete = self._structure.references(index.native, name, limit)
        found = (Usage(*row[:4], Around(*row[4]) if row[4] else None) for row in rows)
        return tuple(found), complete

    def callers(self, index: Index, name: str, limit: int = 100) -> tuple[tuple[Caller, ...], bool]:
        """Find the definitions that call a name, and whether that is all."""
        rows, complete = self._structure.callers(index.native, name, limit)
        found = (Caller(path, Around(*caller) if caller else None, lines) for path, caller, lines in rows)
        return tuple(found), complete

    def stats(self, index: Index) -> StructureStats:
        """Tell how large it is."""
        return StructureStats(*self._structure.stats(index.native))
