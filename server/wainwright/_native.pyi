"""The extension module, written in Rust under ``native/``; only ``wainwright.workspace.native`` imports it.

Two modules of the sandbox do, too: ``launcher`` for the program that it carries, ``clearing`` to remove folders.

Every function lets go of the interpreter lock while it works. Roots are absolute paths; other paths are
relative to the root, with ``/`` between components. A text must be valid Unicode: a lone surrogate raises
UnicodeEncodeError.
"""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Self

__all__ = [
    "BoundaryError",
    "Cancel",
    "Cancelled",
    "ChangedError",
    "Index",
    "Live",
    "Ranker",
    "Snapshots",
    "Structure",
    "Tree",
    "align",
    "apply_answer",
    "apply_edits",
    "launcher",
    "lay",
    "line_hunks",
    "merge",
    "more_syntax_errors",
    "mutants",
    "open_beneath",
    "rank_features",
    "read_beneath",
    "recover",
    "remove",
    "role_of",
    "search",
    "unified",
    "walk",
    "write_batch",
]

class BoundaryError(ValueError):
    """A path leads out of the root, or through a link that must not be followed."""

class ChangedError(Exception):
    """Files are not what they were when they were read: what to say, the paths, and whether one is being written."""

def walk(root: str | PathLike[str], max_files: int) -> tuple[list[tuple[str, int]], bool]:
    """List regular files as (path, size in bytes), sorted by path, and whether there are more than ``max_files``.

    Raises ValueError if the root is no absolute path to a directory.
    """

def search(
    root: str | PathLike[str],
    pattern: str,
    *,
    regex: bool,
    word: bool,
    ignore_case: bool,
    glob: str | None,
    max_hits: int,
) -> tuple[list[tuple[str, int, str]], bool]:
    """Return the first hits as (path, line from 1, text of the line), and whether there are more.

    Raises ValueError if the root is no absolute path to a directory, or the pattern or glob does not parse.
    """

class Cancelled(Exception):
    """The caller took its question back."""

class Cancel:
    """Takes a question back that is being answered in another thread."""

    def __init__(self) -> None: ...
    def set(self) -> None:
        """End the question soon: it raises Cancelled."""

class Index:
    """The index of one tree; it may be used by several threads."""

    def __init__(
        self, root: str | PathLike[str], cache: str | PathLike[str], cancel: Cancel | None = None
    ) -> None:
        """Open the store in the folder ``cache``, and read what is not in it.

        Raises ValueError if the root is no absolute path to a directory.
        """

    def refresh(self, cancel: Cancel | None = None) -> tuple[int, int, int, float]:
        """Look at every file: (changed files, removed files, bytes read, seconds)."""

    def refresh_paths(
        self, paths: Sequence[str], cancel: Cancel | None = None
    ) -> tuple[int, int, int, float]:
        """Look at some paths; for a folder, at all that is beneath it."""

    def overlay(self, path: str, text: str) -> bool:
        """Put an unsaved text over a file. Returns False, and does nothing, if ignore rules leave the path out."""

    def drop_overlay(self, path: str) -> None:
        """Take the unsaved text off again."""

    def save(self) -> None:
        """Write the store if it has become stale. Raises OSError."""

    def search(
        self,
        pattern: str,
        *,
        regex: bool,
        word: bool,
        ignore_case: bool,
        glob: str | None,
        max_hits: int,
        cancel: Cancel | None = None,
    ) -> tuple[list[tuple[str, int, str]], bool]:
        """Answer as ``search`` does, from the texts as they are now."""

    def files(self) -> list[tuple[str, int]]:
        """List (path, size in bytes), sorted by path."""

    def word(self, word: str) -> list[tuple[str, int, bool]]:
        """List the files that have a word: (path, how often up to 127, whether it seems to be defined there)."""

    def places(self, word: str, cancel: Cancel | None = None) -> list[tuple[str, list[int]]]:
        """List every line in which a word stands alone, by path; reads no file where the lines are known."""

    def defined(self, name: str) -> list[tuple[str, int, str]]:
        """Where it seems to be defined: (path, line, ``function`` | ``type`` | ``value`` | ``module``)."""

    def definitions(self, path: str) -> list[tuple[str, int, str]]:
        """What a file seems to define: (name, line, kind)."""

    def imported(self, path: str) -> list[str]:
        """The files of the tree that a file imports, sorted."""

    def importers(self, path: str) -> list[str]:
        """The files that import a file, sorted."""

    def stats(self) -> tuple[int, int, int, int, int, int]:
        """Files, their bytes, their words, distinct words, definitions, bytes of the index."""

_Entry = tuple[str, str, int]
_Ranked = tuple[list[tuple[str, str, float, list[str]]], list[tuple[str, str, int, int, float]]]

