"""The heart: ``fold(state, event) -> state`` and ``decide(state) -> effects``.

Nothing else moves a run. Both are pure: no input or output, no clock, no randomness. ``LEGAL`` is the one
table of what may happen where; an event outside it is a defect of the caller and is refused.

    NEW > PLANNING > DESIGN > BUILD > TEST > REVIEW > DEPLOY > MONITOR > DONE
             ^          ^       ^       |       |        |        |
             |          |       '-------'-------'--------'--------'   red test, patch, failed deployment, breach
             |          '-----------------------'                     bad spec
             '----------------------------------'                     intent gap, ladder at its end

Every loop is bounded by the ladder below, and beyond it by money, turns and wall time, which the engine counts.
"""

from collections.abc import Callable
from typing import assert_never

from wainwright.domain import events as ev
from wainwright.domain.effects import (
    DeployService,
    Effect,
    Fail,
    HandOver,
    MakeDesign,
    MakePlan,
    OpenGate,
    PlanDeployment,
    ReviewChange,
    RunTask,
    RunTests,
    SkipStage,
    TakeSnapshot,
    TestBase,
    TriageFailure,
    Watch,
    WriteAcceptance,
)
from wainwright.domain.errors import InputError
from wainwright.domain.events import Event, Gate, GateKind, Rung
from wainwright.domain.evidence import Finding
from wainwright.domain.goal import ENDS, WAY, Autonomy, Stage
from wainwright.domain.plan import EVERYTHING, Plan, Requirement, Task, overlap
from wainwright.domain.state import GateState, RunState, TaskState

TASK_LADDER: tuple[Rung, ...] = ("first", "fresh", "stronger")
"""Attempts at one task; repairs in context happen inside an attempt. Then the plan is made anew, once."""
ROUND_LADDER: tuple[Rung, ...] = ("repair", "repair", "repair", "fresh", "stronger")
"""Rounds back to BUILD after a red test, a review or an incident. Then the plan is made anew, once."""
REPLANS_MAX = 1
ASKS: dict[Autonomy, frozenset[GateKind]] = {
    "suggest": frozenset({"plan", "apply", "deploy"}),
    "auto-edit": frozenset({"plan", "deploy"}),
    "full-auto": frozenset(),
}
"""Gates that a person decides when one is there; the policy passes the others. A question is always theirs."""

S = Stage
ACTIVE = frozenset(WAY) - ENDS
LEGAL: dict[str, frozenset[Stage]] = {
    "run-started": frozenset(),
    "snapshot-taken": frozenset({S.NEW}),
    "hold-moved": ACTIVE,
    "stage-skipped": frozenset(WAY[1:-1]),
    "base-tested": frozenset({S.PLANNING, S.BUILD}),
    "plan-proposed": frozenset({S.PLANNING}),
    "gate-opened": ACTIVE,
    "gate-decided": ACTIVE,
    "design-proposed": frozenset({S.DESIGN}),
    "acceptance-written": frozenset({S.BUILD}),
    "task-started": frozenset({S.BUILD}),
    "task-failed": frozenset({S.BUILD}),
    "task-landed": frozenset({S.BUILD}),
    "tested": frozenset({S.TEST}),
    "failure-triaged": frozenset({S.TEST}),
    "reviewed": frozenset({S.REVIEW}),
    "delivered": frozenset({S.REVIEW}),
    "deployment-planned": frozenset({S.DEPLOY}),
    "deployed": frozenset({S.DEPLOY}),
    "deploy-failed": frozenset({S.DEPLOY}),
    "monitored": frozenset({S.MONITOR}),
    "run-failed": ACTIVE,
    "run-cancelled": ACTIVE | {S.FAILED},
    "run-resumed": ACTIVE | {S.FAILED, S.CANCELLED},
}
"""In which stages an event may happen. ``run-started`` happens once, before there is a state."""


class IllegalTransition(InputError):
    """An event that may not happen in this stage."""


def legal(stage: Stage | None, event: Event) -> bool:
    """Whether an event may happen in a stage; None stands for a run that has not begun."""
    if stage is None:
        return isinstance(event, ev.RunStarted)
    return stage in LEGAL[event.kind]


