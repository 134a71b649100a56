"""The ways back and their bounds: what a failure, a red test, a review or an incident leads to.

A task that fails climbs ``TASK_LADDER``; a red TEST, a review or an incident adds a task and climbs ``ROUND_LADDER``.
At the end of either a small goal is taken for a larger one; else the plan is made anew, ``REPLANS_MAX`` times; then
the person is asked.
"""

from wainwright.domain import events as ev
from wainwright.domain.deployment import DeploymentPlanned, Incident
from wainwright.domain.errors import IllegalTransition
from wainwright.domain.events import GateKind, Rung
from wainwright.domain.evidence import listed
from wainwright.domain.goal import Stage
from wainwright.domain.plan import EVERYTHING, Task
from wainwright.domain.shown import in_line
from wainwright.domain.skipping import asks_about, do_after_all, left_out, skip, skipped, unfit, waits_for
from wainwright.domain.state import GateState, RunState, TaskState, TaskStatus
from wainwright.domain.text import headline

TASK_LADDER: tuple[Rung, ...] = ("first", "fresh", "stronger")
"""Attempts at one task; repairs in context happen inside an attempt. Then the plan is made anew, once."""
ROUND_LADDER: tuple[Rung, ...] = ("repair", "repair", "repair", "fresh", "stronger")
"""Rounds back to BUILD after a red test, a review or an incident. Then the plan is made anew, once."""
REPLANS_MAX = 1
TESTS_ANEW_MAX = 2
"""How often acceptance tests are written anew because an implementer showed that they are wrong."""

S = Stage
_BEGUN: tuple[TaskStatus, ...] = ("running", "halted", "stuck")
_AFTER_DELIVERY: dict[str, object] = {"deployment_plan": None, "deployment": None, "monitored": None}
"""What no longer holds once a deployment has to be made anew."""
_AFTER_BUILD: dict[str, object] = {
    "tested": None,
    "triaged": None,
    "reviewed": None,
    "shown": None,
    "said": {},
    "delivered": None,
    **_AFTER_DELIVERY,
}
"""What no longer holds once the code changes again."""


def task_changed(
    state: RunState, event: ev.TaskStarted | ev.TaskFailed | ev.TaskLanded, **changes: object
) -> RunState:
    """Change the task that the news is about. Raises IllegalTransition for news of an attempt that is over."""
    one = _at_work(state, event)
    return state.changed(tasks={**state.tasks, event.task: one.model_copy(update=changes)})


def _at_work(state: RunState, event: ev.TaskStarted | ev.TaskFailed | ev.TaskLanded) -> TaskState:
    """The task that the news is about; news of an attempt that is not the present one is refused."""
    one = state.tasks.get(event.task)
    if one is None or one.status not in ("waiting", "running") or one.attempt != event.attempt:
        raise IllegalTransition(f"Attempt {event.attempt} at task {event.task} is not at work.")
    if isinstance(event, ev.TaskStarted) and one.revision != event.revision:
        raise IllegalTransition(f"Task {event.task} of plan {event.revision} is not at work.")
    return one


def climb(state: RunState, event: ev.TaskFailed) -> RunState:
    """The next rung for a task that failed: another way of trying, or the end of the ladder."""
    one = _at_work(state, event)
    if event.cause == "halted" or (event.cause == "silent" and one.silent):
        # Neither a rung nor an attempt: what is recorded of it is found again.
        return task_changed(state, event, status="halted", halted=event, kept=event.kept or one.kept)
    told = {"digest": event.digest, "cause": event.cause, "kept": event.kept or one.kept}
    state = task_changed(state, event, **told)
    if event.cause == "silent":
        return task_changed(state, event, **_again(one) | {"silent": True})
    if event.cause == "environment":
        return task_changed(state, event, status="blocked")
    attempt = one.attempt + 1
    if event.cause == "tests" and tests_may_be_wrong(state):
        return _tests_anew(task_changed(state, event, status="waiting", attempt=attempt), event.digest)
    if event.cause == "conflict" and attempt < len(TASK_LADDER):
        return task_changed(state, event, status="waiting", attempt=attempt)
    step = TASK_LADDER.index(one.rung) + 1 if one.rung in TASK_LADDER else 1
    if event.cause in ("impossible", "bigger") or step >= len(TASK_LADDER):
        grows = state.may_grow and event.cause != "impossible"
        ended = task_changed(state, event, status="outgrown" if grows else "stuck")
        if not grows and state.replans < REPLANS_MAX and S.PLANNING in state.route:
            return give_up(ended, f"Task {event.task} could not be done. {event.digest}")
        return ended
    rung = TASK_LADDER[step]
    return task_changed(state, event, status="waiting", attempt=attempt, rung=rung)


