"""Reading replies: blocks, answers, and all the ways in which models spell them."""

import pytest
from hypothesis import given, strategies

from wainwright.agents.answers import explain, read
from wainwright.domain.errors import PlanError
from wainwright.domain.plan import Plan

MARK = {"search": "<" * 7 + " SEARCH", "file": "<" * 7 + " FILE", "delete": "<" * 7 + " DELETE"}
MIDDLE, REPLACE, FILE = "=" * 7, ">" * 7 + " REPLACE", ">" * 7 + " FILE"


def lines(*parts: str) -> str:
    return "\n".join(parts) + "\n"


def test_all_kinds_of_blocks_and_the_answer() -> None:
    text = lines(
        "First the store.",
        f"{MARK['search']} a/b.py", "old", "", MIDDLE, "new", REPLACE,
        f"{MARK['file']} c.py", "x = 1", FILE,
        f"{MARK['delete']} d.py",
        "```json", '{"status": "done"}', "```",
    )  # fmt: skip
    reading = read(text)
    assert [(b.kind, b.path, b.search, b.replace) for b in reading.blocks] == [
        ("search", "a/b.py", "old\n\n", "new\n"),
        ("file", "c.py", "", "x = 1\n"),
        ("delete", "d.py", "", ""),
    ]
    assert reading.answer == {"status": "done"}
    assert reading.problems == ()


@pytest.mark.parametrize("kind", ["search", "file"])
def test_a_block_that_is_cut_off_is_not_used_and_said_so(kind: str) -> None:
    reading = read(lines(f"{MARK['file']} whole.py", "1", FILE, f"{MARK[kind]} half.py", "x", MIDDLE, "y"))
    assert [b.path for b in reading.blocks] == ["whole.py"]
    assert "half.py has no end marker" in reading.problems[0]


def test_a_search_block_without_its_middle_is_a_problem_and_what_follows_is_read() -> None:
    reading = read(lines(f"{MARK['search']} a.py", "x", REPLACE, "```json", "{}", "```"))
    assert reading.blocks == ()
    assert "no ======= line" in reading.problems[0]
    assert reading.answer == {}


def test_lines_of_equal_signs_are_left_to_the_file_to_part() -> None:
    """A heading, a merge conflict: only the file tells which of them is the one between both texts."""
    text = lines(f"{MARK['search']} a.rst", "Title", MIDDLE, "text", MIDDLE, "Title", "text", REPLACE)
    block = read(text).blocks[0]
    assert (block.search, block.replace) == ("Title\n", f"text\n{MIDDLE}\nTitle\ntext\n")
    conflict = ["<<<<<<< HEAD", "b = 2", MIDDLE, "b = 3", ">>>>>>> topic"]
    block = read(lines(f"{MARK['search']} a.py", *conflict, MIDDLE, "b = 3", REPLACE)).blocks[0]
    assert block.search + MIDDLE + "\n" + block.replace == lines(*conflict, MIDDLE, "b = 3")


def test_windows_line_ends_around_markers_and_answer() -> None:
    text = lines(f"{MARK['search']} a.py", "x", MIDDLE, "y", REPLACE, "```json", '{"a": 1}', "```")
    reading = read(text.replace("\n", "\r\n"))
    assert [(b.path, b.search, b.replace) for b in reading.blocks] == [("a.py", "x\r\n", "y\r\n")]
    assert reading.answer == {"a": 1}


def test_json_inside_of_a_document_is_no_answer() -> None:
    text = lines(
        f"{MARK['file']} design.md", "```json", '{"no": 1}', "```", FILE, "```json", '{"yes": 1}', "```"
    )
    reading = read(text)
    assert reading.blocks[0].replace == '```json\n{"no": 1}\n```\n'
    assert reading.answer == {"yes": 1}


def test_a_fence_around_a_whole_file_is_no_part_of_it() -> None:
    assert (
        read(lines(f"{MARK['file']} a.py", "```python", "x = 1", "```", FILE)).blocks[0].replace == "x = 1\n"
    )


