"""What a front sees of a run: JSON-able, derived from state and account, never stored."""

import re
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from wainwright.domain import tiers
from wainwright.domain.cautions import cautions
from wainwright.domain.decide import held
from wainwright.domain.deployment import DeploymentPlanned
from wainwright.domain.ending import ending, take_over
from wainwright.domain.events import (
    BaseTested,
    Decision,
    Event,
    Gate,
    GateKind,
    TaskLanded,
    Tested,
)
from wainwright.domain.evidence import MISSING_OR_NEEDLESS, Case, Deployment, Finding, Receipt, unnoticed
from wainwright.domain.gates import GATES, digest, to_read
from wainwright.domain.goal import ENDS, WAY, Autonomy, Fact, Goal, Size, Stage
from wainwright.domain.sizes import told
from wainwright.domain.state import RunState, noticed
from wainwright.domain.text import cut, plain
from wainwright.journal import Account
from wainwright.workspace.native import Symbol

FAILING_MAX = 100
"""Failing tests that are told one by one."""
MESSAGE_MAX = 1_000
"""Characters of what a failing test says that are told."""


class Start(Fact):
    """Ask for a run."""

    goal: Goal
    overlay: dict[str, str] = Field(default_factory=dict)
    """Text of unsaved editor buffers by path relative to the workspace."""
    route: tuple[Stage, ...] | None = None
    """The stages this goal needs; None for all."""
    autonomy: Autonomy | None = None
    """None for the setting."""
    attended: bool = True
    until: Stage | None = None
    """Hold after this stage."""
    typed: dict[str, Any] = Field(default_factory=dict)
    """What was typed of how it works, in the shape of the settings: kept for when it is resumed."""
    commits: str = ""
    """For a review: the commits to look at, such as ``HEAD~3..``; empty: what is not committed yet."""
    size: Size | None = None
    """How large the person says the goal is; None for the setting."""
    by: str = "person"
    """Through which door it is asked for."""


class Decide(Fact):
    """Decide a gate. Without a gate id, the one open gate is meant."""

    run: str
    gate: str | None = None
    decision: Decision
    reason: str = ""
    seen: str = ""
    """The digest of what was read, as the gate's view has it; empty: as the gate is."""
    by: str = "person"


class SymbolView(Fact):
    """A definition somewhere in the workspace."""

    path: str
    name: str
    container: str
    """The scopes it lies in, joined by dots; empty at the top of a file."""
    kind: str
    line: int
    """From 1."""


def symbol_view(symbol: Symbol) -> SymbolView:
    """A symbol of the index, for a person."""
    return SymbolView(
        path=symbol.path,
        name=symbol.name,
        container=symbol.qualname.removesuffix(symbol.name).rstrip("."),
        kind=symbol.kind,
        line=symbol.line,
    )


class TaskView(Fact):
    """One task."""

    id: str
    title: str
    status: str
    attempt: int
    needs: tuple[str, ...]
    write_set: tuple[str, ...]
    summary: str


class GateView(Fact):
    """One open gate."""

    id: str
    kind: GateKind
    question: str
    detail: str
    yes: str
    no: str
    """What the two answers are called."""
    read: str
    """The document of the run in which what is asked about can be read."""
    seen: str
    """The digest of question and detail."""
    answer: str = ""
    """What an answer in words is called; empty: it is not answered in words."""
    ends: bool = False
    """Whether a no ends the run."""


class NoteView(Fact):
    """What the person said to those at work."""

    words: str
    received: tuple[str, ...]
    """Who was told, in order; empty: nobody yet."""


class ReceiptView(Fact):
    """One receipt, short."""

    cmd: str
    exit: int | None
    tree: str
    passed: int
    failed: int
    seconds: float


