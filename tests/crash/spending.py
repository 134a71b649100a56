"""Several tasks spend the last cent of a run at once: no cap may be passed, and all that was paid must be booked.

    python -m tests.crash.spending --trials 10000 --seed 1

In each trial eight tasks ask two models, one of them dearer, through the real router and the real journal. What
comes of a call is drawn from the seed: replies, counted, uncounted or counted absurdly, empty ones, ones that are
cut off, streams that break, busy servers, refusals; tasks are cancelled in the middle. Time is made up, so that waits
take none. The provider keeps to ``max_tokens`` and to the size of the prompt, and keeps account of its own.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from wainwright.domain.errors import BudgetExceeded, ModelError, ModelRejected
from wainwright.domain.events import RunStarted
from wainwright.domain.goal import Goal
from wainwright.journal import Journal, Lease, Reservation, Spend, Steps
from wainwright.models.client import (
    CallFailed,
    Heard,
    Message,
    ModelReply,
    ModelRequest,
    Price,
    Usage,
    own_price,
    unheard,
)
from wainwright.models.router import LeftOut, Models
from wainwright.settings import BudgetSettings, Candidate, ModelsSettings

TASKS = 8
ASKS = 3
CENT = 0.01
PLAIN = Candidate(model="openai/plain", input_usd_per_mtok=1, output_usd_per_mtok=4, max_output_tokens=300)
DEAR = Candidate(model="openai/dear", input_usd_per_mtok=5, output_usd_per_mtok=20, max_output_tokens=400)
OUTCOMES = {
    "counted": 40,
    "uncounted": 8,
    "absurd": 8,
    "empty": 6,
    "cut off": 6,
    "broken": 14,
    "busy": 8,
    "down": 6,
    "refused": 4,
}
EVEN = 1e-9
"""US dollars that a sum of floats may be out by."""


@dataclass
class Report:
    """What came of the trials."""

    calls: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    overspent: list[str] = field(default_factory=list)
    unbooked: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    """Trials after which a reservation was still held."""


class Provider:
    """Answers as the seed says, and knows what it charged."""

    def __init__(self, chance: random.Random, report: Report) -> None:
        self._chance = chance
        self._report = report
        self.charged = 0.0

    async def complete(
        self, candidate: Candidate, request: ModelRequest, key: str, heard: Heard = unheard
    ) -> ModelReply:
        chance = self._chance
        outcome = chance.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
        self._report.calls[outcome] += 1
        price = own_price(candidate)
        assert price is not None
        prompt = "".join(message.text for message in request.messages).encode()
        # A prompt has so many tokens, however often it is sent.
        asked = 1 + zlib.crc32(candidate.model.encode() + prompt) % len(prompt)
        told = chance.randint(1, candidate.max_output_tokens)
        if outcome in ("busy", "down", "refused"):
            await self._take_time()
            if outcome == "refused":
                raise ModelRejected("refused")
            raise CallFailed(outcome, retry_after=chance.choice((None, 0.0, 3.0)))
        # It is charged however the caller fares from here on.
        self.charged += price.worst(asked, told)
        await self._take_time()
        if outcome == "broken":
            raise CallFailed("it broke off", lost=True)
        usage = Usage(input=asked, output=told)
        if outcome == "uncounted":
            usage = Usage()
        elif outcome == "absurd":
            usage = chance.choice((Usage(input=10**9, output=told), Usage(input=asked), Usage(output=told)))
        cost = price.worst(usage.input, usage.output) if usage.counted and chance.random() < 0.8 else None
        text = "" if outcome == "empty" else "words"
        finish = "length" if outcome == "cut off" else "stop"
        return ModelReply(text=text, model=candidate.model, usage=usage, cost_usd=cost, finish=finish)

    async def _take_time(self) -> None:
        for _ in range(self._chance.randrange(4)):
            await asyncio.sleep(0)

    async def price(self, candidate: Candidate) -> Price | None:
        return own_price(candidate)

    async def window(self, candidate: Candidate) -> int | None:
        return None

    async def warm(self) -> None:
        pass

    async def close(self) -> None:
        pass


class Clock:
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def begin(journal: Journal, run: str, cap: float) -> Lease:
    first = RunStarted(
        run=run,
        goal=Goal(text="a goal"),
        workspace="/w",
        route=(),
        autonomy="auto-edit",
        trust="trusted",
        tier="none",
        attended=False,
    )
    return journal.create(first, run, "a goal", cap_usd=cap, cap_tokens=None)


async def trial(journal: Journal, seed: int, report: Report) -> None:
    chance = random.Random(seed)
    run, cap = f"r{seed}", CENT * chance.choice((0.3, 1, 2, 5))
    lease = begin(journal, run, cap)
    provider, clock = Provider(chance, report), Clock()
    models = Models(
        ModelsSettings(default=(PLAIN, DEAR), retries=2),
        BudgetSettings(usd=cap, tokens=None),
        provider,
        clock=clock,
        sleep=clock.sleep,
    )

    async def work(number: int) -> None:
        steps = Steps(journal, lease, f"/BUILD/t{number}")
        for ask in range(ASKS):
            words = "word " * chance.randint(10, 120)
            request = ModelRequest(
                role="implementer", messages=(Message(role="user", content=f"{ask} {words}"),)
            )
            try:
                await models.ask(steps, request)
                report.ends["answered"] += 1
            except (BudgetExceeded, LeftOut):
                report.ends["at the cap"] += 1
                return
            except ModelError:
                report.ends["failed"] += 1

    tasks = [asyncio.create_task(work(number)) for number in range(TASKS)]
    for task in chance.sample(tasks, chance.randrange(3)):
        for _ in range(chance.randrange(60)):
            await asyncio.sleep(0)
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, asyncio.CancelledError):
            report.ends["cancelled"] += 1
        elif ended is not None:
            raise ended
    await judge(journal, lease, provider.charged, seed, report)
    journal.release(lease)


async def judge(journal: Journal, lease: Lease, charged: float, seed: int, report: Report) -> None:
    account = journal.account(lease.run)
    cap = account.cap_usd
    assert cap is not None
    if account.spent_usd > cap + EVEN:
        report.overspent.append(f"seed {seed}: {account.spent_usd} of {cap}")
    if charged > account.spent_usd + EVEN:
        report.unbooked.append(f"seed {seed}: {charged} charged, {account.spent_usd} booked")

    async def act(_: str) -> tuple[None, Spend]:
        return None, Spend()

    left = max(0.0, cap - account.spent_usd - EVEN)
    try:
        await Steps(journal, lease, "/END").step(
            "all that is left",
            inputs=None,
            effect="llm",
            act=act,
            reservation=Reservation(usd=left, tokens=1),
        )
    except BudgetExceeded as error:
        report.stuck.append(f"seed {seed}: {error.message}")


def trials(number: int, seed: int, folder: Path) -> Report:
    report = Report()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        journal = Journal(folder / "journal.db")

        async def all_of_them() -> None:
            for one in range(seed, seed + number):
                await trial(journal, one, report)

        asyncio.run(all_of_them())
        journal.close()
    finally:
        structlog.reset_defaults()
    return report


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        report = trials(chosen.trials, chosen.seed, Path(folder))
    print(f"{chosen.trials} trials: {dict(report.calls)}; {dict(report.ends)}")
    wrong = [*report.overspent, *report.unbooked, *report.stuck]
    print(*wrong, sep="\n") if wrong else print("0 overspent, 0 unbooked, 0 stuck")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
