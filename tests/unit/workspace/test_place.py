"""A workspace that is a folder of a repository: its paths are its own, snapshots and branches the repository's."""

from pathlib import Path

import pytest
from tests.fixtures.person import Git, write

from wainwright.domain.errors import OutsideBoundary
from wainwright.workspace import kept
from wainwright.workspace.place import Place, locate
from wainwright.workspace.repository import Repository

CALC = {"calc/__init__.py": "a = 1\n", "tests/test_a.py": "", "wainwright.toml": ""}


@pytest.fixture
def monorepo(workspace: Path, git: Git, started: str) -> Path:
    """A repository with a workspace in `packages/calc`, which this is."""
    assert started
    write(workspace, {f"packages/calc/{path}": text for path, text in CALC.items()})
    write(workspace, {"packages/web/index.js": "1\n", ".gitignore": "*.gen\nnode_modules/\n.wainwright/\n"})
    git("add", "-A")
    git("commit", "-qm", "packages")
    return workspace / "packages" / "calc"


@pytest.fixture
def below(monorepo: Path, tmp_path: Path) -> Repository:
    return Repository(monorepo, tmp_path / "state-below")


def test_a_snapshot_is_of_the_whole_repository_by_the_workspaces_paths(
    below: Repository, monorepo: Path, workspace: Path, git: Git
) -> None:
    assert below.snapshot("r0", {}).commit == git("rev-parse", "HEAD")
    write(monorepo, {"new.py": "new\n", "x.gen": "generated\n", ".env": "KEY=1\n", ".wainwright/runs/x": "x"})
    write(workspace, {"packages/web/index.js": "2\n", "packages/web/.env": "KEY=1\n", "y.gen": "generated\n"})
    snapshot = below.snapshot("r1", {"calc/__init__.py": "unsaved\n", "../web/index.js": "not ours"})
    assert below.files(snapshot.commit) == sorted([*CALC, "new.py"])
    assert below.read(snapshot.commit, "calc/__init__.py") == b"unsaved\n"
    assert below.read(snapshot.commit, "../web/index.js") == b"not ours"
    assert {one.path: one.reason for one in snapshot.skipped} == {
        "../web/.env": "named like a secret",
        ".env": "named like a secret",
    }
    folder = below.environment(snapshot.environment)
    assert folder is not None
    assert {one.relative_to(folder).as_posix() for one in folder.rglob("*.gen")} == {
        "packages/calc/x.gen",
        "y.gen",
    }
    assert git("status", "--short", "--untracked-files=all").splitlines() == [
        " M packages/web/index.js",
        "?? packages/calc/.env",
        "?? packages/calc/new.py",
        "?? packages/web/.env",
    ]


def test_a_task_works_in_the_folder_and_sees_what_is_around_it(
    below: Repository, workspace: Path, git: Git
) -> None:
    base = below.snapshot("r1", {}).commit
    tree = below.clone("r1", "t", base)
    assert {path: (tree / path).read_text() for path in CALC} == CALC
    assert (tree.parents[1] / "packages/web/index.js").read_text() == "1\n"
    assert below.place.around(tree).name == "t"
    write(tree, {"calc/__init__.py": "a = 2\n", "calc/x.gen": "on purpose\n"})
    done = below.commit(tree, "better", "r1/t/1", ["calc/x.gen"])
    assert [*below.changes(base, done.commit)] == [("M", "calc/__init__.py"), ("A", "calc/x.gen")]
    assert "+++ b/calc/__init__.py" in below.diff(base, done.commit, ["calc"])
    assert [one.path for one in below.changeset(base, done.commit).files] == [
        "calc/__init__.py",
        "calc/x.gen",
    ]
    assert below.hidden(tree) == set()
    assert below.deliver("goal", done.commit) == "wainwright/goal"
    assert git("diff", "--name-only", "main", "wainwright/goal").splitlines() == [
        "packages/calc/calc/__init__.py",
        "packages/calc/calc/x.gen",
    ]
    assert git("status", "--short") == ""
    below.remove(tree)
    assert not below.place.around(tree).exists()
    assert workspace


