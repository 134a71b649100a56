"""JSON as models write it: slips with one reading are mended, all else is refused."""

import json
import re
import string

import pytest
from hypothesis import given, strategies

from wainwright.domain.written_json import read_json

LEAVES = strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(max_size=8)
VALUES = strategies.recursive(
    LEAVES,
    lambda below: (
        strategies.lists(below, max_size=3) | strategies.dictionaries(strategies.text(max_size=4), below)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1, "x"]}',
        '{"a": [1, "x",],}',
        '{"a": [1, "x"], }',
        '{“a”: [1, “x”]}',
        '{”a”: [1, „x“]}',
        '{“a": [1, “x"]}',
        '{ // which one\n"a": [1, /* two */ "x"] # and so on\n}',
        '{"a": [1,\n// the last one\n"x",\n]}',
    ],
)  # fmt: skip
def test_slips_with_one_reading(text: str) -> None:
    assert read_json(text) == ({"a": [1, "x"]}, len(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": True, "b": None, "c": False}', {"a": True, "b": None, "c": False}),
        ('{"a": "two\nlines"}', {"a": "two\nlines"}),
        ('{"a": "two\nlines", }', {"a": "two\nlines"}),
        ('{"a": "“quoted”, and so on",}', {"a": "“quoted”, and so on"}),
        ('{"a": "http://x/*y*/#z",}', {"a": "http://x/*y*/#z"}),
        ('{“a”: “he said "no" and left”}', {"a": 'he said "no" and left'}),
        ('{"a": "\\d+ it\\\'s",}', {"a": "\\d+ it's"}),
        ('{"a": "True, None",}', {"a": "True, None"}),
        ('{"a": 1, "a": 1}', {"a": 1}),
        ('{"a": "\\ud800"}', {"a": "\N{REPLACEMENT CHARACTER}"}),
    ],
)
def test_what_stands_in_strings_stays(text: str, value: object) -> None:
    assert read_json(text)[0] == value


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Done.", "neither { nor ["),
        ('{"a": 1', "no end"),
        ('{"a": [1, "x”]}', "no end"),
        ('{"a": 1,', "no end"),
        ('{"a": "x', "no end"),
        ('{"a": [1,,]}', "Expecting"),
        ('{"a": 1, "a": 2}', '"a" stands twice'),
        ('{"a": 1, "a": 2,}', '"a" stands twice'),
        ("{'a': 1}", "Expecting"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": 1e999}', "1e999 is not JSON"),
        ('{"a": }', "Expecting value"),
        ("{“a”: “says “yes”, and no”}", "no end"),
        ("{a: 1}", "Expecting"),
    ],
)
def test_anything_else_is_refused_with_what_is_wrong(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=re.escape(wrong)):
        read_json(text)


def test_what_stands_behind_is_left() -> None:
    assert read_json('x {"a": 1,} and so on', 1) == ({"a": 1}, 11)


@given(VALUES.filter(lambda one: isinstance(one, dict | list)))
def test_what_is_json_is_read_as_that(value: object) -> None:
    text = json.dumps(value)
    assert read_json(text) == (json.loads(text), len(text))
    assert read_json(text[:-1] + " // end\n" + text[-1])[0] == json.loads(text)


@given(strategies.text(alphabet='{}[]“”"\\,:/*# \n' + string.ascii_letters[:6], max_size=60))
def test_nothing_but_a_value_error_is_raised(text: str) -> None:
    try:
        value, end = read_json(text)
    except ValueError:
        return
    assert isinstance(value, dict | list)
    assert 0 < end <= len(text)
