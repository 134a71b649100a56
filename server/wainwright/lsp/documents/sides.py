"""The two sides of a file in a change, as documents that no disk has: ``wainwright:/PATH?run=...&side=...``."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

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
        """What the document is called: by its path, so that an editor shows both sides as the same file."""
        named = {"run": self.run, "commit": self.commit, "side": self.which, "folder": self.folder}
        return f"{SCHEME}:/{quote(self.path)}?{urlencode(named)}"


def side_of(uri: str) -> Side | None:
    """Which side a document is; None for any other. Editors write such names in ways of their own."""
    if not uri.startswith(f"{SCHEME}:"):
        return None
    parts = urlsplit(uri)
    # Some escape the signs between names and values as well.
    query = parts.query if "&" in parts.query else unquote(parts.query)
    named = {name: values[0] for name, values in parse_qs(query).items()}
    if not named.keys() >= {"run", "commit", "side", "folder"} or named["side"] not in ("before", "after"):
        return None
    which: Which = "before" if named["side"] == "before" else "after"
    return Side(named["folder"], named["run"], named["commit"], which, unquote(parts.path).lstrip("/"))
