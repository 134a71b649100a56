"""B: no cap is passed, whoever spends, counts, fails, starts anew or turns the clock."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.attack.budgets import B
from tests.attack.cases import Case, Group, Seen
from tests.fixtures.openai_server import OpenAIServer, Rule
from tests.fixtures.openai_server import say as said
from tests.unit.models.support import KEY, Books
from tests.unit.models.trial import ASKED, A, Answer, Trial, busy, down
from tests.unit.models.trial import B as DEAR

from wainwright.domain.errors import ModelError
from wainwright.journal import NOTHING, Reservation
from wainwright.models.caps import Caps
from wainwright.models.client import (
    GatewayBackend,
    Message,
    ModelReply,
    ModelRequest,
    Price,
    PriceTier,
    Usage,
)
from wainwright.models.router import Models
from wainwright.settings import BudgetSettings, Candidate, ModelsSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")
DAY_S = 86_400
SERVED = 9_000
"""Tokens that the provider serves in one call, which is nearly all that it may."""


def price(usd: float) -> Price:
    return Price(tiers=(PriceTier(input_usd_per_mtok=usd, output_usd_per_mtok=10 * usd),))


@dataclass
class Till:
    """What the provider served, whatever it counts and whatever is booked."""

    tokens: int = 0
    usd: float = 0.0
    calls: int = 0

    def serve(self, candidate: Candidate, tokens: int = SERVED) -> None:
        self.calls += 1
        self.tokens += tokens
        self.usd += (0.001 + 0.08) * (100 if candidate == DEAR else 1)


def counted(**more: int) -> ModelReply:
    return ModelReply(text="yes", model="m", usage=Usage(**{"input": 1_000, "output": 8_000, **more}))


def script(act: dict[str, Any], till: Till) -> Any:
    """What the provider does at its n-th call."""
    kind = act.get("script", "")

    def play(candidate: Candidate, number: int) -> Answer:
        if kind == "busy" or (kind == "busy twice" and number < 3):
            return busy(3_600 if kind == "busy" else None)
        if kind == "first is down" and candidate == A:
            return down()
        till.serve(candidate, {"overrun": 31_000, "huge": 900_000}.get(kind, SERVED))
        if kind == "cut":
            return down(lost=True)
        replies = {
            "uncounted": counted(input=0, output=0),
            "cached": counted(cached=900, output=8),
            "thought": counted(reasoning=7_990),
            "overrun": counted(output=30_000),
            "huge": counted(input=900_000, output=8),
        }
        return replies.get(kind, counted())

    return play


async def spend(root: Path, case: Case, gateway: GatewayBackend) -> Seen:
    """Ask as often as the case says; what was refused, and whether more was served than a cap lets."""
    act: Any = case.act
    till = Till()
    books = Books(root, usd=act.get("usd", 10**6), tokens=act.get("tokens", 10**9))
    try:
        if act.get("script") == "gateway":
            came = await _through_the_gateway(books, act, till, gateway)
        else:
            came = await _asks(books, act, till, root)
    finally:
        books.journal.close()
    refused = [one for one in came if isinstance(one, ModelError)]
    broken = [repr(one) for one in came if isinstance(one, BaseException) and not isinstance(one, ModelError)]
    alarms = [*broken, *_over(act, till)]
    return Seen("refuse" if refused else "ok", alarms, "; ".join(map(str, refused)))


def _over(act: dict[str, Any], till: Till) -> list[str]:
    caps = (
        ("tokens", till.tokens, act.get("served", act.get("tokens", 10**9))),
        ("dollars", till.usd, act.get("usd", 10**6)),
        ("calls", till.calls, act.get("calls", 10**6)),
    )
    return [f"{spent} {what} were served, and {cap} are the cap" for what, spent, cap in caps if spent > cap]


def _trial(act: dict[str, Any], play: Any) -> Trial:
    trial = Trial(
        play,
        *((A, DEAR) if act.get("script") == "first is down" else (A,)),
        left_s=act.get("left_s", 14_400),
        budget={"tokens": 10**9, **act.get("budget", {})},
    )
    if act.get("price", 1.0):
        trial.backend.prices = {A: price(1.0), DEAR: price(100.0)}
    return trial


async def _asks(books: Books, act: dict[str, Any], till: Till, root: Path) -> list[Any]:
    trial = _trial(act, script(act, till))
    if act.get("servers"):
        return await _two_servers(books, trial, till, root)
    if act.get("script") == "huge":
        request = ModelRequest(
            role="planner", messages=(Message(role="user", content="many words " * 90_000),)
        )
        return await trial.ask(books, request=request)
    if act.get("then") == "killed":
        return await _killed(books, act, till, trial)
    came: list[Any] = []
    for number in range(act.get("asks", 1)):
        if number and act.get("then") == "lowered":
            books.journal.raise_caps("r1", cap_usd=None, cap_tokens=10_000)
        if number and act.get("then") == "clock":
            trial.models._caps._now = partial(_later, act["days"])
        below = "/planner/critic" if number and act.get("below") else f"/{number}"
        scopes = [f"/task-{n}" for n in range(act["scopes"])] if "scopes" in act else [below]
        came += await trial.ask(books, *scopes)
    if "left_s" in act and trial.clock.now > act["seconds"]:
        came.append(AssertionError(f"it waited for {trial.clock.now} s"))
    return came


def _later(days: int) -> float:
    return time.time() + days * DAY_S


async def _killed(books: Books, act: dict[str, Any], till: Till, trial: Trial) -> list[Any]:
    """A call goes out, and its process is not heard of again; what it may have cost is spent."""
    steps, out = books.steps("/0"), asyncio.Event()

    async def never(_key: str) -> Any:
        till.serve(A)
        out.set()
        await asyncio.Event().wait()

    _, reservation, _ = trial.models._within_caps(A, ASKED, price(1.0))
    calling = asyncio.create_task(
        steps.step("model", inputs=None, effect="llm", act=never, reservation=reservation)
    )
    await out.wait()
    books.journal.release(books.lease)
    books.lease = books.journal.claim("r1")
    came = await trial.ask(books, "/1")
    calling.cancel()
    with suppress(Exception, asyncio.CancelledError):
        await calling
    return came


OTHER_SERVER = """
import asyncio, sys
from pathlib import Path
from wainwright.journal import Journal, Reservation, Steps

