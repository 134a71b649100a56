"""What an event means: ``fold(state, event) -> state``, with ``LEGAL``, the one table of what may happen where.

Pure: no input or output, no clock, no randomness. An event outside the table is a caller's defect and is refused.
What is wanted next is said by ``decide``; nothing but these two moves a run.

    NEW > PLANNING > DESIGN > BUILD > TEST > REVIEW > DEPLOY > MONITOR > DONE
             ^          ^       ^       |       |        |        |
             |          |       '-------'-------'--------'--------'   red test, patch, failed deployment, breach
             |          '-----------------------'                     bad spec
             '----------------------------------'                     intent gap, ladder at its end

Every loop is bounded by ``ladder``, and beyond it by money, turns and wall time, which the engine counts.
"""

from typing import assert_never

from wainwright.domain import events as ev
from wainwright.domain.caps import CapMet, CapsRaised, caps_in
from wainwright.domain.choosing import all_refused, refused_files, rework, take
from wainwright.domain.deployment import Deployed, DeployFailed, DeploymentPlanned, Monitored
from wainwright.domain.errors import IllegalTransition
from wainwright.domain.events import Event, Gate
from wainwright.domain.evidence import Suite
from wainwright.domain.gates import GATES, WITHOUT_TESTS, digest
from wainwright.domain.goal import ENDS, WAY, Stage
from wainwright.domain.hunks import ChangeShown, HunksDecided
from wainwright.domain.ladder import (
    back_to_build,
    climb,
    fit_tests,
    freshen,
    give_up,
    incident,
    landed,
    overtaken,
    plan_deployment,
    refused_tests,
    replan,
    review,
    set_aside,
    steer,
    task_changed,
    triage,
    without_skipped,
)
from wainwright.domain.notes import Noted, NoteReceived, noted, received
from wainwright.domain.plan import EVERYTHING, Plan, Requirement, Task
from wainwright.domain.plan_edits import EDITABLE, edit
from wainwright.domain.sizes import named
from wainwright.domain.state import GateState, RunState, TaskState
from wainwright.domain.text import headline

S = Stage
ACTIVE = frozenset(WAY) - ENDS
LEGAL: dict[str, frozenset[Stage]] = {
    "run-started": frozenset(),
    "snapshot-taken": frozenset({S.NEW}),
    "hold-moved": ACTIVE,
    "noted": ACTIVE | {S.FAILED, S.CANCELLED},
    "note-received": ACTIVE,
    "stage-skipped": frozenset(WAY[1:-1]),
    "base-tested": frozenset({S.PLANNING, S.BUILD}),
    "plan-proposed": frozenset({S.PLANNING}),
    "plan-edited": EDITABLE,
    "resized": frozenset({S.BUILD}),
    "plan-given-up": frozenset({S.BUILD}),
    "gate-opened": ACTIVE,
    "gate-decided": ACTIVE,
    "design-proposed": frozenset({S.DESIGN}),
    "acceptance-written": frozenset({S.DESIGN, S.BUILD}),
    "red-first": frozenset({S.DESIGN, S.BUILD}),
    "task-started": frozenset({S.BUILD}),
    "task-failed": frozenset({S.BUILD}),
    "task-landed": frozenset({S.BUILD}),
    "task-steered": frozenset({S.BUILD, S.FAILED, S.CANCELLED}),
    "tested": frozenset({S.TEST}),
    "failure-triaged": frozenset({S.TEST}),
    "reviewed": frozenset({S.REVIEW}),
    "mutants-tried": frozenset({S.PLANNING, S.DESIGN, S.BUILD, S.REVIEW, S.DEPLOY}),
    "change-shown": frozenset({S.REVIEW}),
    "hunks-decided": frozenset({S.REVIEW}),
    "delivered": frozenset({S.REVIEW}),
    "deployment-planned": frozenset({S.DEPLOY}),
    "deployed": frozenset({S.DEPLOY}),
    "deploy-failed": frozenset({S.DEPLOY}),
    "monitored": frozenset({S.MONITOR}),
    "run-failed": ACTIVE,
    "run-cancelled": ACTIVE | {S.FAILED},
    "cap-met": ACTIVE,
    "caps-raised": ACTIVE,
    "kept": frozenset({S.FAILED, S.CANCELLED}),
    "run-resumed": ACTIVE | {S.FAILED, S.CANCELLED},
}
"""In which stages an event may happen. ``run-started`` happens once, before there is a state."""
_REFUSED = {
    "task-steered": ("No task can be steered", "That is done in BUILD; before that, edit plan.md."),
    "noted": ("No note is taken", "Nobody is at work on it any more: start another run."),
    "hunks-decided": ("No hunk can be decided on", "That is done while the run asks about its change."),
}


