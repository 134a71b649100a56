"""Who has a place, and who is let in next."""

import asyncio

import pytest

from wainwright.engine.places import Places


class Work:
    """Pieces of work in a number of places, each of which asks and ends when it is told to."""

    def __init__(self, number: int) -> None:
        self.places = Places(number)
        self.answered: dict[str, asyncio.Event] = {}
        self.ends: dict[str, asyncio.Event] = {}
        self.within: list[str] = []
        self.most = 0
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, *names: str) -> None:
        for name in names:
            self.answered[name], self.ends[name] = asyncio.Event(), asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._do(name))
        await self.settle()

    async def _do(self, name: str) -> None:
        async with self.places.held(name):
            self._in(name)
            try:
                self.within.remove(name)
                async with self.places.lent(name):
                    await self.answered[name].wait()
                self._in(name)
                await self.ends[name].wait()
            finally:
                if name in self.within:
                    self.within.remove(name)

    def _in(self, name: str) -> None:
        self.within.append(name)
        self.most = max(self.most, len(self.within))

    async def answer(self, *names: str) -> None:
        for name in names:
            self.answered[name].set()
        await self.settle()

    async def end(self, name: str) -> None:
        self.ends[name].set()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


async def test_who_asks_is_no_reason_for_others_to_wait() -> None:
    work = Work(1)
    await work.begin("a", "b", "c")
    await work.answer("c")
    assert work.within == ["c"]
    await work.answer("a", "b")
    assert work.within == ["c"]
    await work.end("c")
    assert work.within == ["a"]
    await work.end("a")
    assert (work.within, work.most) == (["b"], 1)


async def test_who_comes_back_goes_before_who_has_not_begun() -> None:
    work = Work(1)
    await work.begin("a", "b")
    await work.answer("b")
    await work.begin("late")
    await work.answer("late", "a")
    await work.end("b")
    assert work.within == ["a"]
    await work.end("a")
    assert work.within == ["late"]


@pytest.mark.parametrize("answered", [False, True], ids=["asking", "coming back"])
async def test_who_is_stopped_while_it_waits_leaves_nothing_behind(answered: bool) -> None:
    work = Work(1)
    await work.begin("a", "b")
    await work.answer("b")
    if answered:
        await work.answer("a")
    await work.begin("c")
    work.tasks["a"].cancel()
    await asyncio.gather(work.tasks["a"], return_exceptions=True)
    await work.end("b")
    await work.answer("c")
    assert work.within == ["c"]


async def test_work_without_a_place_may_ask_as_well() -> None:
    places = Places(1)
    async with asyncio.timeout(30):
        for _ in range(2):
            async with places.held("other"), places.lent("nobody"):
                pass
