"""The journal: the append-only, hash-chained list of everything a run did. The only place that knows SQLite.

Two kinds of rows share one chain. *Events* are facts; a run's state is their fold. *Steps* are acts that cost money
or change something: an intent is on disk before the act and its outcome after it, so that a run that was killed goes
on without paying twice.

    tx 1  check the epoch; reserve what the act may cost; write `intent`
    act
    tx 2  check the epoch; write `done` (or `failed`); settle

A step is found again by its key, ``/stage/task/scope/name#n`` with n counted per scope and name, never by a global
counter: parallel tasks cannot get each other's results. The same key with other inputs is ``Diverged``.

One process owns a run: it holds a lease with an epoch, which is checked inside every write. Who takes a run over
closes the intents that have no outcome as `lost`: what they may have cost counts as spent. A decision may be posted
by any process; the owner takes it.
"""

import asyncio
import fcntl
import hashlib
import heapq
import json
import os
import sqlite3
import threading
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from pydantic import Field, JsonValue
from sqlite_utils import Database

from wainwright.domain.errors import (
    BudgetExceeded,
    Diverged,
    Fenced,
    InputError,
    JournalError,
    RunBusy,
    WainwrightError,
)
from wainwright.domain.events import EVENT, Event
from wainwright.domain.goal import Fact
from wainwright.domain.text import clean

LEASE_S = 15.0
"""How long a lease holds without a beat, in seconds."""
BEAT_S = 5.0
"""How often the owner renews its lease, in seconds."""

P = ParamSpec("P")
T = TypeVar("T")

PROC = Path("/proc")
"""Where the kernel tells when a process started; absent on some systems."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY, created REAL NOT NULL, goal TEXT NOT NULL,
    owner TEXT NOT NULL DEFAULT '', lease_until REAL NOT NULL DEFAULT 0, epoch INTEGER NOT NULL DEFAULT 0,
    cap_usd REAL, cap_tokens INTEGER,
    spent_usd REAL NOT NULL DEFAULT 0, spent_tokens INTEGER NOT NULL DEFAULT 0,
    held_usd REAL NOT NULL DEFAULT 0, held_tokens INTEGER NOT NULL DEFAULT 0,
    head TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL REFERENCES runs(run),
    kind TEXT NOT NULL CHECK (kind IN ('event', 'intent', 'done', 'failed', 'lost', 'void')),
    key TEXT NOT NULL, effect TEXT NOT NULL DEFAULT '', fingerprint TEXT NOT NULL DEFAULT '',
    usd REAL NOT NULL DEFAULT 0, tokens INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL, epoch INTEGER NOT NULL, at REAL NOT NULL, prev_hash TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS journal_key ON journal (run, key, seq);
CREATE TABLE IF NOT EXISTS signals (
    id TEXT PRIMARY KEY, run TEXT NOT NULL, body TEXT NOT NULL, at REAL NOT NULL, taken INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS blobs (sha TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
"""
VERSION = 1
"""Of the schema; a journal written by a newer one is refused."""


class Hold(Fact):
    """The most a step may cost; reserved before it."""

    usd: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    tokens: int = Field(default=0, ge=0)


NOTHING = Hold()


class Spend(Fact):
    """What a step did cost."""

    usd: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    tokens: int = Field(default=0, ge=0)


class RunRow(Fact):
    """What the journal knows of a run without reading its events."""

    run: str
    created: float
    goal: str
    owned: bool
    """A live process owns it now."""


class Account(Fact):
    """Money and tokens of a run; ``lost`` counts calls that were under way when a process died."""

    cap_usd: float | None
    cap_tokens: int | None
    spent_usd: float
    spent_tokens: int
    calls: int
    lost: int


class Signal(Fact):
    """Something another process asks the owner of a run to do."""

    id: str
    body: dict[str, JsonValue]


class Lease(Fact):
    """The right to write to a run, until somebody else claims it."""

    run: str
    epoch: int


