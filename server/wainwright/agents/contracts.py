"""The form of an answer as a JSON schema, in the words that all providers with such schemas take.

Strict ones want every field of every object to be there and no other, and refuse what they cannot hold a model to
(lengths, patterns). What is left out here is looked at when the answer is read, as it is where no schema was sent.
"""

from functools import cache
from typing import Any

from wainwright.agents.roles import Assignment
from wainwright.domain.goal import Fact
from wainwright.models.client import Contract

_KEPT = frozenset({"type", "enum", "const", "$ref"})


def contract(assignment: Assignment, form: type[Fact]) -> Contract | None:
    """What an answer has to be like; None where blocks of text come with it, which no schema can hold."""
    return None if assignment.edits or assignment.documents else _contract(assignment.name, form)


@cache
def _contract(name: str, form: type[Fact]) -> Contract:
    return Contract(name=name, structure=_strict(form.model_json_schema()))


def _strict(node: Any) -> Any:
    kept = {name: value for name, value in node.items() if name in _KEPT}
    if "properties" in node:
        kept["properties"] = {name: _strict(one) for name, one in node["properties"].items()}
        kept |= {"required": list(node["properties"]), "additionalProperties": False}
    if "items" in node:
        kept["items"] = _strict(node["items"])
    if "anyOf" in node:
        kept["anyOf"] = [_strict(one) for one in node["anyOf"]]
    if "$defs" in node:
        kept["$defs"] = {name: _strict(one) for name, one in node["$defs"].items()}
    return kept
