"""Replays: what a run did is done again against its record, to see whether this version would do the same.

    events, one by one --fold--> state --decide--> is this what is wanted here?
                                   |
                                   '-- work with models is done again against the record, just before the fact
                                       that it ended with: each call has to be recorded, and to ask the same

The record is followed throughout, so that one difference does not hide another. No model is asked and no command
runs; what only the world can say (a snapshot, a deployment, a person's word) is taken from the record.
"""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.artifacts import artifacts
from wainwright.domain.decide import decide
from wainwright.domain.deployment import DeploymentPlanned, Monitored
from wainwright.domain.errors import Diverged, WainwrightError
from wainwright.domain.fold import fold
from wainwright.domain.goal import Fact, Stage
from wainwright.domain.plan_edits import taken
from wainwright.domain.plan_reading import parse
from wainwright.domain.plan_text import PLAN
from wainwright.domain.shown import document
from wainwright.domain.state import RunState
from wainwright.engine.parts import EngineParts
from wainwright.engine.rerun import NeedsCommand, Record, RecordEnds, Rerun, differs, stage
from wainwright.engine.views.documents import folder
from wainwright.journal import Row

_ENDED_WITH: tuple[tuple[type[ef.Effect], tuple[type[ev.Event], ...]], ...] = (
    (ef.MakePlan, (ev.PlanProposed,)),
    (ef.MakeDesign, (ev.DesignProposed,)),
    (ef.WriteAcceptance, (ev.RedFirstTested, ev.AcceptanceWritten)),
    (ef.RunTask, (ev.TaskLanded, ev.TaskFailed)),
    (ef.RunTests, (ev.Tested,)),
    (ef.TriageFailure, (ev.FailureTriaged,)),
    (ef.ReviewChange, (ev.Reviewed,)),
    (ef.PlanDeployment, (DeploymentPlanned,)),
    (ef.Watch, (Monitored,)),
)
"""Work that is done again, and the facts that it ends with."""
_CUT_OFF = (ev.RunFailed, ev.RunCancelled)


class Difference(Fact):
    """Where this version would not do what the record says."""

    row: int
    """The first row of the journal that it is about."""
    before: int
    """The row before that: from where a fork could go on."""
    what: str


class Verification(Fact):
    """What came of doing a run again against its record."""

    run: str
    unreadable: str = ""
    """Why it could not be done again at all; empty when it could."""
    stage: Stage | None = None
    facts: int = 0
    calls: int = 0
    """Model calls that are recorded."""
    asked: int = 0
    """Those of them that were asked for again, and found."""
    reworded: int = 0
    """Those that this version would ask in other words; their replies count all the same."""
    first_words: str = ""
    """The first such difference."""
    differences: tuple[Difference, ...] = ()
    documents: tuple[str, ...] = ()
    """The run's documents that are not on disk as the record has them."""
    not_redone: tuple[str, ...] = ()
    """What could not be done again without running a command, and was taken from the record."""

    @property
    def sentence(self) -> str:
        """What came of it, for a person."""
        if self.unreadable:
            return f"{self.run} cannot be done again: {self.unreadable}"
        if self.differences:
            first = self.differences[0]
            return f"{self.run} would go otherwise from row {first.row} on: {first.what}"
        return f"{self.run} would go as it went: {self.facts} facts hold."


class Replaying:
    """Replays of one workspace's runs; a run is given by its whole name."""

    def __init__(self, parts: EngineParts) -> None:
        self._parts = parts

    async def verify(self, run: str) -> Verification:
        """Do a run again against its record. Raises InputError for no run, JournalError for a changed journal."""
        journal = self._parts.journal
        (await asyncio.to_thread(journal.verify, run)).raise_if_wrong()
        rows = await asyncio.to_thread(journal.rows, run)
        staging = stage(self._parts, rows)
        scratch = await asyncio.to_thread(staging.__enter__)
        try:
            return await _Verifying(scratch, Record(journal, rows), rows).go()
        finally:
            await asyncio.to_thread(staging.__exit__, None, None, None)

    async def last(self, number: int) -> list[Verification]:
        """The newest runs, each done again against its record; one that cannot be read is told as such."""
        found = []
        for row in (await asyncio.to_thread(self._parts.journal.runs))[:number]:
            try:
                found.append(await self.verify(row.run))
            except WainwrightError as error:
                found.append(Verification(run=row.run, unreadable=str(error)))
        return found


