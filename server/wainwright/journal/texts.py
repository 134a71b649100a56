"""Values as the journal writes them down."""

import json

from pydantic import JsonValue

from wainwright.domain.events import EVENT, Event
from wainwright.domain.text import clean

_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def as_json(value: JsonValue) -> str:
    """Compact JSON without half surrogate pairs, which SQLite does not take."""
    return clean(_compact(value))


def as_text(event: Event) -> str:
    """A fact as a row keeps it."""
    return as_json(EVENT.dump_python(event, mode="json"))
