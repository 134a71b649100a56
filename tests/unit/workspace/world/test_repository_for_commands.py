"""The repository that commands find: on an untouched base git says there what it says to the person."""

import subprocess
from pathlib import Path

import pytest
from tests.fixtures.person import Git, write

from wainwright.workspace.repository import Repository

ASKED = (
    ("rev-parse", "HEAD"),
    ("symbolic-ref", "-q", "HEAD"),
    ("describe", "--tags", "--dirty"),
    ("describe", "--tags", "--long"),
    ("tag", "-n", "--merged", "HEAD"),
    ("ls-files", "-z", "--stage"),
    ("status", "--porcelain=v2", "--branch", "-z"),
    ("log", "--format=%H %an %s"),
    ("diff",),
    ("check-ignore", "x.tmp"),
)


@pytest.fixture
def tagged(workspace: Path, git: Git, started: str, home: Path) -> str:
    """A repository with tags of both kinds, a remote, a hook and rules for all repositories."""
    git("tag", "v1.0")
    write(workspace, {"a.txt": "two\n"})
    git("commit", "-qam", "second")
    git("tag", "-am", "the second", "v1.1")
    write(workspace, {"a.txt": "three\n"})
    git("commit", "-qam", "third")
    git("tag", "-am", "elsewhere", "other", git("commit-tree", "-m", "apart", "HEAD^{tree}"))
    git("remote", "add", "origin", "https://example.org/secret.git")
    write(workspace, {".git/hooks/pre-commit": "#!/bin/sh\nexit 1\n"})
    (workspace / ".git/hooks/pre-commit").chmod(0o755)
    write(home, {".config/git/ignore": "*.tmp\n"})
    return started


def answers(folder: Path, tree: Path) -> dict[tuple[str, ...], tuple[int, bytes]]:
    found = {}
    for words in ASKED:
        asking = ["git", f"--git-dir={folder}", f"--work-tree={tree}", *words]
        done = subprocess.run(asking, cwd=tree, capture_output=True, check=False)
        found[words] = (done.returncode, done.stdout)
    return found


def shown(repository: Repository, commit: str, head: str | None, contents: str = "") -> tuple[Path, Path]:
    tree = repository.clone("r1", "t", commit)
    found = repository.for_commands("r1", tree, head, contents)
    assert [one.at for one in found.layers] == [Path(".git")]
    return found.layers[0].sources[0], tree


@pytest.mark.parametrize("state", ["untouched", "dirty", "detached", "unborn"])
def test_git_says_what_it_says_to_the_person(
    repository: Repository, workspace: Path, git: Git, tagged: str, state: str
) -> None:
    assert tagged
    if state == "dirty":
        write(workspace, {"a.txt": "four\n", "new.txt": "new\n", "x.tmp": "ignored\n"})
    elif state == "detached":
        git("checkout", "-q", "v1.1")
    elif state == "unborn":
        git("checkout", "-q", "--orphan", "fresh")
        git("rm", "-rq", "--cached", ".")
    snapshot = repository.snapshot("r1", {})
    folder, tree = shown(repository, snapshot.commit, snapshot.head)
    expected = answers(workspace / ".git", workspace)
    assert answers(folder, tree) == expected
    # Again, with what git noted the first time.
    assert answers(folder, tree) == expected


def test_it_leads_nowhere(
    repository: Repository, workspace: Path, git: Git, tagged: str, tmp_path: Path
) -> None:
    assert tagged
    snapshot = repository.snapshot("r1", {})
    folder, tree = shown(repository, snapshot.commit, snapshot.head)
    for words in (("commit", "-qam", "mine"), ("tag", "mine"), ("branch", "mine")):
        subprocess.run(
            ["git", f"--git-dir={folder}", f"--work-tree={tree}", *words], check=words[0] != "commit"
        )
    assert git("tag", "--list", "mine") == ""
    assert (
        not (tmp_path / "state/repository.git/refs/tags").exists()
        or git("rev-parse", "HEAD") == snapshot.head
    )
    texts = [one.read_bytes() for one in folder.rglob("*") if one.is_file()]
    assert not any(b"example.org/secret" in text or str(workspace).encode() in text for text in texts)
    assert not (folder / "hooks").exists()


def test_a_pointer_with_its_content_is_no_change(
    repository: Repository, workspace: Path, git: Git, started: str
) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 5\n" % 1
    write(workspace, {"m.bin": pointer.decode(), ".gitattributes": "*.bin filter=lfs -text\n"})
    git("add", "-A")
    git("commit", "-qm", "pointer")
    git("config", "filter.lfs.clean", "git-lfs clean -- %f")
    write(workspace, {"m.bin": "REAL\n"})
    snapshot = repository.snapshot("r1", {})
    folder, tree = shown(repository, snapshot.commit, snapshot.head, snapshot.contents)
    # As commands see it: the content over the pointer.
    write(tree, {"m.bin": "REAL\n"})
    assert answers(folder, tree)[("status", "--porcelain=v2", "--branch", "-z")][1].count(b"m.bin") == 0
    assert started


def test_a_shallow_clone_stays_shallow(workspace: Path, git: Git, tagged: str, tmp_path: Path) -> None:
    assert tagged
    git("clone", "-q", "--depth", "1", workspace.as_uri(), str(tmp_path / "shallow"))
    repository = Repository(tmp_path / "shallow", tmp_path / "state-shallow")
    snapshot = repository.snapshot("r1", {})
    folder, tree = shown(repository, snapshot.commit, snapshot.head)
    log = ("log", "--format=%H %an %s")
    assert answers(folder, tree)[log] == answers(tmp_path / "shallow/.git", tmp_path / "shallow")[log]


def test_a_linked_work_tree_has_its_own(workspace: Path, git: Git, tagged: str, tmp_path: Path) -> None:
    assert tagged
    git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    repository = Repository(tmp_path / "linked", tmp_path / "state-linked")
    snapshot = repository.snapshot("r1", {})
    folder, tree = shown(repository, snapshot.commit, snapshot.head)
    assert folder.is_dir()
    assert answers(folder, tree)[("symbolic-ref", "-q", "HEAD")] == (0, b"refs/heads/side\n")
    assert workspace


def test_no_repository_where_the_person_has_none(repository: Repository, workspace: Path) -> None:
    write(workspace, {"a.txt": "a\n"})
    snapshot = repository.snapshot("r1", {})
    assert repository.for_commands("r1", repository.clone("r1", "t", snapshot.commit), None, "") == ((), ())