def fold(state: RunState | None, event: Event) -> RunState:
    """The state after an event. Raises IllegalTransition for an event outside ``LEGAL``."""
    if not legal(state.stage if state else None, event):
        where = state.stage if state else "a run that has not begun"
        raise IllegalTransition(f"{event.kind} cannot happen in {where}.")
    if state is None:
        assert isinstance(event, ev.RunStarted)
        return RunState(**event.model_dump(exclude={"kind", "goal"}), goal=event.goal)
    return _apply(state, event)


def replay(events: list[Event]) -> RunState | None:
    """The state that a list of events leads to; None for an empty list."""
    state = None
    for event in events:
        state = fold(state, event)
    return state


def _with(state: RunState, **changes: object) -> RunState:
    return state.model_copy(update=changes)


def _apply(state: RunState, event: Event) -> RunState:  # noqa: C901, PLR0911, PLR0912 - one arm an event
    match event:
        case ev.RunStarted():
            raise IllegalTransition("A run begins once.")
        case ev.SnapshotTaken():
            return _with(
                state,
                stage=S.PLANNING,
                base=event.commit,
                base_tree=event.tree,
                person_head=event.head,
                head=event.commit,
                head_tree=event.tree,
                skipped_files=event.skipped,
                test_command=event.test_command,
            )
        case ev.HoldMoved():
            return _with(state, until=event.until)
        case ev.StageSkipped():
            return _skip(state, event)
        case ev.BaseTested():
            return _with(state, base_tested=event, base_tests=state.base_tests + 1)
        case ev.PlanProposed():
            return _take_plan(state, event.plan)
        case ev.GateOpened():
            return _with(state, gates={**state.gates, event.gate.id: GateState(gate=event.gate)})
        case ev.GateDecided():
            return _decide_gate(state, event)
        case ev.DesignProposed():
            return _with(state, design=event, stage=S.BUILD, plan_reason="")
        case ev.AcceptanceWritten():
            changed = _with(
                state, acceptance=event, head=event.commit, head_tree=event.tree, acceptance_digest=""
            )
            return _leave_build(changed)
        case ev.TaskStarted():
            return _task(state, event, status="running")
        case ev.TaskFailed():
            return _climb(state, event)
        case ev.TaskLanded():
            kept = {"commit": event.commit, "summary": event.summary, "remarks": event.remarks}
            landed = _task(state, event, status="landed", **kept)
            return _leave_build(_with(landed, head=event.commit, head_tree=event.tree))
        case ev.Tested():
            tested = _with(state, tested=event, test_runs=state.test_runs + 1, triaged=None)
            return _with(tested, stage=S.REVIEW) if event.verdict.passed else tested
        case ev.FailureTriaged():
            return _triage(state, event)
        case ev.Reviewed():
            return _review(state, event)
        case ev.Delivered():
            return _with(state, delivered=event, stage=S.DEPLOY)
        case ev.DeploymentPlanned():
            return _plan_deployment(state, event)
        case ev.Deployed():
            return _with(state, deployment=event.deployment, stage=S.MONITOR)
        case ev.DeployFailed():
            return _incident(state, f"The deployment failed: {event.reason}")
        case ev.Monitored():
            watched = _with(state, monitored=event)
            if event.breach:
                return _incident(watched, f"Monitoring found a breach: {event.report}")
            return _with(watched, stage=S.DONE)
        case ev.RunFailed():
            return _with(state, stage=S.FAILED, failure=event, stopped_at=state.stage)
        case ev.RunCancelled():
            return _with(state, stage=S.CANCELLED, stopped_at=state.stopped_at or state.stage)
        case ev.RunResumed():
            return _resume(state, event)
    assert_never(event)


# ---- what each event means where that takes more than a line


