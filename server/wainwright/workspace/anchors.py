"""Commits of the private repository as they are, byte by byte, and with lines more at the end of their message."""

from pathlib import Path

from wainwright.workspace.names import object_name
from wainwright.workspace.plumbing import GitDirectory


def content(state: Path, commit: str) -> bytes:
    """What is in a commit: the bytes that its name is the hash of."""
    return _private(state).run("cat-file", "commit", object_name(commit)).out


def with_trailers(told: bytes, *lines: str) -> bytes:
    """What is in a commit, with trailers behind its message."""
    return told.rstrip(b"\n") + b"\n\n" + "".join(f"{line}\n" for line in lines).encode()


def written(state: Path, told: bytes) -> str:
    """The commit with this content, times and all: the same content gives the same commit."""
    return _private(state).text("hash-object", "-t", "commit", "-w", "--stdin", stdin=told)


def _private(state: Path) -> GitDirectory:
    return GitDirectory(state / "repository.git")
