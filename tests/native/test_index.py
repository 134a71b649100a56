"""Listing and searching a tree, through the typed face."""

import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wainwright.workspace.native import FileEntry, Hit, Index, search, walk


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Tree with ignored, hidden, protected, binary and linked files."""
    files = {
        ".gitignore": "*.log\nbuild/\n",
        ".ignore": "/private\n",
        ".git/config": "needle",
        ".wainwright/plan.md": "needle",
        ".env": "needle",
        "a.log": "needle",
        "build/out.txt": "needle",
        "private/key": "needle",
        "src/main.py": "hay\nNeedle one\n\nneedle two\n",
        "src/deep/util.py": "needle\n",
        "README.md": "a needle in é\r\n",
        "binary.dat": "needle\0",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())
    (tmp_path / "link.md").symlink_to("README.md")
    return tmp_path


def test_walk_shows_what_the_ignore_rules_leave(tree: Path) -> None:
    listing = walk(tree)
    assert [file.path for file in listing] == ["README.md", "binary.dat", "src/deep/util.py", "src/main.py"]
    assert listing.files[0] == FileEntry("README.md", 16)
    assert not listing.truncated


def test_walk_agrees_with_git_on_visible_files(tree: Path) -> None:
    (tree / ".ignore").unlink()
    subprocess.run(["rm", "-rf", ".git"], cwd=tree, check=True)
    subprocess.run(["git", "init", "-q"], cwd=tree, check=True)
    argv = ["git", "-c", "core.excludesFile=", "ls-files", "--others", "--exclude-standard"]
    shown = subprocess.run(argv, cwd=tree, check=True, capture_output=True, text=True).stdout.split()
    regular = {name for name in shown if not name.startswith(".") and not (tree / name).is_symlink()}
    assert {file.path for file in walk(tree)} == regular


def test_walk_keeps_its_bound(tree: Path) -> None:
    listing = walk(tree, limit=2)
    assert len(listing) == 2
    assert listing.truncated


def test_search_finds_lines_in_order(tree: Path) -> None:
    found = search(tree, "needle")
    assert list(found) == [
        Hit("README.md", 1, "a needle in é"),
        Hit("src/deep/util.py", 1, "needle"),
        Hit("src/main.py", 4, "needle two"),
    ]
    assert not found.truncated


def test_places_are_those_of_a_search(tmp_path: Path) -> None:
    root, cache = tmp_path / "tree", tmp_path / "cache"
    root.mkdir()
    for number in range(40):
        (root / f"{number:02}.txt").write_text("\n" * number + "needle, needles\nhay\na needle\n")
    (root / "00.txt").write_text("rare\n")
    index = Index(root, cache)
    index.overlay("01.txt", "an unsaved needle\n")
    for word in ("needle", "rare", "absent", "a needle"):
        found = [(path, line) for path, lines in index.places(word) for line in lines]
        assert found == [(hit.path, hit.line) for hit in index.search(word, word=True, limit=1_000).hits]
    assert index.places("needle")[:2] == [("01.txt", [1]), ("02.txt", [3, 5])]
    with pytest.raises(ValueError, match="pattern"):
        index.places("two\nlines")


@pytest.fixture(scope="module", params=[False, True], ids=["not looked at since", "looked at again"])
def indexed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Index]:
    """A tree whose index knows the lines of some words, with files that changed since it was opened."""
    root, cache = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("cache")
    chance = random.Random(7)
    words = ["needle", "Needle", "needles", "naïve", "naïves", "λ", "é", "x_1", "hay"]
    pieces = [*words, ".", "-", " ", "\n", "\r\n"]
    for number in range(120):
        path = root / ("src" if number % 3 else "lib") / f"{number:03}.{'py' if number % 2 else 'rs'}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes("".join(chance.choices(pieces, k=60)).encode())
    many = root / "lib" / "006.rs"
    many.write_text("needle naïve λ é x_1\n")
    index = Index(root, cache)
    index.save()
    # Where the first hits were is none now, and where one was are many.
    for name in ("lib/000.rs", "lib/003.py", "src/001.py"):
        (root / name).write_text("hay\n")
    many.write_text(9 * many.read_text())
    if request.param:
        assert index.refresh().changed == 4
    return root, index


def stands_in(word: str, root: Path, glob: str = "**/*") -> list[tuple[str, int]]:
    """Path and line wherever the word stands alone, as ``rg -w -F`` tells it, by looking at every line."""
    alone = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
    paths = sorted(path for path in root.glob(glob) if path.is_file())
    return [
        (str(path.relative_to(root)), number)
        for path in paths
        for number, line in enumerate(path.read_bytes().decode().split("\n"), 1)
        if alone.search(line)
    ]


@pytest.mark.parametrize("glob", [None, "*.py", "lib/*"])
@pytest.mark.parametrize("word", ["needle", "naïve", "λ", "é", "x_1", "absent"])
def test_the_first_lines_of_a_word_are_those_of_a_look_at_every_line(
    indexed: tuple[Path, Index], word: str, glob: str | None
) -> None:
    root, index = indexed
    every = stands_in(word, root, "**/*.py" if glob == "*.py" else glob or "**/*")
    assert (len(every) > 20) == (word != "absent")
    for limit in {0, 1, 7, max(len(every) - 1, 0), len(every), len(every) + 1, 10_000}:
        found = index.search(word, word=True, glob=glob, limit=limit)
        assert [(hit.path, hit.line) for hit in found] == every[:limit]
        assert found.truncated == (limit < len(every))
        assert found == search(root, word, word=True, glob=glob, limit=limit)


@pytest.mark.parametrize("pattern", ["needle", "NEEDLE", "naïve", "a needle", "x.1", "needle|naïve"])
def test_what_is_no_plain_word_is_looked_for_all_the_same(indexed: tuple[Path, Index], pattern: str) -> None:
    root, index = indexed
    kinds = [{"ignore_case": True}, {"regex": True}, {"regex": True, "ignore_case": True}, {"word": False}]
    for options in kinds:
        for limit in (5, 10_000):
            asked = {"word": True, "limit": limit, **options}
            assert index.search(pattern, **asked) == search(root, pattern, **asked)


def test_search_options(tree: Path) -> None:
    assert len(search(tree, "NEEDLE", ignore_case=True)) == 4
    assert len(search(tree, "needle", glob="*.py")) == 2
    assert len(search(tree, "needle", glob="src/*.py")) == 1
    assert len(search(tree, "^n.*e$", regex=True)) == 1
    first = search(tree, "needle", limit=1)
    assert ([hit.path for hit in first], first.truncated) == (["README.md"], True)


@pytest.mark.parametrize("options", [{"pattern": "(", "regex": True}, {"pattern": "a", "glob": "{"}])
def test_a_query_that_does_not_parse_is_a_value_error(tree: Path, options: dict) -> None:
    with pytest.raises(ValueError, match=r"bad (pattern|glob)"):
        search(tree, **options)


@pytest.mark.parametrize("root", ["relative", "/no/such/folder"])
def test_a_root_is_an_absolute_folder(root: str) -> None:
    with pytest.raises(ValueError, match="absolute path"):
        walk(root)
    with pytest.raises(ValueError, match="absolute path"):
        search(root, "a")


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), min_size=1))
def test_a_plain_text_finds_itself_whatever_it_is(tmp_path_factory, text: str) -> None:
    root = tmp_path_factory.mktemp("tree")
    (root / "f").write_text(f"first\nx{text}x\n", encoding="utf-8")
    assert ("f", 2) in [(hit.path, hit.line) for hit in search(root, text)]


def lets_others_run(call: Callable[[], object], seconds: float = 60) -> bool:
    """Whether another thread gets on while this one makes a call again and again, for so many seconds at most.

    Nobody is interrupted here: the other gets on only when the interpreter is given up, and Python itself does so in
    none of these lines. How quick a call is does not matter: one of many gives the other the time to wake up.
    """
    gate, got_on = threading.Lock(), []
    gate.acquire()

    def other() -> None:
        with gate:
            got_on.append(True)

    thread = threading.Thread(target=other)
    usual = sys.getswitchinterval()
    sys.setswitchinterval(3600)
    try:
        thread.start()
        gate.release()
        end = time.monotonic() + seconds
        while not got_on and time.monotonic() < end:
            call()
        return bool(got_on)
    finally:
        sys.setswitchinterval(usual)
        thread.join()


def test_the_interpreter_is_free_while_a_tree_is_read(tmp_path: Path) -> None:
    root, cache = tmp_path / "tree", tmp_path / "cache"
    root.mkdir()
    for number in range(20):
        (root / f"f{number}").write_text("some words on a line\n" * 2_000)
    index = Index(root, cache)
    assert not lets_others_run(lambda: sum(range(10_000)), seconds=0.2)
    assert lets_others_run(lambda: search(root, "(a|b|c|d)+x(y|z)+q", regex=True))
    assert lets_others_run(lambda: index.search("(a|b|c|d)+x(y|z)+q", regex=True))
    assert lets_others_run(lambda: walk(root))
    assert lets_others_run(lambda: Index(root, cache))
