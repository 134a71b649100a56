"""Whole runs on a scripted world: the ways back, their bounds, tasks side by side, and that no run gets lost.

A ``World`` performs what ``decide`` wants and answers with events, as the engine does, only without doing anything.
"""

import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.decide import decide, held
from wainwright.domain.deployment import Deployed, DeployFailed, DeploymentPlanned, Monitored
from wainwright.domain.errors import IllegalTransition
from wainwright.domain.evidence import Case, Deployment, Finding, Receipt, Suite, Verdict
from wainwright.domain.fold import fold
from wainwright.domain.gates import asks
from wainwright.domain.goal import ENDS, WORKING, Goal, Stage
from wainwright.domain.hunks import ChangeShown, Hunk, ShownFile
from wainwright.domain.ladder import ROUND_LADDER, TASK_LADDER, TESTS_ANEW_MAX
from wainwright.domain.plan import Plan, overlap
from wainwright.domain.state import RunState

S = Stage
WALKS = int(os.environ.get("WALKS", "100"))
Answer = Callable[[RunState, Any], list[ev.Event]]
REPEATABLE = (ef.SkipStage, ef.Fail, ef.OpenGate, ef.TakeSnapshot)
"""Effects that leave no paid or recorded outcome under their key."""


def start(**changes: Any) -> RunState:
    given: dict[str, Any] = {
        "run": "r1",
        "goal": Goal(text="Make it work"),
        "workspace": "here",
        "route": WORKING,
        "autonomy": "full-auto",
        "trust": "trusted",
        "tier": "bubblewrap",
        "attended": True,
        "lets_end": True,
    }
    return fold(None, ev.RunStarted(**{**given, **changes}))


def plan_of(*tasks: tuple[str, tuple[str, ...], tuple[str, ...]]) -> Plan:
    """Tasks as (id, needs, write set)."""
    return Plan.model_validate(
        {
            "requirements": [{"id": "R1", "text": "It works."}],
            "tasks": [
                {
                    "id": i,
                    "title": i,
                    "instruction": "Do it.",
                    "needs": needs,
                    "write_set": w,
                    "acceptance": ["R1"],
                }
                for i, needs, w in tasks
            ],
        }
    )


ONE_TASK = plan_of(("a", (), ("a/**",)))


def receipt(tree: str, *, green: bool = True, environment: str = "") -> Receipt:
    case = Case(name="tests/a.py::one", outcome="passed" if green else "failed")
    return Receipt(
        command="pytest",
        tree=tree,
        exit=0 if green else 1,
        started=1.0,
        seconds=0.1,
        cases=(case,),
        environment=environment,
    )