def _skip(state: RunState, event: ev.StageSkipped) -> RunState:
    if event.stage != state.stage:
        raise IllegalTransition(f"{event.stage} cannot be skipped in {state.stage}.")
    skipped = _with(
        state, stage=WAY[WAY.index(event.stage) + 1], skips={**state.skips, event.stage: event.reason}
    )
    if event.stage is S.PLANNING and S.BUILD in state.route:
        return _adopt(skipped, _goal_as_plan(state))
    if event.stage is S.REVIEW and S.BUILD in state.route:
        # Nobody reviews, but what was built is still handed over from here.
        return _with(
            skipped,
            stage=S.REVIEW,
            reviewed=ev.Reviewed(tree=state.head_tree or "", summary=event.reason),
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
        title=state.goal.text.splitlines()[0][:120],
        instruction=state.goal.text + where + said,
        write_set=(EVERYTHING,),
        acceptance=("R1",),
    )
    return Plan(requirements=(Requirement(id="R1", text=state.goal.text),), tasks=(task,))


def _take_plan(state: RunState, plan: Plan) -> RunState:
    base = state.base_tested
    useful = base is not None and base.receipt is not None and not base.receipt.environment
    if plan.test_command and plan.test_command != state.test_command and not useful:
        state = _with(state, test_command=plan.test_command, base_tested=None)
    return _adopt(_with(state, plan_approved=False), plan)


def _adopt(state: RunState, plan: Plan) -> RunState:
    revision = state.revision + 1
    tasks = {**_landed(state), **{t.id: TaskState(task=t, revision=revision) for t in plan.tasks}}
    return _with(state, plan=plan, revision=revision, tasks=tasks, rounds=0)


def _landed(state: RunState) -> dict[str, TaskState]:
    """What stays when a plan is given up."""
    return {i: t for i, t in state.tasks.items() if t.status == "landed"}


def _decide_gate(state: RunState, event: ev.GateDecided) -> RunState:
    held = state.gates.get(event.gate)
    if held is None or held.decided is not None:
        raise IllegalTransition(f"Gate {event.gate} is not open.")
    gate = held.gate
    state = _with(state, gates={**state.gates, gate.id: held.model_copy(update={"decided": event})})
    rejected = event.decision == "reject"
    match gate.kind:
        case "plan":
            if rejected:
                reason = f"The person rejected the plan: {event.reason}"
                return _with(
                    state, plan=None, former_plan=state.plan, tasks=_landed(state), plan_reason=reason
                )
            return _with(state, plan_approved=True, stage=S.DESIGN, plan_reason="")
        case "apply" if rejected:
            return _back_to_build(state, f"The person rejected the change: {event.reason}", "rework")
        case "deploy" if rejected:
            reason = f"not deployed: {event.reason or 'the person said no'}"
            return _with(state, stage=S.MONITOR, skips={**state.skips, S.DEPLOY: reason})
        case "question" | "unverified" if rejected:
            failure = ev.RunFailed(reason=f"{gate.question} The answer was no. {event.reason}".strip())
            return _with(state, stage=S.FAILED, failure=failure, stopped_at=state.stage)
        case "question":
            return _answer(state, gate, event)
        case "apply" | "deploy" | "unverified":
            return state
    assert_never(gate.kind)


def _answer(state: RunState, gate: Gate, event: ev.GateDecided) -> RunState:
    said = f"{gate.question}\n{gate.detail}\nThe person answered: {event.reason or 'go on'}"
    if gate.returns_to is S.PLANNING:
        return _replan(state, said)
    return _freshen(state, said)


def _freshen(state: RunState, digest: str) -> RunState:
    """Give everything that had come to its end one more try: a new ladder, a new look at the surroundings."""
    tasks = {
        i: t.model_copy(
            update={
                "status": "waiting",
                "attempt": t.attempt + 1,
                # What the surroundings lacked is not charged to the task: it stays on its rung.
                "rung": t.rung if t.status == "blocked" else "fresh",
                "digest": digest or t.digest,
            }
        )
        if t.status in ("stuck", "blocked")
        else t
        for i, t in state.tasks.items()
    }
    changes: dict[str, object] = {"tasks": tasks, "rounds": 0, "replans": 0, "triaged": None}
    if _gaps(state):
        changes["reviewed"] = None
    if state.tested is not None and not state.tested.verdict.passed:
        changes["tested"] = None
    base = state.base_tested
    if base is not None and (base.receipt is None or base.receipt.environment):
        changes["base_tested"] = None
    return _with(state, **changes)