class _Verifying:
    """One run, while it is followed."""

    def __init__(self, parts: EngineParts, record: Record, rows: Sequence[Row]) -> None:
        self._parts = parts
        self._record = record
        self._rows = rows
        self._differences: list[Difference] = []
        self._not_redone: list[str] = []
        self._expected: list[ev.Event] = []
        """Facts that work which was done again has come to, and that are to follow in the record."""

    async def go(self) -> Verification:
        """Follow the record to its end."""
        state: RunState | None = None
        facts = 0
        for row in self._rows:
            if row.kind != "event":
                continue
            facts += 1
            event = ev.EVENT.validate_json(row.body)
            self._record.go_to(row.seq)
            if state is not None:
                await self._before(state, event, row.seq)
            try:
                state = fold(state, event)
            except WainwrightError as error:
                self._differ(row.seq, f"{event.kind} may not happen here: {error.message}")
                break
        assert state is not None
        self._record.go_to(self._rows[-1].seq + 1)
        if state.stage is not Stage.DONE:
            await self._cut_off(state)
        documents = await asyncio.to_thread(self._documents, state)
        return self._verification(state, facts, documents)

    async def _before(self, state: RunState, event: ev.Event, row: int) -> None:
        """What this version would do where the record has a fact next."""
        if isinstance(event, _CUT_OFF):
            await self._cut_off(state)
        if self._expected and self._expected[0].kind == event.kind:
            self._compare(self._expected.pop(0), event, row)
            return
        self._expected.clear()
        wanted = _wanted(state, event)
        if wanted is None:
            return
        if isinstance(wanted, str):
            self._differ(row, wanted)
            return
        halted = isinstance(event, ev.TaskFailed) and event.cause in ("halted", "silent")
        self._expected = await self._redo(state, wanted, row, cut_off=halted)
        if self._expected and self._expected[0].kind == event.kind:
            self._compare(self._expected.pop(0), event, row)
        elif self._expected:
            self._differ(
                row, f"{event.kind} was recorded where this version comes to {self._expected[0].kind}"
            )
            self._expected.clear()

    async def _redo(
        self, state: RunState, effect: ef.Effect, row: int, *, cut_off: bool = False
    ) -> list[ev.Event]:
        again = Rerun(state, self._parts, self._record)
        name = type(effect).__name__
        earlier, self._record.asked = self._record.asked, set()
        try:
            made = await again.do(effect)
        except NeedsCommand:
            self._not_redone.append(f"{name} before row {row}")
        except RecordEnds as error:
            if not cut_off:
                self._differ(row, error.message)
        except Diverged as error:
            self._differ(row, error.message)
        except WainwrightError as error:
            if not cut_off:
                self._differ(row, f"{name} ends otherwise: {error.message}")
        except Exception as error:  # noqa: BLE001 - a version may break in any way on what another one wrote
            self._differ(row, f"{name} breaks: {type(error).__name__}: {error}")
        else:
            left_out = self._record.left_out(self._record.asked)
            if left_out is not None:
                self._differ(left_out.seq, f"{left_out.key} was done then, and would not be done now.")
            return made
        finally:
            self._record.asked |= earlier
        return []

    async def _cut_off(self, state: RunState) -> None:
        """Do again, as far as it was recorded, the work that nothing came of: calls in it were paid, too."""
        calls = {row.key for row in self._record.done.values() if row.effect == "llm"}
        if calls <= self._record.asked:
            return
        for effect in decide(state):
            if any(isinstance(effect, kind) for kind, _ in _ENDED_WITH):
                row = self._rows[min(self._record.at, len(self._rows) - 1)].seq
                await self._redo(state, effect, row, cut_off=True)

    def _compare(self, made: ev.Event, recorded: ev.Event, row: int) -> None:
        what = differs(recorded.model_dump(mode="json"), made.model_dump(mode="json"))
        if what and not isinstance(made, Monitored):
            self._differ(row, f"{made.kind}: {what}")

    def _differ(self, row: int, what: str) -> None:
        before = max((one.seq for one in self._rows if one.seq < row), default=row)
        self._differences.append(Difference(row=row, before=before, what=what))

    def _documents(self, state: RunState) -> tuple[str, ...]:
        place = folder(self._parts.workspace, state.run)
        written = {name: document(name, text) for name, text in sorted(artifacts(state).items())}
        found = {name: _reads(place / name) for name in written}
        page = found.get(PLAN)
        if (
            page is not None
            and state.plan
            and state.plan == taken(state.plan, state.goal.text, parse(page)).plan
        ):
            written[PLAN] = page  # in a person's own words, and the same plan
        return tuple(name for name, text in written.items() if found[name] != text)

    def _verification(self, state: RunState, facts: int, documents: tuple[str, ...]) -> Verification:
        calls = {row.key for row in self._rows if row.kind == "done" and row.effect == "llm"}
        reworded = [key for key in self._record.reworded if key in calls]
        return Verification(
            run=state.run,
            stage=state.stage,
            facts=facts,
            calls=len(calls),
            asked=len(self._record.asked & calls),
            reworded=len(reworded),
            first_words=f"{reworded[0]}: {self._record.reworded[reworded[0]]}" if reworded else "",
            differences=tuple(self._differences),
            documents=documents,
            not_redone=tuple(self._not_redone),
        )


