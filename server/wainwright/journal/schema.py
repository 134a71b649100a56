"""The tables of the journal."""

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
