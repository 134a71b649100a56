"""Differences and search and replace blocks, through the typed face."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wainwright.workspace.native import Hunk, Place, Refusal, apply_blocks, line_hunks, unified

LINES = st.lists(st.sampled_from(["a", "b", "c", "  a", "é", "\x0c", "\u2028", ""]), max_size=12)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Text with few different lines and every kind of line end, so that lines are often equal."""
    lines = draw(LINES)
    text = "".join(line + draw(ENDS) for line in lines)
    return text + draw(st.sampled_from(["", "a", "b"]))


def split(text: str) -> list[str]:
    """Lines with their ends, by the rule of the protocol; told apart from the implementation by its shape."""
    lines, start = [], 0
    for index, character in enumerate(text):
        if character == "\n" or (character == "\r" and text[index + 1 : index + 2] != "\n"):
            lines.append(text[start : index + 1])
            start = index + 1
    return [*lines, text[start:]] if text[start:] else lines


@given(old=texts(), new=texts())
def test_hunks_turn_the_old_text_into_the_new_one(old: str, new: str) -> None:
    old_lines, new_lines = split(old), split(new)
    rebuilt: list[str] = []
    at = 0
    for hunk in line_hunks(old, new):
        assert hunk.old_start >= at
        rebuilt += old_lines[at : hunk.old_start]
        assert len(rebuilt) == hunk.new_start
        rebuilt += new_lines[hunk.new_start : hunk.new_start + hunk.new_len]
        at = hunk.old_start + hunk.old_len
    assert "".join(rebuilt + old_lines[at:]) == new


@given(old=st.text(max_size=40), new=st.text(max_size=40))
def test_hunks_of_any_text_cover_what_differs(old: str, new: str) -> None:
    assert (line_hunks(old, new) == ()) == (old == new)


def test_a_hunk_has_names() -> None:
    assert line_hunks("a\nb\nc\n", "a\nx\ny\nc\n") == (Hunk(old_start=1, old_len=1, new_start=1, new_len=2),)


@pytest.mark.parametrize("context", [0, 1, 3, 1000])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "a\nb\n"),
        ("a\nb\n", ""),
        ("a\nb", "a\nb\n"),
        ("a\nb\n", "a\nb"),
        ("a\r\nb\r\n", "a\nb\r\n"),
        ("a\rb\nc\n", "a\rx\nc\n"),
        ("".join(f"{n}\n" for n in range(50)), "".join(f"{n * (n % 9 > 0)}\n" for n in range(3, 50))),
    ],
)
def test_git_reads_the_unified_format(tmp_path, old: str, new: str, context: int) -> None:
    (tmp_path / "f").write_bytes(old.encode())
    patch = unified(old, new, "a/f", "b/f", context=context)
    argv = ["git", "apply", "--unidiff-zero", "--whitespace=nowarn", "-"]
    done = subprocess.run(argv, cwd=tmp_path, input=patch.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "f").read_bytes() == new.encode()


def test_equal_texts_have_no_unified_difference() -> None:
    assert unified("a\n", "a\n", "a/f", "b/f") == ""


@given(before=texts(), after=texts(), search=st.text(min_size=1, max_size=8), replace=texts())
def test_an_exact_block_leaves_every_other_byte_alone(
    before: str, after: str, search: str, replace: str
) -> None:
    found = f"\x00{search}\x00"
    edited = apply_blocks(before + found + "\n" + after, [(found + "\n", replace)])
    assert edited == before + replace + after


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
    edited = apply_blocks(before + region + after, [("one {\n\n  two\n", "three {\n\n  four\n}\n")])
    assert edited == f"{before}{indent}three {{{end}{end}{indent}  four{end}{indent}}}{end}{after}"


@given(text=texts(), blocks=st.lists(st.tuples(texts(), texts()), max_size=3))
def test_a_refusal_names_a_block_and_lines_that_exist(text: str, blocks: list[tuple[str, str]]) -> None:
    outcome = apply_blocks(text, blocks)
    if isinstance(outcome, str):
        return
    assert 0 <= outcome.block < len(blocks)
    lines = split(text)
    for place in outcome.places:
        shown = split(place.text)
        assert lines[place.line - 1 : place.line - 1 + len(shown)] == shown
    assert outcome.explain()


def test_a_missing_text_is_answered_with_the_most_similar_lines() -> None:
    text = "def total(items):\n    return sum(items)\n\n\ndef mean(items):\n    return total(items) / len(items)\n"
    refusal = apply_blocks(text, [("def mean(items):\n    return total(items) // len(items)\n", "")])
    nearest = "def mean(items):\n    return total(items) / len(items)\n"
    assert refusal == Refusal(0, "missing", (Place(5, nearest),))
    assert refusal.explain() == f"The most similar lines begin at line 5:\n{nearest}"


def test_an_ambiguous_text_is_answered_with_its_lines() -> None:
    refusal = apply_blocks("x\ny\nx\n", [("y", "z"), ("x", "")])
    assert refusal == Refusal(1, "ambiguous", (Place(1, "x\n"), Place(3, "x\n")))
    assert "lines 1, 3" in refusal.explain()


def test_an_empty_search_text_is_for_an_empty_file() -> None:
    assert apply_blocks("", [("", "new\n")]) == "new\n"
    assert apply_blocks("old\n", [("", "new\n")]) == Refusal(0, "empty", ())


def test_nothing_similar_is_said_so() -> None:
    refusal = apply_blocks("alpha\n", [("12345", "")])
    assert refusal == Refusal(0, "missing", ())
    assert refusal.explain()


def test_a_lone_surrogate_is_refused_as_a_value_error() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        apply_blocks("\udce9", [("a", "b")])
