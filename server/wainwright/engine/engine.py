"""The one object every front talks to: commands in, notices out, all of it JSON-able.

A front never reads a state; it asks for a view. Runs of other processes are seen read-only, and a decision about one
of them is posted for its owner to take.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from pydantic import JsonValue

from wainwright.domain.caps import CapsRaised, NewCaps
from wainwright.domain.changes import Changeset
from wainwright.domain.decide import held
from wainwright.domain.errors import InputError, JournalError, WainwrightError
from wainwright.domain.events import (
    Event,
    GateDecided,
    HoldMoved,
    RunCancelled,
    Steering,
    TaskSteered,
)
from wainwright.domain.fold import fold, legal
from wainwright.domain.gates import digest, require_fitting
from wainwright.domain.goal import ENDS, Autonomy, Stage
from wainwright.domain.state import RunState
from wainwright.domain.text import clean
from wainwright.engine.disk import Disk
from wainwright.engine.editing import Editing
from wainwright.engine.editor_index import EditorIndex
from wainwright.engine.equipping import Equipping
from wainwright.engine.following import Following
from wainwright.engine.forking import Forking
from wainwright.engine.hunks import Hunks
from wainwright.engine.live_run import LiveRun
from wainwright.engine.lookup import Lookup, ended, not_open
from wainwright.engine.noting import noted
from wainwright.engine.outputs import Outputs
from wainwright.engine.pages import Pages
from wainwright.engine.parts import EngineParts
from wainwright.engine.plan_pages import PlanPages
from wainwright.engine.replaying import Replaying
from wainwright.engine.resuming import require_tier, resumed
from wainwright.engine.rewinding import Rewinding
from wainwright.engine.run_list import RunList
from wainwright.engine.serving import Serving
from wainwright.engine.stages.performer import perform
from wainwright.engine.starting import started
from wainwright.engine.submitting import submitted
from wainwright.engine.tracing.statements import Statements
from wainwright.engine.tracing.why import Tracing
from wainwright.engine.trusting import Trusting
from wainwright.engine.views.documents import Documents
from wainwright.engine.views.run_view import (
    Decide,
    Notice,
    ReceiptView,
    RunView,
    Start,
    SymbolView,
    in_files,
    receipt_views,
    seen_by,
    symbol_view,
    view,
)
from wainwright.journal import Lease
from wainwright.settings import HostSettings

log = structlog.get_logger()

SHOW_EVERY_S = 0.5
"""How often ``run.md`` is written at the most, in seconds."""
LINES_KEPT = 12
INTERRUPTED_LOOKED_AT = 10
"""Runs, the newest first, that are looked at for whether their process was killed."""

Listener = Callable[[Notice], None]


@dataclass
class _Active:
    """A run at work in this process."""

    live: LiveRun
    documents: Documents
    receipts: list[ReceiptView]
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES_KEPT))
    driving: asyncio.Task[None] | None = None
    showing: asyncio.Task[None] | None = None


class Engine:
    """All runs of one workspace."""

    def __init__(self, parts: EngineParts) -> None:
        self._parts = parts
        self._active: dict[str, _Active] = {}
        self._listeners: list[Listener] = []
        self.editing = Editing(parts.workspace, parts.state, parts.repository)
        self.forking = Forking(parts)
        self.replaying = Replaying(parts)
        self.tracing = Tracing(parts)
        self.statements = Statements(parts)
        self.rewinding = Rewinding(parts, self.editing)
        self.disk = Disk(parts)
        self.trusting = Trusting(parts)
        self.equipping = Equipping(parts, self.trusting, lambda: bool(self._active))
        self.hunks = Hunks(parts.repository, self._state, self._submit)
        self._lookup = Lookup(parts.journal)
        self.list = RunList(parts.workspace, self.view)
        self.pages = Pages(parts.journal, self.named, self.view, self._state, self._newest)
        self.outputs = Outputs(self._redacted)
        self.serving = Serving(parts, self._state)
        self.plans = PlanPages(parts, self._state, self._submit)
        self.following = Following(self._lookup, self._publish)
        self.index = EditorIndex(parts.indexes, parts.workspace)

    @property
    def workspace(self) -> Path:
        """The folder that all runs of this engine work for."""
        return self._parts.workspace

    @property
    def autonomy(self) -> Autonomy:
        """How far a run may go by itself, as the settings have it."""
        return self._parts.settings.autonomy

    @property
    def host(self) -> HostSettings:
        """How whoever has this engine behaves when nobody looks, as the settings have it."""
        return self._parts.settings.host

    async def busy(self) -> bool:
        """Whether a run is at work here that waits for nobody."""
        return any([not (await self.view(run)).waiting for run in tuple(self._active)])

    async def left_by(self, process: int) -> tuple[str, ...]:
        """Runs that a process had under way when it died."""
        return tuple(row.run for row in await self._lookup.rows() if row.abandoned and row.process == process)

    async def warm(self) -> None:
        """Mend what the last process left. Never raises."""
        await self.editing.recover()
        if await self.trusting.given():
            await self._end_what_was_ending()
        await self.tell_interrupted()

    async def expect(self) -> None:
        """Start what is slow to start: a goal is being written. Never raises."""
        if await self.trusting.given():
            self._parts.models.begin()

    async def _end_what_was_ending(self) -> None:
        """Of runs whose process died when they had ended: keep their work, write their documents. Never raises."""
        for row in await self._lookup.rows():
            if row.abandoned and row.run not in self._active:
                try:
                    state, _ = await self._lookup.load(row.run)
                    if state.stage in ENDS:
                        lease = await asyncio.to_thread(self._parts.journal.claim, row.run)
                        state, events = await self._lookup.load(row.run)  # only now nobody else does so
                        self._drive(state, lease, events)
                except WainwrightError as error:
                    log.warning("run.not_ended", run=row.run, reason=str(error))

    async def symbols(self, query: str, limit: int) -> tuple[SymbolView, ...]:
        """Definitions whose name holds the letters of ``query`` in this order; none while the setting is off."""
        if not self._parts.settings.editor.symbols:
            return ()
        return tuple(map(symbol_view, await self.index.find(clean(query), limit)))

    # ---- commands

    async def start(self, ask: Start) -> RunView:
        """Begin a run and let it go on in the background.

        Raises NotTrusted where nobody trusts the workspace, and InputError for what ``started`` refuses.
        """
        await self.trusting.require()
        await self._end_what_was_ending()
        parts, first = self._parts, await started(self._parts, ask)
        budget = parts.settings.budget
        lease = await asyncio.to_thread(
            parts.journal.create,
            first,
            first.run,
            ask.goal.text,
            cap_usd=budget.usd,
            cap_tokens=budget.tokens,
        )
        parts.models.begin()
        self._drive(fold(None, first), lease, [])
        return await self.view(first.run)

    async def resume(
        self,
        run: str | None = None,
        *,
        attended: bool | None = None,
        cap_usd: float | None = None,
        cap_tokens: int | None = None,
        typed: dict[str, Any] | None = None,
        by: str = "person",
    ) -> RunView:
        """Let a run go on: one that was killed, failed, cancelled, held or waits for a gate. None: the newest.

        Its caps, and whether somebody attends it, stay as they were unless told otherwise; it goes on with the
        sandbox of now, and a failed or cancelled one with the test command of now. ``typed`` is kept for the next
        time. One that is at work here gets the new caps while it works. Raises
        RunBusy while another process is at work on it, InputError for a cap that is none, and NotTrusted.
        """
        await self.trusting.require()
        caps = NewCaps(usd=cap_usd, tokens=cap_tokens).checked()
        raised = [] if caps == NewCaps() else [CapsRaised(usd=cap_usd, tokens=cap_tokens, by=by)]
        await self._end_what_was_ending()
        run = await self._name(run, lambda stage: stage is not Stage.DONE)
        raise_caps = partial(self._parts.journal.raise_caps, run, cap_usd=cap_usd, cap_tokens=cap_tokens)
        active = self._active.get(run)
        if active is not None:
            if active.driving is None or active.live.state.stage not in ENDS:
                await asyncio.to_thread(raise_caps)
                if raised:
                    await active.live.emit(*raised)
                return await self.view(run)
            await asyncio.wait({active.driving})  # cancelled or failed a moment ago: it is still tidying up
        state = await self._state(run)
        if state.stage is Stage.DONE:
            raise ended(state)
        require_tier(self._parts, state, attended=attended)
        lease = await asyncio.to_thread(self._parts.journal.claim, run)
        state, events = await self._lookup.load(run)  # only now nobody else writes to it
        await asyncio.to_thread(raise_caps)
        news: list[Event] = [
            *await resumed(self._parts, state, attended=attended, typed=typed, by=by),
            *raised,
        ]
        for event in news:
            state = fold(state, event)
        if news:
            await asyncio.to_thread(self._parts.journal.append, lease, news)
        self._parts.models.begin()
        self._drive(state, lease, events)
        return await self.view(run)

    async def decide(self, decide: Decide) -> RunView:
        """Decide a gate, wherever the run is at work. Raises InputError without such an open gate, Late if closed."""
        run = await self._name(decide.run, lambda stage: stage not in ENDS)
        state = await self._state(run)
        open_gates = {g.id for g in state.open_gates}
        gate = decide.gate or (next(iter(open_gates)) if len(open_gates) == 1 else None)
        if gate is None or gate not in open_gates or state.stage in ENDS:
            raise not_open(state, gate)
        require_fitting(state.gates[gate].gate.kind, decide.decision)
        if state.gates[gate].gate.kind == "plan":
            decide = await self.plans.at_the_gate(run, decide)
        told = decide.model_dump(exclude={"run", "gate"})
        told["seen"] = decide.seen or digest(state.gates[gate].gate)
        await self._submit(run, GateDecided.model_validate({"gate": gate, **told}))
        return await self.view(run)

    async def advance(self, run: str | None, until: Stage | None, by: str = "person") -> RunView:
        """Let a held run go on to the end of another stage; None: to its end."""
        run = await self._name(run, lambda stage: stage not in ENDS)
        state = await self._state(run)
        if state.stage in ENDS:
            raise ended(state)
        await self._submit(run, HoldMoved(until=until, by=by))
        return await self.view(run)

    async def cancel(self, run: str | None = None, by: str = "person") -> RunView:
        """Stop a run. Nothing is deleted, and it can be resumed."""
        run = await self._name(run, lambda stage: stage not in ENDS)
        state = await self._state(run)
        if not legal(state.stage, RunCancelled(by=by)):
            raise ended(state)
        await self._submit(run, RunCancelled(by=by))
        return await self.view(run)

    async def steer(self, run: str | None, task: str, way: Steering, by: str = "person") -> RunView:
        """Steer one task. Raises InputError for one that is not to be done."""
        run = await self._name(run, lambda stage: stage is not Stage.DONE)
        await self._submit(run, TaskSteered(task=task, way=way, by=by))
        return await self.view(run)

    async def say(self, run: str | None, words: str, by: str = "person") -> RunView:
        """Say something to those at work on a run: each hears it at its next turn. Raises InputError for no words."""
        run = await self._name(run, lambda stage: stage is not Stage.DONE)
        await self._submit(run, noted(words, by))
        return await self.view(run)

    async def note(self, act: str, by: str, told: dict[str, JsonValue]) -> None:
        """Have the journal say what a person did to the workspace outside of a run."""
        await asyncio.to_thread(self._parts.journal.note, act, by, told)

    async def named(self, run: str | None) -> str:
        """The whole name of a run, by how it begins; None: the newest."""
        return await self._name(run, lambda _: True)

    async def remembered(self, run: str | None = None) -> tuple[str, dict[str, Any]]:
        """The run that would be resumed, and what was typed of how it works."""
        name = await self._name(run, lambda stage: stage is not Stage.DONE)
        return name, (await self._state(name)).typed

    async def tell_interrupted(self) -> None:
        """Write into ``run.md`` that a run was interrupted: the process that worked on it could not."""
        for seen in await self.runs(INTERRUPTED_LOOKED_AT):
            if seen.interrupted:
                show = Documents(self._parts.workspace, seen.run, self._parts.journal).show
                await asyncio.to_thread(show, seen, [])

    async def _submit(self, run: str, event: Event) -> None:
        """Write a fact for a run: here, by its owner, or ourselves when nobody owns it."""
        active = self._active.get(run)
        if active is not None:
            await active.live.emit(event)
            return
        ended = await submitted(self._parts.journal, self._lookup, self._owned, run, event)
        if ended is not None:
            # What was achieved is kept, and what nobody needs any more is removed.
            self._drive(*ended)
            await self.wait(run)

    # ---- views

    async def runs(self, newest: int | None = None) -> list[RunView]:
        """The runs of the workspace, newest first; at most ``newest`` of them."""
        seen = []
        for row in (await self._lookup.rows())[:newest]:
            try:
                seen.append(await self.view(row.run))
            except JournalError as error:
                # What cannot be read is in the way of nothing else.
                log.warning("run.unreadable", run=row.run, reason=str(error))
        return seen

    async def view(self, run: str | None = None) -> RunView:
        """One run; None: the newest."""
        run = await self.named(run)
        account = await asyncio.to_thread(self._parts.journal.account, run)
        there = bool(await self.editing.undo(run))
        if (active := self._active.get(run)) is not None:
            state = active.live.state
            seen = view(state, account, tuple(active.receipts), active.documents.names(state))
            activity = active.lines[-1] if active.lines else ""
            return in_files(seen_by(seen.model_copy(update={"activity": activity}), "here"), there=there)
        state, events = await self._lookup.load(run)
        names = Documents(self._parts.workspace, run, self._parts.journal).names(state)
        seen = view(state, account, tuple(receipt_views(events)), names)
        return in_files(seen_by(seen, "elsewhere" if await self._owned(run) else ""), there=there)

    def _newest(self, run: str) -> tuple[str, ...]:
        return tuple(self._active[run].lines) if run in self._active else ()

    def _redacted(self, text: str) -> str:
        return self._parts.redactor.redact(text)  # another one, once the folder is trusted

    async def _owned(self, run: str) -> bool:
        return run in await self.following.elsewhere()

    async def delivered(self, run: str | None = None) -> tuple[str, Changeset]:
        """A run, and the change that it handed over. Raises InputError when there is none."""
        state = await self._state(run := await self.named(run))
        if state.base is None or state.handed is None:
            raise InputError(f"Run {run} has not handed over a change.", "Let it go on to the end of REVIEW.")
        made = self._parts.repository.changeset
        return run, await asyncio.to_thread(made, state.base, state.handed.commit)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear every notice of runs at work here; returns what ends it. A listener must not block or raise."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def wait(self, run: str) -> RunView:
        """Wait until a run at work here ends or is held. Raises JournalError when it cannot go on in this process."""
        active = self._active.get(run)
        if active is not None and active.driving is not None:
            await asyncio.shield(active.driving)
            if active.live.left is not None:
                raise active.live.left
        return await self.view(run)

    async def at_work_elsewhere(self) -> tuple[str, ...]:
        """Runs that living processes work on, those of this one left out."""
        return tuple(run for run in await self.following.elsewhere() if run not in self._active)

    async def stand_by(self, run: str | None) -> RunView:
        """Tell subscribers what another process does with a run, until none does; it may need somebody to go on."""
        name = await self._name(run, lambda stage: stage not in ENDS)
        if name not in self._active:
            await self.following.until_nobody_works_on(name)
        return await self.view(name)

    async def close(self) -> None:
        """Stop working. Runs stay as they are and can be resumed."""
        driving = [a.driving for a in self._active.values() if a.driving is not None]
        for one in driving:
            one.cancel()
        await asyncio.gather(*driving, return_exceptions=True)
        await self.index.close()
        await asyncio.gather(self.rewinding.settle(), self._parts.models.close(), self._parts.indexes.close())
        await asyncio.to_thread(self._parts.journal.close)
        if self._parts.spans is not None:
            await asyncio.to_thread(self._parts.spans.close)

    # ---- inside

    def _drive(self, state: RunState, lease: Lease, events: list[Event]) -> None:
        parts = self._parts
        live = LiveRun(
            state,
            lease,
            parts.journal,
            partial(perform, self._parts),
            parallel=parts.settings.parallel,
            wall_s=parts.settings.limits.run_wall_s,
            notify=self._heard,
            printed=partial(self.outputs.take, state.run),
            tidy=self._over,
        )
        parts.persons[state.run] = lambda: live.person
        documents = Documents(parts.workspace, state.run, parts.journal, parts.spans)
        active = _Active(live, documents, list(receipt_views(events)))
        self._active[state.run] = active
        active.driving = asyncio.create_task(self._work(active), name=f"run {state.run}")

    async def _over(self, run: str) -> None:
        """What a run leaves is in its place before it is let go: whoever dies first has it made good by the next."""
        await self._show(self._active[run], driven=False)
        await self.disk.tidy(run)

    async def _work(self, active: _Active) -> None:
        run = active.live.state.run
        try:
            await asyncio.to_thread(active.documents.write, active.live.state)
            await active.live.drive()
        finally:
            if active.showing is not None:
                active.showing.cancel()
            left = active.live.left
            with contextlib.suppress(*([JournalError] if left else [])):
                await self._show(active, driven=False)
            self._active.pop(run, None)
            self.outputs.forget(run)
            state = active.live.state
            if left is not None:
                self._publish(Notice(run=run, kind="left", text=str(left), stage=state.stage))
            kind = "held" if held(state) else "ended"
            self._publish(Notice(run=run, kind=kind, text="", stage=state.stage))

    def _heard(self, notice: Notice, event: Event | None) -> None:
        active = self._active.get(notice.run)
        if active is None:
            return
        if notice.kind == "writing":
            self._publish(notice)
            return
        if notice.text:
            active.lines.append(f"{notice.task}: {notice.text}" if notice.task else notice.text)
        if event is not None:
            active.receipts.extend(receipt_views([event]))
            self.rewinding.heard(notice.run, event)
        if active.showing is None or active.showing.done():
            active.showing = asyncio.create_task(self._show_soon(active))
        self._publish(notice)

    def _publish(self, notice: Notice) -> None:
        for listener in tuple(self._listeners):
            listener(notice)

    async def _show_soon(self, active: _Active) -> None:
        await asyncio.sleep(SHOW_EVERY_S)
        await self._show(active)

    async def _show(self, active: _Active, *, driven: bool = True) -> None:
        state = active.live.state
        await asyncio.to_thread(active.documents.write, state)
        if driven:
            await self.plans.look(state.run)
        if self.list.moves(state.run, state.stage):
            await self.list.write([row.run for row in await self._lookup.rows()])
        account = await asyncio.to_thread(self._parts.journal.account, state.run)
        seen = view(state, account, tuple(active.receipts), active.documents.names(state))
        seen = seen_by(seen, "here" if driven else "")
        await asyncio.to_thread(active.documents.show, seen, list(active.lines))

    async def _state(self, run: str) -> RunState:
        active = self._active.get(run)
        return active.live.state if active else (await self._lookup.load(run))[0]

    async def _name(self, run: str | None, fits: Callable[[Stage], bool]) -> str:
        return await self._lookup.named(run, fits, self._state)
