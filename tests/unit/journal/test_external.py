"""What may not be done again: it is done once at the most, whatever ends its process, and in forks too."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import JsonValue
from tests.unit.journal.damaged import first

from wainwright.domain.errors import Closing, Fenced, WorkspaceError
from wainwright.journal import Journal, Lease, Spend, Steps

FIRST = first("r1")
MAYBE: JsonValue = {"text": "maybe"}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.db")
    yield opened
    opened.close()


@pytest.fixture
def lease(journal: Journal) -> Lease:
    return journal.create(FIRST, "r1", "Make it work", cap_usd=None, cap_tokens=None)


class Sending:
    """Sends something, and then may come to no outcome."""

    def __init__(self, then: BaseException | None = None) -> None:
        self.sent = 0
        self.then = then

    async def __call__(self, _key: str) -> tuple[JsonValue, Spend]:
        self.sent += 1
        if self.then is not None:
            raise self.then
        return {"text": "sent"}, Spend()


async def send(journal: Journal, lease: Lease, act: Sending, *, times: int = 1) -> list[JsonValue]:
    steps = Steps(journal, lease, "/s")
    return [
        await steps.step("send", inputs="same", effect="external", act=act, unknown=MAYBE)
        for _ in range(times)
    ]


async def killed(journal: Journal, lease: Lease) -> tuple[Sending, Lease]:
    """It was sent, and its process owned the run no longer when that was to be written down."""
    taken: list[Lease] = []

    class Killed(Sending):
        async def __call__(self, key: str) -> tuple[JsonValue, Spend]:
            done = await super().__call__(key)
            journal.release(lease)
            taken.append(journal.claim("r1"))
            return done

    act = Killed()
    with pytest.raises(Fenced):
        await send(journal, lease, act)
    return act, taken[0]


async def test_what_was_under_way_when_its_process_died_is_told_and_not_done_again(
    journal: Journal, lease: Lease
) -> None:
    first_time, now = await killed(journal, lease)
    again = Sending()
    assert await send(journal, now, again, times=2) == [MAYBE, {"text": "sent"}]
    assert (first_time.sent, again.sent) == (1, 1), "the second one was asked for anew"
    journal.release(now)
    # From then on that is its outcome.
    assert await send(journal, journal.claim("r1"), again, times=2) == [MAYBE, {"text": "sent"}]
    assert again.sent == 1


@pytest.mark.parametrize("then", [OSError("reset"), asyncio.CancelledError(), WorkspaceError("no")])
async def test_what_ended_without_an_outcome_is_not_done_again(
    journal: Journal, lease: Lease, then: BaseException
) -> None:
    act = Sending(then)
    steps = Steps(journal, lease, "/s")
    for wanted in (type(then), None):
        asked = steps.step("send", inputs="same", effect="external", act=act, unknown=MAYBE)
        if wanted is None:
            assert await asked == MAYBE
        else:
            with pytest.raises(wanted):
                await asked
    assert act.sent == 1


async def test_what_was_not_let_begin_is_done_later(journal: Journal, lease: Lease) -> None:
    def closed(_effect: str) -> None:
        raise Closing("Nothing begins any more.")

    act = Sending()
    with pytest.raises(Closing):
        await Steps(journal, lease, "/s", allow=closed).step(
            "send", inputs="same", effect="external", act=act, unknown=MAYBE
        )
    assert await send(journal, lease, act) == [{"text": "sent"}]


@pytest.mark.parametrize("released", [False, True], ids=["under way", "lost"])
async def test_a_fork_does_not_repeat_what_the_run_may_have_done(
    journal: Journal, lease: Lease, *, released: bool
) -> None:
    _, now = await killed(journal, lease)
    rows = journal.rows("r1")
    at = rows[-1].seq if released else next(row.seq for row in rows if row.kind == "intent")
    journal.release(now)
    own = journal.fork(
        "r1", "r2", FIRST.model_copy(update={"run": "r2"}), at, goal="", cap_usd=None, cap_tokens=None
    )
    journal.release(own)
    again = Sending()
    assert await send(journal, journal.claim("r2"), again) == [MAYBE]
    assert again.sent == 0
    assert not journal.verify("r2").wrong