class World:
    """Performs one effect at a time. Everything goes well unless an answer for the effect's class is given."""

    def __init__(
        self,
        answers: dict[type, Answer] | None = None,
        *,
        person: Answer | None = None,
        plan: Plan = ONE_TASK,
    ) -> None:
        self.answers = answers or {}
        self.person = person
        self.plan = plan
        self.trees = 0
        self.done: list[ef.Effect] = []

    def tree(self) -> str:
        self.trees += 1
        return f"t{self.trees}"

    def perform(self, state: RunState, effect: ef.Effect) -> list[ev.Event]:
        self.done.append(effect)
        answer = self.answers.get(type(effect))
        return answer(state, effect) if answer else self.everyday(state, effect)

    def everyday(self, state: RunState, effect: ef.Effect) -> list[ev.Event]:  # noqa: C901 - one arm an effect
        head = state.head_tree or ""
        match effect:
            case ef.TakeSnapshot():
                return [
                    ev.SnapshotTaken(commit="c0", tree="t0", head="h0", suites=(Suite(command="pytest"),))
                ]
            case ef.SkipStage():
                return [ev.StageSkipped(stage=effect.stage, reason=effect.reason)]
            case ef.TestBase():
                return [ev.BaseTested(receipt=receipt("t0"))]
            case ef.MakePlan():
                return [ev.PlanProposed(plan=self.plan)]
            case ef.Resize():
                return [ev.Resized(size=effect.size, reason=effect.reason)]
            case ef.GiveUpPlan():
                return [ev.PlanGivenUp()]
            case ef.OpenGate():
                return [ev.GateOpened(gate=effect.gate), *self.decision(state, effect)]
            case ef.MakeDesign():
                return [ev.DesignProposed(summary="A design.", documents=())]
            case ef.WriteAcceptance():
                tree = self.tree()
                return [ev.AcceptanceWritten(commit=f"c-{tree}", tree=tree)]
            case ef.RunTask():
                return [
                    ev.TaskStarted(
                        task=effect.task, revision=effect.revision, attempt=effect.attempt, rung=effect.rung
                    ),
                    landed(effect, self.tree()),
                ]
            case ef.RunTests():
                return [
                    ev.Tested(
                        tree=head,
                        verdict=Verdict(passed=True),
                        receipt=None if effect.unverified else receipt(head),
                        unverified=effect.unverified,
                    )
                ]
            case ef.TriageFailure():
                return [ev.FailureTriaged(cause="code", digest="One is wrong.")]
            case ef.ReviewChange():
                return [ev.Reviewed(tree=head, summary="Good.")]
            case ef.TryMutants():
                return [ev.MutantsTried(tree=head, made=1, killed=1)]
            case ef.ShowChange():
                whole = ShownFile(path="a", kind="created", hunks=(Hunk(number=1),), whole=True)
                return [
                    ChangeShown(commit=state.present_head, tree=head, branch="wainwright/it", files=(whole,))
                ]
            case ef.HandOver():
                return [ev.Delivered(commit="c9", branch="wainwright/it")]
            case ef.PlanDeployment():
                return [
                    DeploymentPlanned(
                        target="process",
                        reason="It serves.",
                        question="Start it?",
                        command=("serve",),
                        smoke=None,
                    )
                ]
            case ef.DeployService():
                return [
                    Deployed(
                        deployment=Deployment(
                            id=f"d{effect.number}", target="process", commit="c9", serves=True, url="u"
                        )
                    )
                ]
            case ef.Watch():
                return [Monitored(probes=3, failures=0, breach=False, report="Quiet.")]
            case ef.KeepWork():
                return [ev.Kept(branch="wainwright/it-unfinished")]
            case ef.Fail():
                return [ev.RunFailed(reason=effect.reason, hint=effect.hint)]

    def decision(self, state: RunState, effect: ef.OpenGate) -> list[ev.Event]:
        if not asks(state, effect.gate.kind):
            return [ev.GateDecided(gate=effect.gate.id, decision="approve", by="policy")]
        return self.person(state, effect) if self.person else []


def landed(effect: ef.RunTask, tree: str) -> ev.TaskLanded:
    return ev.TaskLanded(task=effect.task, attempt=effect.attempt, commit=f"c-{tree}", tree=tree)


def check(state: RunState) -> tuple[ef.Effect, ...]:
    """What is wanted; a run that waits must wait for something."""
    wanted = decide(state)
    assert decide(RunState.model_validate_json(state.model_dump_json())) == wanted
    assert len({e.key for e in wanted}) == len(wanted)
    if not wanted:
        assert state.stage in ENDS or held(state) or state.open_gates, f"lost in {state.stage}"
    return wanted


def go(world: World, state: RunState | None = None, *, limit: int = 400, **changes: Any) -> RunState:
    """Until the run rests. Fails when it does not rest within the limit, or when recorded work is asked for twice."""
    state = state or start(**changes)
    finished: set[str] = set()
    for _ in range(limit):
        wanted = check(state)
        if not wanted:
            return state
        effect = wanted[0]
        assert effect.key not in finished, f"asked for twice: {effect.key}"
        if not isinstance(effect, REPEATABLE):
            finished.add(effect.key)
        for event in world.perform(state, effect):
            state = fold(state, event)
    pytest.fail(f"no rest within {limit} effects: in {state.stage} after {world.done[-4:]}")


# ---- routes


def test_the_whole_way() -> None:
    world = World()
    state = go(world)
    assert state.stage is S.DONE
    assert [type(e).__name__ for e in world.done] == [
        "TakeSnapshot",
        "TestBase",
        "MakePlan",
        "OpenGate",
        "MakeDesign",
        "WriteAcceptance",
        "RunTask",
        "RunTests",
        "ReviewChange",
        "OpenGate",
        "HandOver",
        "PlanDeployment",
        "OpenGate",
        "DeployService",
        "Watch",
    ]


