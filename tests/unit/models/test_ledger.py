"""The ledger: every call that reached a model, with the money of the journal, to the cent."""

import asyncio

import pytest
from tests.fixtures.openai_server import HANG, OpenAIServer, Rule, fail, say
from tests.unit.models.support import Books
from tests.unit.models.test_router import PRICED, USAGE, asking, at, models

from wainwright.domain.errors import ModelRejected
from wainwright.journal import Reservation, Spend
from wainwright.models.client import CallFailed, GatewayBackend
from wainwright.models.ledger import Ledger
from wainwright.settings import Candidate

pytestmark = pytest.mark.asyncio(loop_scope="module")


def read(books: Books) -> Ledger:
    ledger = Ledger(books.journal, "r1").read()
    booked = sum(call.cost_usd for call in ledger.calls if call.outcome != "under way")
    account = books.account
    assert (booked, ledger.total().tokens) == (pytest.approx(account.spent_usd), account.spent_tokens)
    return ledger


async def test_a_call_is_told_with_role_task_model_tokens_cost_and_time(
    gateway: GatewayBackend, books: Books
) -> None:
    usage = {
        **USAGE,
        "prompt_tokens_details": {"cached_tokens": 40},
        "completion_tokens_details": {"reasoning_tokens": 20},
    }
    with OpenAIServer([Rule(say("yes", usage=usage, delay_s=0.05))]) as server:
        await models(gateway, at(server, **PRICED)).ask(books.steps(), asking())
    (call,) = read(books).calls
    assert (call.stage, call.task, call.role, call.model, call.provider) == (
        "BUILD",
        "t1",
        "planner",
        "openai/any",
        "openai",
    )
    assert (call.input, call.cached, call.output, call.reasoning, call.tokens) == (100, 40, 50, 20, 150)
    assert (call.outcome, call.sure, call.cost_usd) == ("done", "told", pytest.approx(0.0002))
    assert 0.05 <= call.first_s <= call.seconds < 30


async def test_failed_calls_are_told_with_their_model_and_what_was_said(
    gateway: GatewayBackend, books: Books
) -> None:
    with OpenAIServer([Rule(fail(429, retry_after=0), times=2), Rule(say("at last", usage=USAGE))]) as server:
        await models(gateway, at(server, **PRICED)).ask(books.steps(), asking())
    ledger = read(books)
    assert [(c.attempt, c.outcome, c.model, c.cost_usd > 0) for c in ledger.calls] == [
        (1, "failed", "openai/any", False),
        (2, "failed", "openai/any", False),
        (3, "done", "openai/any", True),
    ]
    assert "too many requests" in ledger.calls[0].why
    (line,) = ledger.lines()
    assert (line.calls, line.failed, line.bounded, line.cost) == (3, 2, 0, "$0.0002")


async def test_a_call_without_an_answer_may_have_cost_its_reservation(
    gateway: GatewayBackend, books: Books
) -> None:
    with OpenAIServer([Rule(HANG)]) as server:
        asker = models(gateway, at(server, **PRICED, timeout_s=0.2), retries=0)
        with pytest.raises(CallFailed):
            await asker.ask(books.steps(), asking())
    ledger = read(books)
    (call,) = ledger.calls
    assert (call.outcome, call.sure) == ("failed", "at most")
    assert call.cost_usd > 0
    assert ledger.total().cost.startswith("at most $0.00")


async def test_an_unknown_price_is_said_and_not_shown_as_nothing(
    gateway: GatewayBackend, books: Books
) -> None:
    with OpenAIServer([Rule(say("a", usage=USAGE), times=1), Rule(HANG)]) as server:
        unpriced = at(server, timeout_s=0.2)
        await models(gateway, unpriced).ask(books.steps(), asking())
        with pytest.raises(CallFailed):
            await models(gateway, unpriced, retries=0).ask(books.steps("/PLANNING/1/planner"), asking())
        with OpenAIServer([Rule(say("b", usage=USAGE))]) as other:
            priced = at(other, **PRICED)
            await models(gateway, priced).ask(books.steps("/REVIEW/0/reviewer"), asking("again"))
    ledger = read(books)
    assert [call.sure for call in ledger.calls] == ["unknown", "unknown", "told"]
    assert ledger.total().cost == "$0.0002, and 2 calls of unknown price"
    assert ledger.calls[1].outcome == "failed"


