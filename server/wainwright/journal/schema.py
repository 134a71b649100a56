"""The tables of the journal, and how those of older versions become them."""

import sqlite3
from collections.abc import Callable, Mapping

SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY, created REAL NOT NULL, goal TEXT NOT NULL,
    owner TEXT NOT NULL DEFAULT '', lease_until REAL NOT NULL DEFAULT 0, epoch INTEGER NOT NULL DEFAULT 0,
    cap_usd REAL, cap_tokens INTEGER,
    spent_usd REAL NOT NULL DEFAULT 0, spent_tokens INTEGER NOT NULL DEFAULT 0,
    held_usd REAL NOT NULL DEFAULT 0, held_tokens INTEGER NOT NULL DEFAULT 0,
    head TEXT NOT NULL DEFAULT '',
    parent TEXT NOT NULL DEFAULT '', forked_at INTEGER NOT NULL DEFAULT 0, anew TEXT NOT NULL DEFAULT '[]'
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
VERSION = 2
"""Of the schema; a journal written by a newer one is refused."""


def _where_runs_come_from(db: sqlite3.Connection) -> None:
    db.execute("ALTER TABLE runs ADD COLUMN parent TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE runs ADD COLUMN forked_at INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE runs ADD COLUMN anew TEXT NOT NULL DEFAULT '[]'")


MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], None]] = {1: _where_runs_come_from}
"""By version, what makes the next one of it. Each runs inside the one transaction of the whole way."""


def migrate(db: sqlite3.Connection, found: int) -> None:
    """Bring the tables of an older version to this one, wholly or not at all."""
    db.execute("BEGIN IMMEDIATE")
    try:
        for version in range(found, VERSION):
            MIGRATIONS[version](db)
        db.execute(f"PRAGMA user_version={VERSION}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
