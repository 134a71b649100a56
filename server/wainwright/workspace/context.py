"""What to show a model of a workspace before it asks: files, manifests, and where the work seems to be.

Everything here depends on the tree, the history of one commit and the run's own state, so that a resumed agent is
given the same words again.
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from wainwright.domain.errors import WainwrightError
from wainwright.domain.plan import EVERYTHING, covers
from wainwright.workspace import native
from wainwright.workspace.index import IndexedTree
from wainwright.workspace.localise import LIMIT
from wainwright.workspace.native.ranking import Moment

FILES_MAX = 250
MANIFESTS = (
    "README.md",
    "README.rst",
    "README",
    "AGENTS.md",
    "CONTRIBUTING.md",
    "pyproject.toml",
    "package.json",
    "Cargo.toml",
    "go.mod",
    "Makefile",
)
MANIFEST_CHARACTERS_MAX = 2_500
WHOLE_MAX = 24_000
"""Characters of file contents that are shown without being asked for."""
FOUND_TOKENS = 6_000
"""About so many tokens show what the goal is about, in a workspace that is not shown whole."""


def workspace(
    indexed: IndexedTree,
    words: str,
    write_set: Sequence[str] = (),
    *,
    tip: str = "",
    moment: Moment | None = None,
) -> str:
    """A workspace in Markdown, within about ``WHOLE_MAX`` characters beside the manifests.

    A small one is shown whole. Of a larger one: its files, the manifests, those of ``write_set`` that exist, and the
    files and functions that ``words`` seem to be about, as far as the history of ``tip`` was read with it:
    none without words, and nothing twice.
    """
    tree = indexed.root
    listing = indexed.index.files()
    files = [f.path for f in listing]
    parts = [f"## Workspace\n\n### Files ({len(files)})\n\n{_listing(files)}"]
    manifests = [name for name in MANIFESTS if name in files]
    parts += [f"### {name}\n\n{fenced(_text(tree, name, MANIFEST_CHARACTERS_MAX))}" for name in manifests]
    rest = [name for name in files if name not in manifests]
    if sum(f.size for f in listing if f.path not in manifests) <= WHOLE_MAX:
        return "\n\n".join(parts + _shown(tree, rest, WHOLE_MAX))
    named = [name for name in rest if covers(write_set, name) and EVERYTHING not in write_set]
    whole = _shown(tree, named, WHOLE_MAX)
    parts += whole
    if not words:
        return "\n\n".join(parts)
    found = indexed.ranker.rank(
        indexed.index, indexed.structure, words, limit=LIMIT, tokens=FOUND_TOKENS, tip=tip, moment=moment
    )[1]
    found = _without(found, {part.partition("\n")[0] for part in whole})
    if found:
        parts.append(f"### Where the work seems to be\n\n{fenced(found)}")
    return "\n\n".join(parts)


def _without(found: str, heads: Collection[str]) -> str:
    """What was found, without the files under these headings. Its lines of files begin with their numbers."""
    sections = re.split(r"^(?=### )", found, flags=re.MULTILINE)
    return "".join(one for one in sections if one.partition("\n")[0] not in heads)


def _shown(tree: Path, names: Sequence[str], room: int) -> list[str]:
    """Whole files, as long as there is room for them."""
    parts = []
    for name in names:
        text = _text(tree, name, room + 1)
        if text and len(text) <= room:
            room -= len(text)
            parts.append(f"### {name}\n\n{fenced(text)}")
    return parts


def fenced(text: str) -> str:
    """A text in a Markdown fence that is longer than any inside it."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{text.rstrip()}\n{fence}"


def _listing(files: list[str]) -> str:
    if len(files) <= FILES_MAX:
        return "\n".join(files)
    folders = Counter(str(Path(f).parent) for f in files)
    lines = [f"{folder}/ ({count} files)" for folder, count in sorted(folders.items())]
    more = f"\n… and {len(lines) - FILES_MAX} more folders" if len(lines) > FILES_MAX else ""
    return "\n".join(lines[:FILES_MAX]) + more


def _text(tree: Path, name: str, limit: int) -> str:
    """The beginning of a text file; empty for one that is binary or cannot be read."""
    try:
        content = native.read_beneath(tree, name, 2_000_000)
    except (OSError, ValueError, WainwrightError):
        return ""
    if b"\0" in content[:8192]:
        return ""
    text = content.decode("utf-8", "replace")
    return text if len(text) <= limit else text[:limit].rsplit("\n", 1)[0] + "\n[…]"
