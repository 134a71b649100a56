"""The journal of one workspace, in one SQLite file."""

import fcntl
import hashlib
import json
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import structlog
from pydantic import JsonValue
from sqlite_utils import Database

from wainwright.domain.errors import BudgetExceeded, Diverged, Fenced, InputError, JournalError, RunBusy
from wainwright.domain.events import EVENT, Event
from wainwright.domain.text import clean
from wainwright.journal.forks import Forks
from wainwright.journal.owners import alive, me
from wainwright.journal.readings import as_json, as_text
from wainwright.journal.records import Account, Lease, Reservation, RunRow, Signal, Spend
from wainwright.journal.schema import MIGRATIONS, SCHEMA, VERSION, migrate

log = structlog.get_logger()

LEASE_S = 15.0
"""How long a lease holds without a beat, in seconds."""
BEAT_S = 5.0
"""How often the owner renews its lease, in seconds."""

P = ParamSpec("P")
T = TypeVar("T")


class Journal(Forks):
    """All runs of one workspace, in one SQLite file. Safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        os.close(fd)
        self._connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        self._db = Database(self._connection)
        self._lock = threading.RLock()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")
        with _alone(path.with_name(path.name + ".lock")):
            self._set_up(path)

    def _set_up(self, path: Path) -> None:
        for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._db.execute(f"PRAGMA {pragma}")
        found = self._db.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            self._connection.close()
            raise JournalError(
                f"The journal {path} was written by a newer version.", "Update wainwright to open it."
            )
        backup = path.with_name(f"{path.name}.v{found}")
        if found in MIGRATIONS:
            _copy(self._connection, backup)
            log.warning("journal.migrated", found=found, now=VERSION, backup=str(backup))
            migrate(self._connection, found)
        else:
            for older in path.parent.glob(f"{path.name}.v*"):
                log.info("journal.backup_removed", backup=str(older))
                older.unlink()
        self._connection.executescript(SCHEMA)
        self._db.execute(f"PRAGMA user_version={VERSION}")

    def queue(self, write: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do a write in the journal's own thread, after those that were queued before it.

        Nothing takes it back: neither the end of a task or of its event loop, nor `close`, which waits for it.
        """
        return self._writer.submit(write, *args, **kwargs)

    def close(self) -> None:
        """Finish what is queued and close the file. Leases are not given back by this."""
        self._writer.shutdown()
        with self._lock:
            self._connection.close()

    # ---- runs and their ownership

    def create(
        self, first: Event, run: str, goal: str, *, cap_usd: float | None, cap_tokens: int | None
    ) -> Lease:
        """Begin a run with its first event; the caller owns it. ``cap_*`` of None mean no cap."""
        with self._write() as db:
            db.execute(
                "INSERT INTO runs (run, created, goal, cap_usd, cap_tokens) VALUES (?, ?, ?, ?, ?)",
                [run, time.time(), clean(goal), cap_usd, cap_tokens],
            )
            lease = self._take(run)
            self._append_row(lease, "event", key="", body=as_text(first))
        return lease

    def claim(self, run: str) -> Lease:
        """Own a run. Raises RunBusy while a live process owns it, InputError when there is no such run."""
        with self._write() as db:
            row = db.execute("SELECT owner, lease_until FROM runs WHERE run = ?", [run]).fetchone()
            if row is None:
                raise _no_run(run)
            owner, until = row
            if alive(owner) and until > time.time():
                pid = owner.split(":")[0]
                raise RunBusy(f"Run {run} is at work in process {pid}.", "Wait for it, or cancel it there.")
            lease = self._take(run)
            self._close_dangling(lease)
        return lease

    def _close_dangling(self, lease: Lease) -> None:
        dangling = self._db.execute(
            "SELECT key, effect, usd, tokens FROM journal AS j WHERE run = ? AND kind = 'intent' AND NOT EXISTS "
            "(SELECT 1 FROM journal WHERE run = j.run AND key = j.key AND seq > j.seq) ORDER BY seq",
            [lease.run],
        ).fetchall()
        for key, effect, usd, tokens in dangling:
            self._append_row(lease, "lost", key=key, effect=effect, usd=usd, tokens=tokens)
            self._settle(lease.run, Reservation(usd=usd, tokens=tokens), Spend(usd=usd, tokens=tokens))

    def _take(self, run: str) -> Lease:
        row = self._db.execute(
            "UPDATE runs SET owner = ?, lease_until = ?, epoch = epoch + 1 WHERE run = ? RETURNING epoch",
            [me(), time.time() + LEASE_S, run],
        ).fetchone()
        return Lease(run=run, epoch=row[0])

    def beat(self, lease: Lease) -> None:
        """Renew a lease. Raises Fenced when it was taken."""
        with self._write() as db:
            self._check(lease)
            db.execute("UPDATE runs SET lease_until = ? WHERE run = ?", [time.time() + LEASE_S, lease.run])

    def release(self, lease: Lease) -> None:
        """Give a lease back; nothing happens when it was taken meanwhile."""
        with self._write() as db:
            db.execute(
                "UPDATE runs SET owner = '', lease_until = 0 WHERE run = ? AND epoch = ?",
                [lease.run, lease.epoch],
            )

    def runs(self) -> list[RunRow]:
        """All runs, newest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT run, created, goal, owner, lease_until FROM runs ORDER BY created DESC, rowid DESC"
            ).fetchall()
        now = time.time()
        return [
            RunRow(
                run=run,
                created=created,
                goal=goal,
                owned=alive(owner) and until > now,
                abandoned=owner != "" and not alive(owner),
            )
            for run, created, goal, owner, until in rows
        ]

    # ---- events

    def append(self, lease: Lease, events: Sequence[Event], *, settles: str = "") -> None:
        """Write facts, all or none, and settle the signal that asked for them. Raises Fenced."""
        with self._write() as db:
            self._check(lease)
            for event in events:
                self._append_row(lease, "event", key="", body=as_text(event))
            db.execute("UPDATE signals SET taken = 1 WHERE id = ?", [settles])

    def events(self, run: str) -> list[Event]:
        """All facts of a run, in order."""
        return [EVENT.validate_json(body) for body, _ in self._events(run)]

    def times(self, run: str) -> list[tuple[float, str]]:
        """(seconds since the epoch, kind) of each fact, in order."""
        return [(at, json.loads(body)["kind"]) for body, at in self._events(run)]

    def _events(self, run: str) -> list[tuple[str, float]]:
        with self._lock:
            return self._db.execute(
                "SELECT body, at FROM journal WHERE run = ? AND kind = 'event' ORDER BY seq", [run]
            ).fetchall()

    def account(self, run: str) -> Account:
        """Money and tokens of a run."""
        with self._lock:
            caps = self._db.execute(
                "SELECT cap_usd, cap_tokens, spent_usd, spent_tokens FROM runs WHERE run = ?", [run]
            ).fetchone()
            counts = dict(
                self._db.execute(
                    "SELECT kind, count(*) FROM journal WHERE run = ? AND effect = 'llm' GROUP BY kind", [run]
                ).fetchall()
            )
        return Account(
            cap_usd=caps[0],
            cap_tokens=caps[1],
            spent_usd=caps[2],
            spent_tokens=caps[3],
            calls=counts.get("done", 0),
            lost=counts.get("lost", 0),
        )

    def calls(self, run: str) -> list[dict[str, JsonValue]]:
        """Every model call that ended, in order: its key, what it answered, cost and tokens."""
        with self._lock:
            rows = self._db.execute(
                "SELECT key, body, usd, tokens FROM journal WHERE run = ? AND effect = 'llm' AND kind = 'done' "
                "ORDER BY seq",
                [run],
            ).fetchall()
        return [
            {"key": key, "reply": json.loads(body), "usd": usd, "tokens": tokens}
            for key, body, usd, tokens in rows
        ]

    def raise_caps(self, run: str, *, cap_usd: float | None, cap_tokens: int | None) -> None:
        """Set new caps for a run, None leaves one as it is; what was spent stays spent."""
        with self._write() as db:
            db.execute(
                "UPDATE runs SET cap_usd = coalesce(?, cap_usd), cap_tokens = coalesce(?, cap_tokens) WHERE run = ?",
                [cap_usd, cap_tokens, run],
            )

    def verify(self, run: str) -> int:
        """Check the hash chain of a run and return how many rows it has.

        Raises JournalError at the first break, InputError when there is no such run.
        """
        with self._lock:
            head = self._db.execute("SELECT head FROM runs WHERE run = ?", [run]).fetchone()
            rows = self._db.execute(
                "SELECT kind, key, effect, fingerprint, usd, tokens, body, epoch, at, prev_hash, hash, seq "
                "FROM journal WHERE run = ? ORDER BY seq",
                [run],
            ).fetchall()
        if head is None:
            raise _no_run(run)
        before = ""
        for row in rows:
            *content, prev_hash, found, seq = row
            if prev_hash != before or _chain(before, content) != found:
                raise JournalError(f"Row {seq} of run {run} was changed after it was written.")
            before = found
        if before != head[0]:
            raise JournalError(f"The last rows of run {run} were changed or taken away.")
        return len(rows)

    # ---- signals between processes

    def post(self, run: str, signal_id: str, body: dict[str, JsonValue]) -> None:
        """Leave a signal for the owner of a run; the same id counts once."""
        with self._write() as db:
            db.execute(
                "INSERT OR IGNORE INTO signals (id, run, body, at) VALUES (?, ?, ?, ?)",
                [signal_id, run, json.dumps(body), time.time()],
            )

    def signals(self, run: str) -> list[Signal]:
        """Signals that are not settled, oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT id, body FROM signals WHERE run = ? AND taken = 0 ORDER BY at, rowid", [run]
            ).fetchall()
        return [Signal(id=i, body=json.loads(body)) for i, body in rows]

    def settle_signal(self, signal_id: str) -> None:
        """A signal was obeyed, or cannot be. Until then it is given out again, also after a crash."""
        with self._write() as db:
            db.execute("UPDATE signals SET taken = 1 WHERE id = ?", [signal_id])

    # ---- blobs

    def put_blob(self, content: bytes) -> str:
        """Keep bytes under the digest of their content, which is returned."""
        sha = hashlib.sha256(content).hexdigest()
        with self._write() as db:
            db.execute(
                "INSERT OR IGNORE INTO blobs (sha, bytes) VALUES (?, ?)", [sha, zlib.compress(content)]
            )
        return sha

    def get_blob(self, sha: str) -> bytes:
        """The bytes of a digest. Raises JournalError when they are not here."""
        with self._lock:
            row = self._db.execute("SELECT bytes FROM blobs WHERE sha = ?", [sha]).fetchone()
        if row is None:
            raise JournalError(f"The journal has no content {sha}.")
        return zlib.decompress(row[0])

    # ---- steps; used through Steps

    def begin(
        self, lease: Lease, key: str, inputs: JsonValue, effect: str, reservation: Reservation
    ) -> tuple[JsonValue] | None:
        """Transaction 1. The recorded outcome in a tuple, or None when the act is to be done now.

        Raises BudgetExceeded, Diverged, Fenced, and JournalError while the same step is under way.
        """
        canonical = as_json(inputs, sort_keys=True).encode()
        fingerprint = hashlib.sha256(canonical).hexdigest()
        with self._write() as db:
            self._check(lease)
            last = db.execute(
                "SELECT kind, fingerprint, body FROM journal WHERE run = ? AND key = ? ORDER BY seq DESC LIMIT 1",
                [lease.run, key],
            ).fetchone()
            if last is not None and last[0] == "done":
                if last[1] != fingerprint:
                    raise Diverged(f"Step {key} was recorded with other inputs than it is asked for now.")
                return (json.loads(last[2]),)
            if last is not None and last[0] == "intent":
                # Who claims a run closes the intents before it: this one is of the present owner.
                raise JournalError(
                    f"Step {key} is under way already.", f"If it is not, `wainwright resume {lease.run}`."
                )
            self._reserve(lease.run, reservation)
            blob = zlib.compress(canonical)
            db.execute("INSERT OR IGNORE INTO blobs (sha, bytes) VALUES (?, ?)", [fingerprint, blob])
            self._append_row(
                lease,
                "intent",
                key=key,
                effect=effect,
                fingerprint=fingerprint,
                usd=reservation.usd,
                tokens=reservation.tokens,
            )
        return None

    def last(self, run: str, prefix: str) -> tuple[JsonValue, JsonValue] | None:
        """What was put into the newest step that is done and whose key begins so, and what came of it."""
        with self._lock:
            row = self._db.execute(
                "SELECT fingerprint, body FROM journal WHERE run = ? AND kind = 'done' AND substr(key, 1, ?) = ?"
                " ORDER BY seq DESC LIMIT 1",
                [run, len(prefix), prefix],
            ).fetchone()
        return None if row is None else (json.loads(self.get_blob(row[0])), json.loads(row[1]))

    def end(
        self,
        lease: Lease,
        key: str,
        outcome: tuple[str, JsonValue],
        effect: str,
        reservation: Reservation,
        spend: Spend,
    ) -> None:
        """Transaction 2: ``outcome`` is ("done" or "failed", value)."""
        kind, value = outcome
        with self._write() as db:
            self._check(lease)
            fingerprint = db.execute(
                "SELECT fingerprint FROM journal WHERE run = ? AND key = ? AND kind = 'intent' "
                "ORDER BY seq DESC LIMIT 1",
                [lease.run, key],
            ).fetchone()[0]
            self._append_row(
                lease,
                kind,
                key=key,
                effect=effect,
                fingerprint=fingerprint,
                usd=spend.usd,
                tokens=spend.tokens,
                body=as_json(value),
            )
            self._settle(lease.run, reservation, spend)

    def void(self, lease: Lease, keys: Sequence[str]) -> None:
        """Outcomes of these keys are no longer returned: the act was useless and is to be tried anew."""
        with self._write():
            self._check(lease)
            for key in keys:
                self._append_row(lease, "void", key=key)

    def _reserve(self, run: str, reservation: Reservation) -> None:
        row = self._db.execute(
            "SELECT cap_usd, cap_tokens, spent_usd + held_usd, spent_tokens + held_tokens FROM runs WHERE run = ?",
            [run],
        ).fetchone()
        cap_usd, cap_tokens, usd, tokens = row
        if cap_usd is not None and reservation.usd > 0 and usd + reservation.usd > cap_usd:
            raise BudgetExceeded(
                f"The next call may cost ${reservation.usd:.4f}; ${usd:.4f} of ${cap_usd:.2f} is spent or held.",
                f"Raise the cap: `wainwright resume {run} --budget-usd …`, in an editor `budgetUsd`.",
            )
        if cap_tokens is not None and reservation.tokens > 0 and tokens + reservation.tokens > cap_tokens:
            raise BudgetExceeded(
                f"The next call may take {reservation.tokens} tokens; {tokens} of {cap_tokens} are spent or held.",
                f"Raise the cap: `wainwright resume {run} --budget-tokens …`, in an editor `budgetTokens`.",
            )
        self._db.execute(
            "UPDATE runs SET held_usd = held_usd + ?, held_tokens = held_tokens + ? WHERE run = ?",
            [reservation.usd, reservation.tokens, run],
        )

    def _settle(self, run: str, reservation: Reservation, spend: Spend) -> None:
        self._db.execute(
            "UPDATE runs SET held_usd = max(0, held_usd - ?), held_tokens = max(0, held_tokens - ?), "
            "spent_usd = spent_usd + ?, spent_tokens = spent_tokens + ? WHERE run = ?",
            [reservation.usd, reservation.tokens, spend.usd, spend.tokens, run],
        )

    # ---- rows

    @contextmanager
    def _write(self) -> Iterator[Database]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk has rolled back by itself
                    self._db.execute("ROLLBACK")
                raise

    def _check(self, lease: Lease) -> None:
        row = self._db.execute("SELECT epoch FROM runs WHERE run = ?", [lease.run]).fetchone()
        if row is None or row[0] != lease.epoch:
            raise Fenced(
                f"Another process took run {lease.run} over.", "Look at it there; this one has stopped."
            )

    def _append_row(
        self,
        lease: Lease,
        kind: str,
        *,
        key: str,
        effect: str = "",
        fingerprint: str = "",
        usd: float = 0.0,
        tokens: int = 0,
        body: str = "null",
    ) -> None:
        before = self._db.execute("SELECT head FROM runs WHERE run = ?", [lease.run]).fetchone()[0]
        content = [kind, key, effect, fingerprint, float(usd), tokens, body, lease.epoch, time.time()]
        head = _chain(before, content)
        self._db.execute(
            "INSERT INTO journal "
            "(run, kind, key, effect, fingerprint, usd, tokens, body, epoch, at, prev_hash, hash) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [lease.run, *content, before, head],
        )
        self._db.execute("UPDATE runs SET head = ? WHERE run = ?", [head, lease.run])


def _no_run(run: str) -> InputError:
    return InputError(f"There is no run {run} here.", "`wainwright runs` lists the runs of this workspace.")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time: SQLite does not wait while another one switches a new file to its write-ahead log."""
    fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _copy(source: sqlite3.Connection, target: Path) -> None:
    """A whole and consistent copy of an open database, there or not at all."""
    unfinished = target.with_name(target.name + ".part")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_RDWR, 0o600))
    copy = sqlite3.connect(unfinished)
    try:
        source.backup(copy)
    finally:
        copy.close()
    unfinished.replace(target)


def _chain(before: str, content: Sequence[Any]) -> str:
    return hashlib.sha256((before + json.dumps(list(content), ensure_ascii=False)).encode()).hexdigest()
