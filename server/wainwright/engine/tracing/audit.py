"""What the rows of a run say was done: an act each, with who did it, behind which walls, and on whose word.

It is read off rows that nobody may have verified: what cannot be read is told as such, and stops nothing.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from pydantic import JsonValue, ValidationError

from wainwright.domain import events as ev
from wainwright.domain.caps import CapMet
from wainwright.domain.deployment import DeploymentPlanned
from wainwright.domain.errors import JournalError
from wainwright.domain.goal import Fact
from wainwright.domain.text import headline
from wainwright.engine.views.event_text import describe_event
from wainwright.journal import Row

ActKind = Literal[
    "call",
    "command",
    "edit",
    "look",
    "note",
    "gate",
    "steering",
    "signal",
    "owner",
    "delivery",
    "deployment",
    "fact",
    "workspace",
]
"""``call``: a model was asked. ``look``: an agent read something. ``note``: the engine wrote down what it goes by.
``steering``: a person moved the run. ``signal``: another process asked for something. ``owner``: a process took the
run, or its caps were set. ``fact``: any other fact of the run. ``workspace``: what a person did outside of a run."""
WIDE = 160
"""Characters of what came of an act that are told; all of it is in the journal."""

_STEP = re.compile(r"(?P<scope>.*)/(?P<name>[^/]+)#\d+")
_COMMANDS = frozenset({"act-shell", "act-run_tests", "receipt"})
_OF_EVENTS: dict[str, ActKind] = {
    **dict.fromkeys(("gate-opened", "gate-decided"), "gate"),
    **dict.fromkeys(("base-tested", "red-first", "tested", "mutants-tried"), "command"),
    **dict.fromkeys(
        ("hold-moved", "noted", "plan-edited", "task-steered", "run-cancelled", "run-resumed", "caps-raised"),
        "steering",
    ),
    **dict.fromkeys(("snapshot-taken", "delivered", "kept"), "delivery"),
    **dict.fromkeys(("deployment-planned", "deployed", "deploy-failed", "monitored"), "deployment"),
}
_GATE_BEFORE = {
    "delivered": "apply",
    "deployed": "deploy",
    "deploy-failed": "deploy",
    "caps-raised": "budget",
}
"""The gate without whose decision a fact does not come about."""
_AUTHORS = {
    "plan-proposed": "planner",
    "design-proposed": "designer",
    "acceptance-written": "tester",
    "failure-triaged": "tester",
    "reviewed": "reviewer",
    "deployment-planned": "deployer",
}
_DOORS = {"person": "person (terminal)", "editor": "person (editor)"}


class Act(Fact):
    """One act."""

    run: str
    row: int
    at: float
    """Seconds since the epoch."""
    kind: ActKind
    actor: str
    """A role and its task; a person and the door they came by; the policy; or the engine."""
    tier: str
    """How commands were fenced then."""
    what: str
    outcome: str
    approved: str = ""
    """What a person or the policy said yes to, and who it was."""
    denied: bool = False
    """It was asked for and not done."""
    believed: bool = True
    """The row is as it was written, with all before it."""


class _Told(NamedTuple):
    """What a row says."""

    kind: ActKind
    actor: str
    what: str
    outcome: str = ""
    approved: str = ""
    denied: bool = False


Blob = Callable[[str], bytes]


def acts(run: str, rows: Sequence[tuple[Row, bool]], blob: Blob) -> Iterator[Act]:
    """All acts of a run, in order.

    ``rows``: each with whether it can be believed. ``blob`` gives content by its digest, or raises JournalError.
    """
    reader = _Reader(_ends(rows), blob)
    for row, believed in rows:
        told = reader.read(row)
        if told is not None:
            yield Act(
                run=run,
                row=row.seq,
                at=row.at,
                kind=told.kind,
                actor=told.actor,
                tier=reader.tier,
                what=told.what,
                outcome=headline(told.outcome, WIDE),
                approved=told.approved,
                denied=told.denied,
                believed=believed,
            )


def _ends(rows: Iterable[tuple[Row, bool]]) -> dict[int, Row]:
    """What ended each step and signal, by the row that began it."""
    begun: dict[str, int] = {}
    found: dict[int, Row] = {}
    for row, _ in rows:
        if row.kind in ("intent", "signal"):
            begun[row.key] = row.seq
        elif row.kind in ("done", "failed", "lost", "taken"):
            found[begun.pop(row.key, -1)] = row
    return found


class _Reader:
    """Goes through the rows, and keeps what the next ones are told by."""

    def __init__(self, ends: dict[int, Row], blob: Blob) -> None:
        self.tier = "unknown"
        self._ends = ends
        self._blob = blob
        self._gates: dict[str, ev.Gate] = {}
        self._said: dict[str, str] = {}
        """The newest yes at each kind of gate, and whose it was."""
        self._agreed: dict[str, str] = {}
        """The yes that an agent's next act rests on, by its scope: it asks, waits, and does that."""
        self._alone = False
        """One agent writes tests and code."""
        self._epoch = 0

    def read(self, row: Row) -> _Told | None:
        """What a row says; None for the end of an act, which is told with its beginning."""
        match row.kind:
            case "event" if row.key:
                return _of_no_run(row)
            case "event":
                return self._fact(_event(_json(row.body)))
            case "intent":
                return self._call(row) if row.effect == "llm" else self._step(row)
            case "signal":
                return self._signal(row)
            case "book":
                return _Told("owner", "engine", self._book(row))
            case "void":
                return _Told("note", "engine", f"does not count any more: {row.key}")
            case _:
                return None

    def _fact(self, event: ev.Event | None) -> _Told:
        if event is None:
            return _Told("fact", "engine", "a fact that cannot be read")
        if isinstance(event, ev.RunStarted | ev.RunResumed) and event.tier:
            self.tier = event.tier
        if isinstance(event, ev.PlanProposed):
            self._alone = event.plan.size == "small"
        if isinstance(event, ev.GateOpened):
            self._gates[event.gate.id] = event.gate
        if isinstance(event, ev.GateDecided):
            return self._decision(event)
        return _Told(
            _OF_EVENTS.get(event.kind, "fact"),
            "implementer" if self._alone and event.kind == "acceptance-written" else _who(event),
            f"{event.kind} {getattr(event, 'task', '')}".strip(),
            describe_event(event),
            self._said.get(_GATE_BEFORE.get(event.kind, ""), ""),
            isinstance(event, CapMet),
        )

    def _decision(self, event: ev.GateDecided) -> _Told:
        gate = self._gates.get(event.gate)
        refused = event.decision == "reject"
        if gate is not None:
            said = "" if refused else f"{_who(event)} at {event.gate}"
            self._said[gate.kind] = said
            if gate.command is not None:
                self._agreed[_split(gate.command.step)[0]] = said
        asked = f"{gate.question} {gate.detail}".strip() if gate else "a gate that was not opened"
        outcome = f"{event.decision}: {event.reason}" if event.reason else event.decision
        return _Told(
            "gate", _who(event), f"decides {event.gate}", outcome, "" if refused else asked, denied=refused
        )

    def _call(self, row: Row) -> _Told:
        about, end = _json(row.body), self._ends.get(row.seq)
        told = about if isinstance(about, dict) else {}
        usd = (
            "price unknown"
            if end and not end.usd and told.get("priced") is False
            else f"${end.usd:.4f}"
            if end
            else ""
        )
        outcome = f"{end.kind}, {end.tokens} tokens, {usd}" if end else "under way"
        if end is not None and end.kind == "failed":
            outcome += f": {_json(end.body)}"
        actor = _actor(_split(row.key)[0], str(told.get("role", "")))
        return _Told("call", actor, f"asks {told.get('model', 'a model')}{_key(about)}", outcome)

    def _step(self, row: Row) -> _Told:
        scope, name = _split(row.key)
        end = self._ends.get(row.seq)
        body = _json(end.body) if end else None
        outcome = "under way" if end is None else end.kind
        if end is not None and end.kind == "failed":
            outcome = f"failed: {body}"
        elif isinstance(body, dict):
            outcome = _came_of(body)
        by_agent = name.startswith("act-")
        denied = by_agent and isinstance(body, dict) and body.get("ok") == ""
        what = f"{name.removeprefix('act-')} {self._inputs(row)}".strip() + _key(_json(row.body))
        actor = _actor(scope) if by_agent else "engine"
        # Only what a person said yes to by itself is done as an act that is never repeated.
        approved = self._agreed.pop(scope, "") if by_agent and row.effect == "external" else ""
        return _Told(_kind(name), actor, what, outcome, approved, denied)

    def _inputs(self, row: Row) -> str:
        """What a step was begun with, in a few words."""
        try:
            found = _json(self._blob(row.fingerprint).decode())
        except (JournalError, UnicodeDecodeError):
            return "(what was asked for is damaged)"
        if isinstance(found, list):
            paths = [str(one["path"]) for one in found if isinstance(one, dict) and "path" in one]
            return ", ".join(dict.fromkeys(paths)) or json.dumps(found, ensure_ascii=False)
        if not isinstance(found, dict):
            return "" if found is None else str(found)
        if found.get("command") and found.keys() <= {"command", "tree", "timeout_s"}:
            return str(found["command"])
        return json.dumps(found, ensure_ascii=False) if found else ""

    def _signal(self, row: Row) -> _Told:
        event, end = _event(_json(row.body)), self._ends.get(row.seq)
        why = _json(end.body) if end else None
        outcome = "waits" if end is None else f"refused: {why}" if why else "obeyed"
        what = f"asks its owner: {describe_event(event)}" if event else "asks for what cannot be read"
        return _Told("signal", _who(event) if event else "unknown", what, outcome, denied=bool(why))

    def _book(self, row: Row) -> str:
        said = _json(row.body)
        told = said.items() if isinstance(said, dict) else ()
        parts = [f"a process takes the run, epoch {row.epoch}"] if row.epoch != self._epoch else []
        self._epoch = row.epoch
        parts += [
            f"sets {name} to {value}" for name, value in told if value is not None and name != "created"
        ]
        return ", ".join(parts) or "sets nothing"


