"""Ask the index: where something is defined, who uses it, what a file holds."""

import asyncio
from itertools import groupby
from typing import Literal

from pydantic import Field

from wainwright.domain.shown import in_line
from wainwright.tools.toolbox import Arguments, Tool, Workbench
from wainwright.workspace.native import Around, Symbol

FOUND_MAX = 40
"""Definitions shown by one question."""
USES_MAX = 80
AROUND_MAX = 160
"""Lines of one definition that are shown whole."""


class FindSymbol(Arguments):
    """Arguments of ``find_symbol``."""

    name: str = Field(min_length=1)
    """A name, such as ``parse`` or ``Parser.parse``."""
    how: Literal["exact", "prefix", "fuzzy"] = "exact"


class Uses(Arguments):
    """Arguments of ``references`` and ``callers``."""

    name: str = Field(min_length=1)
    """The name of a function, method, class or type."""


class Outline(Arguments):
    """Arguments of ``outline``."""

    path: str
    """Relative to the workspace."""


class ReadSymbol(Arguments):
    """Arguments of ``read_symbol``."""

    name: str = Field(min_length=1)
    """A name, such as ``parse`` or ``Parser.parse``."""
    path: str | None = None
    """Only in this file."""


async def _find(workbench: Workbench, arguments: FindSymbol) -> str:
    indexed = await workbench.indexes.at(workbench.tree)
    found = await asyncio.to_thread(indexed.find, arguments.name, how=arguments.how, limit=FOUND_MAX)
    if found or arguments.how != "exact":
        return "\n".join(map(_place, found)) or f"Nothing is called {arguments.name}."
    near = await asyncio.to_thread(indexed.find, arguments.name, how="fuzzy", limit=8)
    alike = f" Names like it:\n{chr(10).join(map(_place, near))}" if near else ""
    return f"Nothing is called {arguments.name}.{alike}"


async def _references(workbench: Workbench, arguments: Uses) -> str:
    indexed = await workbench.indexes.at(workbench.tree)
    found, complete = await asyncio.to_thread(indexed.references, arguments.name, USES_MAX)
    if not found:
        return f"No file calls {arguments.name} or names it as a type. `search` finds every mention."
    parts = []
    for path, uses in groupby(found, key=lambda use: use.path):
        parts += [in_line(path), *(f"  {use.line}: {use.text}{_within(use.within)}" for use in uses)]
    return "\n".join(parts) + ("" if complete else "\n(there may be more)")


async def _callers(workbench: Workbench, arguments: Uses) -> str:
    indexed = await workbench.indexes.at(workbench.tree)
    found, complete = await asyncio.to_thread(indexed.callers, arguments.name, USES_MAX)
    if not found:
        return f"Nothing calls {arguments.name}."
    lines = [
        f"{in_line(one.path)}: {one.caller.qualname if one.caller else '(outside of every definition)'}"
        f", line {', '.join(map(str, one.lines))}"
        for one in found
    ]
    return "\n".join(lines) + ("" if complete else "\n(there may be more)")


async def _outline(workbench: Workbench, arguments: Outline) -> str:
    indexed = await workbench.indexes.at(workbench.tree)
    found = await asyncio.to_thread(indexed.outline, arguments.path)
    if found is None:
        return f"{arguments.path} is no file of the workspace in a known language; `read` shows it."
    depth = {symbol.qualname: symbol.qualname.count(".") for symbol in found}
    lines = [f"{_span(one):>11} {'  ' * depth[one.qualname]}{one.signature or one.name}" for one in found]
    return "\n".join(lines) or f"{arguments.path} defines nothing."


async def _read(workbench: Workbench, arguments: ReadSymbol) -> str:
    indexed = await workbench.indexes.at(workbench.tree)
    found = await asyncio.to_thread(indexed.find, arguments.name, limit=FOUND_MAX)
    found = tuple(one for one in found if arguments.path in (None, one.path))
    if not found:
        path = arguments.path
        if path is not None and await asyncio.to_thread(indexed.outline, path) is None:
            return f"{path} is no file of the workspace in a known language; `search` and `read` show it."
        return f"Nothing is defined as {arguments.name}{f' in {path}' if path else ''}; `search` finds every mention."
    if len(found) != 1:
        listed = "\n".join(map(_place, found))
        return f"{len(found)} definitions fit; name one by its scopes or path:\n{listed}".rstrip(":\n")
    one = found[0]
    lines, whole = await asyncio.to_thread(
        indexed.lines, one.path, one.start_line, min(one.end_line, one.start_line + AROUND_MAX - 1)
    )
    shown = "\n".join(f"{number:5} {line}" for number, line in enumerate(lines, one.start_line))
    more = (
        ""
        if one.end_line - one.start_line < AROUND_MAX
        else f"\n(to line {one.end_line}; `read` shows the rest)"
    )
    return f"{in_line(one.path)} (lines {_span(one)} of {whole}), {one.kind} {one.qualname}:\n{shown}{more}"


def _place(symbol: Symbol) -> str:
    where = f"{in_line(symbol.path)}:{symbol.line}"
    return f"{where}: {symbol.kind} {symbol.qualname} (lines {_span(symbol)}) {symbol.signature}"


def _span(symbol: Symbol) -> str:
    return f"{symbol.start_line}-{symbol.end_line}"


def _within(around: Around | None) -> str:
    return f"  (in {around.qualname})" if around else ""


FIND_SYMBOL = Tool(
    name="find_symbol",
    description="Find where a function, class, constant or other name is defined.",
    arguments=FindSymbol,
    effect="read",
    run=_find,
)
REFERENCES = Tool(
    name="references",
    description="Find where a name is called, or named as a type, with the definition around each place.",
    arguments=Uses,
    effect="read",
    run=_references,
)
CALLERS = Tool(
    name="callers",
    description="List the definitions that call a function or method.",
    arguments=Uses,
    effect="read",
    run=_callers,
)
OUTLINE = Tool(
    name="outline",
    description="List what a file defines, with lines and signatures.",
    arguments=Outline,
    effect="read",
    run=_outline,
)
READ_SYMBOL = Tool(
    name="read_symbol",
    description="Show one definition whole, with line numbers.",
    arguments=ReadSymbol,
    effect="read",
    run=_read,
)
