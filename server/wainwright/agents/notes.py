"""Notes: what the person says to those at work. Each agent is told at its next turn, behind what it was told.

They are the person's own words, as the goal is, and stand in no fence. Which turn heard which is a step of the
journal, so that an agent that goes on after a crash hears them where it did, and all that was said stays as it was.
"""

from typing import Any, Protocol, cast

from pydantic import JsonValue

from wainwright.agents.saying import say, seen
from wainwright.domain.goal import Role
from wainwright.journal import Spend, Steps
from wainwright.models.client import Message

STEP = "note"
"""How the steps are called in which notes are heard, with the number of the turn behind it."""
_TOLD = """\
# Note {number} of the person

{words}

They said this while the work was going on. It counts as their goal does; where both differ, this is newer."""


class Notes(Protocol):
    """What the person has said of a run, for one agent at work in it."""

    @property
    def many(self) -> int:
        """How many notes there are by now."""
        ...

    async def take(self, role: Role, after: int) -> tuple[str, ...]:
        """The words of the notes behind the first so many; they count as received by the role."""
        ...


async def hear(
    notes: Notes,
    steps: Steps,
    messages: list[Message],
    role: Role,
    turn: int,
    heard: int,
    *,
    recorded: bool,
) -> int:
    """Say to an agent what the person has said since its last turn; how many notes it has heard now.

    ``recorded``: the turn was gone through before, so that it hears what it heard then and nothing else.
    """
    name = f"{STEP}-{turn}"
    if not (await steps.is_recorded(name) if recorded else notes.many > heard):
        return heard

    async def act(_key: str) -> tuple[JsonValue, Spend]:
        words = await notes.take(role, heard)
        told = [_TOLD.format(number=heard + at, words=one) for at, one in enumerate(words, start=1)]
        # A conversation that goes on with an earlier one has heard some there.
        new = [one for one in told if not any(seen(one) in before.text for before in messages)]
        return {"heard": heard + len(words), "told": cast("list[JsonValue]", new)}, Spend()

    kept = cast("dict[str, Any]", await steps.step(name, inputs=None, effect="read", act=act))
    for told in kept["told"]:
        say(messages, told)
    return int(kept["heard"])
