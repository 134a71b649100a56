"""A page about one run: what a front needs to draw it, read at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from wainwright.domain.evidence import Case, Outcome, Receipt
from wainwright.domain.goal import Fact
from wainwright.domain.state import RunState
from wainwright.domain.text import cut, plain
from wainwright.engine.views.run_view import MESSAGE_MAX, RunView
from wainwright.engine.views.timeline import StageView, Timeline, stages
from wainwright.journal import Journal
from wainwright.models.ledger import Ledger, Line

CASES_MAX = 2_000
"""Tests that are told one by one: what is not green first."""


class CaseView(Fact):
    """One test of the newest receipt."""

    name: str
    outcome: Outcome
    before: Outcome | Literal[""]
    """How it ended before the run; empty: there was none of that name."""
    message: str


class RunPage(Fact):
    """A run as a page shows it."""

    view: RunView
    stages: tuple[StageView, ...]
    spent: tuple[Line, ...]
    cases: tuple[CaseView, ...]
    lines: tuple[str, ...]
    """The newest lines of what is going on, the oldest first; empty of a run at work elsewhere, or at rest."""


class Pages:
    """Makes pages; what was read of a journal is kept, since it only grows."""

    def __init__(
        self,
        journal: Journal,
        named: Callable[[str | None], Awaitable[str]],
        look: Callable[[str | None], Awaitable[RunView]],
        state: Callable[[str], Awaitable[RunState]],
        lines: Callable[[str], Sequence[str]],
    ) -> None:
        self._journal = journal
        self._named = named
        self._look = look
        self._state = state
        self._lines = lines
        self._timelines: dict[str, Timeline] = {}
        self._ledgers: dict[str, Ledger] = {}

    async def cost(self, run: str | None = None) -> tuple[str, Ledger]:
        """A run, and each of its model calls. None: the newest."""
        name = await self._named(run)
        ledger = self._ledgers.setdefault(name, Ledger(self._journal, name))
        return name, await asyncio.to_thread(ledger.read)

    async def page(self, run: str | None = None) -> RunPage:
        """The page of a run; None: of the newest. Raises InputError where there is none."""
        name, ledger = await self.cost(run)
        view, state = await self._look(name), await self._state(name)
        timeline = self._timelines.setdefault(name, Timeline(self._journal, name))
        began = await asyncio.to_thread(timeline.began, view.stage)
        return RunPage(
            view=view,
            stages=stages(view, began),
            spent=ledger.lines(),
            cases=_cases(state),
            lines=tuple(self._lines(name)),
        )


def _cases(state: RunState) -> tuple[CaseView, ...]:
    base = state.base_receipt
    receipt: Receipt | None = state.tested.receipt if state.tested else base
    if receipt is None:
        return ()
    before = {case.name: case.outcome for case in base.cases} if base else {}
    told = [case for case in receipt.cases if not case.ending]
    told.sort(key=_green)
    return tuple(
        CaseView(
            name=case.name,
            outcome=case.outcome,
            before=before.get(case.name, ""),
            message=cut(plain(case.message).strip(), MESSAGE_MAX),
        )
        for case in told[:CASES_MAX]
    )


def _green(case: Case) -> bool:
    return case.outcome == "passed"
