"""BUILD: an implementer who works alone. The tests of the answer run on the base, and are pinned on the way.

Once they have been red there, with nothing but their files added, they stay as they are: what follows judges the tree
by them, as by tests that somebody else wrote before.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from wainwright.agents.answers import AcceptanceAnswer, AloneAnswer
from wainwright.domain import events as ev
from wainwright.domain.evidence import AcceptanceTest, Receipt
from wainwright.domain.plan import EVERYTHING, covers
from wainwright.domain.state import TaskState
from wainwright.engine import workbenches
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import red_first
from wainwright.engine.stages.acceptance import FOR_TESTS, pinned, uncovered, unplaced
from wainwright.engine.stages.belonging import reported, with_files
from wainwright.journal import Spend, Steps
from wainwright.receipts.protocol import CannotNarrow
from wainwright.tools.toolbox import Workbench


@dataclass(frozen=True)
class OwnTests:
    """The tests that one attempt at a task brings."""

    parts: EngineParts
    run: LiveRun
    one: TaskState
    workbench: Workbench
    steps: Steps

    async def pin(self, answer: AloneAnswer) -> str:
        """Pin the tests of an answer, or say what is wrong with them; recorded, since tests print times."""
        if not self.run.state.testable:
            return ""
        commit = await self.workbench.checkpoint(self.one.task.title)
        tree = await asyncio.to_thread(self.workbench.repository.tree_of, commit)

        async def act(_key: str) -> tuple[JsonValue, Spend]:
            return await self._pin(answer, commit), Spend()

        refusal = await self.steps.step("pin", inputs=tree, effect="read", act=act)
        self._hold()
        return cast("str", refusal)

    def _hold(self) -> None:
        """From now on the implementer may not change what is pinned, and has to make it green."""
        state, workbench = self.run.state, self.workbench
        if state.acceptance is not None:
            named = [name for test in state.acceptance.tests for name in reported(state, test.test)]
            workbench.read_only = frozenset(state.acceptance.files)
            workbench.own_tests = workbench.due_tests = tuple(dict.fromkeys(named))

    async def _pin(self, answer: AloneAnswer, commit: str) -> str:
        state = self.run.state
        if state.acceptance is not None:
            return ""  # by an answer before, whose code was not good enough
        around = await asyncio.to_thread(self.parts.repository.files, commit)
        files = await asyncio.to_thread(self._files, answer, commit, around)
        wrong = uncovered(state, answer.tests, answer.because, "because") or unplaced(answer.tests, files)
        if wrong:
            return wrong
        first = None
        if answer.tests:
            self.run.tell("runs the new tests on the base", self.one.task.id)
            first = await self._red_first(answer.tests, commit, files, around)
            unfit = red_first.unfit(state, first, answer.tests, answer.because, "because")
            if unfit:
                return unfit
        told = AcceptanceAnswer(status="done", tests=answer.tests, summary=answer.because or answer.summary)
        async with self.run.integration:
            await self.run.emit(*await pinned(self.parts, self.run, commit, files, told, first))
        return ""

    def _files(self, answer: AloneAnswer, commit: str, around: Collection[str]) -> tuple[str, ...]:
        """The files that tests were named in, and what else was changed for tests."""
        if not answer.tests:
            return ()
        named = {test.test.partition("::")[0] for test in answer.tests} & set(around)
        code = [path for path in self.one.task.write_set if path != EVERYTHING]
        changes = self.parts.repository.changes(self.workbench.began_at, commit)
        helping = {
            path
            for status, path in changes
            if status != "D" and FOR_TESTS.search(path) and not covers(code, path)
        }
        return tuple(sorted(named | helping))

    async def _red_first(
        self, tests: Sequence[AcceptanceTest], commit: str, files: Sequence[str], around: Collection[str]
    ) -> ev.RedFirstTested:
        """How the tests end on the base; where nothing runs them there, with what the change brings to run them."""
        state, base = self.run.state, self.run.state.base
        assert base is not None
        there, _ = await with_files(self.parts, base, commit, files, "The new tests on the base")
        first = red_first.told(state, await self._receipt(there, tests, around), tests, around)
        ready = await red_first.with_setup(self.parts, base, commit) if first.postponed else base
        if ready == base:
            return first
        there, _ = await with_files(self.parts, ready, commit, files, "The new tests on the base")
        return red_first.told(state, await self._receipt(there, tests, around), tests, around)

    async def _receipt(self, there: str, tests: Sequence[AcceptanceTest], around: Collection[str]) -> Receipt:
        """The tests alone where that can be asked for and tells of each of them; else all tests."""
        state, name = self.run.state, f"{self.workbench.name}-first"
        names = tuple(dict.fromkeys(test.test for test in tests))
        try:
            narrowed = await workbenches.again(self.parts, state, name, there, names)
        except CannotNarrow:
            return await workbenches.receipt(self.parts, state, name, there)
        told = red_first.told(state, narrowed, tests, around)
        if narrowed.cases and not told.postponed and not told.found.not_run:
            return narrowed
        return await workbenches.receipt(self.parts, state, name, there)
