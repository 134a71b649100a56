"""What is written down when a run goes on: in whose hands, and with which surroundings of now."""

import asyncio
from typing import Any

import structlog

from wainwright.domain.cautions import without_stop
from wainwright.domain.errors import InputError, WorkspaceError
from wainwright.domain.events import RunResumed
from wainwright.domain.goal import ENDS
from wainwright.domain.state import RunState
from wainwright.domain.tiers import NONE, height
from wainwright.engine.parts import EngineParts

log = structlog.get_logger()


async def resumed(
    parts: EngineParts, state: RunState, *, attended: bool | None, typed: dict[str, Any] | None, by: str
) -> list[RunResumed]:
    """The fact that a run goes on in other hands, or with other surroundings; nothing where all is as it was.

    What it was shown beside its snapshot goes when a run is done, or on `wainwright disk clean`: whoever goes on from
    there, as a fork does, is shown the ignored files of now.
    """
    tier, reason = _tier(parts, state, attended)
    world = await asyncio.to_thread(_world, parts, state)
    other_hands = (attended is not None and attended != state.attended) or tier != state.tier
    deploys = parts.settings.deploy.unattended
    other_hands = other_hands or deploys != state.deploys
    if not (state.stage in ENDS or other_hands or world or typed not in (None, state.typed)):
        return []
    environment, contents = world or (None, None)
    return [
        RunResumed(
            by=by,
            attended=attended,
            tier=tier,
            tier_reason=reason,
            suites=parts.settings.test.suites if state.stage in ENDS else (),
            typed=typed,
            deploys=deploys,
            environment=environment,
            contents=contents,
        )
    ]


def require_tier(parts: EngineParts, state: RunState, *, attended: bool | None) -> None:
    """Raise InputError where a run would go on with less around its commands than it had.

    Where there is no sandbox at all it may: it goes on without commands, and says so.
    """
    tier, reason = _tier(parts, state, attended)
    if tier != NONE and height(tier) < height(state.tier):
        raise InputError(
            f"{state.run} began behind {state.tier}, and here is only {tier}: {without_stop(reason)}.",
            "Mend the sandbox (`wainwright doctor`), or start a new run.",
        )


def _tier(parts: EngineParts, state: RunState, attended: bool | None) -> tuple[str, str]:
    sandbox, reason = parts.fence(attended=state.attended if attended is None else attended)
    return sandbox.tier if sandbox else NONE, reason


def _world(parts: EngineParts, state: RunState) -> tuple[str, str] | None:
    try:
        return parts.repository.world_anew(state.environment, state.contents)
    except WorkspaceError as error:
        # It is told where a tree is to be made, and the run can be resumed.
        log.warning("world.not_taken", run=state.run, reason=str(error))
        return None
