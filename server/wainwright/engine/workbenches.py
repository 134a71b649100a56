"""Sets up workbenches: a tree of a commit, seen by commands at the workspace's own path.

A workbench ends with its work: tree, layers, git directory and caches are removed. Nothing is lost with them: every
checkpoint is a commit that a ref of the private repository holds, and a resumed agent is given a tree made anew.
"""

import asyncio
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import structlog

from wainwright.domain.evidence import Receipt, Suite
from wainwright.domain.state import RunState
from wainwright.engine import surroundings
from wainwright.engine.agreeing import NotAgreed, agreed, fence, why_not
from wainwright.engine.parts import EngineParts
from wainwright.receipts import asked
from wainwright.receipts.integrity import Before
from wainwright.receipts.project import CommitProject, FolderProject
from wainwright.receipts.protocol import CannotNarrow
from wainwright.receipts.take import take
from wainwright.receipts.text import report_text
from wainwright.sandbox import clearing
from wainwright.sandbox.protocol import Layer, SandboxView, Writes
from wainwright.tools.toolbox import Denied, TestPort, Workbench
from wainwright.waiting import finish_in_thread
from wainwright.workspace import context
from wainwright.workspace.dependencies import layers
from wainwright.workspace.index import IndexedTree
from wainwright.workspace.native.ranking import Moment
from wainwright.workspace.world import caches

log = structlog.get_logger()


class Altered(NamedTuple):
    """A tree whose files are altered between tests, and what tests it."""

    tree: Path
    test: Callable[[Sequence[str], float], Awaitable[Receipt]]
    """Given the tests to narrow to (none: all) and seconds. Raises CannotNarrow where that cannot be done."""


async def view(parts: EngineParts, state: RunState, name: str, commit: str) -> SandboxView:
    """A tree of a commit that stays, at the workspace's own path, with the layers over it."""
    tree = await finish_in_thread(_clone, parts, state, name, commit)
    return await _see(parts, state, tree)


@asynccontextmanager
async def _tree(parts: EngineParts, state: RunState, name: str, commit: str) -> AsyncIterator[Path]:
    """A tree of a commit for as long as it is worked on."""
    tree = parts.repository.tree(state.run, name)
    try:
        yield await finish_in_thread(_clone, parts, state, name, commit)
    finally:
        await parts.indexes.forget(tree)
        await _remove(parts.repository.remove, tree)


@asynccontextmanager
async def _tree_to_read(parts: EngineParts, state: RunState, name: str, commit: str) -> AsyncIterator[Path]:
    """A tree of a commit to which nobody writes: the standing checkout, or one of its own while that is in use."""
    beneath = parts.repository.environment(state.environment)
    with ExitStack() as kept:
        standing = await finish_in_thread(kept.enter_context, parts.repository.standing_on(commit, beneath))
        if standing is not None:
            yield standing
        else:
            async with _tree(parts, state, name, commit) as tree:
                yield tree


def _clone(parts: EngineParts, state: RunState, name: str, commit: str) -> Path:
    beneath = parts.repository.environment(state.environment)
    return parts.repository.clone(state.run, name, commit, beneath)


async def _remove(how: Callable[[Path], None], place: Path) -> None:
    """What cannot be removed is no reason to fail: it is tried again when the run ends, and by a person."""
    try:
        await finish_in_thread(how, place)
    except OSError as error:
        log.warning("workbench.not_removed", place=str(place), reason=str(error))


def know_layers(parts: EngineParts, run: str, dependencies: Iterable[str], contents: str) -> None:
    """Note what lies over a run's trees: folders of installed and built things, and contents of files. Blocks."""
    folders = layers(parts.repository.place.top, dependencies)
    parts.layers[run] = (*folders, *parts.repository.contents(contents))


async def _layers(parts: EngineParts, state: RunState) -> tuple[Layer, ...]:
    if state.run not in parts.layers:
        found = await asyncio.to_thread(parts.repository.dependencies)
        await asyncio.to_thread(know_layers, parts, state.run, found, state.contents)
    return parts.layers[state.run]


