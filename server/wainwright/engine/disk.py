"""What runs keep on disk, and removing what nothing needs any more."""

import asyncio
from collections.abc import Collection, Iterable
from pathlib import Path

import structlog

from wainwright.domain.errors import RunBusy, WainwrightError
from wainwright.domain.fold import replay
from wainwright.domain.goal import ENDS, Fact, Stage
from wainwright.engine.parts import EngineParts
from wainwright.sandbox import clearing
from wainwright.waiting import finish_in_thread
from wainwright.workspace.checkpoints import FOLDER as CHECKPOINTS
from wainwright.workspace.standing import FOLDER as CHECKOUT
from wainwright.workspace.world import caches

log = structlog.get_logger()

DEPLOYED = "deploy-"
"""How the names of trees begin that services run from."""
_KINDS = ("trees", caches.RUNS)


class Kept(Fact):
    """What one run keeps on disk, in bytes; what serves may be needed by a service of the run."""

    run: str
    stage: Stage | None
    """None: the journal knows no such run."""
    resuming: int
    serving: int
    removable: int


class DiskView(Fact):
    """What the state directory of a workspace holds, in bytes."""

    folder: str
    runs: tuple[Kept, ...]
    shared: dict[str, int]
    """Journal, private repository, standing checkout, index and what was built, which serve all runs."""


