"""Asks over a script, on a clock on which hours pass in a moment, with a real journal."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from tests.unit.models.support import Books

from wainwright.models.client import (
    Backend,
    CallFailed,
    Heard,
    Message,
    ModelReply,
    ModelRequest,
    Price,
    Usage,
    unheard,
)
from wainwright.models.router import Models
from wainwright.settings import BudgetSettings, Candidate, ModelsSettings

Answer = ModelReply | Exception
ASKED = ModelRequest(role="planner", messages=(Message(role="user", content="hello"),))
A, B = Candidate(model="openai/a"), Candidate(model="anthropic/b")


class FastForward:
    """A clock that goes on when all who live by it sleep."""

    def __init__(self) -> None:
        self.now = 0.0
        self._asleep: list[tuple[float, int, asyncio.Future[None]]] = []
        self._awake = self._count = 0

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._asleep, (self.now + seconds, self._count, woken))
        self._awake -= 1
        self._go_on()
        await woken

    async def run(self, *works: Coroutine[Any, Any, Any]) -> list[Any]:
        self._awake = len(works)
        return await asyncio.gather(*(self._to_its_end(work) for work in works), return_exceptions=True)

    async def _to_its_end(self, work: Awaitable[Any]) -> Any:
        try:
            return await work
        finally:
            self._awake -= 1
            self._go_on()

    def _go_on(self) -> None:
        if not self._awake and self._asleep:
            self.now, _, woken = heapq.heappop(self._asleep)
            self._awake += 1
            woken.set_result(None)


class Scripted(Backend):
    """Answers by a function of candidate and number of the call; keeps who was asked when."""

    def __init__(self, clock: FastForward, script: Callable[[Candidate, int], Answer]) -> None:
        self._clock, self._script = clock, script
        self.asked: list[tuple[float, str]] = []
        self.prices: dict[Candidate, Price] = {}

    async def complete(
        self, candidate: Candidate, request: ModelRequest, key: str, heard: Heard = unheard
    ) -> ModelReply:
        self.asked.append((self._clock.now, candidate.model))
        answer = self._script(candidate, len(self.asked))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def price(self, candidate: Candidate) -> Price | None:
        return self.prices.get(candidate)

    async def window(self, candidate: Candidate) -> int | None:
        return candidate.context_tokens

    async def warm(self) -> None:
        pass

    async def close(self) -> None:
        pass

    @property
    def names(self) -> str:
        """Who was asked, by last letters."""
        return "".join(model[-1] for _, model in self.asked)


def say(text: str = "yes", **more: Any) -> ModelReply:
    return ModelReply(text=text, model="m", usage=Usage(input=10, output=5), **more)


def busy(asked: float | None = None) -> CallFailed:
    return CallFailed("openai/a: too many requests (429): slow down.", status=429, retry_after=asked)


def down(*, lost: bool = False) -> CallFailed:
    return CallFailed("openai/a: the provider failed (500): boom.", status=0 if lost else 500, lost=lost)


def unreachable() -> CallFailed:
    return CallFailed("openai/a: no connection could be made.", "Check the address.")


class Trial:
    """Models over a script, on a fast clock, with what was told."""

    def __init__(
        self,
        script: Callable[[Candidate, int], Answer],
        *candidates: Candidate,
        left_s: float = 14_400,
        **more: Any,
    ) -> None:
        self.clock = FastForward()
        self.backend = Scripted(self.clock, script)
        self.told: list[str] = []
        budget = BudgetSettings.model_validate(more.pop("budget", {}))
        settings = ModelsSettings.model_validate({"default": candidates or (A,), **more})
        models = Models(settings, budget, self.backend, clock=lambda: self.clock.now, sleep=self.clock.sleep)
        self.models = models.during(self.told.append, lambda: left_s - self.clock.now)

    async def ask(self, books: Books, *scopes: str, request: ModelRequest = ASKED) -> list[Any]:
        """What comes of asks side by side."""
        works = [self.models.ask(books.steps(scope), request) for scope in scopes or ("/one",)]
        return await self.clock.run(*works)
