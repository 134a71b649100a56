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

from wainwright.domain.errors import Fenced, InputError
from wainwright.journal.chain import KEPT, ROW, Book, digest
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
_INTENT = f"{_OF_KEY} AND kind = 'intent' ORDER BY seq DESC LIMIT 1"
TOGETHER = 64
"""Rows that one statement adds at most. A power of two: few statements are prepared for any number of rows."""
PACKED_FROM = 2048
"""Bytes from which content is compressed."""


Reading = sqlite3.Connection | Database
"""What can be asked: a transaction's own connection, or that of readers."""


class Transaction:
    """What is read and written as one. The books of the runs in it are kept in memory and saved once, at its end."""

    def __init__(self, db: Reading) -> None:
        self.thread = threading.get_ident()
        self._db = db
        self._books: dict[str, Book] = {}
        self._changed: dict[str, Book] = {}
        self._began: dict[str, tuple[int, str]] = {}
        """Rows and head of each run before this transaction."""
        self._last: int | None = None
        self._added = 0
        self._rows: list[tuple[Any, ...]] = []
        """What is added and not yet in the table: it goes there in one statement, as do the contents."""
        self._blobs: list[tuple[str, bytes, bool]] = []
        self._newest: dict[tuple[str, str], Row] = {}
        """The newest row of each key that was added here."""

    @property
    def db(self) -> Reading:
        """The connection, with all in the tables that was added until now."""
        if self._rows or self._blobs:
            self.flush()
        return self._db

    def flush(self) -> None:
        """Bring into the tables what was added."""
        rows, self._rows = self._rows, []
        _insert(self._db, _ADD, rows)
        blobs, self._blobs = self._blobs, []
        _insert(self._db, _PUT, blobs)

    @property
    def changes(self) -> tuple[int, int]:
        """It stays the same as long as nothing is written."""
        assert isinstance(self._db, sqlite3.Connection)
        return self._added, self._db.total_changes

    def book(self, run: str) -> Book:
        """A run as the table has it, and as this transaction has changed it. Raises InputError without one."""
        book = self._books.get(run)
        if book is None:
            row = self._db.execute(_BOOK, (run,)).fetchone()
            if row is None:
                raise InputError(
                    f"There is no run {run} here.", "`wainwright runs` lists the runs of this workspace."
                )
            *kept, last = row
            book = self._books[run] = Book(*kept)
            if self._last is None:
                self._last = last or 0
            self._began[run] = (book.rows, book.head)
        return book

    def newest(self, run: str, key: str) -> Row | None:
        """The newest row of a key."""
        found = self._newest.get((run, key))
        if found is None:
            row = self._db.execute(_NEWEST, (run, key)).fetchone()
            found = None if row is None else Row(*row)
        return found

    def intent(self, run: str, key: str) -> Row:
        """The intent of a step that was begun."""
        found = self.newest(run, key)
        if found is None or found.kind != "intent":
            found = Row(*self.db.execute(_INTENT, (run, key)).fetchone())
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
        self._books[run] = book = Book(run)
        self._began[run] = (0, "")
        return book

    def go_on_with(self, book: Book) -> None:
        """Take a book over as it was read off the rows."""
        self._books[book.run] = book

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
        row = Row(0, kind, key, effect, fingerprint, float(usd), tokens, body, book.epoch, time.time())
        self.add_again(book, row, reserved)

    def add_again(self, book: Book, row: Row, reserved: tuple[float, int] = (0.0, 0)) -> None:
        """The same with a row that was written before, in another place: it gets the next number."""
        if self._last is None:
            self._last = self._db.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()[0]
        self._last += 1
        row = row._replace(seq=self._last)
        head = digest(book.head, book.run, row)
        self._added += 1
        self._rows.append((*row, book.run, head))
        self._newest[book.run, row.key] = row
        book.take(row, head, reserved)
        self._changed[book.run] = book

    def began(self) -> list[tuple[str, int, str]]:
        """(run, rows, head) of the runs that were changed, as they were before."""
        return [(run, *self._began[run]) for run in self._changed]

    def finish(self) -> list[Head]:
        """Save the books, and say where the chains end now."""
        self.flush()
        for book in self._changed.values():
            self._db.execute(_SAVE, _saved(book))
        return [head_of(book) for book in self._changed.values()]


def _insert(db: Reading, into: str, rows: Sequence[Sequence[Any]]) -> None:
    """Add rows with few statements: what a statement costs beside its rows is most of it."""
    at = 0
    while at < len(rows):
        number = TOGETHER
        while number > len(rows) - at:
            number //= 2
        db.execute(_statement(into, len(rows[at]), number), list(chain(*rows[at : at + number])))
        at += number


@cache
def _statement(into: str, columns: int, rows: int) -> str:
    return into + ", ".join([f"({', '.join('?' * columns)})"] * rows)


def head_of(book: Book) -> Head:
    """Where the chain of a run ends."""
    return Head(name_of(book.run), book.rows, book.last, book.head, book.spent_usd, book.spent_tokens)
