"""The router: fall-backs, waits, caps and step identity, with the real gateway and the real journal."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.fixtures.openai_server import DROP, HANG, OpenAIServer, Rule, fail, say
from tests.unit.models.support import KEY, Books

from wainwright.domain.errors import BudgetExceeded, Diverged, ModelRejected
from wainwright.models.cassette import CassetteBackend, RecordingBackend
from wainwright.models.client import (
    CallFailed,
    ContextTooLong,
    GatewayBackend,
    Heard,
    Message,
    ModelReply,
    ModelRequest,
    unheard,
)
from wainwright.models.router import STRONGER, Models, PriceUnknown
from wainwright.settings import BudgetSettings, Candidate, ModelsSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRICED = {"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 2.0, "max_output_tokens": 1000}
USAGE = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}


def at(server: OpenAIServer, **more: object) -> Candidate:
    return Candidate.model_validate({"model": "openai/any", "api_base": server.base, "timeout_s": 30, **more})


def asking(text: str = "hello") -> ModelRequest:
    return ModelRequest(role="planner", messages=(Message(role="user", content=text),))


def models(
    gateway: GatewayBackend,
    *candidates: Candidate,
    budget: dict[str, object] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    **more: object,
) -> Models:
    settings = ModelsSettings.model_validate({"default": candidates, **more})
    return Models(settings, BudgetSettings.model_validate(budget or {}), gateway, clock=clock, sleep=sleep)


async def test_a_reply_is_recorded_once_and_never_paid_again(gateway: GatewayBackend, books: Books) -> None:
    with OpenAIServer([Rule(say("yes", usage=USAGE))]) as server:
        asker = models(gateway, at(server, **PRICED))
        first = await asker.ask(books.steps(), asking())
        again = await asker.ask(books.steps(), asking())
        assert server.completed == 1
    assert first == again
    assert books.account.spent_tokens == 150
    assert books.account.spent_usd == pytest.approx(0.0002)


async def test_a_recorded_reply_needs_no_model_and_is_nobody_elses(
    gateway: GatewayBackend, books: Books
) -> None:
    with OpenAIServer([Rule(say("yes"))]) as server:
        await models(gateway, at(server)).ask(books.steps(), asking())
    assert (await models(gateway).ask(books.steps(), asking())).text == "yes"
    # Another version words it otherwise.
    assert (await models(gateway).ask(books.steps(), asking("the same in other words"))).text == "yes"
    with pytest.raises(Diverged, match="role was recorded as `planner` and is now `reviewer`"):
        await models(gateway).ask(books.steps(), asking().model_copy(update={"role": "reviewer"}))


async def test_without_candidates_it_says_how_to_choose_one(gateway: GatewayBackend, books: Books) -> None:
    with pytest.raises(ModelRejected, match=r"role planner.*--model provider/model"):
        await models(gateway).ask(books.steps(), asking())


class Counted(GatewayBackend):
    warmed = 0

    async def warm(self) -> None:
        self.warmed += 1
        await super().warm()


async def test_what_is_slow_is_started_by_itself_where_somebody_will_be_asked() -> None:
    for candidates, expected in (((Candidate(model="openai/any"),), 1), ((), 0)):
        backend = Counted({})
        asker = models(backend, *candidates)
        asker.begin()
        await asyncio.sleep(0)
        await asker.close()
        assert backend.warmed == expected
        assert backend.pid is None


async def test_a_rate_limit_is_waited_out_under_one_key(gateway: GatewayBackend, books: Books) -> None:
    with OpenAIServer([Rule(fail(429, retry_after=0), times=2), Rule(say("at last", usage=USAGE))]) as server:
        reply = await models(gateway, at(server)).ask(books.steps(), asking())
        assert (server.completed, len(server.requests)) == (1, 3)
    assert (reply.text, reply.attempts) == ("at last", 3)
    assert [entry["key"] for entry in books.journal.calls("r1")] == ["/BUILD/t1.0/implementer/model#0"]
    assert books.account.spent_tokens == 150, "refused calls cost nothing"


async def test_a_long_wait_goes_to_the_next_candidate_at_once(gateway: GatewayBackend, books: Books) -> None:
    with OpenAIServer([Rule(fail(429, retry_after=3600))]) as busy, OpenAIServer([Rule(say("b"))]) as free:
        reply = await models(gateway, at(busy), at(free)).ask(books.steps(), asking())
        assert len(busy.requests) == 1
    assert (reply.text, reply.attempts) == ("b", 2)


async def test_a_refused_key_goes_to_the_next_candidate_at_once(
    gateway: GatewayBackend, books: Books
) -> None:
    with OpenAIServer([Rule(say("a"))], api_key=KEY) as strict:
        wrong, right = at(strict, api_key_env="WRONG_KEY"), at(strict)
        reply = await models(gateway, wrong, right).ask(books.steps(), asking())
        assert len(strict.requests) == 2
    assert reply.text == "a"


@pytest.mark.parametrize("limit", [{"timeout_s": 0.3}, {"first_s": 0.3}])
async def test_a_time_out_counts_as_spent_and_goes_to_the_next(
    gateway: GatewayBackend, books: Books, limit: dict[str, float]
) -> None:
    with OpenAIServer([Rule(HANG)]) as dead, OpenAIServer([Rule(say("b", usage=USAGE))]) as alive:
        asker = models(gateway, at(dead, **limit, **PRICED), at(alive, **PRICED))
        assert (await asker.ask(books.steps(), asking())).text == "b"
        assert len(dead.requests) == 1
    assert books.account.spent_tokens > 150 + 1000
    assert books.account.spent_usd > 0.0002 + 0.002


async def test_a_cancelled_ask_counts_as_spent(gateway: GatewayBackend, books: Books) -> None:
    with OpenAIServer([Rule(HANG)]) as server:
        asked = asyncio.create_task(models(gateway, at(server, **PRICED)).ask(books.steps(), asking()))
        await asyncio.to_thread(server.wait_for_calls, 1)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
    assert books.account.spent_usd > 0.002


async def test_a_broken_connection_of_the_only_candidate_is_tried_again(
    gateway: GatewayBackend, books: Books
) -> None:
    with OpenAIServer([Rule(DROP, times=1), Rule(say("b"))]) as server:
        assert (await models(gateway, at(server)).ask(books.steps(), asking())).text == "b"


async def test_when_all_fail_the_error_tells_of_each_and_what_to_do(
    gateway: GatewayBackend, books: Books
) -> None:
    with OpenAIServer([Rule(fail(500, "boom"))]) as broken, OpenAIServer(api_key=KEY) as strict:
        wrong = at(strict, api_key_env="WRONG_KEY", model="openai/other")
        with pytest.raises(
            ModelRejected, match=r"any: the provider failed \(500\).*other: the key was refused.*WRONG_KEY"
        ):
            await models(gateway, at(broken), wrong, retries=0, wait_s=0).ask(books.steps(), asking())
        with pytest.raises(CallFailed, match="boom"):
            await models(gateway, at(broken), retries=0, wait_s=0).ask(books.steps(), asking())
    assert books.account.spent_usd == books.account.spent_tokens == 0


async def test_a_conversation_too_long_is_told_as_such(gateway: GatewayBackend, books: Books) -> None:
    too_long = fail(400, "This model's maximum context length is 8 tokens")
    with OpenAIServer([Rule(too_long)]) as small, OpenAIServer([Rule(fail(500))]) as broken:
        asker = models(gateway, at(broken), at(small), retries=0, wait_s=0)
        with pytest.raises(ContextTooLong):
            await asker.ask(books.steps(), asking())


async def test_the_breaker_leaves_out_who_failed_thrice(gateway: GatewayBackend, books: Books) -> None:
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    with OpenAIServer([Rule(fail(500, retry_after=0))]) as broken, OpenAIServer([Rule(say("b"))]) as good:
        asker = models(gateway, at(broken), at(good), wait_s=0, clock=lambda: now, sleep=sleep)
        steps = books.steps()
        await asker.ask(steps, asking())
        assert len(broken.requests) == 3
        await asker.ask(steps, asking())
        assert len(broken.requests) == 3
        now = 61.0
        await asker.ask(steps, asking())
        assert len(broken.requests) > 3
        alone = models(gateway, at(broken), retries=0, wait_s=0, clock=lambda: now, sleep=sleep)
        for _ in range(5):
            with pytest.raises(CallFailed):
                await alone.ask(steps, asking())


async def test_the_rung_asks_the_stronger_model(gateway: GatewayBackend, books: Books) -> None:
    with OpenAIServer([Rule(say("weak"))]) as weak, OpenAIServer([Rule(say("strong"))]) as strong:
        asker = models(gateway, at(weak), stronger=(at(strong),))
        assert (await asker.ask(books.steps("/a"), asking())).text == "weak"
        assert (await asker.ask(books.steps("/b"), asking(), rung=STRONGER)).text == "strong"


async def test_a_recorded_reply_is_no_matter_of_todays_prices_and_providers(
    gateway: GatewayBackend, books: Books
) -> None:
    with OpenAIServer([Rule(say("yes"))]) as server:
        await models(gateway, at(server)).ask(books.steps(), asking())
        nobody = at(server).model_copy(update={"model": "openai/unheard-of"})
    asker = models(gateway, nobody, budget={"unknown_price": "refuse"})
    assert (await asker.ask(books.steps(), asking())).text == "yes"


@pytest.mark.parametrize("budget", [{"unknown_price": "refuse"}, {"tokens": None}])
async def test_an_unknown_price_without_a_cap_is_not_asked(
    gateway: GatewayBackend, books: Books, budget: dict[str, object]
) -> None:
    with OpenAIServer([Rule(say("x"))]) as server:
        with pytest.raises(PriceUnknown, match="input_usd_per_mtok"):
            await models(gateway, at(server), budget=budget).ask(books.steps(), asking())
        assert server.requests == []
        reply = await models(gateway, at(server), at(server, **PRICED), budget=budget).ask(
            books.steps(), asking()
        )
    assert reply.text == "x"


async def test_a_server_that_counts_nothing_uses_up_the_reservation(
    gateway: GatewayBackend, books: Books
) -> None:
    with OpenAIServer([Rule(say("x", usage={}))]) as server:
        await models(gateway, at(server, **PRICED)).ask(books.steps(), asking())
    assert books.account.spent_tokens > 1000
    assert books.account.spent_usd > 0.002


@pytest.mark.parametrize("count", [-5, float("nan"), 10**30, 10**8, True, "many", None, 0])
@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens"])
async def test_a_reply_with_a_count_that_cannot_be_true_is_kept_and_uses_up_the_reservation(
    gateway: GatewayBackend, books: Books, name: str, count: object
) -> None:
    with OpenAIServer([Rule(say("\ud800 yes", usage=USAGE | {name: count}))]) as server:
        asker = models(gateway, at(server, **PRICED))
        first = await asker.ask(books.steps(), asking())
        assert await asker.ask(books.steps(), asking()) == first
        assert server.completed == 1
        assert 1000 < books.account.spent_tokens < 10_000
        assert 0.002 < books.account.spent_usd < 0.02
        # Nothing was learned from it: the next reservation is no other.
        await asker.ask(books.steps("/again"), asking())
        assert 2000 < books.account.spent_tokens < 20_000
    assert not books.journal.verify("r1").wrong


async def test_what_goes_wrong_after_the_call_was_paid_is_booked_as_paid(
    gateway: GatewayBackend, books: Books, tmp_path: Path
) -> None:
    class Breaks(RecordingBackend):
        async def complete(
            self, candidate: Candidate, request: ModelRequest, key: str, heard: Heard = unheard
        ) -> ModelReply:
            await super().complete(candidate, request, key, heard)
            raise ZeroDivisionError

    with OpenAIServer([Rule(say("yes", usage=USAGE))]) as server:
        only = ModelsSettings(default=(at(server, **PRICED),))
        asker = Models(only, BudgetSettings(), Breaks(gateway, tmp_path / "story.jsonl"))
        with pytest.raises(ZeroDivisionError):
            await asker.ask(books.steps(), asking())
    assert books.account.spent_usd > 0.002
    assert books.account.spent_tokens > 1000


async def test_a_recording_that_cannot_be_written_loses_no_reply(
    gateway: GatewayBackend, books: Books, tmp_path: Path
) -> None:
    with OpenAIServer([Rule(say("yes", usage=USAGE))]) as server:
        only = ModelsSettings(default=(at(server, **PRICED),))
        asker = Models(only, BudgetSettings(), RecordingBackend(gateway, tmp_path / "no" / "story.jsonl"))
        assert (await asker.ask(books.steps(), asking())).text == "yes"
    assert books.account.spent_tokens == 150


@pytest.mark.parametrize(
    ("caps", "priced"), [({"usd": 0.05}, True), ({"usd": None, "tokens": 20_000}, False)]
)
async def test_twenty_at_once_never_pass_a_cap(
    gateway: GatewayBackend, open_books: Callable[..., Books], caps: dict[str, float | None], priced: bool
) -> None:
    books = open_books(**caps)
    worst = {"prompt_tokens": 1000, "completion_tokens": 1000, "total_tokens": 2000}
    with OpenAIServer([Rule(say("x", usage=worst, delay_s=0.05))]) as server:
        only = at(
            server,
            max_output_tokens=1000,
            **({"input_usd_per_mtok": 10, "output_usd_per_mtok": 10} if priced else {}),
        )
        asker = models(gateway, only)
        asked = [asker.ask(books.steps(f"/task-{n}"), asking()) for n in range(20)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        answered = [one for one in outcomes if isinstance(one, ModelReply)]
        refused = [one for one in outcomes if isinstance(one, BudgetExceeded)]
        assert len(answered) + len(refused) == 20
        assert answered
        assert refused
        assert server.completed == len(answered)
    account = books.account
    assert account.spent_usd <= (caps.get("usd") or 0) + 1e-9
    assert account.spent_tokens <= (caps.get("tokens") or 1_000_000)


async def test_a_cap_of_nothing_lets_nothing_through(
    gateway: GatewayBackend, open_books: Callable[..., Books]
) -> None:
    with OpenAIServer([Rule(say("x"))]) as server:
        with pytest.raises(BudgetExceeded):
            await models(gateway, at(server)).ask(open_books(tokens=0).steps(), asking())
        with pytest.raises(BudgetExceeded):
            await models(gateway, at(server, **PRICED)).ask(open_books(usd=0.0).steps(), asking())
        assert server.requests == []


async def test_a_recording_replays_to_the_same_replies(
    gateway: GatewayBackend, open_books: Callable[..., Books], tmp_path: Path
) -> None:
    cassette = tmp_path / "story.jsonl"
    rules = [
        Rule(fail(429, retry_after=0), times=1),
        Rule(say("one", usage=USAGE), match="first"),
        Rule(say("two")),
    ]
    with OpenAIServer(rules) as server:
        only = ModelsSettings(default=(at(server, **PRICED),))
        recorder = Models(only, BudgetSettings(), RecordingBackend(gateway, cassette))
        steps = open_books().steps()
        recorded = [await recorder.ask(steps, asking("first")), await recorder.ask(steps, asking("second"))]
    books = open_books(usd=0.0)
    player = Models(
        ModelsSettings(cassette=cassette), BudgetSettings(unknown_price="refuse"), CassetteBackend(cassette)
    )
    steps = books.steps()
    played = [await player.ask(steps, asking("first")), await player.ask(steps, asking("second"))]
    for before, after in zip(recorded, played, strict=True):
        assert (after.text, after.usage, after.finish) == (before.text, before.usage, before.finish)
        assert (after.model, after.cost_usd, after.seconds) == (f"cassette:{before.model}", 0.0, 0.0)
        assert after.recorded_cost_usd == before.cost_usd
    with pytest.raises(ModelRejected, match=r"no reply for /BUILD/t1.0/implementer/model#2.*does not fit"):
        await player.ask(steps, asking("third"))
