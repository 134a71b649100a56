"""When a recorded reply is the answer to a question that is asked again."""

import json
from typing import Any, cast

from pydantic import JsonValue

from wainwright.models.cassette import masked


def same_question(recorded: JsonValue, asked: JsonValue) -> bool:
    """Whether a reply recorded for one request stands for another one under the same key.

    What decides is who is asked, and what came before in the conversation that is not our own: the replies by the
    calls they made, and which of these calls were answered. Nothing else, for these reasons:

    - What a conversation begins with, and what came of each action, are steps with records of their own. They cannot
      differ here unless they were shortened otherwise, to fit into what another model can take.
    - Our own words between them (what is to be mended, how many turns are left) and the descriptions of tools are
      worded anew by another version. A reply that was paid for is not worth less for that.
    - Which tools there are decides what can be asked for from now on, not what was answered before.
    """
    return _heard(recorded) == _heard(asked)


def _heard(request: JsonValue) -> list[object]:
    told = cast("dict[str, Any]", request)
    heard: list[object] = [told["role"]]
    for message in told["messages"]:
        if message["role"] == "assistant":
            heard.append([(call["id"], call["name"]) for call in message.get("tool_calls", ())])
        elif message["role"] == "tool":
            heard.append(message.get("tool_call_id"))
    return heard


def same_words(recorded: JsonValue, asked: JsonValue) -> bool:
    """Whether two requests say the same but for what differs between two runs: paths, hashes, times, ports."""
    one, other = (masked(json.dumps(value, sort_keys=True)) for value in (recorded, asked))
    return one == other
