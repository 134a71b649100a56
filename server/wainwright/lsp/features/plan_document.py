"""The page of a plan as a live document: registers what is asked about it, and keeps its memory going.

All answers come out of memory: none waits for the engine.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.lsp.features.completion import completion
from wainwright.lsp.features.formatting import formatting
from wainwright.lsp.features.inlay_hints import Refreshing, inlay_hints
from wainwright.lsp.features.plan_diagnostics import PlanDiagnostics
from wainwright.lsp.features.plan_places import definition, references

if TYPE_CHECKING:
    from wainwright.lsp.connection.session import WainwrightServer
    from wainwright.lsp.runs.plan_pages import PlanPage, PlanPages

Pages = Callable[[str], "PlanPages | None"]
"""The open pages of the folder that a URI is in, once its engine is there."""
PageOf = Callable[[str], "PlanPage | None"]
"""The page of a URI; None for any other document."""


PATTERN = "**/.wainwright/runs/*/plan.md"
"""Which documents are pages of plans."""
_BY_SELECTOR = {
    types.TEXT_DOCUMENT_COMPLETION: ("completion", "completion_provider"),
    types.TEXT_DOCUMENT_DEFINITION: ("definition", "definition_provider"),
    types.TEXT_DOCUMENT_REFERENCES: ("references", "references_provider"),
    types.TEXT_DOCUMENT_FORMATTING: ("formatting", "document_formatting_provider"),
}
"""What is asked of one server alone in some editors, so that it is offered for these pages and nothing else."""
_TRIGGERS = [" ", "`", "/"]


async def offer_plan_document(server: "WainwrightServer") -> None:
    """Ask the editor to send what is about pages of plans, where it can tell them from other documents."""
    asked = [
        types.Registration(
            id=f"wainwright:{method}",
            method=method,
            register_options={
                "documentSelector": [{"scheme": "file", "pattern": PATTERN}],
                **({"triggerCharacters": _TRIGGERS} if name == "completion" else {}),
            },
        )
        for method, (name, _) in _BY_SELECTOR.items()
        if name in server.profile.registers
    ]
    if asked:
        await server.ask(types.CLIENT_REGISTER_CAPABILITY, types.RegistrationParams(asked))


def register_plan_document(server: "WainwrightServer", pages: Pages) -> None:
    """Have requests about a plan's page answered; for all other documents there is nothing to say."""
    server.by_selector = {method: capability for method, (_, capability) in _BY_SELECTOR.items()}

    def page_of(uri: str) -> "PlanPage | None":
        known = pages(uri)
        return known.page(uri) if known is not None else None

    _register_looks(server, pages, page_of)
    _register_edits(server, pages, page_of)


def _register_looks(server: "WainwrightServer", pages: Pages, page_of: PageOf) -> None:
    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    async def hints(params: types.InlayHintParams) -> list[types.InlayHint]:
        page = page_of(params.text_document.uri)
        return inlay_hints(page, params.range) if page is not None else []

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def defined(params: types.DefinitionParams) -> list[types.Location]:
        known, page = pages(params.text_document.uri), page_of(params.text_document.uri)
        if known is None or page is None:
            return []
        return definition(page, known.workspace, params.position)

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def named(params: types.ReferenceParams) -> list[types.Location]:
        page = page_of(params.text_document.uri)
        declared = params.context.include_declaration
        return references(page, params.position, declared=declared) if page is not None else []


def _register_edits(server: "WainwrightServer", pages: Pages, page_of: PageOf) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def did_save(params: types.DidSaveTextDocumentParams) -> None:
        known = pages(params.text_document.uri)
        if known is not None:
            await known.saved(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_COMPLETION)
    async def complete(params: types.CompletionParams) -> list[types.CompletionItem]:
        known, page = pages(params.text_document.uri), page_of(params.text_document.uri)
        if known is None or page is None:
            return []
        return completion(page, params.position, known.paths)

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    async def formatted(params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        page = page_of(params.text_document.uri)
        return formatting(page) if page is not None else []


def follow_plan_document(server: "WainwrightServer", pages: "PlanPages") -> None:
    """Show problems of open pages, and look again whenever one is typed in or its run goes on."""
    pages.listeners += [PlanDiagnostics(server).show, Refreshing(server).look]
    server.spawn(pages.follow(), "follow the pages of plans")
