"""Differences of texts, and edits as models write them, applied to files: right, or not at all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

from wainwright import _native

Format = Literal["auto", "blocks", "unified", "v4a", "function", "file"]
"""How an answer is written; ``function`` and ``file`` are code alone, for a path (and a symbol) the caller knows."""


class Link(NamedTuple):
    """A link, or a path that passes one: edits go to the file it leads to, and the link stays."""

    to: str
    """That file, relative to the root of the tree."""


class Twin(NamedTuple):
    """Nothing, but a path that is the same on some systems: edits go to that, and no second file comes beside it."""

    path: str


class Barred(NamedTuple):
    """Something that must not or cannot be edited."""

    why: str
    """What it is and what to do instead, in sentences that name the path."""


Source = str | bytes | Link | Twin | Barred | None
"""What stands at a path: a file with its content, or nothing. Bytes that are not UTF-8 text are refused."""

Read = Callable[[str], Source]
"""Tells what stands at a path, relative to the root of the tree."""


class Hunk(NamedTuple):
    """Lines of an old text that become lines of a new one. The first line is 0."""

    old_start: int
    """An insertion stands before this line."""
    old_len: int
    new_start: int
    new_len: int


class Place(NamedTuple):
    """Some lines of a text."""

    line: int
    """Number of the first one, from 1."""
    text: str


class Difference(NamedTuple):
    """The first line that is not as an edit has it."""

    line: int
    """Its number in the file, from 1."""
    found: str
    quoted: str


class Edit(NamedTuple):
    """One edit of one file."""

    kind: Literal["search", "write", "delete", "function"]
    path: str
    old: str = ""
    """``search``: the lines as they are; ``function``: its name, perhaps with those around it, ``Circle.area``."""
    new: str = ""
    """All but ``delete``: the lines, the whole file, the code of the function as they shall be."""


class Done(NamedTuple):
    """An edit that was made."""

    path: str
    line: int
    """The first line of its place in the old text, from 1; 0 for a whole file."""
    tolerances: tuple[str, ...]
    """In which ways it differed from the file, such as ``indentation``; empty if in none."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What edits come to; nothing was written."""

    changes: Mapping[str, str | None]
    """The whole new text of each file that is not as before; None for one that goes."""
    before: Mapping[str, bytes | None]
    """What was read of each of these files; None for one that was not there."""
    done: tuple[Done, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why none of the edits was made, with what is needed to write a better one."""

    edit: int
    """Index of the edit that was refused."""
    path: str
    reason: str
    """Such as ``missing``, ``ambiguous``, ``stale_removed``, ``no_file``, ``not_editable``, ``conflict``."""
    detail: tuple[str, ...]
    places: tuple[Place, ...]
    """The most similar lines of a missing text, the first places of an ambiguous one."""
    difference: Difference | None
    """What differs at the first place."""
    text: str
    """All of it, in sentences for a model."""

    def explain(self) -> str:
        """Say what is wrong and what to do about it, with the lines concerned."""
        return self.text


def line_hunks(old: str, new: str) -> tuple[Hunk, ...]:
    """Return the differing lines in order. A line ends at LF, CRLF or CR only and includes its end."""
    return tuple(Hunk(*hunk) for hunk in _native.line_hunks(old, new))


def unified(old: str, new: str, old_name: str, new_name: str, *, context: int = 3) -> str:
    """Write the difference as ``git apply`` reads it, with ``context`` equal lines around; empty if none.

    The names stand in the header as given, such as ``a/path`` or ``/dev/null``.
    """
    return _native.unified(old, new, old_name, new_name, context)


class Conflict(NamedTuple):
    """Lines that both sides changed, each in its way; from the first, counted from 0, to behind the last."""

    base: tuple[int, int]
    ours: tuple[int, int]
    theirs: tuple[int, int]


def merge(base: str, ours: str, theirs: str) -> str | tuple[Conflict, ...]:
    """Merge what two sides made of a text as ``git merge-file`` does; changes that touch are a conflict."""
    text, conflicts = _native.merge(base, ours, theirs)
    return tuple(Conflict(*conflict) for conflict in conflicts) if text is None else text


def more_syntax_errors(path: str, before: str, after: str) -> tuple[int, int] | None:
    """How many syntax errors a file had and has now; None if no more than before, or its language is not known."""
    return _native.more_syntax_errors(path, before, after)


def apply_answer(
    answer: str,
    tree: Sequence[str],
    read: Read,
    *,
    form: Format = "auto",
    path: str | None = None,
    symbol: str | None = None,
) -> Applied | Refusal:
    """Apply all edits of an answer to files of a tree, or none.

    ``tree`` holds the paths that an edit may mean by another spelling; ``read`` is asked about any path. An edit is
    found as it is written, or else in one of the declared ways it may differ, and only where no other place could be
    meant. Raises ValueError for lone surrogates, and what ``read`` raises.
    """
    reader = _Reader(read)
    return reader.outcome(*_native.apply_answer(answer, form, path, symbol, tree, reader))


def apply_edits(edits: Sequence[Edit], tree: Sequence[str], read: Read) -> Applied | Refusal:
    """Apply all edits, or none, as ``apply_answer`` does. Those of one file are found in the text as it was."""
    reader = _Reader(read)
    return reader.outcome(*_native.apply_edits(edits, tree, reader))


_AppliedAnswer = tuple[list[tuple[str, str | None]], list[tuple[str, int, list[str]]]]
_RefusalAnswer = tuple[int, str, str, list[str], list[tuple[int, str]], tuple[int, str, str] | None, str]


class _Reader:
    """Reads for the applier, and remembers what was read."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._seen: dict[str, bytes | None] = {}

    def __call__(self, path: str) -> str | bytes | tuple[str, str] | None:
        match self._read(path):
            case Link(to):
                return "link", to
            case Twin(other):
                return "twin", other
            case Barred(why):
                return "barred", why
            case content:
                self._seen[path] = content.encode() if isinstance(content, str) else content
                return content

    def outcome(self, applied: _AppliedAnswer | None, refusal: _RefusalAnswer | None) -> Applied | Refusal:
        if refusal is not None:
            return _refusal(refusal)
        changes, done = cast("_AppliedAnswer", applied)
        before = {path: self._seen[path] for path, _ in changes}
        return Applied(
            dict(changes), before, tuple(Done(path, line, tuple(names)) for path, line, names in done)
        )


def _refusal(refusal: _RefusalAnswer) -> Refusal:
    edit, path, reason, detail, places, difference, text = refusal
    return Refusal(
        edit,
        path,
        reason,
        tuple(detail),
        tuple(Place(*place) for place in places),
        None if difference is None else Difference(*difference),
        text,
    )
