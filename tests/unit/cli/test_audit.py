"""The commands that say whether the journal can be believed, and lead out where it cannot."""

import json
import shutil
from pathlib import Path

import pytest
from tests.unit.journal.damaged import Place
from typer.testing import CliRunner

from wainwright.app import state_folder
from wainwright.cli.program import program


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = Place(tmp_path / "made")
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    state = state_folder(workspace)
    state.parent.mkdir(parents=True)
    shutil.copytree(made.path.parent, state)
    made.path = state / "journal.db"
    return made


def audit(place: Place, *words: str) -> tuple[int, str]:
    workspace = place.older.parents[1] / "workspace"
    result = CliRunner().invoke(program(), ["audit", *words, "--workspace", str(workspace)])
    return result.exit_code, result.output


def test_a_journal_as_it_was_written_is_said_to_be_so(place: Place) -> None:
    code, said = audit(place, "verify")
    assert code == 0
    assert "r1: 19 rows, all as they were written\nr2: 10 rows, all as they were written\n" in said


def test_damage_is_told_with_ways_out_that_work(place: Place, tmp_path: Path) -> None:
    place.sql("UPDATE runs SET spent_usd = 0 WHERE run = 'r1'", "UPDATE blobs SET bytes = x'00'")
    code, said = audit(place, "verify")
    assert code == 1
    assert "the table of runs says otherwise than its rows of spent_usd" in said
    assert "wainwright audit restore" in said
    assert "r2: 10 rows, all as they were written" in said
    assert said.count("is not what was written.\n") == 3, "each content once"
    assert audit(place, "verify", "r2")[0] == 0
    code, _ = audit(place, "export", "r1", "--to", str(tmp_path / "r1.jsonl"))
    assert code == 0
    assert [json.loads(line)["run"] for line in (tmp_path / "r1.jsonl").read_text().splitlines()] == [
        "r1"
    ] * 19
    code, said = audit(place, "restore")
    assert code == 0
    assert "r1: 19 rows\n" in said
    assert "The original lies in" in said
    assert audit(place, "verify")[0] == 0


def test_a_file_that_cannot_be_opened_is_told_in_two_sentences(place: Place) -> None:
    place.path.write_bytes(b"garbage" * 1000)
    for word in ("verify", "export"):
        code, said = audit(place, word)
        assert code == 2
        assert "is damaged" in said
        assert "audit restore" in said
    assert audit(place, "restore")[0] == 0
    assert audit(place, "verify")[0] == 0


def test_where_no_run_ever_was_there_is_nothing_to_verify(place: Place) -> None:
    shutil.rmtree(place.path.parent)
    code, said = audit(place, "verify")
    assert (code, "no journal yet" in said) == (2, True)
