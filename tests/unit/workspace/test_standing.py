"""Trees that are links to one standing checkout, and what may never happen to it."""

import errno
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.person import Git, write

from wainwright.sandbox import clearing
from wainwright.sandbox.bubblewrap import prove
from wainwright.sandbox.protocol import Command, SandboxView
from wainwright.workspace.plumbing import GitDirectory
from wainwright.workspace.repository import Repository

FILES = {"a.txt": "one\n", "run.sh": "#!/bin/sh\n", "src/b.py": "b = 1\n", "src/deep/c.py": "c = 1\n"}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def repository(workspace: Path, state: Path) -> Repository:
    return Repository(workspace, state, linked=True)


@pytest.fixture
def base(repository: Repository, workspace: Path, git: Git) -> str:
    git("init", "-q")
    write(workspace, FILES)
    (workspace / "run.sh").chmod(0o755)
    (workspace / "link").symlink_to("a.txt")
    git("add", ".")
    git("commit", "-qm", "as it is")
    return repository.snapshot("r1", {}).commit


def seen(root: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(root)): (path.read_text(), path.lstat().st_mode)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def inode(path: Path) -> int:
    return path.lstat().st_ino


def test_a_tree_is_made_of_links_and_is_none_of_the_persons_files(
    repository: Repository, base: str, workspace: Path, state: Path
) -> None:
    tree = repository.clone("r1", "t", base)
    assert seen(tree) == seen(state / "checkout" / "tree")
    assert {"a.txt", "link", "run.sh", "src/b.py", "src/deep/c.py"} == set(seen(tree))
    for name in (*FILES, "link"):
        assert inode(tree / name) == inode(state / "checkout" / "tree" / name) != inode(workspace / name)
    assert not repository.commit(tree, "nothing", "r1/t/1").changed
    assert repository.head(tree) == base


def test_what_changes_is_seen_whatever_its_times_and_size(
    repository: Repository, base: str, state: Path
) -> None:
    tree, other = (repository.clone("r1", name, base) for name in ("t", "other"))
    before = (tree / "a.txt").lstat()
    write(tree, {"fresh": "two\n"})
    os.utime(tree / "fresh", ns=(before.st_atime_ns, before.st_mtime_ns))
    (tree / "fresh").replace(tree / "a.txt")
    (tree / "src/b.py").unlink()
    done = repository.commit(tree, "changed", "r1/t/1")
    assert repository.changes(base, done.commit) == [("M", "a.txt"), ("D", "src/b.py")]
    assert (other / "a.txt").read_text() == "one\n"
    repository.restore(tree, base)
    assert seen(tree) == seen(other) == seen(state / "checkout" / "tree")


def test_the_checkout_moves_on_and_earlier_trees_stay(
    repository: Repository, base: str, workspace: Path, state: Path
) -> None:
    earlier = repository.clone("r1", "earlier", base)
    before = seen(earlier)
    write(workspace, {"a.txt": "two\n", "new/n.py": "n\n"})
    (workspace / "run.sh").chmod(0o644)
    shutil.rmtree(workspace / "src")
    newer = repository.snapshot("r2", {}).commit
    later = repository.clone("r2", "later", newer)
    assert seen(later) == seen(state / "checkout" / "tree")
    assert (later / "a.txt").read_text() == "two\n"
    assert not (later / "src").exists()
    assert seen(earlier) == before
    assert repository.commit(earlier, "nothing", "r1/t/1").tree == repository.tree_of(base)


def test_a_checkout_that_was_cut_short_is_mended(
    repository: Repository, base: str, state: Path, workspace: Path
) -> None:
    before = seen(repository.clone("r1", "one", base))
    write(state / "checkout" / "tree", {"half": "", "src/half": ""})
    (state / "checkout" / "tree" / "src/b.py").unlink()
    (state / "checkout" / "tree.git" / "index.lock").touch()
    (state / "checkout" / "stands").unlink()
    assert seen(repository.clone("r1", "two", base)) == before
    # After a power cut a file may be shorter than git knows; the machine has started again then.
    (state / "checkout" / "tree" / "a.txt").unlink()
    write(state / "checkout" / "tree", {"a.txt": ""})
    stands = (state / "checkout" / "stands").read_text()
    (state / "checkout" / "stands").write_text(stands.rpartition("\n")[0] + "\nanother start")
    assert seen(repository.clone("r1", "three", base)) == before


