"""What to show a model of a workspace before it asks: files, manifests, and where the goal's words occur.

Everything here depends on the tree's content alone, so that a resumed agent is given the same words again.
"""

import re
from collections import Counter
from pathlib import Path

from wainwright.domain.errors import WainwrightError
from wainwright.workspace import native

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
HITS_MAX = 40
_COMMON = frozenset(
    """about above after again also always another because been before being below between both cannot could does
    doing done down each every from have into itself just like make many more most must never none only other over
    same shall should since some such than that their them then there these they this those through under until
    very want what when where which while with within without would your""".split()  # noqa: SIM905
)


def overview(tree: Path, goal: str) -> str:
    """A workspace in a few thousand characters of Markdown; ``goal`` chooses which places are pointed at."""
    files = [f.path for f in native.walk(tree)]
    parts = [f"### Files ({len(files)})\n\n{_listing(files)}"]
    for name in MANIFESTS:
        text = _head(tree, name) if name in files else ""
        if text:
            parts.append(f"### {name}\n\n```\n{text}\n```")
    places = _places(tree, goal)
    if places:
        parts.append(f"### Places that use words of the goal\n\n{places}")
    return "\n\n".join(parts)


def _listing(files: list[str]) -> str:
    if len(files) <= FILES_MAX:
        return "\n".join(files)
    folders = Counter(str(Path(f).parent) for f in files)
    lines = [f"{folder}/ ({count} files)" for folder, count in sorted(folders.items())]
    more = f"\n… and {len(lines) - FILES_MAX} more folders" if len(lines) > FILES_MAX else ""
    return "\n".join(lines[:FILES_MAX]) + more


def _head(tree: Path, name: str) -> str:
    try:
        text = native.read_beneath(tree, name, 2_000_000).decode("utf-8", "replace")
    except (OSError, ValueError, WainwrightError):
        return ""
    if len(text) <= MANIFEST_CHARACTERS_MAX:
        return text.rstrip()
    return text[:MANIFEST_CHARACTERS_MAX].rsplit("\n", 1)[0] + "\n[…]"


def _places(tree: Path, goal: str) -> str:
    words = [
        w for w in dict.fromkeys(re.findall(r"[A-Za-z_][A-Za-z0-9_]{3,}", goal)) if w.lower() not in _COMMON
    ]
    hits: dict[tuple[str, int], str] = {}
    for word in words[:20]:
        found = native.search(tree, word, ignore_case=True, limit=HITS_MAX)
        # A word that is everywhere points nowhere.
        if not found.truncated:
            hits.update({(h.path, h.line): h.text.strip() for h in found})
    lines = [f"{path}:{line}: {text[:160]}" for (path, line), text in sorted(hits.items())]
    return "\n".join(lines[: 2 * HITS_MAX])
