"""A disk or a lock that refuses: told in a sentence; nothing is done without an intent, no outcome is lost."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import JsonValue
from tests.unit.journal.damaged import Place, first

from wainwright.domain.errors import JournalError
from wainwright.journal import Journal, Lease, Reservation, Spend, Steps, file, heads

HOLD = Reservation(usd=1.0, tokens=9)

SETTING = """
import asyncio, os, resource, sys
from pathlib import Path
from wainwright.domain.errors import JournalError
from wainwright.journal import Journal, Reservation, Spend, Steps, file
from tests.unit.journal.damaged import first

HOLD = Reservation(usd=1.0, tokens=9)
journal = Journal(Path(sys.argv[1]) / "state" / "journal.db")
lease = journal.create(first("r1"), "r1", "x", cap_usd=9.0, cap_tokens=None)
made = []

def fill():
    with open(Path(sys.argv[1]) / "filler", "ab", buffering=0) as filler:
        for size in (65536, 4096, 1):
            try:
                while True:
                    filler.write(b"x" * size)
            except OSError:
                pass

def ask(name, reply="yes", during=lambda: None):
    async def act(key):
        made.append(key)
        during()
        return reply, Spend(usd=0.25)
    return asyncio.run(Steps(journal, lease, "/s").step(name, inputs=name, effect="llm", act=act, reservation=HOLD))
"""


def tried(folder: Path, body: str, *before: str) -> list[str]:
    """What a program says that works on a journal in a folder."""
    program = SETTING + textwrap.dedent(body)
    ran = subprocess.run(
        [*before, sys.executable, "-c", program, str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def small_disk(folder: Path, size: int) -> tuple[str, ...]:
    """Puts a disk of that many bytes in the place of a folder, for a command behind it."""
    if shutil.which("bwrap") is None:
        pytest.skip("bwrap is missing: no small disk can be made")
    words = ("bwrap", "--dev-bind", "/", "/", "--size", str(size), "--tmpfs", str(folder))
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        pytest.skip("bwrap makes no small disk here")
    return words


def test_on_a_full_disk_what_was_paid_is_recorded_and_nothing_more_is_begun(tmp_path: Path) -> None:
    said = tried(
        tmp_path,
        """
        print(ask("before", "x" * 200_000, during=fill))
        for _ in range(2):
            try:
                ask("after")
            except JournalError as error:
                print(error.message.partition(":")[0], "|", error.hint)
        print(made, journal.account("r1").spent_usd, journal.verify("r1").wrong)
        os.unlink(Path(sys.argv[1]) / "filler")
        print(ask("after"), ask("before"), made)
        """,
        *small_disk(tmp_path, 12_000_000),
    )
    assert said[0] == "x" * 200_000
    assert said[1] == said[2] == "The disk is full | Make room on that disk, then go on: `wainwright resume`."
    assert said[3] == "['/s/before#0'] 0.25 "
    assert said[4].startswith("yes xxx")
    assert said[4].endswith("['/s/before#0', '/s/after#0']")


def test_a_disk_that_was_full_before_lets_a_journal_be_read_and_nothing_be_begun(tmp_path: Path) -> None:
    said = tried(
        tmp_path,
        """
        ask("before")
        journal.close()
        Path(sys.argv[1], "state", "journal.db.spare").unlink()
        fill()
        journal = Journal(Path(sys.argv[1]) / "state" / "journal.db")
        print([event.kind for event in journal.events("r1")], journal.account("r1").spent_usd)
        for act in (lambda: journal.claim("r1"), lambda: ask("after")):
            try:
                act()
            except JournalError as error:
                print(error.message.partition(":")[0])
        print(made)
        """,
        *small_disk(tmp_path, 12_000_000),
    )
    assert said == ["['run-started'] 0.25", "The disk is full", "The disk is full", "['/s/before#0']"]


def test_a_disk_that_fails_is_told_and_its_outcome_is_tried_until_it_is_well(tmp_path: Path) -> None:
    said = tried(
        tmp_path,
        """
        import threading, time
        ask("before")

        def fail():
            log = os.stat(Path(sys.argv[1]) / "state" / "journal.db-wal").st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (log, resource.RLIM_INFINITY))

        def mend():
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

        def fail_for_a_moment():
            fail()
            threading.Timer(1.5, mend).start()

        print(ask("meanwhile", during=fail_for_a_moment))
        fail()
        try:
            ask("after")
        except JournalError as error:
            print(error.hint)
        file.OUTCOME_S = 0.5
        mend()
        try:
            ask("lost", during=fail)
        except JournalError as error:
            print(error.message.rpartition(":")[2])
        mend()
        print(made, journal.account("r1").spent_usd, journal.verify("r1").wrong)
        """,
    )
    assert said == [
        "yes",
        "See whether its disk is well, then go on: `wainwright resume`.",
        " disk I/O error.",
        "['/s/before#0', '/s/meanwhile#0', '/s/lost#0'] 0.5 ",
    ]


# ---- locks


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "state" / "journal.db")
    yield opened
    opened.close()


@pytest.fixture
def lease(journal: Journal) -> Lease:
    return journal.create(first("r1"), "r1", "x", cap_usd=9.0, cap_tokens=None)


@contextmanager
def locked(journal: Journal) -> Iterator[sqlite3.Connection]:
    """Another program that keeps the lock."""
    other = sqlite3.connect(journal.file.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other
    finally:
        if other.in_transaction:
            other.execute("ROLLBACK")
        other.close()


async def test_while_another_program_holds_the_lock_a_write_waits_and_reads_go_on(
    journal: Journal, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.file.db.execute("PRAGMA busy_timeout=20")
    asked: list[str] = []

    async def act(key: str) -> tuple[JsonValue, Spend]:
        asked.append(key)
        return "yes", Spend(usd=0.25)

    with locked(journal) as other:
        threading.Timer(0.5, other.execute, ["ROLLBACK"]).start()
        began = time.monotonic()
        call = asyncio.create_task(
            Steps(journal, lease, "/s").step("ask", inputs=1, effect="llm", act=act, reservation=HOLD)
        )
        await asyncio.sleep(0.05)
        assert journal.account("r1").spent_usd == 0
        assert time.monotonic() - began < 0.4
        assert asked == []
        assert await call == "yes"
    monkeypatch.setattr(file, "LOCKED_S", 0.2)
    with locked(journal), pytest.raises(JournalError, match=r"kept the journal .* locked") as caught:
        await Steps(journal, lease, "/s").step("more", inputs=1, effect="llm", act=act, reservation=HOLD)
    assert caught.value.hint
    assert asked == ["/s/ask#0"]


# ---- what can only be read


def test_a_journal_that_can_only_be_read_is_read(place: Place) -> None:
    if shutil.which("bwrap") is None:
        pytest.skip("bwrap is missing: nothing can be made read-only for the one who owns it")
    folder = place.path.parent
    program = """
