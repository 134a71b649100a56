"""The file of a journal: how it is opened, and how its transactions are written, one group after the other."""

import fcntl
import os
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from operator import methodcaller
from pathlib import Path
from typing import TypeVar

import structlog
from sqlite_utils import Database

from wainwright.domain.errors import JournalBroken, JournalError, RunBusy, WainwrightError
from wainwright.journal import schema
from wainwright.journal.heads import Heads, this_boot
from wainwright.journal.owners import alive
from wainwright.journal.spare import Spare
from wainwright.journal.told import BUSY, FULL, LOCKED, READ_ONLY, WAYS_OUT, code, told
from wainwright.journal.transaction import Known, Transaction
from wainwright.journal.turns import Outcome, Turn, Turns, tell
from wainwright.waiting import Promise

log = structlog.get_logger()

T = TypeVar("T")

UNWRITABLE = READ_ONLY | {sqlite3.SQLITE_IOERR, FULL}
"""What SQLite says where nothing can be written: what is there may be read all the same."""

LOCKED_S = 60.0
"""How long a write waits for another program that holds the lock, in seconds."""
OUTCOME_S = 30.0
"""How long the outcome of an act is tried to be written when the disk refuses, in seconds."""
AGAIN_S = 0.2


class Together(Exception):
    """One write of a group failed after it had begun to write: each is done by itself."""


