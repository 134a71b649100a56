"""What can be read out of a journal row by row."""

import json

from pydantic import JsonValue

from wainwright.journal.acts import get_blob
from wainwright.journal.chain import ROW, walk
from wainwright.journal.copies import links
from wainwright.journal.file import JournalFile
from wainwright.journal.owners import me
from wainwright.journal.records import Row, Used

STEPS = frozenset({"event", "intent", "done", "failed", "lost", "void"})
"""Kinds of rows that say what happened and what was done; the others are the journal's own."""
_ROWS = (
    f"SELECT {ROW} FROM journal WHERE run = ? AND seq > ? "  # noqa: S608 - our own column names
    "AND kind IN ('event', 'intent', 'done', 'failed', 'lost', 'void') ORDER BY seq"
)
_USED = (
    "SELECT count(*), coalesce(sum(usd), 0), coalesce(sum(tokens), 0) FROM journal AS d "
    "WHERE effect = 'llm' AND kind IN ('done', 'failed', 'lost') AND tokens > 0 AND "
)
_OF_ROLE = (
    " AND (SELECT json_extract(i.body, '$.role') FROM journal AS i WHERE i.run = d.run AND i.key = d.key "
    "AND i.kind = 'intent' AND i.seq < d.seq ORDER BY i.seq DESC LIMIT 1) = ?"
)


_HELD_ELSEWHERE = (
    "SELECT coalesce(sum(held_usd), 0), coalesce(sum(held_tokens), 0) FROM runs WHERE owner != ?"
)


class Readings:
    """The rows of runs: facts and steps, in the order in which they were written."""

    file: JournalFile

    def rows(self, run: str) -> list[Row]:
        """All facts and steps of a run, in order; of one that was changed, those before the first changed row."""
        with self.file.read() as db:
            found = links(db, run)
        believed = found[: walk(run, found)[0].book.rows]
        return [row for row in (Row(*one[:-1]) for one in believed) if row.kind in STEPS]

    def everything(self, run: str) -> list[tuple[Row, bool]]:
        """All rows of a run in order, its bookkeeping among them, each with whether it is as it was written."""
        with self.file.read() as db:
            found = links(db, run)
        good = walk(run, found)[0].book.rows
        return [(Row(*one[:-1]), number < good) for number, one in enumerate(found)]

    def newest(self, run: str, after: int) -> list[Row]:
        """Facts and steps of a run that stand behind the row ``after``, in order, without asking what holds them."""
        with self.file.read() as db:
            found = db.execute(_ROWS, [run, after]).fetchall()
        return [Row(*one) for one in found]

    def origin(self, run: str) -> tuple[str, int, frozenset[str]]:
        """The run that this one was forked from, at which of its rows, and the roles that are asked anew."""
        with self.file.read() as db:
            row = db.execute("SELECT parent, forked_at, anew FROM runs WHERE run = ?", [run]).fetchone()
        return ("", 0, frozenset()) if row is None else (row[0], row[1], frozenset(json.loads(row[2])))

    def used(self, run: str, since: float | None = None, role: str = "") -> Used:
        """What the model calls of a run took; with ``since``, those of all runs from that moment on.

        With ``role``, those alone whose intent says that they are of that role. Of all runs, what the calls may take
        that other processes have under way counts as well; whoever asks knows of its own.
        """
        which, values = ("run = ?", [run]) if since is None else ("at >= ?", [since])
        with self.file.read() as db:
            row = db.execute(
                _USED + which + (_OF_ROLE if role else ""), [*values, *([role] if role else [])]
            ).fetchone()
            held = db.execute(_HELD_ELSEWHERE, [me()]).fetchone() if since is not None else (0.0, 0)
        calls, usd, tokens = row
        return Used(calls, usd + held[0], tokens + held[1])

    def is_done(self, run: str, key: str) -> bool:
        """Whether a step has an outcome that is returned when it is asked for."""
        with self.file.read() as db:
            row = db.execute(
                "SELECT kind FROM journal WHERE run = ? AND key = ? ORDER BY seq DESC LIMIT 1", [run, key]
            ).fetchone()
        return row is not None and row[0] == "done"

    def is_lost(self, run: str, key: str) -> bool:
        """Whether a step was begun, and nobody knows whether it happened."""
        with self.file.read() as db:
            row = db.execute(
                "SELECT kind FROM journal WHERE run = ? AND key = ? ORDER BY seq DESC LIMIT 1", [run, key]
            ).fetchone()
        return row is not None and row[0] == "lost"

    def recorded(self, run: str, key: str) -> tuple[int, JsonValue, JsonValue] | None:
        """The newest outcome of a step: the row before it was begun, what was put into it, what came of it."""
        with self.file.read() as db:
            row = db.execute(
                "SELECT (SELECT max(seq) FROM journal WHERE run = d.run AND seq < (SELECT max(seq) FROM journal "
                "WHERE run = d.run AND key = d.key AND kind = 'intent' AND seq < d.seq)), fingerprint, body "
                "FROM journal AS d WHERE run = ? AND key = ? AND kind = 'done' ORDER BY seq DESC LIMIT 1",
                [run, key],
            ).fetchone()
            return None if row is None else (row[0], json.loads(get_blob(db, row[1])), json.loads(row[2]))
