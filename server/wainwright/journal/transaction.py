"""One transaction of the journal: rows go in at the end of a run's chain, and the table of runs follows."""

import json
import sqlite3
import threading
import time
from operator import attrgetter
from typing import Any

from sqlite_utils import Database

from wainwright.domain.errors import Fenced, InputError
from wainwright.journal.chain import KEPT, Book, Link, digest
from wainwright.journal.heads import Head, name_of
from wainwright.journal.owners import me
from wainwright.journal.records import Lease

LEASE_S = 15.0
"""How long a lease holds without a beat, in seconds."""

_BOOK = f"SELECT {', '.join(KEPT)} FROM runs WHERE run = ?"  # noqa: S608 - our own column names
_SAVE = f"UPDATE runs SET {', '.join(f'{name} = ?' for name in KEPT[1:])} WHERE run = ?"  # noqa: S608
_saved = attrgetter(*KEPT[1:], KEPT[0])
_ADD = (
    "INSERT INTO journal (seq, kind, key, effect, fingerprint, usd, tokens, body, epoch, at, run, hash) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


Reading = sqlite3.Connection | Database
"""What can be asked: a transaction's own connection, or that of readers."""


class Transaction:
    """What is read and written as one. The books of the runs in it are kept in memory and saved once, at its end."""

    def __init__(self, db: Reading) -> None:
        self.db = db
        self.thread = threading.get_ident()
        self._books: dict[str, Book] = {}
        self._changed: dict[str, Book] = {}
        self._began: dict[str, tuple[int, str]] = {}
        """Rows and head of each run before this transaction."""
        self._last: int | None = None

    def book(self, run: str) -> Book:
        """A run as the table has it, and as this transaction has changed it. Raises InputError without one."""
        book = self._books.get(run)
        if book is None:
            row = self.db.execute(_BOOK, [run]).fetchone()
            if row is None:
                raise InputError(
                    f"There is no run {run} here.", "`wainwright runs` lists the runs of this workspace."
                )
            book = self._books[run] = Book(*row)
            self._began[run] = (book.rows, book.head)
        return book

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
        row = Link(0, kind, key, effect, fingerprint, float(usd), tokens, body, book.epoch, time.time())
        self.add_again(book, row, reserved)

    def add_again(self, book: Book, row: Link, reserved: tuple[float, int] = (0.0, 0)) -> None:
        """The same with a row that was written before, in another place: it gets the next number."""
        if self._last is None:
            self._last = self.db.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()[0]
        row = row._replace(seq=self._last + 1)
        head = digest(book.head, book.run, row)
        self.db.execute(_ADD, [*row, book.run, head])
        self._last = row.seq
        book.take(row, head, reserved)
        self._changed[book.run] = book

    def began(self) -> list[tuple[str, int, str]]:
        """(run, rows, head) of the runs that were changed, as they were before."""
        return [(run, *self._began[run]) for run in self._changed]

    def finish(self) -> list[Head]:
        """Save the books, and say where the chains end now."""
        for book in self._changed.values():
            self.db.execute(_SAVE, _saved(book))
        return [head_of(book) for book in self._changed.values()]


def head_of(book: Book) -> Head:
    """Where the chain of a run ends."""
    return Head(name_of(book.run), book.rows, book.last, book.head, book.spent_usd, book.spent_tokens)
