"""Which recorded reply answers a question that is asked again: what others said decides, our own words do not."""

from typing import Any

import pytest

from wainwright.models.client import Message, ModelRequest, ToolCall, ToolSpec
from wainwright.models.questions import same_question

CALL = ToolCall(id="call_1", name="read", arguments={"path": "a.py"})
TOOL = ToolSpec(name="read", description="Reads a file.", parameters={"type": "object"})


def asked(*messages: Message, role: str = "implementer", tools: tuple[ToolSpec, ...] = (TOOL,)) -> Any:
    return ModelRequest(role=role, messages=messages, tools=tools).model_dump(mode="json")


def said(role: Any, text: str = "", **more: Any) -> Message:
    return Message.model_validate({"role": role, "content": text, **more})


def conversation(
    begin: str = "Do it.", seen: str = "x = 1", more: str = "Go on.", call: ToolCall = CALL
) -> tuple[Message, ...]:
    return (
        said("user", begin),
        said("assistant", "I look.", tool_calls=[call]),
        said("tool", seen, tool_call_id=call.id),
        said("user", more),
    )


THEN = asked(*conversation())


@pytest.mark.parametrize(
    "now",
    [
        asked(*conversation(begin="Do it, please.")),
        asked(*conversation(seen="x = […]")),
        asked(*conversation(more="2 turns are left.")),
        asked(*conversation()[:-1]),
        asked(*conversation(), tools=()),
        asked(*conversation(), tools=(TOOL.model_copy(update={"description": "Shows a file."}),)),
        {**THEN, "temperature": 0.5},
    ],
    ids=["told", "shortened", "own words", "own words fewer", "tool gone", "described", "new field"],
)
def test_other_words_of_ours_are_the_same_question(now: Any) -> None:
    assert now != THEN
    assert same_question(THEN, now)
    assert same_question(now, THEN)


@pytest.mark.parametrize(
    "now",
    [
        asked(*conversation(), role="reviewer"),
        asked(*conversation()[:1]),
        asked(*conversation(), said("assistant", "More."), said("user", "Go on.")),
        asked(*conversation(call=CALL.model_copy(update={"name": "edit"}))),
        asked(conversation()[0], said("assistant", "I look."), said("user", "That is no answer.")),
    ],
    ids=["role", "shorter", "longer", "another call", "a call read as words"],
)
def test_another_course_of_the_conversation_is_another_question(now: Any) -> None:
    assert not same_question(THEN, now)
