"""The heart: ask, act, observe, until a typed answer.

One linear conversation. Every model call and every action is a step of the journal, so that an agent that was killed
goes on: recorded steps give their recorded outcome, and the tree is put back to the last checkpoint before the first
new action.

The caller may refuse an answer ("this test turned red"): the refusal is an observation, and the agent repairs in
context, a bounded number of times.
"""

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from pydantic import JsonValue, ValidationError

from wainwright.agents.answers import Reading, explain, read
from wainwright.agents.contracts import contract
from wainwright.agents.notes import Notes, hear
from wainwright.agents.roles import Assignment
from wainwright.agents.saying import message, say, seen
from wainwright.agents.spoken import after, spelled
from wainwright.agents.written import understood
from wainwright.domain.errors import BadAnswer, PlanError, WainwrightError
from wainwright.domain.events import Document, Rung
from wainwright.domain.goal import Fact
from wainwright.domain.marks import fenced
from wainwright.domain.text import cut, headline, with_short_paths
from wainwright.journal import Spend, Steps
from wainwright.models.client import Message, ModelReply, ModelRequest, Text, ToolCall, ToolSpec
from wainwright.models.fit import fit
from wainwright.models.router import Models
from wainwright.tools.files import apply
from wainwright.tools.toolbox import Approval, Denied, Tool, ToolEffect, Workbench

MISFITS_MAX = 3
"""Answers in a row that do not fit their form before the work is given up."""
REPEATS_MAX = 4
"""How often the same action may give the same observation."""
CALLS_MAX = 64
"""Calls in one reply that are done; of more, none is."""

EDITS_TOLD = 8
"""Files whose names are told when they are edited."""
REFUSAL_MAX = 1_000
"""Characters of the last refusal that a person is told."""

MAYBE_DONE = (
    "This was under way when its process ended, so it may have been done, in part or as a whole. It was not done "
    "again. Look whether it was done; call it once more only if it was not, or if doing it twice does no harm."
)
"""What an agent is told of an action that may not be done again, and that may have happened."""

GONE_BESIDE = (
    "The process in which you worked has ended. Your tree is as it was, but what your commands had written to {} is "
    "gone. Do again what you still need of it."
)
"""What an agent is told of installed and built things that no checkpoint has."""

_AGAIN = "Resume the run: the role tries anew, with another model if you have one. Or make the goal smaller."

NOT_APPROVED = "Not run: {}. Do without it; what is left for the person to do belongs into your answer."
"""What an agent is told of an action that a person did not say yes to, and why."""

A = TypeVar("A", bound=Fact)
Act = Callable[[], Awaitable[tuple[bool, str]]]
"""Does something; gives whether it was done, and the observation."""


class OutOfTurns(WainwrightError):
    """The agent used up its turns, its repairs, or kept repeating itself."""


@dataclass(frozen=True)
class Brief:
    """What an agent is told at first."""

    text: str
    """The work at hand."""
    shared: tuple[str, ...] = ()
    """What other roles are told too, in parts: it comes before the role's own words."""
    earlier: tuple[Message, ...] = ()
    """The conversation that this work goes on with, instead of what it would be told at first."""
    notes: Notes | None = None
    """What the person says to those at work: it is told at the next turn."""


@dataclass(frozen=True)
class Work(Generic[A]):
    """What came of it."""

    answer: A
    documents: tuple[Document, ...]


async def run_agent(
    assignment: Assignment,
    form: type[A],
    brief: Brief,
    *,
    workbench: Workbench,
    steps: Steps,
    models: Models,
    check: Callable[[Work[A]], Awaitable[str]] | None = None,
    refusals_max: int = 3,
    rung: Rung = "first",
    tell: Callable[[str], None] = lambda _line: None,
) -> Work[A]:
    """Let an agent do its work. ``form`` is the assignment's answer type; ``tell`` hears what is going on.

    ``check`` looks at an answer that has its form: an empty string accepts it, anything else is what to mend.

    Raises BadAnswer when the replies never fit, OutOfTurns at the limits, and what the models and the journal raise.
    """
    conversation = Conversation(assignment, form, workbench, steps, models, check, refusals_max, rung, tell)
    try:
        await conversation.open(brief)
        return await conversation.go_on()
    except (BadAnswer, OutOfTurns):
        # Kept outcomes would be replayed for ever: the next try asks the model anew.
        await steps.void()
        raise


