"""The tables of the journal, and how those of older versions become them."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wainwright.journal.chain import ROW, Book, Walk
from wainwright.journal.heads import Head
from wainwright.journal.records import Row
from wainwright.journal.transaction import Transaction, head_of

RUNS = """
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY, created REAL NOT NULL DEFAULT 0, goal TEXT NOT NULL DEFAULT '',
    parent TEXT NOT NULL DEFAULT '', forked_at INTEGER NOT NULL DEFAULT 0, anew TEXT NOT NULL DEFAULT '[]',
    cap_usd REAL, cap_tokens INTEGER,
    spent_usd REAL NOT NULL DEFAULT 0, spent_tokens INTEGER NOT NULL DEFAULT 0,
    held_usd REAL NOT NULL DEFAULT 0, held_tokens INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER NOT NULL DEFAULT 0, rows INTEGER NOT NULL DEFAULT 0, last INTEGER NOT NULL DEFAULT 0,
    head TEXT NOT NULL DEFAULT '',
    owner TEXT NOT NULL DEFAULT '', lease_until REAL NOT NULL DEFAULT 0
) STRICT;
"""
JOURNAL = """
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY, run TEXT NOT NULL REFERENCES runs(run),
    kind TEXT NOT NULL CHECK (
        kind IN ('book', 'event', 'intent', 'done', 'failed', 'lost', 'void', 'signal', 'taken')
    ),
    key TEXT NOT NULL, effect TEXT NOT NULL, fingerprint TEXT NOT NULL, usd REAL NOT NULL, tokens INTEGER NOT NULL,
    body TEXT NOT NULL, epoch INTEGER NOT NULL, at REAL NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS journal_key ON journal (run, key, seq);
CREATE INDEX IF NOT EXISTS journal_signal ON journal (run, seq) WHERE kind = 'signal';
"""
BLOBS = """
CREATE TABLE IF NOT EXISTS blobs (
    sha TEXT PRIMARY KEY, bytes BLOB NOT NULL, packed INTEGER NOT NULL DEFAULT 1
) STRICT;
"""
VERSION = 2
"""Of the schema; a journal written by a newer one is refused."""


def create(db: sqlite3.Connection) -> None:
    """The tables of this version, where they are not there yet."""
    db.executescript(RUNS + JOURNAL + BLOBS)
    db.execute(f"PRAGMA user_version={VERSION}")


def _money_into_the_chain(db: sqlite3.Connection) -> list[Head]:
    """Version 1 had caps, money and signals beside the chain, and did not cover the number of a row.

    The chain of each run is verified as it was made then, and made anew. Where it was broken the rows behind keep
    their hashes, which do not fit: it is told of when the run is claimed.
    """
    for table in ("runs", "journal", "blobs"):
        db.execute(f"ALTER TABLE {table} RENAME TO {table}_v1")
    db.execute("DROP INDEX journal_key")
    for statement in (RUNS + JOURNAL + BLOBS).split(";"):
        db.execute(statement)
    db.execute("INSERT INTO blobs (sha, bytes) SELECT sha, bytes FROM blobs_v1")
    same = (
        "run, created, goal, cap_usd, cap_tokens, spent_usd, spent_tokens, held_usd, held_tokens, epoch, head, "
        "owner, lease_until"
    )
    db.execute(f"INSERT INTO runs ({same}) SELECT {same} FROM runs_v1 ORDER BY rowid")  # noqa: S608
    names = [name for (name,) in db.execute("SELECT run FROM runs ORDER BY rowid").fetchall()]
    transaction, heads = Transaction(db), list[Head]()
    chained = {name: _chain_anew(db, name) for name in names}
    for name, (book, whole) in chained.items():
        if whole:
            _take_over(transaction, name, book)
        else:
            heads.append(head_of(book))
    heads += transaction.finish()
    for table in ("journal", "runs", "blobs"):
        db.execute(f"DROP TABLE {table}_v1")
    db.execute("DROP TABLE signals")
    return heads


def _chain_anew(db: sqlite3.Connection, run: str) -> tuple[Book, bool]:
    """What the rows of a run say, and whether that is what version 1 wrote and its table of runs says too."""
    rows = db.execute(
        f"SELECT {ROW}, prev_hash, hash FROM journal_v1 WHERE run = ? ORDER BY seq",  # noqa: S608
        [run],
    ).fetchall()
    good = _as_written(rows)
    there = Walk(Book(run))
    hashes = [there.adopt(Row(*row[:-2])) for row in rows[:good]] + [row[-1] for row in rows[good:]]
    db.executemany(
        f"INSERT INTO journal ({ROW}, run, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        [(*row[:-2], run, new) for row, new in zip(rows, hashes, strict=True)],
    )
    money = ("spent_usd", "spent_tokens", "held_usd", "held_tokens")
    head, *kept = db.execute(f"SELECT head, {', '.join(money)} FROM runs WHERE run = ?", [run]).fetchone()  # noqa: S608
    told = [getattr(there.book, name) for name in money]
    same = all(abs(one - other) < 1e-6 for one, other in zip(kept, told, strict=True))
    ends = head == (rows[-1][-1] if rows else "")
    book = there.book
    if not (same and ends and good == len(rows)):
        book.rows, book.last = len(rows), rows[-1][0] if rows else 0
        book.head = hashes[-1] if ends and hashes else head
        db.execute(
            "UPDATE runs SET rows = ?, last = ?, head = ? WHERE run = ?",
            [book.rows, book.last, book.head, run],
        )
    return book, same and ends and good == len(rows)


def _take_over(transaction: Transaction, run: str, book: Book) -> None:
    """What stood beside the chain goes into it."""
    values = transaction.db.execute(
        "SELECT epoch, created, goal, cap_usd, cap_tokens FROM runs WHERE run = ?", [run]
    ).fetchone()
    epoch, *others = values
    transaction.go_on_with(book)
    told = dict(zip(("created", "goal", "cap_usd", "cap_tokens"), others, strict=True))
    transaction.write_down(book, epoch, **told)
    signals = transaction.db.execute(
        "SELECT id, body, taken FROM signals WHERE run = ? ORDER BY at, rowid", [run]
    ).fetchall()
    for key, body, taken in signals:
        transaction.add(book, "signal", key=key, body=body)
        if taken:
            transaction.add(book, "taken", key=key)


def _as_written(rows: Sequence[Sequence[Any]]) -> int:
    """How many rows from the first on have the hashes that version 1 gave them."""
    before = ""
    for number, (_, *content, prev, found) in enumerate(rows):
        # Version 1 did not cover the number of a row, and had no other separators.
        text = before + json.dumps(content, ensure_ascii=False)
        if prev != before or hashlib.sha256(text.encode()).hexdigest() != found:
            return number
        before = found
    return len(rows)


MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], list[Head]]] = {1: _money_into_the_chain}
"""By version, what makes the next one of it, and where the chains end then. All of the way is one transaction."""


def migrate(db: sqlite3.Connection, found: int, tell: Callable[[list[Head]], None]) -> None:
    """Bring the tables of an older version to this one, wholly or not at all.

    ``tell`` hears where the chains end before it is final: a database is never behind what was told.
    """
    db.execute("PRAGMA foreign_keys=OFF")
    db.execute("BEGIN IMMEDIATE")
    try:
        heads = [head for version in range(found, VERSION) for head in MIGRATIONS[version](db)]
        db.execute(f"PRAGMA user_version={VERSION}")
        tell(heads)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    finally:
        db.execute("PRAGMA foreign_keys=ON")
