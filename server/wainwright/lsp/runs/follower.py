"""Follows one run at work: its progress bar, its questions, and the word at its end."""

import asyncio
from typing import TYPE_CHECKING, Protocol

from lsprotocol import types

from wainwright.domain.goal import ENDS, Stage
from wainwright.lsp.connection.progress import Progress

if TYPE_CHECKING:
    from wainwright.domain.events import Decision
    from wainwright.engine.views.run_view import GateView, Notice, RunView
    from wainwright.lsp.connection.session import WainwrightServer
    from wainwright.lsp.messages import Shown
    from wainwright.lsp.runs.board import Board
    from wainwright.lsp.runs.questions import Questions

SHOW = "Show"
LEAVE, END = "Leave it open", "End the run"
_IN_FILES = {
    "applied": "in your files",
    "partial": "partly in your files",
    "refused": "not in your files",
}


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
        steering: Steering,
        run: str,
        *,
        alone: bool,
    ) -> None:
        self._server = server
        self._board = board
        self._questions = questions
        self._steering = steering
        self._run = run
        # Status bars cut after some sixty characters: a run is named where there is another one.
        self._title = "Wainwright" if alone else f"Wainwright: {run}"
        self._news = asyncio.Event()
        self._bar: Progress | None = None
        self._asked: dict[str, asyncio.Task[None]] = {}
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
            self._bar.report(f"{notice.stage}: {what}")

    async def follow(self) -> None:
        """Return when the run has ended, holds, or is no longer driven by this process."""
        self._bar = await Progress.begin(self._server, self._title, message="starts", cancel=self._cancel)
        last = "stopped"
        try:
            while True:
                self._news.clear()
                view = await self._board.look_again(self._run)
                last = _word(view)
                self._bar.report(last, view.percent)
                self._ask_about(view.gates)
                if view.at_work != "here":
                    break
                await self._news.wait()
        finally:
            self._bar.end(last)
            self._ask_about(())
        self._say(view)

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
        choices = [gate.yes, *answers, gate.no] + ([SHOW] if self._server.profile.show_document else [])
        said = await self._questions.choose(gate.question, choices, gate.detail)
        if said == SHOW:
            self._steering.show_document(self._run, gate.read)
        elif said == gate.yes:
            await self._steering.decide_quietly(self._run, gate.id, "approve", "")
        elif said is not None and await self._means_it(gate, said):
            await self._steering.say_at_gate(self._run, gate, "reject" if said == gate.no else "answer")

    async def _means_it(self, gate: "GateView", said: str) -> bool:
        """Whether a no that ends the run was no slip of the hand."""
        if said != gate.no or not gate.ends:
            return True
        question = f"End run {self._run} here? It can be resumed."
        return await self._questions.choose(question, [LEAVE, END]) == END

    # ---- the end

    def _say(self, view: "RunView") -> None:
        if self._left:
            self._server.window_show_message(types.ShowMessageParams(types.MessageType.Warning, self._left))
            return
        if view.stage in ENDS or view.waiting == "hold":
            kind = types.MessageType.Error if view.stage is Stage.FAILED else types.MessageType.Info
            named = view.stage is Stage.DONE and view.branch
            said = _word(view) if named else f"{_word(view)} ({view.run})"
            self._server.window_show_message(types.ShowMessageParams(kind, said))


def _word(view: "RunView") -> str:
    """How far a run is, in one line."""
    if view.stage is Stage.FAILED:
        return " ".join(filter(None, (f"FAILED: {view.failure}", view.hint, *view.ending)))
    if view.stage is Stage.CANCELLED:
        return ". ".join(("CANCELLED", " ".join(view.ending))).removesuffix(". ")
    if view.stage is Stage.DONE:
        where = [_IN_FILES.get(view.editor, ""), view.branch and f"branch {view.branch}"]
        return ". ".join([", ".join(["DONE", *filter(None, where)]), *view.cautions[:1]])
    if view.waiting == "hold":
        return f"holds before {view.stage}"
    if view.gates:
        return f"{view.stage}: waits for you: {view.gates[0].question}"
    return f"{view.stage}: {view.activity}" if view.activity else str(view.stage)
