"""What is wrong with a plan as it is written, as diagnostics on its page; and what has to be known beside it."""

from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.domain.plan_page import Problem

if TYPE_CHECKING:
    from wainwright.lsp.connection.session import WainwrightServer
    from wainwright.lsp.runs.plan_pages import PlanPage

SOURCE = "wainwright"
_SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "hint": types.DiagnosticSeverity.Information,
}


class PlanDiagnostics:
    """The diagnostics of open pages."""

    def __init__(self, server: "WainwrightServer") -> None:
        self._server = server
        self._published: dict[str, list[types.Diagnostic]] = {}

    def show(self, page: "PlanPage") -> None:
        """Show what there is to say about a page, unless that is there already."""
        found = diagnostics(page)
        if self._published.get(page.uri, []) != found:
            self._published[page.uri] = found
            self._server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(page.uri, found))


def diagnostics(page: "PlanPage") -> list[types.Diagnostic]:
    """What there is to say about a page."""
    return [_diagnostic(page, one) for one in (*page.problems, *_beside(page))]


def _diagnostic(page: "PlanPage", problem: Problem) -> types.Diagnostic:
    return types.Diagnostic(
        range=page.range(problem.span),
        message=problem.text,
        severity=_SEVERITIES[problem.severity],
        code=problem.code,
        source=SOURCE,
    )


def _beside(page: "PlanPage") -> list[Problem]:
    """What the run says about its plan: money, tests, and what was written to the Planner."""
    view = page.view
    if view is None or not page.read.tasks:
        return []
    at = page.read.title
    found = [Problem(at, "tests", told, "hint") for told in view.cautions]
    found += [
        Problem(at, "over-budget", gate.detail, "warning") for gate in view.gates if gate.kind == "budget"
    ]
    asks = any(gate.kind == "plan" for gate in view.gates)
    when = "when you reject the plan" if asks else "when a plan is made anew"
    said = f"The Planner is told this {when}."
    return [*found, *(Problem(one.span, "said", said, "hint") for one in page.read.said)]
