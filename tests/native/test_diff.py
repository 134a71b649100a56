"""Differences, through the typed face."""

import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wainwright.workspace.native.edits import Hunk, line_hunks, merge, unified

LINES = st.lists(st.sampled_from(["a", "b", "c", "  a", "é", "\x0c", "\u2028", ""]), max_size=12)
SOME = st.lists(st.sampled_from("abcdefgh"), max_size=12).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)
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


@given(base=SOME, ours=SOME, theirs=SOME)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_clean_merge_is_that_of_git(tmp_path, base: str, ours: str, theirs: str) -> None:
    for name, text in (("base", base), ("ours", ours), ("theirs", theirs)):
        (tmp_path / name).write_bytes(text.encode())
    argv = ["git", "merge-file", "-p", "ours", "base", "theirs"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, check=False)
    merged = merge(base, ours, theirs)
    if isinstance(merged, str) and done.returncode == 0:
        assert merged == done.stdout.decode()
    if not isinstance(merged, str):
        assert all(span[0] <= span[1] for conflict in merged for span in conflict)