def steer(state: RunState, event: ev.TaskSteered) -> RunState:
    """Do with one task what a person wants. Raises IllegalTransition for one that is not to be done."""
    one = state.tasks.get(event.task)
    if state.stage is not S.BUILD and state.stopped_at is not S.BUILD:
        raise IllegalTransition(f"Run {state.run} does not build any more.")
    if one is None or one.status in ("landed", "outgrown"):
        names = ", ".join(task.task.id for task in state.unfinished) or "none"
        raise IllegalTransition(f"No task {event.task} is to be done.", f"Tasks to be done: {names}.")
    at_work = one.status in ("waiting", "running")
    if state.giving_up and event.way in ("again", "go-on") and not one.paused:
        raise IllegalTransition("The plan is being made anew, and no attempt of it begins.")
    changes: dict[str, object] = {"paused": event.way == "pause"}
    if event.way == "skip" and one.status != "skipped":
        return skip(state, one, event.by).changed(gates=overtaken(state, "question"))
    if event.way == "again":
        changes |= do_after_all(one) if one.status == "skipped" else {}
        changes |= _again(one)
        state = _with_its_tests(state, one).changed(gates=overtaken(state, "question"))
    elif event.way == "stop" and at_work:
        again = f"`wainwright task again {event.task}` has it tried again, and so has resuming the run."
        words = {"cause": "halted", "digest": f"It was stopped by {event.by}.", "hint": again}
        halted = ev.TaskFailed.model_validate({"task": event.task, "attempt": one.attempt, **words})
        changes |= {"status": "halted", "halted": halted}
    elif event.way == "go-on" and one.status == "halted":
        changes |= {"status": "waiting", "halted": None}
    elif event.way == "go-on" and waits_for(state, one):
        changes["without"] = (*one.without, *waits_for(state, one))
        state = state.changed(gates=overtaken(state, "question"))
    elif not at_work:
        raise IllegalTransition(f"Task {event.task} is {one.status}.", "Have it tried again.")
    return state.changed(tasks={**state.tasks, event.task: one.model_copy(update=changes)})


def _again(one: TaskState) -> dict[str, object]:
    """What makes a task be tried again, whatever became of the present attempt."""
    anew = {"status": "waiting", "attempt": one.attempt + 1, "rung": "fresh"}
    return {**anew, "halted": None, "silent": False}


def _with_its_tests(state: RunState, one: TaskState) -> RunState:
    """The run, with its acceptance tests written anew where those of a task that was skipped were taken out."""
    there = {test.test for test in state.acceptance.tests} if state.acceptance else set(one.skipped_tests)
    if set(one.skipped_tests) <= there:
        return state
    names = ", ".join(one.skipped_tests)
    digest = f"Task {one.task.id} was skipped, and is done after all: write the tests of it again ({names})."
    return given_up_tests(state, digest)


def without_skipped(state: RunState, question: str) -> RunState:
    """The run after a person said that a task is built without what was skipped, if that was the question."""
    tasks = {
        name: one.model_copy(update={"without": (*one.without, *waits_for(state, one))})
        if asks_about(state, one) == question
        else one
        for name, one in state.tasks.items()
    }
    return state.changed(tasks=tasks)


def fit_tests(state: RunState) -> RunState:
    """The run, with its acceptance tests written anew where a file of them waits for what is skipped."""
    why = unfit(state)
    return given_up_tests(state, why) if why else state


def tests_may_be_wrong(state: RunState) -> bool:
    """Whether an implementer may still have the acceptance tests written anew."""
    return state.tests_anew < TESTS_ANEW_MAX


def _tests_anew(state: RunState, digest: str) -> RunState:
    """Have the acceptance tests written anew, told why; a task is not charged for what was wrong with them."""
    if state.acceptance is None:
        # Another task had them given up a moment ago, and the tester is told of both.
        digest = f"{state.acceptance_digest}\n\n{digest}"
    return given_up_tests(state, digest).changed(tests_anew=state.tests_anew + 1)