def _reads(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _wanted(state: RunState, event: ev.Event) -> ef.Effect | str | None:
    """The work that a fact is the end of; a sentence where this version wants something else; None where none is."""
    going_on = decide(state.changed(until=None))
    if isinstance(event, ev.TaskLanded | ev.TaskFailed):
        return _attempt(going_on, state, event)
    for kind, ends in _ENDED_WITH:
        if isinstance(event, ends):
            found = next((one for one in going_on if isinstance(one, kind)), None)
            if found is not None or not _stands_alone(state, event):
                return found
            return _instead(event, going_on)
    if isinstance(event, ev.GateOpened) and event.gate.command is not None:
        return None  # an agent opened it in the midst of its work
    if isinstance(event, ev.StageSkipped | ev.Resized | ev.PlanGivenUp | ev.GateOpened):
        return None if any(_leads_to(one, event) for one in going_on) else _instead(event, going_on)
    return None


def _stands_alone(state: RunState, event: ev.Event) -> bool:
    """Whether nothing but its own work leads to a fact: tests of an attempt, too, are pinned on its way."""
    on_the_way = isinstance(event, ev.RedFirstTested | ev.AcceptanceWritten)
    return not (on_the_way and any(one.status == "running" for one in state.tasks.values()))


def _attempt(
    going_on: Iterable[ef.Effect], state: RunState, event: ev.TaskLanded | ev.TaskFailed
) -> ef.Effect | str | None:
    one = state.tasks.get(event.task)
    if one is None:
        return f"{event.kind} of {event.task}, which is no task here"
    found = next((e for e in going_on if isinstance(e, ef.RunTask) and e.task == event.task), None)
    return found or ef.RunTask(task=event.task, revision=one.revision, attempt=one.attempt, rung=one.rung)


def _leads_to(effect: ef.Effect, event: ev.Event) -> bool:
    match effect, event:
        case ef.SkipStage(stage=one), ev.StageSkipped(stage=other):
            return one == other
        case ef.Resize(size=one), ev.Resized(size=other):
            return one == other
        case ef.GiveUpPlan(), ev.PlanGivenUp():
            return True
        case ef.ShowChange(), ev.GateOpened(gate=other):
            return other.kind == "apply"  # earlier versions asked without
        case ef.OpenGate(gate=one), ev.GateOpened(gate=other):
            return (one.id, one.kind) == (other.id, other.kind)
        case _:
            return False


def _instead(event: ev.Event, going_on: Iterable[ef.Effect]) -> str:
    names = ", ".join(type(one).__name__ for one in going_on) or "nothing"
    return f"{event.kind} was recorded, and this version wants {names} here"
