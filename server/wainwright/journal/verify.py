"""Whether a run is what was written of it: its rows, the table of runs, the index, and where its chain ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wainwright.domain.errors import JournalBroken
from wainwright.journal.chain import KEPT, ROW, Book, Walk, walk
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
    """Look at every row of a run; its head is where another process may not have been yet."""
    head, table, rows = _as_of_one_moment(db, run, heads)
    there, wrong = walk(run, rows)
    known = max(len(rows), head.rows if head else 0)
    if not wrong:
        wrong = _ends_elsewhere(rows, there, head)
    if not wrong and (table is None or Book(*table) != there.book):
        wrong = _table_differs(there.book, table)
    if not wrong:
        indexed = db.execute(
            "SELECT key, seq FROM journal INDEXED BY journal_key WHERE run = ?", (run,)
        ).fetchall()
        if sorted((key, seq) for seq, _, key, *_ in rows) != sorted(indexed):
            wrong = "the index of its steps does not fit its rows"
    return Verdict(run, wrong, there.book, known)


def _as_of_one_moment(db: Reading, run: str, heads: Heads) -> tuple[Head | None, Any, list[Any]]:
    """Where a run ended, its row in the table of runs, and its rows; another process may go on meanwhile."""
    looks = 0
    while True:
        head = heads.of(run)
        table = db.execute(f"SELECT {', '.join(KEPT)} FROM runs WHERE run = ?", (run,)).fetchone()  # noqa: S608
        rows = db.execute(
            f"SELECT {ROW}, hash FROM journal NOT INDEXED WHERE run = ? ORDER BY seq",  # noqa: S608
            (run,),
        ).fetchall()
        looks += 1
        if looks == LOOKS or heads.of(run) == head:
            return head, table, rows


def _ends_elsewhere(rows: list[tuple[object, ...]], there: Walk, head: Head | None) -> str:
    if head is None:
        return "" if len(rows) <= BEGINNING else "where its rows ended is not known any more"
    if head.fits(len(rows), str(rows[-1][-1]) if rows else ""):
        return ""
    if head.rows > len(rows):
        return f"its last rows were taken away, {head.rows - len(rows)} of them"
    if rows[head.rows - 1][-1] != head.head:
        return "it is another run than the one that was written"
    if len(rows) > head.rows and head.boot == this_boot() != "":
        # With the power something may have been lost of the file of heads, and else nothing.
        return f"somebody else added rows to it, {len(rows) - head.rows} of them"
    return ""


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
