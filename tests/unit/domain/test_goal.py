"""What a goal and its branch are called."""

import pytest

from wainwright.domain.goal import Goal, slug


@pytest.mark.parametrize(
    ("text", "name", "telling"),
    [
        (
            "Add calc.sub and calc.mul: difference and product of numbers.",
            "add-calc-sub-and-calc-mul-difference",
            True,
        ),
        ("Fix the bug", "fix-the-bug", False),
        ("Make it faster", "make-it-faster", False),
        ("Speed", "speed", False),
        ("Durations below zero are parsed.\nThey were not.", "durations-below-zero-are-parsed", False),
        ("Ünïcode öf äll kinds", "n-code-f-ll-kinds", True),
        ("日本語", "goal", False),
        (
            "It has to be told in great length and with many words what all of this here is about, to the end.",
            "it-has-to-be-told-in-great-length",
            True,
        ),
    ],
)
def test_a_goal_names_a_branch_when_it_tells_the_change(text: str, name: str, telling: bool) -> None:
    goal = Goal(text=text)
    assert (goal.slug(), goal.telling) == (name, telling)


def test_a_name_without_words_is_empty() -> None:
    assert slug(" \n") == ""
