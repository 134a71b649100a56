"""What was said in a conversation that is over, read back from the journal, for work that goes on with it."""

from collections.abc import Sequence

from pydantic import JsonValue

from wainwright.agents.roles import Assignment
from wainwright.agents.written import understood
from wainwright.journal import Steps
from wainwright.models.client import Message, ModelReply, ModelRequest

GOES_ON_MAX = 150_000
"""Characters of a conversation that is gone on with; a longer one costs more than to begin anew."""
LOOKED_UP_MAX = 20


def after(reply: ModelReply) -> Message:
    """A reply as a message of the conversation that goes on."""
    # Some providers refuse a history with a message that says nothing.
    said = reply.text if reply.text.strip() or reply.tool_calls else "(nothing)"
    return Message(role="assistant", content=said, tool_calls=reply.tool_calls)


async def spoken(steps: Steps) -> tuple[Message, ...]:
    """All messages of the newest conversation of a scope, with the last reply."""
    found = await steps.last("model")
    if found is None:
        return ()
    request, reply = ModelRequest.model_validate(found[0]), ModelReply.model_validate(found[1])
    return (*request.messages, after(understood(reply, request.tools)))


async def to_go_on_with(steps: Steps, assignment: Assignment) -> tuple[Message, ...]:
    """The conversation of a scope, if it was of this kind, came to its answer and is not too long; or nothing."""
    said = await spoken(steps)
    of_its_kind = any(assignment.prompt.strip() in one.text for one in said[:2])
    if not of_its_kind or said[-1].tool_calls or sum(len(one.text) for one in said) > GOES_ON_MAX:
        return ()
    return said


def looked_up(said: Sequence[Message]) -> str:
    """What somebody looked at, a line each."""
    calls = [call for one in said for call in one.tool_calls if call.arguments]
    lines = [f"- {call.name} {' '.join(map(spelled, call.arguments.values()))}" for call in calls]
    short = [line.split("\n", maxsplit=1)[0][:120] for line in lines]
    return "\n".join(list(dict.fromkeys(short))[:LOOKED_UP_MAX])


def spelled(value: JsonValue) -> str:
    """An argument of a call, as people write it."""
    return ", ".join(map(spelled, value)) if isinstance(value, list) else str(value)
