"""What a TODO asks for, in the comments of several languages."""

import pytest

from wainwright.lsp.documents.comments import todo


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("x = 1\n", ""),
        ("# TODO(ann): accept fractions as well -->\n", "accept fractions as well"),
        (
            "    # TODO: accept fractions,\n    # also negative ones\n    #\n    # not this\n",
            "accept fractions,\nalso negative ones",
        ),
        ("# TODO: one\n# FIXME: two\n", "one"),
        ("// FIXME round up\n// not down\nint x;\n", "round up\nnot down"),
        ("/* TODO: round up\n * not down\n */\nint x;\n", "round up\nnot down"),
        ("<!-- TODO: say it\n     in French -->\n<p>\n", "say it\nin French"),
        ("x = 1  # TODO: why\n# another comment\n", "why"),
        ("-- TODO: an index\n  -- of its own place\n", "an index"),
        ("# TODO\n", "# TODO"),
        ("TODO: everything\nand text\n", "everything"),
    ],
)
def test_all_lines_of_a_todo_are_read(text: str, asked: str) -> None:
    assert todo(text.splitlines(), 0) == asked


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("# TODO: one\n# and more\nx = 1\n", ["one\nand more", "one\nand more", ""]),
        ("# TODO: one\n# FIXME: two\n# more\n", ["one", "two\nmore", "two\nmore"]),
        ("x = 1  # TODO: why\n# another comment\n", ["why", ""]),
        ("# TODO: one\n\n# another\n", ["one", "", ""]),
        ("/* TODO: round up\n * not down\n */\nint x;\n", ["round up\nnot down"] * 2 + ["", ""]),
        ("<!-- TODO: say it\n     in French -->\n<p>\n", ["say it\nin French"] * 2 + [""]),
    ],
)
def test_a_todo_is_found_from_each_of_its_lines(text: str, asked: list[str]) -> None:
    lines = text.splitlines()
    assert [todo(lines, at) for at in range(len(lines))] == asked


def test_a_line_that_is_not_there_asks_nothing() -> None:
    assert todo([], 0) == todo(["# TODO: x"], 5) == ""