def test_a_path_in_backticks_is_the_path() -> None:
    assert read(lines(f"{MARK['file']} `a b.py`", "1", FILE)).blocks[0].path == "a b.py"


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"a": "```"}\n```',
        'Before.\n\n```json\n{"b": 2}\n```\n\nAnd then:\n```json\n{"a": "```"}\n```\nAfter.',
        '{"a": "```"}',
        '\n\n  {"a": "```"}  \n',
        '```\n{"a": "```"}\n```',
        '```JSON\n{"a": "```"}\n```',
        '   ```json\n   {"a": "```"}\n   ```',
        '```json\n{"a": "```"}',
        '```json\n{"a": "```"}```',
        '```json {"a": "```"} ```',
        '```json\n{"a": "```"}\n\nThat is all.',
        "```json\n{“a”: “```”,} // done\n```",
        '```json\n{"b": 2}\n\n```json\n{"a": "```"}\n```',
        '{"a": "```",}',
        'Here it is:\n\n{"a": "```"}',
        '{"a": "```"}\n\nThat is all, {x} and [y].',
        'Here it is:\n{\n  "a": "```",\n}\nSo.',
    ],
)
def test_spellings_of_one_answer(text: str) -> None:
    assert read(text).answer == {"a": "```"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Done!",
        "I would write {x} here",
        "```python\n{}\n```",
        "{x}\nis a set",
        "So:\n{}\n",
        'Either\n{"a": 1}\nor\n{"a": 2}',
        '{"a": 1} or so',
        '```python\n{"a": 1}\n```\nis a dictionary.',
    ],
)
def test_no_answer_is_no_problem(text: str) -> None:
    assert (read(text).answer, read(text).problems) == (None, ())


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"a": }\n```',
        "{'a': 1}",
        "```json\n" + "[" * 100_000 + "\n```",
        '```json\n{"a": 1, "a": 2}\n```',
        '```json\n{"a": 1}\n{"a": 2}\n```',
        '```json\n{"a": "cut',
    ],
)
def test_an_answer_that_is_no_json_is_a_problem(text: str) -> None:
    reading = read(text)
    assert reading.answer is None
    assert len(reading.problems) == 1


PATCH = "*** Begin Patch\n*** Update File: {}\n@@\n-    return a\n+    return b\n*** End Patch\n"
DIFF = "--- a/calc.py\n+++ b/calc.py\n@@ -1 +1 @@\n-a\n+b\n"


def test_a_patch_stands_for_blocks_where_there_are_none() -> None:
    patch = PATCH.format("calc.py")
    reading = read(f"I change it.\n{patch}{PATCH.format('b.py')}```json\n{{}}\n```\n")
    assert [(one.kind, one.path) for one in reading.blocks] == [("patch", "calc.py, b.py")]
    assert reading.blocks[0].replace == f"{patch}\n{PATCH.format('b.py')}".replace("\n\n", "\n")
    assert (reading.answer, reading.problems) == ({}, ())
    file = lines(f"{MARK['file']} c.py", "1", FILE)
    assert [one.kind for one in read(file + patch).blocks] == ["file"]
    half = read(patch + patch.replace("*** End Patch", ""))
    assert half.blocks == ()
    assert "no *** End Patch line" in half.problems[0]


def test_a_diff_is_an_edit_where_nothing_else_is_said() -> None:
    fenced = f"Like this:\n```diff\n{DIFF}```\n"
    (block,) = read(fenced).blocks
    assert (block.kind, block.path, block.replace) == ("patch", "calc.py", DIFF + "\n")
    assert read(fenced + '```json\n{"status": "done"}\n```\n').blocks == (), "it tells what was done"
    assert read("```diff\n- a\n+ b\n```").blocks == ()


@given(strategies.text(alphabet='<>=` \n\r{}"SEARCHFILDPtjson/a.b:1', max_size=200))
def test_reading_never_raises(text: str) -> None:
    read(text)


@given(strategies.lists(strategies.text(alphabet="ab #=<>", max_size=12), max_size=8))
def test_any_file_without_markers_comes_through_unchanged(body: list[str]) -> None:
    body = [line for line in body if not line.startswith((">>>>>", "<<<<<"))]
    reading = read(lines(f"{MARK['file']} a.txt", *body, FILE))
    assert reading.blocks[0].replace == "".join(f"{line}\n" for line in body)


def test_explanations_name_what_is_to_be_mended() -> None:
    task = {
        "id": "a",
        "title": "t",
        "instruction": "i",
        "write_set": ["x"],
        "needs": ["a"],
        "acceptance": ["R1"],
    }
    with pytest.raises(PlanError) as refused:
        Plan.model_validate({"requirements": [{"id": "R1", "text": "x"}], "tasks": [task]})
    assert "circle" in explain(refused.value)
