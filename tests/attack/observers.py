"""Who looks whether an attack got through, whatever the product says of it."""

import base64
import hashlib
import json
import os
import secrets
import socket
import stat
import threading
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

_SMALL = 1 << 20
"""The most bytes of a file that are hashed; of a larger one its size and times are looked at."""


def _looks(path: Path) -> tuple[object, ...]:
    there = path.lstat()
    kind = stat.S_IFMT(there.st_mode)
    content: object = None
    if stat.S_ISLNK(there.st_mode):
        content = str(path.readlink())
    elif stat.S_ISREG(there.st_mode) and there.st_size <= _SMALL:
        with suppress(PermissionError):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
    names: list[str] = []
    with suppress(OSError):
        names = sorted(os.listxattr(path, follow_symlinks=False))
    # A folder's time says that a name came or went, which the names themselves say too.
    changed = 0 if stat.S_ISDIR(there.st_mode) else there.st_mtime_ns
    return (
        kind,
        stat.S_IMODE(there.st_mode),
        there.st_uid,
        there.st_ino,
        there.st_size * (content is None),
        changed,
        content,
        *names,
    )


class Outside:
    """Folders that nothing may touch: paths, kinds, modes, inodes, times, content, attributes of all below them.

    ``but`` are folders in them that belong to what is tried.
    """

    def __init__(self, *folders: Path, but: Iterable[Path] = ()) -> None:
        self._folders = folders
        self._but = {str(folder) for folder in but}
        self._before = self._look()

    def _look(self) -> dict[str, tuple[object, ...]]:
        found = {}
        for folder in self._folders:
            for above, folders, files in os.walk(folder):
                folders[:] = [name for name in folders if f"{above}/{name}" not in self._but]
                for path in (Path(above), *(Path(above, name) for name in (*folders, *files))):
                    with suppress(FileNotFoundError):
                        found[str(path)] = _looks(path)
        return found

    def alarms(self) -> list[str]:
        now = self._look()
        changed = sorted(one for one in now.keys() & self._before.keys() if now[one] != self._before[one])
        return [
            *(f"made outside: {one!r}" for one in sorted(now.keys() - self._before.keys())),
            *(f"gone from outside: {one!r}" for one in sorted(self._before.keys() - now.keys())),
            *(f"changed outside: {one!r}" for one in changed),
        ]


class Canaries:
    """Values that no text may carry, in any form in which somebody may have written them."""

    def __init__(self, *sources: str) -> None:
        self.values = {source: f"CANARY-{source}-{secrets.token_hex(8)}" for source in sources}

    def __getitem__(self, source: str) -> str:
        return self.values[source]

    def alarms(self, place: str, *texts: str | bytes) -> list[str]:
        """What is found in the texts of one place."""
        all_of_it = b"\n".join(
            text.encode(errors="surrogateescape") if isinstance(text, str) else text for text in texts
        )
        lower = all_of_it.lower()
        return [
            f"the value of {source} is in {place}, {form}"
            for source, value in self.values.items()
            for form, needle in _forms(value)
            if needle in all_of_it or (form == "hex" and needle in lower)
        ]

    def in_files(self, place: str, *folders: Path) -> list[str]:
        """What is found below folders, whatever kind of file it is."""
        return [
            alarm for path in _files(folders) for alarm in self.alarms(f"{place} {path}", path.read_bytes())
        ]


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield path


def _forms(value: str) -> Iterator[tuple[str, bytes]]:
    raw = value.encode()
    yield "as it is", raw
    yield "backwards", raw[::-1]
    yield "hex", raw.hex().encode()
    yield "as JSON", json.dumps(value)[1:-1].encode()
    yield "as a URL", urllib.parse.quote(value, safe="").encode()
    for shift in range(3):
        # Somewhere in a longer text: the characters that depend on its neighbours are left out.
        coded = base64.b64encode(b"\0" * shift + raw)
        yield "base64", coded[(0, 2, 3)[shift] : len(coded) // 4 * 4 - 4]


class Sink:
    """Whatever listens on this machine for what should not be sent: TCP, UDP, UNIX and abstract sockets."""

    def __init__(self, folder: Path, *more: Path) -> None:
        self.name = f"sink-{secrets.token_hex(4)}"
        self.path = folder / "sink.sock"
        self._more = more
        self._came: list[str] = []
        self._open = ExitStack()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.port = 0

    def __enter__(self) -> "Sink":
        self.port = self._listen(socket.AF_INET, ("127.0.0.1", 0)).getsockname()[1]
        with suppress(OSError):  # no version 6 here
            self._listen(socket.AF_INET6, ("::1", self.port))
        for path in (self.path, *self._more):
            self._listen(socket.AF_UNIX, str(path))
        self._listen(socket.AF_UNIX, f"\0{self.name}")
        packets = self._open.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        packets.bind(("127.0.0.1", self.port))
        self._wait_on(packets, self._take, packets)
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._sockets:
            # Closing alone wakes nobody up who waits on it, and what is waited on stays open.
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._open.close()

    def _listen(self, family: int, address: object) -> socket.socket:
        listening = self._open.enter_context(socket.socket(family, socket.SOCK_STREAM))
        listening.bind(address)  # type: ignore[arg-type]
        listening.listen()
        self._wait_on(listening, self._accept, listening, repr(address))
        return listening

    def _wait_on(self, one: socket.socket, wait: Callable[..., None], *about: object) -> None:
        self._sockets.append(one)
        self._threads.append(threading.Thread(target=wait, args=about, daemon=True))
        self._threads[-1].start()

    def _accept(self, listening: socket.socket, address: str) -> None:
        with suppress(OSError):
            while True:
                came, _ = listening.accept()
                self._came.append(f"somebody connected to {address}")
                came.close()

    def _take(self, packets: socket.socket) -> None:
        with suppress(OSError):
            while came := packets.recv(200):
                self._came.append(f"a packet came: {came!r}")

    def alarms(self) -> list[str]:
        return list(self._came)
