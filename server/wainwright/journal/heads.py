"""Where each run's chain ended, kept outside the database: rows that are cut off at its end are missed here.

A file of one slot a run, written in place before each transaction that adds rows is final, and again when it is.
First it says where the chain ends then and where it ended before, so that a process may be killed in between.
Afterwards there is one end, and any other was made by somebody else, by adding rows or by taking them away. What is
lost with the power, before the disk had it, makes the file older: it is brought to disk a moment after it was
written, and when the journal closes. So rows that it does not know of are believed once the machine has started anew
since.
"""

import errno
import fcntl
import hashlib
import os
import stat
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple, Self

import structlog

from wainwright.domain.errors import JournalBroken
from wainwright.journal.told import WAYS_OUT

log = structlog.get_logger()

DIGITS = 12
"""Of the number of rows."""
SLOT = 256
"""Bytes of a slot. A disk writes such a part of a sector as a whole."""
NAME_MAX = 64
"""Longer names of runs, and odd ones, are kept as their digest."""
SYNC_S = 0.05
"""So long after it was written a slot is brought to disk, together with what was written meanwhile, in seconds."""


BEFORE_MAX = 12
"""Digits that are kept of the hash where a chain ended before."""


class Head(NamedTuple):
    """The end of one run's chain."""

    name: str
    rows: int
    last: int
    head: str
    spent_usd: float
    spent_tokens: int
    rows_before: int = -1
    """So many there were before the transaction that made it so; -1 where an older version has written it."""
    before: str = ""
    """The beginning of the hash where the chain ended then."""
    boot: str = ""
    """Which start of the machine it was written in; empty where that cannot be told."""

    def fits(self, rows: int, newest: str) -> bool:
        """Whether a chain may end so: as it was told, or as before, when the process was killed between the two."""
        return (rows, newest) == (self.rows, self.head) or (
            rows == self.rows_before and newest[:BEFORE_MAX] == self.before
        )

    @classmethod
    def now(
        cls,
        name: str,
        rows: int,
        last: int,
        head: str,
        spent: tuple[float, int],
        rows_before: int,
        before: str,
    ) -> Self:
        """The end of a chain that ends so since this start of the machine; ``before`` is the whole hash."""
        return cls(name, rows, last, head, *spent, rows_before, before[:BEFORE_MAX], this_boot())

    @property
    def final(self) -> Self:
        """What is said when its transaction is final: it did not end as before."""
        name, rows, last, head, usd, tokens, _, _, boot = self
        return type(self)(name, rows, last, head, usd, tokens, rows, head[:BEFORE_MAX], boot)

    @property
    def only_begun(self) -> bool:
        """There may be no such run: its process may have been killed before its first rows were final."""
        return self.rows_before == 0

    @classmethod
    def read(cls, slot: bytes) -> Self | None:
        """Nothing for a slot that was damaged."""
        try:
            crc, _, text = slot.decode().rstrip().partition(" ")
            rows, name, last, head, usd, tokens, *more = text.split(" ")
            if int(crc, 16) != zlib.crc32(text.encode()):
                return None
            there = cls(name, int(rows), int(last), head, float(usd), int(tokens))
            if not more:
                return there
            rows_before, before, boot = more
            return there._replace(rows_before=int(rows_before), before=before, boot=boot)
        except ValueError:
            return None

    def written(self) -> bytes:
        """The slot."""
        name, rows, last, head, usd, tokens, rows_before, before, boot = self
        text = f"{rows:0{DIGITS}} {name} {last} {head} {usd!r} {tokens} {rows_before} {before} {boot}"
        raw = text.encode()
        return (b"%08x " % zlib.crc32(raw) + raw).ljust(SLOT - 1) + b"\n"


@lru_cache(1024)
def name_of(run: str) -> str:
    """What a run is called in the file."""
    plain = run.isascii() and run.isprintable() and " " not in run and 0 < len(run) <= NAME_MAX
    return run if plain else "#" + hashlib.sha256(run.encode("utf-8", "replace")).hexdigest()


@cache
def this_boot() -> str:
    """Which start of the machine this is; empty where that cannot be told."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()[:8]
    except (OSError, ValueError):
        return ""


class Heads:
    """The file. Several processes may have it open."""

    def __init__(self, path: Path) -> None:
        how = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            self._fd = os.open(path, how, 0o600)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
                raise _no_file(path) from error
            raise
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            os.close(self._fd)
            raise _no_file(path)
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
        return self.of_name(name_of(run))

    def of_name(self, name: str) -> Head | None:
        """The same by what a run is called in the file."""
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

    @contextmanager
    def told(self, heads: Sequence[Head]) -> Iterator[None]:
        """Say where runs end as soon as what is done inside is done, and then that they do: there is one end again.

        By whoever holds the database, and gives it back inside. Nobody else says anything until all of it is said. A
        disk that does not take it stops nobody.
        """
        if not heads:
            yield
            return
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            self.write(heads)
            yield
            self.write([head.final for head in heads])
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def write(self, heads: Iterable[Head]) -> None:
        """Put down where runs end; see ``told``."""
        try:
            for head in heads:
                self._write(head)
        except OSError as error:
            log.warning("journal.heads_not_written", reason=str(error))

    def _write(self, head: Head) -> None:
        if head.name not in self._slots:
            self._look_again()  # another process may have given it one
        at = self._slots.get(head.name)
        slot = head.written()
        if at is None:
            at = self._slots[head.name] = self._read_to
            self._read_to += SLOT
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


def _no_file(path: Path) -> JournalBroken:
    return JournalBroken(
        f"Where {path} ought to be is something else: where runs ended is not known.", WAYS_OUT
    )
