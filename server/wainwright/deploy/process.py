"""Target ``process``: a service in the sandbox on this machine's loopback, which lives on when the server ends.

Everything that is known about a deployment is a record on disk, so any process may find, probe or stop it.
"""

import asyncio
import os
import re
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wainwright.deploy.probe import Probe, ask
from wainwright.domain.errors import DeployError
from wainwright.sandbox.identity import start_time
from wainwright.sandbox.protocol import Command, Outcome, Sandbox, View

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MARK = "WAINWRIGHT_DEPLOYMENT"
_PROBE_TIMEOUT_S = 5.0
_FIRST_PROBES_INTERVAL_S = 0.1
_TERMINATE_S = 3.0
_KILL_S = 5.0
_LOG_TAIL_BYTES = 4000
_SMOKE_TIMEOUT_S = 300.0


class ServiceSpec(BaseModel):
    """How to run a service; the Deployer writes it.

    In ``command``, ``{port}`` stands for the port to listen on; PORT holds it too. ``health_path`` answers 2xx or
    3xx when the service is well. ``smoke`` is run in the sandbox before the gate, without network; exit 0 passes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: Annotated[tuple[str, ...], Field(min_length=1)]
    health_path: Annotated[str, Field(pattern=r"^/[!-~]*$", max_length=2000)] = "/"
    health_timeout_s: Annotated[float, Field(gt=0, le=600)] = 20
    smoke: Annotated[tuple[str, ...], Field(min_length=1)] | None = None


class Deployment(BaseModel):
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
    view: View

    @property
    def tree(self) -> Path:
        """Directory of the files that are served."""
        return self.view.tree


class _Served(BaseModel):
    """Which deployments took over the service, oldest first; the last one serves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ids: tuple[str, ...] = ()

    def with_last(self, deployment_id: str) -> "_Served":
        return _Served(ids=(*self.without(deployment_id).ids, deployment_id))

    def without(self, deployment_id: str) -> "_Served":
        return _Served(ids=tuple(each for each in self.ids if each != deployment_id))


