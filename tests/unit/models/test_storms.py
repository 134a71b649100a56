"""Storms: what providers do to many calls, or in the middle of a run, on a clock on which hours pass in a moment."""

import itertools
import random
import time
from collections.abc import Awaitable, Callable

import pytest
from tests.unit.models.support import Books
from tests.unit.models.trial import ASKED, A, Answer, B, Trial, busy, down, say

from wainwright.domain.errors import BudgetExceeded, ModelRejected
from wainwright.models.client import CallFailed, Price, PriceTier, ToolCall
from wainwright.settings import Candidate

OpenBooks = Callable[..., Books]
STORMS: list[Callable[[OpenBooks], Awaitable[None]]] = []


def storm(test: Callable[[OpenBooks], Awaitable[None]]) -> Callable[[OpenBooks], Awaitable[None]]:
    """One of the eight."""
    STORMS.append(test)
    return test


@storm
async def ten_minutes_of_refusals(open_books: OpenBooks) -> None:
    """All of them 429, with eight agents: they are waited out, with less than a request a second."""
    books = open_books()

    def script(_candidate: Candidate, _number: int) -> Answer:
        return busy() if trial.clock.now < 600 else say()

    trial = Trial(script)
    replies = await trial.ask(books, *(f"/task-{n}" for n in range(8)))
    assert [reply.text for reply in replies] == ["yes"] * 8
    assert trial.clock.now < 600 + 200, "it goes on soon after the end"
    times = [at for at, _ in trial.backend.asked if at < 600]
    assert len(times) < 60
    # Beside the first moment, in which nobody can know, less than one request a second goes out.
    later = [at for at in times if at > 0]
    assert all(after - before >= 0.99 for before, after in itertools.pairwise(later))
    assert trial.told[-1].startswith("openai/a: too many requests (429); tries again in ")
    assert books.account.spent_tokens == 8 * 15


@storm
async def every_second_call_fails(open_books: OpenBooks) -> None:
    """By chance, in a thousand steps of eight agents: each ends, and once."""
    books = open_books()
    chance = random.Random(7)
    trial = Trial(lambda _c, n: down() if chance.random() < 0.5 else say(str(n)))

    async def agent(number: int) -> list[str]:
        steps = books.steps(f"/agent-{number}")
        return [(await trial.models.ask(steps, ASKED)).text for _ in range(125)]

    texts = [text for one in await trial.clock.run(*(agent(n) for n in range(8))) for text in one]
    assert len(set(texts)) == len(texts) == 1000
    assert books.account.spent_tokens == 1000 * 15
    assert books.account.calls == 1000


@storm
async def the_one_that_stands_in_is_dearer(open_books: OpenBooks) -> None:
    """At the edge of the cap: it is asked while its dearest reply fits, and not for a cent more."""
    tier = PriceTier(input_usd_per_mtok=100, output_usd_per_mtok=100)
    for cap, fits in ((2.0, True), (0.9, False)):
        books = open_books(usd=cap, tokens=None)
        trial = Trial(lambda c, _n: down() if c == A else say(cost_usd=0.0015), A, B, wait_s=0)
        cheap = PriceTier(input_usd_per_mtok=1, output_usd_per_mtok=1)
        trial.backend.prices = {A: Price(tiers=(cheap,)), B: Price(tiers=(tier,))}
        first = await trial.ask(books, "/first")
        assert trial.backend.names == ("aaab" if fits else "aaa")
        if not fits:
            assert isinstance(first[0], CallFailed | BudgetExceeded), first
            assert books.account.spent_usd == 0
            continue
        assert first[0].text == "yes"
        # Each takes 0.0015 of it and reserves about 0.93: eight at once never pass it together.
        later = await trial.ask(books, *(f"/task-{n}" for n in range(8)))
        told = [reply for reply in later if not isinstance(reply, Exception)]
        assert books.account.spent_usd == pytest.approx(0.0015 * (1 + len(told)))
        assert books.account.spent_usd <= cap


@storm
async def the_names_of_another_tenant(open_books: OpenBooks) -> None:
    """Replies with the same ids as those of somebody else: each is its own asker's, and no id is trusted."""
    books = open_books()
    call = ToolCall(id="call_1", name="read")
    trial = Trial(lambda _c, n: say(str(n), tool_calls=(call,)))
    replies = await trial.ask(books, *(f"/task-{n}" for n in range(8)))
    assert sorted(reply.text for reply in replies) == [str(n) for n in range(1, 9)]
    again = await trial.ask(books, *(f"/task-{n}" for n in range(8)))
    assert again == replies, "found by the step, not by what the provider calls it"
    assert len(trial.backend.asked) == 8


@storm
async def the_clock_is_set_by_an_hour(open_books: OpenBooks) -> None:
    """While it is waited, to and fro: the wait is as long as it was asked for."""
    real = time.time
    for shift in (3600, -3600):

        def script(_candidate: Candidate, number: int, shift: int = shift) -> Answer:
            patch.setattr(time, "time", lambda: real() + shift * number)
            return busy(60) if number == 1 else say()

        with pytest.MonkeyPatch.context() as patch:
            trial = Trial(script)
            (reply,) = await trial.ask(open_books())
        assert reply.text == "yes"
        assert 60 <= trial.clock.now < 70


@storm
async def an_hour_of_sleep(open_books: OpenBooks) -> None:
    """The machine slept in the middle of an answer: the call is lost and booked, and asked again once."""
    books = open_books()

    def script(_candidate: Candidate, number: int) -> Answer:
        if number == 1:
            trial.clock.now += 3600
            return down(lost=True)
        return say()

    trial = Trial(script)
    (reply,) = await trial.ask(books)
    assert (reply.text, len(trial.backend.asked)) == ("yes", 2)
    assert books.account.calls == 1
    assert books.account.spent_tokens > 8192 + 15, "what the lost one may have cost"


@storm
async def the_key_is_revoked(open_books: OpenBooks) -> None:
    """In the middle of a run: what was answered stays, nobody asks again with it, and another candidate goes on."""
    books = open_books()
    revoked = ModelRejected("openai/a: the key was refused (401).", "Check the key.")
    trial = Trial(lambda c, n: revoked if c == A and n > 3 else say(str(n)), A, B)
    steps = books.steps("/one")
    texts = [(await trial.models.ask(steps, ASKED)).text for _ in range(5)]
    assert (texts, trial.backend.names) == (["1", "2", "3", "5", "7"], "aaaabab")
    alone = Trial(lambda _c, _n: revoked, A)
    (error,) = await alone.ask(books, "/two")
    assert (str(error), alone.backend.names) == (str(revoked), "a")
    assert alone.clock.now == 0


@storm
async def the_quota_ends(open_books: OpenBooks) -> None:
    """Without credit there is nothing to wait for: said at once, and another provider goes on."""
    books = open_books()
    ended = ModelRejected("openai/a: the account has no credit left.", "Top the account up.")
    trial = Trial(lambda c, n: ended if c == A and n > 1 else say(str(n)), A, B)
    replies = [await trial.ask(books, f"/task-{n}") for n in range(2)]
    assert [reply.text for (reply,) in replies] == ["1", "3"]
    assert trial.clock.now == 0


@pytest.mark.parametrize("gone_through", STORMS, ids=lambda one: one.__name__)
async def test_nothing_is_lost_in_a_storm(
    open_books: OpenBooks, gone_through: Callable[[OpenBooks], Awaitable[None]]
) -> None:
    await gone_through(open_books)
