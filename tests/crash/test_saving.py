"""Another program saves while a change is written; ``python -m tests.crash.saving`` makes more trials of it."""

from pathlib import Path

from tests.crash.saving import KINDS, trials


def test_nothing_that_another_program_saves_is_overwritten(tmp_path: Path) -> None:
    report = trials(150, 1, tmp_path)
    assert report.overwritten == []
    assert report.torn == []
    assert set(report.saves) == set(KINDS)
