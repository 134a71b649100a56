"""Typed face of the native half: listing, search, differences, edits, and files beneath a root.

The only importer of the extension module. Every function works without the interpreter lock, so a thread that
calls it holds nobody up. Roots are absolute; other paths are relative to the root, with ``/`` between
components.
"""

from wainwright.workspace.native.edits import (
    Applied,
    Edit,
    Hunk,
    Place,
    Refusal,
    apply_answer,
    apply_blocks,
    apply_edits,
    line_hunks,
    more_syntax_errors,
    unified,
)
from wainwright.workspace.native.fsops import (
    AnyPath,
    Item,
    Recovery,
    Restored,
    Snapshots,
    Tree,
    read_beneath,
    recover,
    write_batch,
)
from wainwright.workspace.native.index import (
    Cancel,
    Cancelled,
    Defined,
    Definition,
    FileEntry,
    Found,
    Hit,
    Index,
    Listing,
    Posting,
    Refreshed,
    Stats,
    search,
    walk,
)

__all__ = [
    "AnyPath",
    "Applied",
    "Cancel",
    "Cancelled",
    "Defined",
    "Definition",
    "Edit",
    "FileEntry",
    "Found",
    "Hit",
    "Hunk",
    "Index",
    "Item",
    "Listing",
    "Place",
    "Posting",
    "Recovery",
    "Refreshed",
    "Refusal",
    "Restored",
    "Snapshots",
    "Stats",
    "Tree",
    "apply_answer",
    "apply_blocks",
    "apply_edits",
    "line_hunks",
    "more_syntax_errors",
    "read_beneath",
    "recover",
    "search",
    "unified",
    "walk",
    "write_batch",
]
