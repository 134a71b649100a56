"""The journal of one workspace, in one SQLite file."""

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import structlog
from pydantic import JsonValue

from wainwright.domain.errors import JournalBroken, RunBusy, WainwrightError
from wainwright.domain.events import EVENT, Event
from wainwright.domain.text import clean
from wainwright.journal import acts, copies
from wainwright.journal.file import JournalFile
from wainwright.journal.forks import Forks
from wainwright.journal.heads import name_of
from wainwright.journal.owners import alive, me, process_of
from wainwright.journal.records import Account, Lease, Reservation, RunRow, Signal, Spend
from wainwright.journal.texts import as_json, as_text
from wainwright.journal.told import WAYS_OUT
from wainwright.journal.transaction import LEASE_S, Transaction
from wainwright.journal.verify import Verdict, ends, verify
from wainwright.waiting import Promise

log = structlog.get_logger()

BEAT_S = 5.0
"""How often the owner renews its lease, in seconds."""

WORKSPACE = "(workspace)"
"""What the chain is called that has the acts of no run; no run is called so."""

P = ParamSpec("P")
T = TypeVar("T")

_UNPRICED = (
    "SELECT count(*) FROM journal WHERE run = ? AND effect = 'llm' AND kind = 'done' AND tokens > 0 AND usd = 0 "
    "AND json_valid(body) AND json_extract(body, '$.cost_usd') IS NULL"
)


