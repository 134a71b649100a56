"""What a run is at one moment: the value that ``fold`` makes out of events and that ``decide`` reads."""

import re
from typing import Any, Literal

from pydantic import Field

from wainwright.domain.caps import CapMet
from wainwright.domain.deployment import DeploymentPlanned, Incident, Monitored
from wainwright.domain.events import (
    AcceptanceWritten,
    BaseTested,
    Delivered,
    DesignProposed,
    FailureCause,
    FailureTriaged,
    Gate,
    GateDecided,
    Kept,
    MutantsTried,
    RedFirstTested,
    Resized,
    Reviewed,
    RunFailed,
    Rung,
    TaskFailed,
    Tested,
)
from wainwright.domain.evidence import AcceptanceTest, Deployment, Finding, LeftOut, Receipt, Suite
from wainwright.domain.goal import Autonomy, Fact, Goal, Size, Stage, Trust
from wainwright.domain.hunks import ChangeShown, HunksDecided
from wainwright.domain.notes import Note
from wainwright.domain.plan import Plan, Task

TaskStatus = Literal["waiting", "running", "landed", "stuck", "blocked", "outgrown", "halted", "skipped"]
"""``stuck``: the ladder is at its end; ``blocked``: the surroundings lack something; ``outgrown``: the goal is larger
than it was taken for; ``halted``: an outage or a defect broke its attempt off; ``skipped``: a person left it out."""


class TaskState(Fact):
    """A task and how far it is."""

    task: Task
    revision: int
    """Bumped by every new plan; part of the key of each step."""
    status: TaskStatus = "waiting"
    attempt: int = 0
    rung: Rung = "first"
    digest: str = ""
    """Why the attempt before this one failed, or why the task was added."""
    cause: FailureCause | None = None
    """What kind of failure that was."""
    kept: str = ""
    """A commit that has what the newest attempt that built anything left behind."""
    commit: str | None = None
    summary: str = ""
    remarks: tuple[Finding, ...] = ()
    """What critic and reviewer noted and let pass."""
    paused: bool = False
    """A person has it wait."""
    halted: TaskFailed | None = None
    """What broke the present attempt off, of one that is halted."""
    silent: bool = False
    """Whether an attempt was given up because nothing was heard of it: the next such one is halted."""
    skipped_by: str = ""
    """Who skipped it, of one that is skipped."""
    skipped_tests: tuple[str, ...] = ()
    """The acceptance tests that only it would have made green, of one that is skipped."""
    without: tuple[str, ...] = ()
    """The skipped tasks that it needs and is built without, since a person said so."""


EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""What git calls a tree without files."""


class GateState(Fact):
    """A gate and what was decided."""

    gate: Gate
    decided: GateDecided | None = None


class RunState(Fact):
    """One run at one moment."""

    run: str
    goal: Goal
    workspace: str
    route: tuple[Stage, ...]
    autonomy: Autonomy
    trust: Trust
    tier: str
    tier_reason: str
    attended: bool
    overlay: dict[str, str]
    until: Stage | None
    typed: dict[str, Any] = Field(default_factory=dict)
    """What the person typed of how the run works, such as a model."""
    commits: tuple[str, ...] = ()
    """Of a review of commits: where they begin and end."""
    chosen_size: Size | None = None
    """How large the person says the goal is."""
    resized: Resized | None = None
    mutant_seconds: float = 0.0
    deploys: bool = True
    """Whether what is deployed is agreed to when nobody attends."""
    lets_end: bool = False
    """Whether a plan is given up only when the attempts under way have ended."""
    stage: Stage = Stage.NEW
    notes: tuple[Note, ...] = ()

    base: str | None = None
    base_tree: str | None = None
    person_head: str | None = None
    skipped_files: tuple[str, ...] = ()
    environment: str = ""
    contents: str = ""
    head: str | None = None
    """The run's own head: base, acceptance tests, and every landed task."""
    head_tree: str | None = None
    control: tuple[str, ...] = ()
    """Control files that the head has otherwise than the base."""
    unshown: tuple[str, ...] = ()
    """What a diff of both does not show, a sentence each."""
    suites: tuple[Suite, ...] = ()
    """How the tests are run."""
    own_suites: tuple[Suite, ...] = ()
    """How the person or the workspace says that they are; what else is run, a model has named."""
    left_out: tuple[LeftOut, ...] = ()
    """Suites that were recognised and cannot run here."""
    untested: str = ""
    """What keeps the tests from running, when the person let the run go on all the same."""
    base_tested: BaseTested | None = None
    base_tests: int = 0
    """How often the tests were tried on the base: numbers the tries."""

    plan: Plan | None = None
    revision: int = 0
    plan_approved: bool = False
    plan_reason: str = ""
    """What the next plan or design has to take into account."""
    giving_up: str = ""
    """Why the plan is made anew when what is under way has ended; empty: it is not."""
    former_plan: Plan | None = None
    """The plan before this one, when it was given up."""
    design: DesignProposed | None = None
    former_design: DesignProposed | None = None
    acceptance: AcceptanceWritten | None = None
    former_acceptance: AcceptanceWritten | None = None
    """The tests that were written before these, when they were given up."""
    acceptance_round: int = 0
    acceptance_digest: str = ""
    red_first: RedFirstTested | None = None
    """How the acceptance tests ended before there was anything to make them green."""
    tasks: dict[str, TaskState] = Field(default_factory=dict)
    set_aside: dict[str, TaskState] = Field(default_factory=dict)
    """Tasks of plans that were given up, which had begun and not landed, by id: a new plan may start from them."""
    tests_anew: int = 0
    """How often an implementer had the acceptance tests written anew since the ladder was fresh."""

    tested: Tested | None = None
    test_runs: int = 0
    triaged: FailureTriaged | None = None
    rounds: int = 0
    """How often a red TEST, a review or an incident sent the run back to BUILD since the ladder was fresh."""
    repairs: int = 0
    """How many tasks were added by loop-backs, ever: numbers their ids."""
    replans: int = 0
    seen: frozenset[tuple[str, tuple[str, ...]]] = frozenset()
    """(tree, failing tests) pairs that came up already."""
    reviewed: Reviewed | None = None
    reviews: int = 0
    mutants: MutantsTried | None = None
    """What came of the newest mutants, which may be of an earlier tree."""
    shown: ChangeShown | None = None
    """The change that a person is asked about, in hunks."""
    said: dict[int, HunksDecided] = Field(default_factory=dict)
    """What was said last of each hunk of it; nothing means that it is taken over."""
    delivered: Delivered | None = None
    handed: Delivered | None = None
    """What the person has: the newest delivery, also when more was built since."""
    refused_at: str = ""
    """The newest gate at which some of a change was refused: what is built then is asked about, if the same also."""
    deployment_plan: DeploymentPlanned | None = None
    deployment_plans: int = 0
    deployment: Deployment | None = None
    monitored: Monitored | None = None
    incident: Incident | None = None
    """What went wrong last with a deployment, until one does well; see there for how long it holds."""

    skips: dict[Stage, str] = Field(default_factory=dict)
    gates: dict[str, GateState] = Field(default_factory=dict)
    failure: RunFailed | None = None
    capped: CapMet | None = None
    """The cap that was met, until it is raised: no call begins."""
    raising: GateDecided | None = None
    """The decision by which the caps are being raised."""
    kept: Kept | None = None
    """What the end kept of what was achieved; None: nobody has looked yet."""
    stopped_at: Stage | None = None
    """Where a failed or cancelled run goes on when it is resumed."""
    resumes: int = 0

    def changed(self, **changes: object) -> "RunState":
        """Return the same run with some fields changed; names and types are the caller's to get right."""
        return self.model_copy(update=changes)

    @property
    def size(self) -> Size:
        """How large the goal is: the person says it, else what it turned out to be, else the plan.

        What has several tasks is not small, whoever says so.
        """
        planned = self.plan.size if self.plan else None
        size = self.chosen_size or (self.resized.size if self.resized else None) or planned or "large"
        return "medium" if size == "small" and self.plan and len(self.plan.tasks) > 1 else size

    @property
    def from_nothing(self) -> bool:
        """Whether there was no file before the run: nobody has to be told how to go about what is there."""
        return self.base_tree == EMPTY_TREE and Stage.BUILD in self.route

    @property
    def may_grow(self) -> bool:
        """Whether the goal can still be found larger: once, and not against the person's word."""
        free = self.chosen_size is None and self.resized is None
        return free and self.size == "small" and Stage.PLANNING in self.route

    @property
    def open_gates(self) -> tuple[Gate, ...]:
        """Gates nobody has decided yet."""
        return tuple(g.gate for g in self.gates.values() if g.decided is None)

    def latest_gate(self, kind: str) -> GateState | None:
        """The newest gate of a kind."""
        return next((g for g in reversed(self.gates.values()) if g.gate.kind == kind), None)

    @property
    def unfinished(self) -> tuple[TaskState, ...]:
        """Tasks that have not landed and are to be done."""
        return tuple(t for t in self.tasks.values() if t.status not in ("landed", "skipped"))

    @property
    def gaps(self) -> tuple[Finding, ...]:
        """Findings of the review that only the person can settle, because the goal itself leaves something open."""
        findings = self.reviewed.findings if self.reviewed else ()
        return tuple(f for f in findings if f.binding and f.route == "intent_gap")

    @property
    def present_head(self) -> str:
        """The run's own head. Only after the snapshot."""
        assert self.head is not None
        return self.head

    @property
    def base_receipt(self) -> Receipt | None:
        """The receipt of the base, if its tests were run."""
        return self.base_tested.receipt if self.base_tested else None

    @property
    def fenced(self) -> bool:
        """Whether commands can be run at all."""
        return self.tier != "none"

    @property
    def testable(self) -> bool:
        """Whether tests are run: there is a fence, it is known how, and nobody chose to go on without."""
        return self.fenced and bool(self.suites) and not self.untested

    @property
    def command(self) -> str:
        """How the tests are run, for people."""
        return ", ".join(suite.shown for suite in self.suites)


def guarding(state: RunState, test: AcceptanceTest) -> bool:
    """Whether a test shows what is so already: its author says so, or the plan says it of its requirement."""
    planned = state.plan.requirements if state.plan else ()
    return test.guards or any(r.guards for r in planned if r.id == test.requirement)


def without_test(state: RunState) -> dict[str, str]:
    """The requirements that no test shows, each with the Tester's words on it; empty before tests were written."""
    if state.plan is None or state.acceptance is None:
        return {}
    shown = {test.requirement for test in state.acceptance.tests}
    sentences = re.split(r"(?<=[.!?])\s+|\n+", state.acceptance.summary)
    told = {}
    for one in state.plan.requirements:
        if one.id not in shown:
            own = [said.strip() for said in sentences if re.search(rf"\b{re.escape(one.id)}\b", said)]
            told[one.id] = " ".join(own) or state.acceptance.summary.strip() or "The Tester does not say why."
    return told


def noticed(state: RunState) -> tuple[Finding, ...]:
    """What was remarked while the tasks were built, and the review does not say itself."""
    said = {(one.where, one.trigger) for one in state.reviewed.findings} if state.reviewed else set()
    found = dict.fromkeys(one for task in state.tasks.values() for one in task.remarks)
    return tuple(one for one in found if (one.where, one.trigger) not in said)
