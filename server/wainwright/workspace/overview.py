"""What a workspace is, in few words: its files, what its manifests say, and how its people want to be helped."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from wainwright.domain.marks import fenced
from wainwright.domain.shown import in_line
from wainwright.workspace.pages import read

FILES_MAX = 60
"""More files are listed by folder."""
FOLDERS_MAX = 40
MANIFESTS_MAX = 2_400
MANIFEST_MAX = 1_000
INSTRUCTIONS_MAX = 4_000
INSTRUCTIONS = ("AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md", ".cursorrules")
CURSOR_RULES = ".cursor/rules"


def listing(files: Sequence[str]) -> str:
    """The files, or of many the folders with their counts, the deepest put together until they are few."""
    if len(files) <= FILES_MAX:
        return "\n".join(map(in_line, files))
    folders = [PurePosixPath(file).parent.parts for file in files]
    depth = max(len(parts) for parts in folders)
    counts = Counter(folders)
    while depth > 1 and len(counts) > FOLDERS_MAX:
        depth -= 1
        counts = Counter(parts[:depth] for parts in folders)
    rows = [f"{in_line('/'.join(parts)) or '.'}/ ({count})" for parts, count in sorted(counts.items())]
    more = [f"… and {len(rows) - FOLDERS_MAX} more folders"] if len(rows) > FOLDERS_MAX else []
    return "\n".join(["By folder, with the number of files below it:", *rows[:FOLDERS_MAX], *more])


# ---- manifests


def manifests(tree: Path, files: Sequence[str]) -> str:
    """What the manifests at the top say of the project, without what does not matter for a change."""
    parts, room, there = [], MANIFESTS_MAX, set(files)
    for name, short in _MANIFESTS.items():
        text = short(read(tree, name)).strip() if name in there else ""
        if text and len(text) <= room:
            room -= len(text)
            parts.append(f"### {name}\n\n{fenced(text)}")
    return "\n\n".join(parts)


def _beginning(text: str) -> str:
    """The first words, without badges and pictures."""
    told = [line for line in text.splitlines() if not re.match(r"\s*(<|\[?!\[|\.\. (image|_))", line)]
    return _cut(re.sub(r"\n{3,}", "\n\n", "\n".join(told)).strip(), 700)


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


def _of_toml(*kept: str) -> Callable[[str], str]:
    """The tables of these names, as far as they begin a heading."""

    def short(text: str) -> str:
        try:
            tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError):
            return _cut(text)
        parts = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
        told = [part.strip() for part in parts if re.match(rf"\[+({'|'.join(kept)})[\].]", part)]
        return _cut("\n\n".join(told))

    return short


def _of_make(text: str) -> str:
    return _cut("\n".join(re.findall(r"^[A-Za-z][\w./-]*:(?!=).*$", text, re.MULTILINE)), 500)


def _of_go(text: str) -> str:
    return _cut("\n".join(line for line in text.splitlines() if "// indirect" not in line))


_MANIFESTS: Mapping[str, Callable[[str], str]] = {
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
