"""What the machine wants done next: ``decide(state) -> effects``.

Pure, like ``fold``: the same state always wants the same effects. The engine starts those that are not under way and
stops those that are no longer wanted.
"""

import shlex
from collections.abc import Callable

from wainwright.domain import change_diff
from wainwright.domain.cautions import cautions, without_stop
from wainwright.domain.control_files import CONTROL
from wainwright.domain.effects import (
    DeployService,
    Effect,
    Fail,
    GiveUpPlan,
    HandOver,
    KeepWork,
    MakeDesign,
    MakePlan,
    OpenGate,
    PlanDeployment,
    RaiseCaps,
    Resize,
    ReviewChange,
    RunTask,
    RunTests,
    ShowChange,
    SkipStage,
    TakeSnapshot,
    TestBase,
    TriageFailure,
    TryMutants,
    Watch,
    WriteAcceptance,
)
from wainwright.domain.events import Gate, GateKind
from wainwright.domain.gates import NOBODY_AGREED, WITHOUT_TESTS, asks, fails_unattended, left_out_unattended
from wainwright.domain.goal import ENDS, WAY, Stage
from wainwright.domain.plan import overlap
from wainwright.domain.plan_edits import detail
from wainwright.domain.shown import in_line
from wainwright.domain.sizes import designs, reviews_whole, told, writes_own_tests
from wainwright.domain.skipping import asks_about, waits_for
from wainwright.domain.state import RunState, TaskState
from wainwright.domain.text import headline

S = Stage
CANNOT_RUN = "The tests cannot run here."
_OR_WITHOUT = (
    f"Approve once that is mended, and they are run again; or answer “{WITHOUT_TESTS}”, and none are."
)


def decide(state: RunState) -> tuple[Effect, ...]:
    """What should be going on now; the same state always wants the same effects. Empty at rest."""
    if state.stage in ENDS:
        unfinished = state.stage is not S.DONE and state.kept is None
        return (KeepWork(number=state.resumes),) if unfinished else ()
    if held(state):
        return ()
    if state.raising is not None:
        return (RaiseCaps(gate=state.raising.gate, answer=state.raising.reason),)
    if state.capped is not None:
        return _at_the_cap(state)
    left_out = state.stage is not S.NEW and state.stage not in state.route
    if left_out and not (state.stage is S.REVIEW and state.reviewed is not None):
        return (SkipStage(stage=state.stage, reason="the route leaves it out"),)
    return _DECIDE[state.stage](state)


def goes_on(state: RunState, effect: Effect) -> bool:
    """Whether an effect that has begun is let finish, and its outcome counts.

    It is when it is wanted, and also when nothing but a pause keeps it from that: a hold, a cap that was met, or
    something that is asked or tested first. A pause lets nothing begin, and breaks nothing off. What was planned
    anew, failed or was cancelled is over; a plan is made anew when what is under way has ended.
    """
    free = state.changed(until=None)
    unmet = free.changed(capped=None, raising=None)
    if effect in decide(free) or effect in decide(unmet):
        return True
    if isinstance(effect, WriteAcceptance) and effect in decide(unmet.changed(giving_up="")):
        return True
    running = [t for t in state.tasks.values() if t.status == "running"] if state.stage is S.BUILD else []
    return any(effect == _attempt(one) for one in running)


def held(state: RunState) -> bool:
    """Whether the run waits after the stage the person let it go to."""
    if state.until is None or state.until in ENDS or state.stage in ENDS:
        return False
    return WAY.index(state.stage) > WAY.index(state.until)


def _at_the_cap(state: RunState) -> tuple[Effect, ...]:
    """Nothing begins: a person raises the caps or stops the run, or it ends resumable."""
    met = state.capped
    assert met is not None
    if fails_unattended(state, "budget"):
        return (Fail(reason=met.reason, hint=met.hint),)
    ways = "Give it as much again as its caps are, or answer with new caps, such as “$5” or “800000 tokens”"
    detail = f"{met.reason}\n{ways}; or stop, and resume it with a cheaper model."
    return _gate(state, "budget", "The run has met its cap. May it cost more?", detail)


