"""The runs of the workspace as the editor works with them. Imports the engine: loaded after ``initialize``."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types
from pydantic_core import to_jsonable_python

from wainwright.domain.errors import InputError, Late, PlanError, Unsaid, WainwrightError
from wainwright.domain.events import Decision, Steering
from wainwright.domain.gates import require_fitting
from wainwright.domain.goal import AUTONOMIES, ENDS, Asks, Stage
from wainwright.domain.text import headline
from wainwright.engine.views.documents import RUN
from wainwright.engine.views.run_view import Decide, GateView, Notice, RunView, Start
from wainwright.lsp.connection.progress import BACKLOG_BYTES
from wainwright.lsp.documents.positions import uri_from_path
from wainwright.lsp.edits.delivery import Delivery
from wainwright.lsp.messages import (
    EVENT,
    BeginArguments,
    LineArguments,
    LineInfo,
    PartArguments,
    RunInfo,
    Shown,
    StartArguments,
)
from wainwright.lsp.page_messages import PageInfo
from wainwright.lsp.runs import printing
from wainwright.lsp.runs.board import Board
from wainwright.lsp.runs.changes import RECENT, Changes
from wainwright.lsp.runs.delivered_lines import DeliveredLines
from wainwright.lsp.runs.equipping import Equipping
from wainwright.lsp.runs.follower import Follower
from wainwright.lsp.runs.goal_input import Goals
from wainwright.lsp.runs.holding import holds_before, not_now
from wainwright.lsp.runs.hunks import Hunks
from wainwright.lsp.runs.infos import page_info, run_info
from wainwright.lsp.runs.lines import why
from wainwright.lsp.runs.plan_pages import PlanPages
from wainwright.lsp.runs.questions import Questions
from wainwright.lsp.runs.replays import Replays
from wainwright.lsp.runs.rewinds import Rewinds
from wainwright.lsp.runs.toasts import Toasts
from wainwright.lsp.runs.trusting import Trusting
from wainwright.lsp.runs.words import Words

if TYPE_CHECKING:
    from wainwright.lsp.connection.session import WainwrightServer
    from wainwright.lsp.runs.seat import Opens, Seat

log = logging.getLogger(__name__)

OTHERS_EVERY_S = 5.0
"""How often it is looked whether other processes have begun runs, in seconds."""
RESUME, LATER = "Resume", "Not now"


async def open_runs(server: "WainwrightServer", folder: Path, opens: "Opens") -> "Runs":
    """Sit down at the engine of a folder. Raises InputError for one that cannot be worked in."""
    delivery = Delivery(server, Questions(server).choose)
    seat = await opens(folder, delivery)
    engine = seat.engine
    delivery.editing, delivery.changed = engine.editing, engine.rewinding.changed
    delivery.note = engine.note
    return Runs(server, seat, delivery)


class Runs:
    """Commands about runs, and what the editor is shown of them."""

    def __init__(self, server: "WainwrightServer", seat: "Seat", delivery: Delivery) -> None:
        engine = seat.engine
        self._seat = seat
        self.workspace = engine.workspace
        self._server = server
        self.engine = engine
        self.board = Board(server, engine)
        self.pages = PlanPages(server, self.board, engine)
        self.lines = DeliveredLines(server, engine)
        self._questions = Questions(server)
        self.toasts = Toasts(server)
        self._delivery = delivery
        self._goals = Goals(server, engine.editing)
        self.rewinds = Rewinds(server, engine, self._goals, self._questions, delivery)
        self.replays = Replays(server, engine, self._questions, self._drive)
        self.hunks = Hunks(server, engine, self.board)
        self.changes = Changes(engine, delivery)
        self.words = Words(server, engine, self._goals, self._questions, self.hunks, self)
        self.trusting = Trusting(server, engine, self._questions, self._pick_up)
        self.models = Equipping(server, engine, self._questions)
        self._followers: dict[str, Follower] = {}
        self._closing = False
        self._unsubscribe = (engine.subscribe(self._heard), printing.follow(server, engine))
        seat.shared = self._shared

    async def restore(self) -> None:
        """Show what was going on when the last server ended: open gates again, interrupted runs as an offer."""
        views = await self.engine.runs(RECENT)
        self.board.newest = views[0].run if views else None
        for view in reversed(views):
            self.board.remember(view)
            self.lines.hear(view)
        self.board.listeners.append(self.lines.hear)
        self._server.spawn(self._stand_by_others(), "follow what other processes do")
        self.engine.index.keep()
        for run in self._seat.under_way:
            self._shared(run)
        for run in await self.engine.left_by(self._server.after) if self._server.after else ():
            self._server.spawn(self._resume_quietly(run), f"go on with {run}")
        await self._pick_up(views)

    async def expect_goals(self) -> None:
        """Be ready for a goal before it is there."""
        await self._goals.expect(self.engine.expect)

    async def _pick_up(self, views: list[RunView] | None = None) -> None:
        """Go on with what may go on in a trusted workspace, and start what is slow to start."""
        self._server.spawn(self.engine.warm(), "mend what was left")
        if not await self.engine.trusting.given():
            return
        for view in reversed(views or await self.engine.runs(RECENT)):
            if view.stage in ENDS or view.at_work or view.waiting == "hold":
                continue
            if view.waiting == "gate":
                self._server.spawn(self._resume_quietly(view.run), f"attach {view.run}")
            elif not self._server.after:  # else they were asked before
                self._server.spawn(self._offer_resume(view), f"offer to resume {view.run}")

    async def close(self) -> None:
        """Leave the engine; runs stay as they are."""
        self._closing = True
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._seat.in_order = self._server.protocol.exit_code == 0
        await self._seat.leave()

    # ---- commands

    async def start(
        self, arguments: StartArguments, route: tuple[Stage, ...] | None = None, asks: Asks = "change"
    ) -> RunInfo:
        """Begin a run with what is unsaved in the editor over what is on disk."""
        autonomy = arguments.autonomy
        if autonomy and AUTONOMIES.index(autonomy) > AUTONOMIES.index(self.engine.autonomy):
            raise InputError(
                f"The autonomy {autonomy} goes further than your settings allow ({self.engine.autonomy}).",
                "Set it in your own config.toml, or start the server with --autonomy.",
            )
        ask = Start(
            goal=await self._goals.goal(arguments, asks),
            overlay=await self._goals.unsaved(),
            route=route,
            autonomy=autonomy,
            until=arguments.until,
            size=arguments.size,
            by="editor",
        )

        async def begin() -> RunInfo:
            self.models.require(begin)
            view = await self.engine.start(ask)
            self.board.newest = view.run
            self._seat.take(view.run)
            self._follow(view)
            return run_info(view)

        return await self.trusting.first(begin)

    async def begin(self, stage: Stage, arguments: BeginArguments) -> RunInfo:
        """Do a stage: of the run that holds before it, else of a new run, which passes no other than it needs."""
        view = await self._meant(arguments.run)
        meant = arguments.goal is not None or stage in (Stage.PLANNING, Stage.REVIEW)
        if arguments.run is not None or not meant or (view is not None and holds_before(view, stage)):
            return await self.go_on(stage, arguments.run)
        if stage is Stage.PLANNING:
            return await self.start(StartArguments(goal=arguments.goal, until=stage))
        goal = arguments.goal or "Review the present changes."
        asked = StartArguments(goal=goal, uri=arguments.uri, range=arguments.range)
        alone = {
            Stage.BUILD: (Stage.BUILD, Stage.TEST, Stage.REVIEW),
            Stage.DEPLOY: (Stage.DEPLOY, Stage.MONITOR),
        }
        looks = stage is Stage.REVIEW and arguments.uri is not None
        return await self.start(asked, alone.get(stage, (stage,)), "look" if looks else "change")

    async def explain(self, arguments: StartArguments) -> RunInfo:
        """Have something explained; nothing is changed."""
        if arguments.goal is None:
            where = "the code where you are" if arguments.uri else "this project"
            arguments = arguments.model_copy(update={"goal": f"Explain {where}."})
        return await self.start(arguments, (Stage.REVIEW,), "explanation")

    async def go_on(self, stage: Stage, run: str | None) -> RunInfo:
        """Run one stage of a run that holds before it. Raises InputError saying what comes first."""
        view = await self._meant(run)
        if view is None:
            raise InputError("No run is under way.", "Begin one: wainwright.plan, or wainwright.start.")
        if not holds_before(view, stage):
            raise not_now(view, stage)
        self.toasts.acted()
        await self.engine.advance(view.run, stage, by="editor")
        return await self._drive(view.run)

    async def _meant(self, run: str | None) -> RunView | None:
        if run is not None:
            return await self.engine.view(run)
        views = [view for view in await self.engine.runs(RECENT) if view.stage not in ENDS]
        holding = [view for view in views if view.waiting == "hold"]
        return next(iter([*holding, *views]), None)

    async def decide(
        self, run: str | None, gate: str | None, decision: Decision, reason: str, seen: str = ""
    ) -> RunInfo:
        """Decide a gate. The first decision counts; a later one is dropped, and the answer says how things are.

        One by a button (``seen`` says of what) that came at once where another gate's was is asked again.
        """
        view = await self._deciding(run, gate)
        meant = next((one for one in view.gates if one.id == gate), None)
        if seen and meant is not None and self.board.took_a_place(view.run, meant.id):
            self._server.spawn(self._ask_again(view.run, meant, decision, reason), f"ask again about {gate}")
            return run_info(view)
        if asked := meant or (next(iter(view.gates), None) if gate is None else None):
            await self.words.require_said(view.run, asked, decision)
        self.toasts.acted()
        said = Decide(run=view.run, gate=gate, decision=decision, reason=reason, seen=seen, by="editor")
        try:
            decided = await self.engine.decide(said)
        except Late:
            return run_info(view)
        self._seat.take(view.run)
        if not decided.waiting and not decided.at_work and decided.stage not in ENDS:
            return await self._drive(decided.run)
        self.board.remember(decided)
        return run_info(decided)

    async def _ask_again(self, run: str, gate: GateView, decision: Decision, reason: str) -> None:
        """Ask whether a decision was meant for a gate that had only just come."""
        word = gate.no if decision == "reject" else gate.yes
        question = f"{gate.question} This came up just as you chose. Is it meant?"
        if await self._questions.choose(question, [word, LATER], gate.detail) == word:
            await self.decide_quietly(run, gate.id, decision, reason)

    async def say(
        self, run: str | None, gate: str | None, decision: Decision, words: str, seen: str = ""
    ) -> RunInfo:
        """Refuse a gate or answer it in words. Raises InputError where an answer has none."""
        view = await self._deciding(run, gate)
        one = next((g for g in view.gates if gate in (None, g.id)), None)
        if one is None or (gate is None and len(view.gates) > 1):
            return await self.decide(view.run, gate, decision, words, seen)
        require_fitting(one.kind, decision)
        if await self.words.asked_at(view.run, one, decision, words):
            return run_info(view)
        words = await self.words.at(view.run, one, decision, words)
        return await self.decide(view.run, one.id, decision, words, seen)

    async def say_at_gate(self, run: str, gate: GateView, decision: Decision) -> None:
        """The same for a gate whose button was pressed."""
        if not await self.words.asked_at(run, gate, decision, ""):
            await self.decide_quietly(run, gate.id, decision, await self.words.at(run, gate, decision, ""))

    async def _deciding(self, run: str | None, gate: str | None) -> RunView:
        if run is not None:
            return await self.engine.view(run)
        waiting = [view for view in await self.engine.runs(RECENT) if view.waiting == "gate"]
        if not waiting:
            raise InputError("No gate is open.", "Nothing waits for a decision.")
        if len(waiting) > 1 and gate is None:
            names = ", ".join(view.run for view in waiting)
            raise InputError("More than one run waits for a decision.", f"Name one of them: {names}.")
        return waiting[0]

    async def resume(
        self, run: str | None, *, cap_usd: float | None = None, cap_tokens: int | None = None
    ) -> RunInfo:
        """Let a run go on to its end, with new caps if given. Raises RunBusy while another process works on it."""
        view = await self.engine.view(run) if run is not None else None
        if view is None:
            views = await self.engine.runs(RECENT)
            stopped = (v for v in views if v.stage is not Stage.DONE and (v.stage in ENDS or not v.at_work))
            view = next(stopped, None)
        if view is None:
            raise InputError("There is no run to resume.", "Begin one: wainwright.start.")
        if view.waiting == "hold" and not view.at_work:
            await self.engine.advance(view.run, None, by="editor")
        driven = await self._drive(view.run, cap_usd=cap_usd, cap_tokens=cap_tokens)
        caps = [f"${cap_usd:g}"] if cap_usd is not None else []
        caps += [f"{cap_tokens} tokens"] if cap_tokens is not None else []
        if caps:
            said = f"Run {view.run} may now cost up to {' and '.join(caps)} in all."
            self._server.window_show_message(types.ShowMessageParams(types.MessageType.Info, said))
        return driven

    async def steer(self, run: str | None, task: str, way: Steering) -> RunInfo:
        """Steer one task of a run."""
        view = await self.engine.steer(run, task, way, by="editor")
        self.board.remember(view)
        if view.stage in ENDS:
            self.toasts.acted()
            self.toasts.say(
                types.MessageType.Info, f"Noted. Run {view.run} is {view.stage}: *Resume* does it."
            )
        return run_info(view)

    async def note(self, run: str | None, words: str) -> RunInfo:
        """Say something to those at work: the words given, those in `run.md`, or those the person is asked for."""
        view = await self._meant(run)
        if view is None:
            raise InputError("No run is under way.", "Begin one: wainwright.start.")
        seen = await self.words.note(view, words)
        self.board.remember(seen)
        return run_info(seen)

    async def cancel(self, run: str | None) -> RunInfo:
        """Stop a run."""
        self.toasts.acted()
        view = await self.engine.cancel(run, by="editor")
        self.board.remember(view)
        return run_info(view)

    async def stop(self, run: str | None) -> RunInfo:
        """Stop the service that a run has left."""
        name = await self.engine.named(run)
        said = await self.engine.serving.stop(name, by="editor")
        self.toasts.acted()
        self.toasts.say(types.MessageType.Info, said)
        return run_info(await self.board.look_again(name))

    async def every(self) -> list[RunInfo]:
        """All runs, newest first."""
        return [run_info(view) for view in await self.engine.runs()]

    async def page(self, run: str | None) -> PageInfo:
        """What a page about a run shows."""
        return page_info(await self.engine.pages.page(run), self.workspace)

    async def show(self, run: str | None, document: str) -> Shown:
        """Open a document of a run."""
        view = await self.engine.view(run)
        known = (RUN, *(path.rpartition("/")[2] for path in view.artifacts))
        if document not in known:
            raise InputError(
                f"Run {view.run} has no {document} yet.",
                f"{RUN} tells how far the run is, and what is there.",
            )
        return self.show_document(view.run, document)

    def show_document(self, run: str, name: str) -> Shown:
        """Have one document of a run opened, if the editor can; does not wait for it."""
        return self._shown(run, self.workspace / ".wainwright" / "runs" / run / name)

    def _shown(self, run: str, place: Path) -> Shown:
        self.hunks.open(run, place, self._goals.open_document)
        return Shown(run=run, uri=uri_from_path(place))

    async def why(self, asked: LineArguments) -> LineInfo:
        """Tell where a line comes from, and have the answer opened."""
        page = self.pages.page(asked.uri)
        task = page.task_at(types.Position(asked.line, 0)) if page is not None else None
        if page is None or task is None:
            return await why(self._server, self.engine, self._goals, asked)
        shown = self._shown(page.run, await self.engine.plans.task_page(page.run, task.id.text))
        return LineInfo(run=page.run, commit="", task=task.id.text, step="", call="", uri=shown.uri)

    async def difference(self, run: str | None, task: str) -> Shown:
        """Open what a task changes."""
        name = await self.engine.named(run)
        return self._shown(name, await self.engine.plans.task_difference(name, task))

    # ---- driving and following

    async def _drive(
        self, run: str, *, cap_usd: float | None = None, cap_tokens: int | None = None
    ) -> RunInfo:
        async def go_on() -> RunInfo:
            view = await self.engine.resume(
                run, attended=True, cap_usd=cap_usd, cap_tokens=cap_tokens, by="editor"
            )
            self._seat.take(run)
            self._follow(view)
            return run_info(view)

        return await self.trusting.first(go_on)

    def _shared(self, run: str) -> None:
        """Somebody works on a run in another window: it is shown here as well, and may be decided here."""

        async def follow() -> None:
            view = await self.engine.view(run)
            if view.at_work == "here" and not self._closing:
                self.board.newest = run
                self._follow(view)

        self._server.spawn(follow(), f"show {run}")

    def _follow(self, view: RunView) -> None:
        self.board.remember(view)
        if view.run in self._followers:
            return
        follower = self._followers[view.run] = Follower(
            self._server, self.board, self._questions, self.toasts, self, view.run, alone=not self._followers
        )
        self.toasts.acted()
        task = self._server.spawn(follower.follow(), f"follow {view.run}")
        task.add_done_callback(lambda _: self._followed(view.run))

    def _followed(self, run: str) -> None:
        """A run has come to rest; one that was resumed while this was being told is followed anew."""
        self._followers.pop(run, None)
        view = self.board.last_seen(run)
        if view.at_work == "here" and not self._closing:
            self._follow(view)

    def _heard(self, notice: Notice) -> None:
        if notice.kind in ("hunks-decided", "edited"):
            self.board.refresh()
        if (follower := self._followers.get(notice.run)) is not None:
            follower.hear(notice)
        elif notice.kind != "activity" and not self._closing:
            # Of a run that another process works on.
            self._server.spawn(self.board.look_again(notice.run), f"look at {notice.run}")
        # What goes by is left out for a client that does not read: it would only be late, and fill the memory.
        passing = notice.kind in ("activity", "writing") and self._server.pending_bytes > BACKLOG_BYTES
        if self._server.profile.rich and not passing:
            self._server.protocol.notify(EVENT, to_jsonable_python(notice))

    async def _stand_by_others(self) -> None:
        """Follow runs that other processes work on, for as long as the server lives."""
        followed: dict[str, asyncio.Task[None]] = {}
        while True:
            for run in await self.engine.at_work_elsewhere():
                if run not in followed or followed[run].done():
                    followed[run] = self._server.spawn(self._stand_by(run), f"stand by {run}")
            await asyncio.sleep(OTHERS_EVERY_S)

    async def _stand_by(self, run: str) -> None:
        """Show a run of another process; when that dies before the run has ended, the run goes on here."""
        self.board.remember(await self.engine.view(run))
        view = await self.engine.stand_by(run)
        self.board.remember(view)
        if view.interrupted or (view.waiting == "gate" and not view.at_work):
            said = f"It goes on here: the process that worked on {run} has ended."
            self.toasts.say(types.MessageType.Info, said)
            await self._resume_quietly(run)

    async def _offer_resume(self, view: RunView) -> None:
        message = f"A run was interrupted in {view.stage}: {headline(view.goal)} ({view.run})"
        if await self._questions.choose(message, [RESUME, LATER]) == RESUME:
            await self._resume_quietly(view.run)

    async def _resume_quietly(self, run: str) -> None:
        try:
            await self.engine.trusting.require()
            await self._drive(run)
        except WainwrightError as error:
            # Somebody else was faster: another window, or a command.
            log.info("run %s was not resumed: %s", run, error)

    async def decide_quietly(self, run: str, gate: str, decision: Decision, reason: str) -> None:
        """Decide a gate unless somebody did so already."""
        try:
            await self.decide(run, gate, decision, reason)
        except InputError as late:
            log.info("a decision came late: %s", late)
        except (PlanError, Unsaid) as wrong:
            said = types.ShowMessageParams(types.MessageType.Warning, str(wrong))
            self._server.window_show_message(said)

    async def revert_quietly(self, run: str) -> None:
        """Take a change back, if it is there."""
        with suppress(WainwrightError):
            await self.changes.revert(PartArguments(run=run))

    async def stop_quietly(self, run: str) -> None:
        """End the service of a run, if it runs."""
        try:
            await self.stop(run)
        except WainwrightError as error:
            self.toasts.say(types.MessageType.Error, f"The service was not stopped. {error}")

    async def cancel_quietly(self, run: str) -> None:
        """Stop a run unless it has ended by itself."""
        try:
            await self.cancel(run)
        except InputError as late:
            log.info("a run was over before it was cancelled: %s", late)
