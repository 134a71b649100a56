"""What moves the machine: receipts, findings, probes. A model's claim is none of these."""

from typing import Literal

from pydantic import Field

from wainwright.domain.goal import Fact

Outcome = Literal["passed", "failed", "error", "skipped"]


class Case(Fact):
    """One test of a receipt."""

    name: str
    """``file::name`` in pytest's spelling, or what the runner's report calls it."""
    outcome: Outcome
    message: str = ""


class Receipt(Fact):
    """The engine's own record that a command ran on a tree, and how it ended."""

    command: str
    tree: str
    """The git tree hash the command ran on."""
    exit: int | None
    """None when the command was stopped at its time limit."""
    started: float
    """Seconds since the epoch."""
    seconds: float
    cases: tuple[Case, ...] = ()
    """Empty when the command gives no parsed report; then the exit code is all that is known."""
    output: str = ""
    """The end of what the command printed, redacted."""
    environment: str = ""
    """Why the command could not judge the code at all (missing interpreter, missing module), or empty."""

    @property
    def green(self) -> bool:
        """The command ended well and no case failed."""
        return self.exit == 0 and not self.failing

    @property
    def failing(self) -> tuple[str, ...]:
        """Names of the cases that failed or broke, in order."""
        return tuple(c.name for c in self.cases if c.outcome in ("failed", "error"))

    @property
    def passing(self) -> frozenset[str]:
        """Names of the cases that passed."""
        return frozenset(c.name for c in self.cases if c.outcome == "passed")


class Verdict(Fact):
    """What a receipt means beside the base's: computed by the engine, never by a model."""

    passed: bool
    turned_red: tuple[str, ...] = ()
    """Green on the base, red or gone now."""
    acceptance_red: tuple[str, ...] = ()
    """Acceptance tests that do not pass, or have gone."""
    reason: str = ""


class Finding(Fact):
    """One remark of a critic or reviewer."""

    where: str = Field(min_length=1)
    """``path`` or ``path:line``."""
    trigger: str
    """What a person or program does to meet it."""
    consequence: str
    """What then goes wrong."""
    severity: Literal["blocker", "major", "minor"]
    route: Literal["patch", "bad_spec", "intent_gap", "defer"] = "patch"

    @property
    def binding(self) -> bool:
        """Whether it must be answered before the work goes on."""
        return self.severity != "minor" and self.route != "defer"


class AcceptanceTest(Fact):
    """Which test shows which requirement."""

    requirement: str
    test: str


class Deployment(Fact):
    """Something that serves, or what was left for others to take."""

    id: str
    target: str
    """The name of the place it was deployed to."""
    commit: str
    serves: bool = False
    """Whether something runs that can be watched."""
    url: str = ""
    health_path: str = ""
    """What of ``url`` is asked to see whether it is healthy."""
    command: tuple[str, ...] = ()
    pid: int | None = None
    branch: str = ""
    stop: str = ""
    """The shell line that ends it; empty where there is nothing to end."""
