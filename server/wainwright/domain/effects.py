"""What the machine wants done next, as data. The engine performs effects; each ends in events."""

from wainwright.domain.events import Gate, Rung
from wainwright.domain.evidence import Suite
from wainwright.domain.goal import Fact, Size, Stage


class _Effect(Fact):
    @property
    def key(self) -> str:
        """Names this piece of work: the same state always gives the same key, so nothing is started twice."""
        return f"{type(self).__name__}:{self.model_dump_json()}"


class TakeSnapshot(_Effect):
    """Make HEAD, working tree and unsaved buffers one commit: the base."""


class SkipStage(_Effect):
    """Leave out a stage that the route does not need."""

    stage: Stage
    reason: str


class TestBase(_Effect):
    """Run the tests on the base."""

    __test__ = False  # not a pytest class

    suites: tuple[Suite, ...]
    number: int


class MakePlan(_Effect):
    """Ask the planner."""

    revision: int
    digest: str


class Resize(_Effect):
    """Take the goal for a larger one, and plan it anew."""

    size: Size
    reason: str


class GiveUpPlan(_Effect):
    """Have the plan made anew; it begins when all that is under way has ended."""

    revision: int
    reason: str


class OpenGate(_Effect):
    """Let a person, or the policy, decide."""

    gate: Gate


class MakeDesign(_Effect):
    """Ask the designer."""

    revision: int
    number: int
    digest: str


class WriteAcceptance(_Effect):
    """Let the tester write acceptance tests from the requirements."""

    round: int
    digest: str


class RunTask(_Effect):
    """Let an implementer make one attempt at a task, and land it."""

    task: str
    revision: int
    attempt: int
    rung: Rung


class RunTests(_Effect):
    """Run the whole suite on the run's head; ``unverified``: record that a person passed it instead."""

    number: int
    unverified: bool = False


class TriageFailure(_Effect):
    """Find out where a red receipt leads."""

    number: int


class ReviewChange(_Effect):
    """Ask the reviewer about the whole change."""

    number: int


class TryMutants(_Effect):
    """Try small changes of the change on the acceptance tests, beside the review."""

    number: int


class ShowChange(_Effect):
    """Put the change on its branch and into a document, before a person is asked about it."""

    number: int


class HandOver(_Effect):
    """Deliver the change: a branch, and the editor's own edit where one is attached."""

    number: int


class PlanDeployment(_Effect):
    """Ask the deployer, and run its smoke test in the sandbox."""

    number: int


class DeployService(_Effect):
    """Start the service and wait until it is healthy, or record the branch."""

    number: int


class Watch(_Effect):
    """Watch the deployment for the monitor window."""

    deployment: str


class KeepWork(_Effect):
    """Put what a run that ends unfinished has achieved where the person finds it."""

    number: int


class RaiseCaps(_Effect):
    """Give the run the caps that a person chose at a gate, in their words; empty: as much again."""

    gate: str
    answer: str


class Fail(_Effect):
    """End the run as FAILED, resumable."""

    reason: str
    hint: str


Effect = (
    TakeSnapshot
    | SkipStage
    | TestBase
    | MakePlan
    | Resize
    | GiveUpPlan
    | OpenGate
    | MakeDesign
    | WriteAcceptance
    | RunTask
    | RunTests
    | TriageFailure
    | ReviewChange
    | TryMutants
    | ShowChange
    | HandOver
    | PlanDeployment
    | DeployService
    | Watch
    | KeepWork
    | RaiseCaps
    | Fail
)
