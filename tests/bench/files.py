"""Writing many files at once, and setting a tree back, on a copy of each corpus."""

import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench.corpora import Corpus
from tests.bench.harness import (
    OURS,
    Bar,
    Figure,
    Missing,
    Run,
    Samples,
    Setting,
    compare,
    figure,
    interleave,
    timed,
)
from tests.bench.index import READ, program, rg_reads
from tests.bench.subject import Snapshots
from tests.bench.tools import quietly

from wainwright.workspace import native

FILES = 100
EDITS = 10
PLAIN = "plain writes"
SYNCED = "fsync each + rename"
GIT = "git, an index of its own"
RESET = "git reset --hard"
STATUS = "git status -uno"


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


def batch(setting: Setting) -> Iterator[Figure]:
    """100 files of 4 kB: ours all or nothing and durable, plain writes neither."""
    yield from one_batch(setting, "over existing ones", fresh=False)
    yield from one_batch(setting, "new ones", fresh=True)


def one_batch(setting: Setting, kind: str, *, fresh: bool) -> Iterator[Figure]:
    wrong: list[str] = []
    freeing: list[float] = []
    write_log = Path(tempfile.mkdtemp(prefix="write-log-", dir=setting.scratch))

    def write_durably(root: Path, files: dict[str, bytes]) -> None:
        native.write_batch(root, [(path, body, None) for path, body in files.items()], write_log=write_log)

    def side(write: Callable[[Path, dict[str, bytes]], None]) -> Run:
        root = Path(tempfile.mkdtemp(prefix="batch-", dir=setting.scratch))
        for path in contents(0):
            (root / path).parent.mkdir(exist_ok=True)
        write_plainly(root, contents(0))
        quietly("sync", "-f", root)
        rounds = iter(range(1, 10**6))

        def run() -> float:
            files = contents(next(rounds))
            for path in files if fresh else ():
                (root / path).unlink()
            began = time.perf_counter()
            write(root, files)
            took = time.perf_counter() - began
            if any((root / path).read_bytes() != body for path, body in files.items()):
                wrong.append(f"{write.__name__}: a file has not the content that was written")
            if write is write_durably:
                began = time.perf_counter()
                native.recover(write_log, root)
                freeing.append(time.perf_counter() - began)
            return took

        return run

    sides = {
        OURS: lambda: side(write_durably),
        PLAIN: lambda: side(write_plainly),
        SYNCED: lambda: side(write_synced),
    }
    samples = interleave(sides, setting.runs(15))
    later = 1000 * statistics.median(freeing)
    notes = (*wrong, f"afterwards, in the background, the write log is freed in {later:.3g} ms")
    name = f"durable batch of {FILES} files, {kind}"
    yield figure(name, samples, PLAIN, Bar(1.3), right=not wrong, notes=notes)
    yield figure(name, samples, SYNCED, right=not wrong)


class Edits:
    """Ten files of a tree, others each time, get a line more; and back again is checked."""

    def __init__(self, root: Path, corpus: Corpus) -> None:
        self.root = root
        self.chance = random.Random(3)
        self.paths = [path for path in corpus.paths if not (root / path).is_symlink()]
        self.before: dict[str, bytes] = {}

    def make(self) -> list[str]:
        chosen = self.chance.sample(self.paths, EDITS)
        self.before = {path: (self.root / path).read_bytes() for path in chosen}
        for path in chosen:
            with (self.root / path).open("ab") as file:
                file.write(b"one more line\n")
        return chosen

    def are_undone(self) -> bool:
        return all((self.root / path).read_bytes() == body for path, body in self.before.items())


class PrivateIndex:
    """Anchor: a snapshot by git with an index of its own, and `reset --hard` to come back."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self.root = root
        index = scratch / f"index-{root.name}"
        shutil.copy(root / ".git" / "index", index)
        self.private = {**os.environ, "GIT_INDEX_FILE": str(index)}

    def snapshot(self, _: list[str]) -> None:
        for words in (["add", "-A"], ["write-tree"]):
            subprocess.run(["git", *words], cwd=self.root, env=self.private, check=True, capture_output=True)

    def restore(self) -> None:
        subprocess.run(["git", "reset", "-q", "--hard"], cwd=self.root, check=True)


def snapshot(setting: Setting) -> Iterator[Figure]:
    """The tree as it is after ten edits, kept; then set back to what it was before."""
    for corpus in setting.corpora.values():
        yield from one_snapshot(setting, corpus)


def one_snapshot(setting: Setting, corpus: Corpus) -> Iterator[Figure]:
    root = corpus.copy(setting.scratch)
    edits = Edits(root, corpus)
    restored: dict[str, list[float]] = {OURS: [], RESET: []}
    wrong: list[str] = []

    def side(keeper: PrivateIndex | Snapshots, seconds: list[float]) -> Run:
        def run() -> float:
            chosen = edits.make()
            began = time.perf_counter()
            keeper.snapshot(chosen)
            kept = time.perf_counter()
            keeper.restore()
            seconds.append(time.perf_counter() - kept)
            if not edits.are_undone():
                wrong.append("edits were not undone")
            return kept - began

        return run

    sides = {
        OURS: lambda: side(Snapshots(root, setting.scratch), restored[OURS]),
        GIT: lambda: side(PrivateIndex(root, setting.scratch), restored[RESET]),
    }
    samples = interleave(sides, setting.runs(9), warm=0)
    bar, notes = Bar(0.005, "s"), tuple(wrong)
    name = f"{EDITS} edits, {corpus.name}"
    yield figure(f"snapshot after {name}", samples, GIT, bar, right=not wrong, notes=notes)
    yield figure(f"restore of {name}", Samples(restored, []), RESET, bar, right=not wrong)


def tree_hash(setting: Setting) -> Iterator[Figure]:
    """One hash of all contents: read anew, checked when nothing changed, and after a watcher told what did."""
    for corpus in setting.corpora.values():
        yield from one_tree_hash(setting, corpus)


def one_tree_hash(setting: Setting, corpus: Corpus) -> Iterator[Figure]:
    name, root = corpus.name, corpus.copy(setting.scratch)
    status = program("git", "status", "--porcelain", "-uno", cwd=root)
    anchor = STATUS, lambda: status
    read = READ, lambda: rg_reads(setting, corpus)
    runs = setting.runs(7)
    tree = native.Tree(root)
    tree.refresh()
    yield compare(
        f"tree hash, cold, {name}", lambda: timed(lambda: native.Tree(root).refresh()), read, Bar(1.1), runs
    )
    yield compare(f"tree hash, unchanged, {name}", lambda: timed(tree.refresh), anchor, Bar(1.0), runs)
    edits = Edits(root, corpus)

    def told() -> float:
        dirty, before = edits.make(), tree.hash
        began = time.perf_counter()
        after = tree.update(dirty)
        took = time.perf_counter() - began
        if after == before:
            raise Missing("the hash stayed as it was after edits")
        return took

    yield compare(f"tree hash, {EDITS} edits told, {name}", lambda: told, anchor, Bar(0.001, "s"), runs)
