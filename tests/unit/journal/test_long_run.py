"""A run of very many rows is looked at row by row."""

import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.unit.journal.damaged import first

from wainwright.journal import Journal
from wainwright.journal.transaction import Transaction

ROWS = 20_000
BODY = '"' + "What it answers. " * 30 + '"'


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    def write(tx: Transaction) -> None:
        book = tx.book("r1")
        for number in range(ROWS):
            tx.add(book, "signal", key=f"s{number}", body=BODY)

    with closing(Journal(tmp_path / "journal.db")) as made:
        made.release(made.create(first("r1"), "r1", "Make it work", cap_usd=None, cap_tokens=None))
        made.file.write(write)
        yield made


def test_verifying_it_keeps_none_of_its_rows(journal: Journal) -> None:
    tracemalloc.start()
    try:
        verdict = journal.verify("r1")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (verdict.wrong, verdict.rows > ROWS) == ("", True)
    assert most < ROWS * len(BODY) / 4


@pytest.mark.parametrize("at", [3, ROWS // 2, ROWS])
def test_what_was_changed_is_found_wherever_it_is_and_all_rows_are_counted(journal: Journal, at: int) -> None:
    rows = journal.verify("r1").rows
    journal.file.db.execute("UPDATE journal SET body = CAST(x'ff' AS TEXT) WHERE seq = ?", (at,))
    verdict = journal.verify("r1")
    assert (verdict.good.rows, verdict.rows) == (at - 1, rows)
    assert verdict.wrong == f"row {at} was changed, or one before it was taken away"


def test_what_another_process_adds_meanwhile_is_no_fault(journal: Journal, tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "journal.db")) as other, journal.file.read() as db:
        original = db.execute

        def execute(sql: str, *more: object) -> object:
            if "count(" in sql:
                other.post("r1", f"late-{sql[:30]}{len(sql)}", {"kind": "hold-moved", "until": "BUILD"})
            return original(sql, *more)  # type: ignore[arg-type]

        db.execute = execute  # type: ignore[method-assign,assignment]
        try:
            assert journal.verify("r1").wrong == ""
        finally:
            db.execute = original  # type: ignore[method-assign]
