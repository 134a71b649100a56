"""What is done to a journal and to what is made of it, by somebody with all the care there is."""

import base64
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.unit.journal.attacks import ATTACKS, forged, plain
from tests.unit.journal.damaged import DAMAGE, Place
from tests.unit.journal.test_refusals import small_disk

from wainwright.engine.tracing import verifier
from wainwright.journal import Journal
from wainwright.secrets import Signer, new_key

Attack = Callable[["Statement"], None]
ROWS = 20_000
"""As many as a share of the million that the nightly figure is made of (`tests/bench/journal.py`)."""


@dataclass
class Statement:
    """A statement about the rows of a real journal, for a commit that names the last of them."""

    text: bytes
    commit: str
    key: str
    """Who has to have signed it; empty where anybody may."""
    signer: Signer = field(default_factory=lambda: Signer(new_key()))

    @classmethod
    def made(cls, journal: Journal, run: str) -> "Statement":
        by = Signer(new_key())
        lines = [json.loads(line) for line in journal.lines(run)]
        rows = [{name: line[name] for name in (*verifier.COLUMNS, "hash")} for line in lines]
        told = f"tree {'a' * 40}\nauthor a <a@b> 1 +0000\n\nIt works\n\nWainwright-Run: {run} {rows[-1]['hash']}\n"
        content = told.encode()
        content += (
            verifier.signature_line(by.public, by.sign(verifier.to_sign(verifier.COMMIT, content))) + "\n"
        ).encode()
        commit = verifier.name_of(content, "a" * 40)
        text = verifier.as_written(verifier.statement(run, rows, commit, content))
        made = cls(b"", commit, by.public, by)
        made.sign(text, by)
        return made

    def payload(self) -> bytes:
        return base64.b64decode(json.loads(self.text)["payload"])

    def sign(self, payload: bytes, by: Signer) -> None:
        self.text = verifier.envelope(
            payload, by.public, by.sign(verifier.to_sign(verifier.PAYLOAD, payload))
        )


def signed_by_another(told: Statement) -> None:
    told.sign(told.payload(), Signer(new_key()))


def another_algorithm(told: Statement) -> None:
    envelope = json.loads(told.text)
    envelope["signatures"] = [{"keyid": told.key, "sig": "", "alg": "none"}]
    told.text = verifier.as_written(envelope)


def a_row_altered(told: Statement) -> None:
    """As somebody does who has the file and not the key: the row, all that follows from it, and no signature."""
    said = json.loads(told.payload())
    row = next(row for row in said["predicate"]["rows"] if row["kind"] == "done")
    row["body"] = row["body"].replace("approved", "forged")
    told.text = verifier.as_written(said)


def not_signed_any_more(told: Statement) -> None:
    """The key is lost: what is stated from now on is signed by nobody."""
    told.text = told.payload()


def rolled_over(told: Statement) -> None:
    """The person has a new key since; what was signed with the old one is looked at with the old one."""
    Signer(new_key()).sign(told.payload())


def hostile(told: Statement) -> None:
    told.text = b'{"payload": ' + b"[" * 100_000


def forged_from_a_row_on(place: Place) -> None:
    forged("UPDATE journal SET body = replace(body, 'approved', 'forged') WHERE seq > 4 AND run = 'r1'")(
        place
    )


def masked_later(place: Place) -> None:
    """Somebody takes a secret out of what was written, and makes all of it fit again."""
    forged(
        "UPDATE journal SET body = replace(body, 'approved', '[secret]') WHERE run = 'r1' AND kind = 'done'"
    )(place)


def many_rows(place: Place) -> None:
    with closing(Journal(place.path)) as journal:

        def write(tx) -> None:
            book = tx.book("r2")
            for number in range(ROWS):
                tx.add(book, "signal", key=f"n{number}", body='{"kind": "hold-moved"}')

        journal.file.write(write)


WRITER = """
import sys
from pathlib import Path
from wainwright.journal import Journal
journal = Journal(Path(sys.argv[1]))
for number in range(40):
    journal.post("r1", f"{sys.argv[2]}-{number}", {"kind": "hold-moved"})
journal.close()
"""
FULL = """
import sys
from pathlib import Path
from tests.unit.journal.damaged import first
from wainwright.domain.errors import WainwrightError
from wainwright.journal import Journal
journal = Journal(Path(sys.argv[1]))
lease = journal.create(first("r1"), "r1", "Make it work", cap_usd=None, cap_tokens=None)
try:
    for number in range(4000):
        journal.post("r1", f"full-{number}", {"text": "x" * 8192})
except WainwrightError as error:
    print(error.message)
kept = len(journal.signals("r1"))
print("wrong:", journal.verify("r1").wrong, "kept all:", kept == number)
"""


def two_writers(place: Place) -> None:
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    began = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(place.path), name], env=path)
        for name in ("one", "two")
    ]
    assert [one.wait(60) for one in began] == [0, 0]
    with closing(sqlite3.connect(place.path)) as db:
        (there,) = db.execute(
            "SELECT count(*) FROM journal WHERE kind = 'signal' AND key LIKE '%-%'"
        ).fetchone()
    assert there >= 80, "every row that was acknowledged is there"


def full(folder: Path) -> str:
    """What a process that writes is told on a small disk, and what is there then."""
    words = [*small_disk(folder, 8_000_000), sys.executable, "-c", FULL, str(folder / "state" / "journal.db")]
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=True, env=path).stdout


JOURNALS: dict[str, Callable[[Place], None]] = {
    "edit": plain(
        "UPDATE journal SET body = replace(body, 'approved', 'forged') WHERE kind = 'done' AND run = 'r1'"
    ),
    "delete first": ATTACKS["the first row was deleted"],
    "delete middle": ATTACKS["a middle row was deleted"],
    "delete last": ATTACKS["the last row was deleted"],
    "reorder": ATTACKS["two rows were exchanged"],
    "insert": ATTACKS["a row was put in between"],
    "re-chain": forged_from_a_row_on,
    "cut tail": ATTACKS["the last five rows were deleted"],
    "roll back": ATTACKS["an older one was put back with its log"],
    "swap": ATTACKS["two runs were exchanged"],
    "duplicate": ATTACKS["two rows have one number"],
    "gap": ATTACKS["the numbers have a gap"],
    "clock": ATTACKS["the clock was put back"],
    "writers": two_writers,
    "anchor missing": DAMAGE["the file of heads is gone"],
    "anchor older": ATTACKS["the heads are older"],
    "masked": masked_later,
    "many": many_rows,
}
STATEMENTS: dict[str, Attack] = {
    "another's signature": signed_by_another,
    "another algorithm": another_algorithm,
    "key rotated": rolled_over,
    "key lost": not_signed_any_more,
    "export altered": a_row_altered,
    "untrusted": hostile,
}


def copied(made: Place, folder: Path) -> Place:
    """A journal of its own, as it was written."""
    place = object.__new__(Place)
    place.path, place.older = folder / "state" / "journal.db", made.older
    shutil.copytree(made.path.parent, place.path.parent)
    return place