async def _see(
    parts: EngineParts,
    state: RunState,
    tree: Path,
    cache: Path | None = None,
    *,
    writes: Writes = "kept",
) -> SandboxView:
    seeds = cache is None or cache == caches.kept(parts.state)
    place = parts.repository.place
    repository = await asyncio.to_thread(
        parts.repository.for_commands, state.run, tree, state.person_head, state.contents
    )
    seen = (*await _layers(parts, state), *repository.layers)
    if writes == "dropped":
        seen = tuple(
            one.model_copy(update={"writes": "dropped"}) if one.writes == "kept" else one for one in seen
        )
    return SandboxView(
        tree=place.around(tree),
        at=place.top if place.prefix else parts.workspace,
        cwd=place.prefix or ".",
        writes=writes,
        layers=seen,
        readable=repository.readable,
        cache=cache,
        cache_beneath=() if seeds else await asyncio.to_thread(caches.beneath, parts.state),
    )


def reading(
    parts: EngineParts, state: RunState, name: str, commit: str
) -> AbstractAsyncContextManager[Workbench]:
    """A workbench where an agent can look and not write."""
    return _workbench(parts, state, name, commit, writable=False)


@asynccontextmanager
async def writing(
    parts: EngineParts,
    state: RunState,
    name: str,
    commit: str,
    *,
    write_set: tuple[str, ...],
    claimed: tuple[str, ...] = (),
    read_only: frozenset[str] = frozenset(),
) -> AsyncIterator[Workbench]:
    """A workbench with a tree to change."""
    async with _workbench(parts, state, name, commit, writable=True) as workbench:
        workbench.write_set, workbench.claimed, workbench.read_only = write_set, claimed, read_only
        yield workbench


@asynccontextmanager
async def _workbench(
    parts: EngineParts, state: RunState, name: str, commit: str, *, writable: bool
) -> AsyncIterator[Workbench]:
    cache = await asyncio.to_thread(caches.own, parts.state, state.run, name)
    async with (_tree if writable else _tree_to_read)(parts, state, name, commit) as tree:
        try:
            yield Workbench(
                tree=tree,
                began_at=commit,
                tree_at=commit,
                expected_at=commit,
                ref=f"{state.run}/{name}",
                repository=parts.repository,
                view=await _see(parts, state, tree, cache, writes="kept" if writable else "dropped"),
                sandbox=parts.fence(attended=state.attended)[0],
                redactor=parts.redactor,
                indexes=parts.indexes,
                rules=parts.settings.commands.rules,
                tests=_tests(parts, state),
                writable=writable,
            )
        finally:
            await _remove(clearing.remove, cache)


def _tests(parts: EngineParts, state: RunState) -> TestPort | None:
    """What runs the project's tests for an agent; None when no test command is known."""
    if not state.testable:
        return None

    known = [case.name for case in state.base_receipt.cases] if state.base_receipt else []
    known += [test.test for test in state.acceptance.tests] if state.acceptance else []

    async def run(workbench: Workbench, tree: str, only: Sequence[str]) -> str:
        project = FolderProject(workbench.view.tree / workbench.view.cwd)
        try:
            named = await asyncio.to_thread(asked.resolve, only, known, project)
            receipt = await take(
                await agreed(parts, state, workbench.name, state.suites, tree, only=named),
                workbench.view,
                state.suites,
                tree=tree,
                timeout_s=parts.settings.test.timeout_s,
                redactor=parts.redactor,
                only=named,
            )
        except CannotNarrow as error:
            return str(error)
        except NotAgreed as error:
            return Denied(str(error))
        return report_text(receipt, own=workbench.own_tests, base=state.base_receipt)

    return run


async def shared(parts: EngineParts, state: RunState, name: str) -> context.Shared:
    """What all roles of a run are shown of the workspace: the base, looked through for the goal.

    ``name``: of the tree that is made for that where the standing checkout is in use.
    """
    if state.run not in parts.shared:
        assert state.base is not None
        async with _tree_to_read(parts, state, f"{name}-base", state.base) as tree:
            indexed = await parts.indexes.at(tree, parsed=False)
            parts.shared[state.run] = await asyncio.to_thread(_shared, parts, indexed, state)
    return parts.shared[state.run]


