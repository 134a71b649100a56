"""The names of the workspace for the editor, and what the person types for the index."""

from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.domain.changes import protected
from wainwright.domain.text import headline
from wainwright.lsp.documents.own import relative
from wainwright.lsp.documents.positions import uri_from_path

if TYPE_CHECKING:
    from wainwright.engine.engine import Engine
    from wainwright.lsp.connection.session import WainwrightServer
    from wainwright.lsp.runs.board import Board

_NAMED = 3
"""Letters from which on a document is found by its name."""
SYMBOLS_MAX = 200
"""How many names one answer holds; the editor asks again when the person types on."""
_KINDS = {
    "class": types.SymbolKind.Class,
    "constant": types.SymbolKind.Constant,
    "constructor": types.SymbolKind.Constructor,
    "declaration": types.SymbolKind.Function,
    "enum": types.SymbolKind.Enum,
    "field": types.SymbolKind.Field,
    "function": types.SymbolKind.Function,
    "heading": types.SymbolKind.String,
    "impl": types.SymbolKind.Class,
    "interface": types.SymbolKind.Interface,
    "key": types.SymbolKind.Key,
    "macro": types.SymbolKind.Function,
    "method": types.SymbolKind.Method,
    "module": types.SymbolKind.Module,
    "namespace": types.SymbolKind.Namespace,
    "struct": types.SymbolKind.Struct,
    "table": types.SymbolKind.Object,
    "trait": types.SymbolKind.Interface,
    "type": types.SymbolKind.Class,
    "variable": types.SymbolKind.Variable,
}


async def symbols(engine: "Engine", query: str) -> list[types.WorkspaceSymbol]:
    """Names that hold the characters of ``query`` in their order, the best first; none while the setting is off."""
    found = await engine.symbols(query, SYMBOLS_MAX)
    return [
        types.WorkspaceSymbol(
            name=symbol.name,
            kind=_KINDS.get(symbol.kind, types.SymbolKind.Variable),
            container_name=symbol.container or None,
            location=types.Location(uri_from_path(engine.workspace / symbol.path), _line(symbol.line)),
        )
        for symbol in found
    ]


def documents(board: "Board", query: str) -> list[types.WorkspaceSymbol]:
    """Our own documents, found by how their names begin: git ignores their folder, and so does a search for files."""
    asked = query.strip().lower()
    if len(asked) < _NAMED:
        return []
    of_runs = [
        (f"{name}: {headline(view.goal)}", view.run, f"runs/{view.run}/{name}")
        for view in board.views()
        for name in ("run.md", "plan.md")
        if name == "run.md" or any(path.endswith(f"/{name}") for path in view.artifacts)
    ]
    found = [("goal.md", "", "goal.md"), ("runs.md", "", "runs.md"), *of_runs]
    return [
        types.WorkspaceSymbol(
            name=name,
            kind=types.SymbolKind.File,
            container_name=run or None,
            location=types.Location(uri_from_path(board.workspace / ".wainwright" / path), _line(1)),
        )
        for name, run, path in found
        if name.lower().startswith(asked)
    ]


def _line(line: int) -> types.Range:
    start = types.Position(line - 1, 0)
    return types.Range(start, start)


async def follow_buffers(server: "WainwrightServer", engine: "Engine") -> None:
    """Keep the index at what the person sees: the texts of open documents count, not those on disk."""
    known: dict[str, str] = {}
    while True:
        texts = {
            path: document.source
            for document in server.buffers.text_documents.values()
            if (path := relative(engine.workspace, document.uri)) is not None and not protected(path)
        }
        # Texts are made anew by every change, so that being the same object tells.
        fresh = [path for path, text in texts.items() if known.get(path) is not text]
        closed = [path for path in known if path not in texts]
        known = texts
        if not fresh and not closed:
            await server.buffers.next_change()
        for path in fresh:
            await engine.index.typed(path, texts[path], server)
        for path in closed:
            await engine.index.typed(path, None, server)
