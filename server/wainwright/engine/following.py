"""Runs that somebody else moves. Of those of another process the story is read from the journal, also when it died.

A process that is stopped for a while, or whose clock was set, lives: what it has under way is paid already, so only a
person takes its run over.
"""

import asyncio
from collections.abc import Callable

from wainwright.engine.lookup import Lookup
from wainwright.engine.views.event_text import describe_event
from wainwright.engine.views.run_view import Notice

LOOKED_EVERY_S = 2.0
"""How often the journal is asked what others have written, in seconds."""


class Following:
    """Follows what other processes do."""

    def __init__(self, lookup: Lookup, publish: Callable[[Notice], None]) -> None:
        self._lookup = lookup
        self._publish = publish

    async def edited(self, run: str) -> None:
        """Publish that a command moved the change of a run in the person's files."""
        state, _ = await self._lookup.load(run)
        self._publish(Notice(run=run, kind="edited", text="", stage=state.stage))

    async def elsewhere(self) -> tuple[str, ...]:
        """Runs that living processes own, this one among them."""
        return tuple(row.run for row in await self._lookup.rows() if row.owned or row.stalled)

    async def until_nobody_works_on(self, run: str) -> None:
        """Publish what is written of a run, until no living process owns it. Raises InputError without such a run."""
        _, events = await self._lookup.load(run)
        told = len(events)
        while True:
            # First who owns it, then what was written: nothing is written after its owner has gone.
            owned = run in await self.elsewhere()
            state, events = await self._lookup.load(run)
            for event in events[told:]:
                task = getattr(event, "task", "")
                text = describe_event(event)
                self._publish(Notice(run=run, kind=event.kind, text=text, stage=state.stage, task=task))
            told = len(events)
            if not owned:
                return
            await asyncio.sleep(LOOKED_EVERY_S)
