"""Writing many files at once, and setting a tree back, on a copy of each corpus."""

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.corpora import Corpus
from tests.bench.harness import OURS, Bar, Figure, Run, Setting, figure, interleave
from tests.bench.tools import quietly

FILES = 100
EDITS = 10
PLAIN = "plain writes"
SYNCED = "fsync each + rename"


def contents(number: int) -> dict[str, bytes]:
    """Files of 4 kB, different each time."""
    line = b"%08d the same line with a number in front\n" % number
    body = (line * (4096 // len(line) + 1))[:4096]
    return {f"folder{at % 10}/file{at}.txt": body for at in range(FILES)}


def write_plainly(root: Path, files: dict[str, bytes]) -> None:
    for path, body in files.items():
        (root / path).write_bytes(body)


def write_synced(root: Path, files: dict[str, bytes]) -> None:
    """Each file whole or not at all after a crash: written beside, flushed, renamed; then the folders."""
    for path, body in files.items():
        beside = root / f"{path}.tmp"
        with beside.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(root / path)
    for folder in {(root / path).parent for path in files}:
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def write_batch(root: Path, files: dict[str, bytes]) -> None:
    from wainwright.workspace import native

    native.write_batch(root, [(path, body, None) for path, body in files.items()])


def batch(setting: Setting) -> Iterator[Figure]:
    """100 files of 4 kB over existing ones: ours all or nothing and durable, plain writes neither."""
    wrong: list[str] = []

    def side(name: str, write) -> Run:
        root = setting.scratch / f"batch-{name.replace(' ', '-')}"
        for path, body in contents(0).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(body)
        quietly("sync", "-f", root)
        rounds = iter(range(1, 10**6))

        def run() -> float:
            files = contents(next(rounds))
            began = time.perf_counter()
            write(root, files)
            took = time.perf_counter() - began
            if any((root / path).read_bytes() != body for path, body in files.items()):
                wrong.append(f"{name}: a file has not the content that was written")
            return took

        return run

    writers = {OURS: write_batch, PLAIN: write_plainly, SYNCED: write_synced}
    sides = {name: lambda name=name, write=write: side(name, write) for name, write in writers.items()}
    samples = interleave(sides, setting.runs(15))
    name = f"durable batch of {FILES} files"
    yield figure(name, samples, PLAIN, Bar(1.3), right=not wrong, notes=tuple(wrong))
    yield figure(name, samples, SYNCED, right=not wrong)


def edit(root: Path, corpus: Corpus, number: int) -> list[str]:
    """Add a line to ten files of the tree, others each time."""
    chosen = random.Random(number).sample(corpus.paths, EDITS)
    for path in chosen:
        if not (root / path).is_symlink():
            with (root / path).open("ab") as file:
                file.write(b"edited %d\n" % number)
    return chosen


class PrivateIndex:
    """Anchor: a snapshot by git with an index of its own, and `reset --hard` to come back."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self.root = root
        index = scratch / f"index-{root.name}"
        shutil.copy(root / ".git" / "index", index)
        self.private = {**os.environ, "GIT_INDEX_FILE": str(index)}

    def snapshot(self) -> str:
        for words in (["add", "-A"], ["write-tree"]):
            done = subprocess.run(
                ["git", *words], cwd=self.root, env=self.private, check=True, capture_output=True, text=True
            )
        return done.stdout.strip()

    def restore(self) -> None:
        subprocess.run(["git", "reset", "-q", "--hard"], cwd=self.root, check=True)
