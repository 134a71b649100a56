"""What crosses the wire for a page about one run."""

from typing import Any, Literal

from wainwright.domain.evidence import Outcome
from wainwright.domain.goal import Stage
from wainwright.lsp.messages import RunInfo, Wire

OUTPUT = "wainwright/output"
"""The notification to clients that show what commands print: `OutputParams`."""


class OutputParams(Wire):
    """A piece of what commands print while they run, as it came: colours and all."""

    run: str
    task: str
    """Whose command it is; empty: nobody's in particular."""
    text: str


class WayInfo(Wire):
    """A command that is possible now."""

    title: str
    """Where the run is not in plain sight."""
    short: str
    """Where it is."""
    command: str
    argument: dict[str, Any]
    urgent: bool
    """Somebody waits for it."""


class StageInfo(Wire):
    """A stage of a run."""

    stage: Stage
    mark: Literal["done", "now", "later", "skipped", "wrong"]
    """How to draw it; `wrong`: the run failed in it."""
    began: float | None
    """Seconds since 1970; nothing: it has not begun."""
    why: str
    """Why it is skipped."""


class TaskInfo(Wire):
    """A task of the plan."""

    id: str
    title: str
    status: str
    mark: Literal["done", "now", "later", "skipped", "wrong"]
    """How to draw it."""
    attempt: int
    """From 0."""
    needs: tuple[str, ...]
    """The tasks that it waits for."""
    writes: tuple[str, ...]
    """Files that it may change."""
    summary: str
    ways: tuple[WayInfo, ...]
    """What can be done about it now."""


class ReceiptInfo(Wire):
    """That commands ran on a tree, and how they ended."""

    command: str
    exit: int | None
    tree: str
    passed: int
    failed: int
    seconds: float


class CaseInfo(Wire):
    """One test of the newest receipt."""

    name: str
    outcome: Outcome
    before: Outcome | Literal[""]
    """How it ended before the run; empty: there was none of that name."""
    message: str


class RemarkInfo(Wire):
    """Something that was remarked, or a test that fails; all of them are diagnostics, too."""

    code: Literal["review", "noticed", "mutant", "test", "incident"]
    severity: str
    uri: str
    """The document that it is about; empty: none."""
    line: int
    """From 0."""
    text: str


class SpentInfo(Wire):
    """What one role took of one model."""

    role: str
    model: str
    calls: int
    tokens: int
    cost: str
    """In words: a price that is unknown is said to be so."""
    cost_usd: float


class DocumentInfo(Wire):
    """A document of the run."""

    name: str
    uri: str


class ServiceInfo(Wire):
    """A service that the run left serving."""

    url: str
    fence: str
    """How it is held, in a sentence."""


class PageInfo(Wire):
    """A run as a page shows it."""

    run: RunInfo
    size: str
    """How large the goal is and why, in a sentence; empty as long as nobody has sized it."""
    stages: tuple[StageInfo, ...]
    tasks: tuple[TaskInfo, ...]
    receipts: tuple[ReceiptInfo, ...]
    """The oldest first."""
    cases: tuple[CaseInfo, ...]
    """What is not green first."""
    remarks: tuple[RemarkInfo, ...]
    spent: tuple[SpentInfo, ...]
    """The dearest first."""
    lines: tuple[str, ...]
    """The newest lines of what is going on."""
    documents: tuple[DocumentInfo, ...]
    service: ServiceInfo | None
    ending: tuple[str, ...]
    """What came of a run that ended unfinished, or how its branch is taken over, a sentence each."""
    ways: tuple[WayInfo, ...]
    """The most urgent first."""
