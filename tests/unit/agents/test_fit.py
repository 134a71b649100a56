"""The length of a conversation: old observations are shortened first, then all else but the opening."""

from wainwright.agents.fit import fit
from wainwright.models.client import Message


def talk(size: int) -> list[Message]:
    long = [Message(role="tool", content=str(n) * size, tool_call_id="c") for n in range(9)]
    return [Message(role="system", content="s"), Message(role="user", content="brief" * 400), *long]


def test_a_short_conversation_is_sent_as_it_is() -> None:
    assert fit(talk(300)) == talk(300)


def test_old_observations_are_shortened_first_and_the_opening_never() -> None:
    fitted = fit(talk(3000), limit=25_000)
    assert sum(len(m.text) for m in fitted) <= 25_000
    assert fitted[:2] == talk(3000)[:2]
    assert "characters left out" in fitted[2].text
    assert fitted[-6:] == talk(3000)[-6:]
    assert fit(talk(3000), limit=25_000) == fitted


def test_a_conversation_stays_below_the_limit_even_when_its_newest_part_is_long() -> None:
    for limit in (12_000, 20_000, 30_000):
        assert sum(len(m.text) for m in fit(talk(9000), limit=limit)) <= limit


def test_own_replies_are_shortened_when_observations_are_not_enough() -> None:
    replies = [Message(role="assistant", content=str(n) * 5000) for n in range(9)]
    opening = talk(1)[:2]
    fitted = fit([*opening, *replies], limit=40_000)
    assert sum(len(m.text) for m in fitted) <= 40_000
    assert fitted[-6:] == replies[-6:]


def test_what_was_sent_stays_the_beginning_for_many_turns_after_something_was_shortened() -> None:
    messages, sent = talk(1)[:2], []
    for turn in range(60):
        sent.append(fit(messages, limit=40_000))
        messages.append(Message(role="assistant", content=f"look {turn}"))
        messages.append(Message(role="user", content=f"{turn} " * 700))
    broken = [at for at in range(1, 60) if sent[at][: len(sent[at - 1])] != sent[at - 1]]
    assert all(sum(len(m.text) for m in one) <= 40_000 for one in sent)
    assert 1 <= len(broken) <= 8
