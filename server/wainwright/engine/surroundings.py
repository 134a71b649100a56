"""What decides how tests end, beside the tree: where both are the same, a receipt need not be taken again."""

import hashlib
import os
import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from wainwright.sandbox.protocol import SandboxView

PROGRAMS = (
    *("bun", "cargo", "cmake", "composer", "ctest", "deno", "dotnet", "elixir", "g++", "gcc", "go", "gradle"),
    *("java", "javac", "make", "mix", "mvn", "node", "npm", "php", "pnpm", "pytest", "python", "python3"),
    *("rspec", "ruby", "rustc", "sbt", "tox", "uv", "yarn"),
)
"""What tests are run by: another version may end another way."""
FOLDERS_MAX = 3_000
"""Of them so many are looked into, the upper ones first: a look costs less than a tenth of a second."""
DEPTH_MAX = 4
"""How deep folders of dependencies are looked into; what is installed shows above that."""


def digest(view: SandboxView, tier: str, beneath: Sequence[str]) -> str:
    """Name the surroundings of a view: the walls, the programs, what lies over the tree and in it. Blocks.

    ``beneath`` names what lies in the tree beside its commit, by content, and what else is set.
    """
    told = [tier, str(view.at), view.cwd, *beneath]
    told += [_stamp(Path(place)) for name in PROGRAMS if (place := shutil.which(name))]
    for layer in view.layers:
        told += [f"{layer.at} {layer.writes}"]
        told += [line for source in layer.sources for line in _folders(source)]
    return hashlib.sha256("\0".join(told).encode("utf-8", "surrogateescape")).hexdigest()


def _folders(source: Path) -> Iterator[str]:
    """The folders beneath a source with the times at which something was put in or taken out."""
    yield _stamp(source)
    if not source.is_dir():
        return
    waiting, seen = deque([(source, 0)]), 0
    while waiting and seen < FOLDERS_MAX:
        folder, depth = waiting.popleft()
        seen += 1
        try:
            with os.scandir(folder) as entries:
                found = sorted(
                    (e.path, e.is_dir(follow_symlinks=False), e.stat(follow_symlinks=False)) for e in entries
                )
        except OSError:
            continue
        for path, is_folder, state in found:
            if is_folder or depth == 0:
                yield f"{path} {state.st_mtime_ns} {state.st_size}"
            if is_folder and depth < DEPTH_MAX:
                waiting.append((Path(path), depth + 1))


def _stamp(path: Path) -> str:
    try:
        real = path.resolve(strict=True)
        state = real.stat()
    except OSError:
        return f"{path} is not there"
    return f"{path} {real} {state.st_mtime_ns} {state.st_size}"