class Ranker:
    """Ranks trees whose files are given as (path, name of the content, bytes)."""

    def __init__(self) -> None: ...
    def read_history(self, log: bytes) -> None:
        """Take the output of ``git log``: 01 name 02 parents 02 message 02, then lines of ``--name-status``."""

    def missing(self, tree: Sequence[_Entry]) -> list[str]:
        """Name the contents that are worth reading and were not supplied yet."""

    def supply(self, contents: Sequence[tuple[str, str, bytes]]) -> None:
        """Take contents as (name, a path that has it, bytes)."""

    def rank(self, tree: Sequence[_Entry], tip: str, query: str, limit: int) -> _Ranked:
        """Return files as (path, role, score, reasons) and functions as (path, name, first line, last line, score).

        ``tip`` names the commit whose history counts; an unknown one has none.
        """

    def values(
        self, tree: Sequence[_Entry], tip: str, query: str
    ) -> tuple[list[tuple[str, list[float]]], list[tuple[str, str, int, int, list[float]]]]:
        """Return what the models see, of sources and functions; the names are in ``rank_features``."""

class Live:
    """Ranks the files of a workspace over its index."""

    def __init__(self) -> None: ...
    def read_history(self, log: bytes) -> None:
        """Take the output of ``git log``; see Ranker. Newer changes may follow later."""

    def knows(self, commit: str) -> bool:
        """Tell whether a change was read."""

    def rank(
        self,
        index: Index,
        structure: Structure,
        tip: str,
        query: str,
        *,
        limit: int,
        tokens: int,
        opened: Sequence[str],
        cursor: tuple[str, int] | None,
        diagnostics: Sequence[tuple[str, str]],
        selection: str,
    ) -> tuple[_Ranked, str]:
        """Return files and functions as Ranker does, and a text of about so many tokens that shows the best."""

def role_of(path: str) -> str:
    """Tell what a file is for: source, test, example, document, foreign or data."""

def rank_features() -> tuple[list[str], list[str]]:
    """Name the values that the models see: of files, of functions."""

def line_hunks(old: str, new: str) -> list[tuple[int, int, int, int]]:
    """Return the differing lines as (old start, old length, new start, new length), the first line is 0."""

def unified(old: str, new: str, old_name: str, new_name: str, context: int) -> str:
    """Write the difference in the unified format; empty if there is none."""

_Applied = tuple[list[tuple[str, str | None]], list[tuple[str, int, list[str]]]]
_Refusal = tuple[int, str, str, list[str], list[tuple[int, str]], tuple[int, str, str] | None, str]

def apply_answer(
    answer: str,
    format: str,  # noqa: A002
    path: str | None,
    symbol: str | None,
    tree: Sequence[str],
    read: Callable[[str], str | bytes | tuple[str, str] | None],
) -> tuple[_Applied | None, _Refusal | None]:
    """Apply all edits of an answer, or none: (changed files, edits made), or the refusal.

    A changed file is (path, new text or None if it goes), an edit (path, line from 1 or 0, what was tolerated). A
    refusal is (index of the edit, path, reason, detail, places, difference, sentences), a place (line from 1, its
    lines), a difference (line from 1, the line of the file, the line of the edit). ``read`` is called with the lock
    held, and returns the content of a file, None, or ("link" or "twin", another path), or ("barred", why). Raises
    ValueError for an unknown format or word, and what ``read`` raises.
    """

def merge(
    base: str, ours: str, theirs: str
) -> tuple[str | None, list[tuple[tuple[int, int], tuple[int, int], tuple[int, int]]]]:
    """Merge two changed texts: the outcome or None, and each conflict as lines (from, to) of all three texts."""

def more_syntax_errors(path: str, before: str, after: str) -> tuple[int, int] | None:
    """Return how many syntax errors there were and are, or None if there are no more than before."""

def mutants(
    path: str, text: bytes, lines: Sequence[tuple[int, int]], most: int
) -> list[tuple[int, int, str, int, str, str]]:
    """Return small changes of lines (first and last, from 1), the most telling first; none of a file of tests.

    Each is (first byte, end, the text that stands there instead, line, kind, what it is).
    """

def apply_edits(
    edits: Sequence[tuple[str, str, str, str]],
    tree: Sequence[str],
    read: Callable[[str], str | bytes | tuple[str, str] | None],
) -> tuple[_Applied | None, _Refusal | None]:
    """Apply edits as ``apply_answer`` does, each (kind, path, old, new)."""

def write_batch(
    root: str | PathLike[str],
    changes: Sequence[tuple[str | PathLike[str], bytes | None, int | None, tuple[bytes | None] | None]],
    write_log: str | PathLike[str] | None,
) -> None:
    """Write or delete (None) all files, each (path, content, permission bits or None, what is there), or nothing.

    What is there: the content in a tuple, None in one for no file; None if it does not matter. With a write log, a
    folder, ``recover`` completes what a kill or a power cut left half done.

    Raises ChangedError, BoundaryError, ValueError for a relative root or a path given twice, and the OSError that
    fits.
    """

def recover(
    write_log: str | PathLike[str], root: str | PathLike[str]
) -> tuple[list[PathLike[str]], list[PathLike[str]]]:
    """Complete the batches of a write log; return the paths written, and those that somebody else has changed since.

    Raises ValueError if the write log is that of another root, and OSError.
    """

