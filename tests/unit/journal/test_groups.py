"""What was written in groups is what is written one by one: in the rows, in the books, and in what each is told."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue
from tests.unit.journal.damaged import first

from wainwright.domain.errors import WainwrightError
from wainwright.domain.events import SnapshotTaken
from wainwright.journal import Journal, Lease, Reservation, Spend

HOLD = Reservation(usd=0.5, tokens=3)
KEYS = st.sampled_from(["/s/ask#0", "/s/ask#1", "/t/ask#0"])
DOINGS = st.lists(
    st.tuples(st.sampled_from(["begin", "begin otherwise", "end", "void", "append", "post", "look"]), KEYS),
    min_size=2,
    max_size=40,
)


def writes(journal: Journal, lease: Lease, doings: list[tuple[str, str]]) -> list[Callable[[], Any]]:
    """Each as something to call."""
    made: list[Callable[[], Any]] = []
    for number, (doing, key) in enumerate(doings):
        match doing:
            case "begin" | "begin otherwise":
                made.append(partial(journal.begin, lease, key, doing, "llm", HOLD, number))
            case "end":
                kind = "done" if number % 3 else "failed"
                outcome = (kind, str(number))
                made.append(partial(journal.end, lease, key, outcome, "llm", Spend(usd=0.25, tokens=1)))
            case "void":
                made.append(partial(journal.void, lease, [key]))
            case "append":
                made.append(partial(journal.append, lease, [SnapshotTaken(commit=key, tree="t", head=None)]))
            case "post":
                made.append(partial(journal.post, "r1", key, {"number": number}))
            case _:
                made.append(partial(journal.recorded, "r1", key))
    return made


def told(work: Callable[[], Any]) -> tuple[object, str]:
    """What came of it, or what it failed with."""
    try:
        return work(), ""
    except WainwrightError as error:
        return None, str(error)


def kept(journal: Journal) -> tuple[list[tuple[JsonValue, ...]], object]:
    """The rows without their times, and the books."""
    rows = [(*row[:-1],) for row in journal.rows("r1")]
    return rows, journal.account("r1")


@given(doings=DOINGS, cap=st.sampled_from([1.0, 100.0]))
@settings(max_examples=60, deadline=None)
def test_a_group_is_what_its_writes_are_one_by_one(
    doings: list[tuple[str, str]], cap: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("groups")
    results = []
    for name in ("grouped", "single"):
        journal = Journal(folder / name / "journal.db")
        lease = journal.create(first("r1"), "r1", "x", cap_usd=cap, cap_tokens=None)
        if name == "single":
            said = [told(work) for work in writes(journal, lease, doings)]
        else:
            said = grouped(journal, writes(journal, lease, doings))
        assert not journal.verify("r1").wrong
        results.append((said, kept(journal)))
        journal.close()
    assert results[0] == results[1]


def grouped(journal: Journal, works: list[Callable[[], Any]]) -> list[tuple[object, str]]:
    """Have them queued while the thread that writes is kept busy."""
    let_go = threading.Event()
    busy = journal.queue(let_go.wait)
    promises = [journal.queue(work) for work in works]
    let_go.set()
    assert busy.result(30)
    return [told(partial(promise.result, 30)) for promise in promises]


def test_what_another_process_wrote_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    journal, other = Journal(tmp_path / "journal.db"), Journal(tmp_path / "journal.db")
    lease = journal.create(first("r1"), "r1", "x", cap_usd=9.0, cap_tokens=None)
    for number in range(3):
        journal.begin(lease, f"/s/ask#{number}", number, "llm", HOLD)
        other.post("r1", f"s{number}", {})
        other.raise_caps("r1", cap_usd=10.0 + number, cap_tokens=None)
        journal.end(lease, f"/s/ask#{number}", ("done", "1"), "llm", Spend(usd=0.25))
    assert (journal.account("r1").cap_usd, journal.account("r1").spent_usd) == (12.0, 0.75)
    assert not journal.verify("r1").wrong
    journal.close()
    other.close()
