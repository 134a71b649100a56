"""Bounds: never below what a tokenizer can count, and close once a provider has counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wainwright.models.budget import PER_IMAGE, TokenBounds
from wainwright.models.client import Message, ModelReply, ModelRequest, Price, PriceTier, ToolSpec, Usage
from wainwright.models.gateway import to_price
from wainwright.settings import Candidate

CANDIDATE = Candidate(model="openai/any")


def conversation(*texts: str, tools: tuple[ToolSpec, ...] = ()) -> ModelRequest:
    return ModelRequest(
        role="planner", messages=tuple(Message(role="user", content=t) for t in texts), tools=tools
    )


@given(st.lists(st.text(max_size=200), min_size=1, max_size=5))
def test_a_token_is_at_least_a_byte(texts: list[str]) -> None:
    assert TokenBounds().input(CANDIDATE, conversation(*texts)) > sum(len(text.encode()) for text in texts)


def test_what_was_counted_is_not_bounded_by_bytes_again() -> None:
    bounds = TokenBounds()
    first = conversation("x" * 10_000)
    bounds.learn(CANDIDATE, first, ModelReply(model="m", usage=Usage(input=2_000, output=5)))
    assert bounds.input(CANDIDATE, first) == 2_000
    assert 2_100 <= bounds.input(CANDIDATE, conversation("x" * 10_000, "y" * 100)) <= 2_200


@pytest.mark.parametrize(
    "other",
    [
        conversation("z" * 10_000),
        conversation("x" * 10_000, tools=(ToolSpec(name="t", description="", parameters={}),)),
    ],
)
def test_other_beginnings_learn_nothing(other: ModelRequest) -> None:
    bounds = TokenBounds()
    bounds.learn(CANDIDATE, conversation("x" * 10_000), ModelReply(model="m", usage=Usage(input=2_000)))
    assert bounds.input(CANDIDATE, other) > 10_000
    assert bounds.input(Candidate(model="openai/other"), conversation("x" * 10_000)) > 10_000


def test_the_window_bounds_the_input_and_the_smaller_limit_the_output() -> None:
    small = Candidate(model="openai/any", context_tokens=4_000, max_output_tokens=100)
    request = conversation("x" * 10_000).model_copy(update={"max_output_tokens": 50})
    assert TokenBounds().input(small, request) == 4_000
    assert TokenBounds().output(small, request) == 50
    assert TokenBounds().output(small, conversation("x")) == 100


def test_long_calls_cost_the_dearer_tier() -> None:
    price = to_price(
        {
            "input_cost_per_token": 1e-6,
            "input_cost_per_token_batches": 9.0,
            "cache_creation_input_token_cost": 1.25e-6,
            "output_cost_per_token": 5e-6,
            "input_cost_per_token_above_200k_tokens": 2e-6,
            "output_cost_per_token_above_200k_tokens": 10e-6,
        }
    )
    assert price is not None
    assert price.worst(100_000, 1_000) == pytest.approx(0.125 + 0.005)
    assert price.worst(300_000, 1_000) == pytest.approx(0.6 + 0.01)


@pytest.mark.parametrize("row", [{}, {"input_cost_per_token": 1e-6}, {"output_cost_per_image": 1.0}])
def test_half_a_price_is_no_price(row: dict[str, float]) -> None:
    assert to_price(row) is None


def test_an_empty_call_costs_nothing() -> None:
    assert Price(tiers=(PriceTier(input_usd_per_mtok=1, output_usd_per_mtok=1),)).worst(0, 0) == 0


def test_a_picture_is_reserved_for():
    picture = {"kind": "image", "media_type": "image/png", "base64": "iVBORw=="}
    asked = [
        ModelRequest(role="planner", messages=(Message(role="user", content=content),))
        for content in ("x", (picture,))
    ]
    words, seen = (TokenBounds().input(Candidate(model="openai/any"), one) for one in asked)
    assert seen - words == PER_IMAGE - 1
