"""Whatever becomes of the journal's files behind its back: found before anything is done on their word."""

import random
import shutil
from pathlib import Path

import pytest
from tests.unit.journal.damaged import DAMAGE, Place

from wainwright.domain.errors import JournalBroken, JournalError
from wainwright.journal import Journal, Reservation
from wainwright.journal.chain import KEPT, ROW


def flipped(column: str, table: str, where: str) -> str:
    """One bit of a value is another; of a number its lowest, of nothing anything."""
    return (
        f"UPDATE {table} SET {column} = CASE typeof({column}) "
        f"WHEN 'null' THEN 1 WHEN 'integer' THEN {column} + 1 WHEN 'real' THEN {column} + 0.000001 "
        f"WHEN 'blob' THEN zeroblob(8) "
        f"ELSE CASE {column} WHEN '' THEN 'a' ELSE char(unicode({column}) + 1) || substr({column}, 2) END END "
        f"WHERE {where}"
    )


REST = f"{ROW}, hash".split(",")[1:]
COLUMNS = [
    *(f"UPDATE journal SET seq = seq + 64 WHERE seq = {seq}" for seq in (1, 5)),
    "UPDATE journal SET seq = seq + 64 WHERE seq = (SELECT max(seq) FROM journal)",
    *(flipped(name, "runs", "run = 'r1'") for name in KEPT[1:]),
    *(flipped(name.strip(), "journal", "seq = 5") for name in REST),
    *(flipped(name.strip(), "journal", "seq = 1") for name in REST),
    *(
        flipped(name.strip(), "journal", "seq = (SELECT max(seq) FROM journal)")
        for name in f"{ROW}, hash".split(",")
    ),
    "UPDATE runs SET run = 'r9' WHERE run = 'r1'",
    "UPDATE journal SET run = 'r2' WHERE seq = 5",
]
EDITS = [
    (
        "its plan was edited",
        "UPDATE journal SET body = replace(body, 'approved', 'forged') WHERE kind = 'done'",
    ),
    ("a row was deleted", "DELETE FROM journal WHERE seq = 4"),
    ("its last row was deleted", "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)"),
    ("its money was set to nothing", "UPDATE runs SET spent_usd = 0, spent_tokens = 0 WHERE run = 'r1'"),
    ("its cap was raised", "UPDATE runs SET cap_usd = 1000 WHERE run = 'r1'"),
    ("its cap was taken away", "UPDATE runs SET cap_usd = NULL WHERE run = 'r1'"),
    ("it holds nothing", "UPDATE runs SET epoch = 0 WHERE run = 'r1'"),
    ("a signal was deleted", "DELETE FROM journal WHERE kind = 'signal' AND run = 'r1'"),
    ("a signal is given out again", "DELETE FROM journal WHERE kind = 'taken' AND run = 'r1'"),
    ("all rows were deleted", "DELETE FROM journal WHERE run = 'r1'"),
    ("the run was deleted", "DELETE FROM runs WHERE run = 'r1'"),
    (
        "its last rows and what the table says of them were deleted",
        "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal WHERE kind = 'done')",
    ),
]


@pytest.mark.parametrize("change", COLUMNS)
def test_a_change_in_any_column_is_found_before_any_act(place: Place, change: str) -> None:
    place.sql(change)
    with pytest.raises(JournalBroken) as caught:
        place.read()
    assert "audit" in caught.value.hint


@pytest.mark.parametrize(("what", "change"), EDITS, ids=[what for what, _ in EDITS])
def test_an_edit_is_found_before_any_act(place: Place, what: str, change: str) -> None:
    place.sql(change)
    with pytest.raises(JournalBroken):
        place.read()


