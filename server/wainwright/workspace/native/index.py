"""Listing and searching the files of a tree, with and without an index that is kept."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

from wainwright import _native
from wainwright.workspace.native.fsops import AnyPath


class FileEntry(NamedTuple):
    """A regular file of a tree."""

    path: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a tree, sorted by path."""

    files: tuple[FileEntry, ...]
    truncated: bool
    """There are more files than were asked for."""

    def __iter__(self) -> Iterator[FileEntry]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)


class Hit(NamedTuple):
    """A matching line."""

    path: str
    line: int
    """From 1. A line ends at LF."""
    text: str
    """Without the line end, cut to 400 characters."""


@dataclass(frozen=True, slots=True)
class Found:
    """The first hits of a search, in the order of path and line."""

    hits: tuple[Hit, ...]
    truncated: bool
    """There are more hits than were asked for."""

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)


KEPT = "kept"
"""The file in an index's folder that names what belongs to the tree although a rule hides it, NUL behind each."""


def walk(root: AnyPath, *, limit: int = 100_000) -> Listing:
    """List at most ``limit`` files beneath ``root`` that no ignore rule leaves out.

    ``.gitignore`` and ``.ignore`` count in any folder, hidden files are left out, and so are ``.git`` and
    ``.wainwright`` always. Links are not followed. Raises ValueError if ``root`` is no absolute path to a
    directory.
    """
    files, truncated = _native.walk(root, limit)
    return Listing(tuple(FileEntry(*entry) for entry in files), truncated)


def search(
    root: AnyPath,
    pattern: str,
    *,
    regex: bool = False,
    word: bool = False,
    ignore_case: bool = False,
    glob: str | None = None,
    limit: int = 100,
) -> Found:
    """Find the first ``limit`` lines that match, in the files that ``walk`` lists.

    A match lies within one line; with ``word`` it does not begin or end within a word. ``glob`` keeps files whose
    path matches; without ``/`` it is matched against the file name in any folder. Binary files and those above
    256 MB are skipped. Raises ValueError if the pattern or the glob does not parse, or ``root`` is no absolute
    path to a directory.
    """
    hits, truncated = _native.search(
        root, pattern, regex=regex, word=word, ignore_case=ignore_case, glob=glob, max_hits=limit
    )
    return Found(tuple(Hit(*hit) for hit in hits), truncated)


Kind = Literal["function", "type", "value", "module"]
"""What a name seems to stand for."""

Cancel = _native.Cancel
"""Takes a question back that another thread is answering: ``set()`` makes it raise Cancelled soon."""
Cancelled = _native.Cancelled


class Posting(NamedTuple):
    """That a file has a word."""

    path: str
    times: int
    """Up to 127."""
    defines: bool
    """It seems to define something of that name."""


class Defined(NamedTuple):
    """Where a name seems to be defined."""

    path: str
    line: int
    """From 1."""
    kind: Kind


class Definition(NamedTuple):
    """What a file seems to define."""

    name: str
    line: int
    """From 1."""
    kind: Kind


class Refreshed(NamedTuple):
    """What a look at the tree did."""

    changed: int
    """Files that were read and are not as they were."""
    removed: int
    """Files that are no more."""
    bytes_read: int
    seconds: float


class Stats(NamedTuple):
    """How large an index is."""

    files: int
    text_bytes: int
    text_words: int
    distinct_words: int
    definitions: int
    index_bytes: int


class Index:
    """The words, definitions and imports of a tree, on disk between processes; for any number of threads.

    A question is answered from one state of the tree: the files as they were looked at last, and over them the
    unsaved texts. Definitions and imports are what a lexer can tell.
    """

    def __init__(self, root: AnyPath, cache: AnyPath, *, cancel: Cancel | None = None) -> None:
        """Open the store in the folder ``cache``, and read what is not in it or has changed since.

        Raises ValueError if ``root`` is no absolute path to a directory.
        """
        self.native = _native.Index(root, cache, cancel)

    def refresh(self, *, cancel: Cancel | None = None) -> Refreshed:
        """Look at every file and folder, and read what has changed."""
        return Refreshed(*self.native.refresh(cancel))

    def refresh_paths(self, paths: Iterable[str], *, cancel: Cancel | None = None) -> Refreshed:
        """Look at some paths, known or not, there or not; for a folder, at all that is beneath it."""
        return Refreshed(*self.native.refresh_paths(list(paths), cancel))

    def overlay(self, path: str, text: str) -> bool:
        """Put the unsaved text of a buffer over a file, which need not be there.

        Returns False, and does nothing, if ignore rules leave the path out.
        """
        return self.native.overlay(path, text)

    def drop_overlay(self, path: str) -> None:
        """Take the unsaved text off again: the file on disk counts."""
        self.native.drop_overlay(path)

    def save(self) -> None:
        """Write the store if it has become stale, without the unsaved texts. Raises OSError."""
        self.native.save()

    def search(
        self,
        pattern: str,
        *,
        regex: bool = False,
        word: bool = False,
        ignore_case: bool = False,
        glob: str | None = None,
        limit: int = 100,
        cancel: Cancel | None = None,
    ) -> Found:
        """Answer as the function ``search`` does, from the texts as they are now, unsaved ones included.

        Of the files that have a plain word only so many are read as have enough lines of it.
        """
        hits, truncated = self.native.search(
            pattern, regex=regex, word=word, ignore_case=ignore_case, glob=glob, max_hits=limit, cancel=cancel
        )
        return Found(tuple(Hit(*hit) for hit in hits), truncated)

    def files(self) -> tuple[FileEntry, ...]:
        """List the files, sorted by path."""
        return tuple(FileEntry(*entry) for entry in self.native.files())

    def word(self, word: str) -> tuple[Posting, ...]:
        """List the files that have this word, sorted by path."""
        return tuple(Posting(*posting) for posting in self.native.word(word))

    def places(self, word: str, *, cancel: Cancel | None = None) -> list[tuple[str, list[int]]]:
        """List every line in which a word stands alone: path and lines, sorted.

        Of most words the index knows the lines: then no file is read, and the answer is that of the last look at
        the tree, with unsaved texts as they are. Raises ValueError for a text with a line end in it.
        """
        return self.native.places(word, cancel=cancel)

    def defined(self, name: str) -> tuple[Defined, ...]:
        """Tell where something of this name seems to be defined, in the order of path and line."""
        found = self.native.defined(name)
        return tuple(Defined(path, line, cast("Kind", kind)) for path, line, kind in found)

    def definitions(self, path: str) -> tuple[Definition, ...]:
        """Tell what a file seems to define, in the order of the lines; nothing for a file that is not known."""
        found = self.native.definitions(path)
        return tuple(Definition(name, line, cast("Kind", kind)) for name, line, kind in found)

    def imported(self, path: str) -> tuple[str, ...]:
        """List the files of the tree that a file imports."""
        return tuple(self.native.imported(path))

    def importers(self, path: str) -> tuple[str, ...]:
        """List the files that import a file."""
        return tuple(self.native.importers(path))

    def stats(self) -> Stats:
        """Tell how large the index is."""
        return Stats(*self.native.stats())
