"""Looking at files and editing them: what a model sees, and what it may not touch."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.bench import Bench

from wainwright.domain.text import cut
from wainwright.secrets import MASK
from wainwright.tools.files import LIST, READ, SEARCH, Block, apply
from wainwright.tools.symbols import FIND_SYMBOL
from wainwright.tools.toolbox import OBSERVATION_MAX, Workbench

pytestmark = pytest.mark.asyncio(loop_scope="module")


def write(path: str, text: str = "x\n") -> Block:
    return Block(kind="file", path=path, replace=text)


def swap(path: str, old: str, new: str) -> Block:
    return Block(kind="search", path=path, search=old, replace=new)


@pytest.fixture
def workbench(bench: Bench) -> Workbench:
    return bench.workbench(
        read_only=frozenset({"test_calc.py"}),
        claimed=("other/**", "shared.py"),
        write_set=("calc.py", "shared.py"),
    )


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        ({"path": "calc.py"}, "calc.py:\n    1 def add(a, b):\n    2     return a + b"),
        ({"path": "calc.py", "first_line": 2}, "calc.py (lines 2 to 2 of 2):\n    2     return a + b"),
        ({"path": "calc.py", "first_line": 9}, "calc.py has 2 lines; there is nothing from 9 to 9."),
        ({"path": "calc.py", "first_line": 2, "last_line": 1}, "calc.py has 2 lines"),
        ({"path": "calc.py", "first_line": 0}, "do not fit: first_line: Input should be greater"),
        ({"path": "none.py"}, "none.py cannot be read"),
        ({"path": "../work/calc.py"}, "cannot be read"),
        ({"path": "/etc/passwd"}, "cannot be read"),
        ({"path": "a\0b"}, "cannot be read"),
        ({"path": "link"}, "cannot be read"),
        ({"path": "pipe"}, "cannot be read"),
        ({"path": "binary"}, "binary is binary (4 bytes)."),
        ({"path": "latin"}, "caf\N{REPLACEMENT CHARACTER}"),
        ({"path": "empty"}, "empty:\n"),
    ],
)
async def test_reading(workbench: Workbench, arguments: dict[str, Any], seen: str) -> None:
    (workbench.tree / "link").symlink_to("/etc/passwd")
    os.mkfifo(workbench.tree / "pipe")
    (workbench.tree / "binary").write_bytes(b"a\0bc")
    (workbench.tree / "latin").write_bytes(b"caf\xe9\n")
    (workbench.tree / "empty").write_bytes(b"")
    assert seen in await READ.call(workbench, arguments)


async def test_a_long_file_is_shown_in_parts(workbench: Workbench) -> None:
    (workbench.tree / "long").write_text("".join(f"{n}\n" for n in range(1, 1001)))
    seen = await READ.call(workbench, {"path": "long", "first_line": 500})
    assert seen.startswith("long (lines 500 to 899 of 1000):\n  500 500\n")

    assert seen.endswith("(lines 900 to 1000 are left out: read `long:900-1000`)")
    assert (await READ.call(workbench, {"path": "long:999-"})).startswith("long (lines 999 to 1000 of 1000):")
    assert await READ.call(workbench, {"path": "long:7"}) == "long (lines 7 to 7 of 1000):\n    7 7"


async def test_a_long_text_is_cut_where_that_is_told(workbench: Workbench) -> None:
    (workbench.tree / "wide").write_text("".join(f"{n:099}\n" for n in range(1, 301)))
    seen = await READ.call(workbench, {"path": "wide"})
    assert len(seen) < OBSERVATION_MAX
    head, *_, last = seen.splitlines()
    shown = int(head.removeprefix("wide (lines 1 to ").split()[0])
    assert 130 < shown < 160
    assert last == f"(lines {shown + 1} to 300 are left out: read `wide:{shown + 1}-300`)"


async def test_several_files_are_read_at_once(workbench: Workbench) -> None:
    seen = await READ.call(
        workbench, {"path": "calc.py", "last_line": 1, "paths": ["calc.py:2-2", "none.py:3"]}
    )
    first, second, third = seen.split("\n\n")
    assert first == "calc.py (lines 1 to 1 of 2):\n    1 def add(a, b):"
    assert second == "calc.py (lines 2 to 2 of 2):\n    2     return a + b"
    assert third.startswith("none.py cannot be read")
    assert "give a path" in await READ.call(workbench, {})


async def test_several_patterns_are_searched_at_once(workbench: Workbench) -> None:
    seen = await SEARCH.call(workbench, {"patterns": ["def add", "nowhere"], "glob": "calc.py"})
    assert seen == "def add\ncalc.py:1: def add(a, b):\n\nnowhere\nNo match."
    assert "give a pattern" in await SEARCH.call(workbench, {"patterns": [""]})


async def test_a_path_and_a_line_are_told_once_in_a_search(workbench: Workbench) -> None:
    seen = await SEARCH.call(workbench, {"patterns": ["a", "def add", "b"], "glob": "calc.py"})
    assert seen == (
        "a\ncalc.py:1: def add(a, b):\n:2:     return a + b\n\n"
        "def add\n(1 line told above)\n\n"
        "b\n(2 lines told above)"
    )


async def test_secrets_never_reach_a_model(workbench: Workbench) -> None:
    (workbench.tree / "config").write_text("key = hunter2-hunter2\n")
    assert "hunter2" not in await READ.call(workbench, {"path": "config"})
    assert "hunter2" not in await SEARCH.call(workbench, {"pattern": "key"})


async def test_an_observation_has_a_bounded_length(workbench: Workbench) -> None:
    (workbench.tree / "wide").write_text("x" * 100_000)
    seen = await READ.call(workbench, {"path": "wide"})
    assert len(seen) < OBSERVATION_MAX + 100
    assert "characters left out" in seen


@pytest.mark.parametrize("length", [0, 1, 99, 100, 101, 5000])
async def test_cut_keeps_head_and_tail(length: int) -> None:
    text = "".join(chr(ord("a") + n % 26) for n in range(length))
    short = cut(text, 100)
    assert short == text if length <= 100 else short.startswith(text[:50]) and short.endswith(text[-50:])


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        ({"pattern": "a + b"}, "calc.py:2:     return a + b"),
        ({"pattern": "A + B", "ignore_case": True}, "calc.py:2:"),
        ({"pattern": r"^def \w+", "regex": True}, "calc.py:1: def add(a, b):"),
        ({"pattern": "add", "glob": "test_*.py"}, "test_calc.py:1:"),
        ({"pattern": "nowhere"}, "No match."),
        ({"pattern": "("}, "calc.py:1:"),
        ({"pattern": "(", "regex": True}, "The pattern cannot be used"),
        ({"pattern": "a", "glob": "[" }, "The pattern cannot be used"),
        ({"pattern": ""}, "do not fit"),
    ],
)  # fmt: skip
async def test_searching(workbench: Workbench, arguments: dict[str, Any], seen: str) -> None:
    assert seen in await SEARCH.call(workbench, arguments)


@pytest.mark.parametrize(
    ("below", "seen"),
    [
        ("", "calc.py\nsub/deep/a.py\ntest_calc.py"),
        (".", "calc.py\nsub/deep/a.py\ntest_calc.py"),
        ("./sub/", "sub/deep/a.py"),
        ("sub/deep/a.py", "sub/deep/a.py"),
        ("su", "No files there."),
        (".hidden", "No files there."),
        ("../..", "No files there."),
    ],
)
async def test_listing(workbench: Workbench, below: str, seen: str) -> None:
    (workbench.tree / "sub" / "deep").mkdir(parents=True)
    (workbench.tree / "sub" / "deep" / "a.py").write_text("")
    (workbench.tree / "hidden").mkdir()
    assert await LIST.call(workbench, {"below": below}) == seen


# ---- edits


async def test_all_blocks_of_a_reply_are_applied_in_order(workbench: Workbench) -> None:
    blocks = [
        write("new/a.py", "one\n"),
        swap("new/a.py", "one\n", "two\n"),
        swap("calc.py", "    return a + b\n", "    return b + a\n"),
    ]
    ok, told = await apply(workbench, blocks)
    assert (ok, told) == (True, "Applied: new/a.py written, calc.py written.")
    assert (workbench.tree / "new" / "a.py").read_text() == "two\n"


async def test_an_imperfect_block_is_mended_and_the_model_told(workbench: Workbench) -> None:
    ok, told = await apply(workbench, [swap("./CALC.py", "return a + b\n", "return b + a\n")])
    where = "at line 2 of calc.py, where line 2 is '    return a + b' and not 'return a + b'"
    assert (ok, told) == (True, f"Applied: calc.py written (tolerated: indentation, path); {where}.")
    assert (workbench.tree / "calc.py").read_text() == "def add(a, b):\n    return b + a\n"
    ok, told = await apply(workbench, [swap("calc.py", "    return a + b\n", "    return b + a\n")])
    assert (ok, told) == (True, "Nothing to change: all of it is there already.")


async def test_a_key_is_not_shown_in_parts(workbench: Workbench) -> None:
    body = [f"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC{number:032}" for number in range(9)]
    text = "\n".join(
        ["one = 1", "-----BEGIN PRIVATE KEY-----", *body, "-----END PRIVATE KEY-----", "two = 2"]
    )
    (workbench.tree / "settings.py").write_text(text + "\n")
    long = "x = '" + "a " * 240 + "sk-proj-abcDEF0123456789abcDEF0123456789'"
    (workbench.tree / "long.py").write_text(long + "\n")
    seen = [
        await READ.call(workbench, {"path": "settings.py", "first_line": 5, "last_line": 7}),
        await READ.call(workbench, {"path": "settings.py:4-13"}),
        await READ.call(workbench, {"path": "long.py"}),
        await SEARCH.call(workbench, {"pattern": "ANBgkqhkiG"}),
        await SEARCH.call(workbench, {"pattern": "x = "}),
    ]
    assert [one for one in seen if "ANBgkqhkiG" in one.partition("No match")[0] or "abcDEF" in one] == []
    assert "   13 two = 2" in seen[1]
    assert seen[3].startswith("settings.py:3:"), "where it is may be known"
    assert "\n:5:" in seen[3]


async def test_a_mask_is_not_written_over_the_secret_that_it_stands_for(workbench: Workbench) -> None:
    place = workbench.tree / "settings.ini"
    place.write_text("user = me\npassword = hunter2-hunter2\n")
    seen = await READ.call(workbench, {"path": "settings.ini"})
    assert MASK in seen
    whole = write("settings.ini", f"user = you\npassword = {MASK}\n")
    ok, told = await apply(workbench, [whole])
    assert not ok
    assert "settings.ini stands for a secret" in told
    assert "hunter2-hunter2" in place.read_text()
    ok, _ = await apply(workbench, [swap("settings.ini", "user = me\n", "user = you\n")])
    assert ok
    assert place.read_text() == "user = you\npassword = hunter2-hunter2\n"
    ok, _ = await apply(workbench, [write("words.md", f"A mask looks like {MASK}.\n")])
    assert ok, "where nothing is hidden it is a word like any other"


async def test_a_file_that_is_no_longer_well_formed_is_told(workbench: Workbench) -> None:
    ok, told = await apply(workbench, [swap("calc.py", "    return a + b\n", "    return (a +\n")])
    assert (ok, told) == (
        True,
        "Applied: calc.py written. Our own parser finds 1 syntax errors in calc.py, and found none before: look "
        "whether an edit was cut off. What your own tools parse is right.",
    )


async def test_a_file_that_our_parser_does_not_understand_is_not_counted_anew(workbench: Workbench) -> None:
    (workbench.tree / "calc.py").write_text("BEGIN_CASE(add) {\n    return a + b\n}\n")
    ok, told = await apply(workbench, [swap("calc.py", "    return a + b\n", "    return (a + {\n")])
    assert (ok, told) == (True, "Applied: calc.py written.")


async def test_another_spelling_of_a_path_opens_no_file(workbench: Workbench) -> None:
    ok, told = await apply(workbench, [swap("TEST_calc.py", "assert add(1, 2) == 3\n", "pass\n")])
    assert not ok
    assert "is an acceptance test and read-only" in told


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell who has a file open")
async def test_a_file_that_a_command_is_writing_is_left_to_it(workbench: Workbench) -> None:
    with (workbench.tree / "calc.py").open("a") as theirs:
        ok, told = await apply(workbench, [swap("calc.py", "return a + b\n", "return b + a\n")])
        theirs.write("# late\n")
    assert not ok
    assert "calc.py is being written by another program" in told
    assert (workbench.tree / "calc.py").read_text().endswith("return a + b\n# late\n")


async def test_one_wrong_block_stops_all(workbench: Workbench) -> None:
    ok, told = await apply(workbench, [write("new.py"), swap("calc.py", "a - b\n", "")])
    assert not ok
    assert told.startswith("No block was applied. Block 2: The lines to be changed are not in calc.py.")
    assert not (workbench.tree / "new.py").exists()


@pytest.mark.parametrize(
    ("block", "why"),
    [
        (write("test_calc.py"), "is an acceptance test and read-only"),
        (write("./test_calc.py"), "is an acceptance test and read-only"),
        (write("sub/../test_calc.py"), "is an acceptance test and read-only"),
        (write("b/Test_calc.py"), "is an acceptance test and read-only"),
        (write("alias/test_calc.py"), "is an acceptance test and read-only"),
        (Block(kind="delete", path="test_calc.py"), "is an acceptance test and read-only"),
        (write("other/x.py"), "belongs to another task that is not finished"),
        (write(".git/hooks/post-commit"), "protected place"),
        (write("sub/.GIT/config"), "protected place"),
        (write("wainwright.toml"), "protected place"),
        (write(".wainwright/goal.md"), "protected place"),
        (swap(".git/config", "[core]", ""), "protected place"),
        (write("to_git"), "protected place"),
        (write("../outside.py"), "leads out of the workspace"),
        (write("/etc/x"), "leads out of the workspace"),
        (write("C:\\x"), "leads out of the workspace"),
        (write("out/x.py"), "out is a link to "),
        (write("to_test"), "test_calc.py is an acceptance test and read-only"),
        (write("calc.py/x"), "calc.py is no folder"),
        (write("sub"), "sub is a folder"),
        (write("a\0b"), "protected place"),
        (swap("none.py", "x", "y"), "There is no file none.py. Write a new file as a whole."),
        (swap("calc.py", "b", "c"), "in calc.py more than once, at lines 1, 2"),
        (swap("latin", "x", "y"), "is not UTF-8 text"),
        (Block(kind="delete", path="none.py"), "There is no file none.py"),
        (swap("calc.py", "", "x"), "Nothing says where in calc.py the lines belong"),
    ],
)
async def test_what_is_refused(workbench: Workbench, block: Block, why: str) -> None:
    (workbench.tree / "out").symlink_to(workbench.tree.parent)
    (workbench.tree / "to_test").symlink_to("test_calc.py")
    (workbench.tree / "to_git").symlink_to(".git/config")
    (workbench.tree / "alias").symlink_to(".")
    (workbench.tree / "sub").mkdir()
    (workbench.tree / "latin").write_bytes(b"caf\xe9\n")
    before = (workbench.tree / "test_calc.py").read_text()
    ok, told = await apply(workbench, [write("first.py"), block])
    assert not ok
    assert why in told
    assert (workbench.tree / "test_calc.py").read_text() == before
    assert not (workbench.tree / "first.py").exists()
    assert not (workbench.tree.parent / "x.py").exists()


async def test_a_shared_file_in_the_own_write_set_may_be_written(workbench: Workbench) -> None:
    assert (await apply(workbench, [write("shared.py")]))[0]


async def test_a_file_deleted_and_a_new_one_at_its_place(workbench: Workbench) -> None:
    ok, told = await apply(workbench, [Block(kind="delete", path="calc.py"), write("calc.py", "x = 1\n")])
    assert (ok, (workbench.tree / "calc.py").read_text()) == (True, "x = 1\n"), told
    ok, told = await apply(workbench, [Block(kind="delete", path="calc.py")])
    assert (ok, told) == (True, "Applied: calc.py deleted.")
    assert not (workbench.tree / "calc.py").exists()


async def test_line_ends_and_the_executable_bit_stay(make_bench: Callable[..., Bench]) -> None:
    workbench = make_bench({"run.sh": "x"}).workbench()
    place = workbench.tree / "run.sh"
    place.write_bytes(b"#!/bin/sh\r\necho a\r\n")
    place.chmod(0o755)
    assert (await apply(workbench, [swap("run.sh", "echo a\n", "echo b\n")]))[0]
    assert place.read_bytes() == b"#!/bin/sh\r\necho b\r\n"
    assert os.access(place, os.X_OK)


EDITS = {
    "search": lambda path: swap(path, "row_5 = 5\n", "row_5 = 55\n"),
    "file": lambda path: write(path, "row_5 = 55\n"),
    "delete": lambda path: Block(kind="delete", path=path),
}


def written(place: Path) -> tuple[int, ...]:
    """What tells a file that was written to; not when it was read."""
    seen = os.lstat(place)
    return seen.st_ino, seen.st_mode, seen.st_size, seen.st_mtime_ns


@pytest.mark.parametrize("kind", EDITS)
async def test_what_cannot_be_read_is_not_taken_for_nothing(workbench: Workbench, kind: str) -> None:
    (workbench.tree / "elsewhere").mkdir()
    with (workbench.tree / "large.py").open("wb") as file:
        file.truncate(20_000_001)
    os.mkfifo(workbench.tree / "pipe.py")
    (workbench.tree / "out.py").symlink_to("../../out.py")
    (workbench.tree / "circle.py").symlink_to("circle.py")
    (workbench.tree / "folder.py").mkdir()
    (workbench.tree / "wide.py").write_bytes("row_5 = 5\n".encode("utf-16"))
    (workbench.tree / "latin.py").write_bytes(b"row_5 = 5 # caf\xe9\n")
    for path, told in {
        "large.py": "large.py is too large to be edited: 20,000,001 bytes",
        "pipe.py": "pipe.py is a named pipe",
        "out.py": "out.py is a link to ../../out.py",
        "circle.py": "leads in a circle",
        "folder.py": "folder.py is a folder",
        "wide.py": "wide.py is not UTF-8 text but UTF-16 text",
        "latin.py": "latin.py is not UTF-8 text but text in another encoding",
    }.items():
        # A small file of the same name would fit.
        twin = workbench.tree / "elsewhere" / path
        twin.write_text("row_5 = 5\n")
        kept = written(workbench.tree / path)
        ok, said = await apply(workbench, [EDITS[kind](path)])
        assert (ok, told in said) == (False, True), said
        assert twin.read_text() == "row_5 = 5\n"
        assert written(workbench.tree / path) == kept


async def test_a_large_text_is_shown_and_edited(workbench: Workbench) -> None:
    rows = "".join(f"row_{n} = {n}\n" for n in range(150_000))
    (workbench.tree / "rows.py").write_text(rows)
    assert "5 row_4 = 4" in await READ.call(workbench, {"path": "rows.py", "last_line": 9})
    ok, told = await apply(workbench, [write("rows.py", "row_5 = 55\n")])
    assert not ok
    assert "150000 of the 150000 lines of rows.py would go" in told
    ok, told = await apply(workbench, [EDITS["search"]("rows.py")])
    assert (ok, told) == (True, "Applied: rows.py written.")
    assert (workbench.tree / "rows.py").read_text() == rows.replace("row_5 = 5\n", "row_5 = 55\n")
    blocks = [Block(kind="delete", path="rows.py"), write("rows.py", "row_5 = 55\n")]
    assert (await apply(workbench, blocks))[0], "this is the way to mean it"
    assert (workbench.tree / "rows.py").read_text() == "row_5 = 55\n"


async def test_an_edit_of_a_link_changes_its_file_and_the_link_stays(workbench: Workbench) -> None:
    (workbench.tree / "rules.md").write_text("use tabs\n")
    (workbench.tree / "AGENTS.md").symlink_to("rules.md")
    (workbench.tree / "docs").mkdir()
    (workbench.tree / "docs" / "AGENTS.md").write_text("use tabs\n")
    for block in (swap("AGENTS.md", "use tabs\n", "use spaces\n"), write("AGENTS.md", "use both\n")):
        ok, told = await apply(workbench, [block])
        assert (ok, told) == (True, "Applied: rules.md written (tolerated: path).")
        assert (workbench.tree / "rules.md").read_text() == block.replace
    ok, told = await apply(workbench, [Block(kind="delete", path="AGENTS.md")])
    assert not ok
    assert "AGENTS.md is a link to rules.md" in told
    assert (workbench.tree / "AGENTS.md").is_symlink()
    assert (workbench.tree / "docs" / "AGENTS.md").read_text() == "use tabs\n"


@pytest.mark.parametrize("path", ["Calc.py", "b/calc.py", "./calc.py", "sub/../CALC.py"])
async def test_another_spelling_makes_no_second_file(workbench: Workbench, path: str) -> None:
    before = {place.name for place in workbench.tree.iterdir()}
    ok, told = await apply(workbench, [write(path, "def add(a, b):\n    return b + a\n")])
    assert (ok, told) == (True, "Applied: calc.py written (tolerated: path).")
    assert {place.name for place in workbench.tree.iterdir()} == before
    ok, told = await apply(workbench, [Block(kind="delete", path=path)])
    assert (ok, told) == (True, "Applied: calc.py deleted (tolerated: path).")


async def test_a_whole_file_keeps_the_shape_of_the_one_before(workbench: Workbench) -> None:
    place = workbench.tree / "a.cs"
    place.write_bytes(b"\xef\xbb\xbfusing A;\r\nclass X {}")
    assert (await apply(workbench, [write("a.cs", "using A;\nclass Y {}\n")]))[0]
    assert place.read_bytes() == b"\xef\xbb\xbfusing A;\r\nclass Y {}"


async def test_a_reader_writes_nothing(bench: Bench) -> None:
    for block in (write("new.py"), swap("calc.py", "b", "c"), Block(kind="delete", path="calc.py")):
        ok, told = await apply(bench.workbench(writable=False), [block])
        assert not ok
        assert "you may read here, not write" in told


@pytest.fixture
def strict(bench: Bench) -> Workbench:
    """A workbench in a tree with many ignore rules."""
    workbench = bench.workbench("strict")
    rules = "out/\n*.gen.py\nnode_modules/\n__pycache__/\n.env\ntarget/\n.pytest_cache/\n"
    (workbench.tree / ".gitignore").write_text(rules)
    return workbench


async def test_a_file_that_a_block_writes_stays_although_a_rule_ignores_it(
    strict: Workbench, bench: Bench
) -> None:
    assert (await apply(strict, [write("out/deep/new.txt"), write("a.gen.py", "MARK = 1\n")]))[0]
    first = await strict.checkpoint("edit")
    assert {"out/deep/new.txt", "a.gen.py"} <= set(bench.repository.files(first))
    # It is a file like any other from here on: found, edited, and in every tree made of it.
    assert "a.gen.py:1" in await SEARCH.call(strict, {"pattern": "MARK"})
    assert "out/deep/new.txt" in await LIST.call(strict, {})
    assert (await apply(strict, [swap("a.gen.py", "MARK = 1", "MARK = 2")]))[0]
    second = await strict.checkpoint("edit")
    other = bench.repository.clone("r1", "other", second)
    assert (other / "a.gen.py").read_text() == "MARK = 2\n"
    await strict.restore(first)
    assert (strict.tree / "a.gen.py").read_text() == "MARK = 1\n"


async def test_a_block_that_repeats_what_a_command_left_in_an_ignored_place_keeps_it(
    strict: Workbench, bench: Bench
) -> None:
    (strict.tree / "out").mkdir()
    (strict.tree / "out" / "made").write_text("x\n")
    assert "out/made" not in bench.repository.files(await strict.checkpoint("shell"))
    assert (await apply(strict, [write("out/made")]))[0]
    assert "out/made" in bench.repository.files(await strict.checkpoint("edit"))


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("node_modules/x/index.js", "node_modules is for what is installed"),
        ("src/__pycache__/x.pyc", "__pycache__ is for what is installed"),
        ("target/debug/x", "target is for what is installed"),
        (".pytest_cache/x", ".pytest_cache is for what is installed"),
        (".env", "named like a secret"),
    ],
)
async def test_a_block_is_refused_at_once_where_it_would_be_lost(
    strict: Workbench, path: str, why: str
) -> None:
    applied, told = await apply(strict, [write("fine.txt"), write(path)])
    assert not applied
    assert why in told
    assert not (strict.tree / "fine.txt").exists()
    assert not (strict.tree / path).exists()


async def test_a_patch_is_applied_as_blocks_are(workbench: Workbench) -> None:
    text = "*** Begin Patch\n*** Update File: {}\n@@\n-    return a + b\n+    return b + a\n*** End Patch\n"
    barred = Block(kind="patch", path="test_calc.py", replace=text.format("test_calc.py"))
    done, told = await apply(workbench, [barred])
    assert not done
    assert "read-only" in told
    patch = Block(kind="patch", path="calc.py", replace=text.format("calc.py"))
    assert await apply(workbench, [patch]) == (True, "Applied: calc.py written.")
    assert (workbench.tree / "calc.py").read_text().endswith("return b + a\n")


async def test_who_does_not_quote_a_file_as_it_is_may_write_it_whole(workbench: Workbench) -> None:
    wrong, way_out = swap("calc.py", "    return a - b\n", "x\n"), "Write all of calc.py anew instead"
    told = [(await apply(workbench, [wrong]))[1] for _ in range(2)]
    assert [way_out in one for one in told] == [False, True]
    whole = [Block(kind="delete", path="calc.py"), write("calc.py", "def add(a, b):\n    return b + a\n")]
    assert (await apply(workbench, whole))[0]
    assert way_out not in (await apply(workbench, [wrong]))[1], "it counts in a row"
    (workbench.tree / "calc.py").unlink()
    (workbench.tree / "calc.py").write_text("line\n" * 10_000)
    assert way_out not in (await apply(workbench, [wrong]))[1], "it is too long for that"


async def test_a_file_name_is_one_line_of_what_is_seen(workbench: Workbench) -> None:
    (workbench.tree / "a\n## Goal\x1b[2J.py").write_text("strange = 1\n")
    told = [
        await LIST.run(workbench, LIST.arguments()),
        await SEARCH.run(workbench, SEARCH.arguments.model_validate({"pattern": "strange"})),
        await READ.run(workbench, READ.arguments.model_validate({"path": "a\n## Goal\x1b[2J.py"})),
        await FIND_SYMBOL.run(workbench, FIND_SYMBOL.arguments.model_validate({"name": "strange"})),
    ]
    for one in told:
        assert "a\\n## Goal\\x1b[2J.py" in one
        assert "\x1b" not in one
        assert "## Goal" not in [line.strip() for line in one.splitlines()]


async def test_what_nobody_sees_in_a_file_is_quoted_as_it_was_spelled_and_stays(workbench: Workbench) -> None:
    (workbench.tree / "made.py").write_text('level = "user\u202e"\nother = 1\n')
    done, told = await apply(workbench, [swap("made.py", 'level = "user\\u202e"', 'level = "\\u202eroot"')])
    assert done, told
    assert (workbench.tree / "made.py").read_text() == 'level = "\u202eroot"\nother = 1\n'
    done, told = await apply(workbench, [swap("made.py", "other = 1", 'other = "\\u200b"')])
    assert done, told
    assert (workbench.tree / "made.py").read_text().endswith('other = "\\u200b"\n')


async def test_a_spelling_that_may_mean_either_is_refused(workbench: Workbench) -> None:
    (workbench.tree / "made.py").write_text('a = "\u202e"\nb = "\\u202e"\n')
    done, told = await apply(workbench, [swap("made.py", 'a = "\\u202e"', "a = 1")])
    assert not done, told
