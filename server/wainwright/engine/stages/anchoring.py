"""REVIEW: the delivered commit says which run made it, and where the chain of the run's journal stood then.

So whoever has the commit can tell whether what they are told of the run is what it wrote down
(`engine/tracing/verifier.py`).
"""

import asyncio

from pydantic import JsonValue

from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages.landing import move_head
from wainwright.journal import Spend
from wainwright.workspace import anchors

TRAILER = "Wainwright-Run"


async def anchored(parts: EngineParts, run: LiveRun, head: str) -> str:
    """The head of a run with the trailer; the run's own head from now on. What was delivered before has it."""
    state = run.state
    if state.delivered is not None and state.delivered.commit == head:
        return head

    async def now(_key: str) -> tuple[JsonValue, Spend]:
        return await asyncio.to_thread(parts.journal.head, state.run), Spend()

    steps = run.steps(f"/REVIEW/anchor.{head[:16]}")
    stood = await steps.step("chain", inputs=None, effect="read", act=now)
    line = f"{TRAILER}: {state.run} {stood}"
    commit = await asyncio.to_thread(anchors.with_trailer, parts.state, head, line)
    await move_head(parts, run, commit)
    return commit
