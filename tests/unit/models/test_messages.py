"""The shape of what providers are sent, and what is marked for their caches."""

import json

from wainwright.agents.written import understood
from wainwright.models.client import Contract, Message, ModelReply, ModelRequest, Text, ToolCall, ToolSpec
from wainwright.models.messages import in_words, to_messages

READ = ToolSpec(
    name="read",
    description="Read a file.",
    parameters={"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
)


def test_anthropic_gets_marks_for_its_cache() -> None:
    conversation = (
        Message(role="user", content="goal"),
        Message(role="assistant", tool_calls=(ToolCall(id="1", name="read"),)),
        Message(role="tool", content="text", tool_call_id="1"),
    )
    mark = {"type": "ephemeral"}
    told = to_messages(conversation, cache=True)
    assert told[0]["content"] == [{"type": "text", "text": "goal", "cache_control": mark}]
    assert told[2] == {"role": "tool", "content": "text", "tool_call_id": "1", "cache_control": mark}


def test_what_several_roles_are_told_is_marked_before_a_roles_own_words() -> None:
    parts = tuple(Text(text=one) for one in ("shared ", "plan ", "own"))
    opening = Message(role="user", content=parts)
    assert Message.model_validate_json(opening.model_dump_json()) == opening, "on its way to the gateway"
    reply = Message(role="assistant", content="Done.")
    more = (reply, Message(role="user", content="Not yet."))
    for conversation in ((opening,), (opening, *more), (opening, *more, *more)):
        content = to_messages(conversation, cache=True)[0]["content"]
        assert [one["text"] for one in content] == ["shared ", "plan ", "own"]
        assert ["cache_control" in one for one in content] == [True, True, len(conversation) < 5]
        system, first = to_messages(conversation, cache=False)[:2]
        assert system == {"role": "system", "content": "shared plan "}, "in form of chat templates"
        assert first == {"role": "user", "content": "own"}


def test_a_picture_goes_along_as_a_part_and_text_alone_as_text() -> None:
    seen = (
        {"kind": "text", "text": "What is wrong here?"},
        {"kind": "image", "media_type": "image/png", "base64": "iVBORw=="},
    )
    messages = (Message(role="user", content="goal"), Message(role="user", content=seen))
    assert [told["content"] for told in to_messages(messages, cache=False)] == [
        "goal",
        [
            {"type": "text", "text": "What is wrong here?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
        ],
    ]
    (_, marked) = to_messages(messages, cache=True)
    assert "cache_control" not in marked["content"][0]
    assert marked["content"][1]["cache_control"] == {"type": "ephemeral"}
    assert Message.model_validate_json(messages[1].model_dump_json()) == messages[1]
    assert messages[0].model_dump(mode="json")["content"] == "goal"


def test_in_words_the_roles_alternate_and_what_was_told_stays_the_beginning() -> None:
    calls = tuple(ToolCall(id=f"c{n}", name="read", arguments={"path": f"{n}.py"}) for n in range(2))
    broken = ToolCall(id="c2", name="read", malformed=True, raw='{"path": ')
    told = (
        Message(role="user", content="goal"),
        Message(role="assistant", content="I look.\n", tool_calls=calls),
        Message(role="tool", content="x = 0", tool_call_id="c0"),
        Message(role="tool", content="x = 1\n\nApplied.", tool_call_id="c1"),
        Message(role="assistant", tool_calls=(broken,)),
        Message(role="tool", content="No object.", tool_call_id="c2"),
    )
    request = ModelRequest(role="planner", messages=told, tools=(READ,))
    worded = in_words(request)
    assert worded.tools == ()
    assert [one.role for one in worded.messages] == ["user", "assistant", "user", "assistant", "user"]
    opening, asked, seen, malformed, last = (one.text for one in worded.messages)
    assert opening.startswith("goal\n\n# How tools are called")
    assert '{"name": "read", "description": "Read a file."' in opening
    assert seen == "read:\nx = 0\n\nread:\nx = 1\n\nApplied."
    assert last == "read:\nNo object."
    reply = understood(ModelReply(model="m", text=asked), (READ,))
    assert [one.arguments for one in reply.tool_calls] == [{"path": "0.py"}, {"path": "1.py"}]
    assert reply.text == "I look.\n"
    assert understood(ModelReply(model="m", text=malformed), (READ,)).tool_calls[0].malformed
    assert in_words(worded) is worded
    before = in_words(request.model_copy(update={"messages": told[:4]}))
    assert worded.messages[:3] == before.messages


def test_what_is_written_down_once_is_all_of_it_and_no_copys() -> None:
    tool = ToolSpec(name="read", description='Reads "a" file.', parameters={"type": "object"})
    said = Message(
        role="assistant", content="é\n", tool_calls=(ToolCall(id="1", name="read", arguments={"a": 1}),)
    )
    request = ModelRequest(
        role='a "role"',
        messages=(said,),
        tools=(tool,),
        max_output_tokens=7,
        answer=Contract(name="plan", structure={"type": "object"}),
    )
    assert json.loads(request.as_json()) == request.model_dump(mode="json")
    assert None not in request.model_dump().values(), "a new field has to be written down too"
    other = said.model_copy(update={"content": (Text(text="other"),)})
    assert json.loads(other.as_json)["content"] == "other"
    assert other.digest != said.digest
    assert said == Message.model_validate_json(said.as_json)
