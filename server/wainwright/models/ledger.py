"""The ledger: every model call of a run with what it took and cost, read from the journal, never stored itself.

A call is one request to one model: what the router tries again is another call. Its cost is what the journal booked:

``told``     the provider's count at a known price, or nothing
``at most``  the call was lost, or was not counted believably: its reservation was booked
``unknown``  nobody knows the price; only the tokens were booked
"""

import json
import re
import threading
from collections.abc import Sequence
from typing import Any, Literal

from wainwright.domain.goal import Fact
from wainwright.journal import Journal, Row

Outcome = Literal["done", "failed", "lost", "under way"]
Sure = Literal["told", "at most", "unknown"]
_CLOSES: dict[str, Outcome] = {"done": "done", "failed": "failed", "lost": "lost"}
_TASK = re.compile(r"(?:\.\d+)+$")


class Call(Fact):
    """One model call."""

    key: str
    """The journal's key of the step."""
    stage: str
    task: str = ""
    """In BUILD, the task it was made for."""
    role: str
    model: str = ""
    """The candidate that was asked; empty when a journal of an earlier version does not say it of a failed call."""
    at: float
    """When it began, in seconds since the epoch."""
    attempt: int = 1
    """Which call for the same answer it was."""
    outcome: Outcome = "under way"
    why: str = ""
    """Of a call that failed, what was said."""
    input: int = 0
    cached: int = 0
    """The part of ``input`` that the provider had in its cache."""
    output: int = 0
    reasoning: int = 0
    """The part of ``output`` that was not shown, where the provider tells it."""
    tokens: int = 0
    """What was booked; of a call under way, what is reserved for it."""
    cost_usd: float = 0.0
    sure: Sure = "told"
    priced: bool | None = None
    """Whether its price was known before it was made; None where a journal of an earlier version does not say it."""
    first_s: float = 0.0
    """Seconds to the first token; 0 when that is not known."""
    seconds: float = 0.0
    """Seconds to the end; 0 when that is not known."""

    @property
    def provider(self) -> str:
        """Who was asked."""
        return self.model.partition("/")[0].rpartition(":")[2]


class Line(Fact):
    """All calls of one role to one model."""

    role: str
    model: str
    calls: int
    failed: int
    lost: int
    input: int
    cached: int
    output: int
    reasoning: int
    tokens: int
    cost_usd: float
    """What is known of it."""
    bounded: int
    """Calls that may have cost less than what was booked."""
    unpriced: int
    """Calls whose price nobody knows."""
    seconds: float

    @property
    def cost(self) -> str:
        """The cost in words: a price that is unknown is said to be so."""
        known = f"${self.cost_usd:.4f}"
        if not self.unpriced:
            return f"at most {known}" if self.bounded else known
        if not self.cost_usd:
            return "price unknown"
        return f"{known}, and {self.unpriced} calls of unknown price"


class Ledger:
    """The calls of one run, in the order in which they began; grows as the journal does."""

    def __init__(self, journal: Journal, run: str) -> None:
        self._journal = journal
        self._run = run
        self._reading = threading.Lock()
        self._read_to = 0
        self._calls: list[Call] = []
        self._open: dict[str, int] = {}
        """Calls under way, by the key of their step: where they stand in the list."""
        self._failures: dict[str, int] = {}
        self._ended: list[int] = []
        """Those that ended since somebody asked for them."""

    def read(self) -> "Ledger":
        """Take over what is new in the journal. Several threads may."""
        with self._reading:
            for row in self._journal.newest(self._run, self._read_to):
                if row.effect == "llm":
                    self._take(row)
                self._read_to = row.seq
        return self

    @property
    def calls(self) -> tuple[Call, ...]:
        """All calls."""
        return tuple(self._calls)

    def news(self) -> tuple[Call, ...]:
        """The calls that ended since this was asked the last time."""
        with self._reading:
            ended, self._ended = self._ended, []
        return tuple(self._calls[at] for at in ended)

    def lines(self) -> tuple[Line, ...]:
        """What each role took and cost with each model, the dearest first."""
        groups: dict[tuple[str, str], list[Call]] = {}
        for call in self._calls:
            groups.setdefault((call.role, call.model), []).append(call)
        lines = [_line(role, model, calls) for (role, model), calls in groups.items()]
        return tuple(sorted(lines, key=lambda line: (-line.cost_usd, -line.tokens, line.role, line.model)))

    def total(self) -> Line:
        """All of it."""
        return _line("", "", self._calls)

    def _take(self, row: Row) -> None:
        if row.kind == "intent":
            self._open[row.key] = len(self._calls)
            self._calls.append(_begun(row, self._failures.get(row.key, 0) + 1))
        elif row.kind in _CLOSES:
            self._failures[row.key] = 0 if row.kind == "done" else self._failures.get(row.key, 0) + 1
            at = self._open.pop(row.key, None)
            if at is None:  # taken over from the run that this one was forked from
                at = len(self._calls)
                self._calls.append(_begun(row, 1))
            self._calls[at] = _ended(self._calls[at], row)
            self._ended.append(at)


