"""Completion on the page of a plan: tasks behind `needs:`, requirements behind `serves:`, files behind `writes:`."""

import re
from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wainwright.lsp.runs.plan_pages import PlanPage

PATHS_MAX = 200
_LIST = re.compile(r" {0,3}[-*] +(needs|writes|serves)[ \t]*:.*?([\w./*-]*)$", re.IGNORECASE)


def completion(
    page: "PlanPage", position: types.Position, paths: "Iterable[str]"
) -> list[types.CompletionItem]:
    """What may stand at a position; ``paths`` are the files of the workspace, relative to it."""
    start = page.index.line_start(position.line)
    found = _LIST.match(page.source[start : page.index.offset(position)])
    if found is None:
        return []
    begun = found[2]
    if found[1].lower() == "writes":
        fitting = sorted(path for path in paths if begun in path)[:PATHS_MAX]
        return [_item(page, position, begun, path, types.CompletionItemKind.File) for path in fitting]
    if found[1].lower() == "serves":
        return [
            _item(page, position, begun, one.id.text, types.CompletionItemKind.Reference, one.text[:80])
            for one in page.read.requirements
        ]
    own = page.task_at(position)
    return [
        _item(page, position, begun, task.id.text, types.CompletionItemKind.Reference, task.title)
        for task in page.read.tasks
        if own is None or task.id.text != own.id.text
    ]


def _item(
    page: "PlanPage",
    position: types.Position,
    begun: str,
    label: str,
    kind: types.CompletionItemKind,
    detail: str = "",
) -> types.CompletionItem:
    end = page.index.offset(position)
    edit = types.TextEdit(page.index.range(end - len(begun), end), label)
    return types.CompletionItem(label, kind=kind, detail=detail or None, text_edit=edit)
