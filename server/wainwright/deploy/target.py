"""What a place to deploy to is: the protocol that every target fulfils, and what passes between it and the engine.

A target is one file in this room and one entry in ``targets.TARGETS``. Nothing outside this room asks which one it
is: whether it serves, what its gate asks and how it is stopped are told by the target and kept with the run.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from wainwright.deploy.probe import Probe
from wainwright.domain.errors import DeployError
from wainwright.domain.evidence import Deployment
from wainwright.sandbox.protocol import Sandbox, SandboxView


@dataclass(frozen=True)
class Wanted:
    """What is to be deployed, as the deployer has it."""

    command: tuple[str, ...] = ()
    health_path: str = "/"
    port: int | None = None
    """Where it is to be reached; None: wherever there is room."""


@dataclass(frozen=True)
class Order:
    """A deployment to make. The same ``id`` is never made twice."""

    id: str
    commit: str
    branch: str
    """The branch that was delivered; empty when there is none."""
    wanted: Wanted
    view: Callable[[], Awaitable[SandboxView]]
    """Checks the commit out and gives its tree as commands see it."""


class PortTaken(DeployError):
    """Somebody else listens by now where the service was to."""


class Target(Protocol):
    """A place to deploy to."""

    name: ClassVar[str]
    """How the deployer and the journal call it."""
    choice: ClassVar[str]
    """When the deployer chooses it and what it needs then: Markdown for a list in the prompt."""
    serves: ClassVar[bool]
    """Whether something runs afterwards that can be smoke-tested before and watched after."""

    @classmethod
    def at(cls, state: Path, sandbox: Sandbox | None) -> "Target | None":
        """The target with its records in ``state``; None where it cannot be used, as without a sandbox."""
        ...

    def plan(self, wanted: Wanted) -> Wanted:
        """What of the deployer's answer counts here. Raises DeployError saying what it lacks."""
        ...

    def free_port(self) -> int | None:
        """A port that is free now for what is deployed here; None where it needs none."""
        ...

    def question(self, wanted: Wanted) -> str:
        """What the gate asks before ``apply``; empty when nothing has to be asked."""
        ...

    def current(self) -> Deployment | None:
        """What was deployed here last and serves, or served until it died."""
        ...

    async def apply(self, order: Order) -> Deployment:
        """Deploy. Raises DeployError when it does not become healthy; then what served before goes on serving.

        Raises PortTaken where nothing was started, since its port is somebody else's by now.
        """
        ...

    async def probe(self, deployment: Deployment) -> Probe:
        """Ask whether it is healthy. Raises DeployError when the deployment is not known any more."""
        ...

    def log(self, deployment: Deployment) -> str:
        """The end of what it wrote; empty when it writes nothing."""
        ...

    def in_use(self) -> set[Path]:
        """Trees on this machine that are served, or that a roll-back would serve again. Raises DeployError."""
        ...

    async def stop(self, deployment: Deployment) -> bool:
        """End it for good; False where it serves no more. Raises DeployError when it does not end."""
        ...

    async def roll_back(self, deployment: Deployment) -> Deployment | None:
        """Take it back. Returns what serves now, None if nothing does. May be repeated. Raises DeployError."""
        ...


async def watch(
    target: Target, deployment: Deployment, window_s: float, interval_s: float, breach_after: int
) -> list[Probe]:
    """Probe for ``window_s`` seconds; ends early at ``breach_after`` failures in a row. Returns every probe."""
    deadline = time.monotonic() + window_s
    probes: list[Probe] = []
    failures = 0
    while True:
        probe = await target.probe(deployment)
        probes.append(probe)
        failures = 0 if probe.ok else failures + 1
        if failures >= breach_after or time.monotonic() + interval_s > deadline:
            return probes
        await asyncio.sleep(interval_s)
