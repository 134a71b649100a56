"""What is heard of a piece of work, and what becomes of it when nothing is."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from wainwright import silence
from wainwright.silence import Silence, Silent, Turns, heard, left_behind, may_take

IDLE_S = 0.3


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "GRACE_S", 0.1)


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


async def test_what_is_silent_is_cancelled_and_told() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(Silent):
        await Silence(IDLE_S).watch(work())
    assert ended.is_set()


async def _alive() -> str:
    for _ in range(8):
        await asyncio.sleep(IDLE_S / 3)
        heard()
    return "done"


async def _in_a_command() -> str:
    with may_take(10):
        await asyncio.sleep(3 * IDLE_S)
    return "done"


@pytest.mark.parametrize("work", [_alive, _in_a_command])
async def test_what_is_heard_of_or_ends_by_itself_is_let_go_on(work: Callable[[], Awaitable[str]]) -> None:
    async def asked() -> str:
        return await work()

    assert await Silence(IDLE_S).watch(asked()) == "done"


async def test_what_should_have_ended_by_itself_is_silent_after_that() -> None:
    async def work() -> None:
        with may_take(0.2):
            await asyncio.Event().wait()

    began = time.monotonic()
    with pytest.raises(Silent):
        await Silence(IDLE_S).watch(work())
    assert time.monotonic() - began >= 0.2 + IDLE_S


async def test_an_error_of_the_work_is_its_own() -> None:
    async def work() -> None:
        raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        await Silence(IDLE_S).watch(work())


async def test_who_cancels_is_obeyed_when_the_work_has_ended() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            ended.set()

    watching = asyncio.create_task(Silence(IDLE_S).watch(work()))
    await begun.wait()
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert ended.is_set()


@pytest.mark.parametrize("cancelled", [True, False])
async def test_what_obeys_nobody_is_left_behind(released: asyncio.Event, cancelled: bool) -> None:
    begun = asyncio.Event()
    knows: list[bool] = []

    async def work() -> None:
        begun.set()
        await obeys_nobody(released)
        knows.append(left_behind())

    watching = asyncio.create_task(Silence(IDLE_S).watch(work()))
    await begun.wait()
    if cancelled:
        watching.cancel()
    with pytest.raises(asyncio.CancelledError if cancelled else Silent):
        async with asyncio.timeout(30):
            await watching
    assert not knows
    released.set()
    while not knows:
        await asyncio.sleep(0)
    assert knows == [True]


async def test_waiting_for_a_turn_is_no_silence_and_who_is_left_behind_has_it_no_longer(
    released: asyncio.Event,
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
            await asyncio.sleep(0.01)
            inside.append(name)

    first = asyncio.create_task(Silence(2 * IDLE_S).watch(hangs()))
    while not inside:
        await asyncio.sleep(0)
    # They wait for longer than they may be silent.
    others = [asyncio.create_task(Silence(IDLE_S).watch(waits(name))) for name in ("a", "b")]
    with pytest.raises(Silent):
        await first
    await others[0]
    released.set()
    await others[1]
    assert inside == ["hangs", "a", "a", "b", "b"]
    async with turns:
        assert turns._lock.locked(), "it was given on once"
    assert not turns._lock.locked()