def legal(stage: Stage | None, event: Event) -> bool:
    """Whether an event may happen in a stage; None stands for a run that has not begun."""
    if stage is None:
        return isinstance(event, ev.RunStarted)
    return stage in LEGAL[event.kind]


def fold(state: RunState | None, event: Event) -> RunState:
    """The state after an event. Raises IllegalTransition for an event outside ``LEGAL``."""
    if not legal(state.stage if state else None, event):
        said, when = _REFUSED.get(event.kind, (f"{event.kind} cannot happen", ""))
        raise IllegalTransition(f"{said} in {state.stage if state else 'a run that has not begun'}.", when)
    if state is None:
        assert isinstance(event, ev.RunStarted)
        told = event.model_dump(exclude={"kind", "goal", "size", "by"})
        return RunState(**told, goal=event.goal, chosen_size=event.size)
    return _apply(state, event)


def replay(events: list[Event]) -> RunState | None:
    """The state that a list of events leads to; None for an empty list."""
    state = None
    for event in events:
        state = fold(state, event)
    return state


def _apply(state: RunState, event: Event) -> RunState:  # noqa: C901, PLR0911, PLR0912 - one arm an event
    match event:
        case ev.RunStarted():
            raise IllegalTransition("A run begins once.")
        case ev.SnapshotTaken():
            return _begin(state, event)
        case ev.HoldMoved():
            return state.changed(until=event.until)
        case ev.StageSkipped():
            return _skip(state, event)
        case ev.BaseTested():
            return _take_base(state, event)
        case ev.PlanProposed():
            return _take_plan(state, event.plan)
        case ev.PlanEdited():
            edited = edit(state, event)
            return _leave_build(edited) if state.stage is S.BUILD else edited
        case ev.Resized():
            return _resize(state, event)
        case ev.PlanGivenUp():
            return _plan_anew(state)
        case ev.GateOpened():
            return _open_gate(state, event.gate)
        case ev.GateDecided():
            return _decide_gate(state, event)
        case ev.DesignProposed():
            return state.changed(design=event, stage=S.BUILD, plan_reason="")
        case ev.RedFirstTested():
            return state.changed(red_first=event)
        case ev.AcceptanceWritten():
            changed = state.changed(
                acceptance=event, head=event.commit, head_tree=event.tree, acceptance_digest=""
            )
            return _leave_build(fit_tests(changed))
        case ev.TaskStarted():
            return task_changed(state, event, status="running")
        case ev.TaskFailed():
            return climb(state, event)
        case ev.TaskSteered():
            steered = fit_tests(steer(state, event))
            return _leave_build(steered) if event.way == "skip" and state.stage is S.BUILD else steered
        case ev.TaskLanded():
            return _land(state, event)
        case ev.Tested():
            tested = state.changed(tested=event, test_runs=state.test_runs + 1, triaged=None)
            return tested.changed(stage=S.REVIEW) if event.verdict.passed else tested
        case ev.FailureTriaged():
            return triage(state, event)
        case ev.Reviewed():
            return review(state, event)
        case _:
            return _apply_late(state, event)


_Late = (
    ev.MutantsTried
    | ChangeShown
    | HunksDecided
    | ev.Delivered
    | DeploymentPlanned
    | Deployed
    | DeployFailed
    | Monitored
    | ev.RunFailed
    | ev.RunCancelled
    | CapMet
    | CapsRaised
    | ev.Kept
    | Noted
    | NoteReceived
    | ev.RunResumed
)