class Disk:
    """The folders of one workspace's runs."""

    def __init__(self, parts: EngineParts) -> None:
        self._parts = parts

    async def tidy(self, run: str) -> None:
        """Remove what a run that has ended, and that nobody else works on, does not need. Never raises."""
        self._parts.layers.pop(run, None)
        self._parts.shared.pop(run, None)
        self._parts.persons.pop(run, None)
        try:
            places = await asyncio.to_thread(self._removable, [run])
            places += await asyncio.to_thread(self._replaced)
            for place in (*places, *await asyncio.to_thread(self._environments, frozenset({Stage.DONE}))):
                await finish_in_thread(clearing.remove, place)
            await asyncio.to_thread(self._drop_empty)
        except (OSError, WainwrightError) as error:
            log.warning("run.not_tidied", run=run, reason=str(error))

    async def view(self) -> DiskView:
        """Look what is there."""
        return await asyncio.to_thread(self._view)

    async def clean(self, *, dry_run: bool) -> dict[str, int]:
        """Remove what runs that have ended left behind: path -> bytes. What a living run or a service uses stays."""
        gone: dict[str, int] = {}
        for run, stage in (await asyncio.to_thread(self._runs)).items():
            if stage is None or stage in ENDS:
                gone |= await finish_in_thread(self._clean_run, run, known=stage is not None, dry_run=dry_run)
        for place in await asyncio.to_thread(self._environments, ENDS):
            gone[str(place)] = await asyncio.to_thread(clearing.size, place)
            if not dry_run:
                await finish_in_thread(clearing.remove, place)
        gone |= await finish_in_thread(self._clean_checkout, dry_run=dry_run)
        if gone and not dry_run:
            await asyncio.to_thread(self._parts.journal.note, "clean", "person", {"removed": [*gone]})
        return gone

    def _environments(self, over: Collection[Stage]) -> list[Path]:
        """What runs were shown beside their snapshots, and no run needs that is not over or serves."""
        repository, needed = self._parts.repository, set[str]()
        if not repository.environments_unneeded(()):
            return []
        for row in self._parts.journal.runs():
            state = replay(self._parts.journal.events(row.run))
            serves = (self._parts.state / "trees" / row.run).is_dir()
            if state is not None and (serves or state.stage not in over):
                needed |= {state.environment, state.contents}
        return repository.environments_unneeded(needed)

    def _clean_checkout(self, *, dry_run: bool) -> dict[str, int]:
        """The standing checkout saves the next run from making one: nobody misses it where no run is under way."""
        place = self._parts.state / CHECKOUT
        if not place.is_dir() or any(row.owned for row in self._parts.journal.runs()):
            return {}
        size = clearing.size(place)
        if not dry_run:
            clearing.remove(place)
        return {str(place): size}

    def _clean_run(self, run: str, *, known: bool, dry_run: bool) -> dict[str, int]:
        journal = self._parts.journal
        try:
            lease = journal.claim(run, acting=False) if known and not dry_run else None
        except RunBusy:
            return {}
        try:
            gone = {}
            for place in self._removable([run]):
                gone[str(place)] = clearing.size(place)
                if not dry_run:
                    clearing.remove(place)
            if not dry_run:
                self._drop_empty()
            return gone
        finally:
            if lease is not None:
                journal.release(lease)

    def _view(self) -> DiskView:
        state = self._parts.state
        runs = []
        for run, stage in self._runs().items():
            removable = {place: clearing.size(place) for place in self._removable([run])}
            whole = sum(clearing.size(state / kind / run) for kind in _KINDS)
            ended, free = stage is None or stage in ENDS, sum(removable.values())
            runs.append(
                Kept(
                    run=run,
                    stage=stage,
                    resuming=0 if ended else free,
                    serving=max(0, whole - free),
                    removable=free if ended else 0,
                )
            )
        shared = (
            "repository.git",
            CHECKOUT,
            "environment",
            "contents",
            "index",
            caches.KEPT,
            "receipts",
            "deployments",
            "undo",
            CHECKPOINTS,
            "journal.db",
            "journal.db.verified",
            "journal.db.spare",
        )
        sizes = {name: clearing.size(state / name) for name in shared if (state / name).is_dir()}
        sizes |= {name: (state / name).stat().st_size for name in shared if (state / name).is_file()}
        return DiskView(folder=str(state), runs=tuple(runs), shared=sizes)

    def _runs(self) -> dict[str, Stage | None]:
        """Runs that have anything on disk, with their stage; folders first, so that no new run is taken for none."""
        names = sorted({place.name for kind in _KINDS for place in _folders(self._parts.state / kind)})
        known = {row.run for row in self._parts.journal.runs()}
        stages: dict[str, Stage | None] = dict.fromkeys(names)
        for name in known.intersection(names):
            state = replay(self._parts.journal.events(name))
            stages[name] = state.stage if state else None
        return stages

    def _removable(self, runs: Iterable[str]) -> list[Path]:
        """Trees with their git directories, layers and caches; not those of a service."""
        serving = self._serving()
        found: list[Path] = []
        for run in runs:
            trees = _folders(self._parts.state / "trees" / run)
            found += [tree for tree in trees if not _serves(tree, serving)]
            found += [place for place in (self._parts.state / caches.RUNS / run,) if place.is_dir()]
        return found

    def _replaced(self) -> list[Path]:
        """Trees of services that others have taken over from, and that no roll-back leads to."""
        serving = self._serving()
        trees = [
            tree
            for run in _folders(self._parts.state / "trees")
            for tree in _folders(run)
            if tree.name.startswith(DEPLOYED)
        ]
        ended = {run for run, stage in self._runs().items() if stage in ENDS}
        return [tree for tree in trees if tree.parent.name in ended and not _serves(tree, serving)]

    def _serving(self) -> set[Path] | None:
        """Trees of services; None when that cannot be known, so that all might be."""
        if self._parts.sandbox is None:
            return None
        trees = (tree for target in self._parts.targets.values() for tree in target.in_use())
        return {tree.resolve() for tree in trees}

    def _drop_empty(self) -> None:
        for kind in _KINDS:
            for folder in _folders(self._parts.state / kind):
                if not any(folder.iterdir()):
                    folder.rmdir()


def _serves(tree: Path, serving: set[Path] | None) -> bool:
    itself = tree.with_name(tree.name.removesuffix(".git").removesuffix(".layers"))
    return itself.name.startswith(DEPLOYED) if serving is None else itself.resolve() in serving


def _folders(place: Path) -> list[Path]:
    return (
        sorted(one for one in place.iterdir() if one.is_dir() and not one.is_symlink())
        if place.is_dir()
        else []
    )
