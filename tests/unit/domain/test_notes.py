"""Notes of a run: what the person said, and who has received it."""

import pytest

from wainwright.domain.errors import IllegalTransition
from wainwright.domain.notes import NOTES_MAX, Note, Noted, NoteReceived, noted, received

SHORT = Noted(words="Keep it short.", by="person")


def test_each_who_was_told_is_named_once_and_in_order() -> None:
    notes = noted(noted((), SHORT), Noted(words="Write no tests.", by="editor"))
    for role, task, numbers in (("planner", "", (1,)), ("tester", "a", (1, 2)), ("planner", "", (1,))):
        notes = received(notes, NoteReceived.model_validate({"notes": numbers, "role": role, "task": task}))
    assert [one.received for one in notes] == [("planner", "tester of a"), ("tester of a",)]


def test_a_note_that_is_not_there_is_received_by_nobody() -> None:
    with pytest.raises(IllegalTransition):
        received(noted((), SHORT), NoteReceived(notes=(2,), role="planner"))


def test_a_run_takes_so_many_notes() -> None:
    with pytest.raises(IllegalTransition, match="into a new goal"):
        noted((Note(words="x", by="person"),) * NOTES_MAX, SHORT)
