"""How a gateway comes to be: forked by the user's host, which has imported LiteLLM, or else started alone.

No run fails because of the host: whatever is wrong with it, a gateway that is started alone takes a few seconds more.
A host is used by who has the same of all that a gateway inherits and cannot be told: the version, the programs, the
variables, the network. Its socket is named for that, and lies in a folder that only its user can look into.
"""

import asyncio
import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

import wainwright
from wainwright.models.control import ASK, BEGUN
from wainwright.sockets import Folder, inherited, opened
from wainwright.waiting import to_its_end

log = structlog.get_logger()

READY_S = 20.0
"""Seconds that a host may take to fork, once it has imported LiteLLM. It takes milliseconds: this is for a machine
that has much else to do. A host that took longer is not asked again."""
STARTS_S = 10.0
"""Seconds that a host may take until it is a process of its own."""
_KIND = socket.SOCK_SEQPACKET


@dataclass(frozen=True)
class HostPlace:
    """Where a user's hosts are found, and after how many seconds without a gateway one ends."""

    folder: Path
    idle_s: float


class Started(Protocol):
    """A gateway's process."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    @property
    def stderr(self) -> asyncio.StreamReader:
        """What it says to a person."""
        ...

    def kill(self) -> None:
        """End it and all of its children at once."""
        ...

    async def wait(self) -> None:
        """Wait until it is gone."""
        ...


async def start(host: HostPlace | None, limit_s: float) -> tuple[Started, socket.socket]:
    """A gateway, and our end of its pipe. ``limit_s``: how long a host may take to import LiteLLM."""
    if host is not None and sys.platform == "linux":
        try:
            async with asyncio.timeout(limit_s):
                return await _forked(host, limit_s)
        except (OSError, subprocess.SubprocessError) as error:
            log.info("gateway.without_host", reason=f"{type(error).__name__}: {error}")
    return await _alone()


class _Alone:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        self._process = process
        self.pid = process.pid
        self.stderr = process.stderr

    def kill(self) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    async def wait(self) -> None:
        await self._process.wait()


async def _alone() -> tuple[Started, socket.socket]:
    ours, theirs = socket.socketpair()
    with contextlib.ExitStack() as unless_started, theirs:
        unless_started.callback(ours.close)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "wainwright.models.gateway",
            str(theirs.fileno()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=(theirs.fileno(),),
            env=_minimal_environment(),
            cwd="/",
            start_new_session=True,
        )
        unless_started.pop_all()
    return _Alone(process), ours


class _Forked:
    """By its pidfd, so that no other process can be meant. ``control`` is closed when it is to be killed."""

    def __init__(self, pid: int, pidfd: int, control: socket.socket, stderr: asyncio.StreamReader) -> None:
        loop = asyncio.get_running_loop()
        self.pid = pid
        self.stderr = stderr
        self._pidfd = pidfd
        self._control = control
        self._gone: asyncio.Future[None] = loop.create_future()
        loop.add_reader(pidfd, self._end)

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._control.close()
        self._gone.set_result(None)

    def kill(self) -> None:
        if not self._gone.done():
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            self._control.close()

    async def wait(self) -> None:
        await asyncio.shield(self._gone)


async def _forked(host: HostPlace, limit_s: float) -> tuple[Started, socket.socket]:
    """A gateway of the host, which is started where there is none. Raises OSError."""
    connecting = asyncio.ensure_future(asyncio.to_thread(_connected, host))
    try:
        control, age_s = await to_its_end(connecting)
    except asyncio.CancelledError:
        if connecting.exception() is None:
            connecting.result()[0].close()
        raise
    with contextlib.ExitStack() as unless_forked:
        unless_forked.callback(control.close)
        ours, theirs = socket.socketpair()
        unless_forked.callback(ours.close)
        hears, says = os.pipe()
        heard = os.fdopen(hears, "rb", buffering=0)
        unless_forked.callback(heard.close)
        with theirs, os.fdopen(says, "wb") as told:
            socket.send_fds(control, [ASK], [theirs.fileno(), told.fileno()])
        try:
            async with asyncio.timeout(max(READY_S, limit_s - age_s)):
                pid, pidfd = await _begun(control)
        except TimeoutError:
            await asyncio.to_thread(_forget, host)
            raise
        unless_forked.pop_all()
    stderr = asyncio.StreamReader()
    gateway = _Forked(pid, pidfd, control, stderr)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stderr), heard)
    return gateway, ours


async def _begun(control: socket.socket) -> tuple[int, int]:
    """Process id and pidfd of the gateway that was asked for. Raises OSError when the host does not give one."""
    loop = asyncio.get_running_loop()
    came = asyncio.Event()
    loop.add_reader(control, came.set)
    try:
        await came.wait()
    finally:
        loop.remove_reader(control)
    said, descriptors, *_ = socket.recv_fds(control, BEGUN.size, 1)
    if len(said) != BEGUN.size or len(descriptors) != 1:
        raise ConnectionResetError("the gateway host has ended")
    return BEGUN.unpack(said)[0], descriptors[0]


def _connected(host: HostPlace) -> tuple[socket.socket, float]:
    """A connection to the host, and how many seconds ago its socket was made. Raises OSError."""
    name = _name(host.idle_s)
    with opened(host.folder) as folder:
        for _ in range(20):
            with suppress(FileNotFoundError, ConnectionRefusedError):
                age_s = folder.age_s(name, time.time())
                connection = folder.connect(name, _KIND, READY_S)
                connection.setblocking(False)
                return connection, age_s
            if not _start(host, folder, name):
                # Somebody else has the lock and is about to listen, of which nothing tells. After a second of that
                # a gateway is started alone.
                time.sleep(0.05)
    raise ConnectionRefusedError("no gateway host can be started")


def _start(host: HostPlace, folder: Folder, name: str) -> bool:
    """Whether a host was started; False where somebody else does so. Raises OSError."""
    with folder.turn(name, _KIND) as turn:
        if turn is None:
            return False
        listening, lock = turn
        told = (listening.fileno(), lock, host.folder / name, host.idle_s)
        started = subprocess.run(
            [sys.executable, "-P", "-m", "wainwright.models.host", *map(str, told)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(listening.fileno(), lock),
            env=_minimal_environment(),
            cwd="/",
            start_new_session=True,
            timeout=STARTS_S,
            check=False,
        )
    if started.returncode != 0:
        raise ChildProcessError(f"the gateway host ended with {started.returncode}")
    return True


def _forget(host: HostPlace) -> None:
    """Let a host that does not answer be found no more: it ends by itself when it can."""
    with suppress(OSError), opened(host.folder) as folder:
        folder.forget(_name(host.idle_s))


def hosts(folder: Path) -> list[int]:
    """Process ids of the hosts that listen in a folder. Raises OSError where it cannot be used."""
    with opened(folder) as found:
        return found.listeners(_KIND, READY_S)


def _name(idle_s: float) -> str:
    """What a gateway inherits from its host: who has another of it needs another host."""
    package = Path(wainwright.__path__[0])
    trusted = (Path(os.environ[name]) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if name in os.environ)
    files = [*sorted((package / "models").glob("*.py")), Path(sysconfig.get_path("purelib")), *trusted]
    counts = (
        package,
        sorted(_minimal_environment().items()),
        [(file.name, file.stat().st_mtime_ns) for file in files if file.exists()],
        inherited(),
        idle_s,
    )
    return hashlib.sha256(repr(counts).encode()).hexdigest()[:32]


def _minimal_environment() -> dict[str, str]:
    """What the gateway needs to run and to reach the network; nothing else of the person's environment."""
    passed = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    names = (*passed, *proxies, *(name.lower() for name in proxies))
    package_root = str(Path(wainwright.__path__[0]).parent)
    return {name: os.environ[name] for name in names if name in os.environ} | {"PYTHONPATH": package_root}
