"""What the review remarked, as diagnostics in the files it speaks of."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.domain.changes import protected
from wainwright.lsp.documents.goal_page import Unclear, unclear
from wainwright.lsp.documents.own import GOAL, read_text
from wainwright.lsp.documents.positions import TextIndex, split_lines, uri_from_path

if TYPE_CHECKING:
    from pathlib import Path

    from wainwright.engine.views.run_view import Remark
    from wainwright.lsp.connection.session import WainwrightServer

SOURCE = "wainwright"
_TYPING_S = 0.6
"""How long nobody has typed before they are told what is unclear."""
_UNCLEAR = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "information": types.DiagnosticSeverity.Information,
}
_SEVERITIES = {
    "blocker": types.DiagnosticSeverity.Error,
    "major": types.DiagnosticSeverity.Warning,
    "minor": types.DiagnosticSeverity.Information,
}


class GoalProblems:
    """What could be misread in the goal document, while it is open."""

    def __init__(self, server: "WainwrightServer", workspace: "Path") -> None:
        self._server = server
        self._path = workspace / GOAL

    async def follow(self) -> None:
        """Keep the diagnostics of the goal document at what stands in it."""
        text: str | None = None
        uri = ""
        """Of what is shown as unclear; empty: nothing is."""
        while True:
            document = self._server.buffers.find_open(self._path)
            now = document.source if document is not None else None
            if now != text:
                text = now
                found = (
                    [_of_goal(document.index, one) for one in unclear(document.source)] if document else []
                )
                if found or uri:
                    at = uri if document is None else document.uri
                    told = types.PublishDiagnosticsParams(at, found)
                    self._server.text_document_publish_diagnostics(told)
                    uri = at if found else ""
            await self._server.buffers.next_change()
            await self._server.buffers.quiet(_TYPING_S)


def _of_goal(index: TextIndex, one: Unclear) -> types.Diagnostic:
    end = min(one.end, (index.text.find("\n", one.start) + 1 or one.end + 1) - 1)
    severity = _UNCLEAR[one.severity]
    return types.Diagnostic(index.range(one.start, max(one.start, end)), one.message, severity, source=SOURCE)


def mends(diagnostic: types.Diagnostic) -> str:
    """The goal that mends what a diagnostic of ours remarks; empty for any other."""
    data = diagnostic.data if diagnostic.source == SOURCE else None
    return str(data.get("goal", "")) if isinstance(data, dict) else ""


def proposes(diagnostic: types.Diagnostic) -> dict[str, object] | None:
    """What a diagnostic of ours would have written instead, as it came; None where it proposes nothing."""
    data = diagnostic.data if diagnostic.source == SOURCE else None
    mend = data.get("mend") if isinstance(data, dict) else None
    return mend if isinstance(mend, dict) else None


def proposal(diagnostic: types.Diagnostic, index: TextIndex) -> types.TextEdit | None:
    """The edit that a diagnostic of ours proposes; None for any other, and where its lines are not as they were.

    Where they stand more than once, those are meant that are nearest to the diagnostic.
    """
    if (mend := proposes(diagnostic)) is None:
        return None
    old, new = (split_lines(str(mend.get(key, ""))) for key in ("old", "new"))
    wanted = [line.rstrip("\r\n") for line in old]
    found = list(_standing(index, wanted)) if wanted else []
    if not found:
        return None
    first = min(found, key=lambda at: abs(at - diagnostic.range.start.line))
    start, behind = index.line_start(first), index.line_start(first + len(wanted))
    if not new:
        return types.TextEdit(index.range(start, behind), "")
    last = first + len(wanted) - 1
    end = index.line_start(last) + len(index.line(last))
    ending = index.text[end:behind] or _ending(index, first - 1) or "\n"
    return types.TextEdit(index.range(start, end), ending.join(line.rstrip("\r\n") for line in new))


def _standing(index: TextIndex, lines: list[str]) -> Iterator[int]:
    """Where these lines stand in a text: the first one of each place. Texts may be long, and this is asked often."""
    longest = max(range(len(lines)), key=lambda at: len(lines[at]))
    at = index.text.find(lines[longest]) if lines[longest] else -1
    while at >= 0:
        first = index.position(at).line - longest
        if 0 <= first <= index.line_count - len(lines) and all(
            index.line(first + n) == line for n, line in enumerate(lines)
        ):
            yield first
        at = index.text.find(lines[longest], at + 1)


def _ending(index: TextIndex, line: int) -> str:
    return (
        index.text[index.line_start(line) + len(index.line(line)) : index.line_start(line + 1)]
        if line >= 0
        else ""
    )


class Findings:
    """The diagnostics of one run at a time."""

    def __init__(self, server: "WainwrightServer", workspace: "Path") -> None:
        self._server = server
        self._workspace = workspace
        self._told: tuple[Remark, ...] = ()
        self._run = ""
        self._published: dict[str, list[types.Diagnostic]] = {}
        """By document, all that hold of the newest tree."""
        self._mended: dict[str, list[types.Diagnostic]] = {}
        """Those of them that the person has mended as was proposed, or otherwise: they are not shown."""

    async def follow(self) -> None:
        """Take away what holds no more once the lines that it would replace have gone; show it again with them."""
        while True:
            await self._server.buffers.next_change()
            await self._server.buffers.quiet(_TYPING_S)
            for uri, diagnostics in list(self._published.items()):
                document = self._server.buffers.open_document(uri)
                if document is None:
                    continue
                gone = [one for one in diagnostics if proposes(one) and not proposal(one, document.index)]
                if gone != self._mended.get(uri, []):
                    self._mended[uri] = gone
                    self._publish(uri, [one for one in diagnostics if one not in gone])

    def show(self, findings: "tuple[Remark, ...]", run: str = "") -> None:
        """Show these of a run in place of those before; an empty tuple clears them all."""
        if findings == self._told:
            return
        self._told, self._run = findings, run
        by_uri: dict[str, list[types.Diagnostic]] = {}
        for finding in findings:
            path, line = finding.place
            if not path or protected(path):
                continue
            told = self._diagnostic(finding, path, line)
            if told is not None:
                by_uri.setdefault(told[0], []).append(told[1])
        for uri in self._published.keys() - by_uri:
            self._publish(uri, [])
        for uri, diagnostics in by_uri.items():
            self._publish(uri, diagnostics)
        self._published, self._mended = by_uri, {}

    def _diagnostic(self, finding: "Remark", path: str, line: int) -> tuple[str, types.Diagnostic] | None:
        """A finding at its line; None for what stands in a file that is not here, such as a test still to come."""
        place = self._workspace / path
        document = self._server.buffers.find_open(place)
        if document is None:
            text = read_text(place, self._workspace)
            if text is None:
                return None
            index = TextIndex(text, self._server.buffers.position_encoding or "utf-16")
            uri = uri_from_path(place)
        else:
            index, uri = document.index, document.uri
        number = max(0, min(line, index.line_count) - 1)
        start, content = index.line_start(number), index.line(number)
        message = f"{finding.trigger}\n{finding.consequence}"
        return uri, types.Diagnostic(
            range=index.range(start, start + len(content)),
            message=message,
            severity=_SEVERITIES[finding.severity],
            code=finding.code,
            source=SOURCE,
            related_information=self._related(finding),
            data={"goal": f"Mend this at {finding.where}:\n\n{message}", **_mend(finding)},
        )

    def _related(self, finding: "Remark") -> list[types.DiagnosticRelatedInformation] | None:
        """The document that tells more, for editors that follow such links."""
        if not finding.document or not self._run:
            return None
        place = self._workspace / ".wainwright" / "runs" / self._run / finding.document
        at = types.Location(uri_from_path(place), types.Range(types.Position(0, 0), types.Position(0, 0)))
        return [types.DiagnosticRelatedInformation(at, f"{finding.document} of run {self._run}")]

    def _publish(self, uri: str, diagnostics: list[types.Diagnostic]) -> None:
        self._server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, diagnostics))


def _mend(finding: "Remark") -> dict[str, object]:
    return {"mend": finding.mend.model_dump()} if finding.mend else {}