class RunView(Fact):
    """One run."""

    run: str
    goal: str
    workspace: str
    stage: Stage
    percent: int
    """Of the way, 0 to 100."""
    waiting: Literal["", "gate", "hold"]
    """Why nothing is going on, if so: somebody has to decide, or the run was started to stop after a stage."""
    until: Stage | None
    tasks: tuple[TaskView, ...]
    gates: tuple[GateView, ...]
    notes: tuple[NoteView, ...] = ()
    artifacts: tuple[str, ...]
    """Paths relative to the workspace."""
    branch: str | None
    patch: str | None
    editor: str
    receipts: tuple[ReceiptView, ...]
    deployment: Deployment | None
    model_calls: int
    lost_calls: int
    tokens: int
    cost_usd: float
    unpriced: int = 0
    """Calls whose price nobody knows: what they cost is not in ``cost_usd``."""
    failure: str
    hint: str
    ending: tuple[str, ...] = ()
    """Of a run that ended unfinished: what was done, what is missing, where it is, how it goes on, in sentences."""
    take_over: str = ""
    """How the branch is taken over from where the person's files stand, in a sentence."""
    skips: dict[str, str]
    size: str = ""
    """How large the goal is and why, in a sentence; empty as long as nobody has sized it."""
    tier: str = ""
    """How its commands are held, in a sentence: the tier of the sandbox, and why it is no better one."""
    activity: str = ""
    """The newest line of what is going on."""
    findings: "tuple[Remark, ...]" = ()
    """What the review remarked of the newest tree, and which small changes no acceptance test notices."""
    failing: "tuple[Remark, ...]" = ()
    """The tests that fail on the newest tree, or as long as there is none, on the base."""
    cautions: tuple[str, ...] = ()
    """What a person has to know of how far the tests can be trusted."""
    left_out: tuple[str, ...] = ()
    """Which suites are not run, and why, a sentence each."""
    at_work: Literal["here", "elsewhere", ""] = ""
    """Which process drives the run: this one, another one, none."""
    interrupted: bool = False
    """Its process ended before the run did, and nobody else has taken it over."""


class Remark(Finding):
    """A finding, and who made it; a failing test is one, too."""

    code: Literal["review", "noticed", "mutant", "test", "incident"] = "review"
    document: str = ""
    """Which document of the run tells more."""


class Notice(Fact):
    """What a subscriber hears: something about a run changed."""

    run: str
    kind: str
    """An event's kind, ``activity`` for a line that is not kept, or ``writing`` for one that the next replaces."""
    text: str
    stage: Stage
    task: str = ""


def seen_by(view: RunView, at_work: Literal["here", "elsewhere", ""]) -> RunView:
    """A view with who drives the run: nobody, where it neither ended nor waits, means that it was interrupted."""
    alone = not at_work and view.stage not in ENDS and not view.waiting
    return view.model_copy(update={"at_work": at_work, "interrupted": alone})


def in_files(seen: RunView, *, there: bool) -> RunView:
    """A view with whether the change is in the person's files: commands take it out of them, and put it in again."""
    if there and seen.editor in ("absent", "refused"):
        return seen.model_copy(update={"editor": "applied"})
    if there or seen.editor not in ("applied", "partial"):
        return seen
    # What was remarked about the change does not hold in files that do not have it.
    return seen.model_copy(update={"editor": "absent", "findings": (), "failing": ()})


def view(
    state: RunState, account: Account, receipts: tuple[ReceiptView, ...], artifacts: tuple[str, ...]
) -> RunView:
    """The view of a state."""
    delivered, deployment, failure = state.handed, state.deployment, state.failure
    failed = failure if state.stage is Stage.FAILED else None
    # A run that has ended at a gate asks again once it is resumed.
    gates = () if state.stage in ENDS else state.open_gates
    return RunView(
        run=state.run,
        goal=state.goal.text,
        workspace=state.workspace,
        stage=state.stage,
        percent=_percent(state),
        waiting="gate" if gates else "hold" if held(state) else "",
        until=state.until,
        tasks=tuple(
            TaskView(
                id=t.task.id,
                title=t.task.title,
                status="paused" if t.paused and t.status in ("waiting", "running") else t.status,
                attempt=t.attempt,
                needs=t.task.needs,
                write_set=t.task.write_set,
                summary=t.summary,
            )
            for t in state.tasks.values()
        ),
        gates=tuple(_gate(state, gate) for gate in gates),
        notes=tuple(NoteView(words=n.words, received=n.received) for n in state.notes),
        artifacts=artifacts,
        branch=delivered.branch if delivered else None,
        patch=delivered.patch if delivered else None,
        editor=delivered.editor if delivered else "absent",
        receipts=receipts,
        deployment=deployment,
        model_calls=account.calls,
        lost_calls=account.lost,
        tokens=account.spent_tokens,
        cost_usd=round(account.spent_usd, 6),
        unpriced=account.unpriced,
        failure=failed.reason if failed else "",
        hint=failed.hint if failed else "",
        ending=ending(state),
        take_over=take_over(delivered.branch, delivered.way) if delivered and delivered.branch else "",
        skips={str(stage): reason for stage, reason in state.skips.items()},
        size=told(state),
        tier=tiers.told(state.tier, state.tier_reason),
        findings=(*_reviewed(state), *_survivors(state), *_incidents(state)),
        failing=_failing(state),
        cautions=cautions(state),
        left_out=tuple(one.reason for one in state.left_out),
    )


def _gate(state: RunState, gate: Gate) -> GateView:
    rule, plan = GATES[gate.kind], state.deployment_plan
    where = f" on port {plan.port}" if gate.kind == "deploy" and plan and plan.port else ""
    told = {**gate.model_dump(include={"id", "kind", "question"}), "detail": to_read(gate)}
    named = {"yes": f"{rule.yes}{where}", "no": rule.no, "answer": rule.answer, "ends": rule.ends}
    return GateView(**told, **named, read=rule.read, seen=digest(gate))


