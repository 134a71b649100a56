"""What can be told of a line: values for fronts, and the same as sentences."""

from datetime import UTC, datetime

from wainwright.domain.events import Decision
from wainwright.domain.goal import Fact
from wainwright.domain.shown import in_line
from wainwright.domain.text import headline

ON_A_BRANCH = "Lines of a run's branch are asked about where that branch is checked out or merged."
_SHORT = 10
"""Digits of a commit that are shown."""
_TESTS_MAX = 6
_AROUND = 8
"""Lines of a hunk that are shown before and after the one that was asked about."""


class StepTold(Fact):
    """The action that wrote a line."""

    row: int
    """Its number in the journal of the run."""
    key: str
    tool: str
    at: float


class CallTold(Fact):
    """The model call that asked for it."""

    row: int
    key: str
    role: str
    model: str
    usd: float | None
    """None: nobody knows the price."""
    tokens: int
    at: float


class ReceiptTold(Fact):
    """A test run."""

    tree: str
    command: str
    passed: int
    failed: int
    green: bool
    at: float


class GateTold(Fact):
    """A decision that let the change through, or did not."""

    gate: str
    kind: str
    decision: Decision
    by: str
    reason: str


class Why(Fact):
    """Where a line comes from, as far as it can be told."""

    path: str
    line: int
    """From 1."""
    text: str
    run: str = ""
    """The run that wrote it; empty: none did."""
    goal: str = ""
    commit: str = ""
    """The commit of the delivered change; of a line that no run wrote, the one that brought it."""
    subject: str = ""
    author: str = ""
    at: float = 0.0
    written_at: str = ""
    """``path:line`` in that commit."""
    followed: tuple[str, ...] = ()
    """How the line came from there to here, a sentence each."""
    hunk: str = ""
    task: str = ""
    title: str = ""
    step: StepTold | None = None
    call: CallTold | None = None
    receipt: ReceiptTold | None = None
    """Of the tree that its task landed as, or that its batch did."""
    together: tuple[str, ...] = ()
    """The other tasks of the batch."""
    delivered: ReceiptTold | None = None
    """Of the tree that was handed over in the end."""
    red_first: tuple[str, ...] = ()
    """The acceptance tests of its task, and how they ended before it."""
    gates: tuple[GateTold, ...] = ()
    untold: tuple[str, ...] = ()
    """What cannot be told, and why, a sentence each."""

    @property
    def whole(self) -> bool:
        """Whether the line was followed to the model call that asked for it."""
        return bool(self.run and self.commit and self.hunk and self.step and self.call)


def described(why: Why) -> list[str]:
    """The answer in sentences, one a line; a hunk is left out."""
    lines = [f"{why.path}:{why.line}: {why.text.strip()}"]
    if not why.run:
        lines.append(_by_somebody(why))
        return [*lines, *why.followed, *why.untold, ON_A_BRANCH]
    lines.append(f"Run {why.run} wrote it: {headline(why.goal)}".rstrip(": "))
    lines.append(f"Commit {why.commit[:_SHORT]} ({why.subject}), there {why.written_at}.")
    lines += why.followed
    if why.task:
        lines.append(f"Task {why.task}: {why.title}." if why.title else f"Task {why.task}.")
    if (step := why.step) is not None:
        lines.append(f"Written by {step.tool}, row {step.row} of the journal ({step.key}), {_when(step.at)}.")
    if (call := why.call) is not None:
        cost = f"{call.tokens} tokens, {'price unknown' if call.usd is None else f'${call.usd:.4f}'}"
        lines.append(f"Asked for by the {call.role}, {call.model}: row {call.row} ({call.key}), {cost}.")
    beside = f", as one with {', '.join(why.together)}" if why.together else ""
    lines += [_tested(f"As it landed{beside}", one) for one in (why.receipt,) if one]
    lines += [_tested("As it was delivered", one) for one in (why.delivered,) if one]
    lines += [f"Acceptance test {one}" for one in why.red_first[:_TESTS_MAX]]
    if (more := len(why.red_first) - _TESTS_MAX) > 0:
        lines.append(f"and {more} more acceptance tests of its task.")
    for gate in why.gates:
        reason = f": {gate.reason}" if gate.reason else ""
        lines.append(f"Gate {gate.kind}: {gate.decision} by {gate.by}{reason}.")
    return [*lines, *why.untold]


def around(hunk: str, text: str) -> list[str]:
    """The lines of a hunk near the one with a text, which has a mark; all of them where it is not found."""
    lines = hunk.splitlines()
    at = next((n for n, line in enumerate(lines) if line[:1] == "+" and line[1:] == text), None)
    if at is None:
        return lines
    first, last = max(0, at - _AROUND), min(len(lines), at + _AROUND + 1)
    cut = ["…"] if first else []
    return [
        *cut,
        *lines[first:at],
        f"{lines[at]}    <--",
        *lines[at + 1 : last],
        *(["…"] if last < len(lines) else []),
    ]


def document(why: Why) -> str:
    """The answer as a document."""
    first, *rest = described(why)
    hunk = f"\n```diff\n{why.hunk}\n```\n" if why.hunk else ""
    return f"# {in_line(first)}\n{hunk}\n" + "".join(f"- {in_line(line)}\n" for line in rest)


def _tested(what: str, seen: ReceiptTold) -> str:
    ended = "green" if seen.green else "not green"
    counts = f"{seen.passed} passed, {seen.failed} failed" if seen.passed or seen.failed else "no report"
    return f"{what}, tree {seen.tree[:_SHORT]}: `{seen.command}` was {ended} ({counts})."


def _by_somebody(why: Why) -> str:
    if not why.commit:
        return "It is not committed, and no run delivered it."
    return f"{why.author} wrote it in commit {why.commit[:_SHORT]} ({why.subject}), {_when(why.at)}."


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M")