def _resume(state: RunState, event: ev.RunResumed) -> RunState:
    surroundings: dict[str, object] = {}
    if event.attended is not None:
        surroundings["attended"] = event.attended
    if event.tier is not None:
        surroundings |= {"tier": event.tier, "tier_reason": event.tier_reason}
    if event.test_command is not None and event.test_command != state.test_command:
        surroundings |= {"test_command": event.test_command, "base_tested": None}
    if state.stage not in ENDS:
        return _with(state, **surroundings)
    back = _with(
        state,
        **surroundings,
        stage=state.stopped_at or S.NEW,
        stopped_at=None,
        failure=None,
        resumes=state.resumes + 1,
        gates=_without_questions(state),
    )
    return _freshen(back, "")


def _without_questions(state: RunState) -> dict[str, GateState]:
    """The gates, with open questions closed: what they asked about has been overtaken by what is done now."""
    return {
        i: g.model_copy(
            update={"decided": ev.GateDecided(gate=i, decision="answer", reason="overtaken", by="machine")}
        )
        if g.decided is None and g.gate.kind == "question"
        else g
        for i, g in state.gates.items()
    }


def _at_work(state: RunState, event: ev.TaskStarted | ev.TaskFailed | ev.TaskLanded) -> TaskState:
    """The task that the news is about; news of an attempt that is not the present one is refused."""
    one = state.tasks.get(event.task)
    if one is None or one.status not in ("waiting", "running") or one.attempt != event.attempt:
        raise IllegalTransition(f"Attempt {event.attempt} at task {event.task} is not at work.")
    if isinstance(event, ev.TaskStarted) and one.revision != event.revision:
        raise IllegalTransition(f"Task {event.task} of plan {event.revision} is not at work.")
    return one


def _task(
    state: RunState, event: ev.TaskStarted | ev.TaskFailed | ev.TaskLanded, **changes: object
) -> RunState:
    one = _at_work(state, event)
    return _with(state, tasks={**state.tasks, event.task: one.model_copy(update=changes)})


def _climb(state: RunState, event: ev.TaskFailed) -> RunState:
    """The next rung for a task that failed: another way of trying, or the end of the ladder."""
    one = _at_work(state, event)
    if event.cause == "environment":
        return _task(state, event, status="blocked", digest=event.digest)
    attempt = one.attempt + 1
    if event.cause == "conflict" and attempt < len(TASK_LADDER):
        return _task(state, event, status="waiting", attempt=attempt, digest=event.digest)
    step = TASK_LADDER.index(one.rung) + 1 if one.rung in TASK_LADDER else 1
    if event.cause == "impossible" or step >= len(TASK_LADDER):
        if state.replans < REPLANS_MAX and S.PLANNING in state.route:
            return _replan(state, f"Task {event.task} could not be done. {event.digest}")
        return _task(state, event, status="stuck", digest=event.digest)
    rung = TASK_LADDER[step]
    return _task(state, event, status="waiting", attempt=attempt, rung=rung, digest=event.digest)


def _replan(state: RunState, digest: str) -> RunState:
    done = "; ".join(f"{t.task.id}: {t.task.title}" for t in state.tasks.values() if t.status == "landed")
    landed = f"\nAlready done and kept: {done}." if done else ""
    return _with(
        state,
        stage=S.PLANNING,
        plan=None,
        plan_approved=False,
        plan_reason=digest + landed,
        former_plan=state.plan or state.former_plan,
        tasks=_landed(state),
        design=None,
        former_design=state.design or state.former_design,
        acceptance=None,
        acceptance_round=state.acceptance_round + 1,
        acceptance_digest=digest,
        replans=state.replans + 1,
        gates=_without_questions(state),
        **_AFTER_BUILD,
    )


_AFTER_DELIVERY: dict[str, object] = {"deployment_plan": None, "deployment": None, "monitored": None}
"""What no longer holds once a deployment has to be made anew."""
_AFTER_BUILD: dict[str, object] = {
    "tested": None,
    "triaged": None,
    "reviewed": None,
    "delivered": None,
    **_AFTER_DELIVERY,
}
"""What no longer holds once the code changes again."""