def test_a_tree_that_is_done_with_is_the_next_one_whatever_was_done_to_it(
    repository: Repository, base: str, state: Path, workspace: Path, tmp_path: Path
) -> None:
    write(tmp_path / "outside", {"kept": "x"})
    tree, other = (repository.clone("r1", name, base) for name in ("t", "other"))
    before, number = seen(tree), inode(tree)
    (tree / "a.txt").unlink()
    (tree / "run.sh").unlink()
    shutil.rmtree(tree / "src/deep")
    write(
        tree, {"a.txt": "changed\n", "new": "n", ".git/config": "[core]\n\tworktree = /\n", "run.sh/in": "x"}
    )
    (tree / os.fsdecode(b"\xff\xfe")).write_text("x")
    (tree / "src/deep").symlink_to(tmp_path / "outside")
    (tree / "src").chmod(0o500)
    repository.remove(tree)
    # There is one already.
    repository.remove(other)
    assert not list((state / "trees").iterdir())
    write(workspace, {"src/b.py": "b = 2\n"})
    newer = repository.snapshot("r2", {}).commit
    again = repository.clone("r2", "again", newer)
    assert inode(again) == number
    assert seen(again) == {**before, "src/b.py": ("b = 2\n", before["src/b.py"][1])}
    assert {path: inode(again / path) for path in before} == {
        path: inode(state / "checkout" / "tree" / path) for path in before
    }
    assert not repository.commit(again, "nothing", "r2/x").changed
    assert not (state / "checkout" / "spare").exists()
    assert (tmp_path / "outside" / "kept").read_text() == "x"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open whatever there is")
def test_a_spare_that_cannot_be_read_is_replaced(repository: Repository, base: str) -> None:
    tree = repository.clone("r1", "t", base)
    before = seen(tree)
    (tree / "src").chmod(0o000)
    repository.remove(tree)
    assert seen(repository.clone("r1", "again", base)) == before


def test_nothing_is_left_in_a_tree_that_was_cut_short(
    repository: Repository, base: str, state: Path, workspace: Path
) -> None:
    (workspace / ".git/info/exclude").write_text("built/\n")
    again = repository.snapshot("r2", {}).commit
    before = seen(repository.clone("r2", "one", again))
    # What a kill leaves when a spare was not yet made what it should be.
    write(state / "trees/r2/t", {"built/of-another-task": "x", "a.txt": "half"})
    assert seen(repository.clone("r2", "t", again)) == before
    # And one in the middle of a removal.
    clearing.remove(state / "trees/r2/t")
    assert seen(repository.clone("r2", "t", again)) == before
    assert inode(state / "trees/r2/t/a.txt") == inode(state / "checkout/tree/a.txt")


def test_other_rules_give_other_files(repository: Repository, base: str, workspace: Path, git: Git) -> None:
    repository.clone("r1", "one", base)
    git("config", "core.autocrlf", "true")
    again = repository.snapshot("r2", {}).commit
    tree = repository.clone("r2", "two", again)
    assert (tree / "a.txt").read_bytes() == b"one\r\n"


def test_many_at_once(repository: Repository, base: str, state: Path, workspace: Path) -> None:
    write(workspace, {"a.txt": "two\n"})
    newer = repository.snapshot("r2", {}).commit
    names = [(f"t{n}", (base, newer)[n % 2]) for n in range(12)]
    with ThreadPoolExecutor(4) as pool:
        trees = list(pool.map(lambda one: repository.clone("r1", *one), names))
    for tree, (_, commit) in zip(trees, names, strict=True):
        assert repository.head(tree) == commit
        assert (tree / "a.txt").read_text() == ("one\n" if commit == base else "two\n")
        assert not repository.commit(tree, "nothing", "r1/x").changed


@pytest.mark.parametrize("linked", [True, False])
def test_files_that_no_commit_holds_lie_beneath(
    workspace: Path, state: Path, base: str, tmp_path: Path, linked: bool
) -> None:
    repository = Repository(workspace, state, linked=linked)
    environment = tmp_path / "environment"
    write(environment, {"src/_version.py": "v = 1\n", "a.txt": "not this one", "gen/x.py": "x\n"})
    (workspace / ".git/info/exclude").write_text("_version.py\ngen/\n")
    again = repository.snapshot("r2", {}).commit
    tree = repository.clone("r2", "t", again, environment)
    assert (tree / "src/_version.py").read_text() == "v = 1\n"
    assert (tree / "a.txt").read_text() == "one\n"
    assert (inode(tree / "gen/x.py") == inode(environment / "gen/x.py")) is linked
    assert not repository.commit(tree, "nothing", "r2/x").changed
    repository.remove(tree)
    assert (environment / "gen/x.py").read_text() == "x\n"


