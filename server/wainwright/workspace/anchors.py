"""Commits of the private repository as they are, byte by byte, and with a line more at the end of their message."""

from pathlib import Path

from wainwright.workspace.names import object_name
from wainwright.workspace.plumbing import GitDirectory


def content(state: Path, commit: str) -> bytes:
    """What is in a commit: the bytes that its name is the hash of."""
    return _private(state).run("cat-file", "commit", object_name(commit)).out


def with_trailer(state: Path, commit: str, line: str) -> str:
    """The same commit with a trailer, times and all: the same trailer gives the same commit."""
    told = content(state, commit).rstrip(b"\n")
    return _private(state).text(
        "hash-object", "-t", "commit", "-w", "--stdin", stdin=told + f"\n\n{line}\n".encode()
    )


def _private(state: Path) -> GitDirectory:
    return GitDirectory(state / "repository.git")
