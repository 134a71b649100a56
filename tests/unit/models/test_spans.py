"""Spans of model calls, as an OTLP endpoint gets them: how it went and what it cost, and never what was said."""

import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from wainwright.models.ledger import Call
from wainwright.models.spans import CONVENTIONS, ENDPOINT, Spans
from wainwright.settings import Settings

pytest.importorskip("opentelemetry.proto", reason="the extra otel is not installed")
Collector = pytest.importorskip("tests.fixtures.otlp_collector").Collector


@pytest.fixture
def collector() -> Iterator[Any]:
    made = Collector()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (ENDPOINT, "OTEL_SDK_DISABLED", "OTEL_EXPORTER_OTLP_HEADERS"):
        monkeypatch.delenv(name, raising=False)


def call(**more: Any) -> Call:
    told = {
        "key": "/BUILD/t.0/tester/model#0",
        "stage": "BUILD",
        "task": "t",
        "role": "tester",
        "at": time.time(),
    }
    return Call.model_validate({**told, "model": "openai/any", "outcome": "done", **more})


def test_each_call_is_a_span_with_how_it_went_and_what_it_cost(collector: Any) -> None:
    spans = Spans.open(Settings.model_validate({"telemetry": {"otlp": collector.url}}))
    assert spans is not None
    usage = {"input": 100, "cached": 40, "output": 50, "reasoning": 20, "tokens": 150}
    done = call(**usage, cost_usd=0.25, seconds=1.5, first_s=0.5, attempt=2)
    spans.tell("r1", [done, call(outcome="failed", why="a secret word", sure="unknown", tokens=7)])
    spans.tell("r1", [call(at=time.time() - 3600)])
    spans.close()
    first, second = collector.spans()
    assert first == {
        "conventions": CONVENTIONS,
        "name": "chat any",
        "failed": False,
        "took": pytest.approx(1.5, abs=1e-6),
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "any",
        "gen_ai.conversation.id": "r1",
        "gen_ai.agent.name": "tester",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 50,
        "wainwright.stage": "BUILD",
        "wainwright.task": "t",
        "wainwright.attempt": 2,
        "wainwright.tokens.booked": 150,
        "wainwright.tokens.cached": 40,
        "wainwright.tokens.reasoning": 20,
        "wainwright.first_token_s": 0.5,
        "wainwright.cost_usd": 0.25,
    }
    assert (second["failed"], second["error.type"]) == (True, "failed")
    assert "wainwright.cost_usd" not in second
    assert "a secret word" not in str(collector.got)


def test_without_an_endpoint_nothing_is_sent_and_the_usual_variable_names_one(
    monkeypatch: pytest.MonkeyPatch, collector: Any
) -> None:
    assert Spans.open(Settings()) is None
    monkeypatch.setenv(ENDPOINT, f"{collector.url}/")
    spans = Spans.open(Settings())
    assert spans is not None
    spans.tell("r1", [call()])
    spans.close()
    assert len(collector.spans()) == 1


def test_without_the_extra_nothing_is_sent_and_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    spans = Spans("http://127.0.0.1:9")
    spans.tell("r1", [call()])
    spans.tell("r1", [call()])
    spans.close()


def test_an_endpoint_is_an_address() -> None:
    with pytest.raises(ValidationError, match="otlp"):
        Settings.model_validate({"telemetry": {"otlp": "localhost:4318"}})


def test_an_endpoint_that_is_not_there_holds_nobody_up_for_long() -> None:
    spans = Spans("http://127.0.0.1:9")
    began = time.monotonic()
    spans.tell("r1", [call()])
    assert time.monotonic() - began < 5
    spans.close()
    assert time.monotonic() - began < 20