async def main():
    journal = Journal(Path(sys.argv[1]))
    first = journal.events("r1")[0].model_copy(update={"run": "r2"})
    lease = journal.create(first, "r2", "a goal", cap_usd=None, cap_tokens=None)

    async def out(_key):
        print("out", flush=True)
        await asyncio.Event().wait()

    reserved = Reservation(usd=0.1, tokens=int(sys.argv[2]))
    await Steps(journal, lease, "/other").step("model", inputs=None, effect="llm", act=out, reservation=reserved)

asyncio.run(main())
"""


async def _two_servers(books: Books, trial: Trial, till: Till, path: Path) -> list[Any]:
    """Another process has a call of the same workspace under way."""
    argv = (sys.executable, "-c", OTHER_SERVER, str(path), str(SERVED))
    root = Path(__file__).parents[2]
    other = await asyncio.create_subprocess_exec(*argv, cwd=root, stdout=asyncio.subprocess.PIPE)
    try:
        assert other.stdout is not None
        assert await other.stdout.readline() == b"out\n"
        till.serve(A)
        return await trial.ask(books)
    finally:
        other.kill()
        await other.wait()


async def _through_the_gateway(
    books: Books, act: dict[str, Any], till: Till, gateway: GatewayBackend
) -> list[Any]:
    usage = {"prompt_tokens": act["count"], "completion_tokens": act["count"], "total_tokens": 0}
    with OpenAIServer([Rule(said("yes", usage=usage))]) as server:
        only = Candidate(
            model="openai/any",
            api_base=server.base,
            max_output_tokens=8_000,
            input_usd_per_mtok=1.0,
            output_usd_per_mtok=10.0,
        )
        models = Models(ModelsSettings(default=(only,), retries=0, wait_s=0), BudgetSettings(), gateway)
        asked = [models.ask(books.steps(f"/{n}"), ASKED) for n in range(5)]
        came = [(await asyncio.gather(one, return_exceptions=True))[0] for one in asked]
        for _ in range(server.completed):
            till.serve(A)
    return came


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncIterator[GatewayBackend]:
    backend = GatewayBackend({"OPENAI_API_KEY": KEY}, grace_s=5.0)
    await backend.warm()
    yield backend
    await backend.close()


@pytest.mark.parametrize("case", B.run, ids=lambda case: case.id)
async def test_a_cap(case: Case, tmp_path: Path, gateway: GatewayBackend) -> None:
    seen = await spend(tmp_path / "journal.db", case, gateway)
    assert seen.faults(case) == []


async def test_counted_afterwards_every_cap_is_passed(
    tmp_path: Path, gateway: GatewayBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    within = Models._within_caps

    def nothing(self: Models, *given: Any) -> tuple[ModelRequest, Reservation, None]:
        return within(self, *given)[0], NOTHING, None

    async def unheld(self: Caps, number: int, steps: Any, role: str, reservation: Reservation) -> None:
        await take(self, number, steps, role, reservation)
        self._held.clear()

    take = Caps.take
    monkeypatch.setattr(Models, "_within_caps", nothing)
    monkeypatch.setattr(Models, "_unpriced", lambda _self: "")
    monkeypatch.setattr(Caps, "take", unheld)
    seen = {}
    for case in B.attacks:
        (tmp_path / case.id).mkdir()
        seen[case.id] = await spend(tmp_path / case.id / "journal.db", case, gateway)
    assert B.through(seen) == []


@pytest.mark.parametrize("group", [B], ids=["B"])
async def test_the_group(group: Group) -> None:
    assert group.flaws() == []
