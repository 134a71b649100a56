"""What work is done against that was done before: its recorded steps, receipts and files, and nothing else.

No model is asked, no command runs, and nothing is written but in a scratch folder: whatever the record does not hold
ends the work that wants it.
"""

import asyncio
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from socket import socket
from typing import NoReturn

from pydantic import JsonValue

from wainwright.agents.notes import STEP as NOTE
from wainwright.deploy.probe import Probe
from wainwright.deploy.process import ProcessTarget
from wainwright.deploy.targets import available
from wainwright.domain.effects import Effect
from wainwright.domain.errors import Diverged, JournalError
from wainwright.domain.events import Event
from wainwright.domain.evidence import Deployment, Receipt, Suite
from wainwright.domain.fold import fold
from wainwright.domain.ports import NoEditor
from wainwright.domain.state import RunState
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages.performer import perform
from wainwright.journal import Asked, Journal, Lease, Row, Steps
from wainwright.journal.likeness import first_difference
from wainwright.models.client import CallFailed, ModelReply, Price
from wainwright.models.router import Models
from wainwright.receipts.store import ReceiptStore
from wainwright.sandbox import clearing
from wainwright.sandbox.protocol import Command, CommandOutcome, SandboxView
from wainwright.settings import BudgetSettings, Candidate, ModelsSettings
from wainwright.workspace.index import Indexes
from wainwright.workspace.repository import Repository

VARIES = frozenset({"commit", "kept", "receipt", "smoke", "way", "probes", "failures", "looked", "together"})
"""Of an outcome, what differs when it is made again: names of commits, what was ready at the same time, and what only
the world says."""


class RecordEnds(JournalError):
    """The record does not hold what is asked for."""


class NeedsCommand(Exception):
    """A command would have to run to go on."""


@dataclass
class Record:
    """The steps of a run that had come to an outcome by a row of its journal, which only moves forward."""

    journal: Journal
    rows: Sequence[Row]
    at: int = 0
    done: dict[str, Row] = field(default_factory=dict)
    useless: dict[str, set[str]] = field(default_factory=dict)
    """Steps by scope that were made void: they count until their scope is begun anew."""
    asked: set[str] = field(default_factory=set)
    """Keys of steps that were asked for again."""
    reworded: dict[str, str] = field(default_factory=dict)
    """Where the same is asked in other words now, and the first difference."""

    def go_to(self, seq: int) -> None:
        """Know all rows before this one."""
        while self.at < len(self.rows) and self.rows[self.at].seq < seq:
            row = self.rows[self.at]
            scope = row.key.rpartition("/")[0]
            if row.kind == "void":
                self.useless.setdefault(scope, set()).add(row.key)
            elif row.kind == "intent":
                for key in self.useless.pop(scope, ()):
                    self.done.pop(key, None)
            elif row.kind == "done":
                self.done[row.key] = row
            self.at += 1

    def left_out(self, asked: set[str]) -> Row | None:
        """The first action that is recorded in the scopes of these steps, and is not among them."""
        scopes = {key.rpartition("/")[0] for key in asked}
        rows = (
            row for key, row in self.done.items() if key.rpartition("/")[0] in scopes and key not in asked
        )
        return min((row for row in rows if row.effect in ("llm", "idempotent", "external")), default=None)

    def inputs(self, row: Row) -> JsonValue:
        """What was put into a step. Blocks."""
        found: JsonValue = json.loads(self.journal.get_blob(row.fingerprint))
        return found

    def has_below(self, key: str) -> bool:
        """Whether other steps were made to come to the outcome of this one."""
        below = key.replace("#", "") + "-"
        return any(other.startswith(below) for other in self.done)


