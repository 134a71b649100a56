"""REVIEW: the delivered commit says which run made it, and where the chain of the run's journal stood then.

So whoever has the commit can tell whether what they are told of the run is what it wrote down
(`engine/tracing/verifier.py`). Where the person has a signing key, the commit is signed with it as well: then a
history that was written anew, commit and journal together, is found out too.
"""

import asyncio

from pydantic import JsonValue

from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages.landing import move_head
from wainwright.engine.tracing import verifier
from wainwright.journal import Spend
from wainwright.secrets import SIGNING_KEY, signer
from wainwright.workspace import anchors

TRAILER = "Wainwright-Run"


async def anchored(parts: EngineParts, run: LiveRun, head: str) -> str:
    """The head of a run with the trailers; the run's own head from now on. What was delivered before has them.

    Raises InputError for a signing key that cannot be used: what is to be signed is not delivered without.
    """
    state = run.state
    if state.delivered is not None and state.delivered.commit == head:
        return head

    told = await asyncio.to_thread(anchors.content, parts.state, head)

    by = await asyncio.to_thread(signer, parts.settings, parts.redactor)

    def trailers() -> str:
        line = f"{TRAILER}: {state.run} {parts.journal.head(state.run)}"
        if by is None:
            return line
        signed = by.sign(verifier.to_sign(verifier.COMMIT, anchors.with_trailers(told, line)))
        return f"{line}\n{verifier.signature_line(by.public, signed)}"

    async def now(_key: str) -> tuple[JsonValue, Spend]:
        return await asyncio.to_thread(trailers), Spend()

    steps = run.steps(f"/REVIEW/anchor.{head[:16]}")
    about: JsonValue = {"key": SIGNING_KEY} if by is not None else None
    kept = str(await steps.step("chain", inputs=None, effect="read", act=now, about=about))
    # Earlier versions kept the hash alone.
    lines = kept.split("\n") if kept.startswith(TRAILER) else [f"{TRAILER}: {state.run} {kept}"]
    commit = await asyncio.to_thread(anchors.written, parts.state, anchors.with_trailers(told, *lines))
    await move_head(parts, run, commit)
    return commit
