"""What moves the machine: receipts, findings, probes. A model's claim is none of these."""

import re
from collections.abc import Callable, Iterable, Mapping
from textwrap import indent
from typing import Literal

from pydantic import Field

from wainwright.domain.goal import Fact
from wainwright.domain.marks import fenced

Outcome = Literal["passed", "failed", "error", "skipped"]
_PLACE = re.compile(r"(.+?)(?::(\d+))?(?::\d+)?", re.DOTALL)


class Suite(Fact):
    """One test command of a workspace."""

    command: str
    """A shell line."""
    folder: str = "."
    """Where it runs, relative to the workspace."""
    reason: str = ""
    """Why it was chosen, in a person's words."""

    @property
    def shown(self) -> str:
        """The line as a person reads it, with its folder where that is not the workspace's own."""
        return self.command if self.folder == "." else f"{self.command} (in {self.folder})"


class Case(Fact):
    """One test of a receipt, or what kept tests from being run."""

    name: str
    """``file::name`` where the runner tells a file, else ``package::name`` or ``suite::name``."""
    outcome: Outcome
    message: str = ""
    unbuilt: bool = False
    """Not a test: a file or package that could not be built or collected."""
    ending: bool = False
    """Not a test: how a command ended whose tests do not tell it."""
    flaky: bool = False
    """Red first, green when it was run again, alone."""


class LeftOut(Fact):
    """A suite that nobody asked for by name, and that cannot run here: it says nothing of the code."""

    suite: Suite
    reason: str
    """Why it is not run, in a sentence."""


class Receipt(Fact):
    """The engine's own record that commands ran on a tree, and how they ended."""

    command: str
    """The shell line, or lines, as shown."""
    tree: str
    """The git tree hash the command ran on."""
    exit: int | None
    """Of several commands the first that is not 0. None when a command was stopped at its time limit."""
    started: float
    """Seconds since the epoch."""
    seconds: float
    cases: tuple[Case, ...] = ()
    """Empty when the command gives no parsed report; then the exit code is all that is known."""
    output: str = ""
    """The end of what the command printed, redacted."""
    environment: str = ""
    """Why the command could not judge the code at all (missing interpreter, missing module), or empty."""
    suites: tuple[Suite, ...] = ()
    """What ran."""
    left_out: tuple[LeftOut, ...] = ()
    """Suites that were tried and cannot run here, while others can: nothing of them is in this receipt."""
    runner: str = ""
    """Which adapters read it; empty when the exit code is all that is known."""
    surroundings: str = ""
    """Digest of what else decides the outcome: with tree and suites the key under which it is used again."""
    only: tuple[str, ...] = ()
    """The tests it was narrowed to; empty: all."""
    doubts: tuple[str, ...] = ()
    """What makes the report untrustworthy, or what a person should see, a sentence each."""
    disbelieved: tuple[str, ...] = ()
    """Why the report counts for nothing: something stands in the place of the runner."""
    reused: bool = False
    """Taken earlier, for the same tree, suites and surroundings."""

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

    @property
    def skipped(self) -> frozenset[str]:
        """Names of the tests that were found and not run."""
        return frozenset(c.name for c in self.cases if c.outcome == "skipped")

    @property
    def unbuilt(self) -> tuple[str, ...]:
        """What could not be built or collected, in order."""
        return tuple(c.name for c in self.cases if c.unbuilt)

    @property
    def endings(self) -> tuple[Case, ...]:
        """How commands ended that tell it by their exit code alone."""
        return tuple(c for c in self.cases if c.ending)

    @property
    def ran(self) -> bool:
        """Whether any test ran, or was at least found."""
        return any(not case.unbuilt for case in self.cases)

    @property
    def builds(self) -> bool:
        """Everything could be built and collected."""
        return not self.unbuilt