def refused_tests(state: RunState, refused: frozenset[str], digest: str) -> RunState:
    """The run, with its acceptance tests written anew where a person refused lines of them: no implementer may."""
    pinned = state.acceptance.files if state.acceptance else {}
    return given_up_tests(state, digest) if refused & pinned.keys() else state


def given_up_tests(state: RunState, digest: str) -> RunState:
    """Give the acceptance tests up; the tester writes others, told why."""
    return state.changed(
        acceptance=None,
        former_acceptance=state.acceptance or state.former_acceptance,
        red_first=None,
        acceptance_round=state.acceptance_round + 1,
        acceptance_digest=digest,
    )


def give_up(state: RunState, digest: str) -> RunState:
    """Have the plan made anew; what is under way comes to its end before that, and what lands by then stays."""
    if not state.lets_end or state.stage is not S.BUILD:
        return replan(state, digest)
    reasons = dict.fromkeys(filter(None, (state.giving_up, digest)))
    return state.changed(giving_up="\n\n".join(reasons), gates=overtaken(state, "question"))


def replan(state: RunState, digest: str) -> RunState:
    """Give the plan up for a new one, which is told why; what has landed stays."""
    done = "; ".join(f"{t.task.id}: {t.task.title}" for t in state.tasks.values() if t.status == "landed")
    kept = f"\nAlready done and kept: {done}." if done else ""
    gone = "; ".join(f"{one.task.id}: {one.task.title}" for one in skipped(state))
    kept += f"\nThe person skipped these, so do not plan them: {gone}." if gone else ""
    return given_up_tests(state, digest).changed(
        stage=S.PLANNING,
        plan=None,
        plan_approved=False,
        plan_reason=digest + kept,
        giving_up="",
        former_plan=state.plan or state.former_plan,
        tasks=landed(state),
        set_aside=set_aside(state),
        design=None,
        former_design=state.design or state.former_design,
        replans=state.replans + 1,
        gates=overtaken(state, "question"),
        **_AFTER_BUILD,
    )


def back_to_build(
    state: RunState, digest: str, name: str, *, title: str = "", extra_rung: int = 0
) -> RunState:
    """Add a task that answers a red test, a review or an incident, one rung up; else plan anew, or stop."""
    step = state.rounds + extra_rung
    at_end = step >= len(ROUND_LADDER)
    if at_end and state.replans < REPLANS_MAX and S.PLANNING in state.route and not state.may_grow:
        return replan(state, digest)
    number = state.repairs + 1
    while f"{name}-{number}" in state.tasks:  # the planner may have used the name
        number += 1
    planned = tuple(r.id for r in state.plan.requirements) if state.plan else ("R1",)
    # Where all of it is left out, what is to be mended is of a plan before.
    requirements = tuple(name for name in planned if name not in left_out(state)) or planned
    task = Task(
        id=f"{name}-{number}",
        title=headline(f"{name.capitalize()}: {title or digest}"),
        instruction=digest,
        write_set=(EVERYTHING,),
        acceptance=requirements,
    )
    ended: TaskStatus = "outgrown" if state.may_grow else "stuck"
    one = TaskState(
        task=task,
        revision=state.revision,
        digest=digest,
        rung="repair" if at_end else ROUND_LADDER[step],
        status=ended if at_end else "waiting",
    )
    return state.changed(
        stage=S.BUILD,
        tasks={**state.tasks, task.id: one},
        repairs=number,
        rounds=step + 1,
        **_AFTER_BUILD,
    )


