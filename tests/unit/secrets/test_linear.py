"""No text makes the redactor look at it again and again: twice as long takes twice as long, whatever is in it."""

import itertools
import string
import time
from collections.abc import Iterator

import pytest

from wainwright.secrets import Redactor
from wainwright.secrets.shapes import SHAPES, finders, private_keys

_SHORT = 8_000
_TIMES = 8
_MOST = 3 * _TIMES
"""What is quadratic takes ``_TIMES`` times as much as that."""
_FILLERS = (
    "a",
    "A",
    "1",
    "aB3",
    "-",
    "_",
    ".",
    "=",
    "/",
    "+",
    " ",
    "\n",
    '"',
    "'",
    "\\",
    ":",
    "@",
    "a.",
    "a-",
    "é",
)
_HEADS = (
    "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nQUJD",
    "://", "://a:", "://a:b", "password=", "password: ", "token", "secret-", '"api_key": "', "bearer ", "basic\t",
    "token: str =", "\\nAKIA", "authorization: bearer ", "secret\nvalue: ", 'password","value":"',
    "eyJaaaaaaaaaa.", "sk-sk-", "LS0tLS1CRUdJTi",
)  # fmt: skip


def _units() -> Iterator[str]:
    heads = (*_HEADS, *(shape.begin for shape in SHAPES))
    yield from _FILLERS
    yield from heads
    yield from (string.ascii_letters, string.printable, string.hexdigits)
    for head, filler in itertools.product(heads, ("a", "-", "aB3aB3aB3aB3")):
        yield head + filler
    for head, filler in itertools.product(_HEADS, ("a", "-", "=", ".", " ", "aB3")):
        yield head + 50 * filler


def _cost(text: str) -> float:
    began = time.thread_time()
    Redactor().redact(text)
    return time.thread_time() - began


def _grows(make: "tuple[str, str, str]") -> bool:
    """Whether a text costs far more than in proportion to its length. The least of some tries counts."""
    head, unit, tail = make
    texts = [head + unit * (size // len(unit)) + tail for size in (_SHORT, _TIMES * _SHORT)]
    short, long = (_cost(text) for text in texts)
    for _ in range(4):
        if long <= _MOST * short:
            return False
        short, long = max(short, _cost(texts[0])), min(long, _cost(texts[1]))
    return True


def test_what_is_repeated_costs_in_proportion() -> None:
    assert [unit for unit in _units() if _grows(("", unit, ""))] == []


@pytest.mark.parametrize("head", _HEADS)
def test_what_is_drawn_out_costs_in_proportion(head: str) -> None:
    assert [filler for filler in _FILLERS if _grows((head, filler, ""))] == []


def test_every_spelling_drawn_out_costs_in_proportion() -> None:
    cases = itertools.product((shape.begin for shape in SHAPES), ("aB3", "-", "."))
    assert [(head, filler) for head, filler in cases if _grows((head, filler, ""))] == []


def test_what_is_drawn_out_and_ends_otherwise_costs_in_proportion() -> None:
    tails = ("!", "\n", "-----END PRIVATE KEY-----", "@", '"', "=====")
    cases = itertools.product(("-----BEGIN PRIVATE KEY-----", "://a:", "token=", "eyJ", "sk-"), "aA-.", tails)
    assert [case for case in cases if _grows(case)] == []


def test_every_finder_is_attacked() -> None:
    """A new one gets its texts here."""
    found = finders(" ".join(shape.begin for shape in SHAPES))
    named = {getattr(find, "__name__", "spelled") for find in found} | {private_keys.__name__}
    assert named == {"spelled", "in_addresses", "beside_names", "private_keys"}


def test_given_values_cost_in_proportion() -> None:
    redactor = Redactor(["a" * 40, "ab" * 20, "a" * 39 + "b"])

    def cost(text: str) -> float:
        began = time.thread_time()
        redactor.redact(text)
        return time.thread_time() - began

    for unit in ("a", "ab", "a" * 38 + "c"):
        short, long = (
            min(cost(unit * (size // len(unit))) for _ in range(3)) for size in (_SHORT, _TIMES * _SHORT)
        )
        assert long <= _MOST * max(short, 1e-4), unit
