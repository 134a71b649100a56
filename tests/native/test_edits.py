"""Edits of texts, through the typed face. What each tolerance does is tested beside it, in the crate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.native.test_diff import split, texts

from wainwright.workspace.native.edits import (
    Applied,
    Barred,
    Difference,
    Edit,
    Link,
    Place,
    Refusal,
    Source,
    Twin,
    apply_answer,
    apply_edits,
)

MEAN = (
    "def total(items):\n    return sum(items)\n\n\ndef mean(items):\n    return total(items) / len(items)\n"
)


def refused(outcome: str | Applied | Refusal) -> Refusal:
    assert isinstance(outcome, Refusal)
    return outcome


def in_one(text: str, *blocks: tuple[str, str]) -> str | Refusal:
    """The text of a file after blocks, each the old and the new lines; or why none was made."""
    edits = [Edit("search", "f", old, new) for old, new in blocks]
    outcome = apply_edits(edits, ["f"], {"f": text}.get)
    return outcome if isinstance(outcome, Refusal) else outcome.changes.get("f", text) or ""


@given(before=texts(), after=texts(), replace=st.lists(st.sampled_from(["a", "  b", "c "]), max_size=3))
def test_an_exact_block_leaves_every_other_byte_alone(before: str, after: str, replace: list[str]) -> None:
    before = before + "\n" if before else ""
    new = "".join(line + "\n" for line in replace)
    edited = in_one(before + "found here\n" + after, ("found here\n", new))
    assert edited == before + new + after


@given(
    before=texts(),
    after=texts(),
    end=st.sampled_from(["\n", "\r\n"]),
    indent=st.sampled_from(["", "  ", "\t"]),
    trailing=st.sampled_from(["", " ", "\t "]),
)
def test_a_tolerant_block_leaves_every_other_byte_alone(before, after, end, indent, trailing) -> None:
    before = before + "\n" if before else ""
    region = f"{indent}one {{{trailing}{end}{end}{indent}  two{trailing}{end}"
    edited = in_one(before + region + after, ("one {\n\n  two\n", "one {\n\n  four\n}\n"))
    kept = f"{indent}one {{{trailing}{end}{end}"
    assert edited == f"{before}{kept}{indent}  four{end}{indent}}}{end}{after}"


@given(text=texts(), blocks=st.lists(st.tuples(texts(), texts()), max_size=3))
def test_a_refusal_names_a_block_and_lines_that_exist(text: str, blocks: list[tuple[str, str]]) -> None:
    outcome = in_one(text, *blocks)
    if isinstance(outcome, str):
        return
    assert 0 <= outcome.edit < len(blocks)
    assert outcome.explain()
    count = max(len(split(text)), 1)
    assert all(1 <= place.line <= count for place in outcome.places)


def test_a_missing_text_is_answered_with_the_most_similar_lines() -> None:
    search = "def mean(items):\n    return total(items) // len(items)\n"
    refusal = refused(in_one(MEAN, (search, "def mean(items):\n    return 0\n")))
    assert refusal.reason == "stale_removed"
    assert refusal.places == (Place(5, "def mean(items):\n    return total(items) / len(items)\n"),)
    quoted = "    return total(items) // len(items)"
    assert refusal.difference == Difference(6, "    return total(items) / len(items)", quoted)
    assert "Line 6 is\n    return total(items) / len(items)\nand not\n" in refusal.explain()


def test_an_ambiguous_text_is_answered_with_its_lines() -> None:
    refusal = refused(in_one("x\ny\nx\n", ("y\n", "z\n"), ("x\n", "")))
    assert (refusal.edit, refusal.reason) == (1, "ambiguous")
    assert refusal.places == (Place(1, "x\n"), Place(3, "x\n"))
    assert "lines 1, 3" in refusal.explain()


def test_an_empty_search_text_is_for_an_empty_file() -> None:
    assert in_one("", ("", "new\n")) == "new\n"
    assert refused(in_one("old\n", ("", "new\n"))).reason == "no_place"


def test_nothing_similar_is_said_so() -> None:
    refusal = refused(in_one("alpha\n", ("12345", "")))
    assert (refusal.reason, refusal.places) == ("missing", ())
    assert "Nothing similar" in refusal.explain()


def test_a_lone_surrogate_is_refused_as_a_value_error() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        in_one("\udce9", ("a", "b"))


def test_all_edits_or_none() -> None:
    files = {"a.py": "one\n", "b.py": "two\n"}
    good, bad = Edit("search", "a.py", "one\n", "1\n"), Edit("search", "b.py", "three\n", "3\n")
    assert refused(apply_edits([good, bad], list(files), files.get)).path == "b.py"
    outcome = apply_edits(
        [good, Edit("delete", "b.py"), Edit("write", "c.py", new="3\n")], list(files), files.get
    )
    assert isinstance(outcome, Applied)
    assert outcome.changes == {"a.py": "1\n", "b.py": None, "c.py": "3\n"}


def test_what_was_tolerated_is_told() -> None:
    files = {"src/a.py": "if x:\n    one()\n"}
    answer = "a/src/a.py\n<<<<<<< SEARCH\none()\n=======\ntwo()\n>>>>>>> REPLACE\n"
    outcome = apply_answer(answer, list(files), files.get)
    assert isinstance(outcome, Applied)
    assert outcome.changes == {"src/a.py": "if x:\n    two()\n"}
    assert [(done.line, done.tolerances) for done in outcome.done] == [(2, ("path", "indentation"))]


def test_what_the_reader_raises_comes_through() -> None:
    def broken(path: str) -> str:
        raise OSError(path)

    with pytest.raises(OSError, match=r"a\.py"):
        apply_edits([Edit("search", "a.py", "x", "y")], ["a.py"], broken)


@pytest.mark.parametrize(
    ("found", "reason", "told"),
    [
        (Barred("a.py is a folder."), "not_editable", "a.py is a folder."),
        (b"caf\xe9", "not_text", "a.py is not UTF-8 text but text in another encoding"),
        (b"\xff\xfex\0", "not_text", "but UTF-16 text"),
        (b"x\0", "not_text", "but binary data"),
        (None, "no_file", "There is no file a.py"),
        (Link("b.py"), "no_file", "There is no file b.py"),
        (Twin("A.py"), "no_file", "There is no file A.py"),
    ],
)
def test_what_stands_at_a_path_is_told_from_nothing(found: Source, reason: str, told: str) -> None:
    refusal = refused(apply_edits([Edit("search", "a.py", "x", "y")], [], {"a.py": found}.get))
    assert refusal.reason == reason
    assert told in refusal.explain()


def test_a_whole_text_that_leaves_most_out_is_refused_unless_the_file_goes_first() -> None:
    files = {"a.py": "".join(f"row_{n} = {n}\r\n" for n in range(40))}
    wanted = Edit("write", "a.py", new="row_1 = 11\n")
    refusal = refused(apply_edits([wanted], list(files), files.get))
    assert refusal.reason == "drops_most"
    assert "40 of the 40 lines of a.py would go" in refusal.explain()
    assert "delete the file first and then write it" in refusal.explain()
    outcome = apply_edits([Edit("delete", "a.py"), wanted], list(files), files.get)
    assert isinstance(outcome, Applied)
    assert outcome.changes == {"a.py": "row_1 = 11\r\n"}
