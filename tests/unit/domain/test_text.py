"""What comes from outside can be written down, whatever it is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wainwright.domain.events import EVENT, GateDecided, RunStarted
from wainwright.domain.goal import Goal, Place
from wainwright.domain.text import clean, clean_within, headline, with_short_paths, wrapped

ANY_TEXT = st.text(st.characters(exclude_categories=()))
"""Half surrogate pairs and NUL too."""
HALF = "\ud800"


@given(ANY_TEXT)
def test_what_is_clean_can_be_encoded_and_stays_as_it_is(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert clean(cleaned) == cleaned


@given(st.text())
def test_text_that_can_be_encoded_is_not_touched(text: str) -> None:
    assert clean(text) is text


@given(st.text(), st.characters(categories=["Cs"]), st.text())
def test_a_lone_half_is_marked_and_its_surroundings_stay(before: str, half: str, after: str) -> None:
    assert clean(before + half + after) == f"{before}\N{REPLACEMENT CHARACTER}{after}"


def test_both_halves_make_their_character() -> None:
    assert clean("a\ud83d\ude00b") == "a\U0001f600b"
    assert clean("\ude00\ud83d") == "\N{REPLACEMENT CHARACTER}" * 2


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | ANY_TEXT,
        lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
        max_leaves=10,
    )
)
def test_no_text_inside_is_forgotten(value: object) -> None:
    json.dumps(clean_within(value), ensure_ascii=False).encode()


@given(ANY_TEXT, ANY_TEXT)
def test_a_fact_holds_any_text_of_a_person_or_an_editor(text: str, other: str) -> None:
    first = RunStarted(
        run="r1",
        goal=Goal(text=f"x{text}", place=Place(path=other, text=text, diagnostics=(other, text))),
        workspace=other,
        route=(),
        autonomy="suggest",
        trust="trusted",
        tier=text,
        attended=True,
        overlay={other: text},
    )
    decided = GateDecided(gate="plan-1", decision="reject", reason=text, by=other)
    for event in (first, decided):
        assert EVENT.validate_json(EVENT.dump_json(event)) == event


def test_a_goal_has_no_character_that_a_command_cannot_take() -> None:
    assert Goal(text=f"a\0b{HALF}").text == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("text", "most", "told"),
    [
        ("Add a flag.\nIt is called --deep.", 80, "Add a flag."),
        ("\n\n  Add a flag.", 80, "Add a flag."),
        ("People say times with halves", 20, "People say times …"),
        ("People say times, with halves", 19, "People say times …"),
        ("People say times", 16, "People say times"),
        ("Internationalization of it all", 12, "Internation…"),
        ("a https://example.org/of/many/words", 20, "a https://example.o…"),
        ("", 10, ""),
        ("word", 0, "…"),
    ],
)
def test_a_headline_is_cut_between_words(text: str, most: int, told: str) -> None:
    assert headline(text, most) == told
    assert len(told) <= max(most, 1)


def test_long_lines_are_wrapped_and_code_is_left_alone() -> None:
    long, code = "word " * 30, "    " + "code " * 30
    found = wrapped(f"{long}\n- {long}\n\n{code}\n{'x' * 90}")
    first, second, _, kept, path = found.split("\n- ")[0], *found.split("\n- ")[1].rsplit("\n", 3)
    assert max(len(line) for line in first.splitlines()) <= 72
    assert all(line.startswith("  word") for line in second.splitlines()[1:])
    assert (kept, path) == (code, "x" * 90)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("read src/test/kotlin/com/fasterxml/a/MapKeyTest.kt::one", "read src/…/MapKeyTest.kt::one"),
        ("read src/main/a/b.py, lib/x/y/z/w/v.py:3-9", "read src/main/a/b.py, lib/…/v.py:3-9"),
        ("read /home/a/b/c/d/e.py", "read /home/a/b/c/d/e.py"),
        ("search ^def f(a, b)", "search ^def f(a, b)"),
    ],
)
def test_deep_paths_are_told_without_their_middle(text: str, short: str) -> None:
    assert with_short_paths(text) == short