@pytest.mark.parametrize("attended", [True, False])
@pytest.mark.parametrize("mask", range(2 ** len(WORKING)))
def test_every_route_ends_and_says_what_it_left_out(mask: int, attended: bool) -> None:
    route = tuple(s for n, s in enumerate(WORKING) if mask >> n & 1)
    state = go(World(), route=route, attended=attended)
    assert state.stage is S.DONE
    nothing_serves = {S.MONITOR} if S.DEPLOY not in route else set()
    assert set(state.skips) == set(WORKING) - set(route) | nothing_serves
    assert (state.delivered is not None) is (S.BUILD in route), "what is built is handed over, and only that"


def test_just_a_review() -> None:
    findings = tuple(finding(route) for route in ("patch", "bad_spec", "intent_gap"))
    world = World({ef.ReviewChange: lambda s, _: [ev.Reviewed(tree="t0", summary="Bad.", findings=findings)]})
    state = go(world, route=(S.REVIEW,))
    assert state.stage is S.DONE
    assert state.reviewed is not None
    assert state.reviewed.findings == findings
    assert not any(isinstance(e, ef.RunTask | ef.HandOver) for e in world.done)


def test_a_one_line_fix() -> None:
    world = World()
    state = go(world, route=(S.BUILD, S.TEST, S.REVIEW))
    assert state.stage is S.DONE
    assert state.tasks["goal"].status == "landed"
    assert not any(isinstance(e, ef.MakePlan | ef.MakeDesign | ef.PlanDeployment) for e in world.done)


def test_just_the_tests_when_they_are_red() -> None:
    state = go(World(RED), route=(S.TEST,))
    assert state.stage is S.FAILED
    assert state.failure is not None
    assert "One is wrong." in state.failure.reason
    # Resumed, it tests anew.
    assert go(World(), fold(state, ev.RunResumed(by="person"))).stage is S.DONE


def test_a_run_goes_on_from_hold_to_hold() -> None:
    state = start(until=S.PLANNING)
    seen = []
    for until in (*WORKING[1:], None):
        state = go(World(), state)
        seen.append(state.stage)
        state = fold(state, ev.HoldMoved(until=until)) if state.stage not in ENDS else state
    assert seen == [*WORKING[1:], S.DONE]


# ---- ways back; each is driven for ever and has to end


def finding(route: str, severity: str = "major") -> Finding:
    return Finding.model_validate(
        {"where": "a.py:1", "trigger": "t", "consequence": "c", "severity": severity, "route": route}
    )


def red(state: RunState, _: Any) -> list[ev.Event]:
    tree = state.head_tree or ""
    verdict = Verdict(passed=False, turned_red=("tests/a.py::one",))
    return [ev.Tested(tree=tree, verdict=verdict, receipt=receipt(tree, green=False))]


def triage(cause: str, *, consent: bool = False) -> Answer:
    return lambda _s, _e: [
        ev.FailureTriaged.model_validate({"cause": cause, "digest": "One is wrong.", "consent": consent})
    ]


def fails(cause: str) -> Answer:
    return lambda _s, e: [
        ev.TaskStarted(task=e.task, revision=e.revision, attempt=e.attempt, rung=e.rung),
        ev.TaskFailed.model_validate(
            {"task": e.task, "attempt": e.attempt, "cause": cause, "digest": "It broke."}
        ),
    ]


def review(route: str, severity: str = "major") -> Answer:
    return lambda s, _e: [
        ev.Reviewed(tree=s.head_tree or "", summary="", findings=(finding(route, severity),))
    ]


