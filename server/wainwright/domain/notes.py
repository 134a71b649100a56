"""Notes: what the person says to those at work on a run, and which of them have received it."""

from typing import Literal

from pydantic import Field

from wainwright.domain.errors import IllegalTransition
from wainwright.domain.goal import Fact, Role

NOTE_MAX = 4_000
"""Characters of one note."""
NOTES_MAX = 50
"""Notes of one run: each agent that begins is told all of them."""


class Noted(Fact):
    """The person said something to those at work; each agent hears it at its next turn."""

    kind: Literal["noted"] = "noted"
    words: str = Field(min_length=1, max_length=NOTE_MAX)
    by: str


class NoteReceived(Fact):
    """An agent was told what the person had said, each note by its number from 1."""

    kind: Literal["note-received"] = "note-received"
    notes: tuple[int, ...]
    role: Role
    task: str = ""


class Note(Fact):
    """What the person said."""

    words: str
    by: str
    received: tuple[str, ...] = ()
    """Who was told, in order: a role, with its task where it has one."""


def noted(notes: tuple[Note, ...], event: Noted) -> tuple[Note, ...]:
    """The notes with one more. Raises IllegalTransition where there are as many as a run may have."""
    if len(notes) >= NOTES_MAX:
        raise IllegalTransition(
            f"The run has {NOTES_MAX} notes already.", "Cancel it, and put what they say into a new goal."
        )
    return (*notes, Note(words=event.words, by=event.by))


def received(notes: tuple[Note, ...], event: NoteReceived) -> tuple[Note, ...]:
    """The notes with who has received them. Raises IllegalTransition for a note that is not there."""
    if not all(1 <= number <= len(notes) for number in event.notes):
        raise IllegalTransition(f"There are {len(notes)} notes, and not all of {event.notes}.")
    who = f"{event.role} of {event.task}" if event.task else event.role
    return tuple(
        one.model_copy(update={"received": (*one.received, who)})
        if number in event.notes and who not in one.received
        else one
        for number, one in enumerate(notes, start=1)
    )
