"""What the client at the other end can do, resolved once from ``initialize``."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lsprotocol import types

EXPERIMENTAL_KEY = "wainwright"
_QUESTIONS_TAKE_KEYS = frozenset({"neovim", "eglot", "emacs", "helix"})


@dataclass(frozen=True)
class ClientProfile:
    """Flat answers to "may I send this?". The default is a client that can do nothing beyond the bare minimum."""

    name: str = ""
    version: str = ""
    apply_edit: bool = False
    document_changes: bool = False
    """Versioned edits work. Neovim has them and does not say so, but it does list resource operations."""
    resource_operations: frozenset[str] = frozenset()
    change_annotations: bool = False
    code_lens_refresh: bool = False
    diagnostic_refresh: bool = False
    inlay_hint_refresh: bool = False
    work_done_progress: bool = False
    questions_take_keys: bool = False
    """A question takes the keyboard at once: what a person is typing would be lost, or would answer it."""
    show_document: bool = False
    text_document_content: bool = False
    configuration: bool = False
    watched_files: bool = False
    snippet_edits: bool = False
    experimental: Mapping[str, object] = field(default_factory=dict)
    """What a client of ours says under ``experimental.wainwright``."""
    rich: bool = False
    """A client of ours: it wants the ``wainwright/event`` notifications."""


def client_profile(params: types.InitializeParams) -> ClientProfile:
    """Read the profile out of the ``initialize`` parameters."""
    capabilities = params.capabilities
    workspace = capabilities.workspace or types.WorkspaceClientCapabilities()
    window = capabilities.window or types.WindowClientCapabilities()
    edit = workspace.workspace_edit or types.WorkspaceEditClientCapabilities()
    operations = frozenset(str(getattr(kind, "value", kind)) for kind in edit.resource_operations or ())
    info = params.client_info
    offered = _experimental(capabilities.experimental)
    return ClientProfile(
        name=info.name if info else "",
        version=(info.version or "") if info else "",
        apply_edit=bool(workspace.apply_edit),
        document_changes=bool(edit.document_changes) or bool(operations),
        resource_operations=operations,
        change_annotations=edit.change_annotation_support is not None,
        code_lens_refresh=_says(workspace.code_lens, "refresh_support"),
        diagnostic_refresh=_says(workspace.diagnostics, "refresh_support"),
        inlay_hint_refresh=_says(workspace.inlay_hint, "refresh_support"),
        work_done_progress=bool(window.work_done_progress),
        questions_take_keys=info is not None and info.name.lower() in _QUESTIONS_TAKE_KEYS,
        show_document=_says(window.show_document, "support"),
        text_document_content=workspace.text_document_content is not None,
        configuration=bool(workspace.configuration),
        watched_files=_says(workspace.did_change_watched_files, "dynamic_registration"),
        snippet_edits=bool(edit.snippet_edit_support),
        experimental=offered or {},
        rich=offered is not None,
    )


def _says(section: object, name: str) -> bool:
    return bool(getattr(section, name, False))


def _experimental(offered: object) -> Mapping[str, object] | None:
    if not isinstance(offered, Mapping):
        return None
    ours = offered.get(EXPERIMENTAL_KEY)
    if isinstance(ours, Mapping):
        return ours
    return {} if ours is True else None
