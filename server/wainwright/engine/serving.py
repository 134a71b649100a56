"""Services that runs have left serving: a person stops one when it is not needed any more."""

import asyncio
from collections.abc import Awaitable, Callable

from pydantic import JsonValue

from wainwright.domain.errors import InputError
from wainwright.domain.goal import ENDS
from wainwright.domain.state import RunState
from wainwright.engine.parts import EngineParts


class Serving:
    """The services of a workspace."""

    def __init__(self, parts: EngineParts, state: Callable[[str], Awaitable[RunState]]) -> None:
        self._parts = parts
        self._state = state

    async def stop(self, run: str, by: str = "person") -> str:
        """Stop what a run deployed; the sentence that says what came of it.

        Raises InputError where nothing serves, or the run still watches it, and DeployError where it does not end.
        """
        state = await self._state(run)
        deployment = state.deployment
        target = self._parts.targets.get(deployment.target) if deployment is not None else None
        if deployment is None or not deployment.serves or target is None:
            raise InputError(f"Run {run} has nothing that serves.", "`wainwright show` tells what it left.")
        if state.stage not in ENDS:
            raise InputError(f"Run {run} is still watching its service.", "Stop it when the run has ended.")
        ended = await target.stop(deployment)
        told: dict[str, JsonValue] = {"run": run, "deployment": deployment.id, "url": deployment.url}
        if ended:
            await asyncio.to_thread(self._parts.journal.note, "service stopped", by, told)
        where = deployment.url or deployment.id
        return (
            f"The service at {where} is stopped." if ended else f"The service at {where} had ended already."
        )