class RecordedSteps(Steps):
    """Steps that are answered from a record, and from nothing else."""

    def __init__(self, record: Record, lease: Lease, scope: str) -> None:
        super().__init__(record.journal, lease, scope)
        self._record = record

    async def _outcome(self, asked: Asked) -> tuple[JsonValue, None]:
        """The recorded outcome. What was made of other steps is made again of those, and has to come out the same.

        Raises RecordEnds where there is none, and Diverged where it is of something else.
        """
        row = self._record.done.get(asked.key)
        if row is None:
            raise RecordEnds(f"The record has nothing of {asked.key}.")
        self._record.asked.add(asked.key)
        recorded = await asyncio.to_thread(self._record.inputs, row)
        difference = first_difference(recorded, asked.inputs)
        if difference and not asked.like(recorded, asked.inputs):
            raise Diverged(f"{asked.key} is asked for something else. {difference}")
        if difference:
            self._record.reworded[asked.key] = difference
        outcome: JsonValue = json.loads(row.body)
        if self._record.has_below(asked.key):
            made, _ = await asked.act(asked.key)
            other = differs(outcome, made)
            if other:
                raise Diverged(f"{asked.key} comes to another outcome. {other}")
        return outcome, None

    def below(self, name: str) -> Steps:
        """A scope inside this one."""
        return RecordedSteps(self._record, self._lease, f"{self.scope}/{name}")

    async def is_recorded(self, name: str) -> bool:
        """Nothing else is answered from; a note of the person is heard at some turns, and at others not."""
        return not name.startswith(f"{NOTE}-") or f"{self.scope}/{name}#0" in self._record.done

    async def last(self, name: str) -> tuple[JsonValue, JsonValue] | None:
        """What was put into the newest step of this name in this scope, and what came of it."""
        begins = f"{self.scope}/{name}#"
        found = max((r for k, r in self._record.done.items() if k.startswith(begins)), default=None)
        if found is None:
            return None
        return await asyncio.to_thread(self._record.inputs, found), json.loads(found.body)

    async def void(self) -> None:
        """Nothing is written."""


def differs(recorded: JsonValue, made: JsonValue) -> str:
    """How what was made again differs from what is recorded, beyond what always does; empty when it does not."""
    return first_difference(_steady(recorded), _steady(made))


