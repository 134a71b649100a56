"""Folders of installed dependencies and build output: never part of a snapshot, shown to commands beside it."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath

from wainwright.sandbox.protocol import Layer
from wainwright.workspace.person import Person
from wainwright.workspace.place import Place
from wainwright.workspace.plumbing import GitDirectory
from wainwright.workspace.staging import ignored

_SURE_DEPENDENCIES = frozenset({".venv", "venv", "node_modules", "__pypackages__", ".tox"})
_LIKELY_DEPENDENCIES = frozenset(
    {
        "target", "build", "dist", "_build", "deps", ".gradle", ".next", ".nuxt", ".svelte-kit", ".turbo", ".vite",
        ".parcel-cache", ".angular", ".nox", ".eggs", ".bundle", ".dart_tool", ".stack-work", "dist-newstyle",
        "cmake-build-debug", "cmake-build-release",
    }
)  # fmt: skip
# Not all that might be built: sources may lie in a folder called ``build``, too.
_LEFTOVERS = _SURE_DEPENDENCIES | {"target", "__pycache__", ".wainwright"}
_DEPENDENCY_DEPTH = 3
_EXCLUDED = ("/.wainwright/", "__pycache__/", *(f"{name}/" for name in sorted(_SURE_DEPENDENCIES)))


def leftover(path: str) -> str:
    """Return the folder of a path that is for what is installed, built or cached; empty when there is none."""
    folders = PurePosixPath(path).parts[:-1]
    return next((one for one in folders if one in _LEFTOVERS or one.endswith("_cache")), "")


def found_in(place: Place, private: GitDirectory, person: Person | None) -> list[str]:
    """Return the untracked dependency folders of a workspace and of the repository around it, sorted."""
    seen = private.within(place.top, GIT_INDEX_FILE=private.path / "no-index")

    def is_tracked(path: str) -> bool:
        return person is not None and bool(person.git.run("ls-files", "-z", "--", path).out)

    def is_ignored(path: str) -> bool:
        return bool(ignored(seen, [path]))

    return sorted(
        {
            path
            for prefix in dict.fromkeys(("", place.prefix))
            for path in dependencies(place.top, prefix, is_tracked, is_ignored)
        }
    )


def dependencies(
    top: Path, prefix: str, is_tracked: Callable[[str], bool], is_ignored: Callable[[str], bool]
) -> list[str]:
    """Return the folders of installed dependencies and build output that git does not track, sorted.

    They lie in the folder ``prefix`` of ``top``, or not far beneath it, and their paths are relative to ``top``.
    Those with a name that might be anybody's, as ``target`` or ``build``, count when a rule ignores them or their
    maker marked them as a cache.
    """
    found = []
    for path in _candidates(top / prefix, _DEPENDENCY_DEPTH):
        name = path.relative_to(top).as_posix()
        sure = path.name not in _LIKELY_DEPENDENCIES or (path / "CACHEDIR.TAG").is_file()
        if not is_tracked(name) and (sure or is_ignored(name)):
            found.append(name)
    return sorted(found)


def may_be_built(workspace: Path) -> list[Path]:
    """Return the folders that by their name hold what was built from the workspace's files, git's or not."""
    return [path for path in _candidates(workspace, _DEPENDENCY_DEPTH) if path.name in _LIKELY_DEPENDENCIES]


def layers(workspace: Path, found: Iterable[str]) -> tuple[Layer, ...]:
    """Return the layers that show these folders to a task: it may write there, and what it writes is its own.

    A link out of the workspace is shown only when it leads to a virtual environment: the repository may have made it.
    """
    root = Path(os.path.realpath(workspace))
    made = []
    for path in found:
        source = Path(os.path.realpath(root / path))
        ours = source.is_relative_to(root) and source != root
        if source.is_dir() and (ours or (source / "pyvenv.cfg").is_file()):
            made.append(Layer(at=Path(path), sources=(source,), writes="kept"))
    return tuple(made)


def exclude_rules(persons: str, found: Iterable[str]) -> str:
    """Return the text of the private exclude file; the person's own rules come last and win."""
    anchored = (re.sub(r"([\\*?\[\] ])", r"\\\1", f"/{path}/") for path in found)
    return "\n".join((*_EXCLUDED, *anchored, persons)).rstrip("\n") + "\n"


def _candidates(folder: Path, depth: int) -> Iterator[Path]:
    try:
        entries = [entry for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for entry in entries:
        path = Path(entry.path)
        bundle = path.name == "bundle" and folder.name == "vendor"
        if bundle or path.name in _SURE_DEPENDENCIES | _LIKELY_DEPENDENCIES:
            yield path
        elif depth > 1 and path.name not in {".git", ".wainwright"}:
            yield from _candidates(path, depth - 1)
