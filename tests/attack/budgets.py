"""Group B: ways to spend more than a cap; what was spent is what the provider says it served, not what was booked."""

from typing import Any

from tests.attack.cases import Case, Group

_OK, _REFUSE = "ok", "refuse"
_CASES: tuple[tuple[str, Any, dict[str, Any]], ...] = (
    ("the tokens of a run", _REFUSE, {"tokens": 5_000}),
    ("the money of a run", _REFUSE, {"usd": 0.05}),
    ("the time of a run: a provider has it wait for an hour", _REFUSE,
     {"left_s": 10, "script": "busy", "seconds": 10}),
    ("the requests of a run", _REFUSE, {"budget": {"requests": 3}, "scopes": 8, "calls": 3}),
    ("the tokens of a task", "", {"wrong": "no cap is a task's: its turns are bounded, its run's caps hold"}),
    ("the tokens of a day", _REFUSE, {"budget": {"day_tokens": 5_000}, "served": 5_000}),
    ("the tokens of one agent's role", _REFUSE,
     {"budget": {"roles": {"planner": {"tokens": 5_000}}}, "served": 5_000}),
    ("a model whose call alone is too large", _REFUSE, {"budget": {"call_tokens": 1_200}, "served": 1_200}),
    ("eight agents race for the last cent", _REFUSE, {"usd": 0.09, "scopes": 8}),
    ("everyday work: who is busy twice answers then", _OK, {"tokens": 20_000, "script": "busy twice"}),
    ("a stream is cut again and again", _REFUSE, {"tokens": 20_000, "script": "cut", "asks": 3}),
    ("a provider counts nothing", _REFUSE, {"tokens": 20_000, "script": "uncounted", "asks": 5}),
    ("a provider counts below nothing", _REFUSE, {"tokens": 20_000, "script": "gateway", "count": -5}),
    ("a provider counts what is no number", _REFUSE, {"tokens": 20_000, "script": "gateway", "count": float("nan")}),
    ("the price is not known, and only money is capped", _REFUSE,
     {"budget": {"usd": 1.0, "tokens": None}, "price": 0.0, "calls": 0}),
    ("everyday work: input from a cache is counted and let through", _OK, {"tokens": 20_000, "script": "cached"}),
    ("what is thought is not said", _REFUSE, {"tokens": 12_000, "script": "thought", "asks": 2}),
    ("the cap is lowered while the run goes on", _REFUSE,
     {"tokens": 100_000, "asks": 2, "then": "lowered", "served": 10_000}),
    ("the process is killed in a call, and another goes on", _REFUSE,
     {"tokens": 12_000, "asks": 2, "then": "killed", "script": "hangs at first"}),
    ("two servers share a day", _REFUSE, {"budget": {"day_tokens": 12_000}, "servers": 2, "served": 12_000}),
    ("the clock is set back by a day", _REFUSE,
     {"budget": {"day_tokens": 12_000}, "asks": 2, "then": "clock", "days": -1, "served": 12_000}),
    ("everyday work: the next day has its own", _OK,
     {"budget": {"day_tokens": 12_000}, "asks": 2, "then": "clock", "days": 1}),
    ("a price in another currency", "", {"wrong": "prices are US dollars everywhere; nothing is converted"}),
    ("an agent below spends beside the one above", _REFUSE, {"tokens": 12_000, "asks": 2, "below": True}),
    ("a tool that costs money", "", {"owed": "other doors"}),
    ("one that is down is stood in for by one that is dearer", _REFUSE, {"usd": 0.1, "script": "first is down"}),
    ("a provider writes more than it was told to", _REFUSE,
     {"tokens": 20_000, "script": "overrun", "asks": 3, "calls": 1, "served": 10**9,
      "strong": "nobody knows before what a provider will do: all of it is booked, and nothing follows"}),
    ("a request that is larger than all caps", _REFUSE, {"tokens": 500_000, "script": "huge"}),
    ("a cap of nothing", _REFUSE, {"tokens": 0}),
    ("a provider counts less than it serves", "", {"wrong": "what a provider counts is what it bills"}),
)  # fmt: skip
B = Group(
    "B",
    "budgets",
    30,
    [
        Case(
            f"B1.{at:02}",
            what,
            expect or _REFUSE,
            act,
            owed=act.get("owed", ""),
            wrong=act.get("wrong", ""),
            strong=act.get("strong", "waiting is not counted, it is bounded" if "left_s" in act else ""),
        )
        for at, (what, expect, act) in enumerate(_CASES, start=1)
    ],
)