def _new(_state: RunState) -> tuple[Effect, ...]:
    return (TakeSnapshot(),)


def _planning(state: RunState) -> tuple[Effect, ...]:
    unsettled = _surroundings(state)
    if unsettled is not None:
        return unsettled
    if state.plan is None:
        return (MakePlan(revision=state.revision + 1, digest=state.plan_reason),)
    question = f"Is the plan for “{headline(state.goal.text)}” right?"
    return _gate(state, "plan", question, detail(state))


def _surroundings(state: RunState) -> tuple[Effect, ...] | None:
    """What is to be settled before a model is paid: whether the tests that there are can run here. None: it is."""
    if not state.suites or state.untested:
        return None
    if not state.fenced:
        return _without_fence(state)
    base = state.base_tested
    if base is None:
        return (TestBase(suites=state.suites, number=state.base_tests),)
    if base.receipt is None or not base.receipt.environment:
        return None
    return _ask(state, CANNOT_RUN, base.receipt.environment, S.BUILD, f" {_OR_WITHOUT}")


def _without_fence(state: RunState) -> tuple[Effect, ...]:
    if fails_unattended(state, "unverified"):
        reason = f"{CANNOT_RUN} No command is run without a sandbox: {without_stop(state.tier_reason)}."
        return (Fail(reason=reason, hint=_how_to_test(state)),)
    detail = f"no command is run without a sandbox: {without_stop(state.tier_reason)}"
    return _gate(state, "unverified", "No test can be run here. Go on without tests?", detail)


def _design(state: RunState) -> tuple[Effect, ...]:
    if not designs(state):
        return (SkipStage(stage=S.DESIGN, reason=_because(state)),)
    design = MakeDesign(revision=state.revision, number=state.reviews, digest=state.plan_reason)
    return (design, *_acceptance_beside(state))


def _acceptance_beside(state: RunState) -> tuple[Effect, ...]:
    """Tests that the requirements alone say all of are written while the design is made."""
    goes_on_to_build = S.BUILD in state.route and state.until is not S.DESIGN
    alone = state.plan is not None and state.plan.tests_need_design is False
    if not alone or not goes_on_to_build or _surroundings(state) is not None or not _wants_acceptance(state):
        return ()
    return (WriteAcceptance(round=state.acceptance_round, digest=state.acceptance_digest),)


def _wants_acceptance(state: RunState) -> bool:
    return state.testable and state.acceptance is None and not writes_own_tests(state)


def _because(state: RunState) -> str:
    """Why a stage is left out: the size of the goal, and why it has it."""
    return f"{told(state)[:1].lower()}{without_stop(told(state))[1:]}"


def _build(state: RunState) -> tuple[Effect, ...]:
    unsettled = _surroundings(state)
    if unsettled is not None:
        return unsettled
    if state.giving_up:
        under_way = (t for t in state.tasks.values() if t.status == "running" and not t.paused)
        return tuple(map(_attempt, under_way)) or (
            GiveUpPlan(revision=state.revision, reason=state.giving_up),
        )
    outgrown = next((one for one in state.unfinished if one.status == "outgrown"), None)
    if outgrown is not None:
        return (Resize(size="medium", reason=outgrown.digest),)
    if _wants_acceptance(state):
        return (WriteAcceptance(round=state.acceptance_round, digest=state.acceptance_digest),)
    question = _about_stopped_task(state)
    attempts = tuple(_attempt(one) for one in _together(state))
    if not attempts and paused(state) and (not state.attended or not question):
        return ()
    # What does not hang on it goes on while a person thinks, and before the run ends for it.
    if attempts and fails_unattended(state, "question"):
        return attempts
    if attempts or question or state.open_gates:
        return (*question, *attempts)
    return _halted(state)


