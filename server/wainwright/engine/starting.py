"""How a run begins: what is asked for, checked before anything of it is written down."""

import asyncio
from secrets import token_hex

from wainwright.domain.errors import InputError
from wainwright.domain.events import RunStarted
from wainwright.domain.gates import lacking
from wainwright.domain.goal import WORKING
from wainwright.domain.tiers import NONE
from wainwright.engine.parts import EngineParts
from wainwright.engine.views.run_view import Start
from wainwright.secrets import signer


async def started(parts: EngineParts, ask: Start) -> RunStarted:
    """The first fact of a run.

    Raises InputError for a route that makes no sense, an autonomy that lacks what it needs, commits that are not
    there or hold no change, and a signing key that could not be used at the end.
    """
    await asyncio.to_thread(signer, parts.settings, parts.redactor)
    route = tuple(s for s in WORKING if s in (ask.route or WORKING))
    if not route:
        raise InputError("The route names no stage.", f"Stages: {', '.join(WORKING)}.")
    settings, (sandbox, reason) = parts.settings, parts.fence(attended=ask.attended)
    tier = sandbox.tier if sandbox else NONE
    autonomy = ask.autonomy or settings.autonomy
    capped = settings.budget.usd is not None or settings.budget.tokens is not None
    lacks = lacking(autonomy, attended=ask.attended, tier=tier, capped=capped)
    if lacks:
        raise InputError(
            f"A run may not be {autonomy} here: {lacks}.",
            "Choose auto-edit or suggest; `wainwright doctor` says what is missing.",
        )
    commits = await asyncio.to_thread(parts.repository.commits_named, ask.commits) if ask.commits else ()
    overlay = {
        path: await asyncio.to_thread(parts.journal.put_blob, text.encode())
        for path, text in ask.overlay.items()
    }
    return RunStarted(
        run=f"{ask.goal.slug(24)}-{token_hex(2)}",
        goal=ask.goal,
        workspace=str(parts.workspace),
        route=route,
        autonomy=autonomy,
        trust="trusted",
        tier=tier,
        tier_reason=reason,
        attended=ask.attended,
        overlay=overlay,
        until=ask.until,
        typed=ask.typed,
        commits=commits,
        size=ask.size or (None if settings.size == "auto" else settings.size),
        mutant_seconds=settings.mutants.seconds,
        lets_end=True,
        deploys=settings.deploy.unattended,
        by=ask.by,
    )
