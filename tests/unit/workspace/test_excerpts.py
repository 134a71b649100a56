"""Which parts of a long file words speak of."""

from pathlib import Path

import pytest

from wainwright.workspace.excerpts import excerpt, named, places, spoken
from wainwright.workspace.index import Indexes
from wainwright.workspace.pages import Pages

FILLER = "".join(f"def other_{n}(a):\n    # nothing of it\n    return a + {n}\n\n\n" for n in range(150))


def shown(folder: Path, name: str, text: str, words: str, room: int = 1_200) -> str:
    root = folder / "work"
    root.mkdir()
    (root / name).write_text(text)
    pages = Pages(root, room)
    excerpt(pages, Indexes(folder / "index").open(root), name, words, named(words), room)
    return pages.text()


def test_what_is_named_is_shown_whole_the_smallest_first(tmp_path: Path) -> None:
    grouped = 'GROUPED = r"\\d,\\d"\n\n\ndef is_number(text):\n    return bool(text)\n\n\n'
    words = "Widen `GROUPED`, which `is_number` and others use."
    told = shown(tmp_path, "numbers.py", f"{FILLER}{grouped}{FILLER}", words)
    assert 'GROUPED = r"\\d,\\d"\n' in told
    assert "def is_number(text):\n    return bool(text)\n" in told
    assert "def other_80" not in told


def test_where_nothing_is_named_the_place_is_shown_of_which_the_words_say_most(tmp_path: Path) -> None:
    rule = "def rule(text):\n    # half past seven, a quarter to five\n    return text\n\n\n"
    told = shown(tmp_path, "rules.py", f"{FILLER}{rule}{FILLER}", "Half past seven is not understood.")
    assert "def rule(text):\n    # half past" in told
    assert len(told) < 700, "what speaks of nothing is not shown to fill the room"


@pytest.mark.parametrize(
    ("name", "wanted", "unwanted"),
    [
        ("CHANGELOG.md", "- entry 0\n", "- entry 60\n"),
        ("list.md", "- entry 60 of fifty\n", "- entry 0\n"),
    ],
)
def test_a_change_log_grows_at_its_top(tmp_path: Path, name: str, wanted: str, unwanted: str) -> None:
    entries = "".join(f"- entry {n}{' of fifty' if n == 60 else ''}\n" for n in range(120))
    told = shown(tmp_path, name, entries, "One more entry of the fifty.", room=400)
    assert wanted in told
    assert unwanted not in told


def test_what_is_said_in_few_lines_says_more_of_a_place() -> None:
    lines = ["the cart"] * 40 + ["the voucher"] + ["the cart"] * 40
    assert spoken(lines, "the voucher of a cart", ())[0] in range(38, 45)
    assert spoken(lines, "nothing of that", ()) == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("In R/glue.R change `+.glue` (line 356).", [(356, 356)]),
        ("R/glue.R:12, and README.md:7-9; then (lines 302 to 319).", [(12, 12)]),
        ("Adapt glue.R (lines 302\u2013319; line 5) and README.md (line 9).", [(302, 319), (5, 5)]),
        ("As NEWS.md says, parent.frame() of R/glue.R stays, line 3.", [(3, 3)]),
        ("line 3 of R/glue.R", []),
        ("other/glue.R:4", []),
        ("R/glue.R:9-2", [(9, 9)]),
    ],
)
def test_lines_that_words_name_are_of_the_file_before_them(words: str, found: list[tuple[int, int]]) -> None:
    assert places(words, "R/glue.R", ["R/glue.R", "README.md", "NEWS.md"]) == found


def test_lines_that_words_name_are_shown_first(tmp_path: Path) -> None:
    lines = [f"<- {n} of the method" for n in range(1, 400)]
    told = shown(tmp_path, "glue.R", "\n".join(lines), "The method of glue.R, lines 300 to 304.", room=700)
    assert "… from line 294:\n" in told
    assert "<- 310 of the method\n" in told
    code = f"{FILLER}def rule(text):\n    # half past\n    return text\n\n\n{FILLER}"
    at = code[: code.index("# half past")].count("\n") + 1
    (tmp_path / "more").mkdir()
    told = shown(tmp_path / "more", "rules.py", code, f"Mend rules.py:{at}.", room=400)
    assert told.count("def ") == 1, "the function that the line is in"