def _reviewed(state: RunState) -> tuple[Remark, ...]:
    """What was remarked about the newest tree, and not about one before."""
    reviewed = state.reviewed
    if reviewed is None or reviewed.tree not in ("", state.head_tree):
        return ()
    told = [Remark(**one.model_dump(), document="review.md") for one in reviewed.findings]
    page = "summary.md" if state.stage in ENDS else ""
    more = [Remark(**one.model_dump(), document=page, code="noticed") for one in noticed(state)]
    return (*told, *more)


def _survivors(state: RunState) -> tuple[Remark, ...]:
    """What mutants say of the tests, as findings nobody has to answer."""
    tried, tested = state.mutants, state.tested
    if tried is None or tested is None or tried.tree != tested.tree:
        return ()
    about: dict[str, Any] = {"severity": "minor", "route": "defer", "document": "test-report.md"}
    return tuple(
        Remark(where=where, trigger=said, consequence=MISSING_OR_NEEDLESS, code="mutant", **about)
        for where, said in unnoticed(tried.survivors).items()
    )


def _incidents(state: RunState) -> tuple[Remark, ...]:
    """What went wrong with the newest tree where it was deployed, at the place it seems to come from."""
    incident, watched = state.incident, state.monitored
    told: list[Remark] = []
    if incident is not None and incident.where and incident.tree == state.head_tree:
        first, _, rest = incident.said.partition("\n")
        more = cut(plain(rest).strip(), MESSAGE_MAX) or "It was taken out of service."
        told.append(
            Remark(where=incident.where, trigger=first, consequence=more, severity="blocker", code="incident")
        )
    if watched is not None and watched.where and watched.concern:
        said = cut(plain(watched.concern).strip(), MESSAGE_MAX)
        about: dict[str, Any] = {"severity": "minor", "route": "defer", "code": "incident"}
        told.append(
            Remark(
                where=watched.where, trigger="Nothing broke while it was watched.", consequence=said, **about
            )
        )
    return tuple(told)


def _failing(state: RunState) -> tuple[Remark, ...]:
    """The tests that fail, at their lines where those are told; what was red before the run is nobody's fault."""
    tested = state.tested if state.tested and state.tested.tree == state.head_tree else None
    receipt = tested.receipt if tested else state.base_receipt if state.delivered is None else None
    if receipt is None or receipt.environment:
        return ()
    old = frozenset(tested.verdict.base_red) if tested else frozenset(receipt.failing)
    return tuple(
        Remark(
            where=_place(case),
            trigger=f"{case.name} {'was red before the run, and is' if case.name in old else 'fails'}.",
            consequence=cut(plain(case.message).strip(), MESSAGE_MAX) or "It does not say why.",
            severity="minor" if case.name in old else "blocker",
            route="defer" if case.name in old else "patch",
            code="test",
            document="test-report.md" if tested else "",
        )
        for case in receipt.cases
        if case.outcome in ("failed", "error") and not case.ending
    )[:FAILING_MAX]


def _place(case: Case) -> str:
    """Where a test failed: its file, with the last line of it that its message names."""
    file = case.name.partition("::")[0]
    lines = re.findall(rf"(?<![\w/.-]){re.escape(file)}:(\d+)", case.message)
    return f"{file}:{lines[-1]}" if lines else file


def _percent(state: RunState) -> int:
    stage = state.stopped_at or state.stage
    if state.stage is Stage.DONE:
        return 100
    share = 0.0
    if stage is Stage.BUILD and state.tasks:
        share = 1 - len(state.unfinished) / len(state.tasks)
    return int(100 * (WAY.index(stage) + share) / (len(WAY) - 1))


def receipt_views(events: Iterable[Event]) -> list[ReceiptView]:
    """The receipts that events hold, short."""
    found: list[Receipt] = []
    for event in events:
        match event:
            case BaseTested(receipt=Receipt() as receipt) | Tested(receipt=Receipt() as receipt):
                found.append(receipt)
            case TaskLanded(receipt=Receipt() as receipt):
                # A batch has one, which its last task has, too.
                found += [receipt] if not event.together or event.task == event.together[-1] else []
            case DeploymentPlanned(smoke=Receipt() as receipt):
                found.append(receipt)
            case _:
                pass
    return [
        ReceiptView(
            cmd=r.command,
            exit=r.exit,
            tree=r.tree,
            passed=len(r.passing),
            failed=len(r.failing),
            seconds=r.seconds,
        )
        for r in found
    ]