def paused(state: RunState) -> bool:
    """Whether a person has a task wait that could go on."""
    return state.stage is S.BUILD and any(
        t.paused and t.status in ("waiting", "running") for t in state.tasks.values()
    )


def _halted(state: RunState) -> tuple[Effect, ...]:
    """What ends a run in which nothing goes on but by another try at what was halted."""
    halted = [one.halted for one in state.tasks.values() if one.halted is not None]
    told = [f"Task {one.task} was halted. {one.digest}" for one in halted]
    hints = dict.fromkeys(one.hint for one in halted if one.hint)
    return (Fail(reason="\n".join(dict.fromkeys(told)), hint=" ".join(hints)),) if halted else ()


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
        if one.status == "waiting" and waits_for(state, one):
            return _about_skipped(state, one)
    return ()


def _about_skipped(state: RunState, one: TaskState) -> tuple[Effect, ...]:
    name, question = one.task.id, asks_about(state, one)
    ways = f"`wainwright task go-on {name}` has it built without, `wainwright task skip {name}` leaves it out too"
    if fails_unattended(state, "question"):
        reason = question.removesuffix(" Build it without?")
        return (Fail(reason=reason, hint=f"{ways}; then `wainwright resume {state.run}`."),)
    return _ask(state, question, f"An answer has it built without; {ways}.", S.BUILD)


def _together(state: RunState) -> list[TaskState]:
    """Running tasks, and every waiting one that is ready and shares no file with those before it."""
    landed = {i for i, t in state.tasks.items() if t.status == "landed"}
    chosen = [t for t in state.tasks.values() if t.status == "running"]
    at_rest = {t.task.id for t in state.tasks.values() if t.paused}
    for one in state.tasks.values():
        ready = one.status == "waiting" and set(one.task.needs) - set(one.without) <= landed
        if ready and not any(overlap(one.task.write_set, c.task.write_set) for c in chosen):
            chosen.append(one)
    # One that is paused keeps its files: what it has begun goes on from there.
    return [one for one in chosen if one.task.id not in at_rest]


def _test(state: RunState) -> tuple[Effect, ...]:
    if state.tested is None:
        return (RunTests(number=state.test_runs),) if state.testable else _unverified(state)
    if state.triaged is not None and state.triaged.cause == "environment":
        return _ask(state, CANNOT_RUN, state.triaged.digest, S.TEST)
    return (TriageFailure(number=state.test_runs),)


def _how_to_test(state: RunState) -> str:
    """What to do where no test can be run, with the command that goes on."""
    if not state.fenced:
        return f"Install bubblewrap (`wainwright doctor` tells more), then `wainwright resume {state.run}`."
    return f"{_named(state)}, or set `test.command` in wainwright.toml and resume."


def _named(state: RunState) -> str:
    return f'Say how all tests are run: `wainwright resume {state.run} --test-command "…"`'


def _unverified(state: RunState) -> tuple[Effect, ...]:
    why = without_stop(state.untested) if state.suites else "it is not known how this workspace is tested"
    why = why if state.fenced else without_stop(state.tier_reason)
    if fails_unattended(state, "unverified"):
        return (Fail(reason=f"TEST needs a receipt and none is possible: {why}.", hint=_how_to_test(state)),)
    detail = f"{why}. Tree {state.head_tree} would be recorded as unverified."
    if _agreed(state, "unverified", detail):
        return (RunTests(number=state.test_runs, unverified=True),)
    return _gate(state, "unverified", "Pass TEST without a receipt?", detail)


