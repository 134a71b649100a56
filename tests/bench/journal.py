"""How long a step of the journal takes, beside the same two transactions of SQLite alone."""

import asyncio
import json
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import JsonValue
from tests.bench.harness import OURS, Bar, Figure, Missing, Prepare, Run, Samples, Setting, figure, interleave
from tests.unit.models.support import Books

from wainwright.journal import Journal, Reservation, Spend, Steps
from wainwright.journal.schema import BLOBS, JOURNAL, RUNS

TASKS = 32
INPUTS = {"messages": [{"role": "user", "content": "What a model is asked, of middling length. " * 20}]}
REPLY = {"text": "What it answers. " * 30}
HOLD, SPEND = Reservation(usd=0.02, tokens=900), Spend(usd=0.01, tokens=450)
RAW = "raw SQLite"
MEMORY = Path("/dev/shm")
MANY = 1_000_000
"""Rows of a run that is verified."""


async def act(_: str) -> tuple[JsonValue, Spend]:
    return REPLY, SPEND


async def ask(steps: Steps, count: int) -> None:
    for number in range(count):
        inputs = {**INPUTS, "n": number}
        await steps.step("model", inputs=inputs, effect="llm", act=act, reservation=HOLD)


class Ours:
    """A run of our journal."""

    def __init__(self, folder: Path) -> None:
        self.books = Books(folder / "ours" / "journal.db", usd=1e9, tokens=None)
        self.scopes = 0

    def steps(self) -> Steps:
        self.scopes += 1
        return self.books.steps(f"/BUILD/t{self.scopes}.0")

    def one_at_a_time(self, count: int) -> None:
        asyncio.run(ask(self.steps(), count))

    def side_by_side(self, count: int) -> None:
        async def work() -> None:
            await asyncio.gather(*(ask(self.steps(), count // TASKS) for _ in range(TASKS)))

        asyncio.run(work())


class Raw:
    """The same two transactions, written by hand: nothing is hashed, packed or handed over."""

    def __init__(self, folder: Path) -> None:
        (folder / "raw").mkdir()
        self.db = sqlite3.connect(folder / "raw" / "journal.db", isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self.db.execute(f"PRAGMA {pragma}")
        self.db.executescript(RUNS + JOURNAL + BLOBS)
        self.db.execute("INSERT INTO runs (run, epoch) VALUES ('r', 1)")
        self.number = 0
        self.blob, self.reply = json.dumps(INPUTS).encode(), json.dumps(REPLY)

    def row(self, kind: str, key: str, sha: str, usd: float, tokens: int, body: str) -> None:
        self.number += 1
        self.db.execute(
            "INSERT INTO journal VALUES (?, 'r', ?, ?, 'llm', ?, ?, ?, ?, 1, ?, ?)",
            (self.number, kind, key, sha, usd, tokens, body, time.time(), sha),
        )

    def step(self) -> None:
        db, key = self.db, f"/BUILD/t1.0/model#{self.number}"
        sha = f"{self.number:064}"
        db.execute("BEGIN IMMEDIATE")
        db.execute("SELECT epoch, cap_usd, spent_usd, held_usd FROM runs WHERE run = 'r'").fetchone()
        db.execute(
            "SELECT kind, fingerprint, body FROM journal WHERE run = 'r' AND key = ? ORDER BY seq DESC LIMIT 1",
            (key,),
        ).fetchone()
        db.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?, 0)", (sha, self.blob))
        self.row("intent", key, sha, 0.02, 900, "null")
        db.execute(
            "UPDATE runs SET held_usd = held_usd + 0.02, held_tokens = held_tokens + 900, rows = rows + 1, last = ?, "
            "head = ? WHERE run = 'r'",
            (self.number, sha),
        )
        db.execute("COMMIT")
        db.execute("BEGIN IMMEDIATE")
        db.execute("SELECT epoch, cap_usd, spent_usd, held_usd FROM runs WHERE run = 'r'").fetchone()
        db.execute(
            "SELECT fingerprint, usd, tokens FROM journal WHERE run = 'r' AND key = ? AND kind = 'intent' "
            "ORDER BY seq DESC LIMIT 1",
            (key,),
        ).fetchone()
        self.row("done", key, sha, 0.01, 450, self.reply)
        db.execute(
            "UPDATE runs SET held_usd = held_usd - 0.02, held_tokens = held_tokens - 900, rows = rows + 1, last = ?, "
            "head = ?, spent_usd = spent_usd + 0.01, spent_tokens = spent_tokens + 450 WHERE run = 'r'",
            (self.number, sha),
        )
        db.execute("COMMIT")

    def many(self, count: int) -> None:
        for _ in range(count):
            self.step()


def journal(setting: Setting) -> Iterator[Figure]:
    """A step of the journal: one at a time, of 32 tasks, and its CPU; on disk and in memory."""
    for where, root in (("disk", setting.scratch), ("memory", MEMORY)):
        if not root.is_dir():
            continue
        folder = Path(tempfile.mkdtemp(prefix="wainwright-bench-", dir=root))
        try:
            yield from place(where, folder, setting)
            yield verified(where, folder, setting)
        finally:
            shutil.rmtree(folder)


def verified(where: str, folder: Path, setting: Setting) -> Figure:
    """How long it takes to verify every row of a very long run, from a file that nobody has open."""
    rows, path = MANY // (100 if setting.quick else 1), folder / "many" / "journal.db"
    books = Books(path, usd=None, tokens=None)

    def write(tx: Any) -> None:
        book = tx.book("r1")
        for number in range(rows):
            tx.add(book, "signal", key=f"s{number}", body=json.dumps(REPLY))

    books.journal.file.write(write)
    books.journal.close()
    journal = Journal(path)
    try:
        began = time.perf_counter()
        verdict = journal.verify("r1")
        took = time.perf_counter() - began
    finally:
        journal.close()
    right = not verdict.wrong and verdict.rows > rows
    bar = Bar(10 * rows / MANY, "s")
    return Figure(f"verify of {rows:,} rows, {where}", "s", took, None, "nothing", bar, right)


def place(where: str, folder: Path, setting: Setting) -> Iterator[Figure]:
    ours, raw = Ours(folder), Raw(folder)
    count = (2 if where == "disk" else 20) * TASKS
    rounds = setting.runs(5)
    alone = interleave({OURS: each(ours.one_at_a_time, count), RAW: each(raw.many, count)}, rounds)
    yield figure(f"step, one at a time, {where}", alone, RAW, Bar(round(1 / 0.75, 2)))
    many = interleave({OURS: each(ours.side_by_side, count), RAW: each(raw.many, count)}, rounds)
    yield figure(f"step, {TASKS} tasks, {where}", many, RAW, Bar(0.4))
    spent = interleave(
        {
            OURS: each(ours.one_at_a_time, count, time.process_time),
            RAW: each(raw.many, count, time.process_time),
        },
        rounds,
    )
    right = not ours.books.journal.verify("r1").wrong
    yield beside(f"CPU a step beside SQLite, {where}", spent, right=right)
    ours.books.journal.close()
    raw.db.close()


def each(work: Callable[[int], Any], count: int, clock: Callable[[], float] = time.perf_counter) -> Prepare:
    """Prepares a run that takes the time of one of so many."""

    def run() -> float:
        began = clock()
        work(count)
        return (clock() - began) / count

    def prepare() -> Run:
        return run

    return prepare


def beside(name: str, samples: Samples, *, right: bool) -> Figure:
    """What ours takes more than the anchor, in seconds."""
    ours, raw = samples.value(OURS), samples.value(RAW)
    if ours is None or raw is None:
        raise Missing(name)
    return Figure(name, "s", ours - raw, raw, f"{RAW} itself", Bar(100e-6, "s"), right, samples=samples.taken)
