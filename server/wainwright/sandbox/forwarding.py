"""One port of a service that has a network of its own, reached from this machine's loopback.

The socket that listens here is given to a process of the launcher, which enters the service's namespaces with it:
what it accepts is outside, what it connects is inside. There is nothing in between that another process could name.
It ends with the service, and belongs to nobody else, so that both outlive whoever started them.
"""

import fcntl
import os
import select
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from wainwright.domain.errors import SandboxError
from wainwright.sandbox import launcher
from wainwright.sandbox.identity import start_time

_ASK_OWNER = 0xB701
"""Of a namespace: which user namespace it belongs to (NS_GET_USERNS)."""
_START_S, _END_S = 10.0, 1.0
_READY = b"ready\n"
_LISTENING = "0A"
_WAITING_MAX = 128


def door(port: int = 0) -> socket.socket:
    """A socket that listens on a port of this machine's loopback; 0: on a free one. Raises OSError if it is taken."""
    return socket.create_server(("127.0.0.1", port), backlog=_WAITING_MAX)


def free_port() -> int:
    """A port of this machine's loopback that nobody listens on now."""
    with door() as one:
        port: int = one.getsockname()[1]
        return port


def forward(
    program: Path, setsid: str, outside: socket.socket, service: tuple[int, float], log: Path
) -> None:
    """Have what comes to ``outside`` reach the same port inside, for as long as the service lives.

    ``program`` is the launcher, and ``service`` the process id and start time of a process in the service's
    namespaces. Returns when connections are taken, or the service has ended. Blocks for some milliseconds. Raises
    SandboxError.
    """
    port = outside.getsockname()[1]
    with ExitStack() as held:
        try:
            end, users, network = held.enter_context(_inside(*service))
            reading, writing = os.pipe()
            held.callback(os.close, reading)
            with os.fdopen(writing, "wb"), log.open("ab") as output:
                # setsid forks and ends, so that it is nobody's child here: no zombie, no signal from us.
                subprocess.run(
                    [setsid, "--fork", *launcher.forward(program, writing, port, (users, network))],
                    stdin=outside.fileno(),
                    stdout=end,
                    stderr=output,
                    env={},
                    pass_fds=(writing, users, network),
                    check=True,
                )
            told = _told(reading)
        except (OSError, subprocess.SubprocessError) as error:
            told = str(error).encode()
    # One that has ended needs no port; why it did is for others to tell.
    if told != _READY and not _ends(*service):
        why = launcher.complaint(told) or told.decode(errors="replace") or "nothing was heard of it"
        raise SandboxError(f"The port of the service could not be opened: {why}.", "Try again.")


def listening(pid: int) -> set[int]:
    """The TCP ports on which somebody listens in the network of a process; empty when that cannot be read."""
    found = set()
    for name in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
        except OSError:
            continue
        words = [line.split() for line in lines]
        found |= {int(here.rpartition(":")[2], 16) for _, here, _, state, *_ in words if state == _LISTENING}
    return found


@contextmanager
def _inside(pid: int, started: float) -> Iterator[tuple[int, int, int]]:
    """Descriptors of a process's end, of the user namespace that its network belongs to, and of that network."""
    with ExitStack() as held:

        def kept(descriptor: int) -> int:
            held.callback(os.close, descriptor)
            return descriptor

        end = kept(os.pidfd_open(pid))
        network = kept(os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        # The process was there before, and is still: all of it is its own.
        if start_time(pid) != started:
            raise ProcessLookupError("it has ended")
        if os.fstat(network).st_ino == Path("/proc/self/ns/net").stat().st_ino:
            raise PermissionError("it has this machine's network")
        users = kept(fcntl.ioctl(network, _ASK_OWNER))
        yield end, users, network


def _ends(pid: int, started: float) -> bool:
    """Whether a process has ended, or does so soon: it may have left its namespaces for that already."""
    try:
        end = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(end, "rb", buffering=0):
        # The number may be another process's by now.
        if start_time(pid) != started:
            return True
        waiting = select.poll()
        waiting.register(end, select.POLLIN)
        return bool(waiting.poll(_END_S * 1000))


def _told(reading: int) -> bytes:
    deadline = time.monotonic() + _START_S
    told = b""
    while not told.endswith(b"\n") and (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([reading], [], [], left)
        chunk = os.read(reading, 4096) if ready else b""
        if not chunk:
            break
        told += chunk
    return told
