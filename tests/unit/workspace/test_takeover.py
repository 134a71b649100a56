"""The way to take a branch over: each form that is named is run as it is printed, in the person's own repository."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from wainwright.workspace.place import Place
from wainwright.workspace.repository import Repository
from wainwright.workspace.takeover import way

BRANCH = "wainwright/it"


class Theirs:
    """A person's repository, and a run's change of it on a branch."""

    def __init__(self, root: Path, name: str = "theirs") -> None:
        self.top = root / name
        self.top.mkdir()
        self.write("a.py", "a = 1\n")
        self.write("b.py", "b = 1\n")
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Ann")
        self.git("config", "user.email", "ann@localhost")
        self.commit("As it is")
        self.repository = Repository(self.top, root / "state")
        self.base = self.tip = ""

    def write(self, path: str, text: str) -> None:
        (self.top / path).parent.mkdir(parents=True, exist_ok=True)
        (self.top / path).write_text(text)

    def read(self, path: str) -> str:
        return (self.top / path).read_text()

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], check=True, cwd=self.top, capture_output=True, text=True)
        return done.stdout

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def change(self, **files: str) -> None:
        """What a run changes, and delivers on its branch."""
        self.base = self.repository.snapshot("r1", {}).commit
        tree = self.repository.clone("r1", "t1", self.base)
        for name, text in files.items():
            (tree / f"{name}.py").write_text(text)
        self.tip = self.repository.commit(tree, "Change it", "r1/t1").commit
        assert self.repository.deliver("it", self.tip) == BRANCH

    def way(self, *, applied: bool = False) -> str:
        return way(Place(self.top), self.base, self.tip, BRANCH, applied=applied)

    @property
    def looks(self) -> tuple[str, ...]:
        return self.git("status", "--porcelain"), self.git("for-each-ref"), self.git("stash", "list")

    def run(self, *, applied: bool = False) -> str:
        """Run the way as it is printed; nothing but that way changes anything of theirs."""
        before = self.looks
        line = self.way(applied=applied)
        assert self.looks == before
        done = subprocess.run(["sh", "-c", line], check=False, cwd=self.top, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return line


@pytest.fixture
def theirs(tmp_path: Path) -> Theirs:
    return Theirs(tmp_path)


def _nothing(_theirs: Theirs) -> None: ...


def _elsewhere(theirs: Theirs) -> None:
    theirs.write("b.py", "b = 2\n")


def _in_files(theirs: Theirs) -> None:
    theirs.write("a.py", "a = 2\n")
    theirs.write("new.py", "n = 1\n")


def _in_files_and_typed_elsewhere(theirs: Theirs) -> None:
    _in_files(theirs)
    theirs.write("b.py", "b = 2\n")


def _typed_in_the_same_file(theirs: Theirs) -> None:
    theirs.write("a.py", "a = 1\n\n\n\n\nmine = 1\n")


def _own_file_of_that_name(theirs: Theirs) -> None:
    theirs.write("new.py", "something else\n")


def _committed_against_it(theirs: Theirs) -> None:
    theirs.write("a.py", "a = 3\n")
    theirs.commit("Mine")


def _committed_beside_it(theirs: Theirs) -> None:
    theirs.write("b.py", "b = 3\n")
    theirs.commit("Mine")


@pytest.mark.parametrize(
    ("since", "expected", "head_has_it"),
    [
        (_nothing, f"git merge {BRANCH}", True),
        (_elsewhere, f"git merge {BRANCH}", True),
        (_committed_beside_it, f"git merge {BRANCH}", True),
        (_in_files, f"git reset {BRANCH}", True),
        (_in_files_and_typed_elsewhere, f"git reset {BRANCH}", True),
        (_own_file_of_that_name, f"git worktree add ../theirs-wainwright-it {BRANCH}", False),
        (_committed_against_it, f"git worktree add ../theirs-wainwright-it {BRANCH}", False),
    ],
)
def test_what_is_named_works_as_it_is_printed(
    theirs: Theirs, since: Callable[[Theirs], None], expected: str, head_has_it: bool
) -> None:
    theirs.change(a="a = 2\n", new="n = 1\n")
    since(theirs)
    assert theirs.run() == expected
    if head_has_it:
        assert theirs.git("show", "HEAD:a.py") == "a = 2\n"
        assert theirs.read("new.py") == "n = 1\n"
    else:
        beside = theirs.top.parent / "theirs-wainwright-it"
        assert (beside / "a.py").read_text() == "a = 2\n"
    if since in (_elsewhere, _in_files_and_typed_elsewhere):
        assert theirs.git("status", "--porcelain") == " M b.py\n", "what they typed is as it was"


def test_a_branch_that_begins_with_uncommitted_work(theirs: Theirs) -> None:
    """The run began with what was typed: git would not merge over it, and it is in the branch already."""
    theirs.write("b.py", "b = 2\n")
    theirs.change(a="a = 2\n")
    assert "git stash" in theirs.run()
    assert (theirs.read("a.py"), theirs.read("b.py")) == ("a = 2\n", "b = 2\n")
    assert theirs.git("status", "--porcelain") == ""


def test_a_branch_that_begins_with_an_untracked_file(theirs: Theirs) -> None:
    theirs.write("mine.py", "m = 1\n")
    theirs.change(a="a = 2\n")
    assert theirs.run() == f"git stash --include-untracked && git merge {BRANCH}"
    assert (theirs.read("a.py"), theirs.read("mine.py")) == ("a = 2\n", "m = 1\n")


def test_typed_in_another_line_of_the_same_file(theirs: Theirs) -> None:
    theirs.write("a.py", "a = 1\n" + "\n" * 9 + "z = 1\n")
    theirs.commit("Longer")
    theirs.change(a="a = 2\n" + "\n" * 9 + "z = 1\n")
    theirs.write("a.py", "a = 1\n" + "\n" * 9 + "z = 2\n")
    assert theirs.run() == f"git stash && git merge {BRANCH} && git stash pop"
    assert theirs.read("a.py") == "a = 2\n" + "\n" * 9 + "z = 2\n"


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    theirs = Theirs(tmp_path)
    theirs.git("update-ref", "-d", "HEAD")
    theirs.git("rm", "-rq", "--cached", ".")
    theirs.change(a="a = 2\n")
    theirs.write("a.py", "a = 2\n")
    assert theirs.run() == f"git reset {BRANCH}"
    assert theirs.git("show", "HEAD:a.py") == "a = 2\n"
    assert theirs.git("status", "--porcelain") == ""


def test_a_folder_without_git(tmp_path: Path) -> None:
    assert way(Place(tmp_path), "0" * 40, "0" * 40, BRANCH) == ""


def test_a_change_that_an_editor_has_not_saved_yet(theirs: Theirs) -> None:
    """One file is written, another one is changed in a buffer and saved after the command was run."""
    theirs.change(a="a = 2\n", new="n = 1\n")
    theirs.write("new.py", "n = 1\n")
    assert theirs.run(applied=True) == f"git reset {BRANCH}"
    assert theirs.read("a.py") == "a = 1\n"
    theirs.write("a.py", "a = 2\n")
    assert theirs.git("status", "--porcelain") == ""


def test_a_change_that_an_editor_has_and_a_commit_that_is_beside_it(theirs: Theirs) -> None:
    theirs.change(a="a = 2\n")
    _committed_beside_it(theirs)
    theirs.write("a.py", "a = 2\n")
    assert theirs.run(applied=True) == f"git stash && git merge {BRANCH} && git stash pop"
    assert (theirs.read("a.py"), theirs.read("b.py")) == ("a = 2\n", "b = 3\n")


def test_nothing_of_a_large_tree_is_copied_to_try_it(theirs: Theirs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wainwright.workspace.takeover._FILES_MAX", 1)
    theirs.change(a="a = 2\n", new="n = 1\n")
    assert theirs.run().startswith("git worktree add ")


def test_half_a_merge_is_not_merged_over(theirs: Theirs) -> None:
    theirs.change(a="a = 2\n")
    theirs.git("checkout", "-q", "-b", "side")
    theirs.write("a.py", "a = 3\n")
    theirs.commit("Side")
    theirs.git("checkout", "-q", "main")
    theirs.write("a.py", "a = 4\n")
    theirs.commit("Main")
    subprocess.run(["git", "merge", "-q", "side"], check=False, cwd=theirs.top, capture_output=True)
    assert theirs.run().startswith("git worktree add ")


def test_a_workspace_that_is_a_folder_of_a_repository(tmp_path: Path) -> None:
    theirs = Theirs(tmp_path)
    theirs.write("inner/c.py", "c = 1\n")
    theirs.commit("More")
    theirs.change(a="a = 2\n")
    theirs.write("b.py", "b = 2\n")
    assert way(Place(theirs.top, "inner/"), theirs.base, theirs.tip, BRANCH) == f"git merge {BRANCH}"


def test_a_folder_with_a_space_in_its_name(tmp_path: Path) -> None:
    theirs = Theirs(tmp_path, "their work")
    theirs.change(a="a = 2\n")
    _committed_against_it(theirs)
    theirs.run()
    assert (tmp_path / "their work-wainwright-it" / "a.py").read_text() == "a = 2\n"
