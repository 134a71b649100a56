"""How tests are named, whatever their runner: ``file::suite::test``, the same on every machine and at every time."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from wainwright.domain.evidence import Case
from wainwright.domain.text import plain

FILE_ITSELF = "build"
"""The name of the case that says that a file could not be built or loaded."""


class Placed:
    """Paths as a command saw them, told as paths relative to the folder that it ran in."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._known: dict[str, str] = {}

    def path(self, seen: str) -> str:
        """The path of a file that is there; for one that is not, what is left when nothing of the machine is."""
        if seen not in self._known:
            self._known[seen] = self._look(seen)
        return self._known[seen]

    def _look(self, seen: str) -> str:
        path = unquote(seen.removeprefix("file://")) if seen.startswith("file://") else seen
        parts = PurePosixPath(path.removeprefix("./")).parts
        if path.startswith("/"):
            parts = parts[1:]
        # The longest end of the path that is a file here: the folder has another name inside than outside.
        for at in range(len(parts)):
            if parts[at] != ".." and (self._tree / Path(*parts[at:])).is_file():
                return "/".join(parts[at:])
        return parts[-1] if path.startswith("/") and parts else "/".join(parts)


def named(place: str, *titles: str) -> str:
    """The name of a test: its file, the suites it stands in, its own title."""
    return "::".join(part for part in (place, *(" ".join(title.split()) for title in titles)) if part)


def unbuilt(place: str, message: str) -> Case:
    """What is said of a file that could not be built or loaded."""
    return Case(name=named(place, FILE_ITSELF), outcome="error", message=plain(message), unbuilt=True)


def split(only: Sequence[str]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Of named tests the files, each once, and the titles of each test; a file alone has none."""
    files: dict[str, None] = {}
    titles: list[tuple[str, ...]] = []
    for one in only:
        file, *inner = one.split("::")
        files[file] = None
        titles.append(() if inner == [FILE_ITSELF] else tuple(inner))
    return tuple(files), tuple(titles)


def pattern(titles: Sequence[tuple[str, ...]], between: str = " ") -> str | None:
    """A regular expression for the whole names of tests and of suites; None where all tests are wanted.

    ``between`` joins titles in the runner's own name of a test.
    """
    if not all(titles):
        return None
    joint = f"(?:{between}|::)"
    spelled = dict.fromkeys(joint.join(escaped(title) for title in one) for one in titles)
    return f"^(?:{'|'.join(spelled)})(?:{between}|$)"


def escaped(title: str) -> str:
    """A title for a regular expression of JavaScript, Java or Ruby; a blank stands for any blanks."""
    return r"\s+".join(re.sub(r"([\\^$.|?*+()\[\]{}/])", r"\\\1", word) for word in title.split())
