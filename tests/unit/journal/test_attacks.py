"""Somebody forges the journal with all the care there is: found before any act, kept as it was, and a way out."""

import json
import shutil
from pathlib import Path

import pytest
from tests.unit.journal.attacks import ATTACKS, forged
from tests.unit.journal.damaged import Place

from wainwright.domain.errors import JournalBroken
from wainwright.journal import Journal, restore
from wainwright.journal.heads import Head, Heads, name_of


def what_is_there(folder: Path) -> dict[str, object]:
    """The files that a person would want back."""
    found: dict[str, object] = {}
    for one in sorted(folder.iterdir()):
        if one.name in ("journal.db", "journal.heads"):
            found[one.name] = one.readlink() if one.is_symlink() else one.is_file() and one.read_bytes()
    return found


@pytest.mark.timeout(30)
@pytest.mark.parametrize("what", ATTACKS)
def test_an_attack_is_found_before_any_act_and_the_way_out_works(place: Place, what: str) -> None:
    whole = Journal(place.path)
    events, signals, account = whole.events("r1"), whole.signals("r1"), whole.account("r1")
    whole.close()
    ATTACKS[what](place)
    found = what_is_there(place.path.parent)
    with pytest.raises(JournalBroken) as caught:
        place.read()
    assert "wainwright audit restore" in caught.value.hint
    # SQLite itself brings what its log says into the database.
    assert "log" in what or what_is_there(place.path.parent) == found, "nothing was done on its word"
    aside, runs = restore(place.path)
    assert "log" in what or what_is_there(aside) == found
    assert {one.run: one.lost for one in runs}["r1"] == 0
    journal = Journal(place.path)
    assert journal.events("r1") == events
    assert journal.signals("r1") == signals
    restored = journal.account("r1")
    assert restored.cap_usd == account.cap_usd
    assert restored.spent_usd >= account.spent_usd
    lease = journal.claim("r1")
    place.ask(journal, lease, "/afterwards", 1)
    journal.release(lease)
    assert not journal.verify("r1").wrong
    journal.close()


def killed_between(place: Place, run: str, rows: int) -> None:
    """The file of heads has a transaction that the database has not: its process was killed between the two."""
    heads = Heads(place.path.with_suffix(".heads"))
    there = heads.of(run)
    before = (there.rows, there.head) if there else (0, "")
    heads.write([Head.now(name_of(run), before[0] + rows, 99, "f" * 64, (9.0, 9), *before)])
    heads.close()


def test_a_kill_between_the_file_of_heads_and_the_database_is_no_attack(place: Place) -> None:
    killed_between(place, "r1", 3)
    killed_between(place, "r9", 2)
    journal = Journal(place.path)
    assert journal.names() == ["r1", "r2"], "a run whose first rows never were is none"
    journal.post("r1", "late", {})
    journal.close()
    killed_between(place, "r1", 3)
    journal = Journal(place.path)
    lease = journal.claim("r1")
    place.ask(journal, lease, "/afterwards", 1)
    assert not journal.verify("r1").wrong
    journal.close()


def test_the_last_transaction_is_missed_when_it_was_final(place: Place) -> None:
    forged("DELETE FROM journal WHERE run = 'r1' AND seq = (SELECT max(seq) FROM journal WHERE run = 'r1')")(
        place
    )
    with pytest.raises(JournalBroken, match="taken away"):
        place.read()


def test_rows_that_the_file_of_heads_lost_with_the_power_are_believed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(place.older / "journal.heads", place.path.with_suffix(".heads"))
    monkeypatch.setattr("wainwright.journal.verify.this_boot", lambda: "another")
    monkeypatch.setattr("wainwright.journal.file.this_boot", lambda: "another")
    assert place.read()


def test_an_owner_of_both_files_can_go_back_and_nothing_here_tells(place: Place) -> None:
    """The limit: an older database with the older file of heads is whole in itself.

    What was delivered meanwhile names a row that such a journal does not have: see the trailers of the commit.
    """
    journal = Journal(place.path)
    newest = journal.head("r1")
    journal.close()
    shutil.rmtree(place.path.parent)
    shutil.copytree(place.older, place.path.parent)
    journal = Journal(place.path)
    assert not journal.verify("r1").wrong
    assert newest not in {json.loads(line)["hash"] for line in journal.lines("r1")}
    journal.close()