@asynccontextmanager
async def looking_through(parts: EngineParts, state: RunState, name: str) -> AsyncIterator[None]:
    """Have what all roles are shown made ready beside other work."""
    looking = asyncio.create_task(shared(parts, state, name))
    try:
        yield
        # What went wrong there is met again by whoever needs it.
        await asyncio.wait({looking})
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


def _shared(parts: EngineParts, indexed: IndexedTree, state: RunState) -> context.Shared:
    tip = state.base or ""
    if tip and not indexed.ranker.knows(tip):
        indexed.ranker.read_history(parts.repository.history(tip))
    return context.shared(indexed, state.goal.text, tip=tip, moment=_moment(state))


async def shown(
    parts: EngineParts,
    state: RunState,
    workbench: Workbench,
    about: str,
    write_set: Sequence[str] = (),
    *,
    whole: Sequence[str] = (),
    room: int,
    most: int = 0,
) -> str:
    """Show of a workbench's tree what the words speak ``about``, beyond what all roles are shown."""
    known = await shared(parts, state, workbench.name)
    indexed = await parts.indexes.at(workbench.tree, parsed=False)
    return await asyncio.to_thread(
        context.own, indexed, about, known, write_set=write_set, whole=whole, room=room, most=most
    )


async def receipt(
    parts: EngineParts,
    state: RunState,
    name: str,
    commit: str,
    *,
    seeds: bool = False,
    anew: bool = False,
    recognised: bool = False,
) -> Receipt:
    """The tests on a commit: how they ended when this tree was tested before, or how they end now.

    ``anew``: only a green receipt is taken from before, since a person may have mended what made it red.
    ``seeds``: what is built is kept for all that come after. Only for the person's own code and command.
    ``recognised``: nobody named the suites, so those that cannot run here are left out while others can.
    """
    around = await _around(parts, state)
    tree = await _tree_of(parts, state, commit)
    found = await asyncio.to_thread(parts.receipts.find, tree, state.suites, _beside(around, state.base_tree))
    asked_for = found is not None and bool(found.left_out) and not recognised
    if found is not None and (found.green or not anew) and not asked_for:
        return found
    beside = _beside(around, state.base_tree)
    taken = await _take(
        parts, state, name, commit, state.suites, around=beside, seeds=seeds, recognised=recognised
    )
    await asyncio.to_thread(keep, parts, taken)
    return taken


def keep(parts: EngineParts, taken: Receipt) -> None:
    """Keep a receipt for the next time its tree is tested. Blocks.

    What raised no doubt beside the base of this run raises none beside itself, as the base of the next one.
    """
    parts.receipts.keep(taken)
    if taken.left_out:
        # From now on the run asks for the suites that are left.
        out = [one.suite for one in taken.left_out]
        able = tuple(suite for suite in taken.suites if suite not in out)
        keep(parts, taken.model_copy(update={"suites": able, "left_out": ()}))
    if not taken.doubts:
        around = taken.surroundings.partition(":")[0]
        parts.receipts.keep(taken.model_copy(update={"surroundings": _beside(around, taken.tree)}))


def _beside(around: str, base_tree: str | None) -> str:
    """Surroundings with the base that was looked at for what could make a report lie."""
    return f"{around}:{base_tree}"


async def again(parts: EngineParts, state: RunState, name: str, commit: str, tests: Sequence[str]) -> Receipt:
    """Run some tests alone on a fresh tree of a commit. Raises CannotNarrow where that cannot be done."""
    return await _take(parts, state, name, commit, state.suites, only=tests)


async def command(
    parts: EngineParts, state: RunState, name: str, commit: str, words: tuple[str, ...]
) -> Receipt:
    """Run a list of words on a fresh tree of a commit and record how it ended."""
    return await _take(parts, state, name, commit, (Suite(command=shlex.join(words)),))


async def _tree_of(parts: EngineParts, state: RunState, commit: str) -> str:
    if commit == state.base and state.base_tree is not None:
        return state.base_tree
    return await asyncio.to_thread(parts.repository.tree_of, commit)


