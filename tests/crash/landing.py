"""The program as ever, but its first two tasks land as one batch, and it is killed at a chosen moment of that.

    python -m tests.crash.landing moved run "Add two functions"

Killed when the batch is ``merged`` and not tested, when the head has ``moved``, or when all is ``written``.
"""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from tests.crash.dying import die

from wainwright.__main__ import main
from wainwright.domain.events import TaskLanded
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.ready import Ready
from wainwright.engine.stages import landing

TOGETHER = 2


def dies(moment: str) -> None:
    """Die at a moment of the first landing."""
    land, tested, move_head, emit = landing._land, landing._tested, landing.move_head, LiveRun.emit

    async def landing_together(parts: EngineParts, run: LiveRun, some: Sequence[Ready]) -> None:
        while len(run.ready) < TOGETHER:
            await asyncio.sleep(0.01)
        await land(parts, run, run.ready)

    async def merged(parts: EngineParts, run: LiveRun, batch: Any) -> Any:
        assert len(batch.members) == TOGETHER
        if moment == "merged":
            die()
        return await tested(parts, run, batch)

    async def moving(parts: EngineParts, run: LiveRun, new: str) -> None:
        await move_head(parts, run, new)
        if moment == "moved":
            die()

    async def emitting(self: LiveRun, *events: Any, settles: str = "") -> None:
        await emit(self, *events, settles=settles)
        if any(isinstance(event, TaskLanded) for event in events):
            die()

    landing._land = landing_together
    landing._tested = merged
    landing.move_head = moving
    LiveRun.emit = emitting  # type: ignore[method-assign]


if __name__ == "__main__":
    moment, *words = sys.argv[1:]
    dies(moment)
    sys.argv = ["wainwright", *words]
    main()
