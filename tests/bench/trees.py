"""A task's tree of each corpus: how soon it is ready and gone, and what it takes on disk."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.bench.corpora import Corpus
from tests.bench.harness import OURS, Bar, Figure, Run, Samples, Setting, figure, interleave, timed

from wainwright.sandbox import clearing
from wainwright.workspace.repository import Repository
from wainwright.workspace.standing import FOLDER, SPARE

COPY = "cp -a"
WORKTREE = "git worktree add"
RM = "rm -rf"
WORKSPACE = "the workspace"
SLOW = 2
"""How often to lay, copy and remove all of a tree: a disk that is told of each freed block takes its time."""


class Bench:
    """A corpus whose standing checkout is there, as it is for all trees but the first."""

    def __init__(self, setting: Setting, corpus: Corpus) -> None:
        self.root = corpus.copy(setting.scratch)
        self.state = setting.scratch / f"trees-{corpus.name}"
        self.place = setting.scratch / f"{corpus.name}-tree"
        self.repository = Repository(self.root, self.state, linked=True)
        self.commit = self.repository.snapshot("r", {}).commit
        self.repository.remove(self.tree())
        self.taken: list[float] = []
        self.wrong: list[str] = []

    def tree(self) -> Path:
        return self.repository.clone("r", "t", self.commit)

    def after_another(self) -> float:
        """A tree where an earlier one was done with, in which a file had been changed."""
        earlier = self.tree()
        changed = next(path for path in sorted(earlier.rglob("*")) if path.is_file())
        changed.unlink()
        changed.write_text("changed\n")
        self.repository.remove(earlier)
        took = timed(self.tree)()
        if self.repository.commit(earlier, "nothing", "r/t").changed:
            self.wrong.append("the tree is not what the commit holds")
        self.repository.remove(earlier)
        return took

    def without_one(self) -> float:
        clearing.remove(self.state / FOLDER / SPARE)
        before = used(self.state)
        took = timed(self.tree)()
        self.taken.append(float(used(self.state) - before))
        self.repository.remove(self.repository.tree("r", "t"))
        return took

    def given_back(self) -> float:
        tree = self.tree()
        return timed(lambda: self.repository.remove(tree))()

    def removed(self) -> float:
        tree = self.tree()
        took = timed(lambda: clearing.remove(tree))()
        self.repository.remove(tree)
        return took

    def removed_by_rm(self) -> float:
        tree = self.tree()
        took = timed(lambda: subprocess.run(["rm", "-rf", str(tree)], check=True))()
        self.repository.remove(tree)
        return took

    def by(self, *words: str) -> Run:
        def run() -> float:
            command = [*words, str(self.place)]
            took = timed(lambda: subprocess.run(command, cwd=self.root, check=True, capture_output=True))()
            clearing.remove(self.place)
            subprocess.run(["git", "worktree", "prune"], cwd=self.root, check=True)
            return took

        return run


def trees(setting: Setting) -> Iterator[Figure]:
    """Ours are links to a standing checkout."""
    for corpus in setting.corpora.values():
        yield from one_corpus(setting, corpus)


def one_corpus(setting: Setting, corpus: Corpus) -> Iterator[Figure]:
    bench = Bench(setting, corpus)
    name = f"task tree of {len(corpus.paths)} files, {corpus.name}"
    ours = interleave({OURS: lambda: bench.after_another}, setting.runs(7))
    first = interleave({OURS: lambda: bench.without_one}, SLOW, warm=0)
    copies = {
        COPY: lambda: bench.by("cp", "-a", "."),
        WORKTREE: lambda: bench.by("git", "worktree", "add", "--quiet", "--detach"),
    }
    theirs = interleave(copies, SLOW, warm=0)
    right, notes = not bench.wrong, tuple(bench.wrong[:1])
    for what, side, bar in (("ready", ours, Bar(0.150, "s")), ("ready without a spare", first, None)):
        samples = Samples({**theirs.taken, **side.taken}, theirs.reasons)
        yield figure(f"{name}, {what}", samples, COPY, bar, right=right, notes=notes)
        yield figure(f"{name}, {what}", samples, WORKTREE, right=right)
    gone = interleave({OURS: lambda: bench.removed, RM: lambda: bench.removed_by_rm}, SLOW, warm=0)
    yield figure(f"{name}, removed", gone, RM)
    kept = interleave({OURS: lambda: bench.given_back}, SLOW)
    yield figure(f"{name}, kept as the spare", Samples({**gone.taken, **kept.taken}, []), RM)
    size = sum((bench.root / path).lstat().st_blocks * 512 for path in corpus.paths)
    rooms = Samples({OURS: bench.taken, WORKSPACE: [float(size)]}, [])
    folders = len({above for path in corpus.paths for above in Path(path).parents})
    told = f"{folders} folders, which no link saves"
    yield figure(f"{name}, on disk", rooms, WORKSPACE, Bar(0.02), unit="B", right=right, notes=(told,))
    clearing.remove(bench.state)


def used(folder: Path) -> int:
    """Bytes on disk, each file counted once however many names it has."""
    told = subprocess.run(["du", "-s", "-B1", str(folder)], check=True, capture_output=True, text=True).stdout
    return int(told.split()[0])
