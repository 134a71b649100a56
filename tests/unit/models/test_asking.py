"""Waits, rests and useless replies, with a real journal and hours that pass in a moment."""

from collections.abc import Callable

import pytest
from tests.unit.models.support import Books
from tests.unit.models.trial import ASKED, A, B, Trial, busy, down, say, unreachable

from wainwright.domain.errors import BudgetExceeded, ModelRejected, ModelUnavailable
from wainwright.journal import Steps
from wainwright.models.client import (
    CallFailed,
    Image,
    Message,
    ModelReply,
    ModelRequest,
    Price,
    PriceTier,
    ToolCall,
)
from wainwright.models.router import LeftOut
from wainwright.settings import Candidate


@pytest.mark.parametrize("failure", [busy, down])
async def test_two_seconds_of_failures_end_nothing(books: Books, failure: Callable[[], CallFailed]) -> None:
    trial = Trial(lambda _c, _n: failure() if trial.clock.now < 2 else say())
    (reply,) = await trial.ask(books)
    assert reply.text == "yes"
    assert trial.clock.now < 6


async def test_what_a_provider_asks_for_is_kept_to_and_told(books: Books) -> None:
    trial = Trial(lambda _c, number: busy(40) if number == 1 else say())
    await trial.ask(books)
    assert [at for at, _ in trial.backend.asked] == [0, pytest.approx(41.5, abs=1.5)]
    assert len(trial.told) == 1, "one wait is told once"
    assert "tries again in 4" in trial.told[0]


async def test_a_wait_beyond_the_run_is_given_up_at_once_with_the_time_to_go_on(books: Books) -> None:
    trial = Trial(lambda _c, _n: busy(86_400))
    (error,) = await trial.ask(books)
    assert isinstance(error, CallFailed)
    assert "slow down. It can be asked again in 24 h, at " in error.message
    assert error.message.endswith("; the run has 4 h left.")
    assert error.hint.startswith("Go on with `wainwright resume` from ")
    assert len(trial.backend.asked) == 1


async def test_who_waits_stops_with_its_run(books: Books) -> None:
    def allow(_effect: str) -> None:
        if trial.clock.now > 20:
            raise BudgetExceeded("The cap was met.")

    trial = Trial(lambda _c, _n: busy(3000))
    steps = Steps(books.journal, books.lease, "/one", allow=allow)
    (error,) = await trial.clock.run(trial.models.ask(steps, ASKED))
    assert isinstance(error, BudgetExceeded)
    assert trial.clock.now <= 25
    assert trial.backend.names == "a"


async def test_an_outage_is_waited_out_for_minutes_and_an_address_that_never_answers_for_seconds(
    books: Books,
) -> None:
    never = Trial(lambda _c, _n: unreachable())
    (error,) = await never.ask(books)
    assert "It was waited for" in error.message
    assert 5 < never.clock.now < 20
    assert error.hint == "Check the address. Then go on with `wainwright resume`."
    once = Trial(lambda _c, number: say() if number == 1 else unreachable())
    await once.ask(books, "/first")
    for trial in (once, Trial(lambda _c, _n: down())):
        (error,) = await trial.ask(books, "/second")
        assert isinstance(error, ModelUnavailable)
        assert 600 < trial.clock.now < 900


@pytest.mark.parametrize(("failure", "asked"), [(down(), "aaabb"), (busy(), "aaacc")])
async def test_an_outage_leaves_out_the_whole_provider_a_limit_only_its_model(
    books: Books, failure: CallFailed, asked: str
) -> None:
    twin = Candidate(model="openai/c")
    failing = (A,) if failure.busy else (A, twin)
    trial = Trial(lambda c, _n: failure if c in failing else say(), A, twin, B)
    await trial.ask(books, "/first")
    await trial.ask(books, "/second")
    assert trial.backend.names == asked


async def test_who_failed_is_asked_again_after_a_rest_by_one_at_first(books: Books) -> None:
    trial = Trial(lambda c, _n: down() if c == A and trial.clock.now < 5 else say(), A, B)
    await trial.ask(books, "/first")
    assert trial.backend.names == "aaab"
    await trial.clock.run(trial.clock.sleep(30))
    await trial.ask(books, "/second", "/third")
    assert trial.backend.names == "aaabab"
    await trial.ask(books, "/fourth", "/fifth")
    assert trial.backend.names == "aaababaa"


