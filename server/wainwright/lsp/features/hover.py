"""What a person sees who points at something: on a plan, how far a task is; on a delivered line, why it is there."""

from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.lsp.documents.own import relative
from wainwright.lsp.features.plan_hover import on_plan

if TYPE_CHECKING:
    from wainwright.lsp.connection.session import WainwrightServer
    from wainwright.lsp.runs.delivered_lines import DeliveredLines
    from wainwright.lsp.runs.plan_pages import PlanPages


def hover(
    server: "WainwrightServer", pages: "PlanPages", lines: "DeliveredLines", params: types.HoverParams
) -> types.Hover | None:
    """What is known of a place, out of memory."""
    uri, position = params.text_document.uri, params.position
    page = pages.page(uri)
    text = on_plan(page, position) if page is not None else _on_line(server, pages, lines, params)
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text)) if text else None


def _on_line(
    server: "WainwrightServer", pages: "PlanPages", lines: "DeliveredLines", params: types.HoverParams
) -> str:
    path = relative(pages.workspace, params.text_document.uri)
    buffer = server.buffers.open_document(params.text_document.uri)
    if path is None or buffer is None:
        return ""
    index, number = buffer.index, params.position.line
    return lines.why(path, [index.line(one) for one in (number - 1, number, number + 1)], number)