class Tree:
    """The files beneath a root, with a hash of all of them. Not on Windows.

    Raises BoundaryError, ValueError for a relative root or a bad rule, and the OSError that fits.
    """

    def __new__(
        cls, root: str | PathLike[str], exclude: Sequence[str], cache: str | PathLike[str] | None
    ) -> Self: ...
    def hash(self) -> str: ...
    def refresh(self) -> str: ...
    def update(self, dirty: Sequence[str | PathLike[str]]) -> str: ...
    def save(self, cache: str | PathLike[str]) -> None: ...

class Snapshots:
    """A store of snapshots in a folder of its own. Not on Windows.

    Raises ValueError for what is no hash, and OSError, also for a snapshot that the store does not hold whole.
    """

    def __new__(cls, folder: str | PathLike[str]) -> Self: ...
    def take(self, tree: Tree, dirty: Sequence[str | PathLike[str]] | None) -> str: ...
    def restore(
        self, tree: Tree, snapshot: str, dirty: Sequence[str | PathLike[str]] | None
    ) -> tuple[str | None, list[PathLike[str]], list[PathLike[str]], list[PathLike[str]]]:
        """Return the snapshot of before, and the paths written, deleted, and left as they are."""

    @staticmethod
    def name(content: bytes) -> str: ...
    def keep(self, files: Sequence[tuple[str | PathLike[str], bytes, int, bool]]) -> str:
        """Keep files (path, content, mode, whether it is a link) as a snapshot of them alone."""

    def files(self, snapshot: str) -> list[tuple[PathLike[str], str, int, int, str]]:
        """Return the files and links of a snapshot as ``manifest`` does, also of one kept by another process."""

    def content(self, name: str) -> bytes: ...
    def sync(self) -> None: ...
    def manifest(self, snapshot: str) -> list[tuple[PathLike[str], str, int, int, str]]:
        """Return (path, ``file`` | ``link`` | ``folder``, mode, size in bytes, hash) by path."""

    def retain(self, snapshots: Sequence[str]) -> None: ...

def lay(source: str | PathLike[str], target: str | PathLike[str], linked: bool) -> None:
    """Lay the files beneath ``source`` over those beneath ``target``, as links or copies. Not on Windows.

    What the target has stays. Raises BoundaryError, ValueError for a relative root, and OSError.
    """

def align(source: str | PathLike[str], target: str | PathLike[str]) -> None:
    """Make ``target`` hold the files beneath ``source`` and nothing else, as links. Not on Windows.

    What is right already stays. Raises BoundaryError, ValueError for a relative root, and OSError.
    """

def remove(folder: str | PathLike[str]) -> None:
    """Remove a folder and all beneath it; nothing where there is none. Links are not followed. Not on Windows.

    Raises ValueError for a relative path, and OSError.
    """

def launcher() -> bytes:
    """Return the program that mounts the layers of a task; empty where there is none (other than Linux)."""

def open_beneath(root: str | PathLike[str], path: str | PathLike[str]) -> int:
    """Open a regular file for reading and return its descriptor. Raises as ``read_beneath`` does."""

def read_beneath(root: str | PathLike[str], path: str | PathLike[str], max_bytes: int) -> bytes:
    """Read a regular file.

    Raises BoundaryError, ValueError for a relative root, and the OSError that fits (EFBIG if it holds more bytes).
    """

_Symbol = tuple[str, str, str, str, int, int, int, str]
_Around = tuple[str, str, int, int] | None

class Structure:
    """What the files define and use, from their syntax trees; roots may share its records."""

    def __new__(cls, cache: str | PathLike[str]) -> Structure:
        """Open the records in the folder ``cache``; damaged ones are as if they were not there."""

    def fill(
        self, index: Index, wanted: Sequence[str], threads: int, cancel: Cancel | None = None
    ) -> tuple[int, int, int, int, float]:
        """Parse what has no record, ``wanted`` first: (parsed, with a record, that can have one, bytes, seconds)."""

    def outline(self, index: Index, path: str) -> list[_Symbol] | None:
        """Return a file's definitions in the order of the text; None if it has no grammar.

        A definition is (path, name, qualified name, kind, line of the name, first line, last line, signature), lines
        from 1.
        """

    def find(self, index: Index, name: str, how: str, kinds: Sequence[str], limit: int) -> list[_Symbol]:
        """Return definitions by name. Raises ValueError for an unknown way to fit, or kind."""

    def references(
        self, index: Index, name: str, limit: int
    ) -> tuple[list[tuple[str, int, str, bool, _Around]], bool]:
        """Return uses as (path, line, its text, is a call, definition around it), and whether that is all."""

    def callers(
        self, index: Index, name: str, limit: int
    ) -> tuple[list[tuple[str, _Around, list[int]]], bool]:
        """Return callers as (path, definition around the calls, lines of the calls), and whether that is all."""

    def stats(self, index: Index) -> tuple[int, int, int, int]:
        """Return records, bytes on disk, and the definitions and references in the files of the index."""