class JournalFile:
    """One SQLite file with what lies beside it. Safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.refuses: JournalError | None = None
        """Why nothing can be written; None: it can."""
        self._lock = threading.RLock()
        self._reading = threading.RLock()
        self._open: Transaction | None = None
        self._known = Known()
        self._turns = Turns(self._do)
        self._copied: tempfile.TemporaryDirectory[str] | None = None
        try:
            self._set_up(path)
        except sqlite3.Error as error:
            if code(error) not in UNWRITABLE or not path.is_file():
                raise told(error, path) from error
            self._set_up_copy(told(error, path))
        except OSError as error:
            if not path.is_file():
                raise told(error, path) from error
            self._set_up_copy(told(error, path))

    # ---- opening and closing

    def _set_up(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self.db = sqlite3.connect(
            path, timeout=10, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            with alone(path.with_name(path.name + ".lock")):
                self._tables(path)
            reader = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        except BaseException:
            self.db.close()
            raise
        reader.text_factory = text_of
        self._written, self._read = Database(self.db), Database(reader)
        self._read.execute("PRAGMA query_only=ON")
        self._files = str(path), f"{path}-wal"
        self._there = self._inodes()

    def _tables(self, path: Path) -> None:
        for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self.db.execute(f"PRAGMA {pragma}")
        found = self.db.execute("PRAGMA user_version").fetchone()[0]
        if found > schema.VERSION:
            raise JournalError(
                f"The journal {path} was written by a newer version.", "Update wainwright to open it."
            )
        self.heads = Heads(path.with_suffix(".heads"))
        try:
            if found in schema.MIGRATIONS:
                self._idle(path)
                backup = path.with_name(f"{path.name}.v{found}")
                copy(self.db, backup)
                schema.migrate(self.db, found, self.heads.write)
                log.warning("journal.migrated", found=found, now=schema.VERSION, backup=str(backup))
            elif found == 0:
                schema.create(self.db)
            else:
                for older in path.parent.glob(f"{path.name}.v[0-9]*"):
                    log.info("journal.backup_removed", backup=str(older))
                    older.unlink()
        except BaseException:
            self.heads.close()
            raise
        self.spare = Spare(path.with_name(path.name + ".spare"))

    def _idle(self, path: Path) -> None:
        """An older version that is at work would go on writing as it is used to. Raises RunBusy."""
        for run, owner, until in self.db.execute("SELECT run, owner, lease_until FROM runs"):
            if alive(owner, until, time.time()) and until > time.time():
                raise RunBusy(
                    f"Run {run} is at work in process {owner.split(':')[0]}, which is of an older version.",
                    f"Wait for it, or end it; then the journal {path} is brought to this version.",
                )

    def _set_up_copy(self, refuses: JournalError) -> None:
        """Where nothing may be written, SQLite cannot even read without traces: a copy is read instead."""
        original = self.path
        self._copied = tempfile.TemporaryDirectory(prefix="wainwright-journal-")
        try:
            place = Path(self._copied.name) / original.name
            _copy_without_traces(original, place)
            self._set_up(place)
        except (OSError, sqlite3.Error) as error:
            self._copied.cleanup()
            raise told(error, original) from error
        self.refuses = refuses

    def close(self) -> None:
        """Finish what is queued and close the files. Leases are not given back by this."""
        self._turns.close()
        with self._lock, self._reading:
            self._read.close()
            self.db.close()
            self.heads.close()
        if self._copied is not None:
            self._copied.cleanup()

    # ---- reading and writing

    @contextmanager
    def read(self) -> Iterator[Database]:
        """Read what is committed; within a transaction of this thread, what it has written too."""
        if self._in_transaction():
            assert self._open is not None
            self._open.flush()
            yield self._written
            return
        with self._reading:
            try:
                yield self._read
            except sqlite3.Error as error:
                raise told(error, self.path) from error

    def write(self, act: Callable[[Transaction], T], *, outcome: bool = False) -> T:
        """Do one transaction, wholly or not at all; inside another one of this thread it is part of that.

        ``outcome``: what has happened is written. It may use the room that is kept for this, and is tried for longer.
        """
        if self._in_transaction():
            assert self._open is not None
            return act(self._open)
        with self._lock:
            began = time.monotonic()
            while True:
                try:
                    return self._once(act)
                except sqlite3.Error as error:
                    waited = time.monotonic() - began
                    if not self._again(error, outcome=outcome, waited=waited):
                        raise told(error, self.path) from error

    def _again(self, error: sqlite3.Error, *, outcome: bool, waited: float) -> bool:
        """Whether a transaction that failed is tried again, now or after a moment."""
        kind = code(error)
        if kind in (BUSY, LOCKED):
            return waited < LOCKED_S
        if not outcome or kind not in (FULL, sqlite3.SQLITE_IOERR):
            return False
        if self.spare.give_up():
            return True
        if waited >= OUTCOME_S:
            return False
        time.sleep(AGAIN_S)
        return True

    def _once(self, act: Callable[[Transaction], T]) -> T:
        if self.refuses is not None:
            raise self.refuses
        self._still_there()
        self.db.execute("BEGIN IMMEDIATE")
        try:
            self._known.see(self.db)
            self._open = Transaction(self.db, self._known)
            result = act(self._open)
            heads = self._open.finish()
            self._go_on_from(self._open.read())
            with self.heads.told(heads):
                self.db.execute("COMMIT")
        except BaseException:
            self._known.forget()
            if self.db.in_transaction:  # a full disk has rolled back by itself
                with suppress(sqlite3.Error):
                    self.db.execute("ROLLBACK")
            raise
        finally:
            self._open = None
        return result

    def _go_on_from(self, read: list[tuple[str, int, str]]) -> None:
        """Nothing is added to a run whose last rows are missing or forged: nobody would notice any more."""
        for run, rows, head in read:
            known = self.heads.of(run)
            if known is None or known.fits(rows, head):
                continue
            if rows > known.rows and known.boot == this_boot() != "":
                raise JournalBroken(f"Somebody else added rows to run {run}.", WAYS_OUT)
            row = self.db.execute(
                "SELECT hash FROM journal WHERE run = ? AND seq = ?", (run, known.last)
            ).fetchone()
            if known.rows > rows or row != (known.head,):
                raise JournalBroken(f"The last rows of run {run} were taken away, or are others.", WAYS_OUT)

    def _in_transaction(self) -> bool:
        # Only the thread that holds the lock can see it set to its own.
        return self._open is not None and self._open.thread == threading.get_ident()

    def _still_there(self) -> None:
        """Whoever puts another file in its place, or takes its log away, would have us write where nobody reads."""
        there = self._inodes()
        if self._there[1] == 0:
            self._there = (self._there[0], there[1])  # the log is made when it is first needed
        if there != self._there:
            raise JournalBroken(
                f"The journal {self.path} was replaced or taken away while it was in use.",
                "End all wainwright processes of this workspace, then see `wainwright audit verify`.",
            )

    def _inodes(self) -> tuple[int, int]:
        database, log_of_it = self._files
        return _inode(database), _inode(log_of_it)

    def room(self) -> None:
        """See to it that an outcome will find room on the disk. Raises JournalError: nothing is to be begun."""
        try:
            self.spare.keep()
        except OSError as error:
            raise told(error, self.path) from error

    # ---- one after the other

    def queue(self, work: Callable[[], T]) -> Promise[T]:
        """Do a write in the journal's own thread, after those that were queued before it."""
        return self._turns.add(work)

    def _do(self, group: list[Turn]) -> None:
        """Write what has come together meanwhile as one transaction."""
        if len(group) > 1 and self.refuses is None:
            try:
                outcomes = self._grouped(group)
            except BaseException:  # noqa: BLE001 - each hears of its own
                log.debug("journal.each_by_itself", writes=len(group))
            else:
                tell(group, outcomes)
                return
        for one in group:
            tell([one], [one.outcome()])

    def _grouped(self, group: list[Turn]) -> list[Outcome]:
        def all_of_them(transaction: Transaction) -> list[Outcome]:
            outcomes: list[Outcome] = []
            for one in group:
                before = transaction.changes
                value, error = one.outcome()
                if error is not None and (
                    transaction.changes != before or not isinstance(error, WainwrightError)
                ):
                    raise Together from error
                outcomes.append((value, error))
            return outcomes

        with self._lock:
            return self._once(all_of_them)


def copy(source: sqlite3.Connection, target: Path) -> None:
    """A whole and consistent copy of an open database, there or not at all."""
    unfinished = target.with_name(target.name + ".part")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_RDWR, 0o600))
    made = sqlite3.connect(unfinished)
    try:
        source.backup(made)
    finally:
        made.close()
    unfinished.replace(target)


def _copy_without_traces(original: Path, place: Path) -> None:
    for suffix in ("", "-wal"):
        beside = original.with_name(original.name + suffix)
        if beside.is_file():
            shutil.copyfile(beside, place.with_name(place.name + suffix))
    heads = original.with_suffix(".heads")
    if heads.is_file():
        shutil.copyfile(heads, place.with_suffix(".heads"))


def _inode(name: str) -> int:
    try:
        return os.stat(name).st_ino  # noqa: PTH116 - many times a second
    except FileNotFoundError:
        return 0


text_of = methodcaller("decode", "utf-8", "surrogateescape")
"""Text of a file that may be damaged: what is no text is found by its hash, and stops no reading."""


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One process at a time: SQLite does not wait while another one switches a new file to its write-ahead log."""
    fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
