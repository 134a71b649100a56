"""What the person says to an agent at work: told once, at the next turn, behind all that was told before."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.fixtures.bench import Bench, models
from tests.fixtures.openai_server import OpenAIServer, Rule, call, say
from tests.fixtures.team import answer, text_of

from wainwright.agents import roles
from wainwright.agents.answers import WorkAnswer
from wainwright.agents.loop import Brief, run_agent
from wainwright.models.client import CallFailed, GatewayBackend, Message

pytestmark = pytest.mark.asyncio(loop_scope="module")
LOOK = call("read", path="calc.py")
DONE = say(answer({"status": "done", "summary": "It is done."}))


@dataclass
class Said:
    """Notes that come while the model is asked: so many are there at each of its turns."""

    at_turn: list[int]
    words: tuple[str, ...] = ("Keep it short.", "Write no tests.")
    taken: list[int] = field(default_factory=list)
    turn: int = 0

    @property
    def many(self) -> int:
        self.turn += 1
        return self.at_turn[self.turn - 1]

    async def take(self, role: str, after: int) -> tuple[str, ...]:
        self.taken.append(after)
        return self.words[after : self.at_turn[self.turn - 1]]


async def work(
    bench: Bench, gateway: GatewayBackend, notes: Said, *answers: Any, earlier: tuple[Message, ...] = ()
) -> list[dict[str, Any]]:
    with OpenAIServer([Rule(one, times=1) for one in answers]) as server:
        # A call that has no answer is one in which the process ends.
        with suppress(CallFailed):
            await run_agent(
                roles.IMPLEMENT,
                WorkAnswer,
                Brief("The brief.", ("Shared.",), earlier, notes),
                workbench=bench.workbench(),
                steps=bench.steps(),
                models=models(server, gateway),
            )
        return server.requests


def told(request: dict[str, Any]) -> list[str]:
    return [text_of(one) for one in request["messages"]]


async def test_a_note_is_told_at_the_next_turn_and_once(bench: Bench, gateway: GatewayBackend) -> None:
    first, second, third = await work(bench, gateway, Said([0, 1, 2]), LOOK, LOOK, DONE)
    assert "# Note" not in "".join(told(first))
    assert "# Note 1 of the person\n\nKeep it short." in told(second)[-1]
    assert "# Note 2 of the person\n\nWrite no tests." in told(third)[-1]
    assert third["messages"][: len(second["messages"])] == second["messages"]
    assert "".join(told(third)).count("Keep it short.") == 1


async def test_what_was_said_before_it_begins_stands_behind_the_work_at_hand(
    bench: Bench, gateway: GatewayBackend
) -> None:
    (asked,) = await work(bench, gateway, Said([2]), DONE)
    assert "# The work at hand\n\nThe brief.\n\n# Note 1 of the person" in told(asked)[-1]
    assert "# Note 2 of the person\n\nWrite no tests." in told(asked)[-1]


async def test_an_agent_that_goes_on_after_a_crash_hears_a_note_where_it_did(
    bench: Bench, gateway: GatewayBackend
) -> None:
    *_, before = await work(bench, gateway, Said([0, 1, 1]), LOOK, LOOK)
    again = Said([2, 2, 2])
    (asked,) = await work(bench, gateway, again, DONE)
    assert told(asked)[:-1] == told(before)[:-1]
    assert told(asked)[-1].startswith(told(before)[-1]), "what was told is only added to"
    assert "# Note 2 of the person" in told(asked)[-1]
    assert again.taken == [1]


async def test_a_conversation_that_goes_on_with_another_is_not_told_again(
    bench: Bench, gateway: GatewayBackend
) -> None:
    (asked,) = await work(bench, gateway, Said([1]), DONE)
    spoken = tuple(Message.model_validate({**one, "content": text_of(one)}) for one in asked["messages"][1:])
    (more,) = await work(
        Bench(bench.workspace.parent / "other", {"a": "b"}, bench.sandbox),
        gateway,
        Said([2]),
        DONE,
        earlier=(*spoken, Message(role="assistant", content="Done.")),
    )
    assert "".join(told(more)).count("Keep it short.") == 1
    assert "# Note 2 of the person" in told(more)[-1]
