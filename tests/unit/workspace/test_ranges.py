"""Which commits a person names for a review."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from wainwright.domain.errors import InputError
from wainwright.workspace.repository import Repository


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., str]:
    work = tmp_path / "work"
    work.mkdir()

    def run(*words: str) -> str:
        who = ("-c", "user.name=Ann", "-c", "user.email=ann@localhost")
        done = subprocess.run(["git", *who, *words], cwd=work, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    run("init", "-q", "-b", "main")
    for name in ("one", "two", "three"):
        (work / name).write_text(f"{name}\n")
        run("add", name)
        run("commit", "-q", "-m", f"Add {name}")
    run("checkout", "-q", "-b", "topic", "HEAD~1")
    (work / "four").write_text("four\n")
    run("add", "four")
    run("commit", "-q", "-m", "Add four")
    return run


@pytest.mark.parametrize(
    ("text", "start", "end", "files"),
    [
        ("HEAD", "HEAD^", "HEAD", ["four"]),
        ("HEAD~2..", "HEAD~2", "HEAD", ["four", "two"]),
        ("main~2..main", "main~2", "main", ["three", "two"]),
        ("main...topic", "main~1", "topic", ["four"]),
        ("..main", "topic", "main", ["four", "three"]),
        ("main~2", None, "main~2", ["one"]),
    ],
)
def test_a_range_or_a_commit(
    git: Callable[..., str], tmp_path: Path, text: str, start: str | None, end: str, files: list[str]
) -> None:
    repository = Repository(tmp_path / "work", tmp_path / "state")
    first, last = repository.commits_named(text)
    assert last == git("rev-parse", end)
    if start is not None:
        assert first == git("rev-parse", start)
    tree = repository.take_commits("r1", first, last)
    assert tree == git("rev-parse", f"{end}^{{tree}}")
    assert sorted(path for _, path in repository.changes(first, last)) == files
    assert repository.diff(first, last)
    assert "Add " in repository.shown(last[:10])
    assert repository.resolve("r1/base") == last


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nowhere", "There is no commit nowhere here."),
        ("HEAD~99..", "There is no commit HEAD~99 here."),
        ("--all", "There is no commit --all here."),
        ("HEAD..HEAD", "There is nothing to review: HEAD..HEAD holds no change."),
    ],
)
def test_what_names_no_change(git: Callable[..., str], tmp_path: Path, text: str, told: str) -> None:
    git("status")
    with pytest.raises(InputError, match=told.replace(".", r"\.")):
        Repository(tmp_path / "work", tmp_path / "state").commits_named(text)


def test_a_folder_without_git(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no git repository"):
        Repository(tmp_path, tmp_path / "state").commits_named("HEAD")


def test_a_commit_that_is_none_is_told(git: Callable[..., str], tmp_path: Path) -> None:
    repository = Repository(tmp_path / "work", tmp_path / "state")
    repository.take_commits("r1", *repository.commits_named("HEAD"))
    for name in ("--output=x", "HEAD", "abcdef12"):
        assert repository.shown(name) == f"There is no commit {name}; the log names them."
    assert git("status", "--porcelain") == ""