def test_a_change_outside_the_folder_is_refused(below: Repository) -> None:
    base = below.snapshot("r1", {}).commit
    tree = below.clone("r1", "t", base)
    (below.place.around(tree) / "packages/web/index.js").write_text("3\n")
    done = below.commit(tree, "too far", "r1/t/1")
    assert below.changes(base, done.commit) == [("M", "../web/index.js")]
    with pytest.raises(OutsideBoundary, match="outside the workspace"):
        below.changeset(base, done.commit)
    with pytest.raises(OutsideBoundary, match="outside the workspace"):
        below.deliver("goal", done.commit)


def test_dependencies_above_are_there_too(below: Repository, monorepo: Path, workspace: Path) -> None:
    deep = workspace / "a/b/c/d"
    for folder in (workspace, monorepo, deep):
        (folder / "node_modules").mkdir(parents=True)
    assert below.dependencies() == ("node_modules", "packages/calc/node_modules")
    write(deep, {"x.js": ""})
    further = Repository(deep, monorepo.parents[2] / "state-deep")
    assert "a/b/c/d/node_modules" in further.dependencies()


def test_history_and_files_that_a_rule_ignores_are_of_the_folder(
    below: Repository, monorepo: Path, workspace: Path, git: Git
) -> None:
    write(workspace, {"top.gen": "", "packages/calc/kept.gen": ""})
    git("add", "-Af")
    git("commit", "-qm", "kept")
    assert kept.in_workspace(monorepo) == ["kept.gen"]
    snapshot = below.snapshot("r1", {})
    assert kept.in_task_tree(below.clone("r1", "t", snapshot.commit)) == ["kept.gen"]
    assert b"A\tkept.gen" in below.history(snapshot.commit)
    assert b"top.gen" not in below.history(snapshot.commit)


def test_a_new_folder_is_its_repositorys_and_an_ignored_one_is_not(
    workspace: Path, home: Path, git: Git, monorepo: Path
) -> None:
    for name in ("packages/new", "ignored.gen/project", "with space/x"):
        (workspace / name).mkdir(parents=True)
    assert locate(monorepo) == Place(workspace, "packages/calc/")
    assert locate(workspace / "packages/new") == Place(workspace, "packages/new/")
    assert locate(workspace / "with space/x") == Place(workspace, "with space/x/")
    assert locate(workspace / "ignored.gen/project") is None
    # The home folder as a whole is under git: only what it has is its.
    git("init", "-q", cwd=home)
    (home / "project").mkdir()
    assert locate(home / "project") is None
    git("init", "-q", cwd=workspace.parent)
    (workspace.parent / "beside").mkdir()
    assert locate(workspace.parent / "beside") is None
    write(home, {"kept/x": ""})
    git("add", "kept/x", cwd=home)
    assert locate(home / "kept") == Place(home, "kept/")


def test_a_folder_of_a_linked_work_tree(workspace: Path, monorepo: Path, git: Git, tmp_path: Path) -> None:
    assert monorepo
    git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side by side"))
    linked = Repository(tmp_path / "side by side/packages/calc", tmp_path / "state-linked")
    snapshot = linked.snapshot("r1", {})
    assert snapshot.commit == git("rev-parse", "side")
    assert linked.files(snapshot.commit) == sorted(CALC)
    assert linked.deliver("goal", snapshot.commit) == "wainwright/goal"
    assert workspace


def test_git_does_not_look_above_a_ceiling(
    workspace: Path, monorepo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(workspace))
    assert locate(monorepo) is None
    assert locate(workspace) == Place(workspace)


def test_a_folder_above_may_have_a_line_break_in_its_name(tmp_path: Path, workspace: Path, git: Git) -> None:
    odd = tmp_path / "two\nlines"
    write(odd, {"a.txt": "a\n"})
    git("init", "-q", cwd=odd)
    git("add", "-A", cwd=odd)
    git("commit", "-qm", "first", cwd=odd)
    assert Repository(odd, tmp_path / "state-odd").snapshot("r1", {}).commit == git(
        "rev-parse", "HEAD", cwd=odd
    )
