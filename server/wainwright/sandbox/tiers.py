"""Which sandbox there is on this machine: the best of those whose proof holds."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from wainwright.domain.errors import SandboxError
from wainwright.sandbox import bubblewrap, landlocked
from wainwright.sandbox.egress import Egress
from wainwright.sandbox.landlocked import Landlocked
from wainwright.sandbox.protocol import Command, CommandOutcome, Sandbox, SandboxView

NOBODY_AGREED = "Nobody has agreed to this command."


class Asked(Landlocked):
    """Landlock alone: by itself it runs nothing, and whoever has a person's yes takes what does by ``agreed``."""

    def __init__(self, proven: Landlocked) -> None:
        super().__init__(proven.program, proven.visible)
        self.proven = proven

    async def run(self, command: Command, view: SandboxView) -> CommandOutcome:
        """Raise SandboxError: what runs commands is not this."""
        raise SandboxError(NOBODY_AGREED, "Go on without it.")


def agreed(sandbox: Sandbox) -> Sandbox:
    """What runs a command that a person has said yes to, for that command alone."""
    return sandbox.proven if isinstance(sandbox, Asked) else sandbox


async def best(
    state: Path, workspace: Path, hosts: tuple[str, ...]
) -> tuple[bubblewrap.Bubblewrap | Asked | None, str]:
    """The sandbox of a workspace's commands, which may reach these hosts, and why there is none or no better one."""
    try:
        found, reason = await prove(state, workspace=workspace, way_out=Egress(hosts) if hosts else None)
    except SandboxError as error:
        return None, str(error)
    except OSError as error:
        # Runs can be looked at all the same.
        return None, f"Nothing can be written to {state}: {error.strerror}."
    return (found if isinstance(found, bubblewrap.Bubblewrap) else Asked(found)), reason


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
