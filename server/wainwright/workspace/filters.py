"""Files that the person's git keeps in another form than they have on disk.

An attribute names a filter, and settings say which program it is. No filter is ever run here: it may be whatever a
repository names. What Git LFS would store is known without it. Of any other filter only this is known: while git's
own notes on a file (size, times) still hold, what is stored for it holds as well.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from io import BufferedReader, BytesIO
from pathlib import Path

from wainwright.domain.errors import WorkspaceError
from wainwright.workspace import native
from wainwright.workspace.plumbing import GitDirectory, quote

LFS = "Git LFS"
"""What a filter is called here that is Git LFS, whatever its name; no name of a filter holds a space."""

Content = BufferedReader | BytesIO
PROGRAMS = r"^filter\..*\.(clean|process)$"
"""The names of settings that say how a file is stored."""

POINTER_MAX = 1024
_LFS_PROGRAM = re.compile(r"(\S*/)?git[- ]lfs (clean|filter-process)\b.*")
_POINTER = re.compile(rb"version \S+\n(?P<more>(?:[a-z0-9.-]+ .*\n)*)")
_OBJECT = re.compile(rb"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)
_SIZE = re.compile(rb"^size (\d+)$", re.MULTILINE)
_NO_DRIVER = frozenset({"set", "unset", "unspecified"})


def of(git: GitDirectory, settings: Mapping[str, str], paths: Iterable[str]) -> dict[str, str]:
    """Return path -> name of the filter that git would run to store it; ``LFS`` for Git LFS.

    ``git`` sees the work tree and its attributes, ``settings`` are those that match ``PROGRAMS``.
    """
    programs: dict[str, list[str]] = {}
    for key, program in settings.items():
        if program:
            programs.setdefault(key.removeprefix("filter.").rpartition(".")[0], []).append(program)
    if not programs:
        return {}
    known = {name for name, all_of in programs.items() if all(map(_LFS_PROGRAM.fullmatch, all_of))}
    asked = git.run("check-attr", "-z", "--stdin", "filter", stdin=quote(paths)).items
    named = zip(asked[::3], asked[2::3], strict=True)
    return {
        path: LFS if name in known else name
        for path, name in named
        if name in programs and name not in _NO_DRIVER
    }


def lfs_stores(content: Content, stored: bytes) -> bytes | None:
    """Return what Git LFS stores for a content that can be read and rewound; ``stored`` itself if that still fits.

    None when it cannot be known: programs of the person's work on the content before it is named.
    """
    head = content.read(POINTER_MAX)
    if not head or reads_as_pointer(head):
        return head
    if b"\next-0-" in stored[:POINTER_MAX]:
        return None
    content.seek(0)
    name = hashlib.file_digest(content, "sha256").hexdigest().encode()
    size = b"%d" % content.seek(0, os.SEEK_END)
    if reads_as_pointer(stored) and _found(_OBJECT, stored) == name and _found(_SIZE, stored) == size:
        return stored
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %s\n" % (name, size)


def is_pointer(root: Path, path: str) -> bool:
    """Tell whether a file is a pointer itself, as it is where Git LFS has not fetched the content."""
    try:
        with native.open_beneath(root, path) as file:
            return reads_as_pointer(file.read(POINTER_MAX))
    except (OSError, WorkspaceError):
        return False


def reads_as_pointer(content: bytes) -> bool:
    """Tell whether a content is what Git LFS stores in place of another."""
    fits = len(content) < POINTER_MAX and _POINTER.fullmatch(content)
    return bool(fits and _found(_OBJECT, content) and _found(_SIZE, content))


def _found(what: re.Pattern[bytes], content: bytes) -> bytes:
    found = what.search(content)
    return found[1] if found else b""
