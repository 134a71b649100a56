"""What can be begun at a place in the person's files: a diagnostic, a TODO, a selection, a definition, the file."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from wainwright.domain.text import headline
from wainwright.lsp.documents.comments import LINES_MAX, todo
from wainwright.lsp.runs.available import AvailableCommand

if TYPE_CHECKING:
    from wainwright.engine.editor_index import Definition
    from wainwright.lsp.documents.buffers import Buffer

FIX = "quickfix.wainwright"
"""For what belongs to the place where the person is, and for decisions that somebody waits for."""
WORK = "refactor.wainwright"
SOURCE = "source.wainwright"
"""For the commands about a run or a file; most editors keep these out of the short menu."""
LONGEST = 10_000
"""Characters of a place that go into a goal."""
SHORT = 60


@dataclass(frozen=True)
class Beginning:
    """One command that begins work at a place, and in which menu it stands."""

    offer: AvailableCommand
    kind: str
    diagnostic: types.Diagnostic | None = None


def beginnings(
    uri: str,
    path: str,
    buffer: "Buffer",
    span: types.Range,
    diagnostics: list[types.Diagnostic],
    definition: "Definition | None",
) -> list[Beginning]:
    """What can be begun, the nearest to the place first; no two have the same title."""
    found = _fixes(uri, diagnostics)
    first = max(0, span.start.line - LINES_MAX)
    near = [buffer.index.line(one) for one in range(first, span.start.line + LINES_MAX)]
    asked = todo(near, span.start.line - first)
    if asked:
        title = f"Do this TODO: {headline(asked, SHORT)}"
        found.append(Beginning(AvailableCommand(title, "wainwright.start", _at(uri, span, asked)), FIX))
    start, end = buffer.index.offsets(span)
    selected = buffer.source[start:end].strip()
    if len(selected) > 1:  # in Helix the cursor itself selects a character
        first, last = span.start.line + 1, span.end.line + 1
        where = f"lines {first} to {last}" if last > first else f"line {first}"
        goal = f"Work on {where} of {path}:\n\n{selected[:LONGEST]}"
        told = [words_of(one) for one in diagnostics]
        offered = asked or "\n".join(told) or "explain"
        found.append(_ask(f"Work on {where} …", uri, span, goal, offered, WORK))
        return [*found, *_ways(where, f"{where} of {path}", uri, span, WORK)]
    if definition is not None:
        around = types.Range(
            types.Position(definition.first_line - 1, 0), types.Position(definition.last_line - 1, 0)
        )
        named = f"`{definition.name}`"
        what = f"{named} in {path}"
        found.append(_ask(f"Work on {named} …", uri, around, f"Work on {what}.", asked or "explain", SOURCE))
        if _tests(definition.name, path):
            goal = f"Make the test {what} pass. The test itself stays as it is, unless it is wrong; then say why."
            offer = AvailableCommand(f"Make {named} pass", "wainwright.start", _at(uri, around, goal))
            found.append(Beginning(offer, SOURCE))
        return [*found, *_ways(named, what, uri, around, SOURCE)]
    return [*found, *_ways("this file", path, uri, None, SOURCE)]


def _fixes(uri: str, diagnostics: list[types.Diagnostic]) -> list[Beginning]:
    """A fix for each diagnostic, of whichever server, told of all that stand beside it; and one for all of them."""
    # Two servers may say the same of a line.
    diagnostics = list({(words_of(one), one.range.start.line): one for one in diagnostics}.values())
    told = [words_of(one) for one in diagnostics]
    found = []
    for one, message in zip(diagnostics, told, strict=True):
        others = [other for other in told if other != message]
        argument = _at(uri, one.range, f"Fix: {message}"[:LONGEST])
        argument["diagnostics"] = [_full(one), *others][:20]
        line = f" (line {one.range.start.line + 1})" if told.count(message) > 1 else ""
        title = f"Fix with Wainwright: {headline(message, SHORT)}{line}"
        found.append(Beginning(AvailableCommand(title, "wainwright.start", argument), FIX, one))
    if len(set(told)) > 1:
        span = types.Range(diagnostics[0].range.start, diagnostics[-1].range.end)
        every = "\n".join(f"- {message}" for message in dict.fromkeys(told))
        argument = _at(uri, span, f"Fix all of these:\n\n{every}"[:LONGEST])
        argument["diagnostics"] = [_full(one) for one in diagnostics][:20]
        title = f"Fix with Wainwright: all {len(set(told))} problems here"
        found.append(Beginning(AvailableCommand(title, "wainwright.start", argument), FIX))
    return found


def mending(uri: str, diagnostic: types.Diagnostic, goal: str) -> AvailableCommand:
    """What was remarked of a run's work, as the goal of another."""
    title = f"Fix with Wainwright: {headline(words_of(diagnostic), SHORT)}"
    return AvailableCommand(title, "wainwright.start", _at(uri, diagnostic.range, goal))


def words_of(diagnostic: types.Diagnostic) -> str:
    """What a diagnostic says, at most 2,000 characters of it."""
    return str(getattr(diagnostic.message, "value", diagnostic.message)).strip()[:2000]


def _full(diagnostic: types.Diagnostic) -> str:
    """A diagnostic with who says it, its code, and its line."""
    who = " ".join(str(word) for word in (diagnostic.source, diagnostic.code) if word)
    line = f"line {diagnostic.range.start.line + 1}"
    return f"{words_of(diagnostic)} ({', '.join(filter(None, (who, line)))})"


def _ways(named: str, what: str, uri: str, span: types.Range | None, kind: str) -> list[Beginning]:
    """What can be done about any piece of code."""
    ways = (
        (f"Explain {named}", "wainwright.explain", f"Explain {what}."),
        (
            f"Write tests for {named}",
            "wainwright.start",
            f"Write tests for {what}. Change nothing but tests.",
        ),
        (
            f"Document {named}",
            "wainwright.start",
            f"Document {what}: what it is for and what a caller has to know, in the way the file does. "
            "Change no behaviour.",
        ),
        (f"Review {named}", "wainwright.review", f"Review {what} as it stands."),
    )
    return [
        Beginning(AvailableCommand(title, command, _at(uri, span, goal)), kind)
        for title, command, goal in ways
    ]


def _ask(title: str, uri: str, span: types.Range, goal: str, offered: str, kind: str) -> Beginning:
    return Beginning(
        AvailableCommand(title, "wainwright.work", {**_at(uri, span, goal), "offered": offered[:LONGEST]}),
        kind,
    )


def _at(uri: str, span: types.Range | None, goal: str) -> dict[str, Any]:
    if span is None:
        return {"goal": goal, "uri": uri}
    ends = {
        name: {"line": at.line, "character": at.character}
        for name, at in (("start", span.start), ("end", span.end))
    }
    return {"goal": goal, "uri": uri, "range": ends}


def _tests(name: str, path: str) -> bool:
    """Whether a definition looks like a test."""
    file = path.rpartition("/")[2].lower()
    return name.lower().startswith(("test", "it_", "should")) and ("test" in path.lower() or "spec" in file)
