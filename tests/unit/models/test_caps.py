"""Caps on one call, on requests and on a day."""

from collections.abc import Callable

import pytest
from tests.unit.models.support import Books
from tests.unit.models.test_asking import ASKED, A, B, Trial, busy, down, say

from wainwright.domain.errors import BudgetExceeded
from wainwright.models.caps import CapMet, Caps, TooDear
from wainwright.models.client import Price, PriceTier
from wainwright.settings import BudgetSettings

PRICE = Price(tiers=(PriceTier(input_usd_per_mtok=1.0, output_usd_per_mtok=10.0),))


@pytest.mark.parametrize(
    ("budget", "room"),
    [
        ({}, 8_000),
        ({"call_usd": 1.0}, 8_000),
        ({"call_usd": 0.061}, 6_000),
        ({"call_tokens": 3_000}, 2_000),
        ({"call_usd": 0.061, "call_tokens": 3_000}, 2_000),
        ({"call_usd": 0.001}, None),
        ({"call_tokens": 1_200}, None),
    ],
)
def test_a_reply_is_kept_as_short_as_the_caps_on_one_call_need(
    budget: dict[str, float], room: int | None
) -> None:
    caps = Caps(BudgetSettings.model_validate(budget))
    if room is not None:
        assert caps.room(A, 1_000, 8_000, PRICE) == pytest.approx(room, abs=1)
        return
    with pytest.raises(TooDear, match="openai/a: a call with up to 1000 tokens"):
        caps.room(A, 1_000, 8_000, PRICE)


async def test_who_is_too_dear_for_one_call_is_left_out(books: Books) -> None:
    small = B.model_copy(update={"max_output_tokens": 600, "context_tokens": 400})
    trial = Trial(lambda _c, _n: say(), A, small, budget={"call_tokens": 1_000})
    await trial.ask(books)
    assert trial.backend.names == "b"
    alone = Trial(lambda _c, _n: say(), A, budget={"call_tokens": 1_000})
    (error,) = await alone.ask(books, "/other")
    assert isinstance(error, TooDear)
    assert alone.backend.asked == []
    (recorded,) = await alone.ask(books)
    assert recorded.text == "yes", "what was paid is no matter of caps"


async def test_requests_are_counted_as_they_are_answered(books: Books) -> None:
    trial = Trial(lambda _c, n: busy() if n == 1 else say(""), budget={"requests": 3})
    (error,) = [one for one in await trial.ask(books, "/one", "/two") if isinstance(one, BudgetExceeded)]
    assert isinstance(error, CapMet)
    assert "3 model calls of the run were made or are under way; 3 are allowed." in error.message
    assert trial.backend.names == "aaaa", "one was refused by its provider"


async def test_calls_side_by_side_pass_no_cap_together(books: Books) -> None:
    trial = Trial(lambda _c, _n: say(), budget={"requests": 3})
    came = await trial.ask(books, *(f"/task-{n}" for n in range(8)))
    assert sum(isinstance(one, CapMet) for one in came) == 5
    assert trial.backend.names == "aaa"
    assert books.account.calls == 3


async def test_lost_calls_are_requests_too(books: Books) -> None:
    trial = Trial(lambda _c, _n: down(lost=True), budget={"requests": 2})
    (error,) = await trial.ask(books)
    assert isinstance(error, CapMet)
    assert trial.backend.names == "aa"


async def test_a_day_holds_for_all_runs_and_ends_at_midnight(open_books: Callable[..., Books]) -> None:
    books = open_books()
    await Trial(lambda _c, _n: say()).ask(books)
    for scope, cap, asked in (("/two", 15, ""), ("/three", 100_000, "a")):
        trial = Trial(lambda _c, _n: say(), budget={"day_tokens": cap})
        (came,) = await trial.ask(books, scope)
        assert trial.backend.names == asked
        if not asked:
            assert isinstance(came, CapMet)
            assert "; 15 of the 15 of all runs today are spent or held." in came.message
            assert came.hint.startswith("Go on tomorrow with `wainwright resume`")
    assert books.journal.used("another", since=0).calls == 2
    assert books.journal.used("r1", since=4e9).calls == 0


@pytest.mark.parametrize(
    ("cap", "met"),
    [
        ({"requests": 1}, "1 model calls of the planner in this run were made"),
        ({"tokens": 20}, "15 of the 20 of the planner in this run are spent or held."),
        ({"usd": 0.0001}, "$0.0000 of the $0.00 of the planner in this run is spent or held."),
    ],
)
async def test_a_role_has_caps_of_its_own(books: Books, cap: dict[str, float], met: str) -> None:
    await Trial(lambda _c, _n: say()).ask(books)
    trial = Trial(lambda _c, _n: say(), budget={"roles": {"planner": cap}, "tokens": 10**9})
    trial.backend.prices = {A: PRICE}
    (error,) = await trial.ask(books, "/two")
    assert isinstance(error, CapMet)
    assert met in error.message
    assert "budget.roles.planner" in error.hint
    other = ASKED.model_copy(update={"role": "critic"})
    (reply,) = await trial.ask(books, "/three", request=other)
    assert reply.text == "yes"
    assert books.journal.used("r1", role="planner").calls == 1
    assert books.journal.used("r1", role="critic") == (1, pytest.approx(0.00006), 15)
