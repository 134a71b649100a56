"""What a workspace is, in few words: its files, what its manifests say, and how its people want to be helped."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatch
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import Any

from wainwright.domain.marks import fenced
from wainwright.domain.shown import in_line
from wainwright.workspace.pages import Page, read

FILES_MAX = 60
"""More files are listed by folder."""
NAMES_MAX = 2_400
"""Characters of the names of all files, folder by folder; where they are longer, the folders are counted alone."""
FOLDERS_MAX = 40
MANIFESTS_MAX = 2_400
MANIFEST_MAX = 1_000
INSTRUCTIONS_MAX = 4_000
INSTRUCTIONS = ("AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md", ".cursorrules")
CURSOR_RULES = ".cursor/rules"


def listing(files: Sequence[str], *, named: bool = False) -> str:
    """The files, or of many the folders with their counts, the deepest put together until they are few.

    ``named``: with the names of the files in each folder, where they are not too long.
    """
    if len(files) <= FILES_MAX:
        return "\n".join(map(in_line, files))
    if named and len(files) <= NAMES_MAX and len(told := _by_folder(files)) <= NAMES_MAX:
        return told
    # Of many files few folders are left at once: only those are taken apart.
    by_name = Counter(file.rpartition("/")[0] for file in files)
    counts = {tuple(filter(None, name.split("/"))): count for name, count in by_name.items()}
    depth = max(map(len, counts))
    while depth > 1 and len(counts) > FOLDERS_MAX:
        depth -= 1
        together: Counter[tuple[str, ...]] = Counter()
        for parts, count in counts.items():
            together[parts[:depth]] += count
        counts = dict(together)
    rows = [f"{in_line('/'.join(parts)) or '.'}/ ({count})" for parts, count in sorted(counts.items())]
    more = [f"… and {len(rows) - FOLDERS_MAX} more folders"] if len(rows) > FOLDERS_MAX else []
    return "\n".join(["By folder, with the number of files below it:", *rows[:FOLDERS_MAX], *more])


def _by_folder(files: Sequence[str]) -> str:
    folders: dict[str, list[str]] = {}
    for file in files:
        folder, _, name = file.rpartition("/")
        folders.setdefault(folder or ".", []).append(in_line(name))
    rows = (f"{in_line(folder)}/ ({len(names)}): {', '.join(names)}" for folder, names in folders.items())
    return "\n".join(rows)


# ---- manifests


def manifests(tree: Path, files: Sequence[str]) -> tuple[str, dict[str, Page]]:
    """What the manifests at the top say of the project, without what does not matter for a change.

    In Markdown, and by path the lines that are shown as they are: those need not be shown again.
    """
    pages: dict[str, Page] = {}
    parts, room, there = [], MANIFESTS_MAX, set(files)
    for name, short in _MANIFESTS.items():
        text = read(tree, name) if name in there else ""
        told = short(text) if text.strip() else ""
        page = None if isinstance(told, str) else Page(name, text.removesuffix("\n").split("\n"), set(told))
        shown = page.text() if page else f"### {name}\n\n{fenced(str(told))}"
        if told and len(shown) <= room:
            room -= len(shown)
            parts.append(shown)
            pages |= {name: page} if page else {}
    return "\n\n".join(parts), pages


def _beginning(text: str) -> list[int]:
    """The first words, without badges and pictures, and without blank lines at their end."""
    lines = text.split("\n")
    if re.fullmatch(r"\s*\S+\s*", text):
        return []  # the name of another file, as archives keep links
    words = [
        at
        for at, line in _numbered(lines)
        if not re.match(r"\s*(<|\[?!\[|\.\. (image|_))", line) and line.strip()
    ]
    return _within(lines, words, 700)


def _numbered(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    return enumerate(lines, start=1)


def _within(lines: Sequence[str], chosen: Sequence[int], most: int = MANIFEST_MAX) -> list[int]:
    """The first of the chosen lines, within so many characters, and the blank lines between them."""
    counted = accumulate(len(lines[at - 1]) + 1 for at in chosen)
    told = {at for at, count in zip(chosen, counted, strict=True) if count <= most}
    between = (at for at, line in _numbered(lines) if not line.strip() and {at - 1, at + 1} <= told)
    return sorted({*told, *between})


def _cut(text: str, most: int = MANIFEST_MAX) -> str:
    return text if len(text) <= most else text[:most].rsplit("\n", 1)[0] + "\n[…]"


def _of_npm(text: str) -> str:
    kept = ("name", "type", "main", "module", "exports", "bin", "scripts", "dependencies", "peerDependencies")
    try:
        found = json.loads(text)
    except ValueError:
        return _cut(text)
    if not isinstance(found, dict):
        return ""
    told = {key: found[key] for key in kept if found.get(key)}
    if isinstance(found.get("devDependencies"), dict):
        told["devDependencies"] = sorted(found["devDependencies"])
    return _cut(json.dumps(told, indent=1))


def _of_toml(*kept: str) -> Callable[[str], list[int]]:
    """The tables of these names, as far as they begin a heading."""

    def short(text: str) -> list[int]:
        lines, told, chosen = text.split("\n"), False, []
        for at, line in _numbered(lines):
            if line.startswith("["):
                told = bool(re.match(rf"\[+({'|'.join(kept)})[\].]", line))
            if told and line.strip():
                chosen.append(at)
        return _within(lines, chosen)

    return short


def _of_make(text: str) -> list[int]:
    lines = text.split("\n")
    return _within(
        lines, [at for at, line in _numbered(lines) if re.match(r"[A-Za-z][\w./-]*:(?!=)", line)], 500
    )


def _of_go(text: str) -> list[int]:
    lines = text.split("\n")
    told = [at for at, line in _numbered(lines) if line.strip() and "// indirect" not in line]
    return _within(lines, told)


# By name what is shown of a file: its lines, or in other words what they say.
_MANIFESTS: Mapping[str, Callable[[str], list[int] | str]] = {
    "README.md": _beginning,
    "README.rst": _beginning,
    "README": _beginning,
    "pyproject.toml": _of_toml("project", "build-system", r"tool\.pytest", r"tool\.ruff", r"tool\.mypy"),
    "package.json": _of_npm,
    "Cargo.toml": _of_toml("package", "workspace", "lib", "features", "dependencies", "dev-dependencies"),
    "go.mod": _of_go,
    "Makefile": _of_make,
    "CONTRIBUTING.md": _beginning,
}


# ---- project instructions


def instructions(
    tree: Path, about: Sequence[str], but: Sequence[str] = (), room: int = INSTRUCTIONS_MAX
) -> dict[str, str]:
    """The project's own instructions for work on the files ``about``: by path, the nearest first, each once."""
    found: dict[str, str] = {}
    for path in dict.fromkeys(_asked(tree, about)):
        text = _body(path, read(tree, path), about)
        if path in but or not text or text in found.values() or room <= 0:
            continue
        found[path] = _cut(text, room)
        room -= len(found[path])
    return found