RED: dict[type, Answer] = {ef.RunTests: red}
SMOKE_RED: Answer = lambda s, _e: [  # noqa: E731
    DeploymentPlanned(
        target="process",
        reason="r",
        question="Start it?",
        command=("serve",),
        smoke=receipt("t", green=False),
    )
]
BREACH: Answer = lambda _s, _e: [Monitored(probes=3, failures=3, breach=True, report="Down.")]  # noqa: E731
NO_TESTS_HERE: Answer = lambda _s, e: [  # noqa: E731
    ev.BaseTested(receipt=receipt("t0", green=False, environment="No module x"))
]
TROUBLE: dict[str, dict[type, Answer]] = {
    "red tests": RED,
    "red, the test is wrong": {ef.RunTests: red, ef.TriageFailure: triage("test", consent=True)},
    "red, the test is wrong without consent": {ef.RunTests: red, ef.TriageFailure: triage("test")},
    "red, the surroundings": {ef.RunTests: red, ef.TriageFailure: triage("environment")},
    "base cannot be tested": {ef.TestBase: NO_TESTS_HERE},
    "review: patch": {ef.ReviewChange: review("patch")},
    "review: bad spec": {ef.ReviewChange: review("bad_spec")},
    "review: intent gap": {ef.ReviewChange: review("intent_gap")},
    "task: code": {ef.RunTask: fails("code")},
    "task: model": {ef.RunTask: fails("model")},
    "task: conflict": {ef.RunTask: fails("conflict")},
    "task: impossible": {ef.RunTask: fails("impossible")},
    "task: wrong tests": {ef.RunTask: fails("tests")},
    "task: surroundings": {ef.RunTask: fails("environment")},
    "smoke red": {ef.PlanDeployment: SMOKE_RED},
    "deployment fails": {ef.DeployService: lambda _s, _e: [DeployFailed(reason="No port.")]},
    "breach": {ef.Watch: BREACH},
}
ROUTES = {
    "all": WORKING,
    "no plan": tuple(s for s in WORKING if s is not S.PLANNING),
    "no design": tuple(s for s in WORKING if s is not S.DESIGN),
    "no build": tuple(s for s in WORKING if s is not S.BUILD),
    "fix": (S.BUILD, S.TEST, S.REVIEW),
    "build and test": (S.BUILD, S.TEST),
    "check and deploy": (S.TEST, S.DEPLOY, S.MONITOR),
}
BOUND = 130
"""Effects until a run with one task rests, whatever goes wrong: two plans, six rounds each, nine effects a round."""


@pytest.mark.parametrize("attended", [True, False], ids=["attended", "alone"])
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("trouble", TROUBLE)
def test_lasting_trouble_ends_with_a_question_or_a_failure(trouble: str, route: str, attended: bool) -> None:
    state = go(World(TROUBLE[trouble]), limit=BOUND, route=ROUTES[route], attended=attended)
    if state.open_gates:
        assert attended
        assert [g.kind for g in state.open_gates] == ["question"]
    elif state.stage is not S.DONE:  # a route may never meet the trouble
        assert state.stage is S.FAILED
        assert state.failure is not None
        assert state.failure.reason


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("trouble", TROUBLE)
def test_trouble_that_a_person_or_a_resume_mends_is_got_over(trouble: str, route: str) -> None:
    for attended in (True, False):
        state = go(World(TROUBLE[trouble]), route=ROUTES[route], attended=attended)
        if state.open_gates:
            (gate,) = state.open_gates
            state = fold(
                state, ev.GateDecided(gate=gate.id, decision="answer", reason="It is mended.", by="person")
            )
        elif state.stage is S.FAILED:
            state = fold(state, ev.RunResumed(by="person"))
        assert go(World(), state).stage is S.DONE


@given(st.integers(min_value=0), st.sampled_from(list(ROUTES)), st.booleans())
@settings(max_examples=150, deadline=None)
def test_mixed_trouble_ends_as_well(seed: int, route: str, attended: bool) -> None:
    rng = random.Random(seed)
    kinds = {kind for answers in TROUBLE.values() for kind in answers}

    def pick(kind: type) -> Answer:
        choices = [answers[kind] for answers in TROUBLE.values() if kind in answers]
        return lambda s, e: rng.choice(choices)(s, e)  # noqa: PLW0108 - another choice each time

    go(World({kind: pick(kind) for kind in kinds}), limit=2 * BOUND, route=ROUTES[route], attended=attended)


# ---- the rungs


def rungs(world: World) -> list[tuple[str, str]]:
    return [(e.task, e.rung) for e in world.done if isinstance(e, ef.RunTask)]


def test_a_task_climbs_the_ladder_then_plans_anew_then_asks() -> None:
    world = World({ef.RunTask: fails("code")})
    state = go(world)
    ladder = [("a", "first"), ("a", "fresh"), ("a", "stronger")]
    assert rungs(world) == ladder + ladder
    assert [e.revision for e in world.done if isinstance(e, ef.MakePlan)] == [1, 2]
    assert "It broke." in [e.digest for e in world.done if isinstance(e, ef.MakePlan)][1]
    assert state.tasks["a"].status == "stuck"
    assert state.open_gates[0].returns_to is S.PLANNING


def test_what_cannot_be_done_is_not_tried_again() -> None:
    world = World({ef.RunTask: fails("impossible")})
    go(world)
    assert rungs(world) == [("a", "first")] * 2


def test_a_conflict_is_tried_again_on_the_same_rung_a_few_times() -> None:
    world = World({ef.RunTask: fails("conflict")})
    go(world)
    once = ["first", "first", "first", "fresh", "stronger"]
    assert [r for _, r in rungs(world)] == once + once


