"""The journal: paid once, never past a cap, owned by one live process, and nothing changed behind its back."""

import asyncio
import gc
import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError
from tests.unit.journal.damaged import first

from wainwright.domain.errors import (
    BudgetExceeded,
    Diverged,
    Fenced,
    InputError,
    JournalBroken,
    JournalError,
    RunBusy,
)
from wainwright.domain.events import HoldMoved, RunFailed, SnapshotTaken
from wainwright.domain.goal import Stage
from wainwright.domain.text import clean
from wainwright.journal import Journal, Lease, Reservation, Row, Spend, Steps, chain, owners, schema

FIRST = first("r1")
SNAPSHOT = SnapshotTaken(commit="c0", tree="t0", head=None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    opened = Journal(path)
    yield opened
    opened.close()


@pytest.fixture
def lease(journal: Journal) -> Lease:
    return begin_run(journal)


def begin_run(
    journal: Journal, run: str = "r1", *, cap_usd: float | None = None, cap_tokens: int | None = None
) -> Lease:
    return journal.create(FIRST, run, "Make it work", cap_usd=cap_usd, cap_tokens=cap_tokens)


class Act:
    """An act that counts how often it is done."""

    def __init__(
        self, value: JsonValue = "done", spend: Spend | None = None, *, fails: BaseException | None = None
    ) -> None:
        self.value, self.spend, self.fails = value, spend or Spend(), fails
        self.keys: list[str] = []

    async def __call__(self, key: str) -> tuple[JsonValue, Spend]:
        self.keys.append(key)
        await asyncio.sleep(0)
        if self.fails is not None:
            raise self.fails
        return self.value, self.spend


def rows(path: Path, sql: str) -> list[tuple[JsonValue, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def write(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(sql)
    connection.close()


def rows_of(journal: Journal, run: str = "r1") -> int:
    """How many rows a run has, all of them as they were written."""
    verdict = journal.verify(run)
    assert not verdict.wrong
    return verdict.rows


def kinds(path: Path) -> list[str]:
    return [
        str(kind)
        for (kind,) in rows(path, "SELECT kind FROM journal WHERE kind NOT IN ('book', 'event') ORDER BY seq")
    ]


def held(path: Path) -> tuple[JsonValue, ...]:
    return rows(path, "SELECT round(held_usd, 9), held_tokens FROM runs")[0]


# ---- steps


async def test_a_step_is_done_once(journal: Journal, lease: Lease) -> None:
    act = Act({"text": "ü", "n": [1, None]})
    for _ in range(3):
        steps = Steps(journal, lease, "/BUILD/t1.1.0")
        assert await steps.step("ask", inputs={"q": 1}, effect="read", act=act) == {
            "text": "ü",
            "n": [1, None],
        }
    assert act.keys == ["/BUILD/t1.1.0/ask#0"]


async def test_equal_asks_in_one_scope_are_numbered(journal: Journal, lease: Lease) -> None:
    acts = [Act(), Act()]
    for act in acts:
        steps = Steps(journal, lease, "/s")
        for _ in range(3):
            await steps.step("ask", inputs="same", effect="read", act=act)
        await steps.step("other", inputs="same", effect="read", act=act)
    assert [len(act.keys) for act in acts] == [4, 0]
    assert [k for (k,) in rows_of_done(journal)] == ["/s/ask#0", "/s/ask#1", "/s/ask#2", "/s/other#0"]


def rows_of_done(journal: Journal) -> list[tuple[str]]:
    return journal.file.db.execute("SELECT key FROM journal WHERE kind = 'done' ORDER BY seq").fetchall()


async def test_other_inputs_under_the_same_key_diverge_and_say_how_to_go_on_from_before(
    journal: Journal, lease: Lease
) -> None:
    await Steps(journal, lease, "/s").step("earlier", inputs=None, effect="read", act=Act())
    await Steps(journal, lease, "/s").step("ask", inputs={"a": 1, "b": 2}, effect="idempotent", act=Act())
    act = Act()
    with pytest.raises(Diverged) as caught:
        await Steps(journal, lease, "/s").step("ask", inputs={"a": 1, "b": 3}, effect="idempotent", act=act)
    assert caught.value.message == (
        "Step /s/ask#0 was recorded for something else. b was recorded as `2` and is now `3`."
    )
    before = journal.file.db.execute("SELECT seq FROM journal WHERE key = '/s/earlier#0'").fetchall()[-1][0]
    assert f"`wainwright replay r1 --fork {before}`" in caught.value.hint
    assert act.keys == []
    # The order of keys is no difference.
    await Steps(journal, lease, "/s").step("ask", inputs={"b": 2, "a": 1}, effect="idempotent", act=act)
    assert act.keys == []


async def test_a_field_that_only_one_version_knows_is_no_other_step(journal: Journal, lease: Lease) -> None:
    blocks: JsonValue = [{"path": "a.py", "text": "x"}]
    await Steps(journal, lease, "/s").step("edit", inputs=blocks, effect="idempotent", act=Act("then"))
    act = Act("now")
    newer: JsonValue = [{"path": "a.py", "text": "x", "mode": "whole"}]
    for asked in (newer, [{"path": "a.py"}]):
        found = await Steps(journal, lease, "/s").step("edit", inputs=asked, effect="idempotent", act=act)
        assert (found, act.keys) == ("then", [])


async def test_what_only_looked_looks_again_at_something_else(journal: Journal, lease: Lease) -> None:
    await Steps(journal, lease, "/s").step("receipt", inputs={"tree": "t1"}, effect="read", act=Act("red"))
    for _ in range(2):  # the second time from the record
        act = Act("green")
        found = await Steps(journal, lease, "/s").step(
            "receipt", inputs={"tree": "t2"}, effect="read", act=act
        )
        assert found == "green"
    assert act.keys == []
    assert not journal.verify("r1").wrong


async def test_parallel_scopes_never_mix(journal: Journal, lease: Lease) -> None:
    async def task(scope: str) -> list[JsonValue]:
        steps = Steps(journal, lease, scope)

        async def act(key: str) -> tuple[JsonValue, Spend]:
            await asyncio.sleep(0)
            return f"{scope} {key}", Spend()

        return [await steps.step("ask", inputs=n, effect="read", act=act) for n in range(5)]

    scopes = [f"/BUILD/t{n}.1.0" for n in range(6)]
    first = await asyncio.gather(*map(task, scopes))
    again = await asyncio.gather(*map(task, reversed(scopes)))
    assert first == again[::-1]
    for scope, answers in zip(scopes, first, strict=True):
        assert answers == [f"{scope} {scope}/ask#{n}" for n in range(5)]


async def test_steps_side_by_side_in_one_scope_get_numbers_of_their_own(
    journal: Journal, lease: Lease
) -> None:
    async def twice() -> list[JsonValue]:
        steps = Steps(journal, lease, "/s")
        return await asyncio.gather(
            *(steps.step("read", inputs=n, effect="read", act=Act(f"answer {n}")) for n in range(8))
        )

    assert await twice() == [f"answer {n}" for n in range(8)]
    assert await twice() == [f"answer {n}" for n in range(8)]
    assert len(rows_of_done(journal)) == 8


async def test_a_step_that_is_under_way_is_not_begun_again(journal: Journal, lease: Lease) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: str) -> tuple[JsonValue, Spend]:
        begun.set()
        await go_on.wait()
        return "slow", Spend(usd=1)

    first = asyncio.create_task(
        Steps(journal, lease, "/s").step(
            "ask", inputs=1, effect="llm", act=slow, reservation=Reservation(usd=2)
        )
    )
    await begun.wait()
    act = Act()
    with pytest.raises(JournalError, match="under way"):
        await Steps(journal, lease, "/s").step(
            "ask", inputs=1, effect="llm", act=act, reservation=Reservation(usd=2)
        )
    go_on.set()
    assert await first == "slow"
    assert act.keys == []
    assert journal.account("r1").spent_usd == 1


async def test_a_failed_step_is_tried_again_under_its_key(journal: Journal, lease: Lease, path: Path) -> None:
    steps, good = Steps(journal, lease, "/s"), Act("good")
    bad = Act(fails=InputError("no"))
    for _ in range(2):
        with pytest.raises(InputError, match="no"):
            await steps.step("ask", inputs=1, effect="llm", act=bad, reservation=Reservation(usd=1, tokens=9))
    # What failed may be asked for with other inputs.
    assert await steps.step("ask", inputs=2, effect="llm", act=good) == "good"
    assert await steps.step("ask", inputs=3, effect="llm", act=good) == "good"
    assert bad.keys + good.keys == ["/s/ask#0"] * 3 + ["/s/ask#1"]
    assert kinds(path) == ["intent", "failed"] * 2 + ["intent", "done"] * 2
    assert held(path) == (0, 0)
    assert journal.account("r1").spent_usd == 0


async def test_a_failure_may_have_cost_something(journal: Journal, lease: Lease, path: Path) -> None:
    class Refused(Exception):
        spend = Spend(usd=0.25, tokens=7)

    with pytest.raises(Refused):
        await Steps(journal, lease, "/s").step(
            "ask", inputs=1, effect="llm", act=Act(fails=Refused()), reservation=Reservation(usd=1, tokens=9)
        )
    account = journal.account("r1")
    assert (account.spent_usd, account.spent_tokens, held(path)) == (0.25, 7, (0, 0))


@pytest.mark.parametrize(
    "end", [asyncio.CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit, ValueError, OSError]
)
async def test_when_the_act_is_broken_off_or_has_a_defect_its_whole_reservation_counts(
    journal: Journal, lease: Lease, path: Path, end: type[BaseException]
) -> None:
    with pytest.raises(end):
        await Steps(journal, lease, "/s").step(
            "ask", inputs=1, effect="llm", act=Act(fails=end()), reservation=Reservation(usd=1, tokens=9)
        )
    account = journal.account("r1")
    assert (account.spent_usd, account.spent_tokens, held(path)) == (1, 9, (0, 0))
    assert kinds(path) == ["intent", "failed"]


async def test_a_cancelled_call_gives_its_reservation_up_and_is_asked_anew(
    journal: Journal, lease: Lease, path: Path
) -> None:
    begun = asyncio.Event()

    async def endless(_: str) -> tuple[JsonValue, Spend]:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    call = asyncio.create_task(
        Steps(journal, lease, "/s").step(
            "ask", inputs=1, effect="llm", act=endless, reservation=Reservation(usd=2)
        )
    )
    await begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert held(path) == (0, 0)
    assert journal.account("r1").spent_usd == 2
    assert await Steps(journal, lease, "/s").step("ask", inputs=1, effect="llm", act=Act("new")) == "new"


async def passes(turns: int = 5) -> None:
    """Let what is ready go on."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def test_a_call_cancelled_before_it_was_made_costs_nothing(
    journal: Journal, lease: Lease, path: Path
) -> None:
    # Another writer keeps the reservation waiting, so the cancel comes while it is being written.
    act = Act()
    with busy(path):
        call = asyncio.create_task(
            Steps(journal, lease, "/s").step(
                "ask", inputs=1, effect="llm", act=act, reservation=Reservation(usd=2, tokens=5)
            )
        )
        await passes()
        call.cancel()
        await passes()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert act.keys == []
    assert held(path) == (0, 0)
    assert journal.account("r1").spent_usd == 0
    assert kinds(path) == ["intent", "failed"]


@contextmanager
def busy(path: Path) -> Iterator[None]:
    """Another writer, so that a write that is asked for meanwhile has to wait."""
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("threads", ["free", "all at work"])
async def test_a_reply_that_was_paid_is_kept_when_the_cancel_comes_while_it_is_written(
    journal: Journal, lease: Lease, path: Path, times: int, threads: str
) -> None:
    asked, answered, go_on = asyncio.Event(), asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))

    async def act(_: str) -> tuple[JsonValue, Spend]:
        asked.set()
        await answered.wait()
        if threads == "all at work":
            loop.run_in_executor(None, go_on.wait)
        return "dear", Spend(usd=1, tokens=7)

    steps = Steps(journal, lease, "/s")
    call = asyncio.create_task(
        steps.step("ask", inputs=1, effect="llm", act=act, reservation=Reservation(usd=2, tokens=9))
    )
    await asked.wait()
    with busy(path):
        answered.set()
        await passes()
        for _ in range(times):
            call.cancel()
            await passes()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await call
    account = journal.account("r1")
    assert (kinds(path), held(path)) == (["intent", "done"], (0, 0))
    assert (account.spent_usd, account.spent_tokens) == (1, 7)
    again = Act("anew")
    assert await Steps(journal, lease, "/s").step("ask", inputs=1, effect="llm", act=again) == "dear"
    assert again.keys == []


async def test_a_failure_that_was_paid_is_kept_when_the_cancel_comes_while_it_is_written(
    journal: Journal, lease: Lease, path: Path
) -> None:
    class Refused(Exception):
        spend = Spend(usd=0.25, tokens=7)

    asked, answered = asyncio.Event(), asyncio.Event()

    async def act(_: str) -> tuple[JsonValue, Spend]:
        asked.set()
        await answered.wait()
        raise Refused

    steps = Steps(journal, lease, "/s")
    call = asyncio.create_task(
        steps.step("ask", inputs=1, effect="llm", act=act, reservation=Reservation(usd=2, tokens=9))
    )
    await asked.wait()
    with busy(path):
        answered.set()
        await passes()
        call.cancel()
        await passes()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (kinds(path), held(path)) == (["intent", "failed"], (0, 0))
    assert journal.account("r1").spent_usd == 0.25


@pytest.mark.parametrize("moment", range(0, 24, 2))
async def test_whenever_the_cancel_comes_the_books_balance(
    journal: Journal, lease: Lease, path: Path, moment: int
) -> None:
    answered: list[str] = []

    async def act(_: str) -> tuple[JsonValue, Spend]:
        await passes(4)
        answered.append("yes")
        return "yes", Spend(usd=1)

    steps = Steps(journal, lease, "/s")
    call = asyncio.create_task(
        steps.step("ask", inputs=1, effect="llm", act=act, reservation=Reservation(usd=2))
    )
    for _ in range(moment):
        # The journal's thread gets its turn too: the cancel meets each part of the step.
        await asyncio.to_thread(lambda: None)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert held(path) == (0, 0)
    assert kinds(path) in ([], ["intent", "done" if answered else "failed"])
    if answered:
        assert journal.account("r1").spent_usd == 1


async def test_closing_waits_for_what_is_being_written(journal: Journal, lease: Lease, path: Path) -> None:
    asked, answered = asyncio.Event(), asyncio.Event()

    async def act(_: str) -> tuple[JsonValue, Spend]:
        asked.set()
        await answered.wait()
        return "dear", Spend(usd=1)

    steps = Steps(journal, lease, "/s")
    call = asyncio.create_task(
        steps.step("ask", inputs=1, effect="llm", act=act, reservation=Reservation(usd=2))
    )
    await asked.wait()
    with busy(path):
        answered.set()
        await passes()
        call.cancel()
        closing = asyncio.create_task(asyncio.to_thread(journal.close))
        await passes()
        assert not closing.done()
    await closing
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (kinds(path), held(path)) == (["intent", "done"], (0, 0))


ENDING = """
import asyncio, sys
from pathlib import Path
from wainwright.domain.text import clean
from wainwright.journal import Journal, Reservation, Spend, Steps

async def main():
    answered = asyncio.Event()

    async def act(key):
        print("asked", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        answered.set()
        return "dear", Spend(usd=1)

    journal = Journal(Path(sys.argv[1]))
    steps = Steps(journal, journal.claim("r1"), "/s")
    call = asyncio.ensure_future(steps.step("ask", inputs=1, effect="llm", act=act, reservation=Reservation(usd=2)))
    await answered.wait()

asyncio.run(main())
"""


def test_a_process_does_not_end_before_the_outcome_is_on_disk(
    journal: Journal, lease: Lease, path: Path
) -> None:
    journal.release(lease)
    with subprocess.Popen(
        [sys.executable, "-c", ENDING, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "asked\n"
        with busy(path):
            process.stdin.write("answered\n")
            process.stdin.flush()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)
        assert process.wait(60) == 0
    assert (kinds(path), held(path)) == (["intent", "done"], (0, 0))
    assert journal.account("r1").spent_usd == 1


async def test_inputs_are_read_back_in_their_order_and_are_the_same_in_any(
    journal: Journal, lease: Lease
) -> None:
    """What a conversation sends again is the same to the byte, so that a provider finds it in its cache."""
    await Steps(journal, lease, "/s").step("ask", inputs={"b": 1, "a": 2}, effect="llm", act=Act("one"))
    again = Steps(journal, lease, "/s")
    found = await again.last("ask")
    assert json.dumps(found) == '[{"b": 1, "a": 2}, "one"]'
    act = Act()
    assert await again.step("ask", inputs={"a": 2, "b": 1}, effect="llm", act=act) == "one"
    with pytest.raises(Diverged):
        await Steps(journal, lease, "/s").step("ask", inputs={"a": 1, "b": 2}, effect="llm", act=act)
    assert act.keys == []


async def test_what_a_scope_did_last_is_found_by_name_voided_or_not(journal: Journal, lease: Lease) -> None:
    steps = Steps(journal, lease, "/s")
    await steps.step("ask", inputs=["first"], effect="llm", act=Act("one"))
    await steps.step("ask", inputs=["second"], effect="llm", act=Act("two"))
    await steps.step("look", inputs=None, effect="read", act=Act("else"))
    await steps.below("inner").step("ask", inputs=["inner"], effect="llm", act=Act("three"))
    await steps.void()
    again = Steps(journal, lease, "/s")
    assert await again.last("ask") == (["second"], "two")
    assert await again.last("look") == (None, "else")
    assert await again.last("as") is None


async def test_a_useless_answer_is_voided_and_asked_anew(journal: Journal, lease: Lease) -> None:
    steps = Steps(journal, lease, "/s")
    await steps.step("ask", inputs=1, effect="llm", act=Act("useless"))
    await Steps(journal, lease, "/other").step("ask", inputs=1, effect="llm", act=Act("kept"))
    await steps.void()
    act = Act("better")
    assert await Steps(journal, lease, "/s").step("ask", inputs=2, effect="llm", act=act) == "better"
    assert await Steps(journal, lease, "/other").step("ask", inputs=1, effect="llm", act=act) == "kept"
    assert journal.account("r1").calls == 3, "a voided call was paid all the same"


async def test_a_scope_below_has_steps_of_its_own(journal: Journal, lease: Lease) -> None:
    steps = Steps(journal, lease, "/s")
    act = Act()
    await steps.step("ask", inputs=1, effect="read", act=act)
    await steps.below("inner").step("ask", inputs=2, effect="read", act=act)
    assert act.keys == ["/s/ask#0", "/s/inner/ask#0"]
    assert steps.below("inner").scope == "/s/inner"


ANY_TEXT = st.text(st.characters(exclude_categories=()))
"""Half surrogate pairs and NUL too."""


@given(
    told=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT,
        lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
        max_leaves=8,
    ),
    scope=ANY_TEXT,
)
@settings(max_examples=30, deadline=None)
def test_whatever_is_told_is_recorded(
    told: JsonValue, scope: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    journal = Journal(tmp_path_factory.mktemp("told") / "journal.db")
    lease = begin_run(journal)
    act, again = Act(told, Spend(usd=1)), Act()

    async def ask(act: Act) -> JsonValue:
        steps = Steps(journal, lease, f"/{scope}")
        return await steps.step("ask", inputs=told, effect="llm", act=act, reservation=Reservation(usd=2))

    first = asyncio.run(ask(act))
    assert asyncio.run(ask(again)) == first
    assert again.keys == []
    assert journal.account("r1").spent_usd == 1
    assert not journal.verify("r1").wrong
    journal.close()


@given(text=ANY_TEXT)
@settings(max_examples=30, deadline=None)
def test_whatever_a_failure_or_an_event_says_is_recorded(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    journal = Journal(tmp_path_factory.mktemp("told") / "journal.db")
    lease = journal.create(FIRST, "r1", text, cap_usd=None, cap_tokens=None)
    # Not made by its constructor, which would have cleaned it.
    moved = RunFailed(reason="").model_copy(update={"reason": text})
    journal.append(lease, [moved])
    journal.post("r1", "s1", {"reason": text})
    steps = Steps(journal, lease, "/s")
    with pytest.raises(ValueError, match="refused"):
        asyncio.run(steps.step("ask", inputs=1, effect="llm", act=Act(fails=ValueError(f"refused {text}"))))
    assert journal.events("r1")[1] == RunFailed(reason=clean(text))
    assert [row.goal for row in journal.runs()] == [clean(text)]
    assert len(journal.signals("r1")) == 1
    assert not journal.verify("r1").wrong
    journal.close()


# ---- caps


async def ask_many(
    steps: Callable[[int], Steps], count: int, hold: Reservation, spend: Spend
) -> tuple[int, int]:
    """How many of so many calls at once were made, and how many were refused."""
    done = await asyncio.gather(
        *(
            steps(n).step("ask", inputs=n, effect="llm", act=Act(spend=spend), reservation=hold)
            for n in range(count)
        ),
        return_exceptions=True,
    )
    refused = [d for d in done if isinstance(d, BudgetExceeded)]
    assert all(isinstance(d, BudgetExceeded) or d == "done" for d in done)
    assert all(r.hint for r in refused)
    return count - len(refused), len(refused)


async def test_a_cap_in_money_is_never_passed_by_many_at_once(journal: Journal, path: Path) -> None:
    lease = begin_run(journal, cap_usd=1.0)
    made, refused = await ask_many(
        lambda n: Steps(journal, lease, f"/t{n}"), 30, Reservation(usd=0.125), Spend(usd=0.125)
    )
    assert (made, refused) == (8, 22)
    assert journal.account("r1").spent_usd == 1.0
    assert held(path) == (0, 0)
    assert peak(path) <= 1.0


async def test_a_cap_in_tokens_is_never_passed_by_many_at_once(journal: Journal, path: Path) -> None:
    lease = begin_run(journal, cap_tokens=100)
    made, refused = await ask_many(
        lambda n: Steps(journal, lease, f"/t{n}"), 30, Reservation(tokens=30), Spend(tokens=30)
    )
    assert (made, refused) == (3, 27)
    account = journal.account("r1")
    assert (account.spent_tokens, account.calls, held(path)) == (90, 3, (0, 0))


async def test_what_is_not_spent_may_be_spent_by_others(journal: Journal, path: Path) -> None:
    lease = begin_run(journal, cap_usd=1.0)
    for n in range(30):
        await Steps(journal, lease, f"/t{n}").step(
            "ask",
            inputs=n,
            effect="llm",
            act=Act(spend=Spend(usd=0.03125)),
            reservation=Reservation(usd=0.0625),
        )
    assert journal.account("r1").spent_usd == 0.9375
    assert held(path) == (0, 0)
    assert peak(path) <= 1.0


def peak(path: Path) -> float:
    """The most that was ever spent and held together, row by row."""
    walk, most = chain.Walk(chain.Book("r1")), 0.0
    for row in rows(path, f"SELECT {chain.ROW} FROM journal ORDER BY seq"):
        walk.adopt(Row(*row))  # type: ignore[arg-type]
        most = max(most, walk.book.spent_usd + walk.book.held_usd)
    return most


async def test_a_refused_call_leaves_nothing_behind_and_a_raised_cap_lets_it_through(
    journal: Journal, path: Path
) -> None:
    lease = begin_run(journal, cap_usd=1.0, cap_tokens=10)
    steps, act = Steps(journal, lease, "/s"), Act()
    with pytest.raises(BudgetExceeded, match="may cost"):
        await steps.step("ask", inputs=1, effect="llm", act=act, reservation=Reservation(usd=2))
    with pytest.raises(BudgetExceeded, match="tokens"):
        await steps.step("ask", inputs=1, effect="llm", act=act, reservation=Reservation(tokens=11))
    assert (kinds(path), act.keys) == ([], [])
    await steps.step("free", inputs=1, effect="read", act=act)
    journal.raise_caps("r1", cap_usd=3.0, cap_tokens=20)
    await steps.step("ask", inputs=1, effect="llm", act=act, reservation=Reservation(usd=2, tokens=11))
    assert act.keys == ["/s/free#0", "/s/ask#0"]


@given(
    cap=st.integers(0, 40),
    calls=st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 12), st.sampled_from(["done", "failed", "crash"])),
        max_size=12,
    ),
)
@settings(max_examples=25, deadline=None)
def test_the_books_balance(cap: int, calls: list[tuple[int, int, str]], tmp_path_factory: object) -> None:
    assert isinstance(tmp_path_factory, pytest.TempPathFactory)
    journal = Journal(tmp_path_factory.mktemp("books") / "journal.db")
    lease = begin_run(journal, cap_tokens=cap)
    settled = 0
    for number, (reserve, part, end) in enumerate(calls):
        hold, spend = Reservation(tokens=reserve), Spend(tokens=min(reserve, part))
        key = f"/s/ask#{number}"
        try:
            journal.begin(lease, key, number, "llm", hold)
        except BudgetExceeded:
            assert settled + reserve > cap
            continue
        if end == "crash":
            journal.release(lease)
            lease = journal.claim("r1")
            settled += reserve
        else:
            journal.end(lease, key, (end, "null"), "llm", spend)
            settled += spend.tokens
        assert settled <= cap
    assert journal.account("r1").spent_tokens == settled
    assert held(db_path(journal)) == (0, 0)
    assert not journal.verify("r1").wrong
    journal.close()


def db_path(journal: Journal) -> Path:
    return Path(journal.file.db.execute("PRAGMA database_list").fetchone()[2])


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf")])
def test_no_reservation_is_negative_or_endless(amount: float) -> None:
    for kind in (Reservation, Spend):
        with pytest.raises(ValidationError):
            kind(usd=amount)
    with pytest.raises(ValidationError):
        Reservation(tokens=-1)


# ---- ownership


OWNER = """
import sys, time
from pathlib import Path
from wainwright.domain.text import clean
from wainwright.journal import Journal, Reservation

journal = Journal(Path(sys.argv[1]))
lease = journal.claim("r1")
journal.begin(lease, "/s/ask#0", 1, "llm", Reservation(usd=2.0, tokens=5))
print(lease.epoch, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def owner(journal: Journal, lease: Lease, path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that owns the run and has a call under way."""
    journal.release(lease)
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "2\n"
        yield process
        process.kill()


def test_a_run_of_a_live_process_is_busy(journal: Journal, owner: subprocess.Popen[str]) -> None:
    with pytest.raises(RunBusy, match=str(owner.pid)):
        journal.claim("r1")
    assert [r.owned for r in journal.runs()] == [True]


def test_who_died_is_followed_and_what_was_under_way_counts_as_lost(
    journal: Journal, owner: subprocess.Popen[str], path: Path
) -> None:
    os.kill(owner.pid, signal.SIGKILL)
    # Not reaped: a killed process that is still listed counts as dead.
    os.waitid(os.P_PID, owner.pid, os.WEXITED | os.WNOWAIT)
    assert [r.owned for r in journal.runs()] == [False]
    lease = journal.claim("r1")
    assert lease.epoch == 3
    account = journal.account("r1")
    assert (account.spent_usd, account.spent_tokens, account.calls, account.lost) == (2, 5, 0, 1)
    assert held(path) == (0, 0)
    assert kinds(path) == ["intent", "lost"]
    # Lost is told once.
    journal.release(lease)
    journal.claim("r1")
    assert journal.account("r1").lost == 1


def test_a_live_process_whose_lease_ran_out_is_fenced(
    journal: Journal, owner: subprocess.Popen[str], path: Path
) -> None:
    write(path, "UPDATE runs SET lease_until = 1")
    old = Lease(run="r1", epoch=2)
    new = journal.claim("r1")
    refused: tuple[Callable[[], object], ...] = (
        lambda: journal.append(old, [SNAPSHOT]),
        lambda: journal.beat(old),
        lambda: journal.begin(old, "/s/b#0", 1, "llm", Reservation()),
        lambda: journal.end(old, "/s/ask#0", ("done", "1"), "llm", Spend()),
        lambda: journal.void(old, ["/s/ask#0"]),
    )
    for act in refused:
        with pytest.raises(Fenced):
            act()
    journal.release(old)
    journal.append(new, [SNAPSHOT])
    assert [e.kind for e in journal.events("r1")] == ["run-started", "snapshot-taken"]


async def test_a_call_that_ends_after_the_run_was_taken_over_is_not_recorded(
    journal: Journal, lease: Lease, path: Path
) -> None:
    async def taken(_: str) -> tuple[JsonValue, Spend]:
        journal.release(lease)
        journal.claim("r1")
        return "late", Spend(usd=1)

    with pytest.raises(Fenced):
        await Steps(journal, lease, "/s").step(
            "ask", inputs=1, effect="llm", act=taken, reservation=Reservation(usd=2)
        )
    assert kinds(path) == ["intent", "lost"]
    assert journal.account("r1").spent_usd == 2


def test_a_reused_pid_is_another_process(journal: Journal, lease: Lease, path: Path) -> None:
    with pytest.raises(RunBusy):
        journal.claim("r1")
    write(path, f"UPDATE runs SET owner = '{os.getpid()}:12345'")
    assert journal.claim("r1").epoch == lease.epoch + 1


def test_where_the_system_does_not_tell_start_times_a_live_pid_still_owns(
    journal: Journal,
    owner: subprocess.Popen[str],
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(owners, "PROC", tmp_path / "no-proc")
    write(path, f"UPDATE runs SET owner = '{owner.pid}:unknown'")
    with pytest.raises(RunBusy):
        journal.claim("r1")
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    assert journal.claim("r1").epoch == 3


def test_a_beat_renews_and_a_release_gives_back(journal: Journal, lease: Lease, path: Path) -> None:
    write(path, "UPDATE runs SET lease_until = 1")
    assert [r.owned for r in journal.runs()] == [False]
    journal.beat(lease)
    assert [r.owned for r in journal.runs()] == [True]
    journal.release(lease)
    assert [r.owned for r in journal.runs()] == [False]
    with pytest.raises(InputError, match="no run r9"):
        journal.claim("r9")


# ---- events, signals, blobs


def test_events_are_written_all_or_none(journal: Journal, lease: Lease, path: Path) -> None:
    journal.append(lease, [SNAPSHOT, HoldMoved(until=Stage.BUILD)])
    assert journal.events("r1") == [FIRST, SNAPSHOT, HoldMoved(until=Stage.BUILD)]
    assert [kind for _, kind in journal.times("r1")] == ["run-started", "snapshot-taken", "hold-moved"]
    with pytest.raises(UserWarning, match="PydanticSerialization"):
        journal.append(lease, [SNAPSHOT, None])  # type: ignore[list-item]
    assert len(journal.events("r1")) == 3
    journal.release(lease)
    journal.claim("r1")
    with pytest.raises(Fenced):
        journal.append(lease, [SNAPSHOT])
    assert len(journal.events("r1")) == 3


def test_runs_are_listed_newest_first_and_do_not_mix(journal: Journal) -> None:
    leases = [begin_run(journal, run) for run in ("r1", "r2", "r3")]
    journal.append(leases[1], [SNAPSHOT])
    assert [r.run for r in journal.runs()] == ["r3", "r2", "r1"]
    assert [len(journal.events(r)) for r in ("r1", "r2", "r3")] == [1, 2, 1]
    assert [rows_of(journal, r) for r in ("r1", "r2", "r3")] == [2, 3, 2]


async def test_calls_are_told_in_order_with_their_cost(journal: Journal, lease: Lease) -> None:
    steps = Steps(journal, lease, "/s")
    await steps.step(
        "model",
        inputs=1,
        effect="llm",
        act=Act({"text": "hi"}, Spend(usd=0.5, tokens=3)),
        reservation=Reservation(usd=1),
        about={"model": "a/b"},
    )
    first, begun, *_ = journal.rows("r1")
    assert (begun.kind, begun.usd, begun.body) == ("intent", 1.0, '{"model":"a/b"}')
    assert journal.newest("r1", first.seq)[0] == begun
    await steps.step("read", inputs=1, effect="read", act=Act())
    assert journal.calls("r1") == [{"key": "/s/model#0", "reply": {"text": "hi"}, "usd": 0.5, "tokens": 3}]


def test_a_signal_counts_once_and_reaches_the_owner_from_anywhere(
    journal: Journal, lease: Lease, path: Path
) -> None:
    other = Journal(path)
    other.post("r1", "s1", {"decide": "plan-1"})
    other.post("r1", "s1", {"decide": "twice"})
    other.post("r1", "s2", {"cancel": True})
    with pytest.raises(InputError, match="no run r2"):
        other.post("r2", "s3", {})
    other.close()
    waiting = [("s1", {"decide": "plan-1"}), ("s2", {"cancel": True})]
    assert [(s.id, s.body) for s in journal.signals("r1")] == waiting
    # Who takes it and is killed before it obeyed has not lost it.
    assert [(s.id, s.body) for s in journal.signals("r1")] == waiting
    journal.settle_signal("r1", "s1")
    assert [s.id for s in journal.signals("r1")] == ["s2"]
    journal.settle_signal("r1", "s2")
    journal.post("r1", "s1", {"decide": "late"})
    assert journal.signals("r1") == []


def test_blobs_are_kept_under_their_digest(journal: Journal) -> None:
    content = os.urandom(1000) + b"x" * 10_000
    assert journal.put_blob(content) == journal.put_blob(content)
    assert journal.get_blob(journal.put_blob(content)) == content
    assert journal.get_blob(journal.put_blob(b"")) == b""
    with pytest.raises(JournalError, match="no content"):
        journal.get_blob("0" * 64)


async def test_the_inputs_of_a_step_are_kept(journal: Journal, lease: Lease, path: Path) -> None:
    await Steps(journal, lease, "/s").step("ask", inputs={"b": "ü", "a": 1}, effect="read", act=Act())
    ((fingerprint,),) = rows(path, "SELECT fingerprint FROM journal WHERE kind = 'intent'")
    assert journal.get_blob(str(fingerprint)).decode() == '{"b":"ü","a":1}'


# ---- the chain


@pytest.fixture
async def chained(journal: Journal, lease: Lease) -> Journal:
    await Steps(journal, lease, "/s").step("ask", inputs=1, effect="llm", act=Act("yes", Spend(usd=1)))
    journal.append(lease, [SNAPSHOT, HoldMoved(until=None)])
    assert rows_of(journal) == 6
    return journal


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE journal SET body = '\"no\"' WHERE kind = 'done'",
        "UPDATE journal SET usd = 0 WHERE kind = 'done'",
        "UPDATE journal SET key = '/t/ask#0' WHERE kind = 'intent'",
        "UPDATE journal SET at = at - 1 WHERE seq = 1",
        "UPDATE journal SET epoch = 7 WHERE seq = 2",
        "UPDATE journal SET fingerprint = 'x' WHERE kind = 'intent'",
        "DELETE FROM journal WHERE seq = 1",
        "DELETE FROM journal WHERE seq = 3",
        "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)",
        "DELETE FROM journal",
        "UPDATE journal SET seq = 99 WHERE seq = 4",
        "INSERT INTO journal SELECT 99, run, kind, key, effect, fingerprint, usd, tokens, body, epoch, at, "
        "hash FROM journal WHERE seq = 5",
        "INSERT INTO journal SELECT 99, run, kind, key, effect, fingerprint, usd, tokens, body, epoch, at, "
        "'x' FROM journal WHERE seq = 5",
    ],
)
async def test_verify_finds_what_was_changed(chained: Journal, path: Path, change: str) -> None:
    write(path, change)
    assert chained.verify("r1").wrong


def test_there_is_nothing_to_verify_without_a_run(journal: Journal) -> None:
    with pytest.raises(InputError, match="no run r9"):
        journal.verify("r9")


# ---- the file


def test_only_the_owner_may_read_the_files(journal: Journal, lease: Lease, path: Path) -> None:
    files = list(path.parent.iterdir())
    assert path in files
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_journal_of_a_newer_version_is_refused(journal: Journal, lease: Lease, path: Path) -> None:
    write(path, f"PRAGMA user_version = {schema.VERSION + 1}")
    with pytest.raises(JournalError, match="newer version") as caught:
        Journal(path)
    assert caught.value.hint
    gc.collect()


def test_a_journal_is_opened_again_as_it_was(journal: Journal, lease: Lease, path: Path) -> None:
    journal.append(lease, [SNAPSHOT])
    journal.close()
    again = Journal(path)
    assert again.events("r1") == [FIRST, SNAPSHOT]
    assert rows_of(again) == 3
    again.append(lease, [HoldMoved(until=None)])
    assert rows_of(again) == 4
    again.close()


def test_a_full_disk_is_told_and_the_journal_works_again_afterwards(journal: Journal, lease: Lease) -> None:
    pages = journal.file.db.execute("PRAGMA page_count").fetchone()[0]
    journal.file.db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalError, match="disk is full"):
        journal.put_blob(os.urandom(500_000))
    journal.file.db.execute("PRAGMA max_page_count = 1000000")
    journal.append(lease, [SNAPSHOT])
    assert rows_of(journal) == 3


def test_many_may_open_a_new_journal_at_once(path: Path) -> None:
    barrier = threading.Barrier(6)

    def open_one(number: int) -> int:
        barrier.wait()
        journal = Journal(path)
        begin_run(journal, f"r{number}")
        count = rows_of(journal, f"r{number}")
        journal.close()
        return count

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(open_one, range(6))) == [2] * 6


def test_two_threads_write_one_chain(journal: Journal, lease: Lease) -> None:
    def work(name: str) -> None:
        for n in range(20):
            journal.append(lease, [SNAPSHOT])
            key = f"/{name}/ask#{n}"
            journal.begin(lease, key, n, "llm", Reservation(tokens=2))
            journal.end(lease, key, ("done", str(n)), "llm", Spend(tokens=1))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, ("a", "b")))
    assert rows_of(journal) == 2 + 2 * 20 * 3
    assert journal.account("r1").spent_tokens == 40


# ---- journals of earlier versions

OLD = Path(__file__).parents[1] / "fixtures" / "journals"


@pytest.fixture
def old(path: Path) -> Path:
    """A journal as version 1 left it: a run with a call that ended and one that was under way."""
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.executescript((OLD / "v1.sql").read_text(encoding="utf-8"))
    connection.close()
    return path


def test_an_older_journal_is_brought_to_this_version_and_a_copy_is_kept(old: Path) -> None:
    journal = Journal(old)
    assert rows(old, "PRAGMA user_version") == [(schema.VERSION,)]
    assert [(row.run, row.goal) for row in journal.runs()] == [("r1", "Make it work")]
    assert journal.events("r1") == [FIRST, SNAPSHOT]
    assert journal.account("r1").spent_usd == 0.125
    assert rows(old, "SELECT parent, forked_at, anew FROM runs") == [("", 0, "[]")]
    backup = old.with_name("journal.db.v1")
    assert rows(backup, "PRAGMA user_version") == [(1,)]
    assert rows(backup, "SELECT count(*) FROM journal") == [(5,)]
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    lease = journal.claim("r1")
    assert journal.account("r1").spent_usd == 0.375
    journal.release(lease)
    assert not journal.verify("r1").wrong
    journal.close()
    assert backup.exists(), "kept until it was opened once more"
    Journal(old).close()
    assert not backup.exists()


def test_a_journal_that_an_older_version_works_on_is_left_alone(old: Path) -> None:
    write(old, f"UPDATE runs SET owner = '{owners.me()}', lease_until = 1e12")
    with pytest.raises(RunBusy, match="older version"):
        Journal(old)
    gc.collect()
    assert rows(old, "PRAGMA user_version") == [(1,)]
    write(old, "UPDATE runs SET lease_until = 1")
    Journal(old).close()


def test_money_that_an_older_journal_was_robbed_of_is_missed(old: Path) -> None:
    write(old, "UPDATE runs SET spent_usd = 0")
    journal = Journal(old)
    with pytest.raises(JournalBroken, match="spent_usd"):
        journal.claim("r1")
    journal.close()


def test_a_row_of_an_older_journal_that_was_changed_is_found_where_it_is(old: Path) -> None:
    write(old, "UPDATE journal SET body = '1' WHERE seq = 4")
    journal = Journal(old)
    with pytest.raises(JournalBroken, match="row 4 was changed"):
        journal.claim("r1")
    assert journal.verify("r1").good.rows == 3
    journal.close()


def test_a_migration_that_fails_leaves_the_journal_as_it_was(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM journal")
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(schema, "MIGRATIONS", {1: breaks})
    with pytest.raises(JournalError, match="full"):
        Journal(old)
    gc.collect()
    assert rows(old, "PRAGMA user_version") == [(1,)]
    assert rows(old, "SELECT count(*) FROM journal") == [(5,)]