def _of_no_run(row: Row) -> _Told:
    """What a person did to the workspace outside of a run."""
    said = _json(row.body)
    told = dict(said) if isinstance(said, dict) else {}
    by = str(told.pop("by", "unknown"))
    what = ", ".join(f"{name}: {value}" for name, value in told.items() if value)
    denied = row.key.endswith("refused") or told.get("status") == "refused"
    return _Told("workspace", _DOORS.get(by, by), row.key, what, denied=denied)


def _key(about: JsonValue) -> str:
    """The name of the key that an act was done with."""
    return f" (key: {about['key']}, where it is set)" if isinstance(about, dict) and about.get("key") else ""


def _json(text: str) -> JsonValue:
    """What a text says; None for one that is no JSON."""
    try:
        found: JsonValue = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    return found


def _event(body: JsonValue) -> ev.Event | None:
    try:
        return ev.EVENT.validate_python(body)
    except (ValidationError, RecursionError):
        return None


def _split(key: str) -> tuple[str, str]:
    """The scope that a step belongs to, and its name."""
    found = _STEP.fullmatch(key)
    return (found["scope"], found["name"]) if found else (key, "")


def _who(event: ev.Event) -> str:
    by = getattr(event, "by", "")
    if by:
        return _DOORS.get(by, str(by))
    if isinstance(event, ev.TaskLanded | ev.TaskFailed):
        return f"implementer of {event.task}"
    if isinstance(event, DeploymentPlanned) and not event.command:
        return "engine"  # nobody is asked what nothing needs
    return _AUTHORS.get(event.kind, "engine")


def _actor(scope: str, role: str = "") -> str:
    """Who works in a scope, such as ``/BUILD/subtract.1.0/implementer``."""
    parts = scope.split("/")
    role = role or parts[-1]
    return f"{role} of {parts[2].partition('.')[0]}" if parts[1:2] == ["BUILD"] and len(parts) > 3 else role


def _kind(name: str) -> ActKind:
    if name in _COMMANDS:
        return "command"
    if name == "act-edit":
        return "edit"
    return "look" if name.startswith("act-") else "note"


def _came_of(body: dict[str, JsonValue]) -> str:
    """What came of an action or a receipt, in a few words."""
    if "text" in body:
        return str(body["text"])
    return f"exit code {body['exit']}" if "exit" in body else "done"
