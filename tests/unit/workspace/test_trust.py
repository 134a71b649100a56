"""Trust holds for one folder at one place, and for as long as the person says."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from wainwright.workspace.trust import RECORD, Trust


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    (tmp_path / "work").mkdir()
    return Trust(tmp_path / "state", tmp_path / "work")


def test_nobody_trusts_a_folder_until_they_say_so_and_after_they_took_it_back(trust: Trust) -> None:
    assert not trust.given()
    trust.keep()
    assert trust.given()
    assert Trust(trust.state, trust.workspace).given()
    trust.revoke()
    assert not trust.given()
    trust.revoke()


def test_the_start_command_is_a_word_that_is_not_remembered(trust: Trust) -> None:
    said = Trust(trust.state, trust.workspace, word=True)
    assert said.given()
    assert not said.remembered()
    assert not trust.given()


def test_the_record_is_the_users_alone(trust: Trust) -> None:
    before = os.umask(0)
    try:
        trust.keep()
    finally:
        os.umask(before)
    assert (trust.state / RECORD).stat().st_mode & 0o777 == 0o600
    assert trust.state.stat().st_mode & 0o777 == 0o700


def another_in_its_place(work: Path) -> Path:
    work.rename(work.with_name("aside"))
    work.mkdir()
    return work


def moved(work: Path) -> Path:
    return work.rename(work.with_name("elsewhere"))


def gone(work: Path) -> Path:
    work.rmdir()
    return work


@pytest.mark.parametrize("becomes", [another_in_its_place, moved, gone])
def test_it_holds_for_the_folder_that_was_meant(trust: Trust, becomes: Callable[[Path], Path]) -> None:
    trust.keep()
    assert not Trust(trust.state, becomes(trust.workspace)).given()


@pytest.mark.parametrize("record", ["", "{}", "null", "[" * 100_000, '{"path": 1}', "\xff", "x" * 10_000_000])
def test_a_record_that_is_none_is_no_yes(trust: Trust, record: str) -> None:
    trust.keep()
    (trust.state / RECORD).write_text(record, encoding="latin-1")
    assert not trust.given()
