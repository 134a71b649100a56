"""The services that runs started, once the runs are over: a person ends them."""

import asyncio

from wainwright.domain.errors import InputError
from wainwright.engine.lookup import Lookup
from wainwright.engine.parts import EngineParts


class Serving:
    """Services of one workspace; a run is given by its whole name."""

    def __init__(self, parts: EngineParts) -> None:
        self._parts = parts
        self._lookup = Lookup(parts.journal)

    async def stop(self, run: str, by: str) -> None:
        """End what a run serves; the journal tells it. Raises InputError where nothing serves, and DeployError."""
        state, _ = await self._lookup.load(run)
        deployment = state.deployment
        target = self._parts.targets.get(deployment.target) if deployment is not None else None
        if deployment is None or target is None or not await target.stop(deployment):
            raise InputError(f"Run {run} serves nothing.", "`wainwright runs` lists what there is.")
        journal = self._parts.journal
        await asyncio.to_thread(journal.note, "service stopped", by, {"run": run, "service": deployment.id})
