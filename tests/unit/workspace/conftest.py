"""A person's repository, made by their own git."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.fixtures.person import Git, write

from wainwright.workspace.repository import Repository


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the person's own, with a name to commit by."""
    place = tmp_path / "home"
    place.mkdir()
    for name in [
        name for name in os.environ if name.startswith("GIT_") and not name.startswith("GIT_PYTHON_")
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(place))
    # Git LFS, where it is installed, says there how its filter is run for the whole machine.
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    (place / ".gitconfig").write_text(
        "[user]\nname = Person\nemail = person@example.org\n[init]\ndefaultBranch = main\n"
    )
    return place


@pytest.fixture
def workspace(tmp_path: Path, home: Path) -> Path:
    place = tmp_path / "work space"
    place.mkdir()
    return place


@pytest.fixture
def git(workspace: Path) -> Git:
    """The person's own git, in their workspace."""

    def run(*arguments: str, cwd: Path = workspace) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=cwd, check=True, capture_output=True, stdin=subprocess.DEVNULL
        )
        return done.stdout.decode("utf-8", "surrogateescape").strip("\n")

    return run


@pytest.fixture
def repository(workspace: Path, tmp_path: Path) -> Repository:
    return Repository(workspace, tmp_path / "state")


@pytest.fixture
def started(workspace: Path, git: Git) -> str:
    """A repository with one commit, whose name this is."""
    git("init", "-q")
    write(
        workspace,
        {"a.txt": "one\n", "src/b.py": "b = 1\n", "run.sh": "#!/bin/sh\n", ".gitignore": "*.log\nbuild/\n"},
    )
    (workspace / "run.sh").chmod(0o755)
    git("add", ".")
    git("commit", "-qm", "first")
    return git("rev-parse", "HEAD")