def _begun(row: Row, attempt: int) -> Call:
    about = _object(row.body) if row.kind == "intent" else {}
    scope = row.key.rpartition("/")[0].strip("/").split("/")
    return Call(
        key=row.key,
        stage=scope[0],
        task=_TASK.sub("", scope[1]) if scope[0] == "BUILD" and len(scope) > 1 else "",
        role=str(about.get("role", scope[-1])),
        model=str(about.get("model", "")),
        priced=about.get("priced"),
        at=row.at,
        attempt=attempt,
        tokens=row.tokens,
        cost_usd=row.usd,
        sure="at most",
    )


def _ended(call: Call, row: Row) -> Call:
    booked: dict[str, Any] = {"outcome": _CLOSES[row.kind], "tokens": row.tokens, "cost_usd": row.usd}
    if row.kind != "done":
        said = json.loads(row.body)
        return call.model_copy(
            update={
                **booked,
                "sure": _sure(None, row, priced=call.priced) if row.usd or row.tokens else "told",
                "why": said if isinstance(said, str) else "",
                # A lost call was closed by who took the run over, long after it.
                "seconds": round(row.at - call.at, 3) if row.kind == "failed" and row.at > call.at else 0.0,
            }
        )
    reply = _object(row.body)
    usage = reply.get("usage") or {}
    counts = {name: int(usage.get(name) or 0) for name in ("input", "cached", "output", "reasoning")}
    times = {name: float(reply.get(name) or 0.0) for name in ("first_s", "seconds")}
    return call.model_copy(
        update={
            **booked,
            **counts,
            **times,
            "model": str(reply.get("model") or call.model),
            "sure": _sure(reply.get("cost_usd"), row, priced=call.priced),
        }
    )


def _sure(told: float | None, row: Row, *, priced: bool | None) -> Sure:
    if told is not None:
        return "at most" if row.usd and abs(told - row.usd) > 1e-9 else "told"
    known = row.usd > 0 if priced is None else priced
    if row.tokens and not known:
        return "unknown"
    return "at most" if row.usd else "told"


def _object(body: str) -> dict[str, Any]:
    found = json.loads(body)
    return found if isinstance(found, dict) else {}


def _line(role: str, model: str, calls: Sequence[Call]) -> Line:
    # What is reserved for a call under way is not spent.
    ended = [call for call in calls if call.outcome != "under way"]
    return Line(
        role=role,
        model=model,
        calls=len(calls),
        failed=sum(call.outcome == "failed" for call in ended),
        lost=sum(call.outcome == "lost" for call in ended),
        input=sum(call.input for call in ended),
        cached=sum(call.cached for call in ended),
        output=sum(call.output for call in ended),
        reasoning=sum(call.reasoning for call in ended),
        tokens=sum(call.tokens for call in ended),
        cost_usd=round(sum(call.cost_usd for call in ended if call.sure != "unknown"), 9),
        bounded=sum(call.sure == "at most" for call in ended),
        unpriced=sum(call.sure == "unknown" for call in ended),
        seconds=round(sum(call.seconds for call in ended), 3),
    )
