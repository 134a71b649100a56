"""What somebody does who can write the database or the file of heads, and makes all of it fit."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing

from tests.unit.journal.damaged import Place

from wainwright.journal import Journal
from wainwright.journal.chain import KEPT, ROW, Book, Walk
from wainwright.journal.heads import SLOT, Head
from wainwright.journal.records import Row


class Forger:
    """An open database whose runs are chained anew after something was done to them."""

    def __init__(self, place: Place) -> None:
        self.db = sqlite3.connect(place.path)
        self.db.execute("PRAGMA ignore_check_constraints=ON")

    def do(self, *statements: str) -> None:
        for statement in statements:
            assert self.db.execute(statement).rowcount > 0, statement

    def chain(self, *runs: str) -> None:
        """Make the hashes of all rows fit, and the table of runs with them."""
        for run in runs:
            there = Walk(Book(run))
            rows = self.db.execute(f"SELECT {ROW} FROM journal WHERE run = ? ORDER BY seq", [run]).fetchall()
            for raw in rows:
                made = there.adopt(Row(*raw))
                self.db.execute("UPDATE journal SET hash = ? WHERE seq = ? AND run = ?", [made, raw[0], run])
            for name in KEPT[1:]:
                self.db.execute(f"UPDATE runs SET {name} = ? WHERE run = ?", [getattr(there.book, name), run])

    def add(self, run: str, kind: str, body: str) -> None:
        self.db.execute(
            f"INSERT INTO journal ({ROW}, run, hash) "
            "SELECT max(seq) + 1, ?, '', '', '', 0, 0, ?, 1, 1, ?, '' FROM journal",
            [kind, body, run],
        )


def forged(*statements: str, runs: tuple[str, ...] = ("r1",)) -> Callable[[Place], None]:
    """Statements, after which all fits again."""

    def attack(place: Place) -> None:
        forger = Forger(place)
        forger.do(*statements)
        forger.chain(*runs)
        forger.db.commit()
        forger.db.close()

    return attack


def added(kind: str, body: str) -> Callable[[Place], None]:
    """A row behind the last one."""

    def attack(place: Place) -> None:
        forger = Forger(place)
        forger.add("r1", kind, body)
        forger.chain("r1")
        forger.db.commit()
        forger.db.close()

    return attack


def plain(*statements: str) -> Callable[[Place], None]:
    """Statements after which nothing is made to fit."""
    return lambda place: place.sql(*statements)


def swapped(place: Place) -> None:
    """Each of two runs is called as the other."""
    other = "UPDATE {} SET run = CASE run WHEN 'r1' THEN 'x' WHEN 'r2' THEN 'r1' ELSE run END"
    back = "UPDATE {} SET run = 'r2' WHERE run = 'x'"
    forger = Forger(place)
    forger.do(other.format("journal"), back.format("journal"))
    forger.chain("r1", "r2")
    forger.db.commit()
    forger.db.close()


def twice(place: Place) -> None:
    """Two rows have one number, in a table that lets them."""
    with closing(sqlite3.connect(place.path)) as db:
        db.executescript(
            "CREATE TABLE other AS SELECT * FROM journal; DROP TABLE journal; ALTER TABLE other RENAME TO journal;"
            "CREATE INDEX journal_key ON journal (run, key, seq);"
            "INSERT INTO journal SELECT * FROM journal WHERE seq = 5;"
        )


def older_log(place: Place) -> None:
    """The log of an older time lies beside the database: its pages take the place of newer ones."""
    journal = Journal(place.path)
    lease = journal.claim("r1")
    place.ask(journal, lease, "/more", 1)
    journal.release(lease)
    log = place.path.with_name("journal.db-wal").read_bytes()
    lease = journal.claim("r1")
    place.ask(journal, lease, "/more", 4)
    journal.release(lease)
    killed = place.path.parent.with_name("killed")
    shutil.copytree(place.path.parent, killed)
    journal.close()
    shutil.rmtree(place.path.parent)
    killed.rename(place.path.parent)
    place.path.with_name("journal.db-wal").write_bytes(log)


def older_with_log(place: Place) -> None:
    """An older database, with all that SQLite keeps beside it."""
    for end in ("-wal", "-shm"):
        place.path.with_name(place.path.name + end).unlink(missing_ok=True)
    for one in place.older.glob("journal.db*"):
        if not one.name.endswith((".verified", ".spare", ".lock")):
            shutil.copy(one, place.path.parent)


def of_another(place: Place) -> None:
    """The journal of another workspace, with its own file of heads."""
    folder = place.path.parent.with_name("other")
    journal = Journal(folder / "journal.db")
    place.work(journal, "q1", 4)
    journal.close()
    shutil.copy(folder / "journal.db", place.path)


def heads_emptied(place: Place) -> None:
    place.path.with_suffix(".heads").write_bytes(b"")


def heads_older(place: Place) -> None:
    shutil.copy(place.older / "journal.heads", place.path.with_suffix(".heads"))


def heads_garbage(place: Place) -> None:
    place.path.with_suffix(".heads").write_bytes(b"\xff" * 1024)


def heads_of_another(place: Place) -> None:
    folder = place.path.parent.with_name("other")
    journal = Journal(folder / "journal.db")
    place.work(journal, "r1", 4)
    place.work(journal, "r2", 4)
    journal.close()
    shutil.copy(folder / "journal.heads", place.path.with_suffix(".heads"))


def heads_swapped(place: Place) -> None:
    """Each of two runs has the head of the other, under its own name and with a sum that fits."""
    file = place.path.with_suffix(".heads")
    raw = file.read_bytes()
    found = [Head.read(raw[at : at + SLOT]) for at in range(0, len(raw), SLOT)]
    one, other = (head for head in found if head is not None)
    file.write_bytes(one._replace(name=other.name).written() + other._replace(name=one.name).written())


def heads_a_folder(place: Place) -> None:
    place.path.with_suffix(".heads").unlink()
    place.path.with_suffix(".heads").mkdir()


def heads_a_link(place: Place) -> None:
    file = place.path.with_suffix(".heads")
    file.unlink()
    elsewhere = place.path.parent.with_name("elsewhere")
    elsewhere.write_bytes(b"")
    file.symlink_to(elsewhere)


def heads_a_link_to_nothing(place: Place) -> None:
    file = place.path.with_suffix(".heads")
    file.unlink()
    file.symlink_to(place.path.parent.with_name("nowhere"))


def heads_a_pipe(place: Place) -> None:
    file = place.path.with_suffix(".heads")
    file.unlink()
    os.mkfifo(file)


def database_a_link(place: Place) -> None:
    """What the journal's name leads to is an older one elsewhere."""
    place.path.unlink()
    place.path.symlink_to(place.older / "journal.db")


