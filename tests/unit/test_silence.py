"""What is heard of a piece of work, and what becomes of it when nothing is. No clock: ticks come from the tests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.fixtures.ticks import Ticks

from wainwright import silence
from wainwright.silence import GRACE_S, TICK_S, Silence, Silent, Turns, heard, left_behind, may_take

IDLE_S = 4 * TICK_S


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> Ticks:
    return Ticks(monkeypatch)


@pytest_asyncio.fixture
async def released() -> AsyncIterator[asyncio.Event]:
    """Ends what obeys nobody."""
    event = asyncio.Event()
    yield event
    event.set()
    while silence._LEFT_BEHIND:
        await asyncio.sleep(0)


async def obeys_nobody(released: asyncio.Event) -> None:
    while not released.is_set():
        with contextlib.suppress(asyncio.CancelledError):
            await released.wait()


async def test_what_is_silent_is_cancelled_and_told_and_not_a_tick_before(ticks: Ticks) -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    watching = asyncio.create_task(Silence(IDLE_S).watch(work()))
    await ticks.seconds(IDLE_S - TICK_S)
    assert not ended.is_set()
    await ticks.once()
    with pytest.raises(Silent):
        await watching
    assert ended.is_set()


async def test_what_is_heard_of_is_let_go_on(ticks: Ticks) -> None:
    beat, ends = asyncio.Event(), asyncio.Event()

    async def work() -> str:
        while not ends.is_set():
            await beat.wait()
            beat.clear()
            heard()
        return "done"

    watching = asyncio.create_task(Silence(IDLE_S).watch(work()))
    for last in (False, False, True):
        await ticks.seconds(IDLE_S - TICK_S)
        if last:
            ends.set()
        beat.set()
        while beat.is_set():
            await asyncio.sleep(0)
    assert await watching == "done"


async def test_what_ends_by_itself_may_be_silent_until_then_and_no_longer(ticks: Ticks) -> None:
    goes_on = asyncio.Event()

    async def work() -> None:
        with may_take(10 * TICK_S):
            await goes_on.wait()
        with may_take(10 * TICK_S):
            await asyncio.Event().wait()

    watching = asyncio.create_task(Silence(IDLE_S).watch(work()))
    await ticks.seconds(10 * TICK_S + IDLE_S - TICK_S)
    goes_on.set()
    while goes_on._waiters:
        await asyncio.sleep(0)
    await ticks.seconds(10 * TICK_S + IDLE_S - TICK_S)
    assert not watching.done()
    await ticks.once()
    with pytest.raises(Silent):
        await watching


async def test_an_error_of_the_work_is_its_own(ticks: Ticks) -> None:
    async def work() -> None:
        raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        await Silence(IDLE_S).watch(work())


async def test_who_cancels_is_obeyed_when_the_work_has_ended(ticks: Ticks) -> None:
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await may_end.wait()
            ended.set()

    watching = asyncio.create_task(Silence(IDLE_S).watch(work()))
    await begun.wait()
    await ticks.after_cancelling(watching)
    await ticks.seconds(GRACE_S - TICK_S)
    assert not watching.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert ended.is_set()


@pytest.mark.parametrize("cancelled", [True, False])
async def test_what_obeys_nobody_is_left_behind(
    ticks: Ticks, released: asyncio.Event, cancelled: bool
) -> None:
    begun = asyncio.Event()
    knows: list[bool] = []

    async def work() -> None:
        begun.set()
        await obeys_nobody(released)
        knows.append(left_behind())

    watching = asyncio.create_task(Silence(IDLE_S).watch(work()))
    await begun.wait()
    if cancelled:
        await ticks.after_cancelling(watching)
        await ticks.seconds(GRACE_S)
    else:
        await ticks.seconds(IDLE_S + GRACE_S)
    with pytest.raises(asyncio.CancelledError if cancelled else Silent):
        await watching
    assert not knows
    released.set()
    while not knows:
        await asyncio.sleep(0)
    assert knows == [True]


async def test_waiting_for_a_turn_is_no_silence_and_who_is_left_behind_has_it_no_longer(
    ticks: Ticks, released: asyncio.Event
) -> None:
    turns = Turns()
    inside: list[str] = []

    async def hangs() -> None:
        async with turns:
            inside.append("hangs")
            await obeys_nobody(released)

    async def waits(name: str) -> None:
        async with turns:
            inside.append(name)
            await asyncio.sleep(0)
            inside.append(name)

    first = asyncio.create_task(Silence(10 * IDLE_S).watch(hangs()))
    while not inside:
        await asyncio.sleep(0)
    # They wait for longer than they may be silent.
    others = [asyncio.create_task(Silence(IDLE_S).watch(waits(name))) for name in ("a", "b")]
    await ticks.seconds(10 * IDLE_S + GRACE_S)
    with pytest.raises(Silent):
        await first
    await others[0]
    released.set()
    await others[1]
    assert inside == ["hangs", "a", "a", "b", "b"]
    async with turns:
        assert turns._lock.locked(), "it was given on once"
    assert not turns._lock.locked()
