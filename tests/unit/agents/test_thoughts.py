"""Thoughts that a server left in the text: nothing in them is acted on, and nothing else is lost."""

import pytest
from hypothesis import given, strategies

from wainwright.agents.answers import read
from wainwright.agents.thoughts import without_thoughts

FILE = "<" * 7 + " FILE {}\n{}" + ">" * 7 + " FILE\n"
ANSWER = '```json\n{"status": "done"}\n```\n'
SAID = FILE.format("a.py", "x = 1\n") + ANSWER
DRAFTS = (
    "Let me see.",
    "Perhaps so:\n" + FILE.format("draft.py", "DRAFT = 1\n") + "No.",
    "I could write\n<<<<<<< FILE tests/test_draft.py\nassert False",
    "A half of\n<<<<<<< SEARCH a.py\nold\n=======",
    'I must say ```json first, like\n```json\n{"requirements": []\n',
    'It would be\n```json\n{"status": "impossible"}\n```\nBut no.',
    "The tag <think> is one, and so is `</think>`.",
)


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize(
    "form",
    [
        "<think>\n{}\n</think>\n\n",
        "<think>{}</think>",
        "{}\n</think>\n\n",
        "{} </think>\n",
        "\n<thinking>\n{}\n</thinking>\n",
        "[THINK]{}[/THINK]",
        "◁think▷{}◁/think▷",
        "<think>\n</think>\n<think>\n{}\n</think>\n",
    ],
)
def test_only_what_stands_behind_the_thoughts_counts(draft: str, form: str) -> None:
    assert without_thoughts(form.format(draft) + SAID) == SAID


def test_thoughts_in_the_midst_are_left_out() -> None:
    told = "First this.\n<think>\nHm.\n</think>\n" + SAID + "<think>\nWas it right?\n</think>\nIt is done.\n"
    assert without_thoughts(told) == "First this.\n" + SAID + "It is done.\n"


def test_the_final_channel_is_what_is_said() -> None:
    told = (
        f"<|channel|>analysis<|message|>{DRAFTS[1]}<|end|><|start|>assistant<|channel|>final<|message|>{SAID}"
    )
    assert without_thoughts(told) == SAID
    assert without_thoughts(told + "<|return|>") == SAID


@pytest.mark.parametrize("draft", DRAFTS[:4])
def test_thoughts_without_an_end_say_nothing(draft: str) -> None:
    assert without_thoughts(f"<think>\n{draft}") == ""


@pytest.mark.parametrize(
    "text",
    [
        SAID,
        "",
        FILE.format("chat.jinja", "{% endif %}\n</think>\n{{ x }}\n") + ANSWER,
        FILE.format("chat.jinja", "<think>\n{{ x }}\n</think>\n"),
        FILE.format("README.md", "Say\n```xml\n</think>\n```\n"),
        "<<<<<<< SEARCH a.jinja\n</think>\n=======\n<think>\n</think>\n>>>>>>> REPLACE\n",
        "The template has\n```jinja\n{{ x }}\n</think>\n```\nin it.\n",
        'It strips `</think>` tags.\n```json\n{"summary": "It handles </think> and more"}\n```\n',
    ],
)
def test_tags_that_are_shown_are_no_thoughts(text: str) -> None:
    assert without_thoughts(text) == text


@given(strategies.text(alphabet="<>/think`\n FILEa", max_size=80))
def test_any_text_can_be_looked_at(text: str) -> None:
    read(without_thoughts(text))


def test_a_long_text_about_tags_is_looked_at_in_time() -> None:
    text = FILE.format("a", "</think>\n" * 20_000)
    assert without_thoughts(text) == text
