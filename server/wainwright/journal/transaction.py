"""One transaction of the journal: rows go in at the end of a run's chain, and the table of runs follows."""

import json
import sqlite3
import threading
import time
import zlib
from collections.abc import Sequence
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any

from sqlite_utils import Database

from wainwright.domain.errors import Fenced, InputError, JournalError
from wainwright.journal.chain import ENDS, KEPT, ROW, Book, digest
from wainwright.journal.heads import Head, name_of
from wainwright.journal.owners import me
from wainwright.journal.records import Lease, Row

LEASE_S = 15.0
"""How long a lease holds without a beat, in seconds."""

_BOOK = f"SELECT {', '.join(KEPT)}, (SELECT max(seq) FROM journal) FROM runs WHERE run = ?"  # noqa: S608 - our columns
_SAVE = f"UPDATE runs SET {', '.join(f'{name} = ?' for name in KEPT[1:])} WHERE run = ?"  # noqa: S608
_saved = attrgetter(*KEPT[1:], KEPT[0])
_ADD = f"INSERT INTO journal ({ROW}, run, hash) VALUES "  # noqa: S608
_PUT = "INSERT OR IGNORE INTO blobs (sha, bytes, packed) VALUES "
_OF_KEY = f"SELECT {ROW} FROM journal WHERE run = ? AND key = ? "  # noqa: S608
_NEWEST = f"{_OF_KEY} ORDER BY seq DESC LIMIT 1"
_UNDER_WAY = f"{_OF_KEY} AND kind IN ('intent', 'done', 'failed', 'lost') ORDER BY seq DESC LIMIT 1"
TOGETHER = 64
"""Rows that one statement adds at most. A power of two: few statements are prepared for any number of rows."""
PACKED_FROM = 2048
"""Bytes from which content is compressed."""


Reading = sqlite3.Connection | Database
"""What can be asked: a transaction's own connection, or that of readers."""


class Known:
    """The books of runs as they are on disk, as long as no other connection has written to it."""

    def __init__(self) -> None:
        self.books: dict[str, Book] = {}
        self.intents: dict[tuple[str, str], Row] = {}
        """Of steps that are under way, by run and key; not of all."""
        self.last: int | None = None
        """The number of the newest row of all."""
        self._version = 0

    def see(self, db: sqlite3.Connection) -> None:
        """Forget what another connection may have changed; asked within a transaction, this is told for certain."""
        version = db.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self.forget()
            self._version = version

    def forget(self) -> None:
        """Know nothing any more."""
        self.books, self.intents, self.last = {}, {}, None


