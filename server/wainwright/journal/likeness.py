"""When a recorded outcome still stands for a step that is asked for again.

A step is found by its key; what was put into it then is kept whole, so nothing has to be told from a hash that an
earlier version made in its own way. Both sides are read by the rule of the version that runs now: a version that
words something otherwise, or has a field more, asks for the same step, and an older journal goes on.
"""

import json
from collections.abc import Callable

from pydantic import JsonValue

from wainwright.domain.text import cut

SHOWN_MAX = 160
"""Characters of a value that a difference shows."""

Alike = Callable[[JsonValue, JsonValue], bool]
"""Given what was put into a step when it was recorded, and what is now: does the outcome still stand?"""


def alike(recorded: JsonValue, asked: JsonValue) -> bool:
    """Whether all that both sides know is the same. A field that only one side has belongs to another version."""
    if isinstance(recorded, dict) and isinstance(asked, dict):
        return all(alike(value, asked[name]) for name, value in recorded.items() if name in asked)
    if isinstance(recorded, list) and isinstance(asked, list):
        return len(recorded) == len(asked) and all(map(alike, recorded, asked))
    return recorded == asked


def first_difference(recorded: JsonValue, asked: JsonValue, at: str = "") -> str:
    """Where two values differ first, and how, as a sentence; empty when they do not."""
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for name in sorted({*recorded, *asked}):
            if name not in recorded or name not in asked:
                return (
                    f"{_name(at, name)} is only {'recorded' if name in recorded else 'in what is asked now'}."
                )
            found = first_difference(recorded[name], asked[name], _name(at, name))
            if found:
                return found
        return ""
    if isinstance(recorded, list) and isinstance(asked, list):
        for number, (one, other) in enumerate(zip(recorded, asked, strict=False)):
            found = first_difference(one, other, _name(at, str(number)))
            if found:
                return found
        if len(recorded) == len(asked):
            return ""
        return f"{at or 'It'} had {len(recorded)} parts when it was recorded and has {len(asked)} now."
    return "" if recorded == asked else _differing(recorded, asked, at)


def _differing(recorded: JsonValue, asked: JsonValue, at: str) -> str:
    before, now = _shown(recorded), _shown(asked)
    same = 0
    while same < min(len(before), len(now)) and before[same] == now[same]:
        same += 1
    start = max(0, same - 20)
    before, now = (cut(text[start : start + SHOWN_MAX], SHOWN_MAX) for text in (before, now))
    return f"{at or 'It'} was recorded as `{before}` and is now `{now}`."


def _shown(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _name(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
