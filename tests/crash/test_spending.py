"""Eight tasks on the last cent of a run; ``python -m tests.crash.spending`` makes more trials of it."""

from pathlib import Path

from tests.crash.spending import OUTCOMES, trials


def test_no_cap_is_passed_and_all_that_was_paid_is_booked(tmp_path: Path) -> None:
    memory = Path("/dev/shm") / f"wainwright-{tmp_path.name}"
    folder = tmp_path
    if memory.parent.is_dir():
        memory.mkdir()
        folder = memory
    try:
        report = trials(300, 1, folder)
    finally:
        for path in memory.glob("*"):
            path.unlink()
        if memory.is_dir():
            memory.rmdir()
    assert report.overspent == []
    assert report.unbooked == []
    assert report.stuck == []
    assert set(report.calls) == set(OUTCOMES)
    assert {"answered", "at the cap", "cancelled"} <= set(report.ends)
