"""A line that asks is shown in the editor to the letter, answered there, and run at the most once."""

import asyncio

import pytest
from editors import Neovim, VsCode
from tests.fixtures import team
from tests.fixtures.openai_server import Answer, call, say
from workplace import GOAL, PLAN, completed

LINE = 'echo "it ran"; git push origin HEAD # \x1b[8m*quietly*'
SHOWN = r"""The command, 51 characters in 1 line; what nobody sees in it is spelled:
   1 | echo "it ran"; git push origin HEAD # \x1b[8m*quietly*"""
QUESTION = 'Run `echo "it ran"; git push origin HEAD # \\x1b[8m*quietly*`?'


class Pushing:
    """The team, whose implementer runs a line that asks before anything else."""

    def __init__(self, workplace) -> None:
        self._answer = workplace.team._answer
        workplace.team._answer = self.answer

    def answer(self, role: str, own: str, turn: int) -> Answer | None:
        if role == "Implementer":
            return call("shell", command=LINE) if turn == 0 else self._answer(role, own, turn - 1)
        if role == "Planner":
            return say(team.answer(PLAN))
        return self._answer(role, own, turn)


def told(workplace, text: str) -> bool:
    return any(text in request for request in completed(workplace.model))


@pytest.mark.parametrize("kind", [VsCode, pytest.param(Neovim, marks=pytest.mark.nightly)])
async def test_a_command_is_shown_and_said_yes_to(workplace, kind):
    Pushing(workplace)
    person = await workplace.sit_down(kind, "--autonomy", "full-auto")
    run = (await person.command("start", goal=GOAL))["run"]
    await person.is_asked("Run `echo")
    calls = len(workplace.model.entries)
    (seen,) = await person.runs()
    (gate,) = seen["gates"]
    assert (gate["id"], gate["yes"], gate["no"]) == (
        "command-1",
        "Run the command once",
        "Do not run the command",
    )
    assert gate["question"] == QUESTION
    assert gate["detail"].startswith(SHOWN)
    assert f"It would run in {workplace.root}" in gate["detail"]
    assert "It stays in the fence (bubblewrap" in gate["detail"]
    page = workplace.root / ".wainwright" / "runs" / run / "run.md"
    async with asyncio.timeout(20):
        while SHOWN not in page.read_text():
            await asyncio.sleep(0.05)
    assert len(workplace.model.entries) == calls, "nobody is asked while it waits"
    await person.take(await person.action("Run the command once: Run"))
    await person.reads("DONE")
    assert told(workplace, "it ran\\nfatal: 'origin' does not appear")
    assert await person.client.leave() == 0


async def test_the_words_of_a_no_reach_the_agent(workplace):
    Pushing(workplace)
    person = await workplace.sit_down(VsCode, "--autonomy", "full-auto")
    await person.command("start", goal=GOAL)
    await person.is_asked("Run `echo")
    (asked,) = person.questions("Run `echo")
    assert [one["title"] for one in asked["actions"]][:2] == [
        "Run the command once",
        "Do not run the command",
    ]
    await person.command("reject", reason="We push on Fridays.")
    await person.reads("DONE")
    assert told(workplace, "Not run: the person said no. We push on Fridays. Do without it")
    assert not told(workplace, "it ran\\nfatal")
    assert await person.client.leave() == 0


@pytest.mark.nightly
async def test_a_gate_outlives_the_server_and_is_answered_in_a_terminal(workplace):
    Pushing(workplace)
    person = await workplace.sit_down(VsCode, "--autonomy", "full-auto")
    run = (await person.command("start", goal=GOAL))["run"]
    await person.is_asked("Run `echo")
    await person.vanish()
    await asyncio.to_thread(workplace.say, "approve", run)
    person = await workplace.sit_down(VsCode, "--autonomy", "full-auto")
    await person.command("resume", run=run)
    await person.reads("DONE")
    assert not person.questions("Run `echo"), "the answer was kept"
    assert told(workplace, "it ran\\nfatal: 'origin' does not appear")
    assert await person.client.leave() == 0