def test_a_tree_of_links_is_not_used_where_commands_write_in_place(
    repository: Repository, base: str, workspace: Path, state: Path
) -> None:
    repository.clone("r1", "t", base)
    tree = Repository(workspace, state).clone("r1", "t", base)
    assert inode(tree / "a.txt") != inode(state / "checkout" / "tree" / "a.txt")
    assert (tree / "a.txt").lstat().st_nlink == 1


async def test_commands_change_nothing_but_their_own_tree(
    repository: Repository, base: str, workspace: Path, state: Path
) -> None:
    sandbox = await prove(state)
    if not sandbox.overlays:
        pytest.skip(f"no overlay can be mounted here: {sandbox.why_copies}")
    tree, other = (repository.clone("r1", name, base) for name in ("t", "other"))
    before = seen(other)
    script = "echo more >> a.txt; printf X | dd of=src/b.py conv=notrunc; chmod 600 run.sh; truncate -s 0 src/deep/c*"
    outcome = await sandbox.run(
        Command(argv=("bash", "-c", script), timeout_s=60), SandboxView(tree=tree, at=workspace)
    )
    assert outcome.exit == 0
    assert (tree / "a.txt").read_text() == "one\nmore\n"
    done = repository.commit(tree, "changed", "r1/t/1")
    assert [path for _, path in repository.changes(base, done.commit)] == [
        "a.txt", "run.sh", "src/b.py", "src/deep/c.py",
    ]  # fmt: skip
    assert seen(other) == seen(state / "checkout" / "tree") == before


def test_readers_share_it_and_whoever_wants_another_commit_has_a_tree_of_its_own(
    repository: Repository, base: str, workspace: Path
) -> None:
    write(workspace, {"a.txt": "changed\n"})
    other = repository.snapshot("r2", {}).commit
    with repository.standing_on(base) as first, repository.standing_on(base) as second:
        assert first is not None
        assert first == second
        before = seen(first)
        with repository.standing_on(other) as elsewhere:
            assert elsewhere is None
        tree = repository.clone("r2", "t", other)
        assert (tree / "a.txt").read_text() == "changed\n"
        assert seen(first) == before
    with repository.standing_on(other) as moved:
        assert moved is not None
        assert (moved / "a.txt").read_text() == "changed\n"


def test_the_files_can_be_read_while_objects_come_over(
    repository: Repository, workspace: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("init", "-q")
    write(workspace, FILES)
    git("add", ".")
    git("commit", "-qm", "as it is")
    come_over, told, found = GitDirectory.pack_into, threading.Event(), []

    def slowly(*words: Any) -> None:
        assert told.wait(60), "nobody is told before"
        come_over(*words)

    def standing(tree: Path) -> None:
        found.append((tree / "a.txt").read_text())
        told.set()

    with monkeypatch.context() as patched:
        patched.setattr(GitDirectory, "pack_into", slowly)
        repository.snapshot("r1", {}, standing)
    assert found == ["one\n"]
    write(workspace, {"a.txt": "two\n"})
    repository.snapshot("r2", {}, standing)
    assert found == ["one\n", "one\n"], "most of it stands before the next snapshot is taken"


def test_a_snapshot_that_was_cut_short_while_its_objects_came_over_is_mended_by_the_next(
    repository: Repository, base: str, workspace: Path, state: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(workspace, {"a.txt": "two\n", "new.txt": "new\n"})
    git("add", ".")
    git("commit", "-qm", "next")

    def cut_short(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no room")

    with monkeypatch.context() as patched:
        patched.setattr(GitDirectory, "pack_into", cut_short)
        with pytest.raises(OSError, match="no room"):
            repository.snapshot("r2", {})
    assert repository.resolve("r2/base") is None
    assert (state / "checkout" / "tree" / "new.txt").read_text() == "new\n"
    after = repository.snapshot("r3", {}).commit
    shutil.rmtree(workspace / ".git")
    git("--git-dir", str(state / "repository.git"), "fsck", "--full", "--strict")
    tree, before = (repository.clone("r3", name, commit) for name, commit in (("t", after), ("old", base)))
    assert (tree / "a.txt").read_text() == "two\n"
    assert (before / "a.txt").read_text() == "one\n"
