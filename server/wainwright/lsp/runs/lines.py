"""Where a line that the person looks at comes from."""

from typing import TYPE_CHECKING

from wainwright.domain.errors import InputError
from wainwright.lsp.documents.own import relative
from wainwright.lsp.documents.positions import uri_from_path
from wainwright.lsp.messages import LineArguments, LineInfo
from wainwright.lsp.runs.goal_input import Goals

if TYPE_CHECKING:
    from wainwright.engine.engine import Engine
    from wainwright.lsp.connection.session import WainwrightServer


async def why(server: "WainwrightServer", engine: "Engine", goals: Goals, asked: LineArguments) -> LineInfo:
    """Tell where a line comes from, and have the answer opened. Raises InputError for what is no line here."""
    path = relative(engine.workspace, asked.uri) if asked.uri else None
    if path is None:
        raise InputError(
            "No line of this workspace is named.", "Put the cursor on a line of one of its files."
        )
    opened = server.buffers.find_open(engine.workspace / path)
    text = opened.source if opened is not None else None
    seen, document = await engine.tracing.told(path, asked.line + 1, run=asked.run, text=text)
    uri = uri_from_path(document)
    goals.open_document(uri)
    return LineInfo(
        run=seen.run,
        commit=seen.commit,
        task=seen.task,
        step=seen.step.key if seen.step else "",
        call=seen.call.key if seen.call else "",
        uri=uri,
    )
