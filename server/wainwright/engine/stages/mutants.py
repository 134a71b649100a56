"""REVIEW: small changes of the change are tried on the acceptance tests, beside the review, in a time of their own.

What no test notices is told to the person, and to who writes tests or code next in this run; it stops nothing.
"""

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from pathlib import Path

from wainwright.domain import events as ev
from wainwright.domain.changes import protected
from wainwright.domain.errors import WainwrightError
from wainwright.domain.evidence import Receipt, Survivor
from wainwright.domain.state import RunState
from wainwright.engine import workbenches
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages.belonging import standing, tests_in
from wainwright.receipts.names import belongs
from wainwright.receipts.protocol import CannotNarrow
from wainwright.workspace import native
from wainwright.workspace.native import Mutant, line_hunks, mutants
from wainwright.workspace.sources import EDIT_MAX

MUTANTS_MAX = 60
"""Of one change."""
AT_ONCE = 2
SLOWER_MAX = 4.0
"""A mutant that takes so many times as long as the change itself never ends."""
AFTER_REVIEW_S = 15.0
"""How long they are gone on with when nothing else keeps the change from being handed over."""
PATIENCE_S = 5.0
"""Added to that: what starts up takes as long as it takes."""


@dataclass(frozen=True)
class _Altered:
    """A mutant and the file it changes."""

    path: str
    mutant: Mutant
    text: bytes
    """The whole file with it."""


@dataclass
class _Trying:
    """What is tried, and how far that is."""

    parts: EngineParts
    state: RunState
    tree: str
    ends: float
    """When the time is over."""
    reviewed: Callable[[], bool] = lambda: False
    """Whether the review is over, so that somebody waits."""
    began: float = field(default_factory=time.monotonic)
    waiting: deque[_Altered] = field(default_factory=deque)
    only: tuple[str, ...] = ()
    expected: frozenset[str] = frozenset()
    """The acceptance tests that pass on the change itself; empty where the report tells no tests."""
    limit_s: float = 0.0
    slow: bool = False
    """Whether the time was over before the change itself was tested."""
    made: int = 0
    killed: int = 0
    timed_out: int = 0
    survived: list[_Altered] = field(default_factory=list)
    reason: str = ""
    clock: int = 0
    """The time of the file written last: no two have the same, so that nothing built of one is taken for another."""

    @property
    def left_s(self) -> float:
        now = time.monotonic()
        if self.reviewed():
            self.ends = min(self.ends, now + AFTER_REVIEW_S)
        return self.ends - now

    def told(self) -> ev.MutantsTried:
        """What came of it so far."""
        clean = self.parts.redactor.redact
        survivors = [
            Survivor(path=one.path, line=one.mutant.line, what=clean(one.mutant.what))
            for one in self.survived
        ]
        found = sorted(survivors, key=lambda one: (one.path, one.line, one.what))
        return ev.MutantsTried(
            tree=self.tree,
            made=self.made,
            killed=self.killed,
            timed_out=self.timed_out,
            survivors=tuple(found),
            seconds=round(time.monotonic() - self.began, 1),
            left=self.made - self.killed - len(found),
            reason=self.reason,
        )

    def note(self, one: _Altered, receipt: Receipt) -> None:
        """Write down what the tests said of a mutant."""
        if receipt.exit is None:
            self.timed_out += 1
        if receipt.exit is None or not self._passes(receipt):
            self.killed += 1
        else:
            self.survived.append(one)

    def _passes(self, receipt: Receipt) -> bool:
        return self.expected <= receipt.passing if self.expected else receipt.exit == 0

    def know(self, receipt: Receipt) -> bool:
        """Take over how the change itself ends; False where that says nothing of its acceptance tests."""
        tests = tests_in(self.state, standing(self.state))
        flaky = frozenset(self.state.tested.verdict.flaky) if self.state.tested else frozenset()
        self.expected = frozenset(
            name for name in receipt.passing - flaky if any(belongs(name, test) for test in tests)
        )
        self.limit_s, self.slow = SLOWER_MAX * receipt.seconds + PATIENCE_S, receipt.exit is None
        told = bool(self.expected) or not receipt.cases
        return receipt.exit is not None and told and self._passes(receipt)