def test_what_the_surroundings_lack_is_not_charged_to_the_task() -> None:
    missing = iter([True, True, False, False, False])

    def attempt(state: RunState, effect: Any) -> list[ev.Event]:
        return fails("environment" if next(missing) else "code")(state, effect)

    def answer(_: RunState, effect: Any) -> list[ev.Event]:
        if effect.gate.returns_to is not S.BUILD:
            return []
        return [ev.GateDecided(gate=effect.gate.id, decision="answer", reason="Installed.", by="person")]

    world = World({ef.RunTask: attempt}, person=answer)
    go(world, route=(S.BUILD, S.TEST, S.REVIEW))
    assert [r for _, r in rungs(world)] == ["first", "first", "first", "fresh", "stronger"]


def test_rounds_climb_too_and_each_round_is_a_task_of_its_own() -> None:
    world = World({ef.ReviewChange: review("patch")})
    state = go(world)
    names = [t for t, _ in rungs(world)]
    assert len(set(names) - {"a"}) == len(names) - 2 == 2 * len(ROUND_LADDER)
    assert [r for t, r in rungs(world) if t != "a"] == [*ROUND_LADDER, *ROUND_LADDER]
    assert [t.status for t in state.unfinished] == ["stuck"]


def test_a_failure_seen_before_skips_a_rung() -> None:
    def same_tree(_: RunState, effect: Any) -> list[ev.Event]:
        return [landed(effect, "the same")]

    world = World({ef.RunTests: red, ef.RunTask: same_tree})
    go(world, route=(S.BUILD, S.TEST, S.REVIEW))
    # Round 1 is new; from then on the same tree fails the same way, and every second rung is left out.
    assert [r for t, r in rungs(world) if t != "goal"] == [ROUND_LADDER[0], ROUND_LADDER[2], ROUND_LADDER[4]]


def test_a_repair_never_takes_the_name_of_a_planned_task() -> None:
    plan = plan_of(("repair-1", (), ("a/**",)), ("review-1", (), ("b/**",)))
    world = World({ef.ReviewChange: review("patch"), ef.TriageFailure: triage("code")}, plan=plan)
    state = go(world)
    keys = [e.key for e in world.done if isinstance(e, ef.RunTask)]
    assert len(keys) == len(set(keys))
    assert {"repair-1", "review-1"} <= set(state.tasks)


def test_a_minor_or_deferred_finding_holds_nobody_up() -> None:
    for answer in (review("patch", "minor"), review("defer", "blocker"), review("intent_gap", "minor")):
        assert go(World({ef.ReviewChange: answer})).stage is S.DONE


def test_a_bad_spec_goes_back_to_the_design_and_an_intent_gap_to_the_person() -> None:
    rounds = iter(["bad_spec", "patch"])

    def judge(state: RunState, effect: Any) -> list[ev.Event]:
        return review(next(rounds, "defer"))(state, effect)

    world = World({ef.ReviewChange: judge})
    assert go(world).stage is S.DONE
    designs = [e for e in world.done if isinstance(e, ef.MakeDesign)]
    assert len(designs) == 2
    assert "The review found the design wrong" in designs[1].digest

    world = World({ef.ReviewChange: review("intent_gap")})
    state = go(world)
    (gate,) = state.open_gates
    assert gate.returns_to is S.PLANNING
    state = fold(state, ev.GateDecided(gate=gate.id, decision="answer", reason="Use blue.", by="person"))
    (effect,) = decide(state)
    assert isinstance(effect, ef.MakePlan)
    assert "Use blue." in effect.digest
    assert "Already done and kept: a: a" in effect.digest


def test_what_a_person_said_reaches_the_builder_without_a_planner() -> None:
    state = go(World({ef.ReviewChange: review("intent_gap")}), route=(S.BUILD, S.TEST, S.REVIEW))
    (gate,) = state.open_gates
    state = fold(state, ev.GateDecided(gate=gate.id, decision="answer", reason="Use blue.", by="person"))
    (effect,) = decide(state)
    state = fold(state, World().everyday(state, effect)[0])
    assert "Use blue." in state.tasks["goal"].task.instruction


