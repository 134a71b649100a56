"""At the cap: the caps that a person chose at the gate are given to the run."""

import asyncio

from pydantic import JsonValue

from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.caps import CapsRaised, NewCaps, caps_in
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.journal import Spend


async def raise_caps(parts: EngineParts, run: LiveRun, effect: ef.RaiseCaps) -> tuple[ev.Event, ...]:
    """Give the run what was answered, or as much again as its caps are."""
    wanted = caps_in(effect.answer) or NewCaps()

    async def act(_key: str) -> tuple[JsonValue, Spend]:
        if wanted != NewCaps():
            return wanted.model_dump(mode="json"), Spend()
        now = await asyncio.to_thread(parts.journal.account, run.state.run)
        usd = None if now.cap_usd is None else 2 * now.cap_usd
        return {"usd": usd, "tokens": None if now.cap_tokens is None else 2 * now.cap_tokens}, Spend()

    # Recorded, so that a run that is killed in between does not get it twice.
    steps = run.steps(f"/caps/{effect.gate}")
    caps = NewCaps.model_validate(await steps.step("caps", inputs=None, effect="read", act=act))
    raising = parts.journal.raise_caps
    await asyncio.to_thread(raising, run.state.run, cap_usd=caps.usd, cap_tokens=caps.tokens)
    return (CapsRaised(usd=caps.usd, tokens=caps.tokens, by=_by(run, effect.gate)),)


def _by(run: LiveRun, gate: str) -> str:
    decided = run.state.gates[gate].decided
    return decided.by if decided is not None else "person"
