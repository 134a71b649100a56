"""How long to wait: each way in which providers say it, and what says nothing."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from wainwright.models.client import CallFailed, GatewayBackend, Message, ModelRequest
from wainwright.models.waits import LONGEST_S, asked_wait, in_words, span, time_of_day
from wainwright.settings import Candidate

NOW = 1_767_225_600.0  # Thu, 01 Jan 2026 00:00:00 GMT
OPENAI = "Rate limit reached for gpt-5 on tokens per min (TPM): Limit 30000. Please try again in "


@pytest.mark.parametrize(
    ("wait", "headers", "text"),
    [
        (5, {"Retry-After": "5"}, ""),
        (0, {"retry-after": "0"}, ""),
        (0, {"retry-after": "-3"}, ""),
        (86400, {"retry-after": "86400"}, "try again in 12s"),
        (LONGEST_S, {"retry-after": "999999999"}, ""),
        (0.25, {"retry-after-ms": "250", "retry-after": "1"}, ""),
        (8, {"retry-after": "Thu, 01 Jan 2026 00:00:08 GMT"}, "try again in 12s"),
        (0, {"retry-after": "Wed, 31 Dec 2025 23:00:00 GMT"}, ""),
        # A clock that goes wrong here is not asked where the answer tells the time itself.
        (30, {"retry-after": "Thu, 01 Jan 2026 05:00:30 GMT", "date": "Thu, 01 Jan 2026 05:00:00 GMT"}, ""),
        (60, {"retry-after": str(int(NOW) + 60)}, ""),
        (12, {"retry-after": "soon"}, f"{OPENAI}12s. Visit https://platform.openai.com/account/rate-limits"),
        (12, {}, f"{OPENAI}12s."),
        (62.5, {}, f"{OPENAI}1m2.5s. Visit https://x"),
        (0.02, {}, f"{OPENAI}20ms."),
        (
            7.66,
            {},
            "Rate limit reached. Please try again in 7.66s. Need more tokens? Upgrade to Dev Tier today",
        ),
        (3723, {}, "Try again in 1h2m3s"),
        (7500, {}, "Please wait 2 hours and 5 minutes, then send it again"),
        (3, {}, "Requests have exceeded the rate limit. Please retry after 3 seconds."),
        (34.074, {}, "You exceeded your quota. Please retry in 34.074s."),
        (34, {}, '{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}'),
        (300, {}, '{"error": {"type": "usage_limit_reached", "resets_in_seconds": 300}}'),
        (360, {"x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "0"}, ""),
        (
            1,
            {
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-tokens": "6m0s",
                "x-ratelimit-remaining-tokens": "29000",
            },
            "",
        ),
        (1, {"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s"}, ""),
        (40, {"x-ratelimit-reset": str(int(NOW) + 40)}, ""),
        (40, {"X-RateLimit-Reset": str(int(NOW + 40) * 1000)}, ""),
        (11.38, {"x-ratelimit-reset-tokens-minute": "11.38", "x-ratelimit-remaining-tokens-minute": "0"}, ""),
        (9, {"ratelimit-reset": "9"}, ""),
        (9, {"ratelimitbysize-reset": "9"}, ""),
        (
            45,
            {
                "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:10Z",
                "anthropic-ratelimit-requests-remaining": "40",
                "anthropic-ratelimit-input-tokens-reset": "2026-01-01T00:00:45Z",
                "anthropic-ratelimit-input-tokens-remaining": "0",
            },
            "",
        ),
        (None, {}, ""),
        (None, {"retry-after": "nan"}, "Too many requests"),
        (None, {"x-ratelimit-reset-tokens": "tomorrow"}, "Limit 30000, Used 29000, Requested 4000."),
        (None, {"x-preset-timeout": "5"}, "trying model gpt-5 in 4 steps"),
    ],
)
def test_what_a_provider_asks_for(wait: float | None, headers: dict[str, str], text: str) -> None:
    assert asked_wait(429, headers, text, NOW) == (None if wait is None else pytest.approx(wait))


def test_limits_say_nothing_about_an_outage() -> None:
    assert asked_wait(500, {"x-ratelimit-reset-tokens": "6m0s"}, "try again in 12s", NOW) is None
    assert asked_wait(500, {"retry-after": "7"}, "", NOW) == 7


@pytest.mark.parametrize("text", ["", "12", "s", "about 5", "5 parsecs", "12s or so", "1e3s"])
def test_what_is_no_span(text: str) -> None:
    assert span(text) is None


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.2, "1 s"),
        (39.5, "40 s"),
        (100, "2 min"),
        (3600, "60 min"),
        (86402, "24 h"),
        (10 * 86400, "10 days"),
    ],
)
def test_spans_are_told_in_fitting_units(seconds: float, told: str) -> None:
    assert in_words(seconds) == told


def test_the_day_is_told_where_it_is_another() -> None:
    noon = datetime(2026, 3, 2, 12, 0).astimezone().timestamp()
    assert time_of_day(noon + 125, noon) == "12:02"
    assert time_of_day(noon + 86400, noon) == "Tue 03 Mar, 12:00"
    assert time_of_day(noon + LONGEST_S, noon) == "03 Mar 2027"


@contextmanager
def answering(status: int, headers: dict[str, str], body: Any) -> Iterator[str]:
    """A server that gives one answer to all; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


OF_OPENAI = {"error": {"message": f"{OPENAI}12s.", "type": "tokens", "code": "rate_limit_exceeded"}}
OF_ANTHROPIC = {"type": "error", "error": {"type": "rate_limit_error", "message": "Too many tokens."}}
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
GOOGLE = "You exceeded your current quota, please check your plan and billing details."
RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}
OF_GOOGLE = {
    "error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": GOOGLE, "details": [RETRY_INFO]}
}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("model", "status", "headers", "body", "wait", "busy"),
    [
        ("openai/any", 429, {}, OF_OPENAI, 12, True),
        ("openai/any", 429, {"Retry-After-Ms": "1500"}, OF_OPENAI, 1.5, True),
        ("openai/any", 503, {"Retry-After": "3"}, {"error": {"message": "Overloaded"}}, 3, False),
        ("openai/any", 500, {}, {"error": {"message": "Boom, try again in 12s"}}, None, False),
        ("anthropic/claude-any", 429, {"Retry-After": "17"}, OF_ANTHROPIC, 17, True),
        ("anthropic/claude-any", 529, {}, OVERLOADED, None, True),
        ("gemini/gemini-any", 429, {}, OF_GOOGLE, 34, True),
    ],
)
async def test_what_is_asked_for_comes_through_the_gateway(
    gateway: GatewayBackend,
    model: str,
    status: int,
    headers: dict[str, str],
    body: Any,
    wait: float | None,
    busy: bool,
) -> None:
    asked = ModelRequest(role="planner", messages=(Message(role="user", content="hello"),))
    with answering(status, headers, body) as address:
        base = f"{address}/v1" if model.startswith("openai") else address
        candidate = Candidate(model=model, api_base=base, api_key_env="OPENAI_API_KEY", timeout_s=30)
        with pytest.raises(CallFailed) as caught:
            await gateway.complete(candidate, asked, "k")
    assert (caught.value.retry_after, caught.value.busy, caught.value.lost) == (wait, busy, False)
