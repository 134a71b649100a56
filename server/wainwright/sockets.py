"""Sockets between the processes of one user, and who is at the other end.

They lie in a folder that only the user can look into, with a lock that says whose turn it is to listen.

A name in that folder says what whoever listens was started with, so that nobody is answered by a process that differs
from what they would start themselves. Only what is loaded in milliseconds is imported.
"""

import fcntl
import os
import resource
import socket
import stat
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK = ".lock"
_PEER = struct.Struct("3i")
_LOCAL, _CREDENTIALS, _PROCESS = 0, 1, 2
"""On macOS: ``SOL_LOCAL``, ``LOCAL_PEERCRED`` and ``LOCAL_PEERPID``."""
_LIMITS = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]
_NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")


def peer(connection: socket.socket) -> tuple[int, int]:
    """Process and user at the other end: of a socket that listens, those who had it listen last. Raises OSError."""
    if sys.platform == "darwin":
        credentials = connection.getsockopt(_LOCAL, _CREDENTIALS, 256)
        return connection.getsockopt(_LOCAL, _PROCESS), struct.unpack_from("2I", credentials)[1]
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    process, user, _group = _PEER.unpack(told)
    return process, user


def inherited() -> tuple[object, ...]:
    """What a process has from whoever started it, beside words and variables, and cannot be told."""
    here: list[str] = []
    if sys.platform == "linux":
        here = [str(Path("/proc/self/ns", name).readlink()) for name in _NAMESPACES]
        here.append(Path("/proc/sys/kernel/random/boot_id").read_text())
    limits = [resource.getrlimit(limit) for limit in _LIMITS]
    return sys.executable, here, os.getpriority(os.PRIO_PROCESS, 0), limits


class Folder:
    """A folder of sockets, by its descriptor. See `opened`."""

    def __init__(self, place: Path, descriptor: int) -> None:
        self._place = place
        self._descriptor = descriptor

    def connect(self, name: str, kind: socket.SocketKind, seconds: float) -> socket.socket:
        """Who listens there. Raises OSError: PermissionError where another user does."""
        connection = socket.socket(socket.AF_UNIX, kind)
        try:
            connection.settimeout(seconds)
            connection.connect(self._address(name))
            user = peer(connection)[1]
        except BaseException:
            connection.close()
            raise
        if user == os.geteuid():
            return connection
        connection.close()
        raise PermissionError("somebody else's process listens here")

    @contextmanager
    def turn(self, name: str, kind: socket.SocketKind) -> Iterator[tuple[socket.socket, int] | None]:
        """A socket that listens there, and the lock that says so as long as any process has it open.

        None where it is somebody else's turn. What others left behind that were killed is removed first.
        """
        with self._locked(name) as lock, socket.socket(socket.AF_UNIX, kind) as listening:
            if lock is None:
                yield None
                return
            self._sweep(name)
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._descriptor)
            self._bind(listening, name)
            listening.listen()
            yield listening, lock

    def _bind(self, listening: socket.socket, name: str) -> None:
        if sys.platform == "linux":
            os.fchmod(listening.fileno(), 0o600)
            listening.bind(self._address(name))
            return
        before = os.umask(0o177)
        try:
            listening.bind(self._address(name))
        finally:
            os.umask(before)

    def age_s(self, name: str, now: float) -> float:
        """How many seconds ago a socket was made. Raises FileNotFoundError."""
        made = os.stat(name, dir_fd=self._descriptor, follow_symlinks=False).st_mtime
        return max(0.0, now - made)

    def forget(self, name: str) -> None:
        """Let whoever listens there be found no more."""
        for one in (name, name + LOCK):
            with suppress(FileNotFoundError):
                os.unlink(one, dir_fd=self._descriptor)

    def listeners(self, kind: socket.SocketKind, seconds: float) -> list[int]:
        """Process ids of those who listen in the folder."""
        found = []
        for name in self._names():
            if not name.endswith(LOCK):
                with suppress(OSError), self.connect(name, kind, seconds) as connection:
                    found.append(peer(connection)[0])
        return found

    def _address(self, name: str) -> str:
        # By the folder's descriptor where that can be: a path may be longer than the address of a socket.
        linux = sys.platform == "linux"
        return f"/proc/self/fd/{self._descriptor}/{name}" if linux else str(self._place / name)

    @contextmanager
    def _locked(self, name: str) -> Iterator[int | None]:
        """A lock, held as long as any process has its descriptor open; None where somebody else holds it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        lock = os.open(name + LOCK, flags, 0o600, dir_fd=self._descriptor)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            there = os.stat(name + LOCK, dir_fd=self._descriptor, follow_symlinks=False)
            yield lock if os.path.samestat(there, os.fstat(lock)) else None
        except (BlockingIOError, FileNotFoundError):
            yield None
        finally:
            os.close(lock)

    def _sweep(self, name: str) -> None:
        """Remove what listeners left behind that were killed, or of an earlier version."""
        for other in self._names():
            if other.endswith(LOCK) and other != name + LOCK:
                with self._locked(other.removesuffix(LOCK)) as lock:
                    if lock is not None:
                        self.forget(other.removesuffix(LOCK))

    def _names(self) -> list[str]:
        with os.scandir(self._descriptor) as found:
            return sorted(one.name for one in found)


@contextmanager
def opened(place: Path) -> Iterator[Folder]:
    """The folder, made where there is none. Raises PermissionError for one that is not the user's alone, OSError."""
    with suppress(FileExistsError):
        place.mkdir(mode=0o700, parents=True)
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        there = os.fstat(descriptor)
        if there.st_uid != os.geteuid() or stat.S_IMODE(there.st_mode) & 0o077:
            raise PermissionError(f"{place} is not its user's alone")
        yield Folder(place, descriptor)
    finally:
        os.close(descriptor)


def identity(path: Path) -> tuple[int, int] | None:
    """Which file lies at a path; None where there is none."""
    try:
        there = path.lstat()
    except OSError:
        return None
    return there.st_dev, there.st_ino
