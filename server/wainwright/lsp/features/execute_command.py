"""What Wainwright can be asked for: every command with its arguments and its answer.

This list is all that an editor needs to know. ``clients/PROTOCOL.md`` is made from it.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

from wainwright.domain.goal import Stage
from wainwright.lsp.connection.commands import Call, Commands
from wainwright.lsp.hunk_messages import HunkArguments, HunkList, HunksArguments
from wainwright.lsp.messages import (
    AnswerArguments,
    ApproveArguments,
    BeginArguments,
    CheckpointList,
    ComparisonInfo,
    EditBegun,
    ForkArguments,
    ForkBegun,
    InFolder,
    LineArguments,
    LineInfo,
    ModelAsked,
    NoArguments,
    NoteArguments,
    OneTaskArguments,
    PartArguments,
    RejectArguments,
    ReplayInfo,
    ResumeArguments,
    RewindArguments,
    RowList,
    RunArguments,
    RunInfo,
    RunList,
    ShowArguments,
    Shown,
    StartArguments,
    TaskArguments,
    TextInfo,
    TrustArguments,
    TrustInfo,
    WorkArguments,
    WorkAsked,
)
from wainwright.lsp.page_messages import PageInfo

if TYPE_CHECKING:
    from wainwright.lsp.runs.commands import Runs


Everywhere = Callable[[], "list[Runs]"]
"""The runs of all folders that are open."""


class Catalogue:
    """The commands; what they do is the business of `runs`."""

    def __init__(self, runs: "Callable[[InFolder], Awaitable[Runs]]", everywhere: "Everywhere") -> None:
        self._runs = runs
        self._everywhere = everywhere

    def register(self, commands: Commands) -> None:
        """Put all of them on the list."""
        add = commands.command
        add("wainwright.start", "Start work on a goal")(self.start)
        add("wainwright.work", "Ask what is to be done where you are, and begin it")(self.work)
        add("wainwright.explain", "Explain what is there; nothing is changed")(self.explain)
        for stage, title in _STAGES.items():
            add(f"wainwright.{stage.value.lower().removesuffix('ning')}", title)(self._begin(stage))
        add("wainwright.approve", "Approve at the open gate, or answer its question")(self.approve)
        add("wainwright.answer", "Answer the open gate in words")(self.answer)
        add("wainwright.reject", "Refuse at the open gate, with a reason")(self.reject)
        add("wainwright.resume", "Let a run go on to its end")(self.resume)
        add("wainwright.task", "Pause a task, let it go on, stop it, or have it tried again")(self.task)
        add("wainwright.note", "Say something to those at work; they hear it at their next turn")(self.note)
        add("wainwright.difference", "Show what a task changes")(self.difference)
        add("wainwright.cancel", "Stop a run; nothing is deleted")(self.cancel)
        add("wainwright.stop", "Stop the service that a run started")(self.stop)
        add("wainwright.runs", "List the runs")(self.runs)
        add("wainwright.page", "Give what a page about a run shows")(self.page)
        add("wainwright.change", "Give the change of a run, hunk by hunk")(self.change)
        add("wainwright.show", "Open the document of a run")(self.show)
        add("wainwright.hunk", "Accept, reject or change hunks of the change that is asked about")(self.hunk)
        add("wainwright.explainHunk", "Explain a hunk of the change that is asked about")(self.explain_hunk)
        add("wainwright.apply", "Apply the change of a run to the editor again")(self.apply)
        add("wainwright.revert", "Take back what was applied; what was typed since stays")(self.revert)
        add("wainwright.why", "Tell where a line comes from")(self.why)
        add("wainwright.replay", "Do a run again against its record; no model is asked")(self.replay)
        add("wainwright.rows", "List the rows of a run that a fork can go on from")(self.rows)
        add("wainwright.fork", "Go on from a row of a run, in a run of its own")(self.fork)
        add("wainwright.compare", "Compare a fork with the run that it comes from")(self.compare)
        add("wainwright.checkpoints", "List the checkpoints that files can go back to")(self.checkpoints)
        add("wainwright.rewind", "Go back to a checkpoint; shown first")(self.rewind)
        add("wainwright.trust", "Trust this folder, or take that back")(self.trust)
        add("wainwright.model", "Choose which model is asked, and give its key")(self.model)

    async def start(self, call: Call, arguments: StartArguments) -> RunInfo:
        """Begin a run; it goes on in the background."""
        return await (await self._runs(arguments)).start(arguments)

    async def work(self, call: Call, arguments: WorkArguments) -> WorkAsked:
        """Ask the person first; what they close begins nothing."""
        return await (await self._runs(arguments)).words.work(arguments)

    async def explain(self, call: Call, arguments: StartArguments) -> RunInfo:
        """Begin a run that ends with an explanation."""
        return await (await self._runs(arguments)).explain(arguments)

    def _begin(self, stage: Stage) -> Callable[[Call, BeginArguments], Awaitable[RunInfo]]:
        async def begin(call: Call, arguments: BeginArguments) -> RunInfo:
            return await (await self._runs(arguments)).begin(stage, arguments)

        return begin

    async def approve(self, call: Call, arguments: ApproveArguments) -> RunInfo:
        """Pass a gate. One that was decided already stays as it is."""
        decision: Literal["approve", "answer"] = "answer" if arguments.answer else "approve"
        runs, asked = await self._runs(arguments), arguments
        return await runs.decide(asked.run, asked.gate, decision, asked.answer, asked.seen)

    async def answer(self, call: Call, arguments: AnswerArguments) -> RunInfo:
        """Answer a gate in words. One that was decided already stays as it is."""
        words, asked = arguments.words, arguments
        return await (await self._runs(arguments)).say(asked.run, asked.gate, "answer", words, asked.seen)

    async def reject(self, call: Call, arguments: RejectArguments) -> RunInfo:
        """Refuse a gate. One that was decided already stays as it is."""
        reason, asked = arguments.reason, arguments
        return await (await self._runs(arguments)).say(asked.run, asked.gate, "reject", reason, asked.seen)

    async def resume(self, call: Call, arguments: ResumeArguments) -> RunInfo:
        """Let a run go on that was interrupted, failed, was cancelled or holds; or give it new caps."""
        runs = await self._runs(arguments)
        return await runs.resume(
            arguments.run, cap_usd=arguments.budget_usd, cap_tokens=arguments.budget_tokens
        )

    async def task(self, call: Call, arguments: TaskArguments) -> RunInfo:
        """Steer one task; the others go on."""
        return await (await self._runs(arguments)).steer(arguments.run, arguments.task, arguments.way)

    async def note(self, call: Call, arguments: NoteArguments) -> RunInfo:
        """Say something to those at work on a run."""
        return await (await self._runs(arguments)).note(arguments.run, arguments.words)

    async def difference(self, call: Call, arguments: OneTaskArguments) -> Shown:
        """Open what landed of a task, or what was built for it and has not landed."""
        return await (await self._runs(arguments)).difference(arguments.run, arguments.task)

    async def cancel(self, call: Call, arguments: RunArguments) -> RunInfo:
        """Stop a run."""
        return await (await self._runs(arguments)).cancel(arguments.run)

    async def stop(self, call: Call, arguments: RunArguments) -> RunInfo:
        """Stop what a run has left serving; it is told whether it still served."""
        return await (await self._runs(arguments)).stop(arguments.run)

    async def runs(self, call: Call, arguments: NoArguments) -> RunList:
        """All runs, newest first, folder by folder."""
        found = await self._runs(arguments)
        many = [found] if arguments.folder else self._everywhere() or [found]
        return RunList.of([run for runs in many for run in await runs.every()])

    async def page(self, call: Call, arguments: RunArguments) -> PageInfo:
        """All that there is to draw of a run; `wainwright/event` says when it has changed."""
        return await (await self._runs(arguments)).page(arguments.run)

    async def change(self, call: Call, arguments: RunArguments) -> HunkList:
        """The change as it is shown, hunk by hunk, and what was said of each."""
        return await (await self._runs(arguments)).hunks.listed(arguments.run)

    async def show(self, call: Call, arguments: ShowArguments) -> Shown:
        """Open `run.md`, which is kept up to date while the run is at work, or another document of it."""
        return await (await self._runs(arguments)).show(arguments.run, arguments.document)

    async def hunk(self, call: Call, arguments: HunksArguments) -> HunkList:
        """Note what the person says of hunks; nothing is taken over before the gate is decided."""
        return await (await self._runs(arguments)).hunks.decide(arguments)

    async def explain_hunk(self, call: Call, arguments: HunkArguments) -> TextInfo:
        """Say what a hunk serves, whose work it is, which tests show it, and what the review noted."""
        return await (await self._runs(arguments)).hunks.explain(arguments)

    async def apply(self, call: Call, arguments: PartArguments) -> EditBegun:
        """Offer the change, or a part of it, to the editor once more; what comes of it is told later."""
        return await (await self._runs(arguments)).changes.apply(arguments)

    async def revert(self, call: Call, arguments: PartArguments) -> EditBegun:
        """Take the change, or a part of it, out of the files; what was typed since stays. The rest is told later."""
        return await (await self._runs(arguments)).changes.revert(arguments)

    async def why(self, call: Call, arguments: LineArguments) -> LineInfo:
        """Follow a line to the run, the step and the model call that wrote it, and open what is told of it."""
        return await (await self._runs(arguments)).why(arguments)

    async def replay(self, call: Call, arguments: RunArguments) -> ReplayInfo:
        """Tell whether this version would do what the run did, and where it would not."""
        return await (await self._runs(arguments)).replays.replay(arguments.run)

    async def rows(self, call: Call, arguments: RunArguments) -> RowList:
        """What a run did, fact by fact and step by step, with the numbers that `wainwright.fork` takes."""
        return await (await self._runs(arguments)).replays.rows(arguments.run)

    async def fork(self, call: Call, arguments: ForkArguments) -> ForkBegun:
        """Go on from a row; what is asked as before is answered from the record. Compared when it ended."""
        return await (await self._runs(arguments)).replays.fork(arguments)

    async def compare(self, call: Call, arguments: RunArguments) -> ComparisonInfo:
        """What a fork came to, and what it cost, beside the other run."""
        return await (await self._runs(arguments)).replays.compare(arguments.run)

    async def checkpoints(self, call: Call, arguments: NoArguments) -> CheckpointList:
        """All states that the person's files can be brought to, the newest first."""
        return await (await self._runs(arguments)).rewinds.checkpoints()

    async def rewind(self, call: Call, arguments: RewindArguments) -> EditBegun:
        """Show what a rewind would change and ask; what comes of it is told later, and can be rewound."""
        return await (await self._runs(arguments)).rewinds.begin(arguments)

    async def trust(self, call: Call, arguments: TrustArguments) -> TrustInfo:
        """Ask the person whether the folder is trusted; until it is, it is only read and searched."""
        return await (await self._runs(arguments)).trusting.command(revoke=arguments.revoke)

    async def model(self, call: Call, arguments: NoArguments) -> ModelAsked:
        """Ask the person for a provider's key, or for a server of their own; a key is kept in the keyring."""
        return (await self._runs(arguments)).models.command()


_STAGES = {
    Stage.PLANNING: "Plan a goal, and hold for a look at the plan",
    Stage.DESIGN: "Go on with the design; with a goal, make a design alone",
    Stage.BUILD: "Go on with building; with a goal, build it without a plan",
    Stage.TEST: "Go on with the tests; with a goal, run the tests alone",
    Stage.REVIEW: "Go on with the review; without a run, review the present changes",
    Stage.DEPLOY: "Go on with the deployment; with a goal, deploy what is there",
    Stage.MONITOR: "Go on with watching the deployment",
}
