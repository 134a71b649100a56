"""From the words of a plan to what they name: tasks, requirements and files; and back to where they are named."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.domain.plan import leaves_workspace
from wainwright.domain.plan_page import Span
from wainwright.lsp.documents.positions import uri_from_path

if TYPE_CHECKING:
    from pathlib import Path

    from wainwright.lsp.runs.plan_pages import PlanPage

_TOP = types.Range(types.Position(0, 0), types.Position(0, 0))


def definition(page: "PlanPage", workspace: "Path", position: types.Position) -> list[types.Location]:
    """Where the task or requirement at a position is written down; of a path, the file."""
    at = page.index.offset(position)
    for task in page.read.tasks:
        for word in task.writes:
            if word.span.start <= at <= word.span.end:
                return _file(workspace, word.text)
    name = page.word_at(position)
    return [types.Location(page.uri, page.range(span)) for span in _defined(page, name)]


def references(page: "PlanPage", position: types.Position, *, declared: bool) -> list[types.Location]:
    """Where the task or requirement at a position is named."""
    name = page.word_at(position)
    spans = [*(_defined(page, name) if declared else ()), *_named(page, name)]
    return [types.Location(page.uri, page.range(span)) for span in spans]


def _defined(page: "PlanPage", name: str) -> Iterator[Span]:
    for word in (*(task.id for task in page.read.tasks), *(one.id for one in page.read.requirements)):
        if word.text == name:
            yield word.span


def _named(page: "PlanPage", name: str) -> Iterator[Span]:
    for task in page.read.tasks:
        yield from (word.span for word in (*task.needs, *task.serves) if word.text == name)


def _file(workspace: "Path", entry: str) -> list[types.Location]:
    literal = entry.split("*", 1)[0].rstrip("/")
    if not literal or leaves_workspace(entry):
        return []
    return [types.Location(uri_from_path(workspace / literal), _TOP)]
