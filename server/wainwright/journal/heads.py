"""Where each run's chain ended, kept outside the database: rows that are cut off at its end are missed here.

A file of one slot a run, written in place after each transaction that added rows. The database may be ahead of it,
by what was written when a process was killed; it is never behind. What is lost with the power, before the disk had
it, makes it older and nothing else: it is brought to disk a moment after it was written, and when the journal closes.
"""

import fcntl
import hashlib
import os
import threading
import zlib
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Self

DIGITS = 12
"""Of the number of rows, so that two slots are compared as text."""
SLOT = 256
"""Bytes of a slot. A disk writes such a part of a sector as a whole."""
NAME_MAX = 80
"""Longer names of runs, and odd ones, are kept as their digest."""
SYNC_S = 0.05
"""So long after it was written a slot is brought to disk, together with what was written meanwhile, in seconds."""


class Head(NamedTuple):
    """The end of one run's chain."""

    name: str
    rows: int
    last: int
    head: str
    spent_usd: float
    spent_tokens: int

    @classmethod
    def read(cls, slot: bytes) -> Self | None:
        """Nothing for a slot that was damaged."""
        try:
            crc, _, text = slot.decode().rstrip().partition(" ")
            rows, name, last, head, usd, tokens = text.split(" ")
            if int(crc, 16) != zlib.crc32(text.encode()):
                return None
            return cls(name, int(rows), int(last), head, float(usd), int(tokens))
        except ValueError:
            return None

    def written(self) -> bytes:
        """The slot."""
        text = f"{self.rows:0{DIGITS}} {self.name} {self.last} {self.head} {self.spent_usd!r} {self.spent_tokens}"
        raw = text.encode()
        return (b"%08x " % zlib.crc32(raw) + raw).ljust(SLOT - 1) + b"\n"


@lru_cache(1024)
def name_of(run: str) -> str:
    """What a run is called in the file."""
    plain = run.isascii() and run.isprintable() and " " not in run and 0 < len(run) <= NAME_MAX
    return run if plain else "#" + hashlib.sha256(run.encode("utf-8", "replace")).hexdigest()


class Heads:
    """The file. Several processes may have it open."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self._slots: dict[str, int] = {}
        self._known: dict[str, tuple[bytes, Head | None]] = {}
        """What was read last of a run: the same bytes say the same."""
        self._read_to = 0
        self._unsynced = threading.Event()
        self._closed = threading.Event()
        self._syncing: threading.Thread | None = None
        self._look_again()

    def _look_again(self) -> None:
        size = os.fstat(self._fd).st_size
        while self._read_to + SLOT <= size:
            head = Head.read(os.pread(self._fd, SLOT, self._read_to))
            if head is not None:
                self._slots[head.name] = self._read_to
            self._read_to += SLOT

    def all(self) -> list[Head]:
        """Where all runs end, as the file has it now."""
        self._look_again()
        found = (Head.read(os.pread(self._fd, SLOT, at)) for at in self._slots.values())
        return [head for head in found if head is not None]

    def of(self, run: str) -> Head | None:
        """The end of a run as the file has it now."""
        name = name_of(run)
        if name not in self._slots:
            self._look_again()
        at = self._slots.get(name)
        if at is None:
            return None
        slot, head = self._known.get(name, (b"", None))
        found = os.pread(self._fd, SLOT, at)
        if found != slot:
            head = Head.read(found)
            self._known[name] = (found, head)
        return head

    def write(self, heads: Iterable[Head]) -> None:
        """Take over where runs end now; one that is further already stays."""
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            for head in heads:
                self._write(head)
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _write(self, head: Head) -> None:
        if head.name not in self._slots:
            self._look_again()  # another process may have given it one
        at = self._slots.get(head.name)
        slot = head.written()
        if at is None:
            at = self._slots[head.name] = self._read_to
            self._read_to += SLOT
        else:
            known = os.pread(self._fd, SLOT, at)
            if known[9 : 9 + DIGITS] > slot[9 : 9 + DIGITS] and Head.read(known) is not None:
                return
        os.pwrite(self._fd, slot, at)
        self._known[head.name] = (slot, head)
        if self._syncing is None:
            self._syncing = threading.Thread(target=self._sync_soon, name="journal heads", daemon=True)
            self._syncing.start()
        if not self._unsynced.is_set():
            self._unsynced.set()

    def _sync_soon(self) -> None:
        """In a thread of its own, so that no transaction waits for a second disk."""
        while self._unsynced.wait():
            # What wakes it last is set after it was closed: cleared first, that is never missed.
            self._unsynced.clear()
            if self._closed.wait(SYNC_S):
                return
            with suppress(OSError):
                os.fdatasync(self._fd)

    def close(self) -> None:
        """Bring the file to disk and let it go."""
        if self._closed.is_set():
            return
        self._closed.set()
        if self._syncing is not None:
            self._unsynced.set()
            self._syncing.join()
            with suppress(OSError):
                os.fdatasync(self._fd)
        os.close(self._fd)