class ProcessTarget:
    """Starts, probes, stops and rolls back services; ``state`` holds their records and logs."""

    def __init__(self, state: Path, sandbox: Sandbox) -> None:
        self._state = state
        self._sandbox = sandbox
        self._changing = asyncio.Lock()

    async def smoke(self, spec: ServiceSpec, view: View) -> Outcome | None:
        """Run the smoke test on the tree, without network; None when the spec has none."""
        if spec.smoke is None:
            return None
        read_only = view.model_copy(update={"writable": False})
        return await self._sandbox.run(Command(argv=spec.smoke, timeout_s=_SMOKE_TIMEOUT_S), read_only)

    async def start(self, deployment_id: str, spec: ServiceSpec, view: View, commit: str) -> Deployment:
        """Start the service, wait until it is well, then stop the one that served before.

        The same id is never started twice: when it lives, it is returned as it is. Raises DeployError with the end of
        its log when it dies or is not well in time; then it is stopped, and what served before goes on serving.
        """
        async with self._changing:
            return await self._start(deployment_id, spec, view, commit)

    async def probe(self, deployment: Deployment) -> Probe:
        """Ask the service whether it is well."""
        if not self.alive(deployment):
            return Probe(ok=False, status=None, seconds=0.0, error="the process has ended", at=time.time())
        return await ask(deployment.port, deployment.spec.health_path, _PROBE_TIMEOUT_S)

    async def stop(self, deployment: Deployment) -> None:
        """End the service and all it started; first politely. Raises DeployError if it is still there afterwards."""
        for number, patience_s in ((signal.SIGTERM, _TERMINATE_S), (signal.SIGKILL, _KILL_S)):
            if not _signal_group(deployment.pid, deployment.start_time, number):
                return
            if await _true_within(patience_s, lambda: not self.alive(deployment)):
                return
        raise DeployError(
            f"Deployment {deployment.id} does not end.", f"End process {deployment.pid} by hand."
        )

    def alive(self, deployment: Deployment) -> bool:
        """Whether the deployment's own process exists; a later process with the same id does not count."""
        return start_time(deployment.pid) == deployment.start_time

    def find(self, deployment_id: str) -> Deployment | None:
        """The deployment's record, whether or not it lives. Raises DeployError when the record cannot be read."""
        path = self._path(deployment_id, ".json")
        try:
            return Deployment.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise DeployError(
                f"The record {path} cannot be read: {error}", "Move it away to deploy anew."
            ) from error

    def current(self) -> Deployment | None:
        """The deployment that serves, or served last if it has died."""
        served = self._served().ids
        return self.find(served[-1]) if served else None

    def previous(self) -> Deployment | None:
        """The deployment that served before the current one."""
        served = self._served().ids
        return self.find(served[-2]) if len(served) > 1 else None

    async def roll_back(self, deployment: Deployment) -> Deployment | None:
        """Stop ``deployment`` and start the one that served before it again, from its own tree.

        Returns the one that serves now, None if there was none. May be repeated. Raises DeployError when the earlier
        one no longer starts.
        """
        async with self._changing:
            await self.stop(deployment)
            served = self._served().without(deployment.id)
            self._write(self._state / "served.json", served)
            earlier = self.find(served.ids[-1]) if served.ids else None
            if earlier is None:
                return None
            return await self._start(earlier.id, earlier.spec, earlier.view, earlier.commit)

    async def _start(self, deployment_id: str, spec: ServiceSpec, view: View, commit: str) -> Deployment:
        known = self.find(deployment_id)
        deployment = known if known is not None and self.alive(known) else None
        if deployment is None:
            deployment = await self._spawn(deployment_id, spec, view, commit)
        probe = await self._well_or_not(deployment)
        if not probe.ok:
            await self.stop(deployment)
            raise DeployError(
                f"Deployment {deployment_id} is not well at {deployment.url}{spec.health_path}: {probe.error}. "
                f"The end of its log:\n{_tail(deployment.log)}",
                "Correct the service or its health path, then deploy again.",
            )
        served = self._served()
        earlier = self.find(served.ids[-1]) if served.ids else None
        self._write(self._state / "served.json", served.with_last(deployment_id))
        if earlier is not None and earlier.id != deployment_id:
            await self.stop(earlier)
        return deployment

    async def _spawn(self, deployment_id: str, spec: ServiceSpec, view: View, commit: str) -> Deployment:
        mark = f"{_MARK}={self._state.resolve()}:{deployment_id}"
        await asyncio.to_thread(_end_unrecorded, mark)
        port = _free_port()
        argv = tuple(word.replace("{port}", str(port)) for word in spec.command)
        log = self._path(deployment_id, ".log")
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        log.touch(mode=0o600)
        name, _, value = mark.partition("=")
        pid, started = await asyncio.to_thread(
            self._sandbox.spawn_detached, argv, view, env={"PORT": str(port), name: value}, log=log
        )
        deployment = Deployment(
            id=deployment_id,
            pid=pid,
            start_time=started,
            url=f"http://127.0.0.1:{port}",
            port=port,
            log=log,
            commit=commit,
            spec=spec,
            view=view,
        )
        self._write(self._path(deployment_id, ".json"), deployment)
        return deployment

    async def _well_or_not(self, deployment: Deployment) -> Probe:
        """Probe until the service is well, has ended, or its time is up; returns the last probe."""
        deadline = time.monotonic() + deployment.spec.health_timeout_s
        while True:
            probe = await self.probe(deployment)
            # Somebody else may listen on the port by now: only a service that still lives can have answered.
            if probe.ok and not self.alive(deployment):
                probe = await self.probe(deployment)
            if probe.ok or not self.alive(deployment) or time.monotonic() >= deadline:
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

    def _path(self, deployment_id: str, suffix: str) -> Path:
        if not _IDENTIFIER.fullmatch(deployment_id):
            raise DeployError(
                f"{deployment_id!r} is not a deployment id.", "Use letters, digits, '.', '_' and '-'."
            )
        return self._state / "deployments" / f"{deployment_id}{suffix}"

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


async def watch(
    target: ProcessTarget,
    deployment: Deployment,
    window_s: float,
    interval_s: float,
    breach_after: int,
    on_probe: Callable[[Probe], Awaitable[None]] | None = None,
) -> list[Probe]:
    """Probe for ``window_s`` seconds; ends early at ``breach_after`` failures in a row. Returns every probe."""
    deadline = time.monotonic() + window_s
    probes: list[Probe] = []
    failures = 0
    while True:
        probe = await target.probe(deployment)
        probes.append(probe)
        if on_probe is not None:
            await on_probe(probe)
        failures = 0 if probe.ok else failures + 1
        if failures >= breach_after or time.monotonic() + interval_s > deadline:
            return probes
        await asyncio.sleep(interval_s)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        assert isinstance(port, int)
        return port


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


async def _true_within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(0.02)
    return True


def _end_unrecorded(mark: str) -> None:
    """Kill services of this deployment that a crash left between their start and their record."""
    wanted = mark.encode()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):
                if wanted in Path(entry.path, "environ").read_bytes().split(b"\0"):
                    os.kill(int(entry.name), signal.SIGKILL)


def _tail(log: Path) -> str:
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOG_TAIL_BYTES))
        return file.read().decode(errors="replace").strip()
    return ""
