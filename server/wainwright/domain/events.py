"""The facts of a run: one closed, tagged union. A run's state is the fold of these and of nothing else."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, model_validator

from wainwright.domain.caps import CapMet, CapsRaised
from wainwright.domain.deployment import Deployed, DeployFailed, DeploymentPlanned, Monitored
from wainwright.domain.evidence import (
    AcceptanceTest,
    Finding,
    Receipt,
    RedFirst,
    Suite,
    Survivor,
    Verdict,
)
from wainwright.domain.goal import Autonomy, Fact, Goal, Size, Stage, Trust
from wainwright.domain.hunks import ChangeShown, HunksDecided
from wainwright.domain.notes import Noted, NoteReceived
from wainwright.domain.plan import Plan, with_suites

GateKind = Literal["plan", "apply", "deploy", "unverified", "question", "budget", "command"]
Decision = Literal["approve", "reject", "answer"]
FailureCause = Literal[
    "code", "conflict", "impossible", "environment", "model", "bigger", "tests", "halted", "silent"
]
"""``tests``: the acceptance tests are wrong, the implementer says, and the reviewer agrees. ``halted``: an outage, a
refusal or a defect, which says nothing about the work; the same attempt goes on when the run does. ``silent``:
nothing was heard of it any more; another attempt is made, once."""
Steering = Literal["pause", "go-on", "stop", "again", "skip"]
"""What a person does with one task: ``again`` is a new attempt; ``skip`` leaves the task out; the others leave the
present attempt where it is. ``go-on`` has a task built without what was skipped as well."""
Rung = Literal["first", "repair", "fresh", "stronger"]
"""How an attempt is made: anew, with a failure digest, with a fresh mind, by a stronger model."""


class Document(Fact):
    """A document that a role wrote; its name is a path below the run's artifact folder."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$")
    text: str


class CommandAsked(Fact):
    """Who waits for the answer about a command, and what exactly a yes is to."""

    effect: str
    """The key of the work that waits for it; when that has ended, the question is withdrawn."""
    step: str
    """The key of the journal's step that asks."""
    binds: str
    """A digest of that step, the tool, its arguments, the tree, the rules and the fence: with any of them another
    command is asked about."""


class Gate(Fact):
    """A point where a person, or the policy, decides."""

    id: str
    kind: GateKind
    question: str
    detail: str = ""
    returns_to: Stage | None = None
    """For a question: the stage that starts again when it is answered."""
    command: CommandAsked | None = None


class RunStarted(Fact):
    """The run began."""

    kind: Literal["run-started"] = "run-started"
    run: str
    goal: Goal
    workspace: str
    route: tuple[Stage, ...]
    autonomy: Autonomy
    trust: Trust
    tier: str
    """How commands are fenced: the sandbox's name, or ``none`` when none could be proven."""
    tier_reason: str = ""
    attended: bool
    """Whether somebody can answer a gate."""
    overlay: dict[str, str] = Field(default_factory=dict)
    """Unsaved editor buffers: relative path -> digest of the text, which is kept as a blob."""
    until: Stage | None = None
    """Hold after this stage."""
    typed: dict[str, Any] = Field(default_factory=dict)
    """What the person typed on their command line of how it works, in the shape of the settings: it goes on so."""
    commits: tuple[str, ...] = ()
    """What a review looks at: the commit that the change begins on, and the one it ends with."""
    size: Size | None = None
    """How large the person says the goal is; None: the planner says it."""
    mutant_seconds: float = 0.0
    """How long mutants may be tried beside the review; 0: none are."""
    lets_end: bool = False
    """Whether a plan is given up only when the attempts under way have ended; not so in runs of earlier versions."""
    deploys: bool = True
    """Whether the person's settings agree to a deployment that nobody attends; earlier versions took it so."""
    by: str = ""
    """Through which door it was begun; empty in runs of earlier versions."""


class SnapshotTaken(Fact):
    """The base of the run: HEAD, working tree and unsaved buffers as one commit."""

    kind: Literal["snapshot-taken"] = "snapshot-taken"
    commit: str
    tree: str
    head: str | None
    skipped: tuple[str, ...] = ()
    """``path: reason`` of what was left out."""
    suites: tuple[Suite, ...] = ()
    """How the tests are run: what settings name, or what was recognised in the tree."""
    environment: str = ""
    """The layer with what commands need and git does not keep."""
    contents: str = ""
    """The layer with the contents of Git LFS files."""

    @model_validator(mode="before")
    @classmethod
    def _earlier(cls, given: Any) -> Any:
        return with_suites(given)


class HoldMoved(Fact):
    """The person lets the run go on to the end of another stage, or to its end."""

    kind: Literal["hold-moved"] = "hold-moved"
    until: Stage | None
    by: str = ""