def _apply_late(state: RunState, event: _Late) -> RunState:  # noqa: C901, PLR0911, PLR0912 - one arm an event
    match event:
        case ev.MutantsTried():
            return state.changed(mutants=event)
        case ChangeShown():
            return state.changed(shown=event, said={})
        case HunksDecided():
            return take(state, event)
        case ev.Delivered():
            return _deliver(state, event)
        case DeploymentPlanned():
            return plan_deployment(state, event)
        case Deployed():
            return state.changed(deployment=event.deployment, incident=None, stage=S.MONITOR)
        case DeployFailed():
            return incident(state, f"The deployment failed: {event.reason}", event.where)
        case Monitored():
            watched = state.changed(monitored=event)
            if event.breach:
                return incident(watched, f"Monitoring found a breach: {event.report}", event.where)
            return watched.changed(stage=S.DONE)
        case ev.RunFailed():
            return state.changed(stage=S.FAILED, failure=event, stopped_at=state.stage)
        case ev.RunCancelled():
            return state.changed(stage=S.CANCELLED, stopped_at=state.stopped_at or state.stage)
        case CapMet():
            return state.changed(capped=event)
        case CapsRaised():
            return state.changed(capped=None, raising=None, gates=overtaken(state, "budget"))
        case ev.Kept():
            return state.changed(kept=event)
        case Noted():
            return state.changed(notes=noted(state.notes, event))
        case NoteReceived():
            return state.changed(notes=received(state.notes, event))
        case ev.RunResumed():
            return _resume(state, event)
    assert_never(event)


# ---- what each event means where that takes more than a line


def _begin(state: RunState, event: ev.SnapshotTaken) -> RunState:
    return state.changed(
        stage=S.PLANNING,
        base=event.commit,
        base_tree=event.tree,
        person_head=event.head,
        head=event.commit,
        head_tree=event.tree,
        skipped_files=event.skipped,
        suites=event.suites,
        own_suites=event.suites,
        environment=event.environment,
        contents=event.contents,
    )


def _land(state: RunState, event: ev.TaskLanded) -> RunState:
    kept = {"commit": event.commit, "summary": event.summary, "remarks": event.remarks}
    landed = task_changed(state, event, status="landed", **kept)
    taken = {event.task, state.tasks[event.task].task.starts_from}
    rest = {i: t for i, t in state.set_aside.items() if i not in taken}
    landed = landed.changed(set_aside=rest)
    head = {"head": event.commit, "head_tree": event.tree, "control": event.control, "unshown": event.unshown}
    return _leave_build(landed.changed(**head))


def _skip(state: RunState, event: ev.StageSkipped) -> RunState:
    if event.stage != state.stage:
        raise IllegalTransition(f"{event.stage} cannot be skipped in {state.stage}.")
    skipped = state.changed(
        stage=WAY[WAY.index(event.stage) + 1], skips={**state.skips, event.stage: event.reason}
    )
    if event.stage is S.DEPLOY:
        return skipped.changed(gates=overtaken(skipped, "deploy"))
    if event.stage is S.PLANNING and S.BUILD in state.route:
        return _adopt(skipped, _goal_as_plan(state))
    if event.stage is S.REVIEW and S.BUILD in state.route:
        # Nobody reviews, but what was built is still handed over from here.
        noted = tuple(remark for one in state.tasks.values() for remark in one.remarks)
        return skipped.changed(
            stage=S.REVIEW,
            reviewed=ev.Reviewed(tree=state.head_tree or "", summary=event.reason, findings=noted),
            reviews=state.reviews + 1,
        )
    return skipped


def _goal_as_plan(state: RunState) -> Plan:
    """A short route has no planner: the goal itself, and what was said since, is the one task."""
    place = state.goal.place
    where = f"\n\nThe person stood in {place.path}." if place else ""
    said = f"\n\n{state.plan_reason}" if state.plan_reason else ""
    task = Task(
        id="goal",
        title=headline(state.goal.text, 120),
        instruction=state.goal.text + where + said,
        write_set=(EVERYTHING,),
        acceptance=("R1",),
    )
    return Plan(requirements=(Requirement(id="R1", text=state.goal.text),), tasks=(task,))


