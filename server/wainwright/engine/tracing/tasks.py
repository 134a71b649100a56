"""What can be told of one task beside the plan: what it cost, what its agents looked at, and what came of it."""

from collections.abc import Mapping

from wainwright.agents.spoken import looked_up
from wainwright.domain.artifacts import counted
from wainwright.domain.events import TaskLanded
from wainwright.domain.evidence import Receipt, listed
from wainwright.domain.goal import Fact
from wainwright.domain.marks import among, fenced
from wainwright.domain.shown import in_line
from wainwright.domain.state import RunState, TaskState
from wainwright.engine.tracing.record import Record
from wainwright.models.client import ModelRequest
from wainwright.models.ledger import Call


class TaskTold(Fact):
    """One task, as far as it is."""

    task: str
    calls: int = 0
    """Model calls that have ended."""
    tokens: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0
    """Calls whose price nobody knows."""
    seconds: float = 0.0
    """How long models took for it."""
    saw: tuple[str, ...] = ()
    """What its newest agent looked at and did, a line each."""
    tests: str = ""
    """How the tests ended that it landed with."""
    commit: str = ""
    """What landed, or what was built for it and did not."""

    @property
    def cost(self) -> str:
        """What it cost, in words."""
        known = f"${self.cost_usd:.4f}"
        return known if not self.unpriced else "price unknown" if not self.cost_usd else f"at least {known}"


def tasks_told(record: Record, calls: tuple[Call, ...]) -> dict[str, TaskTold]:
    """All tasks of a run. Blocks."""
    state = record.state
    if state is None:
        return {}
    receipts = {
        landing.task: landing.receipt
        for landing in record.landings.values()
        if isinstance(landing, TaskLanded)
    }
    newest = {
        row.key.removeprefix("/BUILD/").partition(".")[0]: row
        for row in record.rows
        if row.kind == "done" and row.key.startswith("/BUILD/") and "/implementer/model#" in row.key
    }
    found = {}
    for name, one in state.tasks.items():
        own = [call for call in calls if call.task == name and call.outcome != "under way"]
        row = newest.get(name)
        request = ModelRequest.model_validate(record.asked(row)) if row is not None else None
        found[name] = TaskTold(
            task=name,
            calls=len(own),
            tokens=sum(call.tokens for call in own),
            cost_usd=round(sum(call.cost_usd for call in own if call.sure != "unknown"), 6),
            unpriced=sum(call.sure == "unknown" for call in own),
            seconds=round(sum(call.seconds for call in own), 1),
            saw=tuple(looked_up(request.messages).split("\n")) if request is not None else (),
            tests=_tests(receipts.get(name)),
            commit=one.commit or one.kept,
        )
    return found


def _tests(receipt: Receipt | None) -> str:
    if receipt is None:
        return ""
    how = counted(receipt) if receipt.cases else f"exit code {receipt.exit}"
    return f"`{receipt.command}` on tree {receipt.tree[:10]}: {how}"


def page(state: RunState, one: TaskState, told: TaskTold) -> str:
    """A task as a document: why it is as it is."""
    task = one.task
    who = f" by {one.skipped_by}" if one.skipped_by else ""
    lines = [
        f"# Task {task.id}: {in_line(task.title)}",
        "",
        f"Status: {one.status}{who}, attempt {one.attempt + 1}.",
    ]
    lines += [
        f"Its models were called {told.calls} times: {told.tokens} tokens, {told.cost}, {told.seconds:.1f} s."
    ]
    served = [r for r in state.plan.requirements if r.id in task.acceptance] if state.plan else []
    lines += ["", "## What it is for", "", *(f"- **{r.id}** {in_line(r.text)}" for r in served)]
    lines += ["", "## What it was told", "", among(task.instruction)]
    parts: Mapping[str, str] = {
        "What came of it": among(one.summary),
        "Why the attempt before failed": among(one.digest),
        "Why it was halted": among(one.halted.digest) if one.halted else "",
        "Tests": told.tests,
        "What was noted": listed(one.remarks, in_line),
        "What its agent looked at": "\n".join(map(in_line, told.saw)),
    }
    for heading, text in parts.items():
        lines += ["", f"## {heading}", "", text] if text.strip() else []
    return "\n".join(lines).rstrip() + "\n"


def difference_page(one: TaskState, difference: str) -> str:
    """What a task changes, as a document."""
    what = "What landed" if one.commit else "What was built, and has not landed"
    told = fenced(difference).replace("```", "```diff", 1) if difference.strip() else "Nothing yet."
    return f"# Task {one.task.id}: {in_line(one.task.title)}\n\n{what}:\n\n{told}\n"
