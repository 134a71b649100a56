"""Look at files, search them, and apply the blocks of a reply."""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import takewhile
from pathlib import PurePosixPath
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from wainwright.domain.errors import WainwrightError
from wainwright.domain.goal import Fact
from wainwright.domain.shown import as_it_was, in_line
from wainwright.domain.text import cut
from wainwright.secrets import MASK
from wainwright.tools.toolbox import OBSERVATION_MAX, Arguments, Denied, Tool, Workbench
from wainwright.workspace import kept, native
from wainwright.workspace.native.edits import (
    Applied,
    Barred,
    Done,
    Edit,
    Refusal,
    Source,
    apply_answer,
    apply_edits,
)
from wainwright.workspace.sources import EDIT_MAX, source, text

LINES_MAX = 400
"""Lines shown of one file by one read."""
SHOWN_MAX = OBSERVATION_MAX - 500
"""Characters of files, or of hits, shown by one call."""
LINE_MAX = 500
"""Characters shown of one line."""
HITS_MAX = 100
MISQUOTED_MAX = 2
"""After how many refused edits of a file a model is told to write it whole."""
WHOLE_MAX = 20_000
"""Characters of a file that can be asked for as a whole."""
_OF_A_KEY = re.compile(r"[A-Za-z0-9+/=]{20}")
_MISQUOTED = frozenset({"missing", "ambiguous", "stale_removed", "no_place", "indentation", "elision"})


class Block(Fact):
    """One edit of a reply: for ``search`` both texts count, for ``file`` the replacement, for ``delete`` none.

    ``patch`` is all of a reply's edits in a form of its own, as the replacement.
    """

    kind: Literal["search", "file", "delete", "patch"]
    path: str
    """Of a patch: those in it, for people."""
    search: str = ""
    replace: str = ""