def test_a_change_rejected_for_ever_comes_to_an_end() -> None:
    def no(_: RunState, effect: Any) -> list[ev.Event]:
        decision = "reject" if effect.gate.kind == "apply" else "approve"
        if effect.gate.kind == "question":
            return []
        return [ev.GateDecided.model_validate({"gate": effect.gate.id, "decision": decision, "by": "person"})]

    world = World(person=no)
    state = go(world, autonomy="suggest", limit=2 * BOUND)
    assert [g.kind for g in state.open_gates] == ["question"]
    assert not any(isinstance(e, ef.HandOver) for e in world.done)


def test_a_red_smoke_test_is_never_deployed_not_even_after_a_resume() -> None:
    world = World({ef.PlanDeployment: SMOKE_RED})
    state = go(world, route=(S.DEPLOY, S.MONITOR))
    assert state.stage is S.FAILED
    state = go(world, fold(state, ev.RunResumed(by="person")))
    assert state.stage is S.FAILED
    assert not any(isinstance(e, ef.DeployService) for e in world.done)


def test_after_a_breach_a_resume_deploys_anew() -> None:
    state = go(World({ef.Watch: BREACH}), route=(S.DEPLOY, S.MONITOR))
    assert state.stage is S.FAILED
    world = World()
    assert go(world, fold(state, ev.RunResumed(by="person"))).stage is S.DONE
    assert [type(e).__name__ for e in world.done] == ["PlanDeployment", "OpenGate", "DeployService", "Watch"]


# ---- questions and the tasks beside them


TWO = plan_of(("a", (), ("a/**",)), ("b", (), ("b/**",)))


def building(plan: Plan, **changes: Any) -> RunState:
    state = start(**changes)
    world = World(plan=plan)
    while state.stage is not S.BUILD or state.acceptance is None:
        for event in world.perform(state, decide(state)[0]):
            state = fold(state, event)
    return state


def open_question(state: RunState) -> RunState:
    (effect,) = [e for e in decide(state) if isinstance(e, ef.OpenGate)]
    return fold(state, ev.GateOpened(gate=effect.gate))


def failed(state: RunState, task: str, cause: str) -> RunState:
    attempt = state.tasks[task].attempt
    return fold(
        state,
        ev.TaskFailed.model_validate(
            {"task": task, "attempt": attempt, "cause": cause, "digest": "It broke."}
        ),
    )


def test_other_tasks_go_on_while_a_person_thinks() -> None:
    state = open_question(failed(building(TWO), "a", "environment"))
    (effect,) = decide(state)
    assert isinstance(effect, ef.RunTask)
    assert effect.task == "b"
    state = fold(state, landed(effect, "t9"))
    assert decide(state) == ()
    state = fold(
        state, ev.GateDecided(gate=state.open_gates[0].id, decision="answer", reason="Mended.", by="p")
    )
    assert [e.task for e in decide(state) if isinstance(e, ef.RunTask)] == ["a"]


def test_alone_a_task_that_is_blocked_fails_the_run_when_nothing_else_goes_on() -> None:
    state = failed(building(TWO, attended=False), "a", "environment")
    (effect,) = decide(state)
    assert isinstance(effect, ef.RunTask)
    (effect,) = decide(fold(state, landed(effect, "t9")))
    assert isinstance(effect, ef.Fail)


def test_a_question_is_closed_when_a_new_plan_overtakes_it() -> None:
    state = open_question(failed(building(TWO), "a", "environment"))
    question = state.open_gates[0].id
    state = failed(state, "b", "impossible")
    assert not state.open_gates
    state = fold(state, ev.PlanGivenUp())
    assert state.stage is S.PLANNING
    with pytest.raises(IllegalTransition, match="not open"):
        fold(state, ev.GateDecided(gate=question, decision="reject", by="person"))
    # The next question has a name of its own.
    state = go(World({ef.RunTask: fails("environment")}, plan=TWO), state)
    assert question not in [g.id for g in state.open_gates]
    assert len(state.open_gates) == 1


def test_a_question_is_closed_when_the_run_is_cancelled_and_resumed() -> None:
    state = open_question(failed(building(ONE_TASK), "a", "environment"))
    for event in (ev.RunCancelled(by="person"), ev.RunResumed(by="person")):
        state = fold(state, event)
    assert not state.open_gates
    assert go(World(), state).stage is S.DONE


# ---- tasks side by side


