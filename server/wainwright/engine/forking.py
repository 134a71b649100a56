"""Forks: a run that begins as another one did, up to a row of its journal, and goes on from there by itself.

What was done until that row is done in the fork too, and paid for in the other run. From there on each model call
that asks the same in the same place as the other run did later is answered from its record; all else is done anew.
"""

import asyncio
import json
import secrets
from collections.abc import Collection, Iterable
from typing import Any

from pydantic import JsonValue, ValidationError

from wainwright.domain.deployment import DeploymentPlanned
from wainwright.domain.errors import IllegalTransition, InputError, JournalBroken
from wainwright.domain.events import EVENT, Event, RunStarted
from wainwright.domain.fold import fold, replay
from wainwright.domain.goal import ENDS, Fact, Stage
from wainwright.domain.state import RunState
from wainwright.engine.parts import EngineParts
from wainwright.engine.views.event_text import describe_event
from wainwright.journal import Journal, Row
from wainwright.journal.told import WAYS_OUT
from wainwright.models.cassette import portable
from wainwright.models.questions import same_words


class ParentsAnswers:
    """Model calls of the run that one was forked from, made after the row where they part."""

    def __init__(self, journal: Journal, run: str) -> None:
        self._journal = journal
        self._run = run
        self._known: dict[str, Row] | None = None
        self._anew: frozenset[str] = frozenset()

    async def find(self, key: str, inputs: JsonValue) -> tuple[JsonValue] | None:
        """The outcome of the same question in that run, or None."""
        if self._known is None:
            self._known = await asyncio.to_thread(self._read)
        row = self._known.get(portable(key))
        if row is None or (isinstance(inputs, dict) and inputs["role"] in self._anew):
            return None
        recorded = await asyncio.to_thread(self._journal.get_blob, row.fingerprint)
        return (json.loads(row.body),) if same_words(json.loads(recorded), inputs) else None

    def _read(self) -> dict[str, Row]:
        parent, at, self._anew = self._journal.origin(self._run)
        known: dict[str, Row] = {}
        believed = parent and not self._journal.verify(parent).wrong
        for row in self._journal.rows(parent) if believed else ():
            if row.kind == "void":
                # That answer was useless: it would be again.
                known.pop(portable(row.key), None)
            elif row.kind == "done" and row.effect == "llm" and row.seq > at:
                known[portable(row.key)] = row
        return known


class RowView(Fact):
    """A row of a run's journal, as a person reads it."""

    number: int
    at: float
    kind: str
    text: str
    usd: float
    tokens: int


class Comparison(Fact):
    """What became of a fork beside the run it comes from."""

    parent: str
    fork: str
    stages: tuple[Stage, Stage]
    files: tuple[tuple[str, str, int, int], ...]
    """Status, path, lines more and lines less of each file in which the fork's result differs."""
    usd: tuple[float, float]
    """What the rest of the parent cost after the row where they part, and what the fork did."""
    tokens: tuple[int, int]
    calls: tuple[int, int]
    """Model calls that were made for these."""
    given: int
    """Model calls of the fork that were answered from the parent's record."""

    @property
    def sentences(self) -> list[str]:
        """What it says to a person."""
        told = []
        if self.stages[0] != self.stages[1]:
            told.append(f"it ended {self.stages[1]}, the other run {self.stages[0]}")
        told += [f"{status} {path}  +{more} -{less}" for status, path, more, less in self.files]
        if not self.files:
            told.append("the result is the same, file by file")
        rest, own = (
            f"${usd:.4f}, {tokens} tokens" for usd, tokens in zip(self.usd, self.tokens, strict=True)
        )
        return [
            *told,
            f"{self.calls[1]} model calls for {own}; {self.given} more were answered from the record",
            f"from that row on the other run made {self.calls[0]} calls for {rest}",
        ]


