"""What is read back of a conversation that is over."""

from wainwright.agents.spoken import after, looked_up
from wainwright.models.client import Message, ModelReply, ToolCall


def test_a_reply_that_says_nothing_is_a_message_all_the_same() -> None:
    assert after(ModelReply(model="m", text=" \n")).text == "(nothing)"
    assert after(ModelReply(model="m", text="Done.")).text == "Done."


def test_what_was_looked_at_is_told_in_short_lines_and_once() -> None:
    looks = (
        ToolCall(id="1", name="read", arguments={"path": "a.py", "first_line": 3}),
        ToolCall(id="2", name="shell", arguments={"command": "make\nmore"}),
        ToolCall(id="3", name="run_tests"),
        ToolCall(id="4", name="read", arguments={"paths": ["b.py:1-9", "c.py"]}),
    )
    said = [Message(role="assistant", tool_calls=looks), Message(role="user", content="x")] * 2
    assert looked_up(said) == "- read a.py 3\n- shell make\n- read b.py:1-9, c.py"
    many = [ToolCall(id="1", name="read", arguments={"path": f"{n}.py"}) for n in range(100)]
    assert len(looked_up([Message(role="assistant", tool_calls=tuple(many))]).splitlines()) == 20