async def try_mutants(parts: EngineParts, run: LiveRun) -> Sequence[ev.Event]:
    """Try mutants of the change until the time is over. What is broken off is told so far as it went."""
    state = run.state
    assert state.tested is not None
    trying = _Trying(
        parts,
        state,
        tree=state.tested.tree,
        ends=time.monotonic() + state.mutant_seconds,
        reviewed=lambda: run.state.reviewed is not None,
    )
    run.tell("tries whether the tests notice small faults")
    try:
        await _try_all(trying)
    except asyncio.CancelledError:
        over = run.state.reviewed is not None or run.state.stage != state.stage
        if over and trying.made > trying.told().left:
            with contextlib.suppress(WainwrightError):
                await run.emit(trying.told())
        raise
    return (trying.told(),)


async def _try_all(trying: _Trying) -> None:
    made = await asyncio.to_thread(_mutants, trying.parts, trying.state)
    trying.made, trying.waiting = len(made), deque(made)
    if not made:
        return
    head, ready = trying.state.present_head, asyncio.Event()
    workers = min(AT_ONCE, os.cpu_count() or 1, len(made))
    async with asyncio.TaskGroup() as group:
        for number in range(workers):
            group.create_task(_worker(trying, head, ready, number))


async def _worker(trying: _Trying, head: str, ready: asyncio.Event, number: int) -> None:
    """Try mutants in a tree of its own; the first one begins with the change itself, and the others wait for it."""
    try:
        if number:
            await ready.wait()
        if trying.waiting and trying.left_s > 0:
            name = f"mutants-{number}"
            async with workbenches.altering(trying.parts, trying.state, name, head) as altered:
                if not number:
                    await _test_itself(trying, altered)
                    ready.set()
                await _work(trying, altered)
    except (WainwrightError, OSError) as error:
        trying.reason = f"They could not all be tried: {error}".rstrip(".")
        trying.waiting.clear()
    finally:
        ready.set()


async def _test_itself(trying: _Trying, altered: workbenches.Altered) -> None:
    """Test the change as it is, the way its mutants will be: with the acceptance tests alone where that can be."""
    for only in (tests_in(trying.state, standing(trying.state)), ()):
        trying.only = only
        with contextlib.suppress(CannotNarrow):
            if trying.know(await altered.test(only, max(trying.left_s, 1.0))):
                return
    trying.reason = "The acceptance tests do not pass by themselves here, so nothing was tried"
    if trying.slow:
        trying.reason = "To run the tests once takes longer than there is time for this, so nothing was tried"
    trying.waiting.clear()


async def _work(trying: _Trying, altered: workbenches.Altered) -> None:
    while trying.waiting and trying.left_s > 0:
        one = trying.waiting.popleft()
        before = await asyncio.to_thread(native.read_beneath, altered.tree, one.path, EDIT_MAX)
        trying.clock = max(trying.clock + 1, int(time.time()))
        await asyncio.to_thread(_put, altered.tree, one.path, one.text, trying.clock)
        out_of_time = trying.left_s < trying.limit_s
        receipt = await altered.test(trying.only, max(min(trying.limit_s, trying.left_s), 0.1))
        if receipt.exit is not None or not out_of_time:
            trying.note(one, receipt)
        trying.clock += 1
        await asyncio.to_thread(_put, altered.tree, one.path, before, trying.clock)


def _put(tree: Path, path: str, content: bytes, at: int) -> None:
    """Put a file in the place of one that other trees have, too."""
    native.write_batch(tree, [(path, content, None)])
    with native.open_beneath(tree, path) as file:
        os.utime(file.fileno(), (at, at))


def _mutants(parts: EngineParts, state: RunState) -> list[_Altered]:
    """Mutants of all changed files in turn, the most telling of each first. Blocks."""
    assert state.base is not None
    pinned = state.acceptance.files if state.acceptance else {}
    found = []
    for status, path in parts.repository.changes(state.base, state.present_head):
        text = parts.repository.read(state.present_head, path) if status != "D" else None
        if text is None or path in pinned or protected(path):
            continue
        before = parts.repository.read(state.base, path) if status == "M" else None
        lines = changed_lines(before or b"", text)
        made = mutants(path, text, lines, MUTANTS_MAX)
        found.append([_Altered(path, one, one.applied(text)) for one in made])
    in_turn = chain.from_iterable(zip_longest(*found))
    return [one for one in in_turn if one is not None][:MUTANTS_MAX]


def changed_lines(before: bytes, after: bytes) -> list[tuple[int, int]]:
    """The lines that were added or changed, each as first and last, from 1."""
    hunks = line_hunks(before.decode("utf-8", "replace"), after.decode("utf-8", "replace"))
    return [(one.new_start + 1, one.new_start + one.new_len) for one in hunks if one.new_len]