import sys
from pathlib import Path
from wainwright.domain.errors import JournalError
from wainwright.journal import Journal
journal = Journal(Path(sys.argv[1]))
print([row.run for row in journal.runs()], journal.account("r1").spent_usd, journal.verify("r1").wrong)
for act in (
    lambda: journal.claim("r1"),
    lambda: journal.put_blob(b"x"),
    lambda: journal.raise_caps("r1", cap_usd=9, cap_tokens=None),
):
    try:
        act()
    except JournalError as error:
        print(error.message.partition(" cannot ")[2], "|", error.hint)
journal.close()
"""
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    words = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(folder), str(folder)]
    ran = subprocess.run(
        [*words, sys.executable, "-c", program, str(place.path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    refused = (
        "be written: Read-only file system. | Make the folder and its files writable for you, then go on: "
    )
    refused += "`wainwright resume`."
    assert ran.stdout.splitlines() == ["['r2', 'r1'] 1.25 ", refused, refused, refused]
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before


# ---- writes that come together


async def test_writes_that_come_together_are_one_transaction_and_each_hears_of_its_own(
    journal: Journal, lease: Lease
) -> None:
    transactions: list[str] = []
    journal.file.db.set_trace_callback(lambda sql: transactions.append(sql) if sql == "COMMIT" else None)

    async def act(key: str) -> tuple[JsonValue, Spend]:
        return key, Spend(usd=0.25)

    async def one(number: int) -> JsonValue:
        steps = Steps(journal, lease, f"/t{number}")
        return await steps.step("ask", inputs=number, effect="llm", act=act, reservation=HOLD)

    with locked(journal):
        calls = [asyncio.create_task(one(number)) for number in range(20)]
        await asyncio.sleep(0.1)
    answers = await asyncio.gather(*calls, return_exceptions=True)
    made = [answer for answer in answers if isinstance(answer, str)]
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert 9 <= len(made) < 20
    assert all("may cost" in str(error) for error in refused)
    assert journal.account("r1").spent_usd == len(made) * 0.25
    assert len(transactions) < len(made)
    assert not journal.verify("r1").wrong


async def test_a_write_that_fails_half_way_takes_no_other_with_it(journal: Journal, lease: Lease) -> None:
    broken: dict[str, object] = {"kind": object()}
    with locked(journal):
        good = [journal.queue(journal.begin, lease, f"/s/a#{n}", n, "llm", HOLD) for n in range(3)]
        bad = journal.queue(journal.append, lease, [first("r1"), broken])  # type: ignore[list-item]
        more = [journal.queue(journal.begin, lease, f"/s/b#{n}", n, "llm", HOLD) for n in range(3)]
        await asyncio.sleep(0.1)
    assert [one.result(30) for one in good + more] == [None] * 6
    assert bad.exception() is not None
    assert [event.kind for event in journal.events("r1")] == ["run-started"]
    assert not journal.verify("r1").wrong


def test_a_journal_closes_whatever_its_file_of_heads_is_doing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "SYNC_S", 0.001)
    for number in range(60):
        journal = Journal(tmp_path / "state" / f"{number}.db")
        lease = journal.create(first("r1"), "r1", "x", cap_usd=None, cap_tokens=None)
        time.sleep(number / 20_000)
        journal.release(lease)
        closing = threading.Thread(target=journal.close, daemon=True)
        closing.start()
        closing.join(30)
        assert not closing.is_alive()