class StageSkipped(Fact):
    """The route leaves this stage out."""

    kind: Literal["stage-skipped"] = "stage-skipped"
    stage: Stage
    reason: str


class BaseTested(Fact):
    """The tests were tried on the base; without a receipt ``reason`` says why there is none."""

    kind: Literal["base-tested"] = "base-tested"
    receipt: Receipt | None = None
    reason: str = ""

    @model_validator(mode="before")
    @classmethod
    def _earlier(cls, given: Any) -> Any:
        # What earlier versions named here stands in the receipt as well.
        return {k: v for k, v in given.items() if k != "command"} if isinstance(given, dict) else given


class PlanProposed(Fact):
    """The planner answered."""

    kind: Literal["plan-proposed"] = "plan-proposed"
    plan: Plan


class PlanEdited(Fact):
    """A person edited the plan: before its gate was passed, or those of its tasks that had not begun."""

    kind: Literal["plan-edited"] = "plan-edited"
    plan: Plan
    what: tuple[str, ...] = ()
    """What is otherwise than before, a few words each."""
    by: str


class Resized(Fact):
    """The goal turned out larger than its plan took it for; a run is re-sized once, and planned anew."""

    kind: Literal["resized"] = "resized"
    size: Size
    reason: str


class PlanGivenUp(Fact):
    """What was under way when the plan turned out wrong has ended: it is made anew."""

    kind: Literal["plan-given-up"] = "plan-given-up"


class GateOpened(Fact):
    """Somebody has to decide."""

    kind: Literal["gate-opened"] = "gate-opened"
    gate: Gate


class GateDecided(Fact):
    """Somebody, or the policy, decided."""

    kind: Literal["gate-decided"] = "gate-decided"
    gate: str
    decision: Decision
    reason: str = ""
    seen: str = ""
    """The digest of what was read; empty in earlier versions, and where nobody read it."""
    by: str


class DesignProposed(Fact):
    """The designer answered."""

    kind: Literal["design-proposed"] = "design-proposed"
    summary: str
    documents: tuple[Document, ...]


class AcceptanceWritten(Fact):
    """The tester wrote the acceptance tests. They are kept beside the head, and enter it with their tasks."""

    kind: Literal["acceptance-written"] = "acceptance-written"
    commit: str
    """The head, with those tests on it that belong to no task that is still to come."""
    tree: str
    tests: tuple[AcceptanceTest, ...] = ()
    files: dict[str, str] = Field(default_factory=dict)
    """Path -> content hash: read-only for the implementer."""
    kept: str = ""
    """A commit that has all the files. Empty: earlier versions put them all on the head."""
    owners: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Path -> tasks whose requirements the file shows: it lands with the last of them. What is not named here helps
    the tests, and lands with the first task that brings any."""
    waits: tuple[str, ...] = ()
    """Those files that keep what is there from being built, until what they test is there."""
    summary: str = ""


class RedFirstTested(Fact):
    """The acceptance tests ran on the base, to which nothing but their files was added."""

    kind: Literal["red-first"] = "red-first"
    found: RedFirst = RedFirst()
    receipt: Receipt | None = None
    postponed: str = ""
    """Why they could not run yet; then the first task, which brings what they need, has them run."""


class TaskStarted(Fact):
    """An attempt at a task began."""

    kind: Literal["task-started"] = "task-started"
    task: str
    revision: int
    attempt: int
    rung: Rung


class TaskFailed(Fact):
    """An attempt ended without landing."""

    kind: Literal["task-failed"] = "task-failed"
    task: str
    attempt: int
    cause: FailureCause
    digest: str
    """What the next attempt has to know."""
    kept: str = ""
    """A commit that has what the attempt built, and nothing else beside the head it began on; empty: nothing."""
    hint: str = ""
    """Of one that was halted: what to do about it."""


class TaskSteered(Fact):
    """A person has one task paused, going on, stopped, tried again, or skipped."""

    kind: Literal["task-steered"] = "task-steered"
    task: str
    way: Steering
    by: str


class TaskLanded(Fact):
    """A task's commit is on the run's head, and the merged tree was tested."""

    kind: Literal["task-landed"] = "task-landed"
    task: str
    attempt: int
    commit: str
    tree: str
    summary: str = ""
    receipt: Receipt | None = None
    remarks: tuple[Finding, ...] = ()
    together: tuple[str, ...] = ()
    """The tasks of its batch, in order, where it did not land alone: the tree of the last one has all of them, and is
    the one that was tested."""
    control: tuple[str, ...] = ()
    """Control files that the run's head has otherwise than its base."""
    unshown: tuple[str, ...] = ()
    """What a diff of both does not show, a sentence each: links, modes, binary files."""


