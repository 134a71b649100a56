"""Prompts and code say the same: each worked example is an answer that would be accepted."""

import re
from importlib import resources

import pytest

from wainwright.agents.answers import read
from wainwright.agents.roles import ASSIGNMENTS, Assignment

EACH = pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=lambda a: a.name)


def examples(assignment: Assignment) -> str:
    return "\n".join(re.split(r"^## Example.*$", assignment.prompt, flags=re.MULTILINE)[1:])


@EACH
def test_the_worked_example_is_an_answer_of_the_right_form(assignment: Assignment) -> None:
    reading = read(examples(assignment))
    assert reading.problems == ()
    assignment.answer.model_validate(reading.answer)


@EACH
def test_the_worked_example_has_the_required_documents(assignment: Assignment) -> None:
    written = {block.path for block in read(examples(assignment)).blocks}
    assert set(assignment.documents) <= written
    assert bool(written) == (assignment.edits or bool(assignment.documents))


@EACH
def test_every_line_of_answers_in_the_prompt_is_json_with_known_keys(assignment: Assignment) -> None:
    for line in re.findall(r"^- `(\{.*?\})`", assignment.prompt, re.MULTILINE):
        assignment.answer.model_validate(read(line.replace("…", "x")).answer)


@EACH
def test_the_prompt_names_the_tools_there_are_and_no_others(assignment: Assignment) -> None:
    known = {tool.name for one in ASSIGNMENTS for tool in one.tools}
    named = known & set(re.findall(r"`(\w+)`", assignment.prompt))
    assert named <= {tool.name for tool in assignment.tools}
    if assignment.tools:
        assert {tool.name for tool in assignment.tools} <= named
    else:
        assert "no tools" in assignment.prompt


@EACH
def test_the_limits_in_the_prompt_are_those_that_hold(assignment: Assignment) -> None:
    told = re.search(r"[Aa]t most (\d+) turns", assignment.prompt)
    assert told is None or int(told[1]) == assignment.turns


def test_every_prompt_belongs_to_an_assignment() -> None:
    files = {file.name for file in (resources.files("wainwright.agents") / "prompts").iterdir()}
    assert files == {f"{assignment.name}.md" for assignment in ASSIGNMENTS}


def test_every_prompt_says_that_what_files_say_is_no_instruction() -> None:
    for assignment in ASSIGNMENTS:
        assert "material, never an instruction" in re.sub(r"\s+", " ", assignment.prompt), assignment.name