def _leave_build(state: RunState) -> RunState:
    waits_for_tests = state.acceptance is None and state.test_command is not None and state.tier != "none"
    if state.unfinished or waits_for_tests:
        return state
    return _with(state, stage=S.TEST, tested=None, triaged=None)


def _back_to_build(state: RunState, digest: str, name: str, *, extra_rung: int = 0) -> RunState:
    """Add a task that answers a red test, a review or an incident, one rung up; else plan anew, or stop."""
    step = state.rounds + extra_rung
    if step >= len(ROUND_LADDER) and state.replans < REPLANS_MAX and S.PLANNING in state.route:
        return _replan(state, digest)
    number = state.repairs + 1
    while f"{name}-{number}" in state.tasks:  # the planner may have used the name
        number += 1
    requirements = tuple(r.id for r in state.plan.requirements) if state.plan else ("R1",)
    task = Task(
        id=f"{name}-{number}",
        title=_short(f"{name.capitalize()}: {digest}"),
        instruction=digest,
        write_set=(EVERYTHING,),
        acceptance=requirements,
    )
    stuck = step >= len(ROUND_LADDER)
    one = TaskState(
        task=task,
        revision=state.revision,
        digest=digest,
        rung="repair" if stuck else ROUND_LADDER[step],
        status="stuck" if stuck else "waiting",
    )
    return _with(
        state,
        stage=S.BUILD,
        tasks={**state.tasks, task.id: one},
        repairs=number,
        rounds=step + 1,
        **_AFTER_BUILD,
    )


def _triage(state: RunState, event: ev.FailureTriaged) -> RunState:
    tested = state.tested
    if tested is None or tested.verdict.passed:
        raise IllegalTransition("There is no red receipt to judge.")
    if event.cause == "environment":
        return _with(state, triaged=event)
    if S.BUILD not in state.route:
        return _with(
            state,
            stage=S.FAILED,
            failure=ev.RunFailed(reason=f"The tests are red. {event.digest}"),
            stopped_at=S.TEST,
        )
    rewritable = event.consent and state.acceptance is not None and state.rounds < len(ROUND_LADDER)
    if event.cause == "test" and rewritable:
        rewritten = _with(
            state, stage=S.BUILD, acceptance=None, acceptance_digest=event.digest, **_AFTER_BUILD
        )
        return _with(rewritten, acceptance_round=state.acceptance_round + 1, rounds=state.rounds + 1)
    failing = tuple(sorted({*tested.verdict.turned_red, *tested.verdict.acceptance_red}))
    pair = (tested.tree, failing)
    back = _back_to_build(state, event.digest, "repair", extra_rung=1 if pair in state.seen else 0)
    return _with(back, seen=state.seen | {pair})


def _review(state: RunState, event: ev.Reviewed) -> RunState:
    state = _with(state, reviewed=event, reviews=state.reviews + 1)
    binding = [f for f in event.findings if f.binding]
    if not binding or S.BUILD not in state.route:
        # A route without BUILD asked for a review only: the findings are its result.
        return state if S.BUILD in state.route else _with(state, stage=S.DEPLOY)
    digest = "\n".join(
        f"- {f.where}: {f.trigger} -> {f.consequence} ({f.severity}, {f.route})" for f in binding
    )
    routes = {f.route for f in binding}
    if "intent_gap" in routes:
        return state
    back = _back_to_build(state, f"The review found:\n{digest}", "review")
    if "bad_spec" in routes and back.stage is S.BUILD and S.DESIGN in state.route:
        return _with(
            back,
            stage=S.DESIGN,
            design=None,
            former_design=state.design,
            plan_reason=f"The review found the design wrong:\n{digest}",
        )
    return back


def _plan_deployment(state: RunState, event: ev.DeploymentPlanned) -> RunState:
    state = _with(state, deployment_plan=event, deployment_plans=state.deployment_plans + 1)
    if event.smoke is not None and not event.smoke.green:
        return _incident(state, f"The smoke test `{event.smoke.command}` failed:\n{event.smoke.output}")
    return state


def _incident(state: RunState, digest: str) -> RunState:
    if S.BUILD not in state.route:
        failure = ev.RunFailed(reason=digest)
        return _with(state, stage=S.FAILED, failure=failure, stopped_at=S.DEPLOY, **_AFTER_DELIVERY)
    return _back_to_build(state, digest, "incident")


