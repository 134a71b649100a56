"""What a person says in words: at a gate, to those at work, of what is to be done where they are.

The words come with the command, or stand in the open ``run.md``; else the person is asked for a line, where the
editor takes one, and told where to write them where it does not. Whoever closes the input has decided nothing.
"""

import asyncio
from typing import TYPE_CHECKING, Protocol

from lsprotocol import types

from wainwright.domain import change_diff
from wainwright.domain.errors import InputError, Unsaid, WainwrightError
from wainwright.domain.plan_reading import parse
from wainwright.domain.plan_text import PLAN
from wainwright.domain.text import headline
from wainwright.engine.views.documents import DECIDE, NOTES, RUN
from wainwright.lsp.documents.own import GOAL, read_text
from wainwright.lsp.messages import RunInfo, Shown, StartArguments, WorkArguments, WorkAsked
from wainwright.lsp.runs.goal_input import Goals
from wainwright.lsp.runs.hunks import Hunks
from wainwright.lsp.runs.questions import Questions

if TYPE_CHECKING:
    from wainwright.domain.events import Decision
    from wainwright.engine.engine import Engine
    from wainwright.engine.views.run_view import GateView, RunView
    from wainwright.lsp.connection.session import WainwrightServer

NO_REASON = "rejected in the editor"
EXPLAIN = "explain"
OFFERED_WAY, GOAL_WAY, EXPLAIN_WAY, NOTHING = "What it says", f"What {GOAL} says", "Explain it", "Nothing"


class Doing(Protocol):
    """What is done with the words."""

    async def decide_quietly(self, run: str, gate: str, decision: "Decision", reason: str) -> None:
        """Decide a gate unless somebody did so already."""
        ...

    async def start(self, arguments: StartArguments) -> RunInfo:
        """Begin a run."""
        ...

    async def explain(self, arguments: StartArguments) -> RunInfo:
        """Have something explained."""
        ...

    def show_document(self, run: str, name: str) -> Shown:
        """Have one document of a run opened, if the editor can."""
        ...