class Verdict(Fact):
    """What a receipt means beside the base's: computed by the engine, never by a model."""

    passed: bool
    turned_red: tuple[str, ...] = ()
    """Green on the base, red now; and tests that are new and red."""
    acceptance_red: tuple[str, ...] = ()
    """Acceptance tests that ran and are not green."""
    gone: tuple[str, ...] = ()
    """Green on the base, not in the report now, or skipped now."""
    not_run: tuple[str, ...] = ()
    """Acceptance tests that did not run: not collected, or skipped."""
    unbuilt: tuple[str, ...] = ()
    """Could not be built or collected, and could on the base."""
    deleted: tuple[str, ...] = ()
    """On the base, and gone with their files, which the change deleted openly."""
    skipped: tuple[str, ...] = ()
    """Skipped now, and not green on the base: red ones that were silenced, and new ones that never ran."""
    base_red: tuple[str, ...] = ()
    """Red on the base already and red now: said, and in nobody's way."""
    flaky: tuple[str, ...] = ()
    """Red first, green when run again alone."""
    doubts: tuple[str, ...] = ()
    """What makes the receipt untrustworthy, or what a person should see."""
    reason: str = ""


class RedFirst(Fact):
    """What each acceptance test says on the base, with only the test files added."""

    red: tuple[str, ...] = ()
    """It fails there, as it should: an assertion, or a name that does not exist yet."""
    green: tuple[str, ...] = ()
    """It passes already: it guards what is there."""
    unbuilt: tuple[str, ...] = ()
    """It cannot be built or collected, for a reason of its own."""
    not_run: tuple[str, ...] = ()
    """It did not run: not collected, or skipped."""


ROUTES: Mapping[str, str] = {
    "patch": "the code is to be mended",
    "bad_spec": "the design itself is wrong",
    "intent_gap": "the goal leaves open what is right, and guessing would be worse than asking the person",
    "defer": "real, but not for now",
}
"""Where a finding leads, and what that means to who reads it."""


class Mend(Fact):
    """A few lines that would put a finding right, as whoever remarked it proposes; nobody has tried them."""

    old: str = Field(min_length=1, max_length=4000)
    """Whole lines as they stand in the file, with their indentation."""
    new: str = Field(max_length=4000)
    """What they become; empty: they go."""


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
    mend: Mend | None = None

    @property
    def place(self) -> tuple[str, int]:
        """Which file it speaks of, as it was written, and which line of it, from 1."""
        found = _PLACE.fullmatch(self.where.strip())
        return (found[1], int(found[2] or 1)) if found else ("", 1)

    @property
    def binding(self) -> bool:
        """Whether it must be answered before the work goes on."""
        return self.severity != "minor" and self.route != "defer"


def listed(findings: Iterable[Finding], written: Callable[[str], str]) -> str:
    """Findings as a list in Markdown: of each the place, what it means, what somebody does, and what then goes wrong.

    ``written`` puts text that comes from a model where it can do nothing.
    """
    return "\n".join(
        f"- **{one.severity}** at `{written(one.where)}` ({ROUTES[one.route]})\n"
        f"  - When: {written(one.trigger)}\n  - Then: {written(one.consequence)}{_proposed(one.mend)}"
        for one in findings
    )


def _proposed(mend: Mend | None) -> str:
    """What would put it right, as lines of the list."""
    if mend is None:
        return ""
    lines = [f"{sign}{line}" for sign, text in (("-", mend.old), ("+", mend.new)) for line in _lines(text)]
    return "\n  - Proposed, and not tried:\n\n" + indent(fenced("\n".join(lines), "diff"), "    ") + "\n"


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


class Survivor(Fact):
    """A mutant that no acceptance test noticed."""

    path: str
    line: int
    """Of the change as it was tested, from 1."""
    what: str
    """What was different, to follow "when": such as "`<` is `<=`"."""

    @property
    def where(self) -> str:
        """The place, as findings name it."""
        return f"{self.path}:{self.line}"


MISSING_OR_NEEDLESS = "Either a test is missing, or it need not be as it is."
"""What it means that no test notices a change of a line: nobody but a reader knows which."""


def unnoticed(survivors: Iterable[Survivor]) -> dict[str, str]:
    """What no acceptance test notices, a sentence for each place."""
    found: dict[str, list[str]] = {}
    for one in survivors:
        found.setdefault(one.where, []).append(one.what)
    return {
        where: f"Here no acceptance test fails when {', or when '.join(dict.fromkeys(what))}."
        for where, what in found.items()
    }


class AcceptanceTest(Fact):
    """Which test shows which requirement."""

    requirement: str
    test: str
    guards: bool = False
    """It shows what is so already and has to stay so: green before the change and after it."""


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
    fence: str = ""
    """How it is kept from all else, in a sentence; empty where nothing is known of that."""
