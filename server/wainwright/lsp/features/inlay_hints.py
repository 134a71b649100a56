"""How far each task of a plan is, what it cost and how long it took: beside its heading, never in the text."""

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from wainwright.lsp.connection.session import WainwrightServer
    from wainwright.lsp.runs.plan_pages import PlanPage


def inlay_hints(page: "PlanPage", shown: types.Range) -> list[types.InlayHint]:
    """A hint behind the heading of each task in a range."""
    found = []
    for task in page.read.tasks:
        at = page.range(task.head).end
        text = _told(page, task.id.text)
        if text and shown.start.line <= at.line <= shown.end.line:
            found.append(types.InlayHint(at, text, padding_left=True))
    return found


class Refreshing:
    """Has the editor ask for hints and lenses again when tasks have moved on."""

    def __init__(self, server: "WainwrightServer") -> None:
        self._server = server
        self._shown: dict[str, list[str]] = {}

    def look(self, page: "PlanPage") -> None:
        """Ask, unless nothing of a page is told otherwise than before."""
        told = [_told(page, task.id.text) for task in page.read.tasks]
        before, self._shown[page.uri] = self._shown.get(page.uri), told
        if before is not None and before != told:
            self._server.refresh(hints=True)


def _told(page: "PlanPage", name: str) -> str:
    seen, told = page.task(name), page.told.get(name)
    if seen is None:
        return "" if page.view is None else "not saved"
    parts = [seen.status if not seen.attempt else f"{seen.status}, attempt {seen.attempt + 1}"]
    if told is not None and told.calls:
        parts += [told.cost, f"{told.seconds:.0f} s"]
    return " · ".join(parts)