async def _around(parts: EngineParts, state: RunState) -> str:
    """What else decides how the tests of this run end."""
    place, tier = parts.repository.place, state.tier
    settings = await asyncio.to_thread(parts.sandbox.settings) if parts.sandbox else []
    seen = SandboxView(
        tree=parts.repository.tree(state.run, "any"),
        at=place.top if place.prefix else parts.workspace,
        cwd=place.prefix or ".",
        layers=await _layers(parts, state),
    )
    # Tests ask git for the commit, and builds for the tags on it.
    beneath = (state.person_head or "", state.environment, state.contents, *settings)
    return await asyncio.to_thread(surroundings.digest, seen, tier, beneath)


async def _take(
    parts: EngineParts,
    state: RunState,
    name: str,
    commit: str,
    suites: Sequence[Suite],
    *,
    only: Sequence[str] = (),
    seeds: bool = False,
    recognised: bool = False,
    around: str = "",
) -> Receipt:
    tested = await _tree_of(parts, state, commit)
    sandbox = await agreed(parts, state, name, suites, tested, only=only)
    # What one suite leaves the next may need, as at a prompt.
    alone = len(suites) == 1
    where = _tree_to_read if alone else _tree
    async with where(parts, state, name, commit) as tree, _cache(parts, state, name, seeds=seeds) as cache:
        taken = await take(
            sandbox,
            await _see(parts, state, tree, cache, writes="dropped" if alone else "kept"),
            suites,
            tree=tested,
            timeout_s=parts.settings.test.timeout_s,
            redactor=parts.redactor,
            only=only,
            before=None if commit == state.base else await asyncio.to_thread(_before, parts, state, commit),
            recognised=recognised,
            hidden=[told.partition(": ")[0] for told in state.skipped_files],
        )
        return taken.model_copy(update={"surroundings": around})


@asynccontextmanager
async def altering(parts: EngineParts, state: RunState, name: str, commit: str) -> AsyncIterator[Altered]:
    """A tree of a commit to alter between tests. What tests write is dropped, but for what they build."""
    sandbox = fence(parts)
    if why := why_not(parts, state, state.suites):
        raise NotAgreed(f"A person would be asked about each time: {why}.", "Tests are run without them.")
    async with _tree(parts, state, name, commit) as tree, _cache(parts, state, name, seeds=False) as cache:
        seen = await _see(parts, state, tree, cache, writes="dropped")

        async def test(only: Sequence[str], timeout_s: float) -> Receipt:
            try:
                return await take(
                    sandbox,
                    seen,
                    state.suites,
                    tree="",
                    timeout_s=timeout_s,
                    redactor=parts.redactor,
                    only=only,
                )
            finally:
                if not sandbox.overlays:
                    # There what is to be dropped stays in the tree.
                    await finish_in_thread(parts.repository.restore, tree, commit)

        yield Altered(tree, test)


@asynccontextmanager
async def _cache(parts: EngineParts, state: RunState, name: str, *, seeds: bool) -> AsyncIterator[Path]:
    """A receipt's cache; see ``caches`` for who may read it."""
    if seeds:
        try:
            yield await asyncio.to_thread(caches.kept, parts.state)
        finally:
            bound = parts.settings.caches.max_bytes
            await _remove(lambda state: caches.bound(state, bound), parts.state)
    elif parts.sandbox is not None and parts.sandbox.overlays:
        cache = await asyncio.to_thread(caches.own, parts.state, state.run, name)
        try:
            yield cache
        finally:
            await _remove(clearing.remove, cache)
    else:
        yield await asyncio.to_thread(caches.own, parts.state, state.run, "receipts")


def _before(parts: EngineParts, state: RunState, commit: str) -> Before:
    """The base and what changed since: that says whether a report can be believed."""
    repository, base = parts.repository, state.base
    assert base is not None
    project = CommitProject(repository.files(base), partial(repository.read, base))
    return Before(project, [path for _, path in repository.changes(base, commit)])


def _moment(state: RunState) -> Moment:
    """Where the person stood when they asked, and what they had not saved."""
    place = state.goal.place
    unsaved = tuple(sorted(state.overlay))
    if place is None:
        return Moment(open=unsaved)
    return Moment(
        open=unsaved,
        cursor=(place.path, place.first_line or 1),
        diagnostics=tuple((place.path, said) for said in place.diagnostics),
        selection=place.text,
    )
