"""The table of what may happen where, where each event leads, and what is wanted at each point of the way."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.caps import CapMet, CapsRaised
from wainwright.domain.cautions import cautions
from wainwright.domain.decide import decide, goes_on, held
from wainwright.domain.deployment import Deployed, DeployFailed, DeploymentPlanned, Monitored
from wainwright.domain.errors import IllegalTransition, PlanError
from wainwright.domain.evidence import (
    AcceptanceTest,
    Case,
    Deployment,
    Finding,
    LeftOut,
    Receipt,
    RedFirst,
    Suite,
    Survivor,
    Verdict,
)
from wainwright.domain.fold import LEGAL, fold, legal, replay
from wainwright.domain.gates import agreed_by_person, asks, passes_by_policy, rejected_unattended
from wainwright.domain.goal import WORKING, Autonomy, Goal, Place, Stage
from wainwright.domain.hunks import ChangeShown, Hunk, HunksDecided, ShownFile
from wainwright.domain.notes import Noted, NoteReceived
from wainwright.domain.plan import Plan
from wainwright.domain.state import RunState

S = Stage


def started(**changes: Any) -> ev.RunStarted:
    given: dict[str, Any] = {
        "run": "r1",
        "goal": Goal(text="Make it work", place=Place(path="src/a.py", first_line=3)),
        "workspace": "here",
        "route": WORKING,
        "autonomy": "suggest",
        "trust": "trusted",
        "tier": "bubblewrap",
        "attended": True,
        "lets_end": True,
    }
    return ev.RunStarted(**{**given, **changes})


def plan(*tasks: str, **changes: Any) -> Plan:
    """Tasks written as ``id`` or ``id<need,need``; each writes its own folder."""
    split = [(t.split("<")[0], t.split("<")[1:]) for t in tasks or ("a",)]
    return Plan.model_validate(
        {
            "requirements": [{"id": "R1", "text": "It works."}],
            "tasks": [
                {
                    "id": i,
                    "title": i,
                    "instruction": "Do it.",
                    "needs": needs[0].split(",") if needs else [],
                    "write_set": [f"{i}/**"],
                    "acceptance": ["R1"],
                }
                for i, needs in split
            ],
            **changes,
        }
    )


def receipt(tree: str = "t0", exit_code: int = 0, environment: str = "") -> Receipt:
    cases = (Case(name="tests/a.py::one", outcome="failed" if exit_code else "passed"),)
    return Receipt(
        command="pytest",
        tree=tree,
        exit=exit_code,
        started=1.0,
        seconds=0.5,
        cases=cases,
        environment=environment,
    )


def finding(route: str, severity: str = "major") -> Finding:
    return Finding.model_validate(
        {
            "where": "a.py:1",
            "trigger": "call it",
            "consequence": "wrong",
            "severity": severity,
            "route": route,
        }
    )


def gate(kind: str = "question", number: int = 1, returns_to: Stage | None = None) -> ev.Gate:
    return ev.Gate.model_validate(
        {"id": f"{kind}-{number}", "kind": kind, "question": "What now?", "returns_to": returns_to}
    )


SUITES = (Suite(command="pytest"),)
SNAPSHOT = ev.SnapshotTaken(commit="c0", tree="t0", head="h0", suites=SUITES)
BASE = ev.BaseTested(receipt=receipt())
DESIGN = ev.DesignProposed(
    summary="One module.", documents=(ev.Document(name="adr/one.md", text="Because."),)
)
ACCEPTANCE = ev.AcceptanceWritten(
    commit="c1",
    tree="t1",
    tests=(AcceptanceTest(requirement="R1", test="tests/a.py::one"),),
    files={"tests/a.py": "b1"},
)
RED_FIRST = ev.RedFirstTested(found=RedFirst(red=("tests/a.py::one",)))
LANDED = ev.TaskLanded(task="a", attempt=0, commit="c2", tree="t2", summary="Done.", receipt=receipt("t2"))
GREEN = ev.Tested(tree="t2", verdict=Verdict(passed=True), receipt=receipt("t2"))
RED = ev.Tested(
    tree="t2", verdict=Verdict(passed=False, turned_red=("tests/a.py::one",)), receipt=receipt("t2", 1)
)
REVIEWED = ev.Reviewed(tree="t2", summary="Good.")
TRIED = ev.MutantsTried(
    tree="t2", made=3, killed=2, survivors=(Survivor(path="a.py", line=2, what="`<` is `<=`"),)
)
SHOWN = ChangeShown(
    commit="c3",
    tree="t2",
    branch="wainwright/make-it-work",
    files=(
        ShownFile(
            path="a.py",
            kind="modified",
            tasks=("a",),
            serves=("R1",),
            hunks=(
                Hunk(number=1, old_start=0, old_len=1, new_start=0, new_len=1, lines="-one\n+eins\n"),
                Hunk(number=2, old_start=9, old_len=1, new_start=9, new_len=1, lines="-ten\n+zehn\n"),
            ),
        ),
        ShownFile(
            path="b.png", kind="created", whole=True, note="is binary, 9 bytes", hunks=(Hunk(number=3),)
        ),
    ),
)
READ = "3 hunks in 2 files: read change.diff, or wainwright/make-it-work"
HUNKS_DECIDED = HunksDecided(commit="c3", hunks=(1,), decision="reject", reason="In English.", by="person")
DELIVERED = ev.Delivered(commit="c3", branch="wainwright/make-it-work")
SERVICE = DeploymentPlanned(
    target="process", reason="It serves.", question="Start it?", command=("serve",), smoke=receipt("t2")
)
DEPLOYED = Deployed(
    deployment=Deployment(id="d1", target="process", commit="c3", serves=True, url="http://127.0.0.1:1")
)
QUIET = Monitored(probes=3, failures=0, breach=False, report="Quiet.")


def opened(kind: str, detail: str = "", number: int = 1) -> ev.GateOpened:
    return ev.GateOpened(gate=gate(kind, number).model_copy(update={"detail": detail}))


def decided(gate_id: str, decision: str = "approve", reason: str = "") -> ev.GateDecided:
    return ev.GateDecided.model_validate(
        {"gate": gate_id, "decision": decision, "reason": reason, "by": "person"}
    )


WAY_TO: dict[Stage, list[ev.Event]] = {S.NEW: [started()]}
WAY_TO[S.PLANNING] = [*WAY_TO[S.NEW], SNAPSHOT]
WAY_TO[S.DESIGN] = [
    *WAY_TO[S.PLANNING],
    BASE,
    ev.PlanProposed(plan=plan()),
    opened("plan"),
    decided("plan-1"),
]
WAY_TO[S.BUILD] = [*WAY_TO[S.DESIGN], DESIGN]
WAY_TO[S.TEST] = [*WAY_TO[S.BUILD], ACCEPTANCE, LANDED]
WAY_TO[S.REVIEW] = [*WAY_TO[S.TEST], GREEN]
WAY_TO[S.DEPLOY] = [*WAY_TO[S.REVIEW], REVIEWED, DELIVERED]
WAY_TO[S.MONITOR] = [*WAY_TO[S.DEPLOY], SERVICE, DEPLOYED]
WAY_TO[S.DONE] = [*WAY_TO[S.MONITOR], QUIET]
WAY_TO[S.FAILED] = [*WAY_TO[S.TEST], ev.RunFailed(reason="No money.")]
WAY_TO[S.CANCELLED] = [*WAY_TO[S.BUILD], ev.RunCancelled(by="person")]

EACH: dict[str, ev.Event] = {
    e.kind: e
    for e in (
        started(),
        SNAPSHOT,
        ev.HoldMoved(until=S.MONITOR),
        ev.StageSkipped(stage=S.PLANNING, reason="not needed"),
        BASE,
        ev.PlanProposed(plan=plan()),
        ev.PlanEdited(plan=plan(), by="person"),
        ev.Resized(size="medium", reason="Two files have to agree."),
        ev.PlanGivenUp(),
        opened("question", number=9),
        decided("question-1"),
        DESIGN,
        RED_FIRST,
        ACCEPTANCE,
        ev.TaskStarted(task="a", revision=1, attempt=0, rung="first"),
        ev.TaskFailed(task="a", attempt=0, cause="code", digest="It broke."),
        ev.TaskSteered(task="a", way="pause", by="person"),
        LANDED,
        GREEN,
        ev.FailureTriaged(cause="code", digest="It broke."),
        REVIEWED,
        TRIED,
        SHOWN,
        HUNKS_DECIDED,
        DELIVERED,
        SERVICE,
        DEPLOYED,
        DeployFailed(reason="No port."),
        QUIET,
        Noted(words="Keep it short.", by="person"),
        NoteReceived(notes=(), role="planner"),
        ev.RunFailed(reason="No money."),
        ev.RunCancelled(by="person"),
        CapMet(reason="$0.49 of $0.50 is spent.", hint="Raise it."),
        CapsRaised(usd=1.0, by="person"),
        ev.Kept(branch="wainwright/make-it-work-unfinished"),
        ev.RunResumed(by="person"),
    )
}
ACTIVE = (S.NEW, S.PLANNING, S.DESIGN, S.BUILD, S.TEST, S.REVIEW, S.DEPLOY, S.MONITOR)
STAYS = {s: s for s in ACTIVE}
NEXT: dict[str, dict[Stage, Stage]] = {
    "run-started": {},
    "snapshot-taken": {S.NEW: S.PLANNING},
    "hold-moved": STAYS,
    "noted": {**STAYS, S.FAILED: S.FAILED, S.CANCELLED: S.CANCELLED},
    "note-received": STAYS,
    "stage-skipped": {
        S.PLANNING: S.DESIGN,
        S.DESIGN: S.BUILD,
        S.BUILD: S.TEST,
        S.TEST: S.REVIEW,
        S.REVIEW: S.REVIEW,  # nobody reviews, yet what was built is handed over from there
        S.DEPLOY: S.MONITOR,
        S.MONITOR: S.DONE,
    },
    "base-tested": {S.PLANNING: S.PLANNING, S.BUILD: S.BUILD},
    "plan-proposed": {S.PLANNING: S.PLANNING},
    "plan-edited": {S.PLANNING: S.PLANNING, S.DESIGN: S.DESIGN, S.BUILD: S.BUILD},
    "resized": {S.BUILD: S.PLANNING},
    "plan-given-up": {S.BUILD: S.PLANNING},
    "gate-opened": STAYS,
    "gate-decided": STAYS,
    "design-proposed": {S.DESIGN: S.BUILD},
    "red-first": {S.DESIGN: S.DESIGN, S.BUILD: S.BUILD},
    "acceptance-written": {S.DESIGN: S.DESIGN, S.BUILD: S.BUILD},
    "task-started": {S.BUILD: S.BUILD},
    "task-failed": {S.BUILD: S.BUILD},
    "task-steered": {S.BUILD: S.BUILD, S.FAILED: S.FAILED, S.CANCELLED: S.CANCELLED},
    "task-landed": {S.BUILD: S.BUILD},  # the acceptance tests are still to be written
    "tested": {S.TEST: S.REVIEW},
    "failure-triaged": {S.TEST: S.BUILD},
    "reviewed": {S.REVIEW: S.REVIEW},
    "mutants-tried": {s: s for s in (S.PLANNING, S.DESIGN, S.BUILD, S.REVIEW, S.DEPLOY)},
    "change-shown": {S.REVIEW: S.REVIEW},
    "hunks-decided": {S.REVIEW: S.REVIEW},
    "delivered": {S.REVIEW: S.DEPLOY},
    "deployment-planned": {S.DEPLOY: S.DEPLOY},
    "deployed": {S.DEPLOY: S.MONITOR},
    "deploy-failed": {S.DEPLOY: S.BUILD},
    "monitored": {S.MONITOR: S.DONE},
    "run-failed": dict.fromkeys(ACTIVE, S.FAILED),
    "run-cancelled": dict.fromkeys((*ACTIVE, S.FAILED), S.CANCELLED),
    "cap-met": STAYS,
    "caps-raised": STAYS,
    "kept": {S.FAILED: S.FAILED, S.CANCELLED: S.CANCELLED},
    "run-resumed": {**STAYS, S.FAILED: S.TEST, S.CANCELLED: S.BUILD},
}


def state_at(stage: Stage, kind: str = "") -> RunState:
    """The least state of a stage in which an event of that kind makes sense."""
    events = list(WAY_TO[stage])
    if kind == "gate-decided" and stage in ACTIVE:
        events.append(opened("question"))
    if kind == "resized":
        events = [
            ev.PlanProposed(plan=plan(size="small")) if e.kind == "plan-proposed" else e for e in events
        ]
    if kind == "plan-edited" and stage is S.PLANNING:
        events.append(ev.PlanProposed(plan=plan()))
    if kind == "failure-triaged" and stage is S.TEST:
        events.append(RED)
    if kind == "hunks-decided" and stage is S.REVIEW:
        events.append(SHOWN)
    if kind == "task-steered" and stage is S.FAILED:
        events = [*WAY_TO[S.BUILD], ev.RunFailed(reason="No money.")]
    if kind == "plan-given-up" and stage is S.BUILD:
        events.append(ev.TaskFailed(task="a", attempt=0, cause="impossible", digest="No."))
    state = replay(events)
    assert state is not None
    assert state.stage is stage
    return state


def fitting(kind: str, stage: Stage) -> ev.Event:
    if kind == "stage-skipped" and stage in WORKING:
        return ev.StageSkipped(stage=stage, reason="not needed")
    return EACH[kind]


def test_the_samples_and_the_table_are_complete() -> None:
    kinds = {e.model_fields["kind"].default for e in get_args(get_args(ev.Event)[0])}
    assert set(EACH) == set(NEXT) == set(LEGAL) == kinds
    assert set(WAY_TO) == set(Stage)


@pytest.mark.parametrize("kind", EACH)
@pytest.mark.parametrize("stage", Stage)
def test_each_event_in_each_stage(stage: Stage, kind: str) -> None:
    state, event = state_at(stage, kind), fitting(kind, stage)
    allowed = stage in NEXT[kind]
    assert legal(stage, event) is allowed
    if not allowed:
        with pytest.raises(IllegalTransition):
            fold(state, event)
        return
    before = state.model_dump_json()
    after = fold(state, event)
    assert after.stage is NEXT[kind][stage]
    assert state.model_dump_json() == before, "fold must not change its argument"
    assert fold(state, event) == after
    assert decide(after) == decide(RunState.model_validate_json(after.model_dump_json()))


@pytest.mark.parametrize("kind", EACH)
def test_only_a_start_begins_a_run(kind: str) -> None:
    assert legal(None, EACH[kind]) is (kind == "run-started")
    if kind != "run-started":
        with pytest.raises(IllegalTransition, match="has not begun"):
            fold(None, EACH[kind])
    assert replay([]) is None


@pytest.mark.parametrize("event", EACH.values(), ids=EACH.keys())
def test_every_event_survives_json(event: ev.Event) -> None:
    assert ev.EVENT.validate_json(ev.EVENT.dump_json(event)) == event


@pytest.mark.parametrize("stage", Stage)
def test_the_state_survives_json(stage: Stage) -> None:
    state = state_at(stage)
    assert RunState.model_validate_json(state.model_dump_json()) == state
    red = replay([*WAY_TO[S.TEST], RED, EACH["failure-triaged"]])
    assert red is not None
    assert red.seen
    assert RunState.model_validate_json(red.model_dump_json()) == red


# ---- the main way, and what is wanted at each of its points


MAIN_WAY: list[tuple[ev.Event, tuple[str, ...]]] = [
    (started(), ("TakeSnapshot",)),
    (SNAPSHOT, ("TestBase number=0",)),
    (BASE, ("MakePlan revision=1",)),
    (ev.PlanProposed(plan=plan("a", "b<a")), ("OpenGate plan-1",)),
    (opened("plan"), ()),
    (decided("plan-1"), ("MakeDesign revision=1 number=0",)),
    (DESIGN, ("WriteAcceptance round=0",)),
    (ACCEPTANCE, ("RunTask a revision=1 attempt=0 rung=first",)),
    (EACH["task-started"], ("RunTask a revision=1 attempt=0 rung=first",)),
    (LANDED, ("RunTask b revision=1 attempt=0 rung=first",)),
    (ev.TaskLanded(task="b", attempt=0, commit="c4", tree="t4"), ("RunTests number=0",)),
    (GREEN, ("ReviewChange number=0",)),
    (REVIEWED, ("ShowChange number=1",)),
    (SHOWN, ("OpenGate apply-1",)),
    (opened("apply", f"tree t4\n{READ}"), ()),
    (decided("apply-1"), ("HandOver number=1",)),
    (DELIVERED, ("PlanDeployment number=0",)),
    (SERVICE, ("OpenGate deploy-1",)),
    (opened("deploy", "serve (attempt 1)"), ()),
    (decided("deploy-1"), ("DeployService number=1",)),
    (DEPLOYED, ("Watch d1",)),
    (QUIET, ()),
]


def told(effect: ef.Effect) -> str:
    name = type(effect).__name__
    match effect:
        case ef.OpenGate():
            return f"{name} {effect.gate.id}"
        case ef.RunTask():
            return (
                f"{name} {effect.task} revision={effect.revision} attempt={effect.attempt} rung={effect.rung}"
            )
        case ef.Watch():
            return f"{name} {effect.deployment}"
        case ef.SkipStage():
            return f"{name} {effect.stage}"
        case _:
            shown = effect.model_dump(exclude={"digest", "unverified", "suites"})
            return " ".join([name, *(f"{key}={value}" for key, value in shown.items())])


def test_the_main_way_and_its_effects() -> None:
    state = None
    for event, wanted in MAIN_WAY:
        state = fold(state, event)
        assert tuple(told(e) for e in decide(state)) == wanted, event.kind
        assert [e.key for e in decide(state)] == [e.key for e in decide(state)]
    assert state is not None
    assert state.stage is S.DONE
    assert state.deployment is not None
    assert not state.open_gates


def test_the_main_way_can_be_replayed_from_its_json() -> None:
    stored = [ev.EVENT.dump_json(event) for event, _ in MAIN_WAY]
    assert replay([ev.EVENT.validate_json(row) for row in stored]) == replay([e for e, _ in MAIN_WAY])


def test_gates_ask_a_person_only_as_far_as_the_run_may_not_go_by_itself() -> None:
    table = {
        "suggest": {"plan", "apply", "deploy"},
        "auto-edit": {"plan", "deploy"},
        "full-auto": set(),
    }
    for autonomy, kinds in table.items():
        state = fold(None, started(autonomy=autonomy))
        alone = fold(None, started(autonomy=autonomy, attended=False))
        for kind in get_args(ev.GateKind):
            assert asks(state, kind) is (kind in kinds | {"question", "unverified", "budget", "command"})
            assert not asks(alone, kind)
        assert asks(state.changed(deploys=False), "deploy"), "nobody agreed beforehand"


# ---- gates


def test_a_gate_is_decided_once_and_only_when_open() -> None:
    state = state_at(S.PLANNING)
    with pytest.raises(IllegalTransition, match="not open"):
        fold(state, decided("question-1"))
    state = fold(fold(state, opened("question")), decided("question-1"))
    with pytest.raises(IllegalTransition, match="not open"):
        fold(state, decided("question-1"))


def test_a_gate_is_opened_once() -> None:
    state = fold(fold(state_at(S.BUILD), opened("command")), decided("command-1", "reject"))
    with pytest.raises(IllegalTransition, match="opened already"):
        fold(state, opened("command"))


def test_a_command_is_run_or_it_is_not_and_the_run_goes_on() -> None:
    before = state_at(S.BUILD)
    state = fold(before, opened("command"))
    assert decide(state) == decide(before), "nothing else waits for the answer"
    with pytest.raises(IllegalTransition, match="run or it is not"):
        fold(state, decided("command-1", "answer", "always"))
    for decision in ("approve", "reject"):
        after = fold(state, decided("command-1", decision, "because"))
        assert (after.stage, decide(after)) == (before.stage, decide(before))
    alone = state.changed(attended=False)
    assert not passes_by_policy(alone, "command")
    assert rejected_unattended(alone, "command")


def test_a_rejected_plan_is_made_anew_with_the_reason() -> None:
    state = replay([*WAY_TO[S.DESIGN][:-1], decided("plan-1", "reject", "Too big.")])
    assert state is not None
    assert (state.stage, state.plan, state.tasks) == (S.PLANNING, None, {})
    (effect,) = decide(state)
    assert isinstance(effect, ef.MakePlan)
    assert effect.revision == 2
    assert "Too big." in effect.digest


def test_a_rejected_change_is_reworked_and_never_handed_over() -> None:
    state = replay([*WAY_TO[S.REVIEW], REVIEWED, opened("apply", "tree t2")])
    state = fold(state, decided("apply-1", "reject", "Wrong colour."))
    assert state.stage is S.BUILD
    (effect,) = decide(state)
    assert isinstance(effect, ef.RunTask)
    assert effect.task == "rework-1"
    assert "Wrong colour." in state.tasks["rework-1"].digest
    # The rework changed nothing: the same tree comes back, and it is still the rejected one.
    for event in (
        ev.TaskLanded(task="rework-1", attempt=0, commit="c5", tree="t2"),
        GREEN,
        REVIEWED,
        SHOWN,
    ):
        state = fold(state, event)
    assert [told(e) for e in decide(state)] == ["OpenGate apply-2"]


def test_an_approved_change_is_asked_for_again_when_the_tree_is_another() -> None:
    state = replay([*WAY_TO[S.REVIEW], REVIEWED, SHOWN, opened("apply", "tree other"), decided("apply-1")])
    assert state is not None
    assert [told(e) for e in decide(state)] == ["OpenGate apply-2"]


def test_a_deployment_that_is_not_wanted_ends_the_run_well() -> None:
    state = replay([*WAY_TO[S.DEPLOY], SERVICE, opened("deploy", "serve (attempt 1)")])
    state = fold(state, decided("deploy-1", "reject", "Not today."))
    assert state.skips[S.DEPLOY] == "not deployed: Not today."
    assert [told(e) for e in decide(state)] == ["SkipStage MONITOR"]


def test_alone_a_service_is_started_only_by_the_persons_own_settings() -> None:
    alone = [started(attended=False), *WAY_TO[S.DEPLOY][1:]]
    state = fold(replay(alone), SERVICE)
    assert [told(e) for e in decide(state)] == ["OpenGate deploy-1"], "as runs of earlier versions did"
    assert passes_by_policy(state, "deploy")
    state = fold(state.changed(deploys=False), opened("deploy", "serve (attempt 1)"))
    assert not passes_by_policy(state, "deploy"), "whoever was asked is not here any more"
    (effect,) = decide(state)
    assert isinstance(effect, ef.SkipStage)
    left = fold(state, ev.StageSkipped(stage=S.DEPLOY, reason=effect.reason))
    assert not left.open_gates
    assert [told(e) for e in decide(left)] == ["SkipStage MONITOR"]
    # What a person agreed to before they left is done.
    assert [told(e) for e in decide(fold(state, decided("deploy-1")))] == ["DeployService number=1"]


def test_the_settings_of_now_say_whether_a_run_that_goes_on_may_deploy() -> None:
    state = fold(state_at(S.DEPLOY), ev.RunResumed(by="person", deploys=False))
    assert not state.deploys
    assert not fold(state, ev.RunResumed(by="person")).deploys
    assert fold(state, ev.RunResumed(by="person", deploys=True)).deploys


def test_a_branch_is_left_without_asking_and_nothing_is_watched() -> None:
    state = replay([*WAY_TO[S.DEPLOY], DeploymentPlanned(target="branch", reason="A library.")])
    assert state is not None
    assert [told(e) for e in decide(state)] == ["DeployService number=1"]
    left = Deployment(id="d", target="branch", commit="c3", branch="wainwright/x")
    assert [told(e) for e in decide(fold(state, Deployed(deployment=left)))] == ["SkipStage MONITOR"]


def test_no_to_a_question_fails_the_run() -> None:
    state = replay([*WAY_TO[S.BUILD], opened("question"), decided("question-1", "reject", "Stop it.")])
    assert state is not None
    assert state.stage is S.FAILED
    assert state.failure is not None
    assert "Stop it." in state.failure.reason
    assert fold(state, ev.RunResumed(by="person")).stage is S.BUILD


# ---- TEST without a receipt


def unverified(state: RunState) -> RunState:
    (effect,) = decide(state)
    assert isinstance(effect, ef.OpenGate)
    assert effect.gate.kind == "unverified"
    return fold(state, ev.GateOpened(gate=effect.gate))


def at_test(**changes: Any) -> RunState:
    """In TEST, with nothing that could make a receipt unless ``tier`` and ``suites`` say otherwise."""
    snapshot = SNAPSHOT.model_copy(update={"suites": changes.pop("suites", ())})
    state = replay([started(**changes), snapshot, *WAY_TO[S.DESIGN][3:], DESIGN, LANDED])
    assert state is not None
    assert state.stage is S.TEST
    return state


def test_only_a_person_passes_tests_that_cannot_be_run() -> None:
    state = unverified(at_test())
    assert decide(state) == ()
    (effect,) = decide(fold(state, decided("unverified-1")))
    assert isinstance(effect, ef.RunTests)
    assert effect.unverified


def test_a_no_to_unverified_stays_a_no_when_the_run_is_resumed() -> None:
    state = fold(unverified(at_test()), decided("unverified-1", "reject"))
    assert state.stage is S.FAILED
    (effect,) = decide(fold(state, ev.RunResumed(by="person")))
    assert isinstance(effect, ef.OpenGate)
    assert effect.gate.id == "unverified-2"


def test_a_yes_to_unverified_holds_for_that_tree_only() -> None:
    state = fold(unverified(at_test()), decided("unverified-1"))
    passed = ev.Tested(tree="t2", verdict=Verdict(passed=True), unverified=True)
    for event in (passed, ev.Reviewed(tree="t2", summary="", findings=(finding("patch"),))):
        state = fold(state, event)
    state = fold(state, ev.TaskLanded(task="review-1", attempt=0, commit="c9", tree="t9"))
    (effect,) = decide(state)
    assert isinstance(effect, ef.OpenGate)
    assert effect.gate.id == "unverified-2"


def test_unattended_without_a_possible_receipt_fails() -> None:
    (effect,) = decide(at_test(attended=False))
    assert isinstance(effect, ef.Fail)
    assert "not known how" in effect.reason
    (effect,) = decide(at_test(attended=False, tier="none", tier_reason="no bubblewrap", suites=SUITES))
    assert isinstance(effect, ef.Fail)
    assert "no bubblewrap" in effect.reason


def test_without_a_fence_a_person_says_before_a_model_is_paid_whether_the_run_goes_on() -> None:
    state = replay([started(tier="none", tier_reason="no bubblewrap"), SNAPSHOT])
    assert state is not None
    (effect,) = decide(state)
    assert isinstance(effect, ef.OpenGate)
    assert (effect.gate.kind, effect.gate.detail) == (
        "unverified",
        "no command is run without a sandbox: no bubblewrap",
    )
    asked = fold(state, ev.GateOpened(gate=effect.gate))
    assert decide(asked) == (), "nothing is paid while they think"
    assert fold(asked, decided("unverified-1", "reject")).stage is S.FAILED
    state = fold(asked, decided("unverified-1"))
    assert [told(e) for e in decide(state)] == ["MakePlan revision=1"]
    for event in (*WAY_TO[S.DESIGN][3:], DESIGN):
        state = fold(state, event)
    assert [told(e) for e in decide(state)] == ["RunTask a revision=1 attempt=0 rung=first"]
    fenced = fold(fold(state, ev.RunFailed(reason="no disk")), ev.RunResumed(by="person", tier="bubblewrap"))
    assert [told(e) for e in decide(fenced)] == ["TestBase number=0"]


def test_without_a_fence_and_without_a_person_no_model_is_paid() -> None:
    state = replay([started(tier="none", tier_reason="no bubblewrap", attended=False), SNAPSHOT])
    assert state is not None
    (effect,) = decide(state)
    assert isinstance(effect, ef.Fail)
    assert "no bubblewrap" in effect.reason


# ---- the test command


MAKE = Suite(command="make check", reason="the plan names it")
WEB = Suite(command="npm test", folder="web")
NOTHING_RAN = ev.BaseTested(receipt=receipt(exit_code=5).model_copy(update={"cases": ()}))


@pytest.mark.parametrize(
    ("known", "base", "named", "used"),
    [
        ((), None, (MAKE,), (MAKE,)),
        (SUITES, BASE, (MAKE,), SUITES),
        (SUITES, BASE, (MAKE, WEB), (*SUITES, WEB)),
        (SUITES, NOTHING_RAN, (MAKE, WEB), (MAKE, WEB)),
        (SUITES, NOTHING_RAN, (), SUITES),
        (SUITES, NOTHING_RAN, SUITES, SUITES),
    ],
    ids=["none known", "one works", "of another folder", "one says nothing", "none named", "the same"],
)
def test_the_planner_overrules_what_says_nothing_and_adds_to_what_works(
    known: tuple[Suite, ...], base: ev.BaseTested | None, named: tuple[Suite, ...], used: tuple[Suite, ...]
) -> None:
    snapshot = SNAPSHOT.model_copy(update={"suites": known})
    events = [started(), snapshot, *([base] if base else []), ev.PlanProposed(plan=plan(suites=named))]
    state = replay(events)
    assert state is not None
    assert state.suites == used
    wanted = "TestBase number=" if used != known else "OpenGate plan-1"
    assert next(told(e) for e in decide(state)).startswith(wanted)


def test_a_suite_that_cannot_run_is_gone_until_somebody_names_the_suites() -> None:
    out = LeftOut(suite=WEB, reason="`cd web && npm test` cannot run here: no npm; it is not run.")
    base = ev.BaseTested(receipt=receipt().model_copy(update={"left_out": (out,)}))
    snapshot = SNAPSHOT.model_copy(update={"suites": (*SUITES, WEB)})
    state = replay([started(), snapshot, base])
    assert state is not None
    assert (state.suites, state.left_out) == (SUITES, (out,))
    again = fold(state, ev.BaseTested(receipt=receipt()))
    assert (again.suites, again.left_out) == (SUITES, (out,)), "it is told on"
    named = fold(
        fold(state, ev.RunFailed(reason="no disk")), ev.RunResumed(by="person", suites=(*SUITES, WEB))
    )
    assert (named.suites, named.left_out) == ((*SUITES, WEB), ())


def test_one_test_command_is_read_as_one_suite() -> None:
    """Models name one, and earlier versions wrote it so."""
    assert plan(test_command="make check").suites == (MAKE,)
    assert plan(test_command=None).suites == ()
    for kind, more in (
        ("snapshot-taken", {"commit": "c", "tree": "t", "head": None}),
        ("run-resumed", {"by": "person"}),
    ):
        event = ev.EVENT.validate_python({"kind": kind, **more, "test_command": "pytest"})
        assert isinstance(event, ev.SnapshotTaken | ev.RunResumed)
        assert event.suites == SUITES
    told_before = {"kind": "base-tested", "command": "pytest", "reason": "no sandbox"}
    assert ev.EVENT.validate_python(told_before) == ev.BaseTested(reason="no sandbox")


@pytest.mark.parametrize("folder", ["/etc", "../other", "a/../../b", "~/x"])
def test_tests_run_inside_the_workspace(folder: str) -> None:
    with pytest.raises(PlanError, match="inside it"):
        plan(suites=(Suite(command="true", folder=folder),))


def test_going_on_without_tests_is_said_in_words() -> None:
    broken = ev.BaseTested(receipt=receipt(exit_code=1, environment="No module named x"))
    state = replay([*WAY_TO[S.PLANNING], broken])
    assert state is not None
    (effect,) = decide(state)
    assert isinstance(effect, ef.OpenGate)
    assert "without tests" in effect.gate.detail
    asked = fold(state, ev.GateOpened(gate=effect.gate))
    assert decide(asked) == (), "no model is paid while they think"
    again = fold(asked, decided("question-1"))
    assert [told(e) for e in decide(again)] == ["TestBase number=1"]
    without = fold(asked, decided("question-1", "answer", " Without tests "))
    assert [told(e) for e in decide(without)] == ["MakePlan revision=1"]
    assert cautions(without) == ("No test was run: No module named x.",)
    alone = replay([started(attended=False), SNAPSHOT, broken])
    assert alone is not None
    (effect,) = decide(alone)
    assert isinstance(effect, ef.Fail)
    assert effect.reason == "The tests cannot run here. No module named x"


def test_a_base_that_cannot_be_tested_is_a_question_and_each_answer_a_new_try() -> None:
    broken = ev.BaseTested(receipt=receipt(exit_code=1, environment="No module named x"))
    state = replay([*WAY_TO[S.PLANNING], broken, *WAY_TO[S.DESIGN][3:], DESIGN])
    numbers = []
    for _ in range(3):
        assert state is not None
        (effect,) = decide(state)
        assert isinstance(effect, ef.OpenGate)
        assert "No module named x" in effect.gate.detail
        state = fold(fold(state, ev.GateOpened(gate=effect.gate)), decided(effect.gate.id, "answer", "done"))
        (effect,) = decide(state)
        assert isinstance(effect, ef.TestBase)
        numbers.append(effect.number)
        state = fold(state, broken)
    assert len(set(numbers)) == 3, "a recorded outcome would be returned for ever"


# ---- routes, holds, ends


@pytest.mark.parametrize("stage", WORKING)
def test_every_stage_can_be_left_out(stage: Stage) -> None:
    state = state_at(stage).model_copy(update={"route": tuple(s for s in WORKING if s is not stage)})
    (effect,) = decide(state)
    assert isinstance(effect, ef.SkipStage)
    assert effect.stage is stage
    after = fold(state, ev.StageSkipped(stage=stage, reason=effect.reason))
    assert after.skips == {stage: effect.reason}
    assert stage is S.REVIEW or after.stage is not stage


def test_a_stage_is_skipped_only_where_the_run_stands() -> None:
    with pytest.raises(IllegalTransition, match="cannot be skipped"):
        fold(state_at(S.PLANNING), ev.StageSkipped(stage=S.TEST, reason="hurry"))


@pytest.mark.parametrize("until", WORKING)
def test_a_run_holds_after_a_stage_until_it_is_let_go(until: Stage) -> None:
    for stage in Stage:
        state = state_at(stage).model_copy(update={"until": until})
        beyond = stage in ACTIVE and ACTIVE.index(stage) > ACTIVE.index(until)
        assert held(state) is beyond
        if beyond:
            assert decide(state) == ()
            assert decide(fold(state, ev.HoldMoved(until=None))) == decide(state_at(stage))


@pytest.mark.parametrize("until", [S.DONE, S.FAILED, S.CANCELLED])
def test_an_end_is_no_place_to_hold_at(until: Stage) -> None:
    for stage in ACTIVE:
        state = fold(state_at(stage), ev.HoldMoved(until=until))
        assert not held(state)
        assert decide(state)


@pytest.mark.parametrize("stage", [S.FAILED, S.CANCELLED])
def test_an_end_that_is_not_done_keeps_what_was_achieved_once(stage: Stage) -> None:
    state = state_at(stage)
    assert decide(state) == (ef.KeepWork(number=0),)
    kept = fold(state, EACH["kept"])
    assert decide(kept) == ()
    again = fold(fold(kept, ev.RunResumed(by="person")), ev.RunFailed(reason="No money."))
    assert decide(again) == (ef.KeepWork(number=1),)


def test_nothing_is_wanted_when_it_is_done() -> None:
    assert decide(state_at(S.DONE)) == ()


@pytest.mark.parametrize("stage", ACTIVE)
@pytest.mark.parametrize("end", ["run-failed", "run-cancelled", "both"])
def test_a_stopped_run_goes_on_where_it_stopped(stage: Stage, end: str) -> None:
    state = before = state_at(stage)
    for kind in ("run-failed", "run-cancelled") if end == "both" else (end,):
        state = fold(state, EACH[kind])
    state = fold(state, ev.RunResumed(by="person"))
    assert (state.stage, state.failure, state.stopped_at) == (stage, None, None)
    assert decide(state) == decide(before)


# ---- what has begun

PAUSES: dict[str, list[ev.Event]] = {
    "nothing": [],
    "a hold": [ev.HoldMoved(until=S.PLANNING)],
    "a question": [opened("question")],
    "another task lacks something": [ev.TaskFailed(task="b", attempt=0, cause="environment", digest="no db")],
    "the plan is to be made anew": [ev.TaskFailed(task="b", attempt=0, cause="impossible", digest="No.")],
    "the base is tested once more": [
        ev.TaskFailed(task="b", attempt=0, cause="environment", digest="no db"),
        opened("question"),
        decided("question-1", "answer"),
    ],
}
ENDINGS: dict[str, list[ev.Event]] = {
    "cancelled": [ev.RunCancelled(by="person")],
    "failed": [ev.RunFailed(reason="no disk")],
    "a question refused": [opened("question"), decided("question-1", "reject")],
    "planned anew": [
        ev.GateOpened(gate=gate(returns_to=S.PLANNING)),
        decided("question-1", "answer", "another way"),
        ev.PlanGivenUp(),
    ],
    "landed": [LANDED],
    "the next attempt": [ev.TaskFailed(task="a", attempt=0, cause="code", digest="red")],
}


def at_work(*, tested: bool = True) -> RunState:
    """Three tasks: `a` has begun, `b` could, `c` waits for `b`."""
    state = replay(
        [
            started(),
            SNAPSHOT,
            BASE if tested else ev.BaseTested(reason="no sandbox then"),
            ev.PlanProposed(plan=plan("a", "b", "c<b")),
            opened("plan", number=9),
            decided("plan-9"),
            DESIGN,
            ACCEPTANCE,
            ev.TaskStarted(task="a", revision=1, attempt=0, rung="first"),
        ]
    )
    assert state is not None
    return state


ATTEMPT = ef.RunTask(task="a", revision=1, attempt=0, rung="first")
OTHER = ef.RunTask(task="b", revision=1, attempt=0, rung="first")


@pytest.mark.parametrize("pause", PAUSES)
def test_a_pause_lets_finish_what_has_begun_and_nothing_begin(pause: str) -> None:
    state = at_work(tested=pause != "the base is tested once more")
    for event in PAUSES[pause]:
        state = fold(state, event)
    assert goes_on(state, ATTEMPT)
    assert ATTEMPT in decide(state) or OTHER not in decide(state)
    ended = fold(state, LANDED)
    assert ended.tasks["a"].status == "landed"
    assert not goes_on(ended, ATTEMPT)


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_over_is_not_let_finish(ending: str) -> None:
    state = at_work()
    for event in ENDINGS[ending]:
        state = fold(state, event)
    assert not goes_on(state, ATTEMPT)


@pytest.mark.parametrize("stage", ACTIVE)
def test_what_is_wanted_goes_on_through_a_hold(stage: Stage) -> None:
    state = state_at(stage)
    held_back = state.model_copy(update={"until": S.NEW})
    for effect in decide(state):
        assert goes_on(state, effect)
        assert goes_on(held_back, effect)
        assert not goes_on(fold(state, ev.RunCancelled(by="person")), effect)


# ---- what the events of a task have to fit


@pytest.mark.parametrize(
    "event",
    [
        ev.TaskStarted(task="ghost", revision=1, attempt=0, rung="first"),
        ev.TaskFailed(task="ghost", attempt=0, cause="code", digest=""),
        ev.TaskLanded(task="ghost", attempt=0, commit="c", tree="t"),
        ev.TaskStarted(task="a", revision=2, attempt=0, rung="first"),
        ev.TaskStarted(task="a", revision=1, attempt=1, rung="first"),
        ev.TaskFailed(task="a", attempt=1, cause="code", digest=""),
        ev.TaskLanded(task="a", attempt=1, commit="c", tree="t"),
    ],
    ids=lambda event: f"{event.kind}-{event.task}-{event.attempt}",
)
def test_news_of_another_attempt_is_refused(event: ev.Event) -> None:
    with pytest.raises(IllegalTransition):
        fold(state_at(S.BUILD), event)


def test_what_has_landed_cannot_fail() -> None:
    state = fold(state_at(S.BUILD), LANDED)
    for cause in ("code", "conflict", "impossible", "environment", "model"):
        with pytest.raises(IllegalTransition):
            fold(
                state, ev.TaskFailed.model_validate({"task": "a", "attempt": 0, "cause": cause, "digest": ""})
            )


def test_a_failure_is_triaged_only_after_a_red_receipt() -> None:
    with pytest.raises(IllegalTransition, match="no red receipt"):
        fold(state_at(S.TEST), EACH["failure-triaged"])


@given(st.text(min_size=1).filter(lambda text: bool(text.strip())))
def test_any_goal_makes_a_plan_when_nobody_plans(text: str) -> None:
    route = (S.BUILD, S.TEST, S.REVIEW)
    goal = Goal(text=text)
    events: list[ev.Event] = [
        started(goal=goal, route=route),
        SNAPSHOT,
        ev.StageSkipped(stage=S.PLANNING, reason="short"),
    ]
    state = replay(events)
    assert state is not None
    assert list(state.tasks) == ["goal"]
    assert state.plan is not None
    assert state.plan.tasks[0].instruction.startswith(goal.text)


def test_a_resumed_run_sees_its_surroundings_as_they_are_now() -> None:
    event = ev.RunResumed(by="person", attended=True, tier="bubblewrap", suites=(MAKE,))
    state = fold(at_test(tier="none", attended=False), ev.RunFailed(reason="no sandbox"))
    resumed = fold(state, event)
    assert (resumed.tier, resumed.attended, resumed.suites) == ("bubblewrap", True, (MAKE,))
    assert resumed.base_tested is None
    assert fold(state, ev.RunResumed(by="person")).tier == "none"


def test_a_run_that_changes_hands_stays_where_it_is() -> None:
    state = replay([started(attended=True), SNAPSHOT])
    assert state is not None
    alone = fold(state, ev.RunResumed(by="person", attended=False))
    assert (alone.stage, alone.attended, alone.resumes) == (state.stage, False, state.resumes)


# ---- mutants, beside the review


def in_review(*events: ev.Event, seconds: float = 60.0) -> RunState:
    begun = started().model_copy(update={"mutant_seconds": seconds})
    state = replay([begun, *WAY_TO[S.REVIEW][1:], *events])
    assert state is not None
    return state


def mutants_wanted(state: RunState) -> bool:
    return "TryMutants" in [type(effect).__name__ for effect in decide(state)]


def test_mutants_are_tried_beside_the_review_and_known_at_the_gate() -> None:
    assert [type(effect).__name__ for effect in decide(in_review())] == ["ReviewChange", "TryMutants"]
    assert [type(effect).__name__ for effect in decide(in_review(REVIEWED))] == ["TryMutants"]
    assert [type(effect).__name__ for effect in decide(in_review(REVIEWED, TRIED, SHOWN))] == ["OpenGate"]
    assert not mutants_wanted(in_review(seconds=0))
    assert not mutants_wanted(in_review(REVIEWED, DELIVERED))


def test_a_tree_is_tried_once() -> None:
    assert not mutants_wanted(in_review(TRIED))
    assert mutants_wanted(in_review(TRIED.model_copy(update={"tree": "an earlier one"})))
    without = decide(in_review(REVIEWED, seconds=0))
    assert decide(in_review(REVIEWED, TRIED)) == without


# ---- a plan that is given up


def given_up(state: RunState) -> RunState:
    """The plan is to be made anew for `b` while `a` is at work."""
    return fold(state, ev.TaskFailed(task="b", attempt=0, cause="impossible", digest="No."))


def test_a_plan_is_made_anew_when_the_attempts_under_way_have_ended() -> None:
    state = given_up(at_work())
    assert decide(state) == (ATTEMPT,), "and nothing else begins"
    failed = fold(state, ev.TaskFailed(task="a", attempt=0, cause="code", digest="Red.", kept="c7"))
    halted = fold(state, ev.TaskSteered(task="a", way="stop", by="person"))
    paused = fold(state, ev.TaskSteered(task="a", way="pause", by="person"))
    for ended in (fold(state, LANDED), failed, halted, paused):
        (effect,) = decide(ended)
        assert isinstance(effect, ef.GiveUpPlan)
        anew = fold(ended, ev.PlanGivenUp())
        assert anew.stage is S.PLANNING
        assert {*anew.tasks, *anew.set_aside} >= {"a", "b"}
        assert (anew.giving_up, "No." in anew.plan_reason) == ("", True)
        with pytest.raises(IllegalTransition):
            fold(ended.changed(giving_up=""), ev.PlanGivenUp())
    both = fold(state, ev.TaskFailed(task="a", attempt=0, cause="impossible", digest="Nor this."))
    assert fold(both, ev.PlanGivenUp()).plan_reason == (
        "Task b could not be done. No.\n\nTask a could not be done. Nor this."
    )
    assert fold(both, ev.PlanGivenUp()).replans == 1
    for task in ("a", "b"):
        with pytest.raises(IllegalTransition, match="made anew"):
            fold(state, ev.TaskSteered(task=task, way="again", by="person"))


def test_tests_that_are_being_written_come_to_their_end_before_the_plan_is_made_anew() -> None:
    state = fold(at_work(), ev.TaskFailed(task="b", attempt=0, cause="tests", digest="They are wrong."))
    writing = next(one for one in decide(state) if isinstance(one, ef.WriteAcceptance))
    state = fold(state, ev.TaskFailed(task="b", attempt=1, cause="impossible", digest="No."))
    assert goes_on(state, writing)
    assert writing not in decide(state)


def test_a_run_of_an_earlier_version_plans_anew_at_once() -> None:
    state = given_up(at_work().changed(lets_end=False))
    assert (state.stage, state.plan) == (S.PLANNING, None)
    assert not goes_on(state, ATTEMPT)


def test_what_is_asked_is_what_will_be_done_word_for_word() -> None:
    command = ("sh", "-c", "serve a; rm -rf data", "x\n\nR9: nothing", "\u202eb")
    planned = SERVICE.model_copy(update={"command": command})
    (effect,) = decide(state_at(S.DEPLOY).changed(deployment_plan=planned))
    assert isinstance(effect, ef.OpenGate)
    said = r"sh -c 'serve a; rm -rf data' 'x\n\nR9: nothing' '\u202eb' (attempt 0)"
    assert effect.gate.detail == said


@pytest.mark.parametrize("autonomy", ["suggest", "auto-edit", "full-auto"])
def test_control_files_are_asked_about_by_name_whatever_the_autonomy(autonomy: Autonomy) -> None:
    names = (".envrc", ".github/workflows/a\nb.yml")
    state = state_at(S.REVIEW).changed(
        autonomy=autonomy, attended=True, control=names, gates={}, reviewed=REVIEWED, shown=SHOWN
    )
    (effect,) = decide(state)
    assert isinstance(effect, ef.OpenGate)
    assert ".envrc, .github/workflows/a\\nb.yml" in effect.gate.detail
    opened_ = fold(state, ev.GateOpened(gate=effect.gate))
    assert asks(opened_, "apply")
    assert not asks(opened_.changed(attended=False), "apply")
    for by in ("policy", "person"):
        taken = fold(opened_, ev.GateDecided(gate=effect.gate.id, decision="approve", by=by))
        assert agreed_by_person(taken) is (by == "person")
        assert [told(e) for e in decide(taken)] == ["HandOver number=0"]


def test_what_a_diff_does_not_show_is_named_where_a_person_says_yes() -> None:
    said = ("a.png is binary, 9 bytes", "run\nme can be run as a program now")
    landed = fold(at_work(), ev.TaskLanded(task="a", attempt=0, commit="c2", tree="t2", unshown=said))
    state = state_at(S.REVIEW).changed(
        unshown=landed.unshown, attended=True, gates={}, reviewed=REVIEWED, shown=SHOWN
    )
    (effect,) = decide(state)
    assert isinstance(effect, ef.OpenGate)
    lines = effect.gate.detail.split("\n")
    assert "The lines of the change do not show: a.png is binary, 9 bytes" in lines
    assert "The lines of the change do not show: run\\nme can be run as a program now" in lines