@st.composite
def graphs(draw: st.DrawFn) -> Plan:
    count = draw(st.integers(1, 9))
    folders = st.sampled_from(["a/**", "a/x.py", "a/y.py", "b/**", "b/x.py", "c.py", "*.md", "d/e/**", "**"])
    tasks = []
    for number in range(count):
        earlier = [f"n{i}" for i in range(number)]
        needs = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3)) if earlier else []
        tasks.append((f"n{number}", tuple(needs), tuple(draw(st.lists(folders, min_size=1, max_size=2)))))
    return plan_of(*draw(st.permutations(tasks)))


# As many failures of one task as are not yet the end of its ladder.
@given(graphs(), st.integers(min_value=0), st.integers(0, len(TASK_LADDER) - 1))
@settings(max_examples=200, deadline=None)
def test_a_scheduler_lands_every_task_once_in_order_and_never_two_on_one_file(
    plan: Plan, seed: int, failures: int
) -> None:
    rng = random.Random(seed)
    state = building(plan)
    running: dict[str, ef.RunTask] = {}
    order: list[str] = []
    for step in range(200):
        if state.stage is not S.BUILD:
            break
        wanted = check(state)
        tasks = {e.key: e for e in wanted if isinstance(e, ef.RunTask)}
        assert len(tasks) == len(wanted)
        assert set(running) <= set(tasks), "what runs stays wanted, under the same key"
        beside = [plan.task(e.task) for e in tasks.values()]
        assert not any(
            overlap(one.write_set, other.write_set) for one in beside for other in beside if one is not other
        )
        assert all(set(one.needs) <= set(order) for one in beside)
        new = [key for key in tasks if key not in running]
        if new and (not running or rng.random() < 0.7):
            key = rng.choice(new)
            running[key] = one = tasks[key]
            event: ev.Event = ev.TaskStarted(
                task=one.task, revision=one.revision, attempt=one.attempt, rung=one.rung
            )
        else:
            one = running.pop(rng.choice(sorted(running)))
            if failures and rng.random() < 0.3:
                failures -= 1
                cause = "conflict" if step % 2 else "code"
                event = ev.TaskFailed.model_validate(
                    {"task": one.task, "attempt": one.attempt, "cause": cause, "digest": "It broke."}
                )
            else:
                event = landed(one, f"t{step}")
                order.append(one.task)
        state = fold(state, event)
    if state.stage is S.TEST:
        assert sorted(order) == sorted(t.id for t in plan.tasks)
    else:  # one task used its ladder up
        assert state.stage is S.PLANNING


# ---- no run gets lost


def decision_for(rng: random.Random, gate: ev.Gate) -> ev.Event:
    decision = rng.choice(["approve", "approve", "answer", "reject"])
    return ev.GateDecided.model_validate(
        {"gate": gate.id, "decision": decision, "reason": "So be it.", "by": "p"}
    )


def outcomes(rng: random.Random, state: RunState, effect: ef.Effect) -> list[ev.Event]:
    """What may come of an effect: well, or any trouble known for it, or an end from outside."""
    if rng.random() < 0.03:
        return [ev.RunFailed(reason="The budget is spent.")]
    choices = [answers[type(effect)] for answers in TROUBLE.values() if type(effect) in answers]
    world = World(plan=rng.choice([ONE_TASK, TWO]))
    world.trees = rng.randrange(10_000)
    if choices and rng.random() < 0.5:
        return rng.choice(choices)(state, effect)
    if isinstance(effect, ef.OpenGate) and not asks(state, effect.gate.kind):
        return world.everyday(state, effect)
    if isinstance(effect, ef.TakeSnapshot) and rng.random() < 0.3:
        return [ev.SnapshotTaken(commit="c0", tree="t0", head=None)]
    return world.everyday(state, effect)


def steering(rng: random.Random, state: RunState) -> ev.Event | None:
    """What a person may do with a task, where it can be done."""
    task, way = rng.choice(sorted(state.tasks)), rng.choice(["skip", "skip", "again", "stop", "go-on"])
    event = ev.TaskSteered.model_validate({"task": task, "way": way, "by": "person"})
    try:
        fold(state, event)
    except IllegalTransition:
        return None
    return event


def steer(rng: random.Random, state: RunState) -> ev.Event | None:
    """What a person may do at any time."""
    if state.stage in (S.FAILED, S.CANCELLED):
        return ev.RunResumed(by="person")
    if held(state):
        return ev.HoldMoved(until=rng.choice([None, *WORKING]))
    if state.open_gates and (rng.random() < 0.3 or not decide(state)):
        return decision_for(rng, rng.choice(state.open_gates))
    luck = rng.random()
    if luck < 0.015:
        return ev.RunCancelled(by="person")
    if luck > 0.96 and state.stage is S.BUILD and state.tasks:
        return steering(rng, state)
    return ev.HoldMoved(until=rng.choice([None, *WORKING])) if luck < 0.03 else None


