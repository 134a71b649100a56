"""The hand: ask, act, observe, until a typed answer.

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
from wainwright.agents.roles import Assignment
from wainwright.domain.errors import BadAnswer, PlanError, WainwrightError
from wainwright.domain.events import Document, Rung
from wainwright.domain.goal import Fact
from wainwright.journal import Spend, Steps
from wainwright.models.client import Message, ModelReply, ModelRequest, ToolCall, ToolSpec
from wainwright.models.router import Models
from wainwright.tools.files import Block, apply
from wainwright.tools.toolbox import Desk, Tool, cut

MISFITS_MAX = 3
"""Answers in a row that do not fit their form before the work is given up."""
REPEATS_MAX = 4
"""How often the same action may give the same observation."""
CONTEXT_MAX = 360_000
"""Characters of one conversation that are sent; older observations are shortened first."""

_AGAIN = "Resume the run: the role tries anew, with another model if you have one. Or make the goal smaller."

A = TypeVar("A", bound=Fact)


class OutOfTurns(WainwrightError):
    """The agent used up its turns, its repairs, or kept repeating itself."""


@dataclass(frozen=True)
class Work(Generic[A]):
    """What came of it."""

    answer: A
    documents: tuple[Document, ...]


@dataclass
class _Talk:
    """The conversation and its counters."""

    messages: list[Message]
    misfits: int = 0
    refusals: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    documents: dict[str, str] = field(default_factory=dict)

    def say(self, text: str) -> None:
        self.messages.append(Message(role="user", content=text))


async def work(
    assignment: Assignment,
    form: type[A],
    brief: str,
    *,
    desk: Desk,
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
    talk = _Talk(await _opening(assignment, brief, steps))
    try:
        return await _converse(
            assignment,
            form,
            talk,
            desk=desk,
            steps=steps,
            models=models,
            check=check,
            refusals_max=refusals_max,
            rung=rung,
            tell=tell,
        )
    except (BadAnswer, OutOfTurns):
        # Kept outcomes would be replayed for ever: the next try asks the model anew.
        await steps.void()
        raise


async def _opening(assignment: Assignment, brief: str, steps: Steps) -> list[Message]:
    """The first two messages; recorded, so that a resumed agent is told the same again."""

    async def act(_key: str) -> tuple[JsonValue, Spend]:
        return [assignment.prompt, brief], Spend()

    kept = await steps.step("opening", inputs=None, effect="read", act=act)
    prompt, told = cast("list[str]", kept)
    return [Message(role="system", content=prompt), Message(role="user", content=told)]


async def _converse(
    assignment: Assignment,
    form: type[A],
    talk: _Talk,
    *,
    desk: Desk,
    steps: Steps,
    models: Models,
    check: Callable[[Work[A]], Awaitable[str]] | None,
    refusals_max: int,
    rung: Rung,
    tell: Callable[[str], None],
) -> Work[A]:
    tools = tuple(t for t in assignment.tools if desk.sandbox is not None or not t.needs_sandbox)
    for turn in range(1, assignment.turns + 1):
        reply = await _ask(assignment, talk, tools, steps, models, rung)
        reading = _reading(reply)
        if await _act(assignment, talk, reply, reading, tools, desk, steps, tell):
            talk.misfits = 0
        else:
            answer = _fit(assignment, form, talk, reading)
            if isinstance(answer, Fact):
                await _catch_up(desk)
                done = Work(answer, _documents(talk))
                refusal = await check(done) if check else ""
                if not refusal:
                    return done
                _refuse(talk, refusal, refusals_max)
            else:
                _misfit(talk, answer, assignment)
        if turn >= assignment.turns - 3:
            talk.say(f"{assignment.turns - turn} turns are left. Finish and answer.")
    raise OutOfTurns(f"The {assignment.role} used all of its {assignment.turns} turns.", _AGAIN)


def _reading(reply: ModelReply) -> Reading:
    reading = read(reply.text)
    if reply.finish == "length" and reading.answer is None:
        cut_off = "Your reply was cut off at its limit of tokens. Go on in smaller parts."
        return reading.model_copy(update={"problems": (*reading.problems, cut_off)})
    return reading


async def _ask(
    assignment: Assignment, talk: _Talk, tools: Sequence[Tool[Any]], steps: Steps, models: Models, rung: Rung
) -> ModelReply:
    specs = tuple(
        ToolSpec(name=t.name, description=t.description, parameters=t.arguments.model_json_schema())
        for t in tools
    )
    request = ModelRequest(role=assignment.role, messages=tuple(fit(talk.messages)), tools=specs)
    reply = await models.ask(steps, request, rung=rung)
    # Some providers refuse a history with a message that says nothing.
    said = reply.text if reply.text.strip() or reply.tool_calls else "(nothing)"
    talk.messages.append(Message(role="assistant", content=said, tool_calls=reply.tool_calls))
    return reply


async def _act(
    assignment: Assignment,
    talk: _Talk,
    reply: ModelReply,
    reading: Reading,
    tools: Sequence[Tool[Any]],
    desk: Desk,
    steps: Steps,
    tell: Callable[[str], None],
) -> bool:
    """Do what the reply asks for and say what came of it. False when it asks for nothing, or only answers."""
    pending = refused = False
    came_of_it: list[str] = []
    if reading.blocks and assignment.edits:
        tell("edits " + ", ".join(dict.fromkeys(b.path for b in reading.blocks)))
        done = await _step(
            desk, steps, "edit", [b.model_dump() for b in reading.blocks], _applier(desk, reading.blocks)
        )
        came_of_it.append(done["text"])
        refused = not done["ok"]
        pending = refused or reading.answer is None
    elif reading.blocks:
        talk.documents.update({b.path: b.replace for b in reading.blocks if b.kind == "file"})
    for call in reply.tool_calls:
        pending = True
        seen = "Not done, because the edit blocks of the same reply were refused."
        if not refused:
            tell(_describe(call))
            done = await _step(desk, steps, call.name, call.arguments, _caller(desk, tools, call))
            seen = _repeated(talk, call, done["text"])
        talk.messages.append(Message(role="tool", content=seen, tool_call_id=call.id))
    if reading.problems and (came_of_it or pending):
        came_of_it += reading.problems
        pending = True
    if came_of_it:
        # After the tools' observations: providers want those right behind the calls.
        talk.say("\n".join(came_of_it))
    return pending


async def _step(
    desk: Desk, steps: Steps, name: str, inputs: JsonValue, act: Callable[[], Awaitable[tuple[bool, str]]]
) -> dict[str, str]:
    """One action as a step: from the last checkpoint, and with a new one after it."""

    async def live(_key: str) -> tuple[JsonValue, Spend]:
        await _catch_up(desk)
        ok, text = await act()
        commit = await desk.checkpoint(name) if desk.writable else desk.tree_at
        return {"ok": "yes" if ok else "", "text": text, "commit": commit}, Spend()

    done = cast(
        "dict[str, str]", await steps.step(f"act-{name}", inputs=inputs, effect="idempotent", act=live)
    )
    desk.expected_at = done["commit"]
    return done


async def _catch_up(desk: Desk) -> None:
    """Put the tree to where the recorded actions left it, when they were not done by this process."""
    if desk.tree_at != desk.expected_at:
        await desk.restore(desk.expected_at)


def _applier(desk: Desk, blocks: Sequence[Block]) -> Callable[[], Awaitable[tuple[bool, str]]]:
    async def act() -> tuple[bool, str]:
        return await apply(desk, blocks)

    return act


def _caller(
    desk: Desk, tools: Sequence[Tool[Any]], call: ToolCall
) -> Callable[[], Awaitable[tuple[bool, str]]]:
    async def act() -> tuple[bool, str]:
        tool = next((t for t in tools if t.name == call.name), None)
        if tool is None:
            return (
                False,
                f"There is no tool {call.name}. Tools: {', '.join(t.name for t in tools) or 'none'}.",
            )
        if call.malformed:
            return False, f"The arguments of {call.name} are not a JSON object."
        return True, await tool.call(desk, call.arguments)

    return act


def _fit(assignment: Assignment, form: type[A], talk: _Talk, reading: Reading) -> A | str:
    """The answer in its form, or what is wrong with it."""
    if reading.problems:
        return " ".join(reading.problems)
    if reading.answer is None:
        actions = "call a tool, write edit blocks," if assignment.edits else "call a tool"
        return f"Your reply has no answer in a ```json block. Either {actions} or answer."
    missing = [name for name in assignment.documents if not talk.documents.get(name, "").strip()]
    try:
        answer = form.model_validate(reading.answer)
    except (ValidationError, PlanError) as error:
        return f"Your answer does not fit its form: {explain(error)}"
    if missing:
        return f"The document {', '.join(missing)} is missing. Write it as a FILE block."
    return answer


def _misfit(talk: _Talk, wrong: str, assignment: Assignment) -> None:
    talk.misfits += 1
    if talk.misfits >= MISFITS_MAX:
        raise BadAnswer(
            f"The {assignment.role}'s model gave {MISFITS_MAX} answers that cannot be used. The last: {wrong}",
            "Try another model for this role, then resume the run.",
        )
    talk.say(wrong)


def _refuse(talk: _Talk, refusal: str, refusals_max: int) -> None:
    talk.misfits = 0
    talk.refusals += 1
    if talk.refusals > refusals_max:
        raise OutOfTurns(f"The work was refused {talk.refusals} times. The last time: {refusal}", _AGAIN)
    talk.say(
        f"Not accepted yet ({talk.refusals} of {refusals_max}).\n{refusal}\nMend this, then answer again."
    )


def _repeated(talk: _Talk, call: ToolCall, observation: str) -> str:
    """Watch for an agent that does the same and sees the same, over and over."""
    mark = hashlib.sha256(f"{call.name} {call.arguments} {observation}".encode()).hexdigest()
    talk.seen[mark] += 1
    if talk.seen[mark] > REPEATS_MAX:
        times = talk.seen[mark]
        raise OutOfTurns(f"The same {call.name} call gave the same observation {times} times.", _AGAIN)
    if talk.seen[mark] == REPEATS_MAX:
        return f"{observation}\n(You have seen this {REPEATS_MAX} times. Do something else, or answer.)"
    return observation


def _documents(talk: _Talk) -> tuple[Document, ...]:
    documents = []
    for name, text in talk.documents.items():
        try:
            documents.append(Document(name=name, text=text))
        except ValidationError:
            # A document with a path that leads elsewhere is left out; required ones were checked by name.
            continue
    return tuple(documents)


def _describe(call: ToolCall) -> str:
    arguments = call.arguments
    first = next((str(v) for v in arguments.values()), "")
    line = f"{call.name} {first}".split("\n")[0]
    return line if len(line) <= 100 else line[:99] + "…"


def fit(messages: Sequence[Message], limit: int = CONTEXT_MAX) -> list[Message]:
    """The conversation within a number of characters: old observations are shortened, oldest first.

    If that is not enough, old replies are too, and then the newest messages; never the first two. What is shortened
    depends on the messages alone, so that a resumed agent asks the same again.
    """
    total = sum(len(m.content) for m in messages)
    fitted = list(messages)
    recent = max(2, len(messages) - 6)
    old = [at for at in range(2, recent) if messages[at].role != "assistant"]
    own = [at for at in range(2, recent) if messages[at].role == "assistant"]
    for at in (*old, *own, *range(recent, len(messages))):
        message = messages[at]
        if total <= limit:
            break
        if len(message.content) > 400:
            short = cut(message.content, 200)
            total -= len(message.content) - len(short)
            fitted[at] = message.model_copy(update={"content": short})
    return fitted
