"""A fact that somebody outside brings for a run which nobody here works on."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

from wainwright.domain.errors import RunBusy
from wainwright.domain.events import EVENT, Event
from wainwright.domain.fold import fold
from wainwright.domain.goal import ENDS
from wainwright.domain.state import RunState
from wainwright.engine.lookup import Lookup
from wainwright.journal import Journal, Lease


async def submitted(
    journal: Journal, lookup: Lookup, owned: Callable[[str], Awaitable[bool]], run: str, event: Event
) -> tuple[RunState, Lease, list[Event]] | None:
    """Write a fact for a run: by the process that owns it, or ourselves when nobody does.

    Returns the run where that has ended it, with the right to it: somebody has to do what is done at its end. Raises
    IllegalTransition where the fact does not fit.
    """
    fold((await lookup.load(run))[0], event)
    lease = await _claimed(journal, owned, run)
    if lease is None:
        await asyncio.to_thread(journal.post, run, uuid.uuid4().hex, EVENT.dump_python(event, mode="json"))
        return None
    try:
        # Somebody may have decided between our look and now: an illegal fact would make the run unreadable.
        state, events = await lookup.load(run)
        after = fold(state, event)
        await asyncio.to_thread(journal.append, lease, [event])
    except BaseException:
        await asyncio.to_thread(journal.release, lease)
        raise
    if after.stage in ENDS:
        return after, lease, events
    await asyncio.to_thread(journal.release, lease)
    return None


async def _claimed(journal: Journal, owned: Callable[[str], Awaitable[bool]], run: str) -> Lease | None:
    """The right to write to a run; None while another process lives that has it."""
    if await owned(run):
        return None
    try:
        return await asyncio.to_thread(journal.claim, run)
    except RunBusy:
        return None
