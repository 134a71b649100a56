"""Services in the sandbox, each with one port on this machine's loopback, which live on when the server ends.

Everything that is known about a service is a record on disk, so any process may find, probe or stop it.
"""

import asyncio
import os
import re
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wainwright.deploy.probe import Probe, ask
from wainwright.deploy.target import PortTaken
from wainwright.domain.errors import DeployError
from wainwright.sandbox import forwarding
from wainwright.sandbox.identity import start_time
from wainwright.sandbox.protocol import Sandbox, SandboxView

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MARK = "WAINWRIGHT_DEPLOYMENT"
_PROBE_TIMEOUT_S = 5.0
_FIRST_PROBES_INTERVAL_S = 0.1
_TERMINATE_S = 3.0
_KILL_S = 5.0
_LOG_TAIL_BYTES = 4000


class ServiceSpec(BaseModel):
    """How to run a service; the Deployer writes it.

    In ``command``, ``{port}`` stands for the port to listen on; PORT holds it too. ``health_path`` answers 2xx or
    3xx when the service is healthy.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: Annotated[tuple[str, ...], Field(min_length=1)]
    health_path: Annotated[str, Field(pattern=r"^/[!-~]*$", max_length=2000)] = "/"
    health_timeout_s: Annotated[float, Field(gt=0, le=600)] = 20
    port: int | None = None
    """Where it is to be reached the first time; None: on any port that is free."""


class Service(BaseModel):
    """A service that was started. ``pid`` and ``start_time`` (ticks since boot) together name its process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    pid: int
    start_time: float
    url: str
    port: int
    log: Path
    commit: str
    spec: ServiceSpec
    view: SandboxView
    fenced: bool = False
    """Whether it has a network of its own; those of earlier versions had the machine's."""

    @property
    def tree(self) -> Path:
        """Directory of the files that are served."""
        return self.view.tree


