"""Look at files, search them, and apply the blocks of a reply."""

import asyncio
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field

from wainwright.domain.errors import WainwrightError
from wainwright.domain.goal import Fact
from wainwright.tools.toolbox import Arguments, Tool, Workbench
from wainwright.workspace import kept, native
from wainwright.workspace.native.edits import Applied, Barred, Edit, Refusal, Source, apply_edits
from wainwright.workspace.sources import EDIT_MAX, source, text

LINES_MAX = 400
"""Lines shown by one read."""


class Block(Fact):
    """One edit of a reply: for ``search`` both texts count, for ``file`` the replacement, for ``delete`` none."""

    kind: Literal["search", "file", "delete"]
    path: str
    search: str = ""
    replace: str = ""


class Read(Arguments):
    """Arguments of ``read``."""

    path: str
    """Relative to the workspace."""
    first_line: int = Field(default=1, ge=1)
    last_line: int | None = Field(default=None, ge=1)


class Search(Arguments):
    """Arguments of ``search``."""

    pattern: str = Field(min_length=1)
    regex: bool = False
    word: bool = False
    """Whether a match must begin and end where a word does."""
    ignore_case: bool = False
    glob: str | None = None
    """Only files whose path matches, such as ``*.py`` or ``src/**``."""


class ListFiles(Arguments):
    """Arguments of ``list``."""

    below: str = ""
    """A folder relative to the workspace; empty for all."""


async def _read(workbench: Workbench, arguments: Read) -> str:
    try:
        content = await asyncio.to_thread(native.read_beneath, workbench.tree, arguments.path, EDIT_MAX)
    except (OSError, ValueError, WainwrightError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return (
            f"{arguments.path} cannot be read: {why}. Ignored folders such as .venv are seen by `shell` only."
        )
    if b"\0" in content[:8192]:
        return f"{arguments.path} is binary ({len(content)} bytes)."
    lines = content.decode("utf-8", "replace").split("\n")
    if lines[-1] == "":
        lines.pop()
    first = arguments.first_line
    last = min(arguments.last_line or len(lines), len(lines), first + LINES_MAX - 1)
    if first > last and (first, last) != (1, 0):
        until = arguments.last_line or first
        return f"{arguments.path} has {len(lines)} lines; there is nothing from {first} to {until}."
    shown = "\n".join(f"{n:5} {lines[n - 1]}" for n in range(first, last + 1))
    more = f" (lines {first} to {last} of {len(lines)})" if (first, last) != (1, len(lines)) else ""
    return f"{arguments.path}{more}:\n{shown}"


async def _search(workbench: Workbench, arguments: Search) -> str:
    indexed = await workbench.indexes.at(workbench.tree, parsed=False)
    try:
        hits = await asyncio.to_thread(
            indexed.search,
            arguments.pattern,
            regex=arguments.regex,
            word=arguments.word,
            ignore_case=arguments.ignore_case,
            glob=arguments.glob,
            limit=100,
        )
    except ValueError as error:
        return f"The pattern cannot be used: {error}"
    if not hits:
        return "No match."
    return "\n".join(f"{h.path}:{h.line}: {h.text}" for h in hits) + (
        "\n(there are more)" if hits.truncated else ""
    )


async def _list(workbench: Workbench, arguments: ListFiles) -> str:
    below = str(PurePosixPath(arguments.below)).lstrip("/")
    below = "" if below == "." else below
    indexed = await workbench.indexes.at(workbench.tree, parsed=False)
    files = await asyncio.to_thread(indexed.index.files)
    paths = [f.path for f in files if not below or f.path == below or f.path.startswith(below + "/")]
    more = f"\n… and {len(paths) - 500} more" if len(paths) > 500 else ""
    return "\n".join(paths[:500]) + more if paths else "No files there."


async def apply(workbench: Workbench, blocks: Sequence[Block]) -> tuple[bool, str]:
    """Apply the blocks of one reply, all or none. Returns whether they were applied, and what to tell the model."""
    outcome = await asyncio.to_thread(_worked_out, workbench, blocks)
    if isinstance(outcome, Refusal):
        return False, f"No block was applied. Block {outcome.edit + 1}: {outcome.explain()}"
    for done in outcome.done:
        lost = await asyncio.to_thread(workbench.repository.why_not_kept, workbench.tree, done.path)
        if lost:
            return False, f"No block was applied. {lost}."
    workbench.written.update(done.path for done in outcome.done)
    if not outcome.changes:
        return True, "Nothing to change: all of it is there already."
    before = {path: await asyncio.to_thread(text, workbench.tree, path) for path in outcome.changes}
    batch = [
        (path, None if after is None else after.encode(), None) for path, after in outcome.changes.items()
    ]
    try:
        await asyncio.to_thread(native.write_batch, workbench.tree, batch, expected=outcome.before)
    except (OSError, ValueError, WainwrightError) as error:
        return False, f"No block was applied: {error}"
    worse = await asyncio.to_thread(_worse, outcome, before)
    return True, f"Applied: {_told(outcome)}.{worse}"


def _worked_out(workbench: Workbench, blocks: Sequence[Block]) -> Applied | Refusal:
    tree = sorted({*(file.path for file in native.walk(workbench.tree)), *kept.in_task_tree(workbench.tree)})
    kinds: dict[str, Literal["search", "write", "delete"]] = {
        "search": "search",
        "file": "write",
        "delete": "delete",
    }
    edits = [Edit(kinds[block.kind], block.path, block.search, block.replace) for block in blocks]
    return apply_edits(edits, tree, lambda path: _source(workbench, path))


def _source(workbench: Workbench, path: str) -> Source:
    """What stands at a path, unless this workbench may not write there: it is asked where a path leads, too."""
    refusal = workbench.refuses(path)
    return Barred(f"{refusal}.") if refusal else source(workbench.tree, path)


def _worse(applied: Applied, before: dict[str, str | None]) -> str:
    """Sentences about files that have more syntax errors than before: an edit that was cut off, perhaps."""
    told = ""
    for path, after in applied.changes.items():
        counts = native.more_syntax_errors(path, before[path] or "", after or "")
        if counts is not None:
            told += f" Look at {path} again: it has {counts[1]} syntax errors, {counts[0]} before."
    return told


def _told(applied: Applied) -> str:
    tolerated: dict[str, set[str]] = {}
    for done in applied.done:
        tolerated.setdefault(done.path, set()).update(done.tolerances)
    parts = []
    for path, after in applied.changes.items():
        mended = ", ".join(sorted(tolerated.get(path, ()))).replace("_", " ")
        parts.append(
            f"{path} {'deleted' if after is None else 'written'}{f' (tolerated: {mended})' if mended else ''}"
        )
    return ", ".join(parts)


READ = Tool(
    name="read",
    description=f"Show a file with line numbers, at most {LINES_MAX} lines at a time.",
    arguments=Read,
    effect="read",
    run=_read,
)
SEARCH = Tool(
    name="search",
    description="Find a text or a regular expression in the files of the workspace; at most 100 hits.",
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
