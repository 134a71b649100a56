"""Target ``process``: a service in the sandbox, of which one port is on this machine's loopback."""

from pathlib import Path
from typing import ClassVar

from pydantic import ValidationError

from wainwright.deploy.probe import Probe
from wainwright.deploy.services import Service, Services, ServiceSpec, log_tail
from wainwright.deploy.target import Order, Target, Wanted
from wainwright.domain.errors import DeployError
from wainwright.domain.evidence import Deployment
from wainwright.sandbox.forwarding import free_port
from wainwright.sandbox.protocol import Sandbox

FENCE = (
    "It has a network of its own: one port leads in, from 127.0.0.1 of this machine, and nothing leads out."
)


class ProcessTarget:
    """Deploys by starting a service; ``state`` holds the records and logs."""

    name: ClassVar[str] = "process"
    choice: ClassVar[str] = """\
- `process`: the project is, or has, a service that listens on a TCP port and answers HTTP. `command` starts it in
  the foreground from the workspace's root, as a list of words without a shell; `{port}` stands for the port it
  must listen on, on 127.0.0.1; the variable PORT holds it too. Use the flags that the project's own documentation
  uses; for Python the interpreter is `.venv/bin/python` when `.venv` is among the dependency folders, else
  `python3`. Nothing may be built or downloaded: there is no network beyond loopback, and the tree is read-only
  except /tmp. `health_path` is a GET path that answers 2xx when the service is healthy, a real health route if
  there is one. `smoke`, optional: a quick command as a list of words that exits with 0 if the delivered code can
  start at all, such as importing the main module."""
    serves: ClassVar[bool] = True

    def __init__(self, state: Path, sandbox: Sandbox) -> None:
        self._services = Services(state, sandbox)

    @classmethod
    def at(cls, state: Path, sandbox: Sandbox | None) -> Target | None:
        """Nothing is started without a sandbox; see ``Target``."""
        return None if sandbox is None else cls(state, sandbox)

    def plan(self, wanted: Wanted) -> Wanted:
        """A command and a path that can be asked; see ``Target``."""
        if not wanted.command:
            raise DeployError("A process needs a command.")
        path = wanted.health_path or "/"
        try:
            ServiceSpec(command=wanted.command, health_path=path)
        except ValidationError as error:
            raise DeployError(f"{error.errors()[0]['loc'][0]}: {error.errors()[0]['msg']}.") from error
        return Wanted(wanted.command, path, wanted.port)

    def free_port(self) -> int:
        """See ``Target``."""
        return free_port()

    def question(self, wanted: Wanted) -> str:
        """Asks before anything listens; see ``Target``."""
        where = "a port" if wanted.port is None else f"port {wanted.port}"
        return f"Start the service on {where} of this machine's loopback address, fenced?"

    def current(self) -> Deployment | None:
        """See ``Target``."""
        service = self._services.current()
        return _deployment(service) if service else None

    async def apply(self, order: Order) -> Deployment:
        """Start the service and stop the one before; see ``Target``."""
        wanted = order.wanted
        spec = ServiceSpec(command=wanted.command, health_path=wanted.health_path, port=wanted.port)
        return _deployment(await self._services.start(order.id, spec, await order.view(), order.commit))

    async def probe(self, deployment: Deployment) -> Probe:
        """See ``Target``."""
        return await self._services.probe(self._known(deployment))

    def log(self, deployment: Deployment) -> str:
        """See ``Target``."""
        return log_tail(self._known(deployment).log)

    def in_use(self) -> set[Path]:
        """See ``Target``."""
        return self._services.in_use()

    async def stop(self, deployment: Deployment) -> bool:
        """See ``Target``."""
        service = self._services.find(deployment.id)
        if service is None or not self._services.alive(service):
            return False
        await self._services.stop(service)
        return True

    async def roll_back(self, deployment: Deployment) -> Deployment | None:
        """Stop the service and start the one before again; see ``Target``."""
        service = await self._services.roll_back(self._known(deployment))
        return _deployment(service) if service else None

    def _known(self, deployment: Deployment) -> Service:
        service = self._services.find(deployment.id)
        if service is None:
            raise DeployError(
                f"Deployment {deployment.id} has no record any more.", "Resume to deploy again."
            )
        return service


def _deployment(service: Service) -> Deployment:
    return Deployment(
        id=service.id,
        target=ProcessTarget.name,
        serves=ProcessTarget.serves,
        commit=service.commit,
        url=service.url,
        health_path=service.spec.health_path,
        command=service.spec.command,
        pid=service.pid,
        # The first process of the service's own process namespace heeds no other signal.
        stop=f"kill -9 {service.pid}",
        fence=FENCE if service.fenced else "",
    )