def _take_plan(state: RunState, plan: Plan) -> RunState:
    suites = _overruled(state, plan.suites)
    if suites != state.suites:
        state = state.changed(suites=suites, base_tested=None, untested="")
    return _adopt(state.changed(plan_approved=False), plan)


def _take_base(state: RunState, event: ev.BaseTested) -> RunState:
    """How the tests end on the base. Suites that cannot run here are not tried again."""
    out = event.receipt.left_out if event.receipt else ()
    gone = {(one.suite.command, one.suite.folder) for one in out}
    kept = tuple(suite for suite in state.suites if (suite.command, suite.folder) not in gone)
    told = {"suites": kept, "left_out": out} if out else {}
    return state.changed(**told, base_tested=event, base_tests=state.base_tests + 1)


def _resize(state: RunState, event: ev.Resized) -> RunState:
    if not state.may_grow or event.size == "small":
        raise IllegalTransition("A run is taken for a larger one once.")
    planned = replan(state, f"The goal is larger than it was taken for; it is {event.size}. {event.reason}")
    return planned.changed(resized=event, replans=state.replans)


def _plan_anew(state: RunState) -> RunState:
    if not state.giving_up:
        raise IllegalTransition("The plan is not being given up.")
    return replan(state, state.giving_up)


def _overruled(state: RunState, named: tuple[Suite, ...]) -> tuple[Suite, ...]:
    """How the tests are run when the planner says how: in place of what says nothing, and beside what works."""
    base = state.base_receipt
    works = base is not None and not base.environment and (base.exit == 0 or base.ran)
    if not named or {(s.command, s.folder) for s in named} <= {(s.command, s.folder) for s in state.suites}:
        return state.suites
    if not works:
        return named
    there = {suite.folder for suite in state.suites}
    return (*state.suites, *(suite for suite in named if suite.folder not in there))


def _adopt(state: RunState, plan: Plan) -> RunState:
    revision = state.revision + 1
    tasks = {**landed(state), **{t.id: TaskState(task=t, revision=revision) for t in plan.tasks}}
    return state.changed(plan=plan, revision=revision, tasks=tasks, rounds=0)


def _open_gate(state: RunState, gate: Gate) -> RunState:
    if gate.id in state.gates:
        raise IllegalTransition(f"Gate {gate.id} was opened already.")
    return state.changed(gates={**state.gates, gate.id: GateState(gate=gate)})


def _decide_gate(state: RunState, event: ev.GateDecided) -> RunState:
    held = state.gates.get(event.gate)
    if held is None or held.decided is not None:
        raise IllegalTransition(f"Gate {event.gate} is not open.")
    gate = held.gate
    if event.seen not in ("", digest(gate)):
        raise IllegalTransition(
            f"Gate {event.gate} asks something else than what was read.", "Read it again, and decide then."
        )
    state = state.changed(gates={**state.gates, gate.id: held.model_copy(update={"decided": event})})
    if event.decision == "reject":
        return _reject(state, gate, event.reason)
    return _pass(state, gate, event)


def _pass(state: RunState, gate: Gate, event: ev.GateDecided) -> RunState:
    match gate.kind:
        case "plan":
            return state.changed(plan_approved=True, stage=S.DESIGN, plan_reason="")
        case "question":
            return _answer(state, gate, event)
        case "unverified":
            # Before the tests, it is about going on without any; at TEST, about this one tree.
            return state if state.stage is S.TEST else state.changed(untested=gate.detail)
        case "budget":
            if caps_in(event.reason) is None:
                raise IllegalTransition(
                    f"“{event.reason}” is no cap.", "Answer such as “$5” or “800000 tokens”."
                )
            return state.changed(raising=event)
        case "command":
            if event.decision != "approve":
                raise IllegalTransition(
                    "A command is run or it is not.", "Approve it, or reject it and say why."
                )
            return state
        case "apply":
            return _reject(state, gate, event.reason) if all_refused(state) else state
        case "deploy":
            return state
    assert_never(gate.kind)