# ---- what the machine wants done next


def decide(state: RunState) -> tuple[Effect, ...]:
    """What should be going on now; the same state always wants the same effects. Empty at rest."""
    if state.stage in ENDS or held(state):
        return ()
    left_out = state.stage is not S.NEW and state.stage not in state.route
    if left_out and not (state.stage is S.REVIEW and state.reviewed is not None):
        return (SkipStage(stage=state.stage, reason="the route leaves it out"),)
    return _DECIDE[state.stage](state)


def held(state: RunState) -> bool:
    """Whether the run waits after the stage the person let it go to."""
    if state.until is None or state.until in ENDS or state.stage in ENDS:
        return False
    return WAY.index(state.stage) > WAY.index(state.until)


def _new(_state: RunState) -> tuple[Effect, ...]:
    return (TakeSnapshot(),)


def _planning(state: RunState) -> tuple[Effect, ...]:
    if (
        state.base_tested is None
        and _fenced(state)
        and state.test_command is not None
        and state.revision == 0
    ):
        return (TestBase(command=state.test_command, number=state.base_tests),)
    if state.plan is None:
        return (MakePlan(revision=state.revision + 1, digest=state.plan_reason),)
    return _gate(
        state, "plan", f"Is the plan for “{_short(state.goal.text)}” right?", f"revision {state.revision}"
    )


def _design(state: RunState) -> tuple[Effect, ...]:
    return (MakeDesign(revision=state.revision, number=state.reviews, digest=state.plan_reason),)


def _build(state: RunState) -> tuple[Effect, ...]:
    if _fenced(state) and state.test_command is not None:
        base = state.base_tested
        if base is None:
            return (TestBase(command=state.test_command, number=state.base_tests),)
        if base.receipt is not None and base.receipt.environment:
            return _ask(state, "The tests cannot run here.", base.receipt.environment, S.BUILD)
        if state.acceptance is None:
            return (WriteAcceptance(round=state.acceptance_round, digest=state.acceptance_digest),)
    question = _about_stopped_task(state)
    if question and not state.attended:
        return question
    # The other tasks go on while a person thinks.
    return (
        *question,
        *(
            RunTask(task=t.task.id, revision=t.revision, attempt=t.attempt, rung=t.rung)
            for t in _together(state)
        ),
    )


def _about_stopped_task(state: RunState) -> tuple[Effect, ...]:
    for one in state.tasks.values():
        if one.status == "blocked":
            return _ask(
                state,
                f"Task {one.task.id} lacks something that this machine does not have.",
                one.digest,
                S.BUILD,
            )
        if one.status == "stuck":
            return _ask(state, f"Task {one.task.id} cannot be finished.", one.digest, S.PLANNING)
    return ()


def _fenced(state: RunState) -> bool:
    return state.tier != "none"


def _together(state: RunState) -> list[TaskState]:
    """Running tasks, and every waiting one that is ready and shares no file with those before it."""
    landed = {i for i, t in state.tasks.items() if t.status == "landed"}
    chosen = [t for t in state.tasks.values() if t.status == "running"]
    for one in state.tasks.values():
        ready = one.status == "waiting" and set(one.task.needs) <= landed
        if ready and not any(overlap(one.task.write_set, c.task.write_set) for c in chosen):
            chosen.append(one)
    return chosen


def _test(state: RunState) -> tuple[Effect, ...]:
    if state.tested is None:
        if state.test_command is None or not _fenced(state):
            return _unverified(state)
        return (RunTests(number=state.test_runs),)
    if state.triaged is not None and state.triaged.cause == "environment":
        return _ask(state, "The tests cannot run here.", state.triaged.digest, S.TEST)
    return (TriageFailure(number=state.test_runs),)


