"""Formatting of the page of a plan: as Wainwright would write it, with all that a person added."""

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from wainwright.lsp.runs.plan_pages import PlanPage


def formatting(page: "PlanPage") -> list[types.TextEdit]:
    """One edit for the whole page; none where something on it would be lost or is wrong."""
    # Not before the editor has its first answer.
    from wainwright.domain.plan_problems import problems  # noqa: PLC0415
    from wainwright.domain.plan_text import render  # noqa: PLC0415

    read = page.read
    if any(one.severity == "error" or one.code in ("not-understood", "code") for one in problems(read)):
        return []
    text = render(read.plan(), read.goal, read.revision, read.kept, read.said)
    if text == page.source:
        return []
    return [types.TextEdit(page.index.range(0, len(page.source)), text)]