class Journal:
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
            self._append_row(lease, "event", key="", body=_written(first))
        return lease

    def claim(self, run: str) -> Lease:
        """Own a run. Raises RunBusy while a live process owns it, InputError when there is no such run."""
        with self._write() as db:
            row = db.execute("SELECT owner, lease_until FROM runs WHERE run = ?", [run]).fetchone()
            if row is None:
                raise _no_run(run)
            owner, until = row
            if _alive(owner) and until > time.time():
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
            self._settle(lease.run, Hold(usd=usd, tokens=tokens), Spend(usd=usd, tokens=tokens))

    def _take(self, run: str) -> Lease:
        row = self._db.execute(
            "UPDATE runs SET owner = ?, lease_until = ?, epoch = epoch + 1 WHERE run = ? RETURNING epoch",
            [_me(), time.time() + LEASE_S, run],
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
            RunRow(run=run, created=created, goal=goal, owned=_alive(owner) and until > now)
            for run, created, goal, owner, until in rows
        ]

    # ---- events

    def append(self, lease: Lease, events: Sequence[Event], *, settles: str = "") -> None:
        """Write facts, all or none, and settle the signal that asked for them. Raises Fenced."""
        with self._write() as db:
            self._check(lease)
            for event in events:
                self._append_row(lease, "event", key="", body=_written(event))
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

    def steps(self, lease: Lease, scope: str) -> "Steps":
        """Keyed access for one scope, such as ``/BUILD/t1.1.0/implementer``."""
        return Steps(self, lease, scope)

    def begin(
        self, lease: Lease, key: str, inputs: JsonValue, effect: str, hold: Hold
    ) -> tuple[JsonValue] | None:
        """Transaction 1. The recorded outcome in a tuple, or None when the act is to be done now.

        Raises BudgetExceeded, Diverged, Fenced, and JournalError while the same step is under way.
        """
        canonical = _json(inputs, sort_keys=True).encode()
        fingerprint = hashlib.sha256(canonical).hexdigest()
        with self._write() as db:
            self._check(lease)
            last = db.execute(
                "SELECT kind, fingerprint, body FROM journal WHERE run = ? AND key = ? ORDER BY seq DESC LIMIT 1",
                [lease.run, key],
            ).fetchone()
            if last is not None and last[0] == "done":
                if last[1] != fingerprint:
                    raise Diverged(
                        f"Step {key} was recorded with other inputs than it is asked for now.",
                        "Start a new run; this one stays as it is.",
                    )
                return (json.loads(last[2]),)
            if last is not None and last[0] == "intent":
                # Who claims a run closes the intents before it: this one is of the present owner.
                raise JournalError(
                    f"Step {key} is under way already.", f"If it is not, `wainwright resume {lease.run}`."
                )
            self._reserve(lease.run, hold)
            blob = zlib.compress(canonical)
            db.execute("INSERT OR IGNORE INTO blobs (sha, bytes) VALUES (?, ?)", [fingerprint, blob])
            self._append_row(
                lease,
                "intent",
                key=key,
                effect=effect,
                fingerprint=fingerprint,
                usd=hold.usd,
                tokens=hold.tokens,
            )
        return None

    def end(
        self, lease: Lease, key: str, outcome: tuple[str, JsonValue], effect: str, hold: Hold, spend: Spend
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
                body=_json(value),
            )
            self._settle(lease.run, hold, spend)

    def void(self, lease: Lease, keys: Sequence[str]) -> None:
        """Outcomes of these keys are no longer returned: the act was useless and is to be tried anew."""
        with self._write():
            self._check(lease)
            for key in keys:
                self._append_row(lease, "void", key=key)

    def _reserve(self, run: str, hold: Hold) -> None:
        row = self._db.execute(
            "SELECT cap_usd, cap_tokens, spent_usd + held_usd, spent_tokens + held_tokens FROM runs WHERE run = ?",
            [run],
        ).fetchone()
        cap_usd, cap_tokens, usd, tokens = row
        if cap_usd is not None and hold.usd > 0 and usd + hold.usd > cap_usd:
            raise BudgetExceeded(
                f"The next call may cost ${hold.usd:.4f}; ${usd:.4f} of ${cap_usd:.2f} is spent or held.",
                f"Raise the cap: `wainwright resume {run} --budget-usd …`.",
            )
        if cap_tokens is not None and hold.tokens > 0 and tokens + hold.tokens > cap_tokens:
            raise BudgetExceeded(
                f"The next call may take {hold.tokens} tokens; {tokens} of {cap_tokens} are spent or held.",
                f"Raise the cap: `wainwright resume {run} --budget-tokens …`.",
            )
        self._db.execute(
            "UPDATE runs SET held_usd = held_usd + ?, held_tokens = held_tokens + ? WHERE run = ?",
            [hold.usd, hold.tokens, run],
        )

    def _settle(self, run: str, hold: Hold, spend: Spend) -> None:
        self._db.execute(
            "UPDATE runs SET held_usd = max(0, held_usd - ?), held_tokens = max(0, held_tokens - ?), "
            "spent_usd = spent_usd + ?, spent_tokens = spent_tokens + ? WHERE run = ?",
            [hold.usd, hold.tokens, spend.usd, spend.tokens, run],
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


class Steps:
    """Keyed access to the journal for one scope; two scopes never see each other's steps."""

    def __init__(self, journal: Journal, lease: Lease, scope: str) -> None:
        self.scope = clean(scope)
        self._journal = journal
        self._lease = lease
        self._counts: Counter[str] = Counter()
        self._failed: defaultdict[str, list[int]] = defaultdict(list)
        """Numbers to be used again, by name: their steps have no outcome yet. Each list is a heap."""
        self._keys: list[str] = []

    async def step(
        self,
        name: str,
        *,
        inputs: JsonValue,
        effect: str,
        act: Callable[[str], Awaitable[tuple[JsonValue, Spend]]],
        hold: Hold = NOTHING,
    ) -> JsonValue:
        """Do an act once. A recorded outcome is returned without acting.

        ``effect`` is ``read`` or ``idempotent`` (may be done again after a crash) or ``llm`` (is asked again; what
        the lost call may have cost counts as spent). If ``act`` raises, the step is recorded as failed and the
        next ask tries it anew. What that cost tells the exception's ``spend`` attribute; a WainwrightError without
        one cost nothing. Of anything else (a defect, a cancellation, a process that is told to end) the cost is
        unknown, and the whole reservation counts as spent. Whenever a
        cancellation comes, it takes effect with the outcome on disk. Steps of one scope may run side by side: they
        are numbered in the order in which they were asked for. Raises BudgetExceeded, Diverged, Fenced,
        JournalError when the step is under way already, and what ``act`` raises.
        """
        number = self._number(name)
        key = f"{self.scope}/{name}#{number}"
        try:
            recorded = await self._begin(key, inputs, effect, hold)
            if recorded is not None:
                self._keys.append(key)
                return recorded[0]
            value, spend = await self._act(act, key, effect, hold)
        except BaseException:
            heapq.heappush(self._failed[name], number)
            raise
        self._keys.append(key)
        await to_its_end(self._end(key, ("done", value), effect, hold, spend))
        return value

    def _number(self, name: str) -> int:
        if self._failed[name]:
            return heapq.heappop(self._failed[name])
        self._counts[name] += 1
        return self._counts[name] - 1

    async def _begin(self, key: str, inputs: JsonValue, effect: str, hold: Hold) -> tuple[JsonValue] | None:
        begun = self._journal.queue(self._journal.begin, self._lease, key, inputs, effect, hold)
        try:
            return await to_its_end(begun)
        except asyncio.CancelledError:
            if begun.exception() is None and begun.result() is None:
                # The intent is on disk, and nobody will act on it.
                outcome = ("failed", "cancelled before it began")
                await to_its_end(self._end(key, outcome, effect, hold, Spend()))
            raise

    async def _act(
        self, act: Callable[[str], Awaitable[tuple[JsonValue, Spend]]], key: str, effect: str, hold: Hold
    ) -> tuple[JsonValue, Spend]:
        try:
            value, spend = await act(key)
        except BaseException as error:
            unknown = Spend(usd=hold.usd, tokens=hold.tokens)
            # Our own errors say what they cost. What nobody foresaw may come after the act was paid.
            spent = getattr(error, "spend", Spend() if isinstance(error, WainwrightError) else unknown)
            ended = self._end(key, ("failed", str(error)), effect, hold, spent)
            if isinstance(error, GeneratorExit):
                ended.result()  # a coroutine that is being closed may not await
            else:
                await to_its_end(ended)
            raise
        found: JsonValue = json.loads(_json(value))  # as a resumed run finds it
        return found, spend

    def _end(
        self, key: str, outcome: tuple[str, JsonValue], effect: str, hold: Hold, spend: Spend
    ) -> Future[None]:
        return self._journal.queue(self._journal.end, self._lease, key, outcome, effect, hold, spend)

    def below(self, name: str) -> "Steps":
        """A scope inside this one."""
        return Steps(self._journal, self._lease, f"{self.scope}/{name}")

    async def void(self) -> None:
        """What this scope did was useless: ask everything anew the next time."""
        await to_its_end(self._journal.queue(self._journal.void, self._lease, self._keys))


async def to_its_end(work: Future[T] | asyncio.Future[T]) -> T:
    """Wait for what must not be cut short; whoever cancels the waiter is obeyed when it has ended."""
    waiting = asyncio.wrap_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not waiting.done():
        try:
            await asyncio.wait({waiting})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled from waiting.exception()
    return waiting.result()


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


def _json(value: JsonValue, *, sort_keys: bool = False) -> str:
    return clean(json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys))


def _written(event: Event) -> str:
    return _json(EVENT.dump_python(event, mode="json"))


def _chain(before: str, content: Sequence[Any]) -> str:
    return hashlib.sha256((before + json.dumps(list(content), ensure_ascii=False)).encode()).hexdigest()


def _me() -> str:
    return f"{os.getpid()}:{_started(os.getpid())}"


def _alive(owner: str) -> bool:
    """Whether the process that wrote this owner mark lives; a reused pid has another start time."""
    pid, _, started = owner.partition(":")
    return pid.isdigit() and _started(int(pid)) == started


def _started(pid: int) -> str:
    """When a process started, in the kernel's ticks; empty when there is none, ``unknown`` if that is not told."""
    if not PROC.is_dir():
        return "unknown" if _listed(pid) else ""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    # A killed process that nobody has reaped yet is dead for us.
    return "" if fields[0] == "Z" else fields[19]


def _listed(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