class Transaction:
    """What is read and written as one. The books of the runs in it are kept in memory and saved once, at its end."""

    def __init__(self, db: Reading, known: Known | None = None) -> None:
        """``known`` is what was known before it. Of a transaction that failed it is to be forgotten."""
        self.thread = threading.get_ident()
        self._db = db
        self._known = known or Known()
        self._changed: dict[str, Book] = {}
        self._read: dict[str, tuple[int, str]] = {}
        """Rows and head of each run that was not known before, as the table has them."""
        self._before: dict[str, tuple[int, str]] = {}
        """Rows and head of each run that was added to, as they were before."""
        self._added = 0
        self._rows: list[tuple[Any, ...]] = []
        """What is added and not yet in the table: it goes there in one statement, as do the contents."""
        self._blobs: list[tuple[str, bytes, bool]] = []
        self._newest: dict[tuple[str, str], Row] = {}
        """The newest row of each key that was added here."""

    @property
    def db(self) -> Reading:
        """The connection, with all in the tables that was added until now."""
        self.flush()
        return self._db

    def flush(self) -> None:
        """Bring into the tables what was added."""
        if self._rows:
            rows, self._rows = self._rows, []
            _insert(self._db, _ADD, rows)
        if self._blobs:
            blobs, self._blobs = self._blobs, []
            _insert(self._db, _PUT, blobs)

    @property
    def changes(self) -> tuple[int, int]:
        """It stays the same as long as nothing is written."""
        assert isinstance(self._db, sqlite3.Connection)
        return self._added, self._db.total_changes

    def book(self, run: str) -> Book:
        """A run as the table has it, and as this transaction has changed it. Raises InputError without one."""
        book = self._known.books.get(run)
        if book is None:
            row = self._db.execute(_BOOK, (run,)).fetchone()
            if row is None:
                raise InputError(
                    f"There is no run {run} here.", "`wainwright runs` lists the runs of this workspace."
                )
            *kept, last = row
            book = self._known.books[run] = Book(*kept)
            if self._known.last is None:
                self._known.last = last or 0
            self._read[run] = (book.rows, book.head)
        return book

    def newest(self, run: str, key: str) -> Row | None:
        """The newest row of a key."""
        found = self._newest.get((run, key))
        if found is None:
            row = self._db.execute(_NEWEST, (run, key)).fetchone()
            found = None if row is None else Row(*row)
        return found

    def intent(self, run: str, key: str) -> Row:
        """The intent of a step that is under way. Raises JournalError where it is not, or not any more."""
        found = self._known.intents.get((run, key))
        if found is None:
            row = self.db.execute(_UNDER_WAY, (run, key)).fetchone()
            if row is None or row[1] != "intent":
                raise JournalError(
                    f"Step {key} is not under way.", f"Look at what it came to: `wainwright replay {run}`."
                )
            found = Row(*row)
        return found

    def put_blob(self, sha: str, content: bytes) -> None:
        """Keep bytes under their digest."""
        packed = len(content) >= PACKED_FROM
        self._added += 1
        self._blobs.append((sha, zlib.compress(content, 1) if packed else content, packed))

    def owned(self, lease: Lease) -> Book:
        """The book of a run that the lease is still good for. Raises Fenced."""
        book = self.book(lease.run)
        if book.epoch != lease.epoch:
            raise Fenced(
                f"Another process took run {lease.run} over.", "Look at it there; this one has stopped."
            )
        return book

    def begin(self, run: str) -> Book:
        """A run that was not there."""
        self.db.execute("INSERT INTO runs (run) VALUES (?)", [run])
        self._known.books[run] = book = Book(run)
        self._read[run] = (0, "")
        return book

    def go_on_with(self, book: Book) -> None:
        """Take a book over as it was read off the rows."""
        self._known.books[book.run] = book

    def write_down(self, book: Book, epoch: int, **values: Any) -> None:
        """Say in the chain what the book says of a run from now on, and who writes to it from now on."""
        book.epoch = epoch
        self.add(book, "book", body=json.dumps(values, ensure_ascii=False))

    def take(self, book: Book) -> Lease:
        """Own a run from now on, with the epoch of its book."""
        self.db.execute(
            "UPDATE runs SET owner = ?, lease_until = ? WHERE run = ?",
            [me(), time.time() + LEASE_S, book.run],
        )
        return Lease(run=book.run, epoch=book.epoch)

    def add(
        self,
        book: Book,
        kind: str,
        *,
        key: str = "",
        effect: str = "",
        fingerprint: str = "",
        usd: float = 0.0,
        tokens: int = 0,
        body: str = "null",
        reserved: tuple[float, int] = (0.0, 0),
    ) -> None:
        """One row at the end of a run's chain. ``reserved`` is what the intent held that it ends."""
        seq, now = self._next(), time.time()
        row = Row(seq, kind, key, effect, fingerprint, float(usd), tokens, body, book.epoch, now)
        self._add(book, row, reserved)

    def add_again(self, book: Book, row: Row, reserved: tuple[float, int] = (0.0, 0)) -> None:
        """The same with a row that was written before, in another place: it gets the next number."""
        self._add(book, row._replace(seq=self._next()), reserved)

    def _next(self) -> int:
        known = self._known
        if known.last is None:
            known.last = int(self._db.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()[0])
        known.last += 1
        return known.last

    def _add(self, book: Book, row: Row, reserved: tuple[float, int]) -> None:
        run = book.run
        self._before.setdefault(run, (book.rows, book.head))
        head = digest(book.head, run, row)
        self._added += 1
        self._rows.append((*row, run, head))
        self._newest[run, row.key] = row
        if row.kind == "intent":
            self._known.intents[run, row.key] = row
        elif row.kind in ENDS:
            self._known.intents.pop((run, row.key), None)
        book.take(row, head, reserved)
        self._changed[run] = book

    def read(self) -> list[tuple[str, int, str]]:
        """(run, rows, head) of the runs that were changed and read before that, as they were then."""
        return [(run, *self._read[run]) for run in self._changed if run in self._read] if self._read else []

    def finish(self) -> list[Head]:
        """Save the books, and say where the chains end now."""
        self.flush()
        for book in self._changed.values():
            self._db.execute(_SAVE, _saved(book))
        return [head_of(book, *self._before[book.run]) for book in self._changed.values()]


def _insert(db: Reading, into: str, rows: Sequence[Sequence[Any]]) -> None:
    """Add rows with few statements: what a statement costs beside its rows is most of it."""
    if len(rows) == 1:
        db.execute(_statement(into, len(rows[0]), 1), rows[0])
        return
    at = 0
    while at < len(rows):
        number = 1 << min(TOGETHER, len(rows) - at).bit_length() - 1
        db.execute(_statement(into, len(rows[at]), number), list(chain(*rows[at : at + number])))
        at += number


@cache
def _statement(into: str, columns: int, rows: int) -> str:
    return into + ", ".join([f"({', '.join('?' * columns)})"] * rows)


def head_of(book: Book, rows_before: int = -1, before: str = "") -> Head:
    """Where the chain of a run ends, and where it ended before."""
    spent = book.spent_usd, book.spent_tokens
    return Head.now(name_of(book.run), book.rows, book.last, book.head, spent, rows_before, before)