@given(
    seed=st.integers(min_value=0),
    mask=st.integers(0, 2 ** len(WORKING) - 1),
    attended=st.booleans(),
    autonomy=st.sampled_from(["suggest", "auto-edit", "full-auto"]),
    tier=st.sampled_from(["bubblewrap", "bubblewrap", "none"]),
    until=st.sampled_from([None, None, *WORKING]),
)
@settings(max_examples=WALKS, deadline=None)
def test_no_walk_gets_lost(
    seed: int, mask: int, attended: bool, autonomy: str, tier: str, until: Stage | None
) -> None:
    rng = random.Random(seed)
    route = tuple(s for n, s in enumerate(WORKING) if mask >> n & 1)
    state = start(route=route, attended=attended, autonomy=autonomy, tier=tier, until=until)
    finished: set[str] = set()
    for _ in range(250):
        if state.stage is S.DONE:
            break
        wanted = check(state)
        event = steer(rng, state)
        if event is not None:
            state = fold(state, event)
            continue
        assert wanted, f"nobody can move {state.stage} on"
        effect = rng.choice(wanted)
        assert effect.key not in finished, f"asked for twice: {effect.key}"
        news = outcomes(rng, state, effect)
        if not isinstance(effect, REPEATABLE) and not isinstance(news[0], ev.RunFailed):
            finished.add(effect.key)
        for one in news:
            state = fold(state, one)
            check(state)


# ---- what is never thrown away


def test_tests_that_are_wrong_are_written_anew_twice_and_charged_to_no_rung() -> None:
    world = World({ef.RunTask: fails("tests")})
    state = go(world, route=tuple(s for s in WORKING if s is not S.PLANNING))
    assert [r for _, r in rungs(world)] == ["first", "first", "first", "fresh", "stronger"]
    written = [e for e in world.done if isinstance(e, ef.WriteAcceptance)]
    assert [e.digest for e in written] == ["", "It broke.", "It broke."]
    assert state.tests_anew == TESTS_ANEW_MAX


def test_two_tasks_that_find_the_tests_wrong_at_once_are_both_told_to_the_tester() -> None:
    world = World(plan=plan_of(("a", (), ("a/**",)), ("b", (), ("b/**",))))
    state = start()
    while state.stage is not S.BUILD or state.acceptance is None:
        for event in world.perform(state, decide(state)[0]):
            state = fold(state, event)
    for effect in decide(state):
        for event in fails("tests")(state, effect):
            digest = {"digest": f"{effect.task} is wrong."} if isinstance(event, ev.TaskFailed) else {}
            state = fold(state, event.model_copy(update=digest))
    (wanted,) = decide(state)
    assert isinstance(wanted, ef.WriteAcceptance)
    assert "a is wrong." in wanted.digest
    assert "b is wrong." in wanted.digest
    assert state.former_acceptance is not None


def test_a_new_plan_may_start_from_what_was_built_and_cut_short() -> None:
    tasks = (("a", (), ("a/**",)), ("b", (), ("b/**",)), ("c", ("a",), ("c/**",)))
    world = World(plan=plan_of(*tasks))
    state = start()
    while state.stage is not S.BUILD or state.acceptance is None:
        for event in world.perform(state, decide(state)[0]):
            state = fold(state, event)
    for task in ("a", "b"):
        state = fold(state, ev.TaskStarted(task=task, revision=1, attempt=0, rung="first"))
    state = fold(state, ev.TaskFailed(task="a", attempt=0, cause="impossible", digest="No.", kept="c7"))
    state = fold(state, ev.TaskSteered(task="b", way="stop", by="person"))
    state = fold(state, ev.PlanGivenUp())
    assert state.stage is S.PLANNING
    assert {i: t.kept for i, t in state.set_aside.items()} == {"a": "c7", "b": ""}, "c had not begun"
    plan = plan_of(("d", (), ("d/**",)))
    planned = plan.model_copy(update={"tasks": (plan.tasks[0].model_copy(update={"starts_from": "a"}),)})
    state = go(World(plan=planned), state)
    assert state.stage is S.DONE
    assert set(state.set_aside) == {"b"}, "a is in what landed"