async def test_a_free_model_costs_nothing_and_is_not_called_unknown(
    gateway: GatewayBackend, books: Books
) -> None:
    free = {"input_usd_per_mtok": 0.0, "output_usd_per_mtok": 0.0, "timeout_s": 0.2}
    with OpenAIServer([Rule(say("a", usage=USAGE), times=1), Rule(HANG)]) as server:
        await models(gateway, at(server, **free)).ask(books.steps(), asking())
        with pytest.raises(CallFailed):
            await models(gateway, at(server, **free), retries=0).ask(
                books.steps("/PLANNING/1/planner"), asking()
            )
    assert [call.sure for call in read(books).calls] == ["told", "told"]
    assert read(books).total().cost == "$0.0000"


async def test_a_call_under_way_spends_nothing_yet_and_is_lost_with_its_process(books: Books) -> None:
    begun = asyncio.Event()

    async def act(_: str) -> tuple[None, Spend]:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    about = {"role": "tester", "model": "a/b", "priced": True}
    step = books.steps("/BUILD/acceptance.0/tester").step(
        "model", inputs=1, effect="llm", act=act, reservation=Reservation(usd=0.5, tokens=70), about=about
    )
    task = asyncio.create_task(step)
    await begun.wait()
    ledger = read(books)
    assert [(c.outcome, c.role, c.task, c.model) for c in ledger.calls] == [
        ("under way", "tester", "acceptance", "a/b")
    ]
    assert ledger.total().cost_usd == 0
    books.journal.release(books.lease)
    books.lease = books.journal.claim("r1")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [(c.outcome, c.sure, c.cost_usd, c.tokens) for c in ledger.read().calls] == [
        ("lost", "at most", 0.5, 70)
    ]
    assert (ledger.total().lost, ledger.total().cost) == (1, "at most $0.5000")


async def test_what_was_never_sent_costs_nothing(gateway: GatewayBackend, books: Books) -> None:
    keyless = Candidate.model_validate({"model": "groq/x", **PRICED})
    with pytest.raises(ModelRejected, match="no key"):
        await models(gateway, keyless).ask(books.steps(), asking())
    (call,) = read(books).calls
    assert (call.outcome, call.cost_usd, call.sure, call.model) == ("failed", 0.0, "told", "groq/x")


async def test_roles_are_summed_up_the_dearest_first_as_the_journal_grows(books: Books) -> None:
    ledger = Ledger(books.journal, "r1")

    async def pay(scope: str, usd: float, model: str) -> None:
        async def act(_: str) -> tuple[dict[str, object], Spend]:
            usage = {"input": 7, "output": 3, "reasoning": 2}
            reply = {"model": model, "usage": usage, "cost_usd": usd, "seconds": 1.5, "first_s": 0.25}
            return reply, Spend(usd=usd, tokens=10)  # type: ignore[return-value]

        await books.steps(scope).step("model", inputs=1, effect="llm", act=act)

    await pay("/BUILD/a.1.0/implementer", 0.1, "x/cheap")
    assert [line.role for line in ledger.read().lines()] == ["implementer"]
    await pay("/BUILD/b.c.2.0/implementer", 0.2, "x/cheap")
    await pay("/REVIEW/0/reviewer", 0.5, "y/dear")
    assert [(line.role, line.model, line.calls, line.cost) for line in ledger.read().lines()] == [
        ("reviewer", "y/dear", 1, "$0.5000"),
        ("implementer", "x/cheap", 2, "$0.3000"),
    ]
    last = ledger.calls[1]
    assert (last.task, last.reasoning, last.seconds, last.first_s) == ("b.c", 2, 1.5, 0.25)
    assert ledger.total().reasoning == 6