def triage(state: RunState, event: ev.FailureTriaged) -> RunState:
    """Answer a red test: repair the code, write the test anew, or wait for what the surroundings lack."""
    tested = state.tested
    if tested is None or tested.verdict.passed:
        raise IllegalTransition("There is no red receipt to judge.")
    if event.cause == "environment":
        return state.changed(triaged=event)
    if S.BUILD not in state.route:
        return state.changed(
            stage=S.FAILED,
            failure=ev.RunFailed(reason=f"The tests are red. {event.digest}"),
            stopped_at=S.TEST,
        )
    rewritable = event.consent and state.acceptance is not None and state.rounds < len(ROUND_LADDER)
    if event.cause == "test" and rewritable:
        rewritten = given_up_tests(state, event.digest)
        return rewritten.changed(stage=S.BUILD, rounds=state.rounds + 1, **_AFTER_BUILD)
    verdict = tested.verdict
    failing = tuple(
        sorted(
            {*verdict.turned_red, *verdict.acceptance_red, *verdict.gone, *verdict.unbuilt, *verdict.not_run}
        )
    )
    pair = (tested.tree, failing)
    back = back_to_build(state, event.digest, "repair", extra_rung=1 if pair in state.seen else 0)
    return back.changed(seen=state.seen | {pair})


def review(state: RunState, event: ev.Reviewed) -> RunState:
    """Take a review over: findings that bind lead back to BUILD, to DESIGN, or to the person."""
    state = state.changed(reviewed=event, reviews=state.reviews + 1)
    binding = [f for f in event.findings if f.binding]
    if not binding or S.BUILD not in state.route:
        # A route without BUILD asked for a review only: the findings are its result.
        return state if S.BUILD in state.route else state.changed(stage=S.DEPLOY)
    digest = listed(binding, in_line)
    routes = {f.route for f in binding}
    if "intent_gap" in routes:
        return state
    back = back_to_build(state, f"The review found:\n{digest}", "review", title=binding[0].consequence)
    if "bad_spec" in routes and back.stage is S.BUILD and S.DESIGN in state.route and state.size == "large":
        return back.changed(
            stage=S.DESIGN,
            design=None,
            former_design=state.design,
            plan_reason=f"The review found the design wrong:\n{digest}",
        )
    return back


def incident(state: RunState, digest: str, where: str) -> RunState:
    """Answer a failed deployment or a breach: a task that mends it, or the end of a run without BUILD.

    ``where`` as in ``Incident``.
    """
    state = state.changed(incident=Incident(said=digest, where=where, tree=state.head_tree))
    if S.BUILD not in state.route:
        failure = ev.RunFailed(reason=digest)
        return state.changed(stage=S.FAILED, failure=failure, stopped_at=S.DEPLOY, **_AFTER_DELIVERY)
    return back_to_build(state, digest, "incident")


def plan_deployment(state: RunState, event: DeploymentPlanned) -> RunState:
    """Take over how it is to be deployed; a smoke test that fails is an incident."""
    state = state.changed(deployment_plan=event, deployment_plans=state.deployment_plans + 1)
    if event.smoke is not None and not event.smoke.green:
        said = f"The smoke test `{event.smoke.command}` failed:\n{event.smoke.output}"
        return incident(state, said, event.where)
    return state


def freshen(state: RunState, digest: str) -> RunState:
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
        else t.model_copy(update={"status": "waiting", "halted": None, "silent": False})
        if t.status == "halted"
        else t
        for i, t in state.tasks.items()
    }
    changes: dict[str, object] = {"tasks": tasks, "rounds": 0, "replans": 0, "tests_anew": 0}
    changes["triaged"] = None
    if state.gaps:
        changes["reviewed"] = None
    if state.tested is not None and not state.tested.verdict.passed:
        changes["tested"] = None
    base = state.base_tested
    if base is not None and (base.receipt is None or base.receipt.environment):
        changes["base_tested"] = None
    return state.changed(**changes)


def landed(state: RunState) -> dict[str, TaskState]:
    """What stays when a plan is given up."""
    return {i: t for i, t in state.tasks.items() if t.status in ("landed", "skipped")}


def set_aside(state: RunState) -> dict[str, TaskState]:
    """What was begun, has not landed, and can be started from once its plan is given up."""
    begun = {i: t for i, t in state.tasks.items() if t.status in _BEGUN or t.attempt or t.kept}
    return {**state.set_aside, **{i: t for i, t in begun.items() if i not in landed(state)}}


def overtaken(state: RunState, kind: GateKind) -> dict[str, GateState]:
    """The gates, with open ones of a kind closed: what they asked about has been overtaken by what is done now."""
    return {
        i: g.model_copy(
            update={"decided": ev.GateDecided(gate=i, decision="answer", reason="overtaken", by="machine")}
        )
        if g.decided is None and g.gate.kind == kind
        else g
        for i, g in state.gates.items()
    }
