"""What a clone may hold where git expects its own files: nothing of it is waited for, followed or written to."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fixtures.person import Git, write

from wainwright.domain.errors import WorkspaceError
from wainwright.workspace import plumbing
from wainwright.workspace.place import Place, locate
from wainwright.workspace.repository import Repository


def pipe(place: Path) -> None:
    if place.is_file():
        place.unlink()
    place.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(place)


def link(place: Path, to: Path) -> None:
    """A link to a folder or file elsewhere that holds what there was."""
    if place.is_dir():
        shutil.copytree(place, to, dirs_exist_ok=True)
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(to)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def files_in(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*"))


@pytest.mark.parametrize(
    "name",
    [
        "HEAD", "config", "index", "packed-refs", "shallow", "commondir", "info/exclude", "info/attributes",
        "objects/info/alternates", "refs/heads/pipe", "refs/tags/deep/pipe", "logs/HEAD", "logs/refs/heads/pipe",
        "worktrees/one/gitdir", "worktrees/one/HEAD", "objects/pack/pack-1.idx",
    ],
)  # fmt: skip
def test_a_pipe_where_git_reads_a_file_is_named(workspace: Path, started: str, name: str) -> None:
    assert started
    pipe(workspace / ".git" / name)
    with pytest.raises(WorkspaceError, match=f"{name} (is neither a file nor a folder|cannot be read)"):
        locate(workspace)


@pytest.mark.parametrize(
    "name",
    [
        "refs", "refs/heads", "refs/heads/wainwright", "refs/heads/wainwright/goal", "refs/wainwright", "logs",
        "logs/refs", "logs/refs/heads", "logs/refs/heads/wainwright", "objects", "objects/pack", "objects/info",
        "objects/00", "packed-refs", "HEAD", "config", "info", "worktrees", "worktrees/one/HEAD",
    ],
)  # fmt: skip
def test_a_link_out_of_the_repository_is_not_followed(
    workspace: Path, started: str, git: Git, elsewhere: Path, name: str, repository: Repository
) -> None:
    commit = repository.snapshot("r1", {}).commit
    assert commit == started
    link(workspace / ".git" / name, elsewhere)
    before = files_in(elsewhere)
    with pytest.raises(WorkspaceError, match=f"{name} is a link out of the repository"):
        repository.deliver("goal", commit)
    assert files_in(elsewhere) == before


def test_a_link_that_stays_in_the_repository_is_as_git_has_it(
    workspace: Path, git: Git, started: str
) -> None:
    # Old versions of git wrote HEAD so.
    (workspace / ".git/HEAD").unlink()
    (workspace / ".git/HEAD").symlink_to("refs/heads/main")
    assert Repository(workspace, workspace.parent / "state").snapshot("r1", {}).commit == started


def other(place: Path, git: Git) -> Path:
    """Another repository of the person's, with a linked work tree."""
    write(place / "other", {"secret.txt": "of another project\n"})
    git("init", "-q", cwd=place / "other")
    git("add", "-A", cwd=place / "other")
    git("commit", "-qm", "theirs", cwd=place / "other")
    git("worktree", "add", "-q", str(place / "tree"), cwd=place / "other")
    return place / "other"


def _names(address: str) -> Callable[[Path, Path], None]:
    return lambda ours, theirs: (
        (ours / ".git").write_text(f"gitdir: {address.format(theirs=theirs, ours=ours)}\n") and None
    )


def _linked(ours: Path, theirs: Path) -> None:
    (ours / ".git").symlink_to(theirs / ".git")


def _shares(ours: Path, theirs: Path) -> None:
    shutil.copytree(theirs / ".git", ours / ".git")
    (ours / ".git/commondir").write_text(f"{theirs}/.git\n")


def _forges(ours: Path, theirs: Path) -> None:
    """A directory beside that says it is of this work tree, and shares the commits of another repository."""
    forged = ours.parent / "forged" / "worktrees" / "tree"
    shutil.copytree(theirs / ".git/worktrees/tree", forged)
    (forged / "gitdir").write_text(f"{ours}/.git\n")
    (forged / "commondir").write_text(f"{theirs}/.git\n")
    (ours / ".git").write_text(f"gitdir: {forged}\n")


@pytest.mark.parametrize(
    "attack",
    [
        _names("{theirs}/.git"), _names("../elsewhere/other/.git"), _names("{theirs}/.git/worktrees/tree"),
        _linked, _shares, _forges,
    ],
)  # fmt: skip
def test_another_repository_is_not_taken_for_this_folders(
    workspace: Path, elsewhere: Path, git: Git, attack: Callable[[Path, Path], None], repository: Repository
) -> None:
    theirs = other(elsewhere, git)
    attack(workspace, theirs)
    with pytest.raises(
        WorkspaceError, match=r"not the repository of this folder|which is another repository"
    ):
        repository.snapshot("r1", {})
    assert "wainwright" not in git("branch", "--all", cwd=theirs)


def test_work_trees_submodules_and_a_directory_elsewhere_that_names_its_work_tree_go_on(
    workspace: Path, elsewhere: Path, git: Git
) -> None:
    theirs = other(elsewhere, git)
    assert locate(elsewhere / "tree") == Place(elsewhere / "tree")
    git("init", "-q")
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(theirs), "deep/vendored")
    assert locate(workspace / "deep/vendored") == Place(workspace / "deep/vendored")
    git("worktree", "add", "-q", str(elsewhere / "inner"), cwd=workspace / "deep/vendored")
    assert locate(elsewhere / "inner") == Place(elsewhere / "inner")
    apart = elsewhere / "apart"
    git("init", "-q", f"--separate-git-dir={elsewhere}/apart.git", str(apart))
    with pytest.raises(WorkspaceError, match="not the repository of this folder") as refused:
        locate(apart)
    said = refused.value.hint.split("`")[3].removeprefix("git ").split(" ")
    git(*said)
    assert locate(apart) == Place(apart)


def test_a_linked_work_tree_whose_repository_is_not_there_has_none(workspace: Path) -> None:
    (workspace / ".git").write_text("gitdir: /nowhere/.git/worktrees/x\n")
    assert locate(workspace) is None


@pytest.mark.parametrize(
    "setting", ["core.excludesFile", "core.attributesFile", "include.path", "includeIf.gitdir:/.path"]
)
@pytest.mark.parametrize("named", ["/dev/zero", "/dev/shm", "../pipe", "~/.pipe", "/nowhere", "~/.gitconfig"])
def test_settings_name_files(
    workspace: Path, git: Git, started: str, repository: Repository, setting: str, named: str, home: Path
) -> None:
    assert home
    for place in (workspace.parent / "pipe", workspace / "pipe", home / ".pipe"):
        os.mkfifo(place)
    git("config", setting, named)
    if named in {"/nowhere", "~/.gitconfig"}:
        assert repository.snapshot("r1", {}).head == started
        return
    with pytest.raises(WorkspaceError, match=f"(?i){setting} of the repository names .*, which is no file"):
        repository.snapshot("r1", {})


@pytest.mark.parametrize("name", [".gitignore", ".gitattributes", "src/.gitignore"])
def test_a_git_that_waits_for_ever_is_stopped(
    workspace: Path, repository: Repository, started: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert started
    (workspace / name).unlink(missing_ok=True)
    os.mkfifo(workspace / name)
    monkeypatch.setattr(plumbing, "_LIMIT_S", 1.0)
    monkeypatch.setattr(plumbing, "_LONG_S", 1.0)
    with pytest.raises(WorkspaceError, match="did not end within 1 seconds"):
        repository.snapshot("r1", {})
