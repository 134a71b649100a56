"""What the machine wants done next: ``decide(state) -> effects``.

Pure, like ``fold``: the same state always wants the same effects. The engine starts those that are not under way and
stops those that are no longer wanted.
"""

from collections.abc import Callable

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
from wainwright.domain.events import Gate, GateKind
from wainwright.domain.gates import fails_unattended
from wainwright.domain.goal import ENDS, WAY, Stage, title
from wainwright.domain.plan import overlap
from wainwright.domain.state import RunState, TaskState

S = Stage


def decide(state: RunState) -> tuple[Effect, ...]:
    """What should be going on now; the same state always wants the same effects. Empty at rest."""
    if state.stage in ENDS or held(state):
        return ()
    left_out = state.stage is not S.NEW and state.stage not in state.route
    if left_out and not (state.stage is S.REVIEW and state.reviewed is not None):
        return (SkipStage(stage=state.stage, reason="the route leaves it out"),)
    return _DECIDE[state.stage](state)


def goes_on(state: RunState, effect: Effect) -> bool:
    """Whether an effect that has begun is let finish, and its outcome counts.

    It is when it is wanted, and also when nothing but a pause keeps it from that: a hold, or something that is asked
    or tested first. A pause lets nothing begin, and breaks nothing off. What was planned anew, failed or was
    cancelled is over.
    """
    if effect in decide(state.changed(until=None)):
        return True
    running = [t for t in state.tasks.values() if t.status == "running"] if state.stage is S.BUILD else []
    return any(effect == _attempt(one) for one in running)


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
        state, "plan", f"Is the plan for “{title(state.goal.text)}” right?", f"revision {state.revision}"
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
    if question and fails_unattended(state, "question"):
        return question
    # The other tasks go on while a person thinks.
    return (
        *question,
        *(_attempt(one) for one in _together(state)),
    )


def _attempt(one: TaskState) -> RunTask:
    return RunTask(task=one.task.id, revision=one.revision, attempt=one.attempt, rung=one.rung)


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
    if fails_unattended(state, "unverified"):
        return (Fail(reason=f"TEST needs a receipt and none is possible: {why}.", hint=hint),)
    detail = f"{why}. Tree {state.head_tree} would be recorded as unverified."
    if _agreed(state, "unverified", detail):
        return (RunTests(number=state.test_runs, unverified=True),)
    return _gate(state, "unverified", "Pass TEST without a receipt?", detail)


def _review_stage(state: RunState) -> tuple[Effect, ...]:
    if state.reviewed is None:
        return (ReviewChange(number=state.reviews),)
    if state.gaps:
        detail = "\n".join(f"{f.where}: {f.trigger} -> {f.consequence}" for f in state.gaps)
        return _ask(state, "The review found that the goal leaves something open.", detail, S.PLANNING)
    detail = f"tree {state.head_tree}"
    if _agreed(state, "apply", detail):
        return (HandOver(number=state.reviews),)
    return _gate(state, "apply", "Take the change over?", detail)


def _deploy(state: RunState) -> tuple[Effect, ...]:
    plan = state.deployment_plan
    if plan is None:
        return (PlanDeployment(number=state.deployment_plans),)
    detail = f"{' '.join(plan.command) or plan.target} (attempt {state.deployment_plans})"
    if not plan.question or _agreed(state, "deploy", detail):
        return (DeployService(number=state.deployment_plans),)
    return _gate(state, "deploy", plan.question, detail)


def _monitor(state: RunState) -> tuple[Effect, ...]:
    if state.deployment is None or not state.deployment.serves:
        return (SkipStage(stage=S.MONITOR, reason="nothing serves"),)
    return (Watch(deployment=state.deployment.id),)


def _gate(state: RunState, kind: GateKind, question: str, detail: str) -> tuple[Effect, ...]:
    """Open a gate; the engine lets the policy decide it at once unless a person is asked."""
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
    if fails_unattended(state, "question"):
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
