"""Which sandbox there is on this machine: the best of those whose proof holds."""

import asyncio
import os
import shlex
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from wainwright.domain.errors import SandboxError
from wainwright.sandbox import bubblewrap, landlocked
from wainwright.sandbox.egress import Egress
from wainwright.sandbox.landlocked import Landlocked
from wainwright.sandbox.protocol import Command, CommandOutcome, SandboxView

NOT_AGREED = "The person did not agree to this command."


class Asked(Landlocked):
    """Landlock alone, with a person who is asked about every command."""

    def __init__(self, proven: Landlocked, agrees: Callable[[str], Awaitable[bool]]) -> None:
        super().__init__(proven.program, proven.visible)
        self._agrees = agrees

    async def run(self, command: Command, view: SandboxView) -> CommandOutcome:
        """Run what the person agrees to; see ``Sandbox.run``."""
        line = command.argv[2] if command.argv[:2] == ("/bin/bash", "-c") else shlex.join(command.argv)
        question = (
            f"Run this command behind {self.tier} alone? It cannot reach the network or your files: {line}"
        )
        if not await self._agrees(question):
            raise SandboxError(NOT_AGREED, "Go on without it.")
        return await super().run(command, view)


async def prove(
    state: Path,
    environment: Mapping[str, str] | None = None,
    *,
    workspace: Path | None = None,
    way_out: Egress | None = None,
) -> tuple[bubblewrap.Bubblewrap | Landlocked, str]:
    """The best sandbox that can be proven, and why it is no better one; see ``bubblewrap.prove``.

    Raises SandboxError with what the best one lacks where there is none.
    """
    environment = os.environ if environment is None else environment
    try:
        return await bubblewrap.prove(state, environment, workspace=workspace, way_out=way_out), ""
    except SandboxError as error:
        best = error
    visible = await asyncio.to_thread(bubblewrap.survey_around, state, environment, workspace)
    try:
        return await landlocked.prove(state, visible), best.message
    except SandboxError:
        raise best from None
