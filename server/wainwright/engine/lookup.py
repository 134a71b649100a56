"""Which runs there are, and which one a person means."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from wainwright.domain.errors import InputError, JournalError, Late
from wainwright.domain.events import Event
from wainwright.domain.fold import replay
from wainwright.domain.goal import ENDS, Stage
from wainwright.domain.shown import in_line
from wainwright.domain.state import RunState
from wainwright.journal import Journal, RunRow

log = structlog.get_logger()

_LIST = "`wainwright runs` lists the runs of this workspace."


class Lookup:
    """Finds runs in the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def rows(self) -> list[RunRow]:
        """All runs, newest first, as the journal knows them."""
        return await asyncio.to_thread(self._journal.runs)

    async def load(self, run: str) -> tuple[RunState, list[Event]]:
        """A run as it is on disk. Raises InputError when there is none of that name."""
        events = await asyncio.to_thread(self._journal.events, run)
        state = replay(events)
        if state is None:
            raise InputError(f"There is no run {run} here.", _LIST)
        return state, events

    async def named(
        self,
        run: str | None,
        fits: Callable[[Stage], bool],
        state: Callable[[str], Awaitable[RunState]],
    ) -> str:
        """The run of that name, or of that beginning; without a name the newest that fits."""
        rows = await self.rows()
        if run is not None:
            found = [r.run for r in rows if r.run == run] or [r.run for r in rows if r.run.startswith(run)]
            if len(found) == 1:
                return found[0]
            wrong = "There is no run" if not found else "More than one run begins with"
            raise InputError(f"{wrong} {run}.", _LIST)
        for row in rows:
            try:
                if fits((await state(row.run)).stage):
                    return row.run
            except JournalError as error:
                # What cannot be read is in the way of nothing else.
                log.warning("run.unreadable", run=row.run, reason=str(error))
        if rows:
            newest = rows[0].run
            raise InputError(
                f"All runs of this workspace have ended; the newest is {newest}.",
                f"`wainwright show {newest}` tells what came of it; `wainwright runs` lists all.",
            )
        raise InputError("There is no run in this workspace yet.", "Start one: `wainwright run GOAL`.")


def not_open(state: RunState, gate: str | None) -> InputError:
    """Why a gate cannot be decided: ``Late`` for one that was."""
    if gate in state.gates:
        return Late(f"Gate {gate} of run {state.run} is decided already.", "Nothing was changed by this.")
    if state.stage in ENDS:
        return ended(state)
    names = ", ".join(sorted(one.id for one in state.open_gates)) or "none"
    what = (
        "Which gate is meant is not said."
        if gate is None
        else f"Run {state.run} has no gate {in_line(gate)}."
    )
    return InputError(what, f"Open gates: {names}.")


def ended(state: RunState) -> InputError:
    """Why nothing can be decided about a run any more."""
    done = state.stage is Stage.DONE
    onward = f"`wainwright {'show' if done else 'resume'} {state.run}` "
    onward += "tells what came of it." if done else "lets it go on."
    return InputError(f"Run {state.run} has ended: it is {state.stage}.", onward)