class _Served(BaseModel):
    """Which services took over from one another, oldest first; the last one serves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ids: tuple[str, ...] = ()

    def with_last(self, service_id: str) -> "_Served":
        return _Served(ids=(*self.without(service_id).ids, service_id))

    def without(self, service_id: str) -> "_Served":
        return _Served(ids=tuple(each for each in self.ids if each != service_id))


class Services:
    """Starts, probes, stops and rolls back services; ``state`` holds their records and logs."""

    def __init__(self, state: Path, sandbox: Sandbox) -> None:
        self._state = state
        self._sandbox = sandbox
        self._changing = asyncio.Lock()

    async def start(self, service_id: str, spec: ServiceSpec, view: SandboxView, commit: str) -> Service:
        """Start the service, wait until it is healthy, then stop the one that served before.

        The same id is never started twice: when it lives, it is returned as it is. Raises DeployError with the end of
        its log when it dies or is not healthy in time; then it is stopped, and what served before goes on serving.
        Raises PortTaken, with nothing started, where somebody else listens on its port.
        """
        async with self._changing:
            return await self._start(service_id, spec, view, commit)

    async def probe(self, service: Service) -> Probe:
        """Ask the service whether it is healthy."""
        if not self.alive(service):
            return Probe(ok=False, status=None, seconds=0.0, error="the process has ended", at=time.time())
        return await ask(service.port, service.spec.health_path, _PROBE_TIMEOUT_S)

    async def stop(self, service: Service) -> None:
        """End the service and all it started; first politely. Raises DeployError if it is still there afterwards."""
        for number, patience_s in ((signal.SIGTERM, _TERMINATE_S), (signal.SIGKILL, _KILL_S)):
            if not _signal_group(service.pid, service.start_time, number):
                return
            if await _true_within(patience_s, lambda: not self.alive(service)):
                return
        raise DeployError(f"Service {service.id} does not end.", f"End process {service.pid} by hand.")

    def alive(self, service: Service) -> bool:
        """Whether the service's own process exists; a later process with the same id does not count."""
        return start_time(service.pid) == service.start_time

    def find(self, service_id: str) -> Service | None:
        """The service's record, whether or not it lives. Raises DeployError when the record cannot be read."""
        path = self._path(service_id, ".json")
        try:
            return Service.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise DeployError(
                f"The record {path} cannot be read: {error}", "Move it away to deploy anew."
            ) from error

    def current(self) -> Service | None:
        """The service that serves, or served last if it has died."""
        served = self._served().ids
        return self.find(served[-1]) if served else None

    def in_use(self) -> set[Path]:
        """Directories of files that are served, or that a roll-back would serve again. Raises DeployError."""
        records = (self._state / "deployments").glob("*.json")
        known = [one for record in records if (one := self.find(record.stem)) is not None]
        back_to = self._served().ids[-2:]
        return {one.tree for one in known if one.id in back_to or self.alive(one)}

    async def roll_back(self, service: Service) -> Service | None:
        """Stop ``service`` and start the one that served before it again, from its own tree.

        Returns the one that serves now, None if there was none. May be repeated. Raises DeployError when the earlier
        one no longer starts.
        """
        async with self._changing:
            await self.stop(service)
            served = self._served().without(service.id)
            self._write(self._state / "served.json", served)
            earlier = self.find(served.ids[-1]) if served.ids else None
            if earlier is None:
                return None
            anywhere = earlier.spec.model_copy(update={"port": None})
            return await self._start(earlier.id, anywhere, earlier.view, earlier.commit)

    async def _start(self, service_id: str, spec: ServiceSpec, view: SandboxView, commit: str) -> Service:
        known = self.find(service_id)
        service = known if known is not None and self.alive(known) else None
        if service is None:
            service = await self._spawn(service_id, spec, view, commit)
        probe = await self._healthy_or_not(service)
        if not probe.ok:
            elsewhere = _elsewhere(service) if self.alive(service) else ""
            await self.stop(service)
            raise DeployError(
                f"Service {service_id} is not healthy at {service.url}{spec.health_path}: {probe.error}.{elsewhere} "
                f"The end of its log:\n{log_tail(service.log)}",
                "Correct the service or its health path, then deploy again.",
            )
        served = self._served()
        earlier = self.find(served.ids[-1]) if served.ids else None
        self._write(self._state / "served.json", served.with_last(service_id))
        if earlier is not None and earlier.id != service_id:
            await self.stop(earlier)
        return service

    async def _spawn(self, service_id: str, spec: ServiceSpec, view: SandboxView, commit: str) -> Service:
        mark = f"{_MARK}={self._state.resolve()}:{service_id}"
        await asyncio.to_thread(_end_unrecorded, mark)
        log = self._path(service_id, ".log")
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        log.touch(mode=0o600)
        name, _, value = mark.partition("=")
        with _door(spec.port) as door:
            port = door.getsockname()[1]
            argv = tuple(word.replace("{port}", str(port)) for word in spec.command)
            env = {"PORT": str(port), name: value}
            pid, started = await asyncio.to_thread(
                self._sandbox.spawn_detached, argv, view, env=env, log=log, door=door
            )
        service = Service(
            id=service_id,
            pid=pid,
            start_time=started,
            url=f"http://127.0.0.1:{port}",
            port=port,
            log=log,
            commit=commit,
            spec=spec,
            view=view,
            fenced=True,
        )
        self._write(self._path(service_id, ".json"), service)
        return service

    async def _healthy_or_not(self, service: Service) -> Probe:
        """Probe until the service is healthy, has ended, or its time is up; returns the last probe."""
        deadline = time.monotonic() + service.spec.health_timeout_s
        while True:
            probe = await self.probe(service)
            # Somebody else may listen on the port by now: only a service that still lives can have answered.
            if probe.ok and not self.alive(service):
                probe = await self.probe(service)
            if probe.ok or not self.alive(service) or time.monotonic() >= deadline:
                return probe
            await asyncio.sleep(_FIRST_PROBES_INTERVAL_S)

    def _served(self) -> _Served:
        try:
            return _Served.model_validate_json((self._state / "served.json").read_bytes())
        except FileNotFoundError:
            return _Served()
        except ValidationError as error:
            raise DeployError(
                f"{self._state / 'served.json'} cannot be read: {error}", "Move it away."
            ) from error

    def _path(self, service_id: str, suffix: str) -> Path:
        if not _IDENTIFIER.fullmatch(service_id):
            raise DeployError(
                f"{service_id!r} is not a service id.", "Use letters, digits, '.', '_' and '-'."
            )
        return self._state / "deployments" / f"{service_id}{suffix}"

    @staticmethod
    def _write(path: Path, record: BaseModel) -> None:
        """Replace the record in one step: a reader, or a crash, sees the old one or the new one."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(record.model_dump_json(indent=1).encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


def _door(port: int | None) -> socket.socket:
    try:
        return forwarding.door(port or 0)
    except OSError as error:
        raise PortTaken(f"Port {port} cannot be had any more: {error.strerror}.") from error


def _signal_group(pid: int, started: float, number: signal.Signals) -> bool:
    """Signal the process group that ``pid`` leads; False when the process is gone.

    The descriptor is taken before the start time is checked: from then on the id cannot come to mean another process.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if start_time(pid) != started:
            return False
        if os.getpgid(pid) == pid:
            os.killpg(pid, number)
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def _elsewhere(service: Service) -> str:
    """What to say of a service that lives and is not healthy: how long it had, and where it listens instead."""
    found, had = forwarding.listening(service.pid), f" It was given {service.spec.health_timeout_s:g} s."
    if service.port in found:
        return had
    ports = ", ".join(map(str, sorted(found)))
    where = f"It listens on port {ports}" if found else "It listens on no port"
    return (
        f"{had} {where}, and was told {service.port}, as {{port}} and PORT; no other is reached from outside."
    )


async def _true_within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(0.02)
    return True


def _end_unrecorded(mark: str) -> None:
    """Kill processes of this service that a crash left between their start and their record."""
    wanted = mark.encode()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):
                if wanted in Path(entry.path, "environ").read_bytes().split(b"\0"):
                    os.kill(int(entry.name), signal.SIGKILL)


def log_tail(log: Path) -> str:
    """The end of a service's log: what the last 4,000 bytes say. Empty when there is none."""
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOG_TAIL_BYTES))
        return file.read().decode(errors="replace").strip()
    return ""
