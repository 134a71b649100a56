"""Forks: a run whose journal begins as that of another one does."""

import json
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager

from sqlite_utils import Database

from wainwright.domain.events import Event
from wainwright.domain.text import clean
from wainwright.journal.readings import Readings, as_text
from wainwright.journal.records import Lease, Row


class Forks(Readings):
    """Writes the beginning of a fork."""

    def _write(self) -> AbstractContextManager[Database]:
        raise NotImplementedError

    def _take(self, run: str) -> Lease:
        raise NotImplementedError

    def _append_row(
        self,
        lease: Lease,
        kind: str,
        *,
        key: str,
        effect: str = "",
        fingerprint: str = "",
        usd: float = 0.0,
        tokens: int = 0,
        body: str = "null",
    ) -> None:
        raise NotImplementedError

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
        not taken over: it is done anew.
        """
        taken = [row for row in self.rows(run) if row.seq <= upto][1:]
        done = {(row.key, row.seq) for row in taken if row.kind == "done"}
        with self._write() as db:
            db.execute(
                "INSERT INTO runs (run, created, goal, cap_usd, cap_tokens, parent, forked_at, anew) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [new, time.time(), clean(goal), cap_usd, cap_tokens, run, upto, json.dumps(sorted(anew))],
            )
            lease = self._take(new)
            self._append_row(lease, "event", key="", body=as_text(first))
            for row in taken:
                if _stays(row, done):
                    self._append_row(
                        lease,
                        row.kind,
                        key=row.key,
                        effect=row.effect,
                        fingerprint=row.fingerprint,
                        body=row.body,
                    )
        return lease


def _stays(row: Row, done: set[tuple[str, int]]) -> bool:
    """Whether a fork has this row too: a fact, or a step that came to an outcome, or what took that back."""
    if row.kind == "intent":
        return any(key == row.key and seq > row.seq for key, seq in done)
    return row.kind in ("event", "done", "void")
