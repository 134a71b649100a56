"""A journal that cannot be believed: what was verified takes its place, or is gone on from; the original is kept."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from tests.unit.journal.damaged import DAMAGE, Place, first

from wainwright.domain.errors import InputError, JournalBroken, JournalError, RunBusy
from wainwright.journal import Journal, restore

SPENT = 1.25
"""By r1: two calls, and three more after it was copied."""


def contents(folder: Path) -> dict[str, bytes]:
    return {
        one.name: one.read_bytes() for one in folder.iterdir() if one.name in ("journal.db", "journal.heads")
    }


@pytest.mark.parametrize("what", DAMAGE)
def test_what_was_verified_is_put_in_its_place_and_the_original_is_kept(place: Place, what: str) -> None:
    whole = Journal(place.path)
    events, calls = whole.events("r1"), len(whole.calls("r1"))
    whole.close()
    DAMAGE[what](place)
    found = contents(place.path.parent)
    aside, runs = restore(place.path)
    if "used" not in what:
        assert contents(aside) == found
    assert {one.run: one.lost for one in runs if one.run != "r3"} == {"r1": 0, "r2": 0}
    journal = Journal(place.path)
    assert journal.events("r1") == events
    assert len(journal.calls("r1")) == calls
    assert journal.account("r1").spent_usd == SPENT
    assert len(journal.signals("r1")) == 1
    assert json.dumps(journal.last("r1", "/late/model#"))
    lease = journal.claim("r1")
    place.ask(journal, lease, "/late", 4)
    assert journal.account("r1").calls == calls + 1, "what was recorded is not asked again"
    assert not journal.verify("r2").wrong
    journal.close()


def test_what_was_spent_counts_though_the_rows_that_said_so_are_lost(place: Place) -> None:
    place.path.unlink()
    place.path.with_name("journal.db.verified").unlink()
    shutil.copy(place.older / "journal.db.verified", place.path.parent)
    _, runs = restore(place.path)
    assert {one.run: one.lost for one in runs} == {"r1": 7, "r2": 0}
    journal = Journal(place.path)
    assert len(journal.calls("r1")) == 2
    assert journal.account("r1").spent_usd == SPENT
    journal.claim("r1")
    journal.close()


def test_rows_before_the_damage_are_gone_on_from_in_another_run(place: Place) -> None:
    place.sql(
        "UPDATE journal SET body = 'x' WHERE seq = (SELECT max(seq) FROM journal WHERE kind = 'intent')"
    )
    journal = Journal(place.path)
    verdict = journal.verify("r1")
    assert f"--fork {verdict.good.last}" in verdict.ways_out
    terms = {"goal": "Make it work", "cap_usd": 9.0, "cap_tokens": None}
    with pytest.raises(JournalBroken):
        journal.fork("r1", "r1-b", first("r1-b"), verdict.good.last + 1, **terms)  # type: ignore[arg-type]
    lease = journal.fork("r1", "r1-b", first("r1-b"), verdict.good.last, **terms)  # type: ignore[arg-type]
    place.ask(journal, lease, "/late", 3)
    account = journal.account("r1-b")
    assert (account.spent_usd, account.calls) == (0.25, 5), "of five calls one was lost with its row"
    journal.release(lease)
    journal.claim("r1-b")
    assert not journal.verify("r1-b").wrong
    assert journal.verify("r1").wrong, "the original stays as it is"
    journal.close()


def test_a_damaged_run_is_written_out_row_by_row(place: Place) -> None:
    place.sql("UPDATE journal SET body = 'x' WHERE seq = 5")
    journal = Journal(place.path)
    rows = [json.loads(line) for line in journal.lines("r1")]
    assert [row["seq"] for row in rows if row["verified"]] == [1, 2, 3, 4]
    assert len(rows) == journal.verify("r1").rows
    assert all(json.loads(line)["verified"] for line in journal.lines("r2"))
    journal.close()


def test_nothing_is_restored_under_a_run_at_work_or_from_nothing(place: Place, tmp_path: Path) -> None:
    journal = Journal(place.path)
    journal.claim("r1")
    with pytest.raises(RunBusy):
        restore(place.path)
    journal.close()
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "journal.db").write_bytes(b"garbage" * 1000)
    with pytest.raises(JournalError, match="damaged"):
        Journal(tmp_path / "none" / "journal.db")
    with pytest.raises(InputError, match="no verified copy"):
        restore(tmp_path / "none" / "journal.db")


def test_the_verified_copy_takes_over_nothing_that_is_not_as_it_was_written(place: Place) -> None:
    place.sql("UPDATE journal SET body = 'x' WHERE seq = (SELECT max(seq) FROM journal)")
    kept = place.path.with_name("journal.db.verified")
    before = sqlite3.connect(kept).execute("SELECT count(*) FROM journal").fetchone()
    journal = Journal(place.path)
    with pytest.raises(JournalBroken):
        journal.claim("r1")
    journal.close()
    assert sqlite3.connect(kept).execute("SELECT count(*) FROM journal").fetchone() == before


def test_a_run_that_cannot_be_read_is_shown_as_far_as_it_can_be_believed(place: Place) -> None:
    place.sql("UPDATE journal SET body = 'no fact' WHERE kind = 'event' AND run = 'r1' AND seq > 3")
    journal = Journal(place.path)
    assert [event.kind for event in journal.events("r1")] == ["run-started", "snapshot-taken"]
    assert [kind for _, kind in journal.times("r1")] == ["run-started", "snapshot-taken"]
    assert journal.rows("r1")[-1].seq == journal.verify("r1").good.last - 1, "the last one is a signal"
    with pytest.raises(JournalBroken):
        journal.claim("r1")
    place.sql("UPDATE journal SET body = 'no fact' WHERE kind = 'event' AND run = 'r1'")
    with pytest.raises(JournalBroken):
        journal.events("r1")
    journal.close()