class Words:
    """Finds the person's words, or asks for them."""

    def __init__(
        self,
        server: "WainwrightServer",
        engine: "Engine",
        goals: Goals,
        questions: Questions,
        hunks: Hunks,
        doing: Doing,
    ) -> None:
        self._server = server
        self._engine = engine
        self._goals = goals
        self._questions = questions
        self._hunks = hunks
        self._doing = doing

    # ---- at a gate

    async def at(self, run: str, gate: "GateView", decision: "Decision", given: str) -> str:
        """The words for a gate. Raises InputError for an answer without any, saying where to write them."""
        words = await self._written(run, gate, given)
        if not words and decision == "answer":
            raise self._none_yet(run, f"under {gate.id} in")
        return words or NO_REASON

    async def asked_at(self, run: str, gate: "GateView", decision: "Decision", given: str) -> bool:
        """Whether the person is being asked for the words, and decides the gate with them."""
        if not self._questions.takes_words or await self._written(run, gate, given):
            return False
        self._server.spawn(self._ask_at(run, gate, decision), f"ask about {gate.id}")
        return True

    async def _written(self, run: str, gate: "GateView", given: str) -> str:
        """The words that came with the decision or stand in `run.md`, and those below hunks of the change."""
        words = given.strip() or self._goals.quoted(run, DECIDE, gate.id)
        hunks = await self._hunks.unsaid(run) if gate.read == change_diff.NAME else {}
        below = [f"On hunk {number} of {change_diff.NAME}: {told}" for number, told in hunks.items()]
        return "\n".join(filter(None, (words, *below)))

    async def require_said(self, run: str, gate: "GateView", decision: "Decision") -> None:
        """Raises Unsaid where a person wrote what a decision would leave unread."""
        if (
            gate.read == change_diff.NAME
            and decision != "reject"
            and (hunks := await self._hunks.unsaid(run))
        ):
            raise Unsaid(
                f"You wrote below hunk {min(hunks)} of {change_diff.NAME}, and nobody is told that by a yes.",
                "Reject that hunk, have it changed, or accept it; then choose this again.",
            )
        if gate.read == PLAN and await self._unsaved(run):
            raise Unsaid(
                f"{PLAN} in your editor is not the one on disk, which counts.",
                "Save it, or load it again, and choose this then.",
            )

    async def _unsaved(self, run: str) -> bool:
        """Whether the page of the present plan has something in the editor that was not saved."""
        path = self._engine.workspace / ".wainwright" / "runs" / run / PLAN
        opened = self._server.buffers.find_open(path)
        there = await asyncio.to_thread(read_text, path, self._engine.workspace) if opened else None
        if opened is None or there is None or opened.source.split() == there.removeprefix("\ufeff").split():
            return False
        return parse(opened.source).revision == parse(there).revision

    async def _ask_at(self, run: str, gate: "GateView", decision: "Decision") -> None:
        asks = "What should be different?" if decision == "reject" else gate.question
        if words := await self._questions.words(asks):
            await self._doing.decide_quietly(run, gate.id, decision, words)

    # ---- to those at work

    async def note(self, view: "RunView", words: str) -> "RunView":
        """Note something on a run, or ask what; the run as it is then. Raises InputError where there is no way."""
        if not words:
            words = self._goals.quoted(view.run, NOTES)
            if words in {one.words for one in view.notes}:
                raise InputError(
                    "That was noted already.", "Write other words, or wait until it is received."
                )
        if words:
            return await self._engine.say(view.run, words, by="editor")
        if not self._questions.takes_words:
            raise self._none_yet(view.run, f"under *{NOTES}* in")
        self._server.spawn(self._ask_for_note(view.run), f"ask for a note to {view.run}")
        return view

    async def _ask_for_note(self, run: str) -> None:
        if words := await self._questions.words("What should those at work mind?"):
            await self._engine.say(run, words, by="editor")

    def _none_yet(self, run: str, where: str) -> InputError:
        self._doing.show_document(run, RUN)
        return InputError(
            "There are no words yet.",
            f"Write them {where} {RUN}, on lines that begin with `> `, and choose this again.",
        )

    # ---- of what is to be done

    async def work(self, arguments: WorkArguments) -> WorkAsked:
        """Ask the person what is to be done where they are, and begin it."""
        self._server.spawn(self._begin(arguments), "ask what is to be done")
        return WorkAsked()

    async def _begin(self, arguments: WorkArguments) -> None:
        said = await self._what(arguments.offered or EXPLAIN)
        plain = StartArguments(**arguments.model_dump(exclude={"offered", "goal"}))
        place = arguments.goal or ""
        try:
            if said == GOAL_WAY:
                await self._doing.start(plain)
            elif said.strip().lower() == EXPLAIN:
                await self._doing.explain(plain.model_copy(update={"goal": f"Explain this. {place}".strip()}))
            elif said:
                await self._doing.start(plain.model_copy(update={"goal": f"{said}\n\n{place}".strip()}))
        except WainwrightError as error:
            told = types.ShowMessageParams(types.MessageType.Warning, f"Nothing has begun. {error}")
            self._server.window_show_message(told)

    async def _what(self, offered: str) -> str:
        """What the person wants, which is what is ``offered`` unless they say otherwise; empty: nothing."""
        if self._questions.takes_words:
            shown = headline(offered, 200)
            said = await self._questions.words("What is to be done here?", shown)
            return offered if said == shown else said
        ways = {OFFERED_WAY: offered, GOAL_WAY: GOAL_WAY, EXPLAIN_WAY: EXPLAIN}
        titles = [way for way in ways if way != OFFERED_WAY or offered != EXPLAIN]
        question = f"What is to be done here? In your own words: write them into {GOAL}."
        title = await self._questions.choose(question, [*titles, NOTHING], headline(offered, 200))
        return ways.get(title or "", "")