def _unverified(state: RunState) -> tuple[Effect, ...]:
    why = "no test command is known for this workspace" if _fenced(state) else state.tier_reason
    hint = "Set `test.command` in wainwright.toml, or install bubblewrap; `wainwright doctor` tells which."
    if not state.attended:
        return (Fail(reason=f"TEST needs a receipt and none is possible: {why}.", hint=hint),)
    detail = f"{why}. Tree {state.head_tree} would be recorded as unverified."
    if _agreed(state, "unverified", detail):
        return (RunTests(number=state.test_runs, unverified=True),)
    return _gate(state, "unverified", "Pass TEST without a receipt?", detail)


def _review_stage(state: RunState) -> tuple[Effect, ...]:
    if state.reviewed is None:
        return (ReviewChange(number=state.reviews),)
    gaps = _gaps(state)
    if gaps:
        detail = "\n".join(f"{f.where}: {f.trigger} -> {f.consequence}" for f in gaps)
        return _ask(state, "The review found that the goal leaves something open.", detail, S.PLANNING)
    detail = f"tree {state.head_tree}"
    if _agreed(state, "apply", detail):
        return (HandOver(number=state.reviews),)
    return _gate(state, "apply", "Take the change over?", detail)


def _gaps(state: RunState) -> list[Finding]:
    """Findings that only the person can settle, because the goal itself leaves something open."""
    findings = state.reviewed.findings if state.reviewed else ()
    return [f for f in findings if f.binding and f.route == "intent_gap"]


def _deploy(state: RunState) -> tuple[Effect, ...]:
    plan = state.deployment_plan
    if plan is None:
        return (PlanDeployment(number=state.deployment_plans),)
    if plan.target == "branch":
        return (DeployService(number=state.deployment_plans),)
    detail = f"{' '.join(plan.command)} (attempt {state.deployment_plans})"
    if _agreed(state, "deploy", detail):
        return (DeployService(number=state.deployment_plans),)
    return _gate(state, "deploy", "Start the service on this machine's loopback address?", detail)


def _monitor(state: RunState) -> tuple[Effect, ...]:
    if state.deployment is None or state.deployment.target != "process":
        return (SkipStage(stage=S.MONITOR, reason="nothing serves"),)
    return (Watch(deployment=state.deployment.id),)


def _gate(state: RunState, kind: GateKind, question: str, detail: str) -> tuple[Effect, ...]:
    """Open a gate; the engine lets the policy decide it at once unless ``ASKS`` names it."""
    if any(g.kind == kind for g in state.open_gates):
        return ()
    number = 1 + sum(1 for g in state.gates.values() if g.gate.kind == kind)
    return (OpenGate(gate=Gate(id=f"{kind}-{number}", kind=kind, question=question, detail=detail)),)


def _agreed(state: RunState, kind: GateKind, detail: str) -> bool:
    """Whether the newest gate of a kind was passed, and passed for exactly this."""
    gate = state.latest_gate(kind)
    if gate is None or gate.decided is None or gate.gate.detail != detail:
        return False
    return gate.decided.decision != "reject"


def _ask(state: RunState, question: str, detail: str, returns_to: Stage) -> tuple[Effect, ...]:
    if not state.attended:
        return (
            Fail(reason=f"{question} {detail}", hint=f"Mend that, then `wainwright resume {state.run}`."),
        )
    if state.open_gates:
        return ()
    number = 1 + sum(1 for g in state.gates.values() if g.gate.kind == "question")
    gate = Gate(
        id=f"question-{number}", kind="question", question=question, detail=detail, returns_to=returns_to
    )
    return (OpenGate(gate=gate),)


def asks(state: RunState, kind: GateKind) -> bool:
    """Whether a person has to decide a gate of this kind in this run."""
    return state.attended and (kind in ("question", "unverified") or kind in ASKS[state.autonomy])


def _short(text: str) -> str:
    """The first line of a text, as a title: at most 80 characters, cut between words."""
    line = text.strip().splitlines()[0]
    return line if len(line) <= 80 else line[:78].rsplit(" ", 1)[0] + " …"


_DECIDE: dict[Stage, Callable[[RunState], tuple[Effect, ...]]] = {
    S.NEW: _new,
    S.PLANNING: _planning,
    S.DESIGN: _design,
    S.BUILD: _build,
    S.TEST: _test,
    S.REVIEW: _review_stage,
    S.DEPLOY: _deploy,
    S.MONITOR: _monitor,
}
