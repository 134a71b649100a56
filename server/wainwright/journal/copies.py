"""Copies of runs: of what was verified, beside the journal; of a run's beginning, as another run; of all, as text."""

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from wainwright.journal.acts import is_whole
from wainwright.journal.chain import ENDS, ROW, Book, digest, walk
from wainwright.journal.records import Row
from wainwright.journal.transaction import Reading, Transaction

SUFFIX = ".verified"
"""Of the file beside the journal that holds what was verified last."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER NOT NULL, run TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, effect TEXT NOT NULL,
    fingerprint TEXT NOT NULL, usd REAL NOT NULL, tokens INTEGER NOT NULL, body TEXT NOT NULL, epoch INTEGER NOT NULL,
    at REAL NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (run, seq)
) STRICT;
CREATE TABLE IF NOT EXISTS blobs (
    sha TEXT PRIMARY KEY, bytes BLOB NOT NULL, packed INTEGER NOT NULL DEFAULT 1
) STRICT;
"""
_ROWS = f"SELECT {ROW}, hash FROM journal WHERE run = ? AND seq > ? ORDER BY seq"  # noqa: S608 - our own columns


def open_copy(path: Path) -> sqlite3.Connection:
    """The file of verified copies."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    copies = sqlite3.connect(path, isolation_level=None)
    try:
        copies.executescript(_SCHEMA)
    except BaseException:
        copies.close()
        raise
    return copies


def keep(source: Reading, run: str, copies: sqlite3.Connection, *, rows_max: int | None = None) -> int:
    """Take over the rows of a run that go on, as they were written, from those that were kept before; how many.

    ``rows_max``: so many the run has in all, where that is known; what lies behind them somebody else has added.
    """
    newest = copies.execute(
        "SELECT seq, hash FROM journal WHERE run = ? ORDER BY seq DESC LIMIT 1", (run,)
    ).fetchone()
    last, head = newest or (0, "")
    (there,) = copies.execute("SELECT count(*) FROM journal WHERE run = ?", (run,)).fetchone()
    added: list[tuple[Any, ...]] = []
    for *raw, found in source.execute(_ROWS, (run, last)).fetchall():
        if there + len(added) == rows_max or not _is(head, run, raw, found):
            break
        head = found
        added.append((*raw, run, found))
    blobs = source.execute("SELECT sha FROM blobs").fetchall()
    known = {sha for (sha,) in copies.execute("SELECT sha FROM blobs")}
    copies.execute("BEGIN IMMEDIATE")
    try:
        copies.executemany(
            f"INSERT INTO journal ({ROW}, run, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            added,
        )
        for (sha,) in blobs:
            if sha not in known and is_whole(source, sha):
                row = source.execute("SELECT sha, bytes, packed FROM blobs WHERE sha = ?", (sha,)).fetchone()
                copies.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?, ?)", row)
        copies.execute("COMMIT")
    except BaseException:
        if copies.in_transaction:
            copies.execute("ROLLBACK")
        raise
    return len(added)


def _is(head: str, run: str, raw: Sequence[Any], found: str) -> bool:
    try:
        return digest(head, run, Row(*raw)) == found
    except (TypeError, UnicodeError):
        return False


def replant(tx: Transaction, run: str, rows: Sequence[Sequence[Any]], spent: tuple[float, int]) -> Book:
    """A run that is not there, of verified rows. ``spent``: what is known to be spent, also where no row says it."""
    book = tx.begin(run)
    under_way: dict[str, tuple[float, int]] = {}
    for *raw, _ in rows:
        row = Row(*raw)
        if row.kind == "intent":
            under_way[row.key] = (row.usd, row.tokens)
        ended = row.kind in ENDS
        book.epoch = row.epoch
        tx.add_again(book, row, under_way.pop(row.key, (0.0, 0)) if ended else (0.0, 0))
    usd, tokens = max(spent[0], book.spent_usd), max(spent[1], book.spent_tokens)
    tx.write_down(book, book.epoch, spent_usd=usd, spent_tokens=tokens)
    return book


def links(db: Reading, run: str) -> list[Any]:
    """The rows of a run with their hashes, in order."""
    return db.execute(_ROWS, (run, 0)).fetchall()


def lines(db: Reading, run: str) -> Iterator[str]:
    """The rows of a run as JSON, one a line, each with whether it is as it was written."""
    rows = links(db, run)
    good = walk(run, rows)[0].book.rows
    for number, (*raw, found) in enumerate(rows):
        row = Row(*raw)._asdict()
        row |= {"run": run, "hash": found, "verified": number < good}
        yield json.dumps(row, ensure_ascii=True, default=repr)