def _review_stage(state: RunState) -> tuple[Effect, ...]:
    if state.reviewed is None and not reviews_whole(state):
        reason = f"{_because(state)}; each of its tasks was reviewed before it landed"
        return (SkipStage(stage=S.REVIEW, reason=reason),)
    if state.reviewed is None:
        return (ReviewChange(number=state.reviews),)
    if state.gaps:
        detail = "\n".join(
            ": ".join(map(in_line, (f.where, f"{f.trigger} -> {f.consequence}"))) for f in state.gaps
        )
        return _ask(state, "The review found that the goal leaves something open.", detail, S.PLANNING)
    if _beside_review(state):
        # What they show belongs to what is decided now; they have a time of their own.
        return ()
    detail = _with_cautions(
        state, "\n".join([f"tree {state.head_tree}", *_where_shown(state), *_beyond_lines(state)])
    )
    if _agreed(state, "apply", detail):
        return (HandOver(number=state.reviews),)
    if state.shown is None and state.head != state.base and asks(state, "apply"):
        return (ShowChange(number=state.reviews),)
    return _gate(state, "apply", "Take the change over?", detail)


def _where_shown(state: RunState) -> list[str]:
    """Where the person can look at what they are asked about."""
    shown = state.shown
    if shown is None:
        return []
    hunks, files = len(shown.hunks), len(shown.files)
    counted = f"{hunks} {'hunk' if hunks == 1 else 'hunks'} in {files} {'file' if files == 1 else 'files'}"
    return [f"{counted}: read {change_diff.NAME}, or {in_line(shown.branch or shown.patch or '')}"]


def _beyond_lines(state: RunState) -> list[str]:
    """What is said beside the lines of the change, all by name: whoever agrees has agreed to each."""
    control = f"It changes {CONTROL}: {', '.join(map(in_line, state.control))}"
    unshown = [f"The lines of the change do not show: {in_line(one)}" for one in state.unshown]
    return [*([control] if state.control else []), *unshown]


def _beside_review(state: RunState) -> tuple[Effect, ...]:
    """Mutants are tried while a model looks at the change; the change is not handed over before their time is up."""
    tested, written = state.tested, state.acceptance
    if state.mutant_seconds <= 0 or tested is None or tested.receipt is None or tested.unverified:
        return ()
    known = state.mutants is not None and state.mutants.tree == tested.tree
    shows = tested.verdict.passed and written is not None and written.tests
    return (TryMutants(number=state.test_runs),) if shows and not known else ()


def _deploy(state: RunState) -> tuple[Effect, ...]:
    plan = state.deployment_plan
    if plan is None:
        return (PlanDeployment(number=state.deployment_plans),)
    detail = f"{in_line(shlex.join(plan.command)) or plan.target} (attempt {state.deployment_plans})"
    if not plan.question or _agreed(state, "deploy", detail):
        return (DeployService(number=state.deployment_plans),)
    if left_out_unattended(state, "deploy"):
        return (SkipStage(stage=S.DEPLOY, reason=NOBODY_AGREED),)
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
    return gate.decided.decision != "reject" and gate.gate.id != state.refused_at


def _with_cautions(state: RunState, detail: str) -> str:
    return "\n".join([detail, *cautions(state)])


def _ask(
    state: RunState, question: str, detail: str, returns_to: Stage, choice: str = ""
) -> tuple[Effect, ...]:
    if fails_unattended(state, "question"):
        hint = f"Mend that, then `wainwright resume {state.run}`."
        if question == CANNOT_RUN:
            hint += f" {_named(state)}, where another command could."
        return (Fail(reason=f"{question} {detail}", hint=hint),)
    if state.open_gates:
        return ()
    number = 1 + sum(1 for g in state.gates.values() if g.gate.kind == "question")
    gate = Gate(
        id=f"question-{number}",
        kind="question",
        question=question,
        detail=detail + choice,
        returns_to=returns_to,
    )
    return (OpenGate(gate=gate),)


_DECIDE: dict[Stage, Callable[[RunState], tuple[Effect, ...]]] = {
    S.NEW: _new,
    S.PLANNING: _planning,
    S.DESIGN: _design,
    S.BUILD: _build,
    S.TEST: _test,
    S.REVIEW: lambda state: (*_review_stage(state), *_beside_review(state)),
    S.DEPLOY: _deploy,
    S.MONITOR: _monitor,
}