def _reject(state: RunState, gate: Gate, reason: str) -> RunState:
    match GATES[gate.kind].rejected:
        case "plans anew":
            return state.changed(
                plan=None,
                former_plan=state.plan,
                tasks=landed(state),
                set_aside=set_aside(state),
                plan_reason=f"The person rejected the plan: {reason}",
                chosen_size=named(reason) or state.chosen_size,
            )
        case "builds again":
            told = [f"The person rejected the change: {reason}".removesuffix(": "), rework(state)]
            return _rework(state, "\n\n".join(filter(None, told)))
        case "is not deployed":
            skipped = f"not deployed: {reason or 'the person said no'}"
            return state.changed(stage=S.MONITOR, skips={**state.skips, S.DEPLOY: skipped})
        case "is not run":
            return state
        case "fails":
            hint = state.capped.hint if gate.kind == "budget" and state.capped else ""
            failure = ev.RunFailed(reason=f"{gate.question} The answer was no. {reason}".strip(), hint=hint)
            return state.changed(stage=S.FAILED, failure=failure, stopped_at=state.stage)
    assert_never(GATES[gate.kind].rejected)


def _answer(state: RunState, gate: Gate, event: ev.GateDecided) -> RunState:
    base = state.base_receipt
    if event.reason.strip().lower() == WITHOUT_TESTS and base is not None and base.environment:
        return state.changed(untested=base.environment)
    said = f"{gate.question}\n{gate.detail}\nThe person answered: {event.reason or 'go on'}"
    if gate.returns_to is S.PLANNING:
        return give_up(state, said)
    return freshen(without_skipped(state, gate.question), said)


def _resume(state: RunState, event: ev.RunResumed) -> RunState:
    # A cap that still holds is met again.
    surroundings: dict[str, object] = {"capped": None, "gates": overtaken(state, "budget")}
    if event.attended is not None:
        surroundings["attended"] = event.attended
    if event.typed is not None:
        surroundings["typed"] = event.typed
    if event.deploys is not None:
        surroundings["deploys"] = event.deploys
    if event.environment is not None:
        surroundings |= {"environment": event.environment, "contents": event.contents or ""}
    if event.tier is not None:
        surroundings |= {"tier": event.tier, "tier_reason": event.tier_reason}
        surroundings |= {"untested": ""} if event.tier != state.tier else {}
    if event.suites and event.suites != state.suites:
        surroundings |= {
            "suites": event.suites,
            "own_suites": event.suites,
            "left_out": (),
            "base_tested": None,
            "untested": "",
        }
    if state.stage not in ENDS:
        return state.changed(**surroundings)
    back = state.changed(
        **surroundings,
        stage=state.stopped_at or S.NEW,
        stopped_at=None,
        failure=None,
        kept=None,
        resumes=state.resumes + 1,
    )
    back = back.changed(gates=overtaken(back, "question"))
    back = freshen(back, "")
    return _leave_build(back) if back.stage is S.BUILD else back


def _leave_build(state: RunState) -> RunState:
    if state.unfinished or (state.acceptance is None and state.testable):
        return state
    return state.changed(stage=S.TEST, tested=None, triaged=None, giving_up="")


def _deliver(state: RunState, event: ev.Delivered) -> RunState:
    """What was accepted is the person's; of what they refused, BUILD is told why."""
    delivered = state.changed(
        delivered=event, handed=event, head=event.commit, head_tree=event.tree or state.head_tree
    )
    if not event.left_out:
        return delivered.changed(stage=S.DEPLOY)
    told = f"The person took a part of the change over, and refused the rest, which is taken out.\n\n{rework(state)}"
    return _rework(delivered, told)


def _rework(state: RunState, told: str) -> RunState:
    gate = state.latest_gate("apply")
    again = back_to_build(state, told, "rework").changed(refused_at=gate.gate.id if gate else "")
    return refused_tests(again, refused_files(state), told)
