"""When a provider can be asked again: what it says about that, in seconds, and how a person is told.

Providers say it in a dozen ways. The most exact one that can be read holds:

1. ``retry-after-ms``, ``retry-after`` (seconds or an HTTP date);
2. words of the error: "try again in 1m2.5s", Google's ``"retryDelay": "34s"``, ``"resets_in_seconds": 90``;
3. headers that tell when a used-up limit is full again: ``x-ratelimit-reset-tokens: 6m0s``,
   ``anthropic-ratelimit-requests-reset: 2026-01-01T00:00:30Z``, a moment in seconds or milliseconds since 1970.

Part of the gateway process too: pure, and of the standard library alone.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_S = 366 * 86400.0
"""What is further away is told as this: no run lasts as long."""
_BUSY = frozenset({429, 503, 529})
"""Only here do headers about limits say why; some providers send them with every answer."""
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_UNIT = r"(?:milliseconds?|millis|msecs?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)(?![a-z])"
_PIECE = re.compile(rf"(\d{{1,12}}(?:\.\d+)?)\s*({_UNIT})[\s,]*(?:and\s+)?", re.IGNORECASE)
_SPAN = rf"((?:\d{{1,12}}(?:\.\d+)?\s*{_UNIT}[\s,]*(?:and\s+)?)+)"
_TOLD = (
    re.compile(r'"?retry_?delay"?\s*[:=]\s*"?' + _SPAN, re.IGNORECASE),
    re.compile(
        r"\b(?:try(?:ing)?(?: again)?|retry(?:ing)?|resets?|wait|available(?: again)?)(?: after| in| for)?"
        r"\s+(?:about |approximately |at least )?" + _SPAN,
        re.IGNORECASE,
    ),
)
_COUNTED = re.compile(
    r'"?(?:retry_after|retry_after_seconds|resets_in_seconds)"?\s*:\s*"?(\d{1,12}(?:\.\d+)?)', re.IGNORECASE
)
_RESET = re.compile(r"(?:^|-)(?:ratelimit|ratelimitby[a-z]+)-(?:.*-)?reset(?:-|$)")
_MOMENT_S, _MOMENT_MS = 1e9, 1e11
"""A bare number from here on is a moment, in seconds or milliseconds since 1970."""


def asked_wait(status: int, headers: Mapping[str, str], text: str, now: float) -> float | None:
    """Seconds that the provider asks to wait after an answer with ``status``; None when it does not say.

    ``now`` is the time in seconds since 1970. A moment is measured from the answer's own ``Date``, where it has one.
    """
    told = {name.lower(): value.strip() for name, value in headers.items()}
    now = _moment(told.get("date", "")) or now
    for wait in (_milliseconds(told.get("retry-after-ms", "")), _after(told.get("retry-after", ""), now)):
        if wait is not None:
            return _within(wait)
    if status not in _BUSY:
        return None
    for wait in (_in_words(text), _of_limits(told, now)):
        if wait is not None:
            return _within(wait)
    return None


def span(text: str) -> float | None:
    """Seconds in words such as ``6m0s``, ``1m2.5s``, ``20ms`` or ``2 hours and 5 minutes``; None for what is none."""
    if not text or _PIECE.sub("", text).strip(" ."):
        return None
    return sum(float(number) * _unit(name.lower()) for number, name in _PIECE.findall(text))


def _unit(name: str) -> float:
    return 0.001 if name.startswith(("ms", "mil")) else _UNITS[name[0]]


def in_words(seconds: float) -> str:
    """A time span as a person reads it."""
    if seconds < 100:
        return f"{max(1, math.ceil(seconds))} s"
    if seconds < 100 * 60:
        return f"{math.ceil(seconds / 60)} min"
    return f"{seconds / 3600:.0f} h" if seconds < 72 * 3600 else f"{seconds / 86400:.0f} days"


def time_of_day(moment: float, now: float) -> str:
    """A moment (in seconds since 1970) as the clock on the wall shows it, with the day where it is not today's."""
    at, today = (datetime.fromtimestamp(one).astimezone() for one in (moment, now))
    if at.date() == today.date():
        return at.strftime("%H:%M")
    return at.strftime("%a %d %b, %H:%M" if moment - now < 300 * 86400 else "%d %b %Y")


def _within(seconds: float) -> float:
    return min(max(0.0, seconds), LONGEST_S)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _milliseconds(text: str) -> float | None:
    value = _number(text)
    return None if value is None else value / 1000


def _after(text: str, now: float) -> float | None:
    """Seconds, a date, or, against the standard, words or a moment."""
    value = _number(text)
    if value is not None:
        return _from_number(value, now)
    moment = _moment(text)
    return span(text) if moment is None else moment - now


def _from_number(value: float, now: float) -> float:
    if value >= _MOMENT_MS:
        return value / 1000 - now
    return value - now if value > _MOMENT_S else value


def _moment(text: str) -> float | None:
    """An HTTP date or one of RFC 3339, in seconds since 1970."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            at = read(text)
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _in_words(text: str) -> float | None:
    for pattern in _TOLD:
        if found := pattern.search(text):
            return span(found[1])
    counted = _COUNTED.search(text)
    return float(counted[1]) if counted else None


def _of_limits(told: Mapping[str, str], now: float) -> float | None:
    """The latest reset of a limit that is used up; where none says so, the earliest of all."""
    used_up: list[float] = []
    others: list[float] = []
    for name, value in told.items():
        if not _RESET.search(name):
            continue
        wait = _after(value, now)
        if wait is not None:
            left = _number(told.get(name.replace("reset", "remaining"), ""))
            (used_up if left is not None and left <= 0 else others).append(wait)
    return max(used_up) if used_up else min(others, default=None)
