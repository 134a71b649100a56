"""What the client at the other end can do, resolved once from ``initialize``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lsprotocol import types

EXPERIMENTAL_KEY = "wainwright"
_LINE_LENGTHS = {"neovim": 52, "eglot": 100, "emacs": 100, "helix": 100}
"""In these a question takes the keyboard, and so much of what they are told is seen at once. Neovim asks for Enter
after more than a line: of 80 columns it keeps 12 for itself, and 0.12 puts 16 before each message."""

_TAKE_AWAY = (
    "visual studio code",
    "vscodium",
    "code - oss",
    "code-server",
    "openvscode",
    "cursor",
    "windsurf",
    "positron",
    "kiro",
    "trae",
    "antigravity",
)
"""VS Code, and what is built from it. They keep a question with buttons in sight where it is an error, and hide any
other after some seconds."""


_ALL_VERSIONS = (*_TAKE_AWAY, "eglot", "helix")
"""They make no edit of a document that has another version by now."""
_FIRST_VERSION = "neovim"
"""It looks at the version of the first document of an edit alone, and at that only if it is not 0."""


@dataclass(frozen=True)
class ClientProfile:
    """Flat answers to "may I send this?". The default is a client that can do nothing beyond the bare minimum."""

    apply_edit: bool = False
    document_changes: bool = False
    """Versioned edits work. Neovim has them and does not say so, but it does list resource operations."""
    versions_looked_at: Literal["all", "first", "none"] = "none"
    """Of which documents of an edit the client is known to look at the version, and to leave alone what is older."""
    change_annotations: bool = False
    action_literals: bool = False
    """It takes code actions; an older one takes their commands only."""
    code_lens_refresh: bool = False
    inlay_hint_refresh: bool = False
    work_done_progress: bool = False
    questions_take_keys: bool = False
    """A question takes the keyboard at once: what a person is typing would be lost, or would answer it."""
    line_length: int = 0
    """Characters of what is told that are seen at once; 0: all of it is."""
    show_document: bool = False
    registers: frozenset[str] = frozenset()
    """Requests that a server may ask for later, for some documents only: names of `textDocument`'s capabilities."""
    rich: bool = False
    """A client of ours: it wants the ``wainwright/event`` notifications."""
    kept_in_sight: types.MessageType = types.MessageType.Warning
    """How a question is marked that stays until it is answered: some take all but errors away by themselves, and
    leave an error there that was answered elsewhere: a client of ours, which shows what is asked, is spared that."""
    input: bool = False
    """It can take a line of text from the person: ``wainwright/input``."""
    output: bool = False
    """It shows what commands print: ``wainwright/output``."""
    changes: bool = False
    """It has a view of differences: ``wainwright/changes``."""


def client_profile(params: types.InitializeParams) -> ClientProfile:
    """Read the profile out of the ``initialize`` parameters."""
    capabilities = params.capabilities
    workspace = capabilities.workspace or types.WorkspaceClientCapabilities()
    window = capabilities.window or types.WindowClientCapabilities()
    edit = workspace.workspace_edit or types.WorkspaceEditClientCapabilities()
    info = params.client_info
    name = info.name.lower() if info is not None else ""
    takes_away, rich = name.startswith(_TAKE_AWAY), _ours(capabilities.experimental, "events", unsaid=True)
    return ClientProfile(
        apply_edit=bool(workspace.apply_edit),
        document_changes=bool(edit.document_changes) or bool(edit.resource_operations),
        versions_looked_at="all"
        if name.startswith(_ALL_VERSIONS)
        else "first"
        if name == _FIRST_VERSION
        else "none",
        change_annotations=edit.change_annotation_support is not None,
        action_literals=_says(
            getattr(capabilities.text_document, "code_action", None), "code_action_literal_support"
        ),
        code_lens_refresh=_says(workspace.code_lens, "refresh_support"),
        inlay_hint_refresh=_says(workspace.inlay_hint, "refresh_support"),
        work_done_progress=bool(window.work_done_progress),
        questions_take_keys=name in _LINE_LENGTHS,
        line_length=_LINE_LENGTHS.get(name, 0),
        show_document=_says(window.show_document, "support"),
        registers=_registers(capabilities.text_document),
        kept_in_sight=types.MessageType.Error if takes_away and not rich else types.MessageType.Warning,
        rich=rich,
        input=_ours(capabilities.experimental, "input", unsaid=False),
        output=_ours(capabilities.experimental, "output", unsaid=False),
        changes=_ours(capabilities.experimental, "changes", unsaid=False)
        and _says(capabilities.workspace, "text_document_content"),
    )


def _says(section: object, name: str) -> bool:
    return bool(getattr(section, name, False))


def _registers(section: object) -> frozenset[str]:
    names = ("completion", "definition", "references", "formatting")
    return frozenset(one for one in names if _says(getattr(section, one, None), "dynamic_registration"))


def _ours(offered: object, what: str, *, unsaid: bool) -> bool:
    """Whether a client names us and this, in an object; ``true`` in its place stands for what goes ``unsaid``."""
    ours = offered.get(EXPERIMENTAL_KEY) if isinstance(offered, Mapping) else None
    if isinstance(ours, Mapping):
        return ours.get(what, unsaid) is True
    return ours is True and unsaid
