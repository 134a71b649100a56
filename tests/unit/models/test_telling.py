"""What is told of a reply while it is being written."""

import pytest

from wainwright.models.telling import EVERY_S, LONGEST, Telling
from wainwright.secrets import MASK, Redactor


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_newest_line_is_told_now_and_then() -> None:
    told: list[str] = []
    clock = Clock()
    telling = Telling(told.append, Redactor(), clock)
    telling("I will ")
    telling("read\nthe ")
    assert told == ["writes: I will"]
    clock.now += EVERY_S
    telling("file\n\n  \n")
    assert told[1:] == ["writes: the file"]
    clock.now += EVERY_S
    telling("\n \n")
    assert len(told) == 2, "blank lines say nothing"
    telling("then\twrite " + "x" * 500)
    assert told[2] == "writes: then write", "a word is told when it is whole"
    clock.now += EVERY_S
    telling(" ")
    assert told[3] == "writes: …" + "x" * LONGEST


def test_a_line_that_never_ends_is_not_kept_whole() -> None:
    told: list[str] = []
    clock = Clock()
    telling = Telling(told.append, Redactor(), clock)
    for _ in range(1000):
        telling("word " * 100)
        clock.now += EVERY_S
    assert len(told) == 1000
    assert all(len(one) <= LONGEST + 20 for one in told)
    assert len(telling._written) <= 16_000


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcDEF0123456789abcDEF0123456789",
        "a-key-of-the-person",
        "postgres://app:s3cr3t-pw@db/app",
        'password = "9fK2pLq8Zx4Wv7Tn"',
        "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC\n" * 40,
    ],
)
@pytest.mark.parametrize("size", [1, 3, 7, 64, 5000])
def test_a_secret_that_comes_in_pieces_is_not_told(secret: str, size: int) -> None:
    """At the end of each piece, whatever the clock says."""
    telltale = ("abcDEF", "y-of-the", "s3cr3t", "2pLq8", "ANBgkq")
    text = f"I found it:\n{secret} and I go on\nwith the work\n"
    for first in range(min(size, 10)):
        told: list[str] = []
        clock = Clock()
        telling = Telling(told.append, Redactor(["a-key-of-the-person"]), clock)
        pieces = [text[:first], *(text[at : at + size] for at in range(first, len(text), size))]
        for piece in pieces:
            telling(piece)
            clock.now += EVERY_S
        assert [one for one in told if any(part in one for part in telltale)] == []
        assert told[-1] == "writes: with the work"
        if size < 10:
            assert any(MASK in one for one in told)
