"""What was built from a person's files is not built again from the same files of a checkout."""

import os
from pathlib import Path

import pytest
from tests.fixtures.person import Git, write

from wainwright.workspace.repository import Repository

HOUR_NS = 3600 * 10**9


@pytest.fixture
def repository(workspace: Path, tmp_path: Path) -> Repository:
    return Repository(workspace, tmp_path / "state", linked=True)


@pytest.fixture
def old(workspace: Path, git: Git) -> int:
    """A repository of files that were written an hour ago, and when that was."""
    git("init", "-q")
    write(
        workspace, {".gitignore": "/target/\n", "a.c": "int a;\n", "b.c": "int b;\n", "deep/c.c": "int c;\n"}
    )
    git("add", ".")
    git("commit", "-qm", "as it is")
    time = (workspace / "a.c").stat().st_mtime_ns - HOUR_NS
    for name in ("a.c", "b.c", "deep/c.c"):
        os.utime(workspace / name, ns=(time, time))
    return time


def time_of(path: Path) -> int:
    return path.stat().st_mtime_ns


def test_a_checkout_has_the_times_of_the_persons_files(
    repository: Repository, workspace: Path, old: int
) -> None:
    write(workspace, {"target/a.o": "built"})
    tree = repository.clone("r1", "t", repository.snapshot("r1", {}).commit)
    assert {time_of(tree / name) for name in ("a.c", "b.c", "deep/c.c")} == {old}
    assert not repository.commit(tree, "nothing", "r1/t/1").changed


def test_what_differs_is_younger_than_what_was_built(
    repository: Repository, workspace: Path, old: int
) -> None:
    write(workspace, {"target/a.o": "built"})
    unsaved = {"b.c": "int d;\n"}
    tree = repository.clone("r1", "t", repository.snapshot("r1", unsaved).commit)
    assert time_of(tree / "a.c") == old
    assert time_of(tree / "b.c") > old + HOUR_NS / 2
    # A later commit, and the way back: the same bytes are the same file.
    later = repository.clone("r2", "t", repository.snapshot("r2", {}).commit)
    assert (time_of(later / "b.c"), (later / "b.c").read_text()) == (old, "int b;\n")
    assert (tree / "b.c").read_text() == "int d;\n"


def test_where_nothing_is_built_nothing_is_compared(
    repository: Repository, workspace: Path, old: int, git: Git
) -> None:
    write(workspace, {"build/rules.mk": "a: b\n"})
    git("add", ".")
    git("commit", "-qm", "a folder of sources that is called build")
    tree = repository.clone("r1", "t", repository.snapshot("r1", {}).commit)
    assert time_of(tree / "a.c") > old + HOUR_NS / 2
