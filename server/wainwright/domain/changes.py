"""Changesets: edits that make sense only together, each made against known bytes."""

import hashlib
import re
import unicodedata
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

_FROZEN = ConfigDict(frozen=True, extra="forbid")
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|~[\w.-]*(/|$)|\$(HOME\b|\{HOME\})")
"""How a path begins that names a drive, a document of an editor, or a home: nobody means a folder of that name."""


_UNPRINTED = re.compile(r"[\0-\x1f\x7f\ud800-\udfff]")
"""Control characters, and bytes that are not UTF-8."""


class FileChange(BaseModel):
    """One file of a changeset.

    ``before`` is the SHA-256 (hex) of the bytes the change was made against, None for a created file.
    ``after`` is the new text, None for a deleted file and for one that text cannot carry (``binary``:
    bytes that are not UTF-8, and symbolic links); such a file travels by branch only.
    ``executable`` tells whether the new file carries the executable bit.
    ``base`` is the commit that it was made against; empty for that of the changeset.
    """

    model_config = _FROZEN

    path: str
    kind: Literal["created", "modified", "deleted"]
    before: str | None
    after: str | None
    binary: bool = False
    executable: bool = False
    base: str = ""

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        if protected(path):
            raise ValueError(f"{path!r} is outside the workspace or protected")
        return path

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.before is None) != (self.kind == "created"):
            raise ValueError("before is given exactly for files that existed")
        if (self.after is None) != (self.kind == "deleted" or self.binary):
            raise ValueError("after is given exactly for files that end up as text")
        return self


class Changeset(BaseModel):
    """What lies between two commits, as edits that are applied together or not at all."""

    model_config = _FROZEN

    base: str
    tip: str
    files: tuple[FileChange, ...]


def protected(path: str) -> bool:
    """Tell whether ``path`` is a place that no changeset may touch.

    ``path`` is relative to the workspace. True for absolute paths and ``..``, for what stands for a drive, an address
    or a home, for names that cannot be shown, for ``.git`` at any depth and in any spelling that some file system
    would take for it, and for Wainwright's own files at the root.
    """
    parts = path.replace("\\", "/").split("/")
    if not path or path[0] in "/\\" or _ELSEWHERE.match(path) or _UNPRINTED.search(path):
        return True
    if any(part in {"", ".", ".."} for part in parts):
        return True
    plain = plain_parts(path)
    return names_git(path) or "" in plain or plain[0] in {".wainwright", "wainwright.toml"}


_VANISH = {"Cf", "Mn"}


def plain_parts(path: str) -> list[str]:
    """The components of a path, each spelled the way the most forgiving file systems read it."""
    return [_plain(part) for part in path.replace("\\", "/").split("/")]


def names_git(path: str) -> bool:
    """Tell whether a component of ``path`` is ``.git``, or would be taken for it by some file system."""
    return any(part in {".git", "git~1"} for part in plain_parts(path))


def _plain(part: str) -> str:
    """Spell one path component the way the most forgiving file systems read it.

    Letter case, full-width forms, marks on letters and invisible code points vanish (HFS+, and whoever makes small
    letters by the rules of a language), and so do trailing dots, spaces and stream names (NTFS).
    """
    folded = unicodedata.normalize("NFKD", part).casefold()
    plain = "".join(
        c for c in unicodedata.normalize("NFKD", folded) if unicodedata.category(c) not in _VANISH
    )
    return plain.split(":", 1)[0].rstrip(". ")


def content_hash(content: str | bytes) -> str:
    """Return the SHA-256 of ``content`` in hex; text counts as its UTF-8 bytes, half surrogate pairs included."""
    content = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return hashlib.sha256(content).hexdigest()