class Journal(Forks):
    """All runs of one workspace, in one SQLite file. Safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self.file = JournalFile(path)
        self.copy_path = path.with_name(path.name + copies.SUFFIX)
        with self.file.read() as db:
            for run, wrong in ends(db, self.file.heads):
                log.error("journal.broken", run=run, reason=wrong, ways_out="wainwright audit verify")

    def queue(self, write: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Promise[T]:
        """Do a write in the journal's own thread, after those that were queued before it.

        What comes together while another one is written becomes one transaction, and each caller hears of its own.
        Nothing takes it back: neither the end of a task or of its event loop, nor `close`, which waits for it.
        """
        return self.file.queue(partial(write, *args, **kwargs))

    def close(self) -> None:
        """Finish what is queued and close the file. Leases are not given back by this."""
        self.file.close()

    # ---- runs and their ownership

    def create(
        self, first: Event, run: str, goal: str, *, cap_usd: float | None, cap_tokens: int | None
    ) -> Lease:
        """Begin a run with its first event; the caller owns it. ``cap_*`` of None mean no cap."""

        def act(tx: Transaction) -> Lease:
            self.file.room()
            book = tx.begin(run)
            told = {"created": time.time(), "goal": clean(goal), "cap_usd": cap_usd, "cap_tokens": cap_tokens}
            tx.write_down(book, 1, **told)
            tx.add(book, "event", body=as_text(first))
            return tx.take(book)

        return self.file.write(act)

    def claim(self, run: str, *, acting: bool = True) -> Lease:
        """Own a run. Raises RunBusy while a live process owns it, InputError when there is no such run.

        Every row of it is verified first: raises JournalBroken for one that is not what was written. ``acting``:
        something will be done for it, so there must be room on the disk for what comes of it.
        """

        def act(tx: Transaction) -> Lease:
            if acting:
                self.file.room()
            row = tx.db.execute("SELECT owner, lease_until FROM runs WHERE run = ?", [run]).fetchone()
            if row is None and not self._was_there(run):
                tx.book(run)
            owner, until = row or ("", 0)
            if alive(owner, until, time.time()) and until > time.time():
                pid = owner.split(":")[0]
                raise RunBusy(f"Run {run} is at work in process {pid}.", "Wait for it, or cancel it there.")
            verify(tx.db, run, self.file.heads).raise_if_wrong()
            book = tx.book(run)
            tx.write_down(book, book.epoch + 1)
            acts.close_dangling(tx, book)
            return tx.take(book)

        lease = self.file.write(act)
        self._keep(run, WORKSPACE)
        return lease

    def _keep(self, *runs: str) -> None:
        """Have a verified copy of runs. That it cannot be had stops nobody."""
        try:
            with closing(copies.open_copy(self.copy_path)) as kept, self.file.read() as db:
                for run in runs:
                    copies.keep(db, run, kept)
        except (OSError, sqlite3.Error, WainwrightError) as error:
            log.warning("journal.not_kept", run=runs[0], reason=str(error))

    def beat(self, lease: Lease) -> None:
        """Renew a lease. Raises Fenced when it was taken."""

        def act(tx: Transaction) -> None:
            tx.owned(lease)
            tx.db.execute("UPDATE runs SET lease_until = ? WHERE run = ?", [time.time() + LEASE_S, lease.run])

        self.file.write(act)

    def release(self, lease: Lease) -> None:
        """Give a lease back; nothing happens when it was taken meanwhile."""
        self.file.write(
            lambda tx: tx.db.execute(
                "UPDATE runs SET owner = '', lease_until = 0 WHERE run = ? AND epoch = ?",
                [lease.run, lease.epoch],
            )
        )
        self._keep(lease.run)

    def runs(self) -> list[RunRow]:
        """All runs, newest first."""
        with self.file.read() as db:
            rows = db.execute(
                "SELECT run, created, goal, owner, lease_until FROM runs WHERE run != ? "
                "ORDER BY created DESC, rowid DESC",
                [WORKSPACE],
            ).fetchall()
        now = time.time()
        return [
            RunRow(
                run=run,
                created=created,
                goal=goal,
                owned=alive(owner, until, now) and until > now,
                process=process_of(owner),
                abandoned=owner != "" and not alive(owner, until, now),
                stalled=owner != me() and alive(owner, until, now) and until <= now,
            )
            for run, created, goal, owner, until in rows
        ]

    def verify(self, run: str) -> Verdict:
        """What can be believed of a run. Raises InputError when there is no such run."""
        with self.file.read() as db:
            if not self._was_there(run):
                Transaction(db).book(run)
            return verify(db, run, self.file.heads)

    def _was_there(self, run: str) -> bool:
        """Whether the file of heads knows of a run."""
        head = self.file.heads.of(run)
        return head is not None and not head.only_begun

    def head(self, run: str) -> str:
        """The hash of the newest row of a run. Raises InputError when there is no such run."""
        with self.file.read() as db:
            return Transaction(db).book(run).head

    def names(self) -> list[str]:
        """All runs that are here, or were, oldest first."""
        with self.file.read() as db:
            runs = [run for (run,) in db.execute("SELECT run FROM runs ORDER BY created, rowid").fetchall()]
        there = {name_of(run) for run in runs}
        ended = self.file.heads.all()
        return runs + [head.name for head in ended if head.name not in there and not head.only_begun]

    def damaged_blobs(self) -> list[str]:
        """Digests of contents that are not what was kept under them."""
        with self.file.read() as db:
            found = [sha for (sha,) in db.execute("SELECT sha FROM blobs").fetchall()]
            return [sha for sha in found if not acts.is_whole(db, sha)]

    def lines(self, run: str) -> list[str]:
        """The rows of a run as JSON, one a line, each with whether it is as it was written."""
        with self.file.read() as db:
            return list(copies.lines(db, run))

    # ---- events

    def append(self, lease: Lease, events: Sequence[Event], *, settles: str = "") -> None:
        """Write facts, all or none, and settle the signal that asked for them. Raises Fenced."""

        def act(tx: Transaction) -> None:
            book = tx.owned(lease)
            for event in events:
                tx.add(book, "event", body=as_text(event))
            if settles:
                tx.add(book, "taken", key=settles)

        self.file.write(act, outcome=True)

    def events(self, run: str) -> list[Event]:
        """All facts of a run, in order.

        Where one cannot be read, those before the first row that is not what was written: a run can be looked at that
        nobody may go on with. Raises JournalBroken where there is none.
        """
        facts = self._facts(run)
        try:
            return [EVENT.validate_json(body) for body, _ in facts]
        except ValueError:
            return [EVENT.validate_json(body) for body, _ in self._believed_facts(run)]

    def times(self, run: str) -> list[tuple[float, str]]:
        """(seconds since the epoch, kind) of each fact, in order; as many as `events` gives."""
        facts = self._facts(run)
        try:
            return [(at, EVENT.validate_json(body).kind) for body, at in facts]
        except ValueError:
            return [(at, EVENT.validate_json(body).kind) for body, at in self._believed_facts(run)]

    def _facts(self, run: str) -> list[tuple[str, float]]:
        with self.file.read() as db:
            return db.execute(
                "SELECT body, at FROM journal WHERE run = ? AND kind = 'event' ORDER BY seq", [run]
            ).fetchall()

    def _believed_facts(self, run: str) -> list[tuple[str, float]]:
        verdict = self.verify(run)
        log.error("journal.broken", run=run, reason=verdict.wrong, ways_out="wainwright audit verify")
        facts = [(row.body, row.at) for row in self.rows(run) if row.kind == "event"]
        if not facts:
            verdict.raise_if_wrong()
        return facts

    def account(self, run: str) -> Account:
        """Money and tokens of a run."""
        with self.file.read() as db:
            book = Transaction(db).book(run)
            counts = dict(
                db.execute(
                    "SELECT kind, count(*) FROM journal WHERE run = ? AND effect = 'llm' GROUP BY kind", [run]
                ).fetchall()
            )
            (unpriced,) = db.execute(_UNPRICED, [run]).fetchone()
        return Account(
            cap_usd=book.cap_usd,
            cap_tokens=book.cap_tokens,
            spent_usd=book.spent_usd,
            spent_tokens=book.spent_tokens,
            calls=counts.get("done", 0),
            lost=counts.get("lost", 0),
            unpriced=unpriced,
        )

    def calls(self, run: str) -> list[dict[str, JsonValue]]:
        """Every model call that ended, in order: its key, what it answered, cost and tokens."""
        with self.file.read() as db:
            rows = db.execute(
                "SELECT key, body, usd, tokens FROM journal WHERE run = ? AND effect = 'llm' AND kind = 'done' "
                "ORDER BY seq",
                [run],
            ).fetchall()
        with _readable(run):
            return [
                {"key": key, "reply": json.loads(body), "usd": usd, "tokens": tokens}
                for key, body, usd, tokens in rows
            ]

    def raise_caps(self, run: str, *, cap_usd: float | None, cap_tokens: int | None) -> None:
        """Set new caps for a run, None leaves one as it is; what was spent stays spent."""
        told = {"cap_usd": cap_usd, "cap_tokens": cap_tokens}
        new = {name: value for name, value in told.items() if value is not None}

        def act(tx: Transaction) -> None:
            book = tx.book(run)
            if new:
                tx.write_down(book, book.epoch, **new)

        self.file.write(act)

    # ---- signals between processes

    def post(self, run: str, signal_id: str, body: dict[str, JsonValue]) -> None:
        """Leave a signal for the owner of a run; the same id counts once. Raises InputError when there is no run."""

        def act(tx: Transaction) -> None:
            book = tx.book(run)
            known = tx.db.execute(
                "SELECT 1 FROM journal WHERE run = ? AND key = ? AND kind = 'signal'", [run, signal_id]
            ).fetchone()
            if known is None:
                tx.add(book, "signal", key=signal_id, body=as_json(body))

        self.file.write(act)

    def signals(self, run: str) -> list[Signal]:
        """Signals that are not settled, oldest first."""
        with self.file.read() as db:
            rows = db.execute(
                "SELECT key, body FROM journal AS j WHERE run = ? AND kind = 'signal' AND NOT EXISTS "
                "(SELECT 1 FROM journal WHERE run = j.run AND key = j.key AND kind = 'taken') ORDER BY seq",
                [run],
            ).fetchall()
        with _readable(run):
            return [Signal(id=i, body=json.loads(body)) for i, body in rows]

    def settle_signal(self, run: str, signal_id: str, why_not: str = "") -> None:
        """A signal was obeyed, or cannot be, and why. Until then it is given out again, also after a crash."""
        body = as_json(why_not or None)
        self.file.write(lambda tx: tx.add(tx.book(run), "taken", key=signal_id, body=body))

    # ---- what belongs to no run

    def note(self, act: str, by: str, told: dict[str, JsonValue]) -> None:
        """Write down what a person had done to the workspace outside of a run, in a chain of its own."""

        def write(tx: Transaction) -> None:
            there = tx.db.execute("SELECT 1 FROM runs WHERE run = ?", [WORKSPACE]).fetchone()
            book = tx.book(WORKSPACE) if there else tx.begin(WORKSPACE)
            tx.add(book, "event", key=act, body=as_json({"by": by, **told}))

        self.file.write(write)

    # ---- blobs

    def put_blob(self, content: bytes) -> str:
        """Keep bytes under the digest of their content, which is returned."""
        sha = hashlib.sha256(content).hexdigest()
        self.file.write(lambda tx: tx.put_blob(sha, content))
        return sha

    def get_blob(self, sha: str) -> bytes:
        """The bytes of a digest. Raises JournalError when they are not here, or are not what was put there."""
        with self.file.read() as db:
            return acts.get_blob(db, sha)

    # ---- steps; used through Steps

    def begin(
        self,
        lease: Lease,
        key: str,
        inputs: JsonValue,
        effect: str,
        reservation: Reservation,
        about: JsonValue = None,
    ) -> tuple[JsonValue] | None:
        """Transaction 1. The recorded outcome in a tuple, or None when the act is to be done now.

        ``about`` is kept with the intent. Raises BudgetExceeded, Diverged, Fenced, and JournalError while the same
        step is under way, or when its intent cannot be written: then nothing is done.
        """

        def act(tx: Transaction) -> tuple[JsonValue] | None:
            self.file.room()
            return acts.begin(tx, lease, key, inputs, effect, reservation, about)

        return self.file.write(act)

    def end(self, lease: Lease, key: str, outcome: tuple[str, str], effect: str, spend: Spend) -> None:
        """Transaction 2: ``outcome`` is "done" or "failed", and the value as JSON."""
        self.file.write(lambda tx: acts.end(tx, lease, key, *outcome, effect, spend), outcome=True)

    def last(self, run: str, prefix: str) -> tuple[JsonValue, JsonValue] | None:
        """What was put into the newest step that is done and whose key begins so, and what came of it."""
        with self.file.read() as db, _readable(run):
            return acts.last(db, run, prefix)

    def void(self, lease: Lease, keys: Sequence[str]) -> None:
        """Outcomes of these keys are no longer returned: the act was useless and is to be tried anew."""
        self.file.write(lambda tx: acts.void(tx, lease, keys), outcome=True)


@contextmanager
def _readable(run: str) -> Iterator[None]:
    """What is shown of a run nobody has verified: it may be no JSON, or no fact."""
    try:
        yield
    except (ValueError, TypeError, KeyError) as error:  # pydantic's and json's are ValueErrors
        raise JournalBroken(f"A row of run {run} cannot be read any more.", WAYS_OUT) from error
