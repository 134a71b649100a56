"""The gateway host: one process a user that has imported LiteLLM, and forks a gateway for each engine that asks.

Started by ``starting`` as ``python -P -m wainwright.models.host SOCKET LOCK PATH IDLE_S``: descriptors of a socket
that listens at ``PATH`` and of the lock that says whose turn it is to listen there. What is said is in ``control``.

It holds no key and no connection to a provider, and no gateway shares anything with another one but what LiteLLM's
import left in memory. It runs no thread, which a fork would lose. A gateway needs nothing of it any more: when the
host dies, its gateways live on until their engines let go of them.
"""

import gc
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wainwright.models.control import ASK, BEGUN
from wainwright.sockets import identity, peer

LOOK_EVERY_S = 1.0
"""How often it looks whether somebody can still find it."""


def main() -> None:
    """Be the host until nobody needs one any more, in a process that is nobody's child."""
    if os.fork():
        os._exit(0)
    listening, lock, path, idle_s = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4])
    os.umask(0o077)
    # After the fork: whoever starts the host waits for the first process to end.
    from wainwright.models import gateway  # noqa: PLC0415

    litellm = gateway.quiet_litellm()

    def rehearse() -> None:
        from wainwright.models.rehearsal import rehearse  # noqa: PLC0415 - see Host

        rehearse(litellm)
        # Nothing of this is looked at again by a collector, in whatever process: it stays in memory that all share.
        gc.freeze()

    def become(pipe: socket.socket) -> None:
        gateway.serve(pipe, lambda: litellm)

    Host(socket.socket(fileno=listening), lock, path, idle_s, rehearse, become).serve()


@dataclass(frozen=True)
class _Gateway:
    pid: int
    pidfd: int

    def kill(self) -> None:
        """With its group, which it may not have made yet."""
        for end in (os.kill, os.killpg):
            with suppress(ProcessLookupError):
                end(self.pid, signal.SIGKILL)


class Host:
    """Forks gateways. ``become`` is called in each, with its pipe, and is a gateway until that closes.

    ``rehearse`` makes first calls fast. It is called after the first gateway was forked, which does not wait for it.

    ``listening`` listens at ``path``. It ends after ``idle_s`` seconds without a gateway, when something else lies at
    its path, or nothing, and on SIGTERM: then gateways that are at work go on, as when it is killed.
    """

    def __init__(
        self,
        listening: socket.socket,
        lock: int,
        path: Path,
        idle_s: float,
        rehearse: Callable[[], None],
        become: Callable[[socket.socket], None],
    ) -> None:
        # Listening anew says to who connects that it is this process that they reach.
        listening.listen()
        listening.setblocking(False)
        self._listening = listening
        self._lock = lock
        self._path = path
        self._mine = identity(path)
        self._idle_s = idle_s
        self._rehearse: Callable[[], None] | None = rehearse
        self._become = become
        self._gateways: dict[socket.socket, _Gateway] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(listening, selectors.EVENT_READ, self._greet)
        self._idle_since = time.monotonic()

    def serve(self) -> None:
        """Fork for whoever asks, until nobody needs a host any more."""
        signal.signal(signal.SIGTERM, _end)
        try:
            while self._is_needed():
                for key, _ in self._selector.select(LOOK_EVERY_S):
                    key.data()
        finally:
            if self._is_found():
                with suppress(OSError):
                    self._path.unlink()

    def _is_needed(self) -> bool:
        if self._gateways:
            self._idle_since = time.monotonic()
            return True
        return self._is_found() and time.monotonic() - self._idle_since < self._idle_s

    def _is_found(self) -> bool:
        return self._mine is not None and identity(self._path) == self._mine

    def _greet(self) -> None:
        with suppress(BlockingIOError):
            control, _ = self._listening.accept()
            if peer(control)[1] != os.geteuid():
                control.close()
                return
            self._selector.register(control, selectors.EVENT_READ, lambda: self._hear(control))

    def _hear(self, control: socket.socket) -> None:
        """What an engine says: it asks once, and then it lets go."""
        try:
            said, descriptors, *_ = socket.recv_fds(control, len(ASK), 2)
        except OSError:
            said, descriptors = b"", []
        if said == ASK and len(descriptors) == 2 and control not in self._gateways:
            with socket.socket(fileno=descriptors[0]) as pipe, os.fdopen(descriptors[1], "wb") as stderr:
                self._fork(control, pipe, stderr.fileno())
            return
        for one in descriptors:
            os.close(one)
        self._selector.unregister(control)
        if gateway := self._gateways.get(control):
            gateway.kill()  # which is heard of in its turn
        else:
            control.close()

    def _fork(self, control: socket.socket, pipe: socket.socket, stderr: int) -> None:
        assert len(list(Path("/proc/self/task").iterdir())) == 1, "a fork would lose threads"
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            pid = os.fork()
            if pid == 0:
                self._as_gateway(pipe, stderr)
            gateway = self._gateways[control] = _Gateway(pid, os.pidfd_open(pid))
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        self._selector.register(gateway.pidfd, selectors.EVENT_READ, lambda: self._ended(control))
        with suppress(OSError):  # the engine has gone, which is heard next
            socket.send_fds(control, [BEGUN.pack(pid)], [gateway.pidfd])
        if self._rehearse is not None:
            self._rehearse()
            self._rehearse = None

    def _as_gateway(self, pipe: socket.socket, stderr: int) -> None:
        """In the new process: nothing of the host's is kept, then be a gateway, and end."""
        try:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            os.dup2(stderr, 1)
            os.dup2(stderr, 2)
            os.close(stderr)
            os.close(self._lock)
            for key in list(self._selector.get_map().values()):
                _close(key.fileobj)
            self._selector.close()
            self._become(pipe)
        except BaseException:  # noqa: BLE001  # nothing that happens here may go on as the host
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    def _ended(self, control: socket.socket) -> None:
        gateway = self._gateways.pop(control)
        gateway.kill()  # what it may have started itself
        os.waitpid(gateway.pid, 0)
        self._selector.unregister(gateway.pidfd)
        os.close(gateway.pidfd)
        with suppress(KeyError):  # it let go first
            self._selector.unregister(control)
        control.close()


def _close(kept: Any) -> None:
    if isinstance(kept, int):
        os.close(kept)
    else:
        kept.close()


def _end(_signal: int, _frame: object) -> None:
    raise SystemExit


if __name__ == "__main__":
    main()
