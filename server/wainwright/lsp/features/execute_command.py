"""What Wainwright can be asked for: every command with its arguments and its answer.

This list is all that an editor needs to know. ``clients/PROTOCOL.md`` is made from it.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

from wainwright.domain.goal import Autonomy, Stage
from wainwright.lsp.connection.commands import Call, Commands, NoArguments, Wire

if TYPE_CHECKING:
    from wainwright.lsp.features.register import Product


class Spot(Wire):
    """A position as the protocol has it: line and character count from 0."""

    line: int
    character: int


class Span(Wire):
    """A range as the protocol has it."""

    start: Spot
    end: Spot


class StartArguments(Wire):
    """What to work on."""

    goal: str | None = None
    """What should be true when the work is done. Default: the text of `.wainwright/goal.md`."""
    uri: str | None = None
    """The document that the person looks at."""
    range: Span | None = None
    """What is selected there."""
    diagnostics: tuple[str, ...] = ()
    """Messages that the goal is about."""
    autonomy: Autonomy | None = None
    """How far the run may go by itself; never further than the settings allow."""
    until: Stage | None = None
    """Hold after this stage."""


class StageArguments(Wire):
    """Which run goes on with the stage."""

    run: str | None = None
    """Default: the newest run that has not ended."""


class BeginArguments(StageArguments):
    """Which run goes on with the stage, or what a new one is for."""

    goal: str | None = None
    """What a new run is for; one is started unless a run holds before this stage."""


class RunArguments(Wire):
    """Which run is meant."""

    run: str | None = None
    """The run, or how its name begins. Default: the newest one that fits."""


class ApproveArguments(RunArguments):
    """Which gate to pass."""

    gate: str | None = None
    """Default: the one that is open."""
    answer: str = ""
    """What to answer when the gate is a question."""


class RejectArguments(RunArguments):
    """Which gate to refuse, and why."""

    gate: str | None = None
    """Default: the one that is open."""
    reason: str = ""
    """Why; the team works it in."""


class GateInfo(Wire):
    """An open gate: somebody has to decide."""

    id: str
    kind: str
    question: str
    detail: str


class RunInfo(Wire):
    """How far a run is."""

    run: str
    goal: str
    stage: Stage
    percent: int
    waiting: Literal["", "gate", "hold"]
    """Why nothing goes on: a decision is open, or the run holds after the stage it was let go to."""
    at_work: Literal["here", "elsewhere", ""]
    """Which process drives the run: this server, another process, none."""
    gates: tuple[GateInfo, ...]
    branch: str | None
    editor: str
    """What became of the change in the editor: `applied`, `partial`, `refused`, or `absent`."""
    failure: str
    hint: str
    model_calls: int
    tokens: int
    cost_usd: float


class RunList(Wire):
    """All runs of the workspace."""

    runs: tuple[RunInfo, ...]


class Shown(Wire):
    """Where the document of a run is."""

    run: str
    uri: str
    shown: bool
    """Whether the editor says that it has opened it."""


class FileInfo(Wire):
    """What became of one file."""

    path: str
    applied: bool
    reason: str = ""


class EditInfo(Wire):
    """What became of a change in the editor."""

    run: str
    status: str
    """`applied`, `partial` or `refused`."""
    detail: str = ""
    files: tuple[FileInfo, ...] = ()


class Catalogue:
    """The commands; what they do is the business of `runs`."""

    def __init__(self, product: "Product") -> None:
        self._product = product

    def register(self, commands: Commands) -> None:
        """Put all of them on the list."""
        add = commands.command
        add("wainwright.start", "Start work on a goal")(self.start)
        for stage, title in _STAGES.items():
            begins = stage in (Stage.PLANNING, Stage.REVIEW)
            add(f"wainwright.{stage.value.lower().removesuffix('ning')}", title)(
                self._begin(stage) if begins else self._go_on(stage)
            )
        add("wainwright.approve", "Approve at the open gate, or answer its question")(self.approve)
        add("wainwright.reject", "Refuse at the open gate, with a reason")(self.reject)
        add("wainwright.resume", "Let a run go on to its end")(self.resume)
        add("wainwright.cancel", "Stop a run; nothing is deleted")(self.cancel)
        add("wainwright.runs", "List the runs")(self.runs)
        add("wainwright.show", "Open the document of a run")(self.show)
        add("wainwright.apply", "Apply the change of a run to the editor again")(self.apply)
        add("wainwright.revert", "Take back what was applied, if it has not changed since")(self.revert)

    async def start(self, call: Call, arguments: StartArguments) -> RunInfo:
        """Begin a run; it goes on in the background."""
        return await (await self._product.runs()).start(arguments)

    def _begin(self, stage: Stage) -> Callable[[Call, BeginArguments], Awaitable[RunInfo]]:
        async def begin(call: Call, arguments: BeginArguments) -> RunInfo:
            return await (await self._product.runs()).begin(stage, arguments)

        return begin

    def _go_on(self, stage: Stage) -> Callable[[Call, StageArguments], Awaitable[RunInfo]]:
        async def go_on(call: Call, arguments: StageArguments) -> RunInfo:
            return await (await self._product.runs()).go_on(stage, arguments.run)

        return go_on

    async def approve(self, call: Call, arguments: ApproveArguments) -> RunInfo:
        """Pass a gate. One that was decided already stays as it is."""
        decision: Literal["approve", "answer"] = "answer" if arguments.answer else "approve"
        return await (await self._product.runs()).decide(
            arguments.run, arguments.gate, decision, arguments.answer
        )

    async def reject(self, call: Call, arguments: RejectArguments) -> RunInfo:
        """Refuse a gate. One that was decided already stays as it is."""
        reason = arguments.reason or "rejected in the editor"
        return await (await self._product.runs()).decide(arguments.run, arguments.gate, "reject", reason)

    async def resume(self, call: Call, arguments: RunArguments) -> RunInfo:
        """Let a run go on that was interrupted, failed, was cancelled or holds."""
        return await (await self._product.runs()).resume(arguments.run)

    async def cancel(self, call: Call, arguments: RunArguments) -> RunInfo:
        """Stop a run."""
        return await (await self._product.runs()).cancel(arguments.run)

    async def runs(self, call: Call, arguments: NoArguments) -> RunList:
        """All runs, newest first."""
        return await (await self._product.runs()).every()

    async def show(self, call: Call, arguments: RunArguments) -> Shown:
        """Open `run.md`, which is kept up to date while the run is at work."""
        return await (await self._product.runs()).show(arguments.run)

    async def apply(self, call: Call, arguments: RunArguments) -> EditInfo:
        """Offer the change to the editor once more."""
        return await (await self._product.runs()).apply(arguments.run)

    async def revert(self, call: Call, arguments: RunArguments) -> EditInfo:
        """Set the files back that the run changed."""
        return await (await self._product.runs()).revert(arguments.run)


_STAGES = {
    Stage.PLANNING: "Plan a goal, and hold for a look at the plan",
    Stage.DESIGN: "Go on with the design",
    Stage.BUILD: "Go on with building",
    Stage.TEST: "Go on with the tests",
    Stage.REVIEW: "Go on with the review; without a run, review the present changes",
    Stage.DEPLOY: "Go on with the deployment",
    Stage.MONITOR: "Go on with watching the deployment",
}
