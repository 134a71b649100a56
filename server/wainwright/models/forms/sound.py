"""What can be believed of an answer: counts, costs, and arguments that can be sent on."""

import json
import math
from typing import Any

from pydantic import JsonValue

from wainwright.domain.text import clean_within
from wainwright.domain.written_json import finite, once, refuse
from wainwright.models.client import MOST_TOKENS

LONGEST_TEXT = 2**20
"""Characters of a reply's text, and of the arguments of all its calls together, that are kept."""
LONGEST_RAW = 10_000
"""Characters of malformed arguments that are kept: they are sent back, so that the model sees its slip."""
MOST_VALUES = 10_000
"""Values in the arguments of one call. No tool takes as many, and each costs time wherever a reply is looked at."""
MARK = "malformed: "
"""Before arguments that are no JSON object: LiteLLM fails on some of those, never on what does not look like any."""


def count(value: Any) -> int | None:
    """A number of tokens, or None."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_TOKENS:
        return None
    return value


def cost(told: Any) -> float | None:
    """US dollars; None for what is no price of a call."""
    if isinstance(told, bool) or not isinstance(told, int | float) or not math.isfinite(told) or told < 0:
        return None
    return float(told)


def counts(told: Any, *needed: str) -> dict[str, Any]:
    """The counts in ``told`` that can be true; none at all when one that is ``needed`` is not."""
    if not isinstance(told, dict) or None in (count(told.get(name)) for name in needed):
        return {}
    kept: dict[str, Any] = {}
    for name, value in told.items():
        if (one := count(value)) is not None:
            kept[name] = one
        elif name == "cost" and (price := cost(value)) is not None:
            kept[name] = price
        elif isinstance(value, dict):
            kept[name] = counts(value)
    return kept


def arguments(raw: str) -> dict[str, JsonValue] | None:
    """The arguments of a call, if they are an object that can be sent on as JSON, with each key once.

    With half a character in them they are cut, or meant otherwise: what would be done is not what was asked for.
    """
    try:
        found = json.loads(raw, object_pairs_hook=once, parse_constant=refuse, parse_float=finite)
        if clean_within(found) != found:
            return None
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or (len(raw) > MOST_VALUES and _values(found) > MOST_VALUES):
        return None
    return found


def _values(found: Any) -> int:
    """How many values there are, in each other too."""
    waiting, seen = [found], 0
    while waiting:
        one = waiting.pop()
        inner = list(one.values()) if isinstance(one, dict) else one if isinstance(one, list) else []
        seen += len(inner)
        waiting += inner
    return seen


def marked(raw: str) -> str:
    """``raw`` as it is when it is arguments of a call; else its beginning, marked as malformed."""
    return raw if arguments(raw) is not None else MARK + raw[:LONGEST_RAW]


def table(value: Any) -> dict[str, Any]:
    """``value`` where it is an object; else an empty one."""
    return value if isinstance(value, dict) else {}


def tables(value: Any) -> list[dict[str, Any]]:
    """The objects in ``value`` where it is a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def words(value: Any) -> str:
    """``value`` where it is a text."""
    return value if isinstance(value, str) else ""
