"""Forks: a run whose journal begins as that of another one does."""

import time
from collections.abc import Sequence

from wainwright.domain.errors import InputError, JournalBroken
from wainwright.domain.events import Event
from wainwright.domain.text import clean
from wainwright.journal.chain import walk
from wainwright.journal.copies import links
from wainwright.journal.readings import Readings
from wainwright.journal.records import Lease, Row
from wainwright.journal.texts import as_json, as_text
from wainwright.journal.told import WAYS_OUT
from wainwright.journal.transaction import Transaction


class Forks(Readings):
    """Writes the beginning of a fork."""

    def fork(
        self,
        run: str,
        new: str,
        first: Event,
        upto: int,
        *,
        goal: str,
        anew: Sequence[str] = (),
        cap_usd: float | None,
        cap_tokens: int | None,
    ) -> Lease:
        """Begin a run with the rows of another one up to a number, and its own first event; the caller owns it.

        What was paid for them is in the books of that run, and not booked again. What was under way at that row is
        not taken over: it is done anew. Raises JournalBroken where a row up to there is not what was written,
        InputError where there is none of that number.
        """
        told = {"created": time.time(), "goal": clean(goal), "parent": run, "forked_at": upto}
        told |= {"cap_usd": cap_usd, "cap_tokens": cap_tokens, "anew": as_json([*sorted(anew)])}

        def act(tx: Transaction) -> Lease:
            self.file.room()
            taken = _up_to(tx, run, upto)
            done = {(row.key, row.seq) for row in taken if row.kind == "done"}
            book = tx.begin(new)
            tx.write_down(book, 1, **told)
            begun = False
            for row in taken:
                if row.kind == "event" and not begun:
                    tx.add(book, "event", body=as_text(first))
                    begun = True
                elif _stays(row, done):
                    tx.add_again(book, row._replace(usd=0.0, tokens=0, epoch=1))
            return tx.take(book)

        return self.file.write(act)


def _up_to(tx: Transaction, run: str, upto: int) -> list[Row]:
    rows = [row for row in links(tx.db, run) if row[0] <= upto]
    there, wrong = walk(run, rows)
    if wrong:
        raise JournalBroken(f"Run {run} cannot be believed up to row {upto}: {wrong}.", WAYS_OUT)
    if there.book.last != upto:
        raise InputError(f"Run {run} has no row {upto}.", f"`wainwright replay {run} --events` lists them.")
    return [Row(*row[:-1]) for row in rows]


def _stays(row: Row, done: set[tuple[str, int]]) -> bool:
    """Whether a fork has this row too: a fact, or a step that came to an outcome, or what took that back.

    What may not be done again is taken over however it ended, and whether it did.
    """
    if row.effect == "external":
        return True
    if row.kind == "intent":
        return any(key == row.key and seq > row.seq for key, seq in done)
    return row.kind in ("event", "done", "void")
