"""What of the person's files a snapshot takes, with their own git as the judge."""

import hashlib
import os
import subprocess
from collections.abc import Callable, Container
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.fixtures.person import Git, write

from wainwright.domain.errors import WorkspaceError
from wainwright.workspace.plumbing import GitDirectory, Reply
from wainwright.workspace.repository import Repository

pytestmark = pytest.mark.usefixtures("home")

LONG_AGO = (1_600_000_000, 1_600_000_000)
CLEAN = """\
#!/usr/bin/env python3
import hashlib, sys
content = sys.stdin.buffer.read()
if content and not content.startswith(b"version https://git-lfs"):
    name = hashlib.sha256(content).hexdigest()
    lines = "version https://git-lfs.github.com/spec/v1", f"oid sha256:{name}", f"size {len(content)}", ""
    content = "\\n".join(lines).encode()
sys.stdout.buffer.write(content)
"""
REVERSE = "#!/bin/sh\ntouch ../ran\nrev\n"


@pytest.fixture
def lfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, git: Git, started: str) -> None:
    """Git LFS as it stores, for the person's git, and a filter of another kind."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("git-lfs", CLEAN), ("reverse", REVERSE)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    git("config", "--global", "filter.lfs.clean", "git-lfs clean -- %f")
    git("config", "--global", "filter.lfs.required", "true")
    git("config", "filter.reverse.clean", "reverse")
    git("config", "filter.reverse.smudge", "reverse")


def pointer(content: bytes) -> bytes:
    name = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{name}\nsize {len(content)}\n".encode()


def suspects(git: Git) -> set[str]:
    """The paths that the person's own git calls changed or untracked.

    It says so of a file of another size before it has looked whether the same would be stored.
    """
    rows = git("--no-optional-locks", "status", "--porcelain", "-z", "--no-renames", "-uall").split("\0")
    return {row[3:] for row in rows if row}


class State(NamedTuple):
    """Something a person did."""

    prepare: Callable[[Path, Git], object]
    then: Callable[[Path, Git], object] = lambda _root, _git: None


def commit(files: dict[str, str], *settings: str) -> Callable[[Path, Git], object]:
    """Commit files, settled: nothing about them is too new for git to be sure."""

    def prepare(root: Path, git: Git) -> None:
        for setting in settings:
            git("config", *setting.split("=", 1))
        write(root, files)
        for path in files:
            os.utime(root / path, LONG_AGO)
        git("add", "-A")
        git("commit", "-qm", "files")

    return prepare


def put(*changes: tuple[str, str]) -> Callable[[Path, Git], object]:
    return lambda root, _git: write(root, dict(changes))


def touch(*paths: str) -> Callable[[Path, Git], object]:
    return lambda root, _git: [(root / path).touch() for path in paths]


def say(*commands: str) -> Callable[[Path, Git], object]:
    return lambda _root, git: [git(*command.split()) for command in commands]


def each(*acts: Callable[[Path, Git], object]) -> Callable[[Path, Git], object]:
    return lambda root, git: [act(root, git) for act in acts]


def racy(root: Path, git: Git) -> None:
    """Change a file without a sign: same size, same times as git noted."""
    write(root, {"a.txt": "new\n"})
    noted = (root / "a.txt").stat()
    git("add", "a.txt")
    git("commit", "-qm", "new")
    write(root, {"a.txt": "NEW\n"})
    os.utime(root / "a.txt", ns=(noted.st_atime_ns, noted.st_mtime_ns))


UTF_16 = "é\n".encode("utf-16").decode("latin-1")
LFS = {"m.bin": "REAL\n", ".gitattributes": "*.bin filter=lfs -text\n"}
STATES = {
    "nothing": State(lambda _root, _git: None),
    "edited": State(put(("a.txt", "two\n"))),
    "only touched": State(touch("a.txt", "src/b.py")),
    "staged and edited again": State(each(put(("a.txt", "2\n")), say("add a.txt"), put(("a.txt", "3\n")))),
    "deleted": State(lambda root, _git: (root / "a.txt").unlink()),
    "meant to be added": State(each(put(("later.txt", "x\n")), say("add -N later.txt"))),
    "meant to be added, empty": State(each(put(("later.txt", "")), say("add -N later.txt"))),
    "assumed unchanged": State(each(say("update-index --assume-unchanged a.txt"), put(("a.txt", "!\n")))),
    "skipped": State(each(say("update-index --skip-worktree a.txt"), put(("a.txt", "!\n")))),
    "sparse": State(say("sparse-checkout set --no-cone /a.txt")),
    "sparse, but the file is there": State(
        say("sparse-checkout set --no-cone /a.txt"), put(("src/b.py", "b = 2\n"))
    ),
    "a sparse index": State(
        each(
            commit({"deep/er/x": "x", "deep/y": "y"}),
            say("sparse-checkout set --cone --sparse-index src"),
        ),
        put(("src/b.py", "b = 3\n")),
    ),
    "a split index": State(say("update-index --split-index"), put(("a.txt", "split\n"))),
    "a split and sparse index": State(
        each(say("sparse-checkout set --no-cone /a.txt", "update-index --split-index")),
        put(("a.txt", "split\n")),
    ),
    "a split index with what is ignored": State(
        each(put(("x.log", "log\n")), say("add -f x.log", "commit -qm log", "update-index --split-index"))
    ),
    "modes do not count": State(
        say("config core.fileMode false"), lambda root, _git: (root / "run.sh").chmod(0o644)
    ),
    "modes count": State(lambda root, _git: (root / "run.sh").chmod(0o644)),
    "links are files": State(
        each(
            lambda root, _git: (root / "link").symlink_to("a.txt"),
            say("add -A", "commit -qm link", "config core.symlinks false"),
        ),
        each(lambda root, _git: (root / "link").unlink(), put(("link", "a.txt"))),
    ),
    "names in two Unicode forms": State(commit({"caf\u00e9.txt": "1\n"}), put(("cafe\u0301.txt", "2\n"))),
    "a link instead of a file": State(
        lambda root, _git: ((root / "a.txt").unlink(), (root / "a.txt").symlink_to("run.sh"))
    ),
    "a folder instead of a file": State(
        each(lambda root, _git: (root / "a.txt").unlink(), put(("a.txt/b", "b\n")))
    ),
    "line ends, input": State(
        commit({"x.txt": "1\n2\n"}, "core.autocrlf=input"), put(("x.txt", "1\r\n2\r\n"))
    ),
    "line ends, true": State(
        each(put(("x.txt", "1\r\n2\r\n")), say("config core.autocrlf true", "add -A", "commit -qm x")),
        put(("x.txt", "1\n2\n")),
    ),
    "line ends are stored": State(
        each(commit({"x.txt": "1\r\n2\n"}), say("config core.autocrlf input")), touch("x.txt")
    ),
    "line ends by the person's attributes": State(
        each(
            put((".git/info/attributes", "*.t text eol=crlf\n")),
            commit({"x.t": "1\r\n"}),
        ),
        touch("x.t"),
    ),
    "line ends by attributes for all repositories": State(
        each(
            put(("../home/.config/git/attributes", "*.t text\n")),
            commit({"x.t": "1\r\n"}),
        ),
        touch("x.t"),
    ),
    "an attribute asks for other line ends": State(
        each(commit({"x.t": "1\r\n"}), put((".gitattributes", "*.t text\n"))), touch("x.t")
    ),
    "ident": State(commit({"x.c": "$Id$\n", ".gitattributes": "*.c ident\n"}), put(("x.c", "$Id: 12 $\n"))),
    "another encoding": State(
        each(
            put((".gitattributes", "*.u working-tree-encoding=UTF-16\n")),
            lambda root, _git: (root / "x.u").write_text("é\n", encoding="utf-16"),
            say("add -A", "commit -qm x"),
        ),
        touch("x.u"),
    ),
    "other case": State(
        say("config core.ignoreCase true"), lambda root, _git: (root / "a.txt").rename(root / "A.txt")
    ),
    "the same time, the same size": State(racy),
    "times are not looked at closely": State(
        each(say("config core.checkStat minimal", "config core.trustctime false")), touch("a.txt")
    ),
    "ignored by all repositories": State(
        each(
            put(("../home/.config/git/ignore", "*.tmp\n")),
            put(("../home/.config/git/config", "[core]\nfileMode = false\n")),
        ),
        each(put(("x.tmp", "x")), lambda root, _git: (root / "run.sh").chmod(0o644)),
    ),
    "LFS, only touched": State(commit(LFS), touch("m.bin")),
    "LFS, noted a moment ago": State(each(put(*LFS.items()), say("add -A", "commit -qm lfs"))),
    "LFS, edited": State(commit(LFS), put(("m.bin", "OTHER\n"))),
    "LFS, edited, same size": State(commit(LFS), put(("m.bin", "real\n"))),
    "LFS, emptied": State(commit(LFS), put(("m.bin", ""))),
    "LFS, not fetched": State(commit(LFS), put(("m.bin", pointer(b"REAL\n").decode()))),
    "LFS, staged and edited": State(
        each(commit(LFS), put(("m.bin", "A\n")), say("add m.bin")), put(("m.bin", "B\n"))
    ),
    "LFS, new": State(commit(LFS), put(("n.bin", "NEW\n"))),
    "LFS, meant to be added": State(each(commit(LFS), put(("n.bin", "NEW\n")), say("add -N n.bin"))),
    "LFS, deleted": State(commit(LFS), lambda root, _git: (root / "m.bin").unlink()),
    "LFS, executable": State(commit(LFS), lambda root, _git: (root / "m.bin").chmod(0o755)),
    "LFS, a link now": State(
        commit(LFS), lambda root, _git: ((root / "m.bin").unlink(), (root / "m.bin").symlink_to("a.txt"))
    ),
    "LFS, stored as it is": State(
        each(commit({"m.bin": "REAL\n"}), commit({".gitattributes": LFS[".gitattributes"]})), touch("m.bin")
    ),
    "LFS, split": State(each(commit(LFS), say("update-index --split-index")), touch("m.bin")),
    "another filter, only touched": State(
        commit({"x.r": "abc\n", ".gitattributes": "*.r filter=reverse\n"}), touch("x.r")
    ),
    "another filter, by the person's attributes": State(
        each(put((".git/info/attributes", "*.r filter=reverse\n")), commit({"x.r": "abc\n"})), touch("x.r")
    ),
    "an attribute without a program": State(
        commit({"x.q": "abc\n", ".gitattributes": "*.q filter=nobody\n"}), put(("x.q", "new\n"))
    ),
}


@pytest.mark.usefixtures("lfs")
@pytest.mark.parametrize("name", STATES)
def test_what_differs_is_what_the_persons_git_calls_changed(
    name: str, repository: Repository, workspace: Path, git: Git, tmp_path: Path
) -> None:
    state = STATES[name]
    state.prepare(workspace, git)
    state.then(workspace, git)
    (tmp_path / "ran").unlink(missing_ok=True)
    index = (workspace / ".git/index").read_bytes()
    snapshot = repository.snapshot("r1", {})
    assert (workspace / ".git/index").read_bytes() == index
    assert not (tmp_path / "ran").exists(), "a filter was run"
    head = git("rev-parse", "HEAD")
    changed, suspected = {path for _, path in repository.changes(head, snapshot.commit)}, suspects(git)
    assert changed <= suspected
    assert (snapshot.commit == head) == (not snapshot.dirty)
    git("add", "-A", "--sparse")
    assert changed == set(git("diff", "--cached", "--name-only", "-z", "--no-renames").split("\0")) - {""}
    ours = git(f"--git-dir={tmp_path / 'state/repository.git'}", "ls-tree", "-r", snapshot.commit)
    assert ours == git("ls-tree", "-r", git("write-tree"))


@pytest.mark.parametrize(
    ("kept", "typed", "taken"),
    [
        ("1\r\n2\r\n", "1\r\n3\r\n", b"1\r\n3\r\n"),
        ("1\n2\n", "1\r\n3\r\n", b"1\n3\n"),
        ("1\r\n2\r\n", "1\r\n2\r\n", b"1\r\n2\r\n"),
    ],
)
@pytest.mark.usefixtures("started")
def test_unsaved_text_is_stored_as_it_would_be_when_saved(
    repository: Repository, workspace: Path, git: Git, kept: str, typed: str, taken: bytes
) -> None:
    commit({"x.txt": kept})(workspace, git)
    git("config", "core.autocrlf", "input")
    snapshot = repository.snapshot("r1", {"x.txt": typed, "a.txt/below-a-file": "x"})
    assert repository.read(snapshot.commit, "x.txt") == taken
    assert snapshot.dirty == (kept != typed)


@pytest.mark.usefixtures("lfs")
def test_a_change_that_only_an_unknown_filter_could_store_is_named_and_not_taken(
    repository: Repository, workspace: Path, git: Git
) -> None:
    commit({"x.r": "abc\n", "same.r": "s\n", ".gitattributes": "*.r filter=reverse\n"})(workspace, git)
    write(workspace, {"x.r": "changed\n", "new.r": "new\n", "a.txt": "two\n"})
    snapshot = repository.snapshot("r1", {"same.r": "unsaved\n"})
    assert repository.changes(git("rev-parse", "HEAD"), snapshot.commit) == [("M", "a.txt")]
    reasons = {one.path: one.reason for one in snapshot.skipped}
    assert set(reasons) == {"x.r", "new.r", "same.r"}
    assert all("filter reverse" in reason for reason in reasons.values())


def test_a_filter_that_only_calls_itself_lfs_is_none(
    repository: Repository, workspace: Path, git: Git, started: str
) -> None:
    commit(LFS, "filter.lfs.clean=tr a-z A-Z")(workspace, git)
    assert "filter lfs" in repository.snapshot("r0", {}).skipped[0].reason
    write(workspace, {"m.bin": "OTHER\n"})
    snapshot = repository.snapshot("r1", {})
    assert snapshot.commit == git("rev-parse", "HEAD") != started
    assert [one.path for one in snapshot.skipped] == ["m.bin"]


@pytest.mark.usefixtures("lfs")
def test_files_of_lfs_are_named_as_pointers(repository: Repository, workspace: Path, git: Git) -> None:
    many = {f"many/{number:02}.bin": f"{number}\n" for number in range(30)}
    commit({**LFS, **many, "not-fetched.bin": pointer(b"elsewhere").decode()})(workspace, git)
    write(workspace, {"m.bin": "OTHER\n"})
    snapshot = repository.snapshot("r1", {"many/29.bin": "UNSAVED\n"})
    assert repository.read(snapshot.commit, "m.bin") == pointer(b"OTHER\n")
    assert repository.read(snapshot.commit, "many/29.bin") == pointer(b"UNSAVED\n")
    reasons = {one.path: one.reason for one in snapshot.skipped}
    assert "m.bin" in reasons
    assert "not-fetched.bin" not in reasons
    assert len(reasons) == 21
    assert reasons["11 more files"] == reasons["m.bin"]
    assert "pointer" in reasons["m.bin"]


def test_a_hundred_and_more_filtered_files_cost_no_git_each(
    repository: Repository, workspace: Path, git: Git, lfs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = {f"many/{number:03}.bin": f"{number}\n" for number in range(150)}
    commit({**LFS, **many})(workspace, git)
    touch(*many)(workspace, git)
    calls: list[tuple[str, ...]] = []
    run = GitDirectory.run

    def counted(
        self: GitDirectory, *words: str, stdin: bytes | None = None, ok: Container[int] = (0,)
    ) -> Reply:
        calls.append(words)
        return run(self, *words, stdin=stdin, ok=ok)

    monkeypatch.setattr(GitDirectory, "run", counted)
    assert repository.snapshot("r1", {}).commit == git("rev-parse", "HEAD")
    assert len(calls) < 60


@pytest.mark.usefixtures("started")
def test_files_in_conflict_are_named_and_refused(repository: Repository, workspace: Path, git: Git) -> None:
    git("checkout", "-qb", "side")
    write(workspace, {"a.txt": "side\n", "src/b.py": "side\n"})
    git("commit", "-qam", "side")
    git("checkout", "-q", "main")
    write(workspace, {"a.txt": "main\n", "src/b.py": "main\n"})
    git("commit", "-qam", "main")
    with pytest.raises(subprocess.CalledProcessError):
        git("merge", "side")
    with pytest.raises(WorkspaceError, match=r"in conflict: a.txt, src/b.py") as refused:
        repository.snapshot("r1", {"a.txt": "unsaved"})
    assert "git add" in refused.value.hint
    # Resolved they are called, and both sides and the marks between them are still in them.
    git("add", "-A")
    with pytest.raises(WorkspaceError, match="A merge is under way") as refused:
        repository.snapshot("r1", {})
    assert "git merge --abort" in refused.value.hint
    git("commit", "-qm", "merged")
    assert repository.snapshot("r1", {}).commit == git("rev-parse", "HEAD")


@pytest.mark.parametrize("words", [("rebase", "side"), ("cherry-pick", "side"), ("revert", "side")])
@pytest.mark.usefixtures("started")
def test_what_git_began_and_did_not_end_is_refused(
    repository: Repository, workspace: Path, git: Git, words: tuple[str, str]
) -> None:
    for branch in ("side", "main"):
        git("checkout", "-q", *(["-b"] if branch == "side" else []), branch)
        write(workspace, {"a.txt": f"{branch}\n"})
        git("commit", "-qam", branch)
    with pytest.raises(subprocess.CalledProcessError):
        git(*words)
    with pytest.raises(WorkspaceError, match=r"in conflict: a\.txt"):
        repository.snapshot("r1", {})
    git("add", "-A")
    with pytest.raises(WorkspaceError, match=f"A {words[0]}.* is under way") as refused:
        repository.snapshot("r1", {})
    assert f"git {words[0]} --abort" in refused.value.hint


def test_a_file_that_is_not_in_the_encoding_of_its_attribute_is_named(
    repository: Repository, workspace: Path, git: Git, started: str
) -> None:
    write(
        workspace, {".gitattributes": "*.u working-tree-encoding=UTF-16\n*.z working-tree-encoding=no-such\n"}
    )
    (workspace / "kept.u").write_text("one\n", encoding="utf-16")
    git("add", "-A")
    git("commit", "-qm", "encoded")
    (workspace / "fine.u").write_text("fine\n", encoding="utf-16")
    write(workspace, {"kept.u": "no mark\n", "new.u": "no mark\n", "x.z": "z\n", "a.txt": "two\n"})
    snapshot = repository.snapshot("r1", {"unsaved.u": "typed\n"})
    assert repository.changes(git("rev-parse", "HEAD"), snapshot.commit) == [("M", "a.txt"), ("A", "fine.u")]
    assert repository.read(snapshot.commit, "fine.u") == b"fine\n"
    reasons = {one.path: one.reason.partition(":")[0] for one in snapshot.skipped}
    assert reasons == {
        "kept.u": "as last committed or staged",
        "new.u": "left out",
        "unsaved.u": "left out",
        "x.z": "left out",
    }
    assert started
