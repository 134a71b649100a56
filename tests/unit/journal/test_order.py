"""Which of many parallel steps ends first decides nothing: not what comes of them, and not what the record says."""

import asyncio
import random
from pathlib import Path
from typing import Any

from pydantic import JsonValue
from tests.unit.models.support import Books

from wainwright.journal import Spend, Steps

TASKS, CALLS = 4, 3


class World:
    """Acts that wait until they are let go on, one by one, in an order that a seed says."""

    def __init__(self, seed: int) -> None:
        self.order = random.Random(seed)
        self.waiting: list[asyncio.Future[None]] = []
        self.done: list[str] = []

    async def act(self, key: str, said: JsonValue) -> tuple[JsonValue, Spend]:
        """Make an answer of the question, whenever it is its turn."""
        turn = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        await turn
        self.done.append(key)
        return f"{said}+{key.rpartition('/')[2]}", Spend(tokens=1)

    async def go_on(self, work: "asyncio.Task[Any]") -> None:
        """Let one of those that wait go on, whenever any does."""
        while not work.done():
            if self.waiting:
                self.waiting.pop(self.order.randrange(len(self.waiting))).set_result(None)
            await asyncio.sleep(0)


async def task(steps: Steps, world: World, name: str) -> JsonValue:
    """A conversation whose questions are made of the answers before, with two looks side by side after each one."""
    said: JsonValue = name
    for number in range(CALLS):
        said = await ask(steps, world, "model", said)
        looks = (ask(steps.below(f"look{number}-{n}"), world, "model", said) for n in range(2))
        said = [said, *await asyncio.gather(*looks)]
    return said


async def ask(steps: Steps, world: World, name: str, said: JsonValue) -> JsonValue:
    async def act(key: str) -> tuple[JsonValue, Spend]:
        return await world.act(key, said)

    return await steps.step(name, inputs={"role": "implementer", "said": said}, effect="llm", act=act)


async def play(books: Books, seed: int) -> tuple[list[JsonValue], World]:
    """All tasks side by side, ending in the order of a seed."""
    world = World(seed)
    names = [f"t{number}" for number in range(TASKS)]
    scopes = [books.steps(f"/BUILD/{name}.1.0") for name in names]
    work = asyncio.ensure_future(
        asyncio.gather(*(task(steps, world, name) for steps, name in zip(scopes, names, strict=True)))
    )
    await world.go_on(work)  # type: ignore[arg-type]
    return list(work.result()), world


async def test_what_comes_of_parallel_steps_is_one_result(tmp_path: Path) -> None:
    orders, results = set(), []
    for seed in range(20):
        books = Books(tmp_path / f"{seed}.db", usd=None, tokens=None)
        said, world = await play(books, seed)
        again, idle = await play(books, seed + 1000)
        books.journal.close()
        assert (again, idle.done) == (said, []), "from the record, in whatever order"
        orders.add(tuple(world.done))
        results.append(said)
    assert len(orders) == 20
    assert all(one == results[0] for one in results)
