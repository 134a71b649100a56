"""Line differences and merging."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wainwright.lsp.edits.merge import merge, one_hunk, replacements
from wainwright.workspace.native import line_hunks

lines = st.lists(st.sampled_from(["a\n", "b\n", "c\r\n", "d\r", "e\f\n", "\n", "😀\n"]), max_size=12)
texts = st.tuples(lines, st.sampled_from(["", "end"])).map(lambda parts: "".join(parts[0]) + parts[1])


@pytest.mark.parametrize("differ", [one_hunk, line_hunks])
@given(old=texts, new=texts)
def test_replacements_lead_from_the_old_text_to_the_new(differ, old, new):
    assert merge(old, new, old, differ) == new
    assert merge(old, old, new, differ) == new
    assert merge(old, new, new, differ) == new
    assert (replacements(old, new, differ) == []) == (old == new)


@pytest.mark.parametrize("differ", [one_hunk, line_hunks])
@given(base=texts, ours=texts, theirs=texts)
def test_a_merge_is_the_same_from_both_sides(differ, base, ours, theirs):
    assert merge(base, ours, theirs, differ) == merge(base, theirs, ours, differ)


BASE = "1\n2\n3\n4\n5\n"


@pytest.mark.parametrize(
    ("ours", "theirs", "merged"),
    [
        ("1\nII\n3\n4\n5\n", "1\n2\n3\nIV\n5\n", "1\nII\n3\nIV\n5\n"),
        ("1\nII\n3\n4\n5\n", "1\n2\nIII\n4\n5\n", "1\nII\nIII\n4\n5\n"),
        ("0\n1\n2\n3\n4\n5\n", "1\n2\n3\n4\n5\n6", "0\n1\n2\n3\n4\n5\n6"),
        ("1\nII\n3\n4\n5\n", "1\nzwei\n3\n4\n5\n", None),
        ("1\n2\nours\n3\n4\n5\n", "1\n2\ntheirs\n3\n4\n5\n", None),
        ("1\n2\nours\n3\n4\n5\n", "1\nII\n3\n4\n5\n", None),
        ("1\n2\nours\n3\n4\n5\n", "1\n2\nIII\n4\n5\n", None),
        ("1\n2\nours\n3\n4\n5\n", "1\n4\n5\n", None),
        ("1\n4\n5\n", "1\n2\n3\n4\n5\n", "1\n4\n5\n"),
    ],
)
def test_changes_of_different_lines_merge_and_others_do_not(ours, theirs, merged):
    assert merge(BASE, ours, theirs, line_hunks) == merged


def test_a_differ_that_is_wrong_or_gives_up_does_no_harm():
    def gives_up(old, new):
        raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates")

    assert merge(BASE, "1\n", BASE, lambda old, new: [(0, 1, 0, 1)]) == "1\n"
    assert merge("\ud800\n", "\ud801\n", "\ud800\n", gives_up) == "\ud801\n"
