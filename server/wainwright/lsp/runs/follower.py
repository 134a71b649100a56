"""Follows one run at work: its progress bar, its questions, and the word at its end."""

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from lsprotocol import types

from wainwright.domain.goal import ENDS, Stage
from wainwright.lsp.connection.progress import Progress
from wainwright.lsp.runs.told import came_of_it, spent, word

if TYPE_CHECKING:
    from wainwright.domain.events import Decision
    from wainwright.engine.views.run_view import GateView, Notice, RunView
    from wainwright.lsp.connection.session import WainwrightServer
    from wainwright.lsp.messages import Shown
    from wainwright.lsp.runs.board import Board
    from wainwright.lsp.runs.changes import Changes
    from wainwright.lsp.runs.questions import Questions
    from wainwright.lsp.runs.toasts import Toasts

SHOW = "Show"
LEAVE, END = "Leave it open", "End the run"
REVIEW, REVERT, STOP = "Review", "Revert", "Stop the service"


class Steering(Protocol):
    """What a person can do about a run from its bar and its questions."""

    async def decide_quietly(self, run: str, gate: str, decision: "Decision", reason: str) -> None:
        """Decide a gate unless somebody did so already."""
        ...

    async def say_at_gate(self, run: str, gate: "GateView", decision: "Decision") -> None:
        """Refuse a gate or answer it, with what the person says of it."""
        ...

    async def cancel_quietly(self, run: str) -> None:
        """Stop a run unless it has ended by itself."""
        ...

    async def revert_quietly(self, run: str) -> None:
        """Take a change back, if it is there."""
        ...

    async def stop_quietly(self, run: str) -> None:
        """End the service of a run, if it runs."""
        ...

    @property
    def changes(self) -> "Changes":
        """What is known of the changes of runs."""
        ...

    def show_document(self, run: str, name: str) -> "Shown":
        """Have one document of a run opened, if the editor can."""
        ...


class Follower:
    """Shows a run in the editor from now until it rests."""

    def __init__(
        self,
        server: "WainwrightServer",
        board: "Board",
        questions: "Questions",
        toasts: "Toasts",
        steering: Steering,
        run: str,
        *,
        alone: bool,
    ) -> None:
        self._server = server
        self._board = board
        self._questions = questions
        self._toasts = toasts
        self._steering = steering
        self._run = run
        # Status bars cut after some sixty characters: a run is named where there is another one.
        self._title = "Wainwright" if alone else f"Wainwright: {run}"
        self._news = asyncio.Event()
        self._bar: Progress | None = None
        self._asked: dict[str, asyncio.Task[None]] = {}
        self._began = time.monotonic()
        self._spent = ""
        """How long it is at work here, and what it has cost."""
        self._left = ""
        """Why this process works on it no more although it has not ended."""

    def hear(self, notice: "Notice") -> None:
        """Take a notice of the engine; does not block."""
        if notice.kind == "left":
            self._left = notice.text
        if notice.kind not in ("activity", "writing"):
            self._news.set()
        elif self._bar is not None:
            what = f"{notice.task}: {notice.text}" if notice.task else notice.text
            self._bar.report(f"{notice.stage}: {what}{self._spent}")

    async def follow(self) -> None:
        """Return when the run has ended, holds, or is no longer driven by this process."""
        self._bar = await Progress.begin(self._server, self._title, message="starts", cancel=self._cancel)
        last = "stopped"
        try:
            while True:
                self._news.clear()
                view = await self._board.look_again(self._run)
                last = word(view)
                self._spent = f" ({spent(view, time.monotonic() - self._began)})"
                self._bar.report(f"{last}{self._spent}", view.percent)
                self._ask_about(view.gates)
                if view.at_work != "here":
                    break
                await self._news.wait()
        finally:
            self._bar.end(last)
            self._ask_about(())
        await self._say(view)

    def _cancel(self) -> None:
        self._server.spawn(self._steering.cancel_quietly(self._run), f"cancel {self._run}")

    # ---- gates

    def _ask_about(self, gates: "tuple[GateView, ...]") -> None:
        """Ask about gates that are new; take questions back that somebody has answered another way."""
        open_now = {gate.id for gate in gates}
        for gate_id in set(self._asked) - open_now:
            self._asked.pop(gate_id).cancel()
        for gate in gates:
            if gate.id not in self._asked:
                self._asked[gate.id] = self._server.spawn(self._ask(gate), f"ask about {gate.id}")

    async def _ask(self, gate: "GateView") -> None:
        """Ask once, with all there is to know. Who closes the question has decided nothing: the gate stays open."""
        answers = [gate.answer] if gate.answer and self._questions.takes_words else []
        show = [SHOW] if self._server.profile.show_document else []
        choices = [gate.yes, *answers, gate.no, *show]
        if self._server.profile.questions_take_keys:
            # A key that was meant for something else takes what stands first, or second.
            choices = [*show, LEAVE, gate.yes, *answers, gate.no]
        said = await self._questions.choose(gate.question, choices, gate.detail)
        if said == SHOW:
            self._steering.show_document(self._run, gate.read)
        elif said == gate.yes:
            await self._steering.decide_quietly(self._run, gate.id, "approve", "")
        elif said not in (None, LEAVE) and await self._means_it(gate, said):
            await self._steering.say_at_gate(self._run, gate, "reject" if said == gate.no else "answer")

    async def _means_it(self, gate: "GateView", said: str) -> bool:
        """Whether a no that ends the run was no slip of the hand."""
        if said != gate.no or not gate.ends:
            return True
        question = f"End run {self._run} here? It can be resumed."
        return await self._questions.choose(question, [LEAVE, END]) == END

    # ---- the end

    async def _say(self, view: "RunView") -> None:
        if self._left:
            self._toasts.say(types.MessageType.Warning, self._left)
            return
        if view.stage not in ENDS and view.waiting != "hold":
            return
        kind = types.MessageType.Error if view.stage is Stage.FAILED else types.MessageType.Info
        named = view.stage is Stage.DONE and view.branch
        said = word(view) if named else f"{word(view)} ({view.run})"
        changed = (
            came_of_it(view, await self._steering.changes.files(view.run)) if view.stage is Stage.DONE else ""
        )
        said = f"{said}. {changed[0].upper()}{changed[1:]}." if changed else said
        # Who is asked loses the keyboard in some editors, and there are actions for all of it.
        if self._server.profile.questions_take_keys or not self._toasts.may_pop_up(kind):
            self._toasts.say(kind, said)
        else:
            self._server.spawn(self._offer(view, said, kind), f"tell what came of {view.run}")

    async def _offer(self, view: "RunView", said: str, kind: types.MessageType) -> None:
        """Tell the end with what can be done about it; whoever closes it finds the same among the actions."""
        reviewed = any(path.endswith("/review.md") for path in view.artifacts)
        ways = {
            SHOW: self._server.profile.show_document,
            REVIEW: reviewed and self._server.profile.show_document,
            REVERT: view.editor in ("applied", "partial"),
            STOP: view.stage is Stage.DONE and view.deployment is not None and view.deployment.serves,
        }
        offered = [way for way, there in ways.items() if there]
        if not offered:
            self._server.window_show_message(types.ShowMessageParams(kind, said))
            return
        chosen = await self._questions.choose(said, offered, kind=kind)
        if chosen in (SHOW, REVIEW):
            self._steering.show_document(view.run, "run.md" if chosen == SHOW else "review.md")
        elif chosen == REVERT:
            await self._steering.revert_quietly(view.run)
        elif chosen == STOP:
            await self._steering.stop_quietly(view.run)
