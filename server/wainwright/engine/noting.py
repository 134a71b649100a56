"""The person's notes on a run, as an agent at work in it hears them."""

from contextlib import suppress

from wainwright.domain.errors import IllegalTransition, InputError
from wainwright.domain.goal import Role
from wainwright.domain.notes import NOTE_MAX, Noted, NoteReceived
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts


def noted(words: str, by: str) -> Noted:
    """What a person says, as a fact. Raises InputError for no words, or too many."""
    if not words.strip() or len(words) > NOTE_MAX:
        raise InputError(f"A note has 1 to {NOTE_MAX} characters.", "Say in a sentence what is to be minded.")
    return Noted(words=words.strip(), by=by)


class NotesOfRun:
    """For one piece of work; ``task`` names the one that it belongs to."""

    def __init__(self, parts: EngineParts, run: LiveRun, task: str = "") -> None:
        self._parts = parts
        self._run = run
        self._task = task

    @property
    def many(self) -> int:
        """How many notes there are by now."""
        return len(self._run.state.notes)

    async def take(self, role: Role, after: int) -> tuple[str, ...]:
        """The words of the notes behind the first so many; it is written down that the role has received them."""
        new = self._run.state.notes[after:]
        words = tuple([await self._parts.redactor.clean(one.words) for one in new])
        numbers = tuple(range(after + 1, after + 1 + len(new)))
        # A run that has just ended has no use for it.
        with suppress(IllegalTransition):
            await self._run.emit(NoteReceived(notes=numbers, role=role, task=self._task))
        return words