class Read(Arguments):
    """Arguments of ``read``."""

    path: str = ""
    """Relative to the workspace; lines may be named behind it, such as ``a/b.py:10-40``."""
    first_line: int = Field(default=1, ge=1)
    last_line: int | None = Field(default=None, ge=1)
    paths: tuple[str, ...] = Field(default=(), max_length=12)
    """Or several at once, each perhaps with its lines: ``["a/b.py:10-40", "c.py"]``."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.path and not self.paths:
            raise ValueError("give a path, or several as paths")
        return self


class Search(Arguments):
    """Arguments of ``search``."""

    pattern: str = ""
    patterns: tuple[str, ...] = Field(default=(), max_length=12)
    """Or several at once."""
    regex: bool = False
    word: bool = False
    """Whether a match must begin and end where a word does."""
    ignore_case: bool = False
    glob: str | None = None
    """Only files whose path matches, such as ``*.py`` or ``src/**``."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not all(self.wanted) or not self.wanted:
            raise ValueError("give a pattern, or several as patterns; none may be empty")
        return self

    @property
    def wanted(self) -> tuple[str, ...]:
        """All patterns, each once."""
        return tuple(dict.fromkeys((*((self.pattern,) if self.pattern else ()), *self.patterns)))


class ListFiles(Arguments):
    """Arguments of ``list``."""

    below: str = ""
    """A folder relative to the workspace; empty for all."""


async def _read(workbench: Workbench, arguments: Read) -> str:
    asked = [_Span(arguments.path, arguments.first_line, arguments.last_line)] if arguments.path else []
    asked += [_Span(path) for path in arguments.paths]
    told = [await _read_one(workbench, one, SHOWN_MAX) for one in asked]
    room = SHOWN_MAX
    for left, at in enumerate(sorted(range(len(asked)), key=lambda at: len(told[at]))):
        # What short ones leave, longer ones may have.
        share = room // (len(asked) - left)
        if len(told[at]) > share:
            told[at] = await _read_one(workbench, asked[at], share)
        room -= len(told[at])
    return "\n\n".join(told)


class _Span(NamedTuple):
    """Lines of a file."""

    path: str
    first: int = 1
    last: int | None = None


def _span(asked: _Span) -> _Span:
    """The lines that stand behind a path, where they are not told otherwise."""
    found = re.fullmatch(r"(.+?):(\d+)(?:-(\d+)?)?", asked.path)
    if found is None or (asked.first, asked.last) != (1, None):
        return asked
    first = max(1, int(found[2]))
    return _Span(found[1], first, int(found[3]) if found[3] else None if asked.path.endswith("-") else first)


async def _read_one(workbench: Workbench, asked: _Span, room: int) -> str:
    try:
        try:
            content = await asyncio.to_thread(native.read_beneath, workbench.tree, asked.path, EDIT_MAX)
        except FileNotFoundError:
            asked = _span(asked)
            content = await asyncio.to_thread(native.read_beneath, workbench.tree, asked.path, EDIT_MAX)
    except (OSError, ValueError, WainwrightError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Denied(
            f"{asked.path} cannot be read: {why}. Ignored folders such as .venv are seen by commands only."
        )
    if b"\0" in content[:8192]:
        return f"{asked.path} is binary ({len(content)} bytes)."
    lines = await asyncio.to_thread(_lines, workbench, content)
    return _shown(asked, lines, room)


def _lines(workbench: Workbench, content: bytes) -> list[str]:
    """The lines of a file, masked as a whole: of a part it cannot be seen that it is one of a key."""
    lines = workbench.redactor.redact(content.decode("utf-8", "replace"), by_lines=True).split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def _shown(asked: _Span, lines: list[str], room: int) -> str:
    """Lines with their numbers, as many as there is room for, and which were wanted and left out."""
    path, first = in_line(asked.path), asked.first
    wanted = min(asked.last or len(lines), len(lines))
    if first > wanted and (first, wanted) != (1, 0):
        until = asked.last or first
        return f"{path} has {len(lines)} lines; there is nothing from {first} to {until}."
    shown: list[str] = []
    for number in range(first, min(wanted, first + LINES_MAX - 1) + 1):
        line = lines[number - 1]
        told = f"{number:5} {cut(line, LINE_MAX)}"
        room -= len(told) + 1
        if room < 0 and shown:
            break
        shown.append(told)
    last = first + len(shown) - 1
    part = f" (lines {first} to {last} of {len(lines)})" if (first, last) != (1, len(lines)) else ""
    more = (
        f"\n(lines {last + 1} to {wanted} are left out: read `{path}:{last + 1}-{wanted}`)"
        if last < wanted
        else ""
    )
    return f"{path}{part}:\n" + "\n".join(shown) + more


async def _search(workbench: Workbench, arguments: Search) -> str:
    wanted, told = arguments.wanted, set[tuple[str, int]]()
    found = [await _search_one(workbench, arguments, one, HITS_MAX // len(wanted), told) for one in wanted]
    if len(wanted) == 1:
        return found[0]
    return "\n\n".join(f"{pattern}\n{hits}" for pattern, hits in zip(wanted, found, strict=True))


async def _search_one(
    workbench: Workbench, arguments: Search, pattern: str, limit: int, known: set[tuple[str, int]]
) -> str:
    """The hits of one pattern, without those lines that are ``known`` of another one; they join these."""
    indexed = await workbench.indexes.at(workbench.tree, parsed=False)
    try:
        hits = await asyncio.to_thread(
            indexed.search,
            pattern,
            regex=arguments.regex,
            word=arguments.word,
            ignore_case=arguments.ignore_case,
            glob=arguments.glob,
            limit=limit,
        )
    except ValueError as error:
        return f"The pattern cannot be used: {error}"
    if not hits:
        return "No match."
    fresh = [hit for hit in hits if (hit.path, hit.line) not in known]
    told = await asyncio.to_thread(_told_hits, workbench, fresh)
    kept = list(takewhile(lambda total: total[0] <= SHOWN_MAX * limit // HITS_MAX, _running(told)))
    known.update((hit.path, hit.line) for hit in fresh[: len(kept)])
    above = len(hits) - len(fresh)
    lines = [line for _, line in kept]
    lines += [f"({above} {'line' if above == 1 else 'lines'} told above)"] if above else []
    lines += ["(there are more)"] if hits.truncated or len(kept) < len(told) else []
    return "\n".join(lines)


def _told_hits(workbench: Workbench, hits: Iterable[native.Hit]) -> list[str]:
    """Each hit with its line, masked before it is cut; what may be of a key is looked up in its file.

    A path stands once, before the first of its hits in a row.
    """
    files: dict[str, list[str]] = {}
    told, last = [], ""
    for hit in hits:
        line = workbench.redactor.redact(hit.text)
        if _OF_A_KEY.search(line):
            if hit.path not in files:
                with suppress(
                    OSError, ValueError, WainwrightError
                ):  # it has just gone: nothing of it is shown
                    content = native.read_beneath(workbench.tree, hit.path, EDIT_MAX)
                    files[hit.path] = _lines(workbench, content)
            line = next(iter(files.get(hit.path, [])[hit.line - 1 : hit.line]), MASK)
        path, last = "" if hit.path == last else in_line(hit.path), hit.path
        told.append(f"{path}:{hit.line}: {cut(line, LINE_MAX)}")
    return told


def _running(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Each line with the characters up to its end."""
    total = 0
    for line in lines:
        total += len(line) + 1
        yield total, line


async def _list(workbench: Workbench, arguments: ListFiles) -> str:
    below = str(PurePosixPath(arguments.below)).lstrip("/")
    below = "" if below == "." else below
    indexed = await workbench.indexes.at(workbench.tree, parsed=False)
    files = await asyncio.to_thread(indexed.index.files)
    paths = [f.path for f in files if not below or f.path == below or f.path.startswith(below + "/")]
    more = f"\n… and {len(paths) - 500} more" if len(paths) > 500 else ""
    return "\n".join(map(in_line, paths[:500])) + more if paths else "No files there."


async def apply(workbench: Workbench, blocks: Sequence[Block]) -> tuple[bool, str]:
    """Apply the blocks of one reply, all or none. Returns whether they were applied, and what to tell the model."""
    outcome = await asyncio.to_thread(_worked_out, workbench, blocks)
    if isinstance(outcome, Refusal):
        told = f"No block was applied. Block {outcome.edit + 1}: {outcome.explain()}"
        return False, told + await asyncio.to_thread(_whole_instead, workbench, outcome)
    for done in outcome.done:
        lost = await asyncio.to_thread(workbench.repository.why_not_kept, workbench.tree, done.path)
        if lost:
            return False, f"No block was applied. {lost}."
    workbench.written.update(done.path for done in outcome.done)
    for path in outcome.changes:
        workbench.misquoted.pop(path, None)
    if not outcome.changes:
        return True, "Nothing to change: all of it is there already."
    before = {path: await asyncio.to_thread(text, workbench.tree, path) for path in outcome.changes}
    if masked := await asyncio.to_thread(_masked, workbench, outcome.changes, before):
        return False, (
            f"No block was applied. {MASK} in {masked} stands for a secret that is hidden from you. Change the lines "
            "around it with SEARCH blocks, and leave it where it is."
        )
    batch = [
        (path, None if after is None else after.encode(), None) for path, after in outcome.changes.items()
    ]
    try:
        await asyncio.to_thread(native.write_batch, workbench.tree, batch, expected=outcome.before)
    except (OSError, ValueError, WainwrightError) as error:
        return False, f"No block was applied: {error}"
    worse = await asyncio.to_thread(_worse, outcome, before)
    return True, f"Applied: {_told(outcome, blocks)}.{worse}"


def _masked(workbench: Workbench, changes: Mapping[str, str | None], before: Mapping[str, str | None]) -> str:
    """A file in which a mask would be written over the secret that it stands for; empty when there is none."""
    for path, after in changes.items():
        was = before[path] or ""
        if (after or "").count(MASK) > was.count(MASK) and workbench.redactor.redact(was) != was:
            return path
    return ""


def _whole_instead(workbench: Workbench, refusal: Refusal) -> str:
    """A way out where the lines of a file were not quoted as they are, again and again."""
    if refusal.reason not in _MISQUOTED:
        return ""
    workbench.misquoted[refusal.path] += 1
    long = len(text(workbench.tree, refusal.path) or "") > WHOLE_MAX
    if long or workbench.misquoted[refusal.path] < MISQUOTED_MAX:
        return ""
    return f"\nWrite all of {refusal.path} anew instead: a DELETE block for it, and then a FILE block."


def _worked_out(workbench: Workbench, blocks: Sequence[Block]) -> Applied | Refusal:
    tree = sorted({*(file.path for file in native.walk(workbench.tree)), *kept.in_task_tree(workbench.tree)})
    if patches := [block.replace for block in blocks if block.kind == "patch"]:
        return apply_answer("\n".join(patches), tree, lambda path: _source(workbench, path))
    kinds: dict[str, Literal["search", "write", "delete"]] = {
        "search": "search",
        "file": "write",
        "delete": "delete",
    }
    edits = [
        Edit(kinds[block.kind], block.path, *_as_it_was(workbench, block))
        for block in blocks
        if block.kind != "patch"
    ]
    return apply_edits(edits, tree, lambda path: _source(workbench, path))


def _as_it_was(workbench: Workbench, block: Block) -> tuple[str, str]:
    """The texts of a block; what nobody sees in its file, and was spelled for the model, is what stands there."""
    if block.kind != "search" or "\\" not in block.search:
        return block.search, block.replace
    try:
        was = text(workbench.tree, block.path) or ""
    except (OSError, ValueError, WainwrightError):  # whoever applies it says why
        return block.search, block.replace
    return as_it_was(block.search, was), as_it_was(block.replace, was)


def _source(workbench: Workbench, path: str) -> Source:
    """What stands at a path, unless this workbench may not write there: it is asked where a path leads, too."""
    refusal = workbench.refuses(path)
    return Barred(f"{refusal}.") if refusal else source(workbench.tree, path)


def _worse(applied: Applied, before: dict[str, str | None]) -> str:
    """Sentences about files that have syntax errors and had none before: an edit that was cut off, perhaps.

    What our parser did not understand before it does not understand afterwards: C++ with macros, for one.
    """
    told = ""
    for path, after in applied.changes.items():
        counts = native.more_syntax_errors(path, before[path] or "", after or "")
        if counts is not None and not counts[0]:
            told += (
                f" Our own parser finds {counts[1]} syntax errors in {path}, and found none before: look whether an "
                "edit was cut off. What your own tools parse is right."
            )
    return told


def _told(applied: Applied, blocks: Sequence[Block]) -> str:
    parts = []
    for path, after in applied.changes.items():
        mended = {one for done in applied.done if done.path == path for one in done.tolerances}
        told = f" (tolerated: {', '.join(sorted(mended)).replace('_', ' ')})" if mended else ""
        parts.append(f"{path} {'deleted' if after is None else 'written'}{told}")
    where = [
        _differed(done, block, applied.before.get(done.path))
        for done, block in zip(applied.done, blocks, strict=False)
        if block.kind == "search" and done.line and set(done.tolerances) - {"path"}
    ]
    return ", ".join(parts) + ("".join(f"; {one}" for one in where if one))


def _differed(done: Done, block: Block, before: bytes | None) -> str:
    """Where a block was applied whose lines are not quite in the file, and the first line that differs."""
    lines = (before or b"").decode("utf-8", "replace").splitlines()[done.line - 1 :]
    quoted = block.search.splitlines()
    at, pair = next(
        ((at, pair) for at, pair in enumerate(zip(lines, quoted, strict=False)) if pair[0] != pair[1]),
        (0, None),
    )
    if pair is None:
        return f"at line {done.line}"
    found, wanted = (repr(cut(line, 160)) for line in pair)
    return f"at line {done.line} of {done.path}, where line {done.line + at} is {found} and not {wanted}"


READ = Tool(
    name="read",
    description=(
        "Show files with line numbers: one `path`, or several `paths`; "
        f"at most {LINES_MAX} lines of each and {SHOWN_MAX} characters of all. What is left out is named."
    ),
    arguments=Read,
    effect="read",
    run=_read,
)
SEARCH = Tool(
    name="search",
    description=(
        "Find a text or a regular expression, or several as `patterns`, in the files of the workspace; at most "
        f"{HITS_MAX} hits. A path stands before the first of its lines."
    ),
    arguments=Search,
    effect="read",
    run=_search,
)
LIST = Tool(
    name="list",
    description="List the files of the workspace, or of one folder. Ignored files are left out.",
    arguments=ListFiles,
    effect="read",
    run=_list,
)
