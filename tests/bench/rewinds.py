"""Going back to before a change of ten files, and forth again, in a small and a large folder, beside `git stash`."""

import asyncio
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from tests.bench.harness import OURS, Bar, Figure, Missing, Samples, Setting, figure, interleave
from tests.bench.tools import quietly
from tests.unit.domain.test_machine import WAY_TO

from wainwright.domain import events as ev
from wainwright.domain.goal import Stage
from wainwright.engine.editing import Editing
from wainwright.engine.parts import EngineParts
from wainwright.engine.rewinding import Rewinding
from wainwright.journal import Journal
from wainwright.workspace.repository import Repository

SIZES = (1_000, 20_000)
EDITS = 10
STASH = "git stash, and git stash pop"
RUN = "r1"
ADDED = b"one more line\n"


def lay_out(root: Path, size: int) -> None:
    """Files of 2 kB in folders of fifty, committed."""
    for number in range(size):
        place = root / f"folder{number // 50}" / f"file{number}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"%08d the same line with a number in front\n" % number * 42)
    quietly("git", "init", "--quiet", root)
    quietly("git", "-C", root, "add", "--all")
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@localhost")
    quietly("git", "-C", root, *who, "commit", "--quiet", "--message", "as it was")


class Changed:
    """A folder in which ten files have a line more than its commit has."""

    def __init__(self, root: Path, size: int) -> None:
        self.root = root
        self.paths = [f"folder{at // 50}/file{at}.txt" for at in range(0, size, size // EDITS)]
        self.before = {path: (root / path).read_bytes() for path in self.paths}
        for path, body in self.before.items():
            (root / path).write_bytes(body + ADDED)

    def look(self, *, changed: bool) -> None:
        more = ADDED if changed else b""
        if any((self.root / path).read_bytes() != body + more for path, body in self.before.items()):
            raise Missing("a file is not what it was to be")


class Rewinds:
    """The change as a task's that landed, and the person has it; kept when it landed."""

    def __init__(self, root: Path, state: Path, size: int) -> None:
        self.repository = Repository(root, state, linked=True)
        base = self.repository.snapshot(RUN, {}).commit
        self.changed = Changed(root, size)
        tip = self.repository.snapshot(RUN, {}).commit
        journal = Journal(state / "journal.db")
        first, *way = WAY_TO[Stage.BUILD]
        lease = journal.create(first, RUN, "One more line", cap_usd=None, cap_tokens=None)
        taken = ev.SnapshotTaken(commit=base, tree="t", head=None)
        landed = ev.TaskLanded(task="a", attempt=0, commit=tip, tree="t")
        journal.append(lease, [taken if one.kind == taken.kind else one for one in way])
        journal.append(lease, [landed])
        parts = SimpleNamespace(workspace=root, state=state, journal=journal, repository=self.repository)
        self.parts = cast("EngineParts", parts)
        self.rewinding = self.another()
        asyncio.run(self.listed())

    def another(self) -> Rewinding:
        return Rewinding(self.parts, Editing(self.parts.workspace, self.parts.state, self.repository))

    async def listed(self) -> float:
        began = time.perf_counter()
        await self.rewinding.checkpoints()
        return time.perf_counter() - began


def rewind(setting: Setting) -> Iterator[Figure]:
    """Ours looks at what would change, keeps what stands there for certain, and writes all files or none."""
    for size in SIZES:
        yield from one_size(setting, size)


def one_size(setting: Setting, size: int) -> Iterator[Figure]:
    scratch = Path(tempfile.mkdtemp(prefix=f"rewinds-{size}-", dir=setting.scratch))
    roots = [scratch / "ours", scratch / "theirs"]
    for root in roots:
        lay_out(root, size)
    ours = Rewinds(roots[0], scratch / "state", size)
    theirs = Changed(roots[1], size)
    kept: list[float] = []
    computed: list[float] = []
    forth: dict[str, list[float]] = {OURS: [], STASH: []}

    async def there_and_back() -> float:
        rewinding = ours.rewinding
        await rewinding.look(f"{RUN}@0")  # a process that is there already
        began, used = time.perf_counter(), time.process_time()
        planned = await rewinding.look(f"{RUN}@0")
        looked, looking = time.perf_counter(), time.process_time() - used
        await rewinding.forget(await rewinding.keep(planned, "person"), "measured", "person")
        kept.append(time.perf_counter() - looked)
        began += kept[-1]
        used = time.process_time()
        done = await rewinding.rewind(planned)
        took = time.perf_counter() - began
        computed.append(time.process_time() - used + looking)
        ours.changed.look(changed=False)
        began = time.perf_counter()
        await rewinding.rewind(await rewinding.look(done.back))
        forth[OURS].append(time.perf_counter() - began)
        ours.changed.look(changed=True)
        return took

    def stashed() -> float:
        took = []
        for words, changed in ((("stash", "--quiet"), False), (("stash", "pop", "--quiet"), True)):
            began = time.perf_counter()
            who = ("-c", "user.name=Ann", "-c", "user.email=ann@localhost")
            subprocess.run(["git", *who, *words], cwd=theirs.root, check=True, capture_output=True)
            took.append(time.perf_counter() - began)
            theirs.look(changed=changed)
        forth[STASH].append(took[1])
        return took[0]

    def run() -> float:
        return asyncio.run(there_and_back())

    back = interleave({OURS: lambda: run, STASH: lambda: stashed}, setting.runs(15))
    bar, name = Bar(0.005, "s"), f"{EDITS} files of {size}"
    least, ran = min(back.taken[OURS]), statistics.median(computed)
    told = f"{1000 * least:.3g} ms at best; {1000 * ran:.3g} ms are computing, whatever else the machine does"
    yield figure(f"rewind of {name}", back, STASH, bar, notes=(told,))
    yield figure(f"the rewind of {name} taken back", Samples(forth, []), STASH, bar)
    yield figure(f"checkpoint of {name}", Samples({OURS: kept, STASH: back.taken[STASH]}, []), STASH, bar)
