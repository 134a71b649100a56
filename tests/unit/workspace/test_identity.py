"""Which state is a workspace's: found again where it was moved, inherited by no other folder."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.fixtures.scenario import make_repository

from wainwright.workspace.identity import RECORD, Found, find, keep


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def settled(home: Path, workspace: Path) -> Path:
    """What opening a workspace does: its state from now on."""
    found = find(home, workspace)
    keep(found.state, workspace)
    return found.state


def project(place: Path, text: str) -> Path:
    place.mkdir()
    (place / "a.txt").write_text(text)
    make_repository(place)
    return place


def anew(place: Path, holding: Path) -> Path:
    """A folder in place of another one, which is not given the inode of that one."""
    place.rename(holding)
    place.mkdir()
    return place


def test_a_workspace_keeps_its_state_whatever_is_committed(home: Path, tmp_path: Path) -> None:
    work = project(tmp_path / "work", "one")
    state = settled(home, work)
    (work / "a.txt").write_text("two")
    make_repository(work)
    assert find(home, work) == Found(state)
    assert settled(home, work) == state


@pytest.mark.parametrize("git", [True, False])
def test_a_workspace_that_was_moved_is_found_again(home: Path, tmp_path: Path, git: bool) -> None:
    work = project(tmp_path / "work", "one") if git else tmp_path / "work"
    work.mkdir(exist_ok=True)
    state = settled(home, work)
    moved = work.rename(tmp_path / "elsewhere")
    assert find(home, moved) == Found(state, before=str(work))
    keep(state, moved)
    assert find(home, moved) == Found(state)
    # What comes to lie at the old path has a state of its own.
    assert settled(home, project(work, "other")) not in (state, None)
    assert find(home, moved) == Found(state)


def test_another_repository_at_the_same_path_inherits_nothing(home: Path, tmp_path: Path) -> None:
    work = project(tmp_path / "work", "one")
    state = settled(home, work)
    shutil.rmtree(work / ".git")
    make_repository_with(work, "quite another history")
    other = settled(home, work)
    assert other != state
    assert find(home, work) == Found(other)


@pytest.mark.parametrize("way", ["file", "link", "commondir"])
def test_a_repository_that_borrows_the_commits_of_another_inherits_nothing(
    home: Path, tmp_path: Path, way: str
) -> None:
    work = project(tmp_path / "work", "one")
    state = settled(home, work)
    theirs = work.rename(tmp_path / "moved") / ".git"
    work.mkdir()
    if way == "file":
        (work / ".git").write_text(f"gitdir: {theirs}\n")
    elif way == "link":
        (work / ".git").symlink_to(theirs)
    else:
        make_repository_with(work, "another history")
        (work / ".git/commondir").write_text(f"{theirs}\n")
    assert find(home, work).state != state


def make_repository_with(work: Path, text: str) -> None:
    (work / "a.txt").write_text(text)
    make_repository(work)


def test_the_same_repository_cloned_anew_at_the_same_path_goes_on(home: Path, tmp_path: Path) -> None:
    work = project(tmp_path / "work", "one")
    state = settled(home, work)
    old = work.rename(tmp_path / "old")
    subprocess.run(["git", "clone", "-q", old, work], check=True)
    shutil.rmtree(old)
    assert find(home, work) == Found(state)


def test_a_clone_beside_the_workspace_is_another_one(home: Path, tmp_path: Path) -> None:
    work = project(tmp_path / "work", "one")
    state = settled(home, work)
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", work, clone], check=True)
    found = find(home, clone)
    assert found.state != state
    assert found.doubt is None


def test_whether_a_copy_of_what_has_gone_is_the_same_is_asked(home: Path, tmp_path: Path) -> None:
    work = project(tmp_path / "work", "one")
    state = settled(home, work)
    copy = tmp_path / "copy"
    shutil.copytree(work, copy)
    work.rename(tmp_path / "away").joinpath("x").touch()
    shutil.rmtree(tmp_path / "away")
    found = find(home, copy)
    assert found.state != state
    assert found.doubt is not None
    assert (found.doubt.state, found.doubt.path) == (state, str(work))
    keep(state, copy)  # somebody said yes
    assert find(home, copy) == Found(state)


def test_whether_a_folder_without_git_that_was_made_anew_is_the_same_is_asked(
    home: Path, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    state = settled(home, work)
    anew(work, tmp_path / "holding")
    shutil.rmtree(tmp_path / "holding")
    found = find(home, work)
    assert found.doubt is not None
    assert found.doubt.state == state
    new = settled(home, work)  # nobody said yes
    assert new != state
    assert find(home, work) == Found(new)


def test_a_state_of_an_earlier_version_is_taken_over(home: Path, tmp_path: Path) -> None:
    work = project(tmp_path / "work", "one")
    state = find(home, work).state
    (state / "trees").mkdir(parents=True)
    assert settled(home, work) == state
    assert (state / RECORD).is_file()
    (state / RECORD).write_text("{")
    assert find(home, work) == Found(state), "a record that cannot be read is none"


def test_a_name_that_is_not_utf_8(home: Path, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    odd.mkdir()
    assert settled(home, odd) == settled(home, odd)
