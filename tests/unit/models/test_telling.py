"""What is told of a reply while it is being written."""

from wainwright.models.telling import EVERY_S, LONGEST, Telling


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_newest_line_is_told_now_and_then() -> None:
    told: list[str] = []
    clock = Clock()
    telling = Telling(told.append, clock)
    telling("I will")
    telling(" read\nthe ")
    assert told == ["writes: I will"]
    clock.now += EVERY_S
    telling("file\n\n  \n")
    assert told[1:] == ["writes: the file"]
    clock.now += EVERY_S
    telling("\n \n")
    assert len(told) == 2, "blank lines say nothing"
    telling("then\twrite " + "x" * 500)
    assert told[2] == "writes: …" + "x" * LONGEST


def test_a_line_that_never_ends_is_not_kept_whole() -> None:
    told: list[str] = []
    clock = Clock()
    telling = Telling(told.append, clock)
    for _ in range(1000):
        telling("word " * 100)
        clock.now += EVERY_S
    assert len(told) == 1000
    assert all(len(one) <= LONGEST + 20 for one in told)
    assert len(telling._line) <= 1000
