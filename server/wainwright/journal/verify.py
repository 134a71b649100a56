"""Whether a run is what was written of it: its rows, the table of runs, the index, and where its chain ended."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from wainwright.domain.errors import JournalBroken
from wainwright.journal.chain import KEPT, ROW, Book, walk
from wainwright.journal.heads import Head, Heads, name_of, this_boot
from wainwright.journal.transaction import Reading

BEGINNING = 2
"""Rows of a run that was only begun: its process may have been killed before the file of heads knew of it."""
LOOKS = 5
"""At a run that another process goes on with; whoever holds the database needs one."""


@dataclass(frozen=True)
class Verdict:
    """What can be believed of a run."""

    run: str
    wrong: str
    """What is not as it was written; empty when all is."""
    good: Book
    """What the rows say up to there."""
    rows: int
    """So many there are, or were once."""

    @property
    def sentence(self) -> str:
        """What is wrong, and what of the run is lost by it."""
        return (
            f"The journal of run {self.run} is not what was written: {self.wrong}. "
            f"{self.good.rows} of its {self.rows} rows can be believed."
        )

    @property
    def ways_out(self) -> str:
        """What a person can do about it."""
        onward = (
            f"`wainwright replay {self.run} --fork {self.good.last}` goes on from there in a run of its own; "
        )
        return (
            f"{onward if self.good.last else ''}`wainwright audit restore` puts what was verified last in the place "
            "of the journal and keeps the original; `wainwright audit export` writes out what is there."
        )

    def raise_if_wrong(self) -> None:
        """Raises JournalBroken with the ways out."""
        if self.wrong:
            raise JournalBroken(self.sentence, f"Nothing was done on its word. {self.ways_out}")


def verify(db: Reading, run: str, heads: Heads) -> Verdict:
    """Look at every row of a run; its head is where another process may not have been yet.

    No more than a row at a time is in memory, and what is no text is read as such only where there is any.
    """
    try:
        with _all_is_text(db):
            return _verify(db, run, heads)
    except sqlite3.OperationalError:
        return _verify(db, run, heads)


@contextmanager
def _all_is_text(db: Reading) -> Iterator[None]:
    """Read text in half of the time; what is none raises OperationalError."""
    connection = db if isinstance(db, sqlite3.Connection) else db.conn
    before, connection.text_factory = connection.text_factory, str
    try:
        yield
    finally:
        connection.text_factory = before


def _verify(db: Reading, run: str, heads: Heads) -> Verdict:
    head, table, rows = _as_of_one_moment(db, run, heads)
    there, wrong = walk(run, rows)
    good, known = there.book, head.rows if head else 0
    if wrong:
        rows.close()
        known = max(
            known, *db.execute("SELECT count(*) FROM journal NOT INDEXED WHERE run = ?", (run,)).fetchone()
        )
    else:
        known = max(known, good.rows)
        wrong = _ends_elsewhere(db, good, head)
    if not wrong and (table is None or Book(*table) != good):
        wrong = _table_differs(good, table)
    if not wrong and not _index_fits(db, good):
        wrong = "the index of its steps does not fit its rows"
    return Verdict(run, wrong, good, known)


def _as_of_one_moment(db: Reading, run: str, heads: Heads) -> tuple[Head | None, Any, sqlite3.Cursor]:
    """Where a run ended, its row in the table of runs, and its rows; another process may go on meanwhile."""
    looks = 0
    while True:
        head = heads.of(run)
        # As long as a question is not answered to its end, all see the database as it was when that was asked.
        rows = db.execute(
            f"SELECT {ROW}, hash FROM journal NOT INDEXED WHERE run = ? ORDER BY seq",  # noqa: S608
            (run,),
        )
        table = db.execute(f"SELECT {', '.join(KEPT)} FROM runs WHERE run = ?", (run,)).fetchone()  # noqa: S608
        looks += 1
        if looks == LOOKS or heads.of(run) == head:
            return head, table, rows
        rows.close()


def _ends_elsewhere(db: Reading, good: Book, head: Head | None) -> str:
    rows = good.rows
    if head is None:
        return "" if rows <= BEGINNING else "where its rows ended is not known any more"
    if head.fits(rows, good.head):
        return ""
    if head.rows > rows:
        return f"its last rows were taken away, {head.rows - rows} of them"
    then = db.execute(
        "SELECT hash FROM journal NOT INDEXED WHERE run = ? ORDER BY seq LIMIT 1 OFFSET ?",
        (good.run, head.rows - 1),
    ).fetchone()
    if then is None or then[0] != head.head:
        return "it is another run than the one that was written"
    if rows > head.rows and head.boot == this_boot() != "":
        # With the power something may have been lost of the file of heads, and else nothing.
        return f"somebody else added rows to it, {rows - head.rows} of them"
    return ""


def _index_fits(db: Reading, good: Book) -> bool:
    """Whether the index of steps leads to each row once, and by its own key; what is behind was added meanwhile."""
    led, once = db.execute(
        "SELECT count(*), count(DISTINCT i.seq) FROM journal AS i INDEXED BY journal_key "
        "WHERE i.run = ? AND i.seq <= ? "
        "AND i.key = (SELECT key FROM journal AS t NOT INDEXED WHERE t.seq = i.seq AND t.run = i.run)",
        (good.run, good.last),
    ).fetchone()
    (all_,) = db.execute(
        "SELECT count(*) FROM journal INDEXED BY journal_key WHERE run = ? AND seq <= ?",
        (good.run, good.last),
    ).fetchone()
    return bool(led == once == all_ == good.rows)


def _table_differs(good: Book, table: tuple[object, ...] | None) -> str:
    if table is None:
        return "it was taken out of the table of runs"
    differing = [name for name, value in zip(KEPT, table, strict=True) if getattr(good, name) != value]
    return f"the table of runs says otherwise than its rows of {', '.join(differing)}"


def ends(db: Reading, heads: Heads) -> Iterator[tuple[str, str]]:
    """(run, what is wrong) of each run whose newest rows are missing or are others; rows before are not looked at."""
    runs = db.execute("SELECT run, rows, last, head FROM runs").fetchall()
    names = {name_of(run): (run, rows, last, newest) for run, rows, last, newest in runs}
    anchored = {head.name: head for head in heads.all()}
    for name, head in anchored.items():
        if name not in names:
            if not head.only_begun:
                yield name, "it was taken out of the journal"
            continue
        run, rows, last, newest = names[name]
        if head.fits(rows, newest) and _is_there(db, run, last, newest):
            continue
        if rows < head.rows or not _is_there(db, run, head.last, head.head):
            yield run, "its last rows were taken away, or are others"
    for name, (run, rows, *_) in names.items():
        if name not in anchored and rows > BEGINNING:
            yield run, "where its rows ended is not known any more"


def _is_there(db: Reading, run: str, seq: int, digest: str) -> bool:
    found = db.execute("SELECT hash FROM journal WHERE seq = ? AND run = ?", (seq, run)).fetchone()
    return found is not None and found[0] == digest
