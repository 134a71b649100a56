"""A task whose model never answers and obeys nobody, in a run that goes on without it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio
from tests.fixtures import scenario
from tests.fixtures.scenario import Shared, Stagehand, perform
from tests.fixtures.ticks import Ticks

from wainwright import silence
from wainwright.models.client import Heard, ModelReply, ModelRequest, unheard
from wainwright.settings import Candidate

MEDIUM = (
    (Path(__file__).parents[2] / "scenarios" / "a_medium_goal.txt").read_text().partition("=== expect")[0]
)
HINT = "Look what hangs: the disk, a keyring that asks, the provider. Then resume, or raise `limits.task_idle_s`."
OPTIONS = "=== options\nsettings.limits.task_idle_s = 5.0\n"


class Deaf(Shared):
    """Does not answer the first calls of the implementer."""

    def __init__(self, keys: dict[str, str], *, grace_s: float) -> None:
        super().__init__(keys, grace_s=grace_s)
        self.calls = 0
        self.hung = asyncio.Semaphore(0)
        self.released = asyncio.Event()

    async def complete(
        self, candidate: Candidate, request: ModelRequest, key: str, heard: Heard = unheard
    ) -> ModelReply:
        if request.role == "implementer" and self.calls:
            self.calls -= 1
            self.hung.release()
            while not self.released.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await self.released.wait()
        return await super().complete(candidate, request, key, heard)

    async def pass_the_time(self, ticks: Ticks) -> None:
        """Time passes while a call hangs, until it is left behind, and at no other moment."""
        for number in count(1):
            await self.hung.acquire()
            while len(silence._LEFT_BEHIND) < number:
                await ticks.once()


@pytest_asyncio.fixture
async def deaf(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stagehand]:
    monkeypatch.setattr(scenario, "Shared", Deaf)
    ticks = Ticks(monkeypatch)
    async with scenario.stagehand() as stage:
        gateway = stage.gateway
        assert isinstance(gateway, Deaf)
        passing = asyncio.create_task(gateway.pass_the_time(ticks))
        yield stage
        passing.cancel()
        gateway.released.set()
        while silence._LEFT_BEHIND:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("calls", [1, 2])
async def test_it_is_tried_again_once_then_halted_and_goes_on_when_resumed(
    deaf: Stagehand, calls: int
) -> None:
    assert isinstance(deaf.gateway, Deaf)
    deaf.gateway.calls = calls
    failed = '{"task": "both", "attempt": %d, "cause": "silent"}'
    expected = [f"event task-failed {failed % number}" for number in range(calls)]
    if calls == 1:
        expected += ["stage DONE", 'event task-landed {"attempt": 1}']
    else:
        expected += [
            "stage FAILED",
            "calls implementer 0",
            f'event run-failed {{"hint": "{HINT}"}}',
            *("=== resume", "=== expect", "stage DONE", 'event task-landed {"attempt": 1}'),
        ]
    play = await perform(deaf, "silent", f"{MEDIUM}{OPTIONS}=== expect\n" + "\n".join(expected))
    told = [notice.text for notice in play.heard]
    assert any("Nothing was heard of it for 5 s, and it was stopped." in text for text in told)