def _asked(tree: Path, about: Sequence[str]) -> Iterator[str]:
    """Where instructions may stand, from the folders of the files up to the top."""
    folders = {parent for path in about for parent in PurePosixPath(path).parents} | {PurePosixPath()}
    for folder in sorted(folders, key=lambda one: (-len(one.parts), one)):
        yield from (str(folder / name) for name in INSTRUCTIONS)
        rules = tree / folder / CURSOR_RULES
        if rules.is_dir() and not rules.is_symlink():
            yield from sorted(str(folder / CURSOR_RULES / one.name) for one in rules.glob("*.mdc"))


def _body(path: str, text: str, about: Sequence[str]) -> str:
    """What a file of instructions says, if it is meant for these files and is more than a hint at another one."""
    if path.endswith(".mdc") and (front := re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)):
        text = text[front.end() :]
        said: dict[str, Any] = dict(re.findall(r"^(\w+):[ \t]*(.*?)[ \t]*$", front[1], re.MULTILINE))
        globs = [one.strip(" \"'[]") for one in str(said.get("globs", "")).split(",") if one.strip(" \"'[]")]
        if said.get("alwaysApply") != "true" and globs and not _any_fits(globs, about):
            return ""
    text = text.strip()
    return "" if re.fullmatch(r"@?\S*\.md", text) else text


def _any_fits(globs: Sequence[str], about: Sequence[str]) -> bool:
    return any(fnmatch(path, glob) or fnmatch(f"/{path}", f"*/{glob}") for path in about for glob in globs)