class Tested(Fact):
    """The whole suite ran on the head; or, without a possible receipt, a person passed it unverified."""

    kind: Literal["tested"] = "tested"
    tree: str
    verdict: Verdict
    receipt: Receipt | None = None
    unverified: bool = False

    @property
    def shows_nothing(self) -> bool:
        """Whether all that is known is that a command ended as badly as before, of which no test can be told."""
        receipt = self.receipt
        return self.verdict.passed and receipt is not None and not receipt.cases and receipt.exit != 0


class FailureTriaged(Fact):
    """Where a red receipt leads: the code, the test itself, or the surroundings."""

    kind: Literal["failure-triaged"] = "failure-triaged"
    cause: Literal["code", "test", "environment"]
    digest: str
    consent: bool = False
    """For ``test``: the reviewer agreed that the test contradicts the requirements."""


class Reviewed(Fact):
    """The reviewer judged the whole change."""

    kind: Literal["reviewed"] = "reviewed"
    tree: str
    summary: str
    findings: tuple[Finding, ...] = ()


class MutantsTried(Fact):
    """Small changes of the changed lines were tried on the acceptance tests, each alone."""

    kind: Literal["mutants-tried"] = "mutants-tried"
    tree: str
    """The tested tree that they are changes of."""
    made: int
    killed: int = 0
    """Noticed: tests failed, or could not be built or ended."""
    timed_out: int = 0
    """How many of those killed never came to an end."""
    survivors: tuple[Survivor, ...] = ()
    seconds: float = 0.0
    left: int = 0
    """How many were not tried, for want of time or for a reason of its own."""
    reason: str = ""


class Delivered(Fact):
    """The change left the private repository."""

    kind: Literal["delivered"] = "delivered"
    commit: str
    tree: str = ""
    """Where hunks were left out, the tree without them; empty: the tree of the head."""
    left_out: tuple[int, ...] = ()
    """Hunks of the change that was shown which a person refused."""
    not_taken: tuple[str, ...] = ()
    """Files that are not in the editor as the commit has them."""
    branch: str | None = None
    patch: str | None = None
    """Path of a patch file, where there is no repository to take a branch."""
    editor: Literal["applied", "partial", "refused", "absent"] = "absent"
    detail: str = ""
    way: str = ""
    """The command line that takes the branch over from where the person's files stand; it was tried on a copy."""


class RunFailed(Fact):
    """The run cannot go on by itself. It can be resumed."""

    kind: Literal["run-failed"] = "run-failed"
    reason: str
    hint: str = ""


class RunCancelled(Fact):
    """The person stopped the run. Nothing is deleted."""

    kind: Literal["run-cancelled"] = "run-cancelled"
    by: str


class Kept(Fact):
    """What the end of a run that is not done kept of what was achieved."""

    kind: Literal["kept"] = "kept"
    branch: str | None = None
    """What landed, in the person's repository."""
    way: str = ""
    """The command line that takes the branch over from where the person's files stand; it was tried on a copy."""
    patches: tuple[str, ...] = ()
    """Paths of patches, relative to the workspace: what was built and did not land, or what landed without git."""
    detail: str = ""
    """What could not be kept, and why."""


class RunResumed(Fact):
    """A run goes on where it stopped, or in other hands, with the surroundings as they are now; None: as before."""

    kind: Literal["run-resumed"] = "run-resumed"
    by: str
    attended: bool | None = None
    tier: str | None = None
    tier_reason: str = ""
    suites: tuple[Suite, ...] = ()
    typed: dict[str, Any] | None = None
    deploys: bool | None = None
    environment: str | None = None
    """The layer of ignored files that takes the place of one that was removed."""
    contents: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _earlier(cls, given: Any) -> Any:
        return with_suites(given)


Event = Annotated[
    RunStarted
    | SnapshotTaken
    | HoldMoved
    | Noted
    | NoteReceived
    | StageSkipped
    | BaseTested
    | PlanProposed
    | PlanEdited
    | Resized
    | PlanGivenUp
    | GateOpened
    | GateDecided
    | DesignProposed
    | AcceptanceWritten
    | RedFirstTested
    | TaskStarted
    | TaskFailed
    | TaskSteered
    | TaskLanded
    | Tested
    | FailureTriaged
    | Reviewed
    | MutantsTried
    | ChangeShown
    | HunksDecided
    | Delivered
    | DeploymentPlanned
    | Deployed
    | DeployFailed
    | Monitored
    | RunFailed
    | RunCancelled
    | CapMet
    | CapsRaised
    | Kept
    | RunResumed,
    Field(discriminator="kind"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads and writes any event as JSON."""