LAST = "(SELECT max(seq) FROM journal WHERE run = 'r1')"
ATTACKS: dict[str, Callable[[Place], None]] = {
    "a row was edited": forged(
        "UPDATE journal SET body = replace(body, 'approved', 'forged') WHERE kind = 'done' AND run = 'r1'"
    ),
    "the first row was edited": forged(
        "UPDATE journal SET body = replace(body, 'Make', 'Break') WHERE seq = 1"
    ),
    "the last row was edited": forged(f"UPDATE journal SET body = '{{}}' WHERE seq = {LAST}"),
    "a middle row was deleted": forged("DELETE FROM journal WHERE seq = 4"),
    "the first row was deleted": forged("DELETE FROM journal WHERE seq = 1"),
    "the last row was deleted": forged(f"DELETE FROM journal WHERE seq = {LAST}"),
    "the last five rows were deleted": forged(
        "DELETE FROM journal WHERE seq IN (SELECT seq FROM journal WHERE run = 'r1' ORDER BY seq DESC LIMIT 5)"
    ),
    "two rows were exchanged": forged(
        "UPDATE journal SET seq = -3 WHERE seq = 3",
        "UPDATE journal SET seq = 3 WHERE seq = 4",
        "UPDATE journal SET seq = 4 WHERE seq = -3",
    ),
    "a row was put in between": forged(
        "UPDATE journal SET seq = seq + 1000 WHERE seq > 4",
        "INSERT INTO journal SELECT 5, run, 'signal', 'forged', effect, fingerprint, 0, 0, '{}', epoch, at, '' "
        "FROM journal WHERE seq = 4",
    ),
    "the numbers have a gap": forged("UPDATE journal SET seq = seq + 1000 WHERE seq > 4 AND run = 'r1'"),
    "two rows have one number": twice,
    "the clock was put back": forged("UPDATE journal SET at = at - 86400 WHERE run = 'r1'"),
    "its cap was raised": forged(
        "UPDATE journal SET body = replace(body, '6.0', '6000.0') WHERE kind = 'book' AND run = 'r1'"
    ),
    "what was spent is nothing": forged("UPDATE journal SET usd = 0, tokens = 0 WHERE run = 'r1'"),
    "another one held the run": forged("UPDATE journal SET epoch = epoch + 1 WHERE run = 'r1'"),
    "an event is of a kind that nobody knows": forged(
        'UPDATE journal SET body = \'{"kind": "unheard-of"}\' WHERE seq = 3'
    ),
    "a row is of a kind that nobody knows": forged("UPDATE journal SET kind = 'forged' WHERE seq = 3"),
    "the last row is of a kind that nobody knows": plain(
        f"UPDATE journal SET kind = 'forged' WHERE seq = {LAST}"
    ),
    "two runs were exchanged": swapped,
    "one run was called as the other": forged(
        "DELETE FROM journal WHERE run = 'r1'", "UPDATE journal SET run = 'r1' WHERE run = 'r2'"
    ),
    "its goal is another": plain("UPDATE runs SET goal = goal || '!' WHERE run = 'r1'"),
    "an older log lies beside it": older_log,
    "an older one was put back with its log": older_with_log,
    "it is a link to an older one": database_a_link,
    "it is that of another workspace": of_another,
    "a raised cap was added": added("book", '{"cap_usd": 1000.0}'),
    "a signal was added": added("signal", '{"kind": "hold-moved", "until": "DELIVER"}'),
    "a decision was added": added(
        "event", '{"kind": "gate-decided", "gate": "delivery", "decision": "approve", "by": "person"}'
    ),
    "the heads are empty": heads_emptied,
    "the heads are older": heads_older,
    "the heads are garbage": heads_garbage,
    "the heads are those of another workspace": heads_of_another,
    "the heads of two runs were exchanged": heads_swapped,
    "the heads are a folder": heads_a_folder,
    "the heads are a link": heads_a_link,
    "the heads are a link to nothing": heads_a_link_to_nothing,
    "the heads are a pipe": heads_a_pipe,
}
