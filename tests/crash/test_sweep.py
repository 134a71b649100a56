"""Kill a run at every single append, go on in a new process, and find it as if nothing had happened."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from wainwright.domain.events import TaskLanded
from wainwright.journal import Journal

TASKS, CALLS = ("a", "b", "c"), 3
APPENDS = 2 + len(TASKS) * (CALLS * 2 + 1)
"""Of one undisturbed run: its book, its start, an intent and an outcome per call, and the landing of each task."""
HOLD_USD, SPEND_USD, HOLD_TOKENS, SPEND_TOKENS = 0.25, 0.125, 20, 10
EXPECTED = ["a+0+1+2", "b+0+1+2", "c+0+1+2"]


@pytest.fixture(scope="module")
def server() -> Iterator["subprocess.Popen[str]"]:
    """Forks one process for each request."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("workflow.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() == 0


class Workflow:
    """One journal, its outside world, and the processes that work on it one after the other."""

    def __init__(self, server: "subprocess.Popen[str]", folder: Path) -> None:
        self.server, self.folder = server, folder
        self.path = folder / "journal.db"
        self.cut_off: set[str] = set()
        """Every intent, by its place in the journal, that was under way when a process was killed."""

    def go(self, kill_at: int = 0, moment: str = "before") -> int:
        """Run until the end, or until it is killed; the exit code."""
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        request = {
            "journal": str(self.path),
            "outside": str(self.folder / "outside"),
            "answer": str(self.folder / "answer"),
            "kill_at": kill_at,
            "moment": moment,
        }
        self.server.stdin.write(json.dumps(request) + "\n")
        self.server.stdin.flush()
        code = int(self.server.stdout.readline())
        self.cut_off |= set(self.under_way("seq")) if code else set()
        return code

    def keys(self, sql: str) -> list[str]:
        with sqlite3.connect(self.path) as connection:
            found = [str(key) for (key,) in connection.execute(sql)]
        connection.close()
        return found

    def under_way(self, column: str = "key") -> list[str]:
        return self.keys(
            f"SELECT {column} FROM journal AS j WHERE kind = 'intent' "
            "AND NOT EXISTS (SELECT 1 FROM journal WHERE key = j.key AND seq > j.seq)"
        )

    def done(self) -> list[str]:
        return self.keys("SELECT key FROM journal WHERE kind = 'done'")

    def issued(self) -> Counter[str]:
        """How often each call reached the outside."""
        file = self.folder / "outside"
        return Counter(file.read_text().split() if file.exists() else [])

    def issued_of(self, keys: list[str]) -> dict[str, int]:
        """The same for some calls only."""
        issued = self.issued()
        return {key: issued[key] for key in keys}


@pytest.fixture
def workflow(server: "subprocess.Popen[str]", tmp_path: Path) -> Workflow:
    return Workflow(server, tmp_path)


def check_end(workflow: Workflow) -> None:
    """The outcome is that of an undisturbed run, and the books say what really happened."""
    assert json.loads((workflow.folder / "answer").read_text()) == EXPECTED
    journal = Journal(workflow.path)
    account, events = journal.account("r1"), journal.events("r1")
    assert not journal.verify("r1").wrong
    journal.close()
    landed = [e.task for e in events if isinstance(e, TaskLanded)]
    assert sorted(landed) == sorted(TASKS), "each task lands once"
    calls, lost = len(TASKS) * CALLS, len(workflow.cut_off)
    assert (account.calls, account.lost) == (calls, lost)
    assert account.spent_usd == calls * SPEND_USD + lost * HOLD_USD
    assert account.spent_tokens == calls * SPEND_TOKENS + lost * HOLD_TOKENS
    assert workflow.keys("SELECT held_usd + held_tokens FROM runs") == ["0.0"]
    assert len(set(workflow.done())) == len(workflow.done()) == calls


def test_the_control_run(workflow: Workflow) -> None:
    assert workflow.go() == 0
    assert len(workflow.keys("SELECT seq FROM journal")) == APPENDS
    assert set(workflow.issued().values()) == {1}
    check_end(workflow)
    # Asked again, it answers from the journal alone.
    assert workflow.go() == 0
    assert set(workflow.issued().values()) == {1}
    check_end(workflow)


@pytest.mark.parametrize(
    ("kill_at", "moment"),
    [
        *product(range(1, APPENDS + 1), ("before", "between", "after")),
        *product(range(1, APPENDS + 1, 6), ("told",)),
    ],
)
def test_killed_at_each_append(workflow: Workflow, kill_at: int, moment: str) -> None:
    assert workflow.go(kill_at, moment) == -signal.SIGKILL
    if moment not in ("before", "told"):  # what is written in one go with it is gone with it
        assert len(workflow.keys("SELECT seq FROM journal")) >= kill_at
    completed, under_way = workflow.done(), workflow.under_way()
    assert len(under_way) <= len(TASKS)

    assert workflow.go() == 0
    check_end(workflow)
    issued = workflow.issued()
    assert all(issued[key] == 1 for key in completed), "a completed call was made twice"
    assert all(issued[key] <= 2 for key in under_way)
    assert set(issued.values()) <= {1, 2}
    assert {key for key, count in issued.items() if count == 2} <= set(under_way)


@pytest.mark.parametrize("seed", range(10))
def test_killed_again_and_again(workflow: Workflow, seed: int) -> None:
    rng = random.Random(seed)
    completed: dict[str, int] = {}
    for _ in range(5):
        if workflow.go(rng.randint(1, 8), rng.choice(["before", "told", "between", "after"])) == 0:
            break
        completed = {**workflow.issued_of(workflow.done()), **completed}
    assert workflow.go() == 0
    check_end(workflow)
    assert workflow.issued_of(list(completed)) == completed, "a completed call was made again"
