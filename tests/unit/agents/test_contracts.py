"""What a model may be held to is what is accepted of it."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from wainwright.agents.answers import read
from wainwright.agents.contracts import contract
from wainwright.agents.roles import ASSIGNMENTS, Assignment

HELD = [one for one in ASSIGNMENTS if not one.edits and not one.documents]


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        schema = list(schema.values())
    if isinstance(schema, list):
        for one in schema:
            yield from nodes(one)


def of(assignment: Assignment) -> dict[str, Any]:
    found = contract(assignment, assignment.answer)
    assert found is not None
    return dict(found.structure)


def test_who_writes_blocks_of_text_is_held_to_nothing() -> None:
    free = {one.name for one in ASSIGNMENTS if contract(one, one.answer) is None}
    assert free == {"designer", "tester", "implementer", "alone", "deployer", "explain"}


@pytest.mark.parametrize("assignment", HELD, ids=lambda one: one.name)
def test_strict_providers_take_it(assignment: Assignment) -> None:
    schema = of(assignment)
    jsonschema.Draft202012Validator.check_schema(schema)
    objects = [one for one in nodes(schema) if one.get("type") == "object"]
    assert objects
    for one in objects:
        assert one["required"] == list(one["properties"])
        assert one["additionalProperties"] is False
    words = {
        name for one in nodes(schema) if "type" in one or "anyOf" in one for name in one if "$" not in name
    }
    assert words <= {"type", "properties", "required", "additionalProperties", "items", "anyOf", "enum"}


@pytest.mark.parametrize("assignment", HELD, ids=lambda one: one.name)
def test_what_it_lets_through_is_an_answer(assignment: Assignment) -> None:
    example = assignment.answer.model_validate(read(assignment.prompt.partition("\n## Example")[2]).answer)
    whole = example.model_dump(mode="json")
    jsonschema.validate(whole, of(assignment))
    assert assignment.answer.model_validate(whole) == example
    for name in whole:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({key: value for key, value in whole.items() if key != name}, of(assignment))