@dataclass
class Conversation(Generic[A]):
    """An agent at work: whom it asks, where it acts, what was said so far, and how often something was wrong."""

    assignment: Assignment
    form: type[A]
    workbench: Workbench
    steps: Steps
    models: Models
    check: Callable[[Work[A]], Awaitable[str]] | None
    refusals_max: int
    rung: Rung
    tell: Callable[[str], None]

    messages: list[Message] = field(default_factory=list)
    misfits: int = 0
    refusals: int = 0
    notes: Notes | None = None
    heard: int = 0
    """How many of the person's notes were told in this conversation."""
    observed: Counter[str] = field(default_factory=Counter)
    """How often each action gave each observation."""
    documents: dict[str, str] = field(default_factory=dict)
    """What the agent wrote for people, by name."""
    from_record: bool = True
    """The model was not asked anything yet by this process."""
    beside: str = ""
    """Where commands have written, as far as recorded, that no checkpoint has."""
    lost: str = ""
    """What of that went with the process that was there before, and has to be told."""

    @property
    def tools(self) -> tuple[Tool[Any], ...]:
        """Those that can be used at this workbench."""
        return tuple(
            t for t in self.assignment.tools if self.workbench.sandbox is not None or not t.needs_sandbox
        )

    async def open(self, brief: Brief) -> None:
        """Say the first message; recorded, so that a resumed agent is told the same again.

        What stands first is the same for all roles; the work at hand is its last part.
        """
        self.notes = brief.notes

        async def act(_key: str) -> tuple[JsonValue, Spend]:
            self.from_record = False
            if brief.earlier:
                gone_on = (*brief.earlier, message("user", brief.text))
                return [one.model_dump(mode="json") for one in gone_on], Spend()
            told = (self.assignment.common, *brief.shared, self.assignment.own)
            before = [f"{part}\n\n" for part in told]
            return [*before, f"# The work at hand\n\n{brief.text or 'Do your part for the goal.'}"], Spend()

        kept = cast("list[Any]", await self.steps.step("opening", inputs=None, effect="read", act=act))
        if not isinstance(kept[0], str):
            self.messages += [Message.model_validate(one) for one in kept]
            return
        parts = tuple(Text(text=seen(part)) for part in cast("list[str]", kept))
        self.messages.append(Message(role="user", content=parts))

    async def go_on(self) -> Work[A]:
        """Go on turn by turn until an answer is accepted."""
        turns = self.assignment.turns
        for turn in range(1, turns + 1):
            reply = await self._ask(turn)
            reading = _reading(reply)
            if not await self._act(reply, reading):
                done = await self._answered(reading)
                if done is not None:
                    return done
            if turn >= turns - 3:
                left = "1 turn is" if turn == turns - 1 else f"{turns - turn} turns are"
                self._say(f"{left} left. Finish and answer.")
        raise OutOfTurns(f"The {self.assignment.role} used all of its {turns} turns.", _AGAIN)

    async def _ask(self, turn: int) -> ModelReply:
        specs = tuple(
            ToolSpec(name=t.name, description=t.description, parameters=t.schema) for t in self.tools
        )
        if self.from_record and not await self.steps.is_recorded("model"):
            self.from_record = False
            await self._tell_what_is_gone()
            await self._look_beside()
        if self.lost:
            self._say(GONE_BESIDE.format(self.lost))
            self.lost = ""
        if self.notes is not None:
            role, recorded = self.assignment.role, self.from_record
            self.heard = await hear(
                self.notes, self.steps, self.messages, role, turn, self.heard, recorded=recorded
            )
        request = ModelRequest(
            role=self.assignment.role,
            messages=tuple(fit(self.messages)),
            tools=specs,
            answer=contract(self.assignment, self.form),
        )
        reply = understood(await self.models.ask(self.steps, request, rung=self.rung), specs)
        self.messages.append(after(reply))
        return reply

    async def _tell_what_is_gone(self) -> None:
        """Say which tools the conversation had until now, that this process cannot offer."""
        before = await self.steps.last("model")
        if before is None:
            return
        had = {tool.name for tool in ModelRequest.model_validate(before[0]).tools}
        gone = ", ".join(sorted(had - {tool.name for tool in self.tools}))
        if gone:
            self.tell(f"goes on without {gone}")
            self._say(f"From now on these tools cannot be used any more: {gone}. Go on with what there is.")

    async def _look_beside(self) -> None:
        """Notice that what commands wrote beside the tree went with the process that had it."""
        if self.beside and not await self.workbench.beside():
            self.lost, self.beside = self.beside, ""

    # ---- acting

    async def _act(self, reply: ModelReply, reading: Reading) -> bool:
        """Do what the reply asks for and say what came of it. False when it asks for nothing, or only answers.

        A reply with a call that cannot be done is a slip as a whole: nothing of it is done.
        """
        unusable = self._unusable(reply.tool_calls)
        edits = bool(reading.blocks) and self.assignment.edits
        pending = bool(reply.tool_calls)
        came_of_it: list[str] = []
        refused = ""
        if any(unusable):
            refused = "another call of the same reply cannot be done"
            came_of_it += ["No edit was applied, because a call of the same reply cannot be done."] * edits
        elif edits:
            done = await self._edit(reading)
            came_of_it.append(done["text"])
            refused = "" if done["ok"] else "the edit blocks of the same reply were refused"
            pending = pending or bool(refused) or reading.answer is None
        elif reading.blocks:
            self.documents.update({b.path: b.replace for b in reading.blocks if b.kind == "file"})
        acted = await self._call_all(reply.tool_calls, unusable, refused)
        if reading.problems and (came_of_it or pending):
            came_of_it += reading.problems
            pending = True
        if any(unusable) and not acted:
            self._count_misfit(" ".join(dict.fromkeys(filter(None, unusable))))
        elif pending:
            self.misfits = 0
        if came_of_it:
            self._say(fenced("\n".join(came_of_it)))
        return pending

    async def _call_all(self, calls: Sequence[ToolCall], unusable: Sequence[str], refused: str) -> bool:
        """Do all calls of a reply, or none where there is a reason, and say what came of each; whether one was done.

        A call beside one that cannot be done is a step as well: what is on record counts as it came out then.
        """
        acted = False
        for call, wrong in zip(calls, unusable, strict=True):
            not_done = (wrong or f"Not done, because {refused}.") if refused else ""
            told = fenced(not_done)
            if any(unusable) or not refused:
                done = await self._call(call, not_done)
                acted = acted or bool(done["ok"])
                told = fenced(done["text"])
                if not refused:
                    told += self._repeated(call.name, call.arguments, done["text"])
            self.messages.append(message("tool", told, tool_call_id=call.id))
        return acted

    def _unusable(self, calls: Sequence[ToolCall]) -> list[str]:
        """Why each call cannot be done, as a sentence; empty where it can."""
        if len(calls) > CALLS_MAX:
            return [f"Not done: a reply may have at most {CALLS_MAX} calls."] * len(calls)
        return [self._wrong_with(call) for call in calls]

    def _wrong_with(self, call: ToolCall) -> str:
        tool = self._tool(call.name)
        if tool is None:
            names = ", ".join(t.name for t in self.tools) or "none"
            return f"There is no tool {call.name}. Tools: {names}."
        if call.malformed:
            return f"The arguments of {call.name} are not a JSON object."
        return tool.misfit(call.arguments)

    def _tool(self, name: str) -> Tool[Any] | None:
        return next((t for t in self.tools if t.name == name), None)

    async def _edit(self, reading: Reading) -> dict[str, str]:
        """The edit blocks of a reply as a step; what came of them."""
        self.tell(_edits(tuple(dict.fromkeys(b.path for b in reading.blocks))))
        blocks: JsonValue = [b.model_dump() for b in reading.blocks]
        done = await self._step("edit", blocks, lambda: apply(self.workbench, reading.blocks), "idempotent")
        return (
            done
            if done["ok"]
            else {**done, "text": done["text"] + self._repeated("edit", blocks, done["text"])}
        )

    async def _call(self, call: ToolCall, not_done: str) -> dict[str, str]:
        """One tool call as a step, even where it is not done: one that is on record counts as it came out then."""
        tool = self._tool(call.name)
        self.tell(_describe(call))
        approval = await self._to_approve(tool, call) if tool and not not_done else None
        no = await self._ask_person(approval) if approval else ""

        async def act() -> tuple[bool, str]:
            if not_done or tool is None:
                return False, not_done
            if no:
                return False, NOT_APPROVED.format(no)
            came = await tool.call(self.workbench, call.arguments)
            return not isinstance(came, Denied), str(came)

        effect: ToolEffect = "read" if tool is None or no or not_done else tool.effect
        if approval and not no:
            # Done at the most once, whatever its tool says of itself: the yes was for once.
            effect, self.workbench.approved = "external", approval.digest
        try:
            return await self._step(call.name, call.arguments, act, effect)
        finally:
            self.workbench.approved = ""

    async def _to_approve(self, tool: Tool[Any], call: ToolCall) -> Approval | None:
        """What a person is asked before this call; None: nothing, or nobody is there, or it was done before."""
        if self.workbench.person is None:
            return None
        approval = tool.asks(self.workbench, call.arguments)
        done = approval is not None and await self.steps.is_recorded(f"act-{call.name}")
        return None if done else approval

    async def _ask_person(self, approval: Approval) -> str:
        """Why a person does not say yes to an action, empty if they do; their answer stays when the process ends."""
        person = self.workbench.person
        assert person is not None
        after = len(self.messages)  # the same again, later in the conversation, is asked again
        about: dict[str, JsonValue] = {"what": approval.digest, "after": after}

        async def ask(key: str) -> tuple[JsonValue, Spend]:
            binds = hashlib.sha256(f"{key} {about}".encode()).hexdigest()
            return await person(approval, key, binds), Spend()

        return cast("str", await self.steps.step(f"ask-{after}", inputs=about, effect="read", act=ask))

    async def _step(self, name: str, inputs: JsonValue, act: Act, effect: ToolEffect) -> dict[str, str]:
        """One action as a step: from the last checkpoint, and with a new one after it if it can change the tree."""
        workbench = self.workbench

        async def live(_key: str) -> tuple[JsonValue, Spend]:
            await self._catch_up()
            await self._look_beside()
            ok, text = await act()
            commit = (
                await workbench.checkpoint(name)
                if effect != "read" and workbench.writable
                else workbench.tree_at
            )
            beside = await workbench.beside()
            return {"ok": "yes" if ok else "", "text": text, "commit": commit, "beside": beside}, Spend()

        told: JsonValue = {"ok": "", "text": MAYBE_DONE, "commit": workbench.expected_at}
        done = cast(
            "dict[str, str]",
            await self.steps.step(f"act-{name}", inputs=inputs, effect=effect, act=live, unknown=told),
        )
        workbench.expected_at = done["commit"]
        self.beside = done.get("beside", self.beside)
        return done

    async def _catch_up(self) -> None:
        """Put the tree to where the recorded actions left it, when they were not done by this process."""
        if self.workbench.tree_at != self.workbench.expected_at:
            await self.workbench.restore(self.workbench.expected_at)

    def _repeated(self, name: str, inputs: JsonValue, observation: str) -> str:
        """Watch for an agent that does the same and sees the same, over and over; what to say of it, if anything."""
        mark = hashlib.sha256(f"{name} {inputs} {observation}".encode()).hexdigest()
        self.observed[mark] += 1
        times = self.observed[mark]
        if times > REPEATS_MAX:
            raise OutOfTurns(f"The same {name} call gave the same observation {times} times.", _AGAIN)
        if times == REPEATS_MAX:
            return f"\n(You have seen this {REPEATS_MAX} times. Do something else, or answer.)"
        return ""

    # ---- answering

    async def _answered(self, reading: Reading) -> Work[A] | None:
        """The accepted answer; None when there is something to mend, which was said."""
        answer = self._fitting(reading)
        if isinstance(answer, str):
            self._misfit(answer)
            return None
        await self._catch_up()
        done = Work(answer, self._documents())
        refusal = await self.check(done) if self.check else ""
        if not refusal:
            return done
        self._refuse(refusal)
        return None

    def _fitting(self, reading: Reading) -> A | str:
        """The answer in its form, or what is wrong with it."""
        if reading.problems:
            return " ".join(reading.problems)
        if reading.answer is None:
            actions = "call a tool, write edit blocks," if self.assignment.edits else "call a tool"
            return f"Your reply has no answer in a ```json block. Either {actions} or answer."
        missing = [name for name in self.assignment.documents if not self.documents.get(name, "").strip()]
        try:
            answer = self.form.model_validate(reading.answer)
        except (ValidationError, PlanError) as error:
            return f"Your answer does not fit its form: {explain(error)}"
        if missing:
            return f"The document {', '.join(missing)} is missing. Write it as a FILE block."
        return answer

    def _documents(self) -> tuple[Document, ...]:
        documents = []
        for name, text in self.documents.items():
            try:
                documents.append(Document(name=name, text=text))
            except ValidationError:
                # A document with a path that leads elsewhere is left out; required ones were checked by name.
                continue
        return tuple(documents)

    def _misfit(self, wrong: str) -> None:
        self._count_misfit(wrong)
        self._say(fenced(wrong))

    def _count_misfit(self, wrong: str) -> None:
        self.misfits += 1
        if self.misfits >= MISFITS_MAX:
            raise BadAnswer(
                f"The {self.assignment.role}'s model gave {MISFITS_MAX} answers that cannot be used. "
                f"The last: {wrong}",
                "Try another model for this role, then resume the run.",
            )

    def _refuse(self, refusal: str) -> None:
        self.misfits = 0
        self.refusals += 1
        if self.refusals > self.refusals_max:
            why = cut(refusal, REFUSAL_MAX)
            raise OutOfTurns(f"The work was refused {self.refusals} times. The last time: {why}", _AGAIN)
        which = f"answer {self.refusals} of {self.refusals_max + 1}"
        self._say(f"Not accepted yet ({which}):\n{fenced(refusal)}\nMend this, then answer again.")

    def _say(self, text: str) -> None:
        say(self.messages, text)


def _reading(reply: ModelReply) -> Reading:
    reading = read(reply.text)
    if reply.finish == "length" and reading.answer is None:
        cut_off = "Your reply was cut off at its limit of tokens. Go on in smaller parts."
        return reading.model_copy(update={"problems": (*reading.problems, cut_off)})
    return reading


def _describe(call: ToolCall) -> str:
    told = f"{call.name} {spelled(next(iter(call.arguments.values()), ''))}"
    # A command is told to the letter.
    return headline(told if call.name == "shell" else with_short_paths(told), 100)


def _edits(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - EDITS_TOLD} more" if len(paths) > EDITS_TOLD else ""
    return f"edits {', '.join(map(with_short_paths, paths[:EDITS_TOLD]))}{more}"
