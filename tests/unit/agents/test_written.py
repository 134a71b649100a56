"""Calls in the text of a reply, in the forms that models were trained on."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies

from wainwright.agents.answers import read
from wainwright.agents.written import understood
from wainwright.models.client import ModelReply, ToolCall, ToolSpec
from wainwright.tools.files import READ, SEARCH
from wainwright.tools.shell import RUN_TESTS, SHELL

TOOLS = tuple(
    ToolSpec(name=one.name, description=one.description, parameters=one.schema)
    for one in (READ, SEARCH, SHELL, RUN_TESTS)
)
ASKED = {"path": "a.py", "first_line": 3}
CALL = '{"name": "read", "arguments": {"path": "a.py", "first_line": 3}}'


def take(text: str, **more: Any) -> ModelReply:
    return understood(ModelReply(model="m", text=text, **more), TOOLS)


def calls(text: str, **more: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(one.name, dict(one.arguments)) for one in take(text, **more).tool_calls]


@pytest.mark.parametrize(
    "text",
    [
        f"<tool_call>\n{CALL}\n</tool_call>",
        f"<tool_call>{CALL}</tool_call>",
        f"<tool_call>\n```json\n{CALL}\n```\n</tool_call>",
        f"<tool_call>\n{CALL}",
        f"<tool_call>\n{CALL[:-2]},}},}}\n</tool_call>",
        '<tool_call>\n{"name": "read", "parameters": {"path": "a.py", "first_line": 3}}\n</tool_call>',
        '<tool_call>\n{"name": "read", "arguments": "{\\"path\\": \\"a.py\\", \\"first_line\\": 3}"}\n</tool_call>',
        "<tool_call>\n<function=read>\n<parameter=path>\na.py\n</parameter>\n<parameter=first_line>\n3\n"
        "</parameter>\n</function>\n</tool_call>",
        "<function=read>\n<parameter=path>\na.py\n</parameter>\n<parameter=first_line>3</parameter>\n</function>",
        '<function=read>{"path": "a.py", "first_line": 3}</function>',
        "<tool_call>read\n<arg_key>path</arg_key>\n<arg_value>a.py</arg_value>\n<arg_key>first_line</arg_key>\n"
        "<arg_value>3</arg_value>\n</tool_call>",
        f"[TOOL_CALLS] [{CALL}]",
        '[TOOL_CALLS]read{"path": "a.py", "first_line": 3}',
        '[TOOL_CALLS]read[ARGS]{"path": "a.py", "first_line": 3}',
        f"```json\n{CALL}\n```",
        f"```\n{CALL}\n```\n",
        f"```json\n[{CALL}]\n```",
        CALL,
        f"[{CALL}]",
        '{"type": "function", "function": ' + CALL + "}",
        '<function_calls>\n<invoke name="read">\n<parameter name="path">a.py</parameter>\n'
        '<parameter name="first_line">3</parameter>\n</invoke>\n</function_calls>',
        '<invoke name="read"><parameter name="path">a.py</parameter>'
        '<parameter name="first_line">3</parameter></invoke>',
        "<\uff5ctool\u2581calls\u2581begin\uff5c><\uff5ctool\u2581call\u2581begin\uff5c>function<\uff5ctool\u2581sep"
        '\uff5c>read\n```json\n{"path": "a.py", "first_line": 3}\n```<\uff5ctool\u2581call\u2581end\uff5c>'
        "<\uff5ctool\u2581calls\u2581end\uff5c>",
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.read:0<|tool_call_argument_begin|>"
        '{"path": "a.py", "first_line": 3}<|tool_call_end|><|tool_calls_section_end|>',
        "<|start|>assistant<|channel|>commentary to=functions.read <|constrain|>json<|message|>"
        '{"path": "a.py", "first_line": 3}<|call|>',
        "Hm.\n</think>\n\n<tool_call>\n" + CALL + "\n</tool_call>",
    ],
)
def test_a_call_in_each_form(text: str) -> None:
    reply = take(text)
    assert [(one.name, one.arguments) for one in reply.tool_calls] == [("read", ASKED)]
    assert reply.text == ""
    if text[0] not in "{[H" or text.startswith("[TOOL"):
        assert take(f"I look.\n\n{text}").text == "I look.\n"
        assert calls(f"I look.\n\n{text}") == [("read", ASKED)]


def test_several_calls_and_what_is_said_beside_them() -> None:
    told = f"<tool_call>\n{CALL}\n</tool_call>"
    run = '<tool_call>\n{"name": "run_tests", "arguments": {}}\n</tool_call>'
    reply = take(f"I look.\n{told}\n{run}\nThen I go on.")
    assert [one.name for one in reply.tool_calls] == ["read", "run_tests"]
    assert reply.text == "I look.\n\n\nThen I go on.\n"
    assert len({one.id for one in reply.tool_calls}) == 2
    assert all(len(one.id) == 9 and one.id.isalnum() for one in reply.tool_calls)
    assert take(f"I look.\n{told}\n{run}\nThen I go on.") == reply, "a resumed agent understands the same"
    assert [one[0] for one in calls(f"[TOOL_CALLS] [{CALL}, {CALL}]")] == ["read", "read"]
    for between in ("", "\n"):
        bracketed = f'[TOOL_CALLS]read{{"path": "a"}}{between}[TOOL_CALLS]run_tests{{}}'
        assert [one[0] for one in calls(bracketed)] == ["read", "run_tests"]


BLOCK = "<" * 7 + " FILE docs/calls.md\n{}\n" + ">" * 7 + " FILE\n"


@pytest.mark.parametrize(
    "text",
    [
        f"Models write:\n```\n<tool_call>\n{CALL}\n</tool_call>\n```\nand so on.",
        f"Models write:\n```json\n{CALL}\n```\nand so on.",
        BLOCK.format(f"<tool_call>\n{CALL}\n</tool_call>"),
        BLOCK.format(f"```json\n{CALL}\n```"),
        f"They write `<tool_call>{CALL}</tool_call>` in a line.",
        f"They write <tool_call>{CALL}</tool_call> in a line.",
        '<tool_call>\n{"name": "deploy", "arguments": {}}\n</tool_call>',
        "<function=deploy></function>",
        '```json\n{"name": "deploy", "arguments": {}}\n```',
        '```json\n{"name": "read", "arguments": {"path": "a"}, "status": "done"}\n```',
        '```json\n{"name": "read"}\n```',
        '```json\n{"status": "done", "summary": "It is done."}\n```',
        "",
        "It is done.",
    ],
)
def test_an_example_or_another_name_is_no_call(text: str) -> None:
    reply = ModelReply(model="m", text=text)
    assert understood(reply, TOOLS) is reply


@pytest.mark.parametrize(
    "text",
    [
        f"<tool_call>\n{CALL[:-4]}",
        f"<tool_call>\n{CALL}",
        "<function=read>\n<parameter=path>\na.p",
        "[TOOL_CALLS] [{",
        '[TOOL_CALLS]read{"path": "a',
        CALL[:-2],
    ],
)
def test_nothing_is_called_from_a_reply_that_was_cut_off(text: str) -> None:
    assert calls(text, finish="length") == []


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>\n{"name": "read", "arguments": {"path": "a", "path": "b"}}\n</tool_call>',
        '<function=read>{"path": "a", "path": "b"}</function>',
        "<function=read><parameter=path>a</parameter><parameter=path>b</parameter></function>",
        "<tool_call>read\n<arg_key>path</arg_key><arg_value>a</arg_value><arg_key>path</arg_key>"
        "<arg_value>b</arg_value></tool_call>",
    ],
)
def test_a_key_with_two_values_is_no_argument(text: str) -> None:
    (call,) = take(text).tool_calls
    assert (call.name, call.malformed, call.arguments) == ("read", True, {})


def test_a_call_whose_arguments_cannot_be_read_is_told_as_that() -> None:
    (call,) = take('<tool_call>\n{"name": "read", "arguments": {"path": }}\n</tool_call>').tool_calls
    assert (call.name, call.malformed, call.arguments) == ("read", True, {})
    assert '"path": }' in call.raw


def test_values_are_of_the_kind_that_the_tool_takes() -> None:
    told = (
        "<function=search>\n<parameter=pattern>\n12\n</parameter>\n<parameter=regex>\nTrue\n</parameter>\n"
        "</function>\n<function=shell>\n<parameter=command>\ncat <<X\n{1: 2}\nX\n</parameter>\n</function>"
    )
    assert calls(told) == [
        ("search", {"pattern": "12", "regex": True}),
        ("shell", {"command": "cat <<X\n{1: 2}\nX"}),
    ]


def test_calls_in_their_own_place_are_what_is_called() -> None:
    own = (ToolCall(id="1", name="search", arguments={"pattern": "x"}),)
    reply = ModelReply(model="m", text=f"<tool_call>\n{CALL}\n</tool_call>", tool_calls=own)
    assert understood(reply, TOOLS) is reply


def test_slips_in_the_arguments_of_a_call_are_mended() -> None:
    broken = ToolCall(id="1", name="read", malformed=True, raw='{"path": "a.py",}')
    hopeless = ToolCall(id="2", name="read", malformed=True, raw='{"path": ')
    reply = understood(ModelReply(model="m", tool_calls=(broken, hopeless)), TOOLS)
    assert reply.tool_calls == (ToolCall(id="1", name="read", arguments={"path": "a.py"}), hopeless)


@pytest.mark.parametrize(
    "piece",
    [
        "*** Begin Patch\n",
        "[TOOL_CALLS] [\n",
        "<tool_call>\n",
        "<|tool_call_begin|>",
        "```json\n{\n",
        "</think>\n",
    ],
)
def test_a_long_reply_of_nothing_but_beginnings_is_read_in_time(piece: str) -> None:
    read(take(piece * (200_000 // len(piece))).text)


def test_without_tools_nothing_is_a_call() -> None:
    reply = ModelReply(model="m", text=f"<tool_call>\n{CALL}\n</tool_call>")
    assert understood(reply, ()) is reply


@given(strategies.text(alphabet='<>/tool_cal=[]{}":,\n read`TOOL', max_size=100), strategies.booleans())
def test_any_text_can_be_looked_at(text: str, whole: bool) -> None:
    reply = take("<tool_call>" + text, finish="stop" if whole else "length")
    assert json.loads(reply.model_dump_json())