def _steady(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {name: _steady(one) for name, one in value.items() if name not in VARIES}
    if isinstance(value, list | tuple):
        return [_steady(one) for one in value]
    return value


class Rerun(LiveRun):
    """A run whose work is done again against its record; the events that come of it are only listed."""

    def __init__(self, state: RunState, parts: EngineParts, record: Record) -> None:
        async def never(*_: object) -> NoReturn:
            raise AssertionError("what is done again is not driven: `do` is asked for each effect")

        super().__init__(
            state,
            Lease(run=state.run, epoch=-1),
            record.journal,
            never,
            parallel=1,
            wall_s=0.0,
            notify=lambda *_: None,
            tidy=never,
        )
        self.made: list[Event] = []
        self._parts = fenced(parts, state)
        self._record = record

    async def do(self, effect: Effect) -> list[Event]:
        """Do what an effect asks for; the events that it ends with."""
        self.made += await perform(self._parts, effect, self)
        return self.made

    def steps(self, scope: str, task: str = "") -> Steps:
        """The recorded steps of one piece of work."""
        return RecordedSteps(self._record, self.lease, scope)

    async def emit(self, *events: Event, settles: str = "") -> None:
        """Take facts over, and write nothing."""
        for event in events:
            self.state = fold(self.state, event)
            self.made.append(event)

    async def still_owned(self) -> None:
        """Nobody takes it over: nothing is written."""

    def tell(self, text: str, task: str = "") -> None:
        """Nobody listens."""


class _NoCommands:
    """Stands where the sandbox stood; no command runs."""

    def __init__(self, tier: str) -> None:
        self.tier = tier
        self.overlays = True

    def settings(self) -> list[str]:
        """Nothing that could decide anything."""
        return []

    async def run(self, command: Command, view: SandboxView) -> CommandOutcome:
        """Refuse."""
        raise NeedsCommand

    def spawn_detached(
        self,
        argv: tuple[str, ...],
        view: SandboxView,
        *,
        env: Mapping[str, str],
        log: Path,
        door: socket,
        cwd: str = ".",
    ) -> tuple[int, float]:
        """Refuse."""
        raise NeedsCommand


class _NoModel:
    """A backend that nobody can ask."""

    async def warm(self) -> None:
        """Nothing to do."""

    async def complete(self, *_: object, **__: object) -> ModelReply:
        """Refuse."""
        raise CallFailed("No model is asked in a replay.")

    async def price(self, candidate: Candidate) -> Price | None:
        """None."""
        return None

    async def window(self, candidate: Candidate) -> int | None:
        """Nobody knows."""
        return None

    async def close(self) -> None:
        """Nothing to do."""


class _Receipts(ReceiptStore):
    """The receipts that the run itself recorded."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._found: dict[tuple[str, str], Receipt] = {}
        for row in rows:
            if row.kind in ("event", "done"):
                body = json.loads(row.body)
                # What landed in a batch is landed again by itself: the receipt of the batch vouches for it, too.
                landed = body["tree"] if row.kind == "event" and body["kind"] == "task-landed" else ""
                for receipt in _receipts_in(body):
                    for tree in filter(None, (receipt.tree, landed)):
                        self._found.setdefault((tree, _commands(receipt.suites)), receipt)

    def find(self, tree: str, suites: Sequence[Suite], surroundings: str) -> Receipt | None:
        """The receipt of a tree, whatever was around it then."""
        found = self._found.get((tree, _commands(suites)))
        return found and found.model_copy(update={"reused": True})

    def keep(self, receipt: Receipt) -> None:
        """Nothing is kept."""


def _receipts_in(value: JsonValue) -> Iterator[Receipt]:
    if isinstance(value, dict):
        if {"tree", "suites", "cases", "exit"} <= value.keys():
            found = Receipt.model_validate(value)
            if not found.only:
                yield found
        else:
            for one in value.values():
                yield from _receipts_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from _receipts_in(one)


def _commands(suites: Sequence[Suite]) -> str:
    return json.dumps([(suite.command, suite.folder) for suite in suites])


class _Watched(ProcessTarget):
    """A target whose deployment was healthy: what was not is no matter for a model."""

    async def probe(self, deployment: Deployment) -> Probe:
        """Healthy."""
        return Probe(ok=True, status=200, seconds=0.0, error="", at=time.time())

    def log(self, deployment: Deployment) -> str:
        """What it wrote is recorded."""
        return ""


def fenced(parts: EngineParts, state: RunState) -> EngineParts:
    """The parts with the walls that the run had at a state: a later process may have had others."""
    sandbox = None if state.tier == "none" else _NoCommands(state.tier)
    place = parts.state / "deployments"
    targets = available(place, sandbox)
    if sandbox is not None:
        targets[_Watched.name] = _Watched(place, sandbox)
    return replace(parts, sandbox=sandbox, sandbox_reason=state.tier_reason, targets=targets)


@contextmanager
def stage(parts: EngineParts, rows: Sequence[Row]) -> Iterator[EngineParts]:
    """Everything around a run for doing its work again: its own files are read, and only a scratch folder is written.

    Blocks.
    """
    scratch = parts.state / f"replay-{time.time_ns():x}"
    try:
        scratch.mkdir(mode=0o700, parents=True)
        _borrow(parts.state / "repository.git", scratch / "repository.git")
        for shared in ("environment", "contents"):
            if (parts.state / shared).is_dir():
                (scratch / shared).symlink_to(parts.state / shared)
        deploy = parts.settings.deploy.model_copy(update={"monitor_window_s": 0.0})
        yield replace(
            parts,
            state=scratch,
            settings=parts.settings.model_copy(update={"deploy": deploy}),
            repository=Repository(parts.workspace, scratch, linked=True),
            indexes=Indexes(scratch / "index"),
            receipts=_Receipts(rows),
            models=Models(ModelsSettings(), BudgetSettings(), _NoModel()),
            editor=NoEditor(),
            layers={},
            shared={},
        )
    finally:
        clearing.remove(scratch)


def _borrow(lender: Path, place: Path) -> None:
    """A git directory with all refs of another one, that reads its objects and writes its own."""
    if not lender.is_dir():
        return
    shutil.copytree(lender, place, ignore=lambda folder, _: ["objects"] if Path(folder) == lender else [])
    (place / "objects" / "info").mkdir(parents=True)
    (place / "objects" / "info" / "alternates").write_text(f"{lender / 'objects'}\n")