class Forking:
    """The forks of one workspace's runs; a run is given by its whole name."""

    def __init__(self, parts: EngineParts) -> None:
        self._parts = parts

    async def fork(self, run: str, at: int, anew: Collection[str] = ()) -> str:
        """Make a fork, which rests until it is resumed; its name. ``anew``: roles that are asked again in any case.

        Raises InputError for a row from which nothing can go on.
        """
        journal = self._parts.journal
        rows = [row for row in await asyncio.to_thread(journal.rows, run) if row.seq <= at]
        known = bool(rows) and rows[-1].seq == at
        first, state = _beginning(run, rows) if rows else (None, None)
        if first is None or state is None or (state.stage is Stage.DONE and not known):
            raise InputError(
                f"Run {run} has no row {at}.",
                f"`wainwright replay {run} --events` lists its rows and their numbers.",
            )
        if state.stage is Stage.DONE:
            raise InputError(
                f"At row {at} run {run} had ended: nothing would go on from there.",
                f"Name an earlier row; `wainwright replay {run} --events` lists them.",
            )
        new = f"{run.rpartition('-')[0] or run}-{secrets.token_hex(2)}"
        budget = self._parts.settings.budget
        lease = await asyncio.to_thread(
            journal.fork,
            run,
            new,
            first.model_copy(update={"run": new}),
            at,
            goal=state.goal.text,
            anew=sorted(anew),
            cap_usd=budget.usd,
            cap_tokens=budget.tokens,
        )
        try:
            await asyncio.to_thread(_share, self._parts, state, new)
        finally:
            await asyncio.to_thread(journal.release, lease)
        return new

    async def before_deploying(self, run: str) -> int:
        """The row after which what a run built is to be deployed as its Deployer planned. Raises InputError."""
        rows = await asyncio.to_thread(self._parts.journal.rows, run)
        planned = [
            row for row in rows if row.kind == "event" and _plans_service(EVENT.validate_json(row.body))
        ]
        if not planned:
            raise InputError(
                f"Run {run} has planned no service.", "Only a run that reached DEPLOY and found one has."
            )
        at = planned[-1].seq
        if _beginning(run, [row for row in rows if row.seq <= at])[1].stage is not Stage.DEPLOY:
            raise InputError(
                f"The smoke test of run {run}'s service failed.", "`wainwright show` tells more."
            )
        return at

    async def typed(self, run: str, at: int) -> dict[str, Any]:
        """What was typed of how a run works, as of a row."""
        rows = [row for row in await asyncio.to_thread(self._parts.journal.rows, run) if row.seq <= at]
        return dict(_beginning(run, rows)[1].typed) if rows else {}

    async def rows(self, run: str) -> list[RowView]:
        """The journal of a run for people: facts, and what was asked or done between them."""
        found = await asyncio.to_thread(self._parts.journal.rows, run)
        return [
            RowView(number=row.seq, at=row.at, kind=row.kind, text=_text(row), usd=row.usd, tokens=row.tokens)
            for row in found
            if row.kind != "intent"
        ]

    async def beginnings(self, run: str) -> list[tuple[Stage, int]]:
        """The stages that a run went through, each with the row with which it first began."""
        return await asyncio.to_thread(_beginnings, self._parts.journal, run)

    async def compare(self, run: str) -> Comparison:
        """A fork beside its parent. Raises InputError for a run that is none."""
        parent, at, _ = await asyncio.to_thread(self._parts.journal.origin, run)
        if not parent:
            raise InputError(f"Run {run} is no fork.", "`wainwright replay RUN --fork ROW` makes one.")
        return await asyncio.to_thread(_compare, self._parts, parent, at, run)


def _plans_service(event: Event) -> bool:
    return isinstance(event, DeploymentPlanned) and bool(event.question)


def _beginning(run: str, rows: Iterable[Row]) -> tuple[RunStarted, RunState]:
    """The first fact of some rows, and the state that all of them lead to. Raises JournalBroken."""
    try:
        events = [EVENT.validate_json(row.body) for row in rows if row.kind == "event"]
        state = replay(events)
    except (ValidationError, IllegalTransition) as error:
        raise JournalBroken(f"What was written of run {run} cannot be read: {error}.", WAYS_OUT) from None
    assert state is not None
    assert isinstance(events[0], RunStarted)
    return events[0], state


def _beginnings(journal: Journal, run: str) -> list[tuple[Stage, int]]:
    found: dict[Stage, int] = {}
    state: RunState | None = None
    for row in journal.rows(run):
        if row.kind == "event":
            state = fold(state, EVENT.validate_json(row.body))
            found.setdefault(state.stage, row.seq)
    return [(stage, row) for stage, row in found.items() if stage not in ENDS]


def _share(parts: EngineParts, state: RunState, new: str) -> None:
    """Let the fork hold what the run holds, with its head where it was. Blocks."""
    repository = parts.repository
    if state.base is None:
        return
    repository.share(state.run, new)
    ref = f"{new}/head"
    repository.move(ref, state.present_head, repository.resolve(ref))


def _text(row: Row) -> str:
    if row.kind != "event":
        return row.key
    event: Event = EVENT.validate_json(row.body)
    task = getattr(event, "task", "")
    return f"{task}: {describe_event(event)}" if task else describe_event(event)


def _compare(parts: EngineParts, parent: str, at: int, run: str) -> Comparison:
    theirs, own = parts.journal.rows(parent), parts.journal.rows(run)
    # What cannot be believed of the parent is nothing to compare with.
    broken = bool(parts.journal.verify(parent).wrong)
    before = [row for row in theirs if row.seq > at and not broken]
    believed = [row for row in theirs if row.seq <= at or not broken]
    states = [_beginning(name, rows)[1] for name, rows in ((parent, believed), (run, own))]
    asked = [row for row in own if row.kind == "done" and row.effect == "llm"]
    return Comparison(
        parent=parent,
        fork=run,
        stages=(states[0].stage, states[1].stage),
        files=tuple(_files(parts, states[0], states[1])),
        usd=(_sum(before).usd, _sum(own).usd),
        tokens=(_sum(before).tokens, _sum(own).tokens),
        calls=(_sum(before).calls, _sum(own).calls),
        given=sum(1 for row in asked if not row.tokens),
    )


class _Sum(Fact):
    usd: float
    tokens: int
    calls: int


def _sum(rows: Iterable[Row]) -> _Sum:
    paid = [row for row in rows if row.kind in ("done", "failed", "lost")]
    return _Sum(
        usd=sum(row.usd for row in paid),
        tokens=sum(row.tokens for row in paid),
        calls=sum(1 for row in paid if row.effect == "llm" and row.kind == "done" and row.tokens),
    )


def _files(parts: EngineParts, one: RunState, other: RunState) -> Iterable[tuple[str, str, int, int]]:
    results = [
        state.delivered.commit if state.delivered else (state.head or state.base) for state in (one, other)
    ]
    if results[0] is None or results[1] is None:
        return
    for status, path in parts.repository.changes(results[0], results[1]):
        lines = parts.repository.diff(results[0], results[1], [path]).splitlines()
        more = sum(1 for line in lines if line.startswith("+") and not line.startswith("+++"))
        less = sum(1 for line in lines if line.startswith("-") and not line.startswith("---"))
        yield status, path, more, less