async def test_lost_calls_are_not_made_again_and_again(books: Books) -> None:
    trial = Trial(lambda _c, _n: down(lost=True))
    (error,) = await trial.ask(books)
    assert isinstance(error, CallFailed)
    assert len(trial.backend.asked) == 3


async def test_a_wrong_name_concerns_that_candidate_alone(books: Books) -> None:
    wrong, right = Candidate(model="openai/x"), Candidate(model="openai/y")
    refused = ModelRejected("openai/x: there is no such model.")
    trial = Trial(lambda c, _n: refused if c == wrong else say(), wrong, right)
    for scope in ("/first", "/second"):
        (reply,) = await trial.ask(books, scope)
        assert reply.text == "yes"
    assert trial.clock.now == 0


@pytest.mark.parametrize(
    ("flawed", "asked"),
    [
        (say(""), "aab"),
        (say(" \n", finish="length"), "aab"),
        (say("I can", finish="content_filter"), "ab"),
        (say("half", finish="length"), "ab"),
    ],
)
async def test_a_useless_reply_is_paid_and_another_candidate_asked(
    books: Books, flawed: ModelReply, asked: str
) -> None:
    larger = B.model_copy(update={"max_output_tokens": 2 * A.max_output_tokens})
    trial = Trial(lambda c, _n: flawed if c == A else say(), A, larger)
    (reply,) = await trial.ask(books)
    assert (reply.text, reply.attempts) == ("yes", len(asked))
    assert trial.backend.names == asked
    assert books.account.spent_tokens == 15 * len(asked)
    assert [entry["key"] for entry in books.journal.calls("r1")] == ["/one/model#0"]


@pytest.mark.parametrize(
    ("flawed", "candidates", "asked"),
    [
        (say(""), (A,), "aa"),
        (say(""), (A, B), "aabba"),
        (say("half", finish="length"), (A, B), "a"),
        (say("I can", finish="content_filter"), (A, B), "aba"),
        (say("", finish="tool_calls", tool_calls=(ToolCall(id="1", name="read"),)), (A, B), "a"),
    ],
)
async def test_for_want_of_a_better_one_a_reply_is_taken(
    books: Books, flawed: ModelReply, candidates: tuple[Candidate, ...], asked: str
) -> None:
    trial = Trial(lambda _c, _n: flawed, *candidates)
    (reply,) = await trial.ask(books)
    assert (reply.text, reply.finish) == (flawed.text, flawed.finish)
    assert trial.backend.names == asked


async def test_a_dearer_model_beyond_the_cap_ends_no_wait_for_the_usual_one(
    open_books: Callable[..., Books],
) -> None:
    trial = Trial(lambda c, _n: busy() if trial.clock.now < 100 else say(), A, B)
    dear = PriceTier(input_usd_per_mtok=1000, output_usd_per_mtok=1000)
    trial.backend.prices = {B: Price(tiers=(dear,))}
    books = open_books(usd=1.0)
    (reply,) = await trial.ask(books)
    assert reply.text == "yes"
    assert set(trial.backend.names) == {"a"}
    (error,) = await Trial(lambda _c, _n: say(), A).ask(open_books(tokens=10))
    assert isinstance(error, BudgetExceeded)


async def test_who_cannot_see_is_shown_no_picture(books: Books) -> None:
    picture = Image(media_type="image/png", base64="iVBORw==")
    request = ModelRequest(role="planner", messages=(Message(role="user", content=(picture,)),))
    blind = A.model_copy(update={"vision": False})
    trial = Trial(lambda _c, _n: say(), blind, B)
    await trial.ask(books, request=request)
    assert trial.backend.names == "b"
    (error,) = await Trial(lambda _c, _n: say(), blind).ask(books, "/two", request=request)
    assert isinstance(error, ModelRejected)
    assert "cannot see pictures" in error.message


async def test_a_cap_of_nothing_refuses_what_costs_nobody_knows_how_much(
    open_books: Callable[..., Books],
) -> None:
    trial = Trial(lambda _c, _n: say())
    (error,) = await trial.ask(open_books(usd=0.0))
    assert isinstance(error, LeftOut)
    assert "The price of openai/a is unknown." in error.message
    assert trial.backend.asked == []
    books = open_books(usd=5.0)
    await trial.ask(books)
    assert books.account.spent_usd == 0
