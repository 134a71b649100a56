"""The length of a conversation: old observations are shortened first, then all else; and what a window takes."""

import pytest

from wainwright.models.client import Message, ModelRequest, Text, ToolCall
from wainwright.models.fit import PER_TOKEN, Room, fit


def talk(size: int) -> list[Message]:
    long = [Message(role="tool", content=str(n) * size, tool_call_id="c") for n in range(9)]
    return [Message(role="user", content="brief" * 400), *long]


def test_a_short_conversation_is_sent_as_it_is() -> None:
    assert fit(talk(300)) == talk(300)


def test_old_observations_are_shortened_first_and_the_opening_never() -> None:
    fitted = fit(talk(3000), limit=25_000)
    assert sum(len(m.text) for m in fitted) <= 25_000
    assert fitted[0] == talk(3000)[0]
    assert "characters left out" in fitted[1].text
    assert fitted[-6:] == talk(3000)[-6:]
    assert fit(talk(3000), limit=25_000) == fitted


def test_a_conversation_stays_below_the_limit_even_when_its_newest_part_is_long() -> None:
    for limit in (12_000, 20_000, 30_000):
        assert sum(len(m.text) for m in fit(talk(9000), limit=limit)) <= limit


def test_own_replies_are_shortened_when_observations_are_not_enough() -> None:
    replies = [Message(role="assistant", content=str(n) * 5000) for n in range(9)]
    opening = talk(1)[:1]
    fitted = fit([*opening, *replies], limit=40_000)
    assert sum(len(m.text) for m in fitted) <= 40_000
    assert fitted[-6:] == replies[-6:]


def test_what_was_sent_stays_the_beginning_for_many_turns_after_something_was_shortened() -> None:
    messages, sent = talk(1)[:1], []
    for turn in range(60):
        sent.append(fit(messages, limit=40_000))
        messages.append(Message(role="assistant", content=f"look {turn}"))
        messages.append(Message(role="user", content=f"{turn} " * 700))
    broken = [at for at in range(1, 60) if sent[at][: len(sent[at - 1])] != sent[at - 1]]
    assert all(sum(len(m.text) for m in one) <= 40_000 for one in sent)
    assert 1 <= len(broken) <= 8


def test_what_is_asked_for_in_mid_conversation_is_shortened_later_than_observations_and_replies() -> None:
    told = [
        Message(role="user", content="opening"),
        Message(role="tool", content="o" * 5000, tool_call_id="c"),
        Message(role="assistant", content="r" * 5000),
        Message(role="user", content="the next task " * 300),
        *(Message(role="assistant", content="r" * 1000) for _ in range(6)),
    ]
    assert fit(told, limit=12_000)[3] == told[3]


def test_the_first_message_is_shortened_last_and_never_what_is_asked() -> None:
    parts = tuple(Text(text=one) for one in ("rules\n\n", "f" * 9000, "g" * 500, "the work at hand"))
    (first,) = fit([Message(role="user", content=parts)], limit=4_000)
    assert len(first.text) <= 4_000
    assert (first.content[0], first.content[-2:]) == (parts[0], parts[-2:])
    assert "characters left out" in first.text


def test_what_calls_say_counts() -> None:
    written = ToolCall(id="1", name="shell", arguments={"command": "x" * 4000})
    told = [
        Message(role="user", content="opening"),
        *(Message(role="assistant", tool_calls=(written,)) for _ in range(4)),
        Message(role="tool", content="o" * 3000, tool_call_id="1"),
    ]
    assert len(fit(told, limit=17_000)[-1].text) < 500


def asking(characters: int) -> ModelRequest:
    parts = tuple(Text(text=one) for one in ("a", "b" * characters, "c"))
    return ModelRequest(role="planner", messages=(Message(role="user", content=parts),))


def sent(room: Room, characters: int, output: int = 1_000) -> int:
    return len(room.fitted(asking(characters), output).messages[0].text)


def test_an_unknown_window_changes_nothing() -> None:
    assert Room().fitted(asking(300_000), 8192) == asking(300_000)


def test_a_known_window_holds_the_conversation_and_the_reply() -> None:
    room = Room(window=10_000)
    assert sent(room, 100_000) <= 9_000 * PER_TOKEN
    assert room.fitted(asking(10), 8192).max_output_tokens == 2_500, "a reply never takes most of a window"
    assert room.fitted(asking(10), 2_000).max_output_tokens is None


def test_what_was_counted_tells_how_many_characters_a_token_has() -> None:
    room = Room(window=10_000)
    room.learn(asking(20_000), 5_000)
    assert sent(room, 100_000) == pytest.approx(9_000 * 3.5, rel=0.01)
    room.learn(asking(20_000), 18_000)
    assert sent(room, 100_000) <= 9_000
    room.learn(asking(20_000), 4_000)
    assert sent(room, 100_000) <= 9_000, "the fewest hold"


@pytest.mark.parametrize("counted", [0, 5, 10**9])
def test_a_count_that_cannot_be_true_teaches_nothing(counted: int) -> None:
    room = Room(window=10_000)
    room.learn(asking(20_000), counted)
    assert room.per_token == PER_TOKEN


def test_an_overflow_is_believed_or_halves_what_is_sent() -> None:
    room = Room()
    room.overflowed(asking(60_000), "maximum context length is 16384 tokens, yours resulted in 19000 tokens")
    assert 30_000 < sent(room, 100_000) < 60_000 * 16384 / 19000
    room = Room()
    room.overflowed(asking(60_000), "it is too long")
    assert sent(room, 100_000) <= 30_000
