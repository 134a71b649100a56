"""What the calls of a run took, in a terminal."""

import io

from rich.console import Console

from wainwright.cli import cost
from wainwright.models.ledger import Call


def test_calls_fit_into_eighty_columns() -> None:
    tokens = {"input": 123_456, "cached": 98_765, "output": 4_321, "first_s": 1.2, "seconds": 33.4}
    common = {
        "model": "openai/a-model-of-today",
        "at": 0.0,
        "outcome": "done",
        "sure": "unknown",
        **tokens,
    }
    calls = tuple(
        Call(key=role, stage=stage, role=role, **common)
        for stage, role in (("PLANNING", "planner"), ("BUILD", "implementer"), ("REVIEW", "reviewer"))
    )
    told = io.StringIO()
    Console(file=told, width=80).print(cost._each(calls))
    assert [line.rstrip() for line in told.getvalue().splitlines()] == [
        " stage     role          input  cached  output  first token  seconds",
        " PLANNING  planner      123456   98765    4321          1.2     33.4",
        " BUILD     implementer  123456   98765    4321          1.2     33.4",
        " REVIEW    reviewer     123456   98765    4321          1.2     33.4",
        "In each: model openai/a-model-of-today, outcome done, try 1, cost price unknown.",
    ]
