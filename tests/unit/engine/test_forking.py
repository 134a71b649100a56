"""What a fork has of the run it comes from: all that was done, none of what was paid, nothing that was under way."""

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue
from tests.unit.journal.damaged import first

from wainwright.domain.errors import Diverged
from wainwright.domain.events import HoldMoved
from wainwright.domain.goal import Stage
from wainwright.engine.forking import ParentsAnswers
from wainwright.journal import Journal, Lease, Reservation, Spend, Steps

FIRST = first("r1")
HOLD = Reservation(usd=0.5, tokens=50)
PAID = Spend(usd=0.25, tokens=20)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.db")
    yield opened
    opened.close()


@pytest.fixture
def lease(journal: Journal) -> Lease:
    return journal.create(FIRST, "r1", "Make it work", cap_usd=1.0, cap_tokens=None)


def asked(text: str, role: str = "planner") -> Any:
    return {"role": role, "messages": [{"role": "user", "content": text}], "tools": []}


class Model:
    """Answers with what it was called, and remembers that it was asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.keys: list[str] = []

    async def __call__(self, key: str) -> tuple[JsonValue, Spend]:
        self.keys.append(key)
        return self.name, PAID


def fork(journal: Journal, upto: int, *, anew: tuple[str, ...] = (), cap_usd: float | None = 1.0) -> Lease:
    first = FIRST.model_copy(update={"run": "r2"})
    return journal.fork(
        "r1", "r2", first, upto, goal="Make it work", anew=anew, cap_usd=cap_usd, cap_tokens=None
    )


def steps(journal: Journal, lease: Lease) -> Steps:
    return Steps(journal, lease, "/PLANNING/1", ParentsAnswers(journal, lease.run))


async def conversation(journal: Journal, lease: Lease, model: Model, *texts: str) -> list[JsonValue]:
    one = steps(journal, lease)
    return [
        await one.step("model", inputs=asked(text), effect="llm", act=model, reservation=HOLD)
        for text in texts
    ]


async def test_what_was_done_is_done_and_what_was_paid_is_not_booked_again(
    journal: Journal, lease: Lease
) -> None:
    await conversation(journal, lease, Model("then"), "one", "two")
    journal.append(lease, [HoldMoved(until=Stage.BUILD)])
    before = journal.account("r1")
    cut = journal.rows("r1")[-1].seq
    own = fork(journal, cut)
    now = Model("now")
    assert await conversation(journal, own, now, "one", "two", "three") == ["then", "then", "now"]
    assert now.keys == ["/PLANNING/1/model#2"]
    account = journal.account("r2")
    assert (account.spent_usd, account.spent_tokens) == (PAID.usd, PAID.tokens)
    assert journal.account("r1") == before
    assert [event.kind for event in journal.events("r2")] == ["run-started", "hold-moved"]
    assert journal.events("r2")[0].run == "r2"  # type: ignore[union-attr]
    assert not journal.verify("r2").wrong
    assert not journal.verify("r1").wrong


async def test_what_was_under_way_is_done_anew_and_not_lost(journal: Journal, lease: Lease) -> None:
    await conversation(journal, lease, Model("then"), "one")
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_key: str) -> tuple[JsonValue, Spend]:
        begun.set()
        await go_on.wait()
        return "slow", PAID

    one = steps(journal, lease)
    waiting = asyncio.create_task(one.step("other", inputs=None, effect="read", act=slow))
    await begun.wait()
    own = fork(journal, journal.rows("r1")[-1].seq)
    go_on.set()
    await waiting
    journal.release(own)
    own = journal.claim("r2")
    assert journal.account("r2").lost == 0
    fresh = Model("fresh")
    assert await steps(journal, own).step("other", inputs=None, effect="read", act=fresh) == "fresh"


async def test_the_same_question_after_the_cut_is_answered_from_the_record_within_any_cap(
    journal: Journal, lease: Lease
) -> None:
    await conversation(journal, lease, Model("then"), "one", "after 2.5 s in /tmp/a/b")
    own = fork(journal, journal.rows("r1")[0].seq, cap_usd=0.0)
    model = Model("now")
    # Times and paths differ between two runs of the same story.
    assert await conversation(journal, own, model, "one", "after 3.1 s in /tmp/c/d") == ["then", "then"]
    assert model.keys == []
    assert journal.account("r2").spent_usd == 0.0


@pytest.mark.parametrize(
    ("anew", "first"), [((), "another"), (("planner",), "one")], ids=["other words", "another model"]
)
async def test_another_question_or_another_model_is_asked(
    journal: Journal, lease: Lease, anew: tuple[str, ...], first: str
) -> None:
    await conversation(journal, lease, Model("then"), "one")
    own = fork(journal, journal.rows("r1")[0].seq, anew=anew)
    model = Model("now")
    assert await conversation(journal, own, model, first) == ["now"]
    assert model.keys == ["/PLANNING/1/model#0"]


async def test_an_answer_that_was_useless_is_not_given_again(journal: Journal, lease: Lease) -> None:
    one = steps(journal, lease)
    await one.step("model", inputs=asked("one"), effect="llm", act=Model("useless"), reservation=HOLD)
    await one.void()
    own = fork(journal, journal.rows("r1")[0].seq)
    assert await conversation(journal, own, Model("now"), "one") == ["now"]


async def test_where_a_step_diverges_a_fork_goes_on_from_before_it(journal: Journal, lease: Lease) -> None:
    await conversation(journal, lease, Model("then"), "one")
    journal.release(lease)
    # Who claims a run writes rows of its own.
    lease = journal.claim("r1")
    one = steps(journal, lease)
    await one.step("act-edit", inputs=["x"], effect="idempotent", act=Model("edited"))
    with pytest.raises(Diverged) as caught:
        await steps(journal, lease).step("act-edit", inputs=["y"], effect="idempotent", act=Model("now"))
    number = re.search(r"wainwright replay r1 --fork (\d+)", caught.value.hint)
    assert number is not None
    own = fork(journal, int(number[1]))
    assert await conversation(journal, own, Model("now"), "one") == ["then"]
    found = await steps(journal, own).step("act-edit", inputs=["y"], effect="idempotent", act=Model("anew"))
    assert found == "anew"


async def test_what_cannot_be_believed_answers_nothing(journal: Journal, lease: Lease) -> None:
    await conversation(journal, lease, Model("then"), "one")
    own = fork(journal, journal.rows("r1")[0].seq)
    with sqlite3.connect(journal.file.path) as connection:
        connection.execute("UPDATE journal SET body = '\"forged\"' WHERE run = 'r1' AND kind = 'done'")
    connection.close()
    assert await conversation(journal, own, Model("now"), "one") == ["now"]
