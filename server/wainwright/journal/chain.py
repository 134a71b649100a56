"""What the rows of a run say, and whether they are as they were written.

Each row's hash covers the row and the hash before it. What a run may spend, has spent and holds is said by rows too:
`Book` reads it off them, while they are written and when they are verified, in the one same way.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from json.encoder import encode_basestring as quoted
from typing import Any

from wainwright.journal.records import Row

ROW = "seq, kind, key, effect, fingerprint, usd, tokens, body, epoch, at"
"""The columns that a hash covers, in its order; the name of the run is covered too."""


ENDS = frozenset({"done", "failed", "lost"})
"""Kinds of rows that end a step."""


@dataclass
class Book:
    """A run as its rows have it: the table of runs keeps the same, so that nobody has to read them all."""

    run: str
    created: float = 0.0
    goal: str = ""
    parent: str = ""
    forked_at: int = 0
    anew: str = "[]"
    cap_usd: float | None = None
    cap_tokens: int | None = None
    spent_usd: float = 0.0
    spent_tokens: int = 0
    held_usd: float = 0.0
    held_tokens: int = 0
    epoch: int = 0
    rows: int = 0
    last: int = 0
    """The ``seq`` of the newest row."""
    head: str = ""
    """Its hash."""

    def take(self, row: Row, digest: str, reserved: tuple[float, int] = (0.0, 0)) -> None:
        """Go on by one row. ``reserved`` is what the intent held that this row ends."""
        match row.kind:
            case "book":
                for name, value in json.loads(row.body).items():
                    setattr(self, name, value)
                self.epoch = row.epoch
            case "intent":
                self.held_usd += row.usd
                self.held_tokens += row.tokens
            case "done" | "failed" | "lost":
                self.held_usd = max(0.0, self.held_usd - reserved[0])
                self.held_tokens = max(0, self.held_tokens - reserved[1])
                self.spent_usd += row.usd
                self.spent_tokens += row.tokens
            case _:
                pass
        self.rows += 1
        self.last, self.head = row.seq, digest


KEPT = tuple(one.name for one in fields(Book))
"""The columns of the table of runs that the rows say too."""


@dataclass
class Walk:
    """Goes through the rows of a run from the first, and keeps what they say."""

    book: Book
    under_way: dict[str, tuple[float, int]] = field(default_factory=dict)

    def step(self, raw: Sequence[Any]) -> str:
        """Take one row with its hash over if it is as it was written; else say what is wrong, and keep what was."""
        row, found = Row._make(raw[:-1]), raw[-1]
        try:
            as_written = digest(self.book.head, self.book.run, row) == found
        except (TypeError, UnicodeError):  # a flipped bit may make bytes of a text
            as_written = False
        if not as_written:
            return f"row {row.seq} was changed, or one before it was taken away"
        self._take(row, found)
        return ""

    def adopt(self, row: Row) -> str:
        """Take one row over whose hash is made now, and return that."""
        made = digest(self.book.head, self.book.run, row)
        self._take(row, made)
        return made

    def _take(self, row: Row, found: str) -> None:
        reserved = (0.0, 0)
        if row.kind == "intent":
            self.under_way[row.key] = (row.usd, row.tokens)
        elif row.kind in ENDS:
            reserved = self.under_way.pop(row.key, reserved)
        self.book.take(row, found, reserved)


def digest(before: str, run: str, row: Row) -> str:
    """The hash of a row that follows a row with the hash ``before``."""
    seq, kind, key, effect, fingerprint, usd, tokens, body, epoch, at = row
    # A list as compact JSON, without the work of a general encoder. The body comes last and as it is: what stands
    # before it says by itself where it ends.
    told = (
        f"[{quoted(run)},{seq!r},{quoted(kind)},{quoted(key)},{quoted(effect)},{quoted(fingerprint)},"
        f"{usd!r},{tokens!r},{epoch!r},{at!r}]"
    )
    return hashlib.sha256(f"{before}{told}{body}".encode()).hexdigest()


def walk(run: str, rows: Iterable[Sequence[Any]]) -> tuple[Walk, str]:
    """Go through rows whose last column is their hash, up to the first that is not as it was written; and what is."""
    there = Walk(Book(run))
    for raw in rows:
        if wrong := there.step(raw):
            return there, wrong
    return there, ""
