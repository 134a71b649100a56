"""A task's tree of each corpus: how soon it is ready, and what it takes on disk."""

import itertools
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.corpora import Corpus
from tests.bench.harness import OURS, Bar, Figure, Run, Samples, Setting, figure, interleave

from wainwright.sandbox import clearing
from wainwright.workspace.repository import Repository

COPY = "cp -a"
WORKTREE = "git worktree add"
WORKSPACE = "the workspace"


def trees(setting: Setting) -> Iterator[Figure]:
    """Ours are links to a standing checkout that is there already, as it is for all but the first tree."""
    for corpus in setting.corpora.values():
        yield from one_corpus(setting, corpus)


def one_corpus(setting: Setting, corpus: Corpus) -> Iterator[Figure]:
    root = corpus.copy(setting.scratch)
    state = setting.scratch / f"trees-{corpus.name}"
    repository = Repository(root, state, linked=True)
    commit = repository.snapshot("r", {}).commit
    repository.remove(repository.clone("r", "first", commit))
    taken: list[float] = []
    names = (f"t{number}" for number in itertools.count())
    wrong: list[str] = []

    def ours() -> float:
        before, began = used(state), time.perf_counter()
        tree = repository.clone("r", next(names), commit)
        took = time.perf_counter() - began
        taken.append(float(used(state) - before))
        if repository.commit(tree, "nothing", "r/t").changed:
            wrong.append("the tree is not what the commit holds")
        repository.remove(tree)
        return took

    def theirs(*words: str) -> Run:
        place = setting.scratch / f"{corpus.name}-tree"

        def run() -> float:
            began = time.perf_counter()
            subprocess.run([*words, str(place)], cwd=root, check=True, capture_output=True)
            took = time.perf_counter() - began
            shutil.rmtree(place)
            subprocess.run(["git", "worktree", "prune"], cwd=root, check=True)
            return took

        return run

    worktree = ("git", "worktree", "add", "--quiet", "--detach")
    sides = {OURS: lambda: ours, COPY: lambda: theirs("cp", "-a", "."), WORKTREE: lambda: theirs(*worktree)}
    samples = interleave(sides, setting.runs(9))
    name = f"task tree of {len(corpus.paths)} files, {corpus.name}"
    notes = tuple(wrong[:1])
    yield figure(f"{name}, ready", samples, COPY, Bar(0.150, "s"), right=not wrong, notes=notes)
    yield figure(f"{name}, ready", samples, WORKTREE, right=not wrong)
    size = sum((root / path).lstat().st_blocks * 512 for path in corpus.paths)
    rooms = Samples({OURS: taken, WORKSPACE: [float(size)]}, [])
    yield figure(f"{name}, on disk", rooms, WORKSPACE, Bar(0.02), unit="B", right=not wrong)
    clearing.remove(state)


def used(folder: Path) -> int:
    """Bytes on disk, each file counted once however many names it has."""
    told = subprocess.run(["du", "-s", "-B1", str(folder)], check=True, capture_output=True, text=True).stdout
    return int(told.split()[0])
