"""Positions and paths, there and back."""

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol.types import Position, Range

from wainwright.lsp.documents.positions import (
    TextIndex,
    count_units,
    local_path,
    path_from_uri,
    split_lines,
    uri_from_path,
)

ENCODINGS = ["utf-8", "utf-16", "utf-32"]
texts = st.text(st.sampled_from("aé中😀\n\r\f\v\x85\u2028 \ud83d"), max_size=40)


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=texts)
def test_every_offset_where_a_cursor_can_stand_survives_the_round_trip(encoding, text):
    index = TextIndex(text, encoding)
    for offset in range(len(text) + 1):
        inside_line_end = offset > 0 and text[offset - 1 : offset + 1] == "\r\n"
        assert index.offset(index.position(offset)) == (offset - 1 if inside_line_end else offset)


@given(text=texts)
def test_lines_end_at_three_things_only_and_join_to_the_text(text):
    lines = split_lines(text)
    assert "".join(lines) == text
    bare = text.replace("\r\n", "\n").replace("\r", "\n")
    assert TextIndex(text).line_count == bare.count("\n") + 1


@pytest.mark.parametrize(("encoding", "units"), [("utf-8", 4), ("utf-16", 2), ("utf-32", 1)])
def test_a_position_within_a_character_is_the_one_before_it(encoding, units):
    index = TextIndex("😀x", encoding)
    assert count_units("😀", encoding) == units
    assert [index.offset(Position(0, n)) for n in range(units)] == [0] * units
    assert index.offset(Position(0, units)) == 1


def test_what_lies_outside_is_clamped_to_the_document():
    index = TextIndex("ab\r\ncd")
    assert index.offset(Position(0, 99)) == 2
    assert index.offset(Position(99, 0)) == 6
    assert index.position(99) == Position(1, 2)
    assert index.position(-1) == Position(0, 0)
    assert index.offsets(Range(Position(1, 1), Position(0, 1))) == (1, 5)
    assert index.range(-3, 99) == Range(Position(0, 0), Position(1, 2))
    assert TextIndex("").range(0, 5) == Range(Position(0, 0), Position(0, 0))


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        (PurePosixPath("/a b/ü#?%.py"), "file:///a%20b/%C3%BC%23%3F%25.py"),
        (PurePosixPath("/odd\udcff"), "file:///odd%FF"),
        (PurePosixPath("/c:/not a drive"), "file:///c%3A/not%20a%20drive"),
        (PureWindowsPath("C:\\x y\\z"), "file:///c%3A/x%20y/z"),
        (PureWindowsPath("C:\\"), "file:///c%3A/"),
        (PureWindowsPath("\\\\host\\share\\z"), "file://host/share/z"),
    ],
)
def test_paths_and_uris_are_two_spellings_of_one_thing(path, uri):
    assert uri_from_path(path) == uri
    assert path_from_uri(uri, windows=isinstance(path, PureWindowsPath)) == path


@pytest.mark.parametrize(
    "uri", ["file:///c%3A/X.py", "file:///C:/X.py", "file:///c:/X.py", "FILE:///c%3a/X.py"]
)
def test_a_drive_letter_has_one_spelling(uri):
    assert str(path_from_uri(uri, windows=True)) == "C:\\X.py"


def test_other_schemes_have_no_path():
    assert path_from_uri("untitled:Untitled-1") is None
    assert path_from_uri("https://example.com/a.py") is None


def test_a_file_of_another_machine_is_none_of_this_one():
    assert path_from_uri("file://host/share/a.py", windows=False) is None
    assert path_from_uri("file://localhost/share/a.py", windows=False) == PurePosixPath("/share/a.py")


@pytest.mark.parametrize("uri", ["file:///a%00b.py", "file:///a\0", "file://[::1", "file://[x]y/a"])
@pytest.mark.parametrize("windows", [False, True])
def test_what_no_file_can_be_called_has_no_path(uri: str, windows: bool) -> None:
    assert path_from_uri(uri, windows=windows) is None
    assert local_path("file:relative") is None