@pytest.mark.parametrize("change", ["owner", "lease_until"])
def test_a_change_of_the_lease_lets_somebody_claim_the_run_and_nobody_else_write(
    place: Place, change: str
) -> None:
    journal = Journal(place.path)
    lease = journal.claim("r1")
    place.sql(f"UPDATE runs SET {change} = 1 WHERE run = 'r1'")
    other = Journal(place.path)
    other.claim("r1")
    with pytest.raises(JournalError, match="took run r1 over"):
        journal.begin(lease, "/s/x#0", 1, "llm", Reservation())
    journal.close()
    other.close()


@pytest.mark.parametrize("change", [flipped(name, "blobs", "1") for name in ("sha", "bytes", "packed")])
def test_a_change_of_what_is_kept_by_its_digest_is_found_where_it_is_read(place: Place, change: str) -> None:
    place.sql(change)
    with pytest.raises(JournalError, match="content"):
        place.read()


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_to_the_files_is_found_before_any_act(place: Place, what: str) -> None:
    DAMAGE[what](place)
    with pytest.raises(JournalBroken):
        place.read()


def test_a_log_that_was_deleted_is_missed(tmp_path: Path) -> None:
    place = Place(tmp_path)
    journal = Journal(place.path)
    lease = journal.claim("r1")
    place.ask(journal, lease, "/more", 2)
    journal.release(lease)
    # As a killed process leaves it: the rows are in the log alone.
    killed = tmp_path / "killed"
    shutil.copytree(place.path.parent, killed)
    journal.close()
    (killed / "journal.db-wal").unlink()
    place.path = killed / "journal.db"
    with pytest.raises(JournalBroken, match="taken away"):
        place.read()


def test_a_journal_that_is_replaced_while_it_is_in_use_is_not_written(place: Place) -> None:
    for name in ("journal.db", "journal.db-wal"):
        journal = Journal(place.path)
        lease = journal.claim("r1")
        target = place.path.with_name(name)
        shutil.copy(target, target.with_name("other"))
        target.with_name("other").replace(target)
        with pytest.raises(JournalBroken, match="while it was in use"):
            journal.begin(lease, f"/s/{name}#0", 1, "llm", Reservation())
        journal.file.write = lambda *_, **__: None  # type: ignore[assignment]
        journal.close()
        shutil.rmtree(place.path.parent)
        shutil.copytree(place.older, place.path.parent)


def test_whichever_bit_of_the_file_is_another_it_is_found_or_makes_no_difference(place: Place) -> None:
    whole, rng = place.path.read_bytes(), random.Random(7)
    as_it_was = place.read()
    found = 0
    for _ in range(150):
        place.path.with_name("journal.db-wal").unlink(missing_ok=True)
        shutil.rmtree(place.path.parent)
        shutil.copytree(place.older.parent / "state", place.path.parent)
        content, at = bytearray(whole), rng.randrange(len(whole))
        content[at] ^= 1 << rng.randrange(8)
        place.path.write_bytes(content)
        try:
            seen = place.read()
        except JournalError:
            found += 1
        else:
            assert seen == as_it_was, f"bit at {at}"
    assert found > 10


@pytest.mark.parametrize("what", ["an older one was put back", "another one was put in its place"])
def test_nobody_covers_up_what_is_missing_by_adding_to_it(place: Place, what: str) -> None:
    DAMAGE[what](place)
    journal = Journal(place.path)
    for number in range(40):
        with pytest.raises(JournalBroken):
            journal.post("r1", f"late {number}", {})
        with pytest.raises(JournalBroken):
            journal.raise_caps("r1", cap_usd=99.0, cap_tokens=None)
    with pytest.raises(JournalBroken):
        journal.claim("r1")
    journal.close()


def test_another_run_of_a_damaged_journal_goes_on(place: Place) -> None:
    place.sql("UPDATE journal SET body = '1' WHERE seq = 4")
    journal = Journal(place.path)
    with pytest.raises(JournalBroken):
        journal.claim("r1")
    lease = journal.claim("r2")
    place.ask(journal, lease, "/late", 1)
    assert journal.account("r2").spent_usd == 0.5
    journal.close()
