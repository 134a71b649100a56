"""The two sides of a file in a change, as documents that no disk has: ``wainwright:/RUN/COMMIT/SIDE/PATH?FOLDER``."""

from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import quote, unquote, urlsplit

SCHEME = "wainwright"
Which = Literal["before", "after"]


@dataclass(frozen=True)
class Side:
    """One side of one file."""

    folder: str
    """The URI of the workspace."""
    run: str
    commit: str
    """Which change of the run; another one has other documents."""
    which: Which
    path: str
    """Relative to the workspace."""

    @property
    def uri(self) -> str:
        """What the document is called."""
        path = "/".join((self.run, self.commit, self.which, self.path))
        return f"{SCHEME}:/{quote(path)}?{quote(self.folder, safe='')}"


def side_of(uri: str) -> Side | None:
    """Which side a document is; None for any other. Editors write such names in ways of their own."""
    if not uri.startswith(f"{SCHEME}:"):
        return None
    parts = urlsplit(uri)
    words = unquote(parts.path).lstrip("/").split("/", 3)
    if len(words) < 4 or words[2] not in get_args(Which):
        return None
    run, commit, which, path = words
    return Side(unquote(parts.query), run, commit, "before" if which == "before" else "after", path)
