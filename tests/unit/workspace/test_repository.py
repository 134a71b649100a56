"""The private repository, against real git in real folders."""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.fixtures.ordinary import as_an_ordinary_user
from tests.fixtures.person import Git, write

from wainwright.domain.errors import OutsideBoundary, WorkspaceError
from wainwright.workspace.repository import Repository
from wainwright.workspace.snapshot import secret_shaped

pytestmark = pytest.mark.usefixtures("home")


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def contents(repository: Repository, commit: str) -> dict[str, bytes | None]:
    return {path: repository.read(commit, path) for path in repository.files(commit)}


def persons_state(workspace: Path, git: Git) -> dict[str, str]:
    """All that must not change, read in an order in which nothing refreshes the index first."""
    dot_git = workspace / ".git"
    return {
        "index": sha((dot_git / "index").read_bytes()) if (dot_git / "index").exists() else "",
        "config": sha((dot_git / "config").read_bytes()),
        "status": git("--no-optional-locks", "status", "--porcelain"),
        "head": (dot_git / "HEAD").read_text(),
        "refs": git("for-each-ref"),
        "stash": git("stash", "list"),
        "files": "\n".join(sorted(str(path) for path in dot_git.rglob("*"))),
    }


# Snapshots


def test_a_clean_tree_is_the_persons_own_commit(repository: Repository, started: str, git: Git) -> None:
    snapshot = repository.snapshot("r1", {})
    assert (snapshot.commit, snapshot.head, snapshot.dirty, snapshot.skipped) == (started, started, False, ())
    assert snapshot.tree == git("rev-parse", "HEAD^{tree}")
    assert repository.resolve("r1/base") == started
    assert repository.tree_of(started) == snapshot.tree


def test_everything_the_person_did_is_in_the_snapshot(
    repository: Repository, workspace: Path, started: str, git: Git, tmp_path: Path
) -> None:
    git("mv", "src/b.py", "src/c.py")
    write(
        workspace,
        {"a.txt": "dirty\r\nline\n", "staged.txt": "staged", "staged2.txt": "v1", "neu/ünïcode ☃.txt": "é"},
    )
    git("add", "staged.txt", "staged2.txt")
    write(
        workspace,
        {
            "staged2.txt": "v2",
            "x.log": "ignored",
            "build/out": "ignored",
            "forced.log": "forced",
            "-x": "dash",
        },
    )
    git("add", "-f", "forced.log")
    write(workspace, {"tool": "#!/bin/sh\n", "excluded.txt": "by the exclude file"})
    (workspace / ".git/info/exclude").write_text("excluded.txt\n")
    (workspace / "tool").chmod(0o755)
    (workspace / "link").symlink_to("/etc/passwd")
    (workspace / "run.sh").unlink()
    before = persons_state(workspace, git)
    snapshot = repository.snapshot("r1", {})
    assert persons_state(workspace, git) == before
    assert snapshot.dirty
    assert snapshot.head == started
    assert contents(repository, snapshot.commit) == {
        ".gitignore": b"*.log\nbuild/\n",
        "-x": b"dash",
        "a.txt": b"dirty\r\nline\n",
        "forced.log": b"forced",
        "link": b"/etc/passwd",
        "neu/ünïcode ☃.txt": "é".encode(),
        "src/c.py": b"b = 1\n",
        "staged.txt": b"staged",
        "staged2.txt": b"v2",
        "tool": b"#!/bin/sh\n",
    }
    tree = repository.clone("r1", "t1", snapshot.commit)
    assert os.access(tree / "tool", os.X_OK)
    assert (tree / "link").is_symlink()
    assert [entry.subject for entry in repository.log(started, snapshot.commit)] == [
        "Your uncommitted work, as it was when the run began"
    ]
    shutil.rmtree(workspace / ".git")
    assert "neu/ünïcode ☃.txt" in repository.diff(started, snapshot.commit)


def test_a_stash_and_an_unfinished_merge_are_left_alone(
    repository: Repository, workspace: Path, started: str, git: Git
) -> None:
    write(workspace, {"a.txt": "stashed"})
    git("stash")
    git("checkout", "-qb", "other")
    write(workspace, {"a.txt": "other\n"})
    git("commit", "-qam", "other")
    git("checkout", "-q", "main")
    write(workspace, {"a.txt": "main\n"})
    git("commit", "-qam", "main")
    with pytest.raises(subprocess.CalledProcessError):
        git("merge", "other")
    before = persons_state(workspace, git)
    with pytest.raises(WorkspaceError, match=r"in conflict: a\.txt"):
        repository.snapshot("r1", {})
    assert persons_state(workspace, git) == before
    git("add", "a.txt")
    before = persons_state(workspace, git)
    with pytest.raises(WorkspaceError, match="A merge is under way"):
        repository.snapshot("r1", {})
    assert persons_state(workspace, git) == before


def test_before_the_first_commit(repository: Repository, workspace: Path, git: Git) -> None:
    git("init", "-q")
    empty = repository.snapshot("r0", {})
    assert (empty.head, repository.files(empty.commit)) == (None, [])
    write(workspace, {"a.txt": "a", "b.txt": "b"})
    git("add", "a.txt")
    snapshot = repository.snapshot("r1", {"c.txt": "c"})
    assert contents(repository, snapshot.commit) == {"a.txt": b"a", "b.txt": b"b", "c.txt": b"c"}
    assert snapshot.dirty


def test_without_git(repository: Repository, workspace: Path) -> None:
    write(
        workspace,
        {"a.txt": "a", ".gitignore": "*.log", "x.log": "", "node_modules/m/index.js": "", ".venv/x": ""},
    )
    snapshot = repository.snapshot("r1", {"a.txt": "unsaved"})
    assert snapshot.head is None
    assert contents(repository, snapshot.commit) == {"a.txt": b"unsaved", ".gitignore": b"*.log"}
    assert not (workspace / ".git").exists()
    assert repository.deliver("slug", snapshot.commit) is None


def test_unsaved_text(repository: Repository, workspace: Path, started: str, git: Git) -> None:
    write(workspace, {"untracked.txt": "disk", ".env": "KEY=1"})
    (workspace / "alias.txt").symlink_to("a.txt")
    before = persons_state(workspace, git)
    overlay = {
        "run.sh": "#!/bin/bash\r\n",
        "untracked.txt": "buffer",
        "new/file.txt": "not on disk",
        "x.log": "ignored",
        ".env": "KEY=2",
        ".git/COMMIT_EDITMSG": "no",
        "../outside.txt": "no",
        "alias.txt": "through a link",
    }
    snapshot = repository.snapshot("r1", overlay)
    assert persons_state(workspace, git) == before
    found = contents(repository, snapshot.commit)
    assert found["run.sh"] == b"#!/bin/bash\r\n"
    assert found["untracked.txt"] == b"buffer"
    assert found["new/file.txt"] == b"not on disk"
    assert (found["a.txt"], found["alias.txt"]) == (b"through a link", b"a.txt")
    assert len(found) == 7
    assert repository.snapshot("r2", {"a.txt": "half \ud800"}).dirty
    assert {skip.path: skip.reason for skip in snapshot.skipped} == {
        "../outside.txt": "not a file of the workspace",
        ".env": "named like a secret",
        ".git/COMMIT_EDITMSG": "not a file of the workspace",
        "x.log": "ignored",
    }
    assert os.access(repository.clone("r1", "t", snapshot.commit) / "run.sh", os.X_OK)


def test_large_and_secret_files_are_left_out_and_listed(
    repository: Repository, workspace: Path, started: str, git: Git
) -> None:
    write(
        workspace,
        dict.fromkeys((".env.local", "deploy/server.pem", "id_rsa", ".npmrc", ".ssh/config"), "x"),
    )
    write(workspace, dict.fromkeys((".env.example", "credentials.py", "monkey.py"), "x"))
    with (workspace / "big.bin").open("wb") as big:
        big.truncate(10 * 1024 * 1024 + 1)
    with (workspace / "fits.bin").open("wb") as fits:
        fits.truncate(10 * 1024 * 1024)
    Path(os.fsdecode(os.fsencode(workspace) + b"/caf\xe9.txt")).write_text("latin")
    snapshot = repository.snapshot("r1", {})
    reasons = {skip.path: skip.reason for skip in snapshot.skipped}
    assert reasons == {
        ".env.local": "named like a secret",
        ".npmrc": "named like a secret",
        ".ssh/config": "named like a secret",
        "big.bin": "larger than 10 MB",
        "caf\\xe9.txt": "name is not UTF-8",
        "deploy/server.pem": "named like a secret",
        "id_rsa": "named like a secret",
    }
    added = {path for _, path in repository.changes(started, snapshot.commit)}
    assert added == {".env.example", "credentials.py", "monkey.py", "fits.bin"}


def test_secret_shapes() -> None:
    for name in (
        ".env",
        "A/.ENV.prod",
        "x.key",
        "credentials",
        "credentials.json",
        ".netrc",
        "c.p12",
        "id_ed25519",
        "prod.env",
        "deploy/app.env.production",
        "prod.env.bak",
        ".env~",
        "kubeconfig",
        "kube-config.yaml",
        "cluster.kubeconfig",
        "terraform.tfstate",
        "terraform.tfstate.backup",
        "prod.tfvars",
        "x.auto.tfvars",
        "db-secret.yaml",
        "secret.json",
        "aws_credentials.csv",
        "accessKeys.csv",
        "client_secret_12.json",
        "a-firebase-adminsdk-b.json",
        ".vault-token",
        "host.keytab",
        "office.ovpn",
        "local.settings.json",
        ".azure/config",
    ):
        assert secret_shaped(name), name
    for name in (
        ".env.sample",
        "prod.env.example",
        "example.env",
        "environment.py",
        "env.ts",
        "keys.py",
        "secret.py",
        "src/secret_store.go",
        "src/credentials.rs",
        "pem.md",
        "hotkey.ts",
        "a.tfvars.example",
        "main.tf",
        "settings.json",
    ):
        assert not secret_shaped(name), name


def test_tracked_secrets_are_the_persons_choice(
    repository: Repository, workspace: Path, started: str, git: Git
) -> None:
    write(workspace, {".env": "PUBLIC=1"})
    git("add", ".env")
    assert repository.read(repository.snapshot("r1", {}).commit, ".env") == b"PUBLIC=1"


def test_line_ends_follow_attributes_and_settings(
    repository: Repository, workspace: Path, started: str, git: Git, home: Path
) -> None:
    with (home / ".gitconfig").open("a") as config:
        config.write("[core]\nautocrlf = true\n")
    write(workspace, {".gitattributes": "*.bat eol=crlf\n", "x.bat": "a\r\nb\r\n", "plain.txt": "p\r\n"})
    git("add", ".")
    git("commit", "-qm", "crlf")
    snapshot = repository.snapshot("r1", {})
    assert snapshot.commit == git("rev-parse", "HEAD")
    tree = repository.clone("r1", "t", snapshot.commit)
    assert (tree / "x.bat").read_bytes() == b"a\r\nb\r\n"
    assert (tree / "plain.txt").read_bytes() == b"p\r\n"
    (tree / "x.bat").write_bytes(b"a\r\nc\r\n")
    (tree / "plain.txt").unlink()
    tip = repository.commit(tree, "edit", "r1/t/1").commit
    plain, bat = repository.changeset(snapshot.commit, tip).files
    assert (bat.before, bat.after) == (sha(b"a\r\nb\r\n"), "a\r\nc\r\n")
    assert (plain.kind, plain.before) == ("deleted", sha(b"p\r\n"))


def test_sparse_and_split_indexes(repository: Repository, workspace: Path, started: str, git: Git) -> None:
    git("sparse-checkout", "set", "--no-cone", "/a.txt")
    assert not (workspace / "src").exists()
    assert repository.snapshot("r1", {}).commit == started
    git("sparse-checkout", "disable")
    git("update-index", "--split-index")
    write(workspace, {"a.txt": "split"})
    snapshot = repository.snapshot("r2", {})
    assert repository.changes(started, snapshot.commit) == [("M", "a.txt")]


def test_a_shallow_clone_and_a_worktree_of_the_person(
    workspace: Path, started: str, git: Git, tmp_path: Path
) -> None:
    write(workspace, {"a.txt": "two"})
    git("commit", "-qam", "second")
    shallow, linked = tmp_path / "shallow", tmp_path / "linked"
    git("clone", "-q", "--depth=1", f"file://{workspace}", str(shallow))
    git("worktree", "add", "-q", str(linked), "-b", "side")
    for place in (shallow, linked):
        write(place, {"new.txt": "new"})
        repository = Repository(place, tmp_path / f"{place.name}-state")
        snapshot = repository.snapshot("r1", {})
        assert repository.changes(snapshot.head or "", snapshot.commit) == [("A", "new.txt")]
        tree = repository.clone("r1", "t", snapshot.commit)
        write(tree, {"more.txt": "more"})
        tip = repository.commit(tree, "more", "r1/t/1").commit
        assert repository.deliver("goal", tip) == "wainwright/goal"
        assert git("rev-parse", "wainwright/goal", cwd=place) == tip
        git("fsck", "--connectivity-only", cwd=place)


def test_sha256_repositories(repository: Repository, workspace: Path, git: Git) -> None:
    git("init", "-q", "--object-format=sha256")
    write(workspace, {"a": "a"})
    git("add", ".")
    git("commit", "-qm", "first")
    snapshot = repository.snapshot("r1", {"a": "b"})
    assert len(snapshot.commit) == 64
    tree = repository.clone("r1", "t", snapshot.commit)
    write(tree, {"a": "c"})
    assert repository.deliver("x", repository.commit(tree, "c", "r1/t/1").commit) == "wainwright/x"


def test_staged_objects_survive_the_persons_cleaning(
    repository: Repository, workspace: Path, started: str, git: Git
) -> None:
    write(workspace, {"deep/er/staged.txt": "only staged"})
    git("add", ".")
    snapshot = repository.snapshot("r1", {})
    shutil.rmtree(workspace / ".git")
    assert repository.read(snapshot.commit, "deep/er/staged.txt") == b"only staged"
    assert (repository.clone("r1", "t", snapshot.commit) / "a.txt").read_text() == "one\n"


def test_submodules_and_nested_repositories(
    repository: Repository, workspace: Path, started: str, git: Git, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    library.mkdir()
    git("init", "-q", cwd=library)
    git("commit", "-qm", "first", "--allow-empty", cwd=library)
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "vendored")
    git("commit", "-qm", "submodule")
    write(workspace, {"nested/x.txt": "x", "vendored/new.txt": "dirty"})
    git("init", "-q", "nested")
    git("commit", "-qm", "moved on", "--allow-empty", cwd=workspace / "vendored")
    canary = tmp_path / "canary"
    git("config", "core.fsmonitor", f"touch {canary}; false", cwd=workspace / "vendored")
    snapshot = repository.snapshot("r1", {"nested/x.txt": "buffer", "vendored/new.txt": "buffer"})
    assert snapshot.commit == git("rev-parse", "HEAD")
    assert {skip.path: skip.reason for skip in snapshot.skipped} == {
        "nested": "nested repository",
        "nested/x.txt": "not a file of the workspace",
        "vendored": "a submodule: commands find its files, but no change to them is taken",
        "vendored/new.txt": "not a file of the workspace",
    }
    tree = repository.clone("r1", "t", snapshot.commit)
    assert "submodule vendored" in repository.why_not_kept(tree, "vendored/deep/new.txt")
    assert not repository.why_not_kept(tree, "vendored.txt")
    git("init", "-q", cwd=tree / "vendored")
    git("commit", "-qm", "planted", "--allow-empty", cwd=tree / "vendored")
    assert not repository.commit(tree, "nothing", "r1/t/1").changed
    assert not canary.exists()


# Nothing that a repository names is run

HOOKS = (
    "pre-commit", "post-commit", "post-checkout", "post-merge", "pre-push", "pre-receive", "update", "post-receive",
    "post-update", "reference-transaction", "post-index-change", "proc-receive", "push-to-checkout",
    "prepare-commit-msg", "commit-msg", "pre-auto-gc", "sendemail-validate", "fsmonitor-watchman",
)  # fmt: skip


def plant(workspace: Path, git: Git, canary: Path, where: str) -> None:
    """Make every program that git may run for this repository leave a canary."""
    program = canary.parent / "program.sh"
    program.write_text(f'#!/bin/sh\necho "$0 $@" >> "{canary}"\ncat\n')
    program.chmod(0o755)
    for hook in HOOKS:
        (workspace / ".git/hooks").mkdir(exist_ok=True)
        shutil.copy2(program, workspace / ".git/hooks" / hook)
    (workspace / ".git/info/attributes").write_text("* filter=evil diff=evil merge=evil\n")
    keys = (
        "filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.command", "diff.evil.textconv",
        "diff.external", "merge.evil.driver", "core.fsmonitor", "core.sshCommand", "core.pager", "core.editor",
        "core.alternateRefsCommand", "gpg.program", "uploadpack.packObjectsHook", "credential.helper",
        "alias.update-index", "alias.rev-parse", "trailer.x.command", "remote.origin.uploadpack", "core.gitProxy",
    )  # fmt: skip
    for key in keys:
        git("config", where, key, str(program))
    git("config", where, "filter.evil.required", "true")
    git("config", where, "commit.gpgSign", "true")
    git("config", where, "core.hooksPath", str(workspace / ".git/hooks"))


@pytest.mark.parametrize("where", ["--local", "--global"])
def test_no_program_of_the_person_is_run(
    repository: Repository, workspace: Path, started: str, git: Git, tmp_path: Path, where: str
) -> None:
    write(workspace, {".gitattributes": "* filter=evil diff=evil merge=evil\n"})
    git("add", ".")
    git("commit", "-qm", "attributes")
    canary = tmp_path / "canary"
    plant(workspace, git, canary, where)
    canary.unlink(missing_ok=True)
    for path in workspace.glob("*.txt"):
        os.utime(path)
    write(workspace, {"a.txt": "dirty", "new.txt": "new"})
    snapshot = repository.snapshot("r1", {"src/b.py": "unsaved"})
    repository.dependencies()
    left, right = (repository.clone("r1", name, snapshot.commit) for name in ("left", "right"))
    write(left, {"a.txt": "left", "l.txt": "l"})
    write(right, {"a.txt": "right", "r.txt": "r"})
    ours = repository.commit(left, "left", "r1/left/1").commit
    theirs = repository.commit(right, "right", "r1/right/1").commit
    repository.restore(left, snapshot.commit)
    repository.diff(snapshot.commit, ours)
    repository.changeset(snapshot.commit, ours)
    repository.log(snapshot.commit, ours)
    assert repository.merge(ours, theirs).conflicts == ("a.txt",)
    assert repository.deliver("goal", ours) == "wainwright/goal"
    assert not canary.exists(), canary.read_text()
    subprocess.run(["git", "diff"], cwd=workspace, capture_output=True, check=False)
    assert canary.exists()


def test_variables_of_a_surrounding_git_do_not_redirect_ours(
    repository: Repository, workspace: Path, started: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in (
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_NAMESPACE",
        "GIT_TRACE",
    ):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    assert repository.snapshot("r1", {}).commit == started
    assert not (tmp_path / "elsewhere").exists()


def test_the_state_is_private(repository: Repository, workspace: Path, started: str, tmp_path: Path) -> None:
    repository.snapshot("r1", {})
    for place in (tmp_path / "state", tmp_path / "state/repository.git"):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700


# Task trees


def test_commit_restore_and_rewind(repository: Repository, started: str) -> None:
    base = repository.snapshot("r1", {}).commit
    tree = repository.clone("r1", "t1", base)
    assert repository.head(tree) == base
    assert not (tree / ".git").exists()
    same = repository.commit(tree, "nothing", "r1/t1/1")
    assert (same.commit, same.changed) == (base, False)
    write(tree, {"a.txt": "two\n", "dir/new.txt": "new", "x.log": "ignored"})
    (tree / "run.sh").unlink()
    done = repository.commit(tree, "-m tricky\n\nmessage", "r1/t1/1")
    assert done.changed
    assert done.tree == repository.tree_of(done.commit)
    assert repository.resolve("r1/t1/1") == done.commit == repository.head(tree)
    assert repository.changes(base, done.commit) == [("M", "a.txt"), ("A", "dir/new.txt"), ("D", "run.sh")]
    assert [entry.subject for entry in repository.log(base, done.commit)] == ["-m tricky"]
    repository.restore(tree, base)
    assert (tree / "run.sh").exists()
    assert not (tree / "dir").exists()
    assert (tree / "x.log").exists()
    repository.restore(tree, done.commit)
    assert (tree / "dir/new.txt").read_text() == "new"


CLOSED = """
import os, subprocess, sys
from pathlib import Path
from wainwright.workspace.repository import Repository

def close(tree):
    for name in ("dir/made", "own/made"):
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text("made")
    (tree / "dir/kept.txt").write_text("changed")
    (tree / "own/made").chmod(0o000)
    (tree / "dir").chmod(0o555)
    (tree / "own").chmod(0o555)

def opened(tree):
    return sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))

assert os.getuid() != 0
workspace, state = map(Path, sys.argv[1:])
repository = Repository(workspace, state)
base = repository.snapshot("r1", {}).commit
tree = repository.clone("r1", "t1", base)
before = opened(tree)
close(tree)
repository.restore(tree, base)
assert opened(tree) == before
close(tree)
done = repository.commit(tree, "made", "r1/t1/1")
print([tuple(change) for change in repository.changes(base, done.commit)])
(tree / "dir").chmod(0o000)
assert repository.clone("r1", "t1", base) == tree
assert opened(tree) == before
close(tree)
repository.remove(tree)
print(tree.exists())
"""


def test_what_tests_close_for_their_owner_is_opened_again(
    workspace: Path, git: Git, started: str, tmp_path: Path
) -> None:
    write(workspace, {"dir/kept.txt": "kept"})
    git("add", "-A")
    git("commit", "-qm", "more")
    words = [*as_an_ordinary_user(), sys.executable, "-c", CLOSED, str(workspace), str(tmp_path / "state")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    found = [("M", "dir/kept.txt"), ("A", "dir/made"), ("A", "own/made")]
    assert done.stdout.splitlines() == [str(found), "False"], done.stderr


def test_a_clone_is_made_again_cleanly(repository: Repository, started: str, tmp_path: Path) -> None:
    base = repository.snapshot("r1", {}).commit
    tree = repository.clone("r1", "t1", base)
    write(tree, {"a.txt": "garbage", "junk/x": "x"})
    (tree / "src/b.py").unlink()
    directory = tree.with_name("t1.git")
    (directory / "index.lock").touch()
    (directory / "index").write_bytes(b"")
    assert repository.clone("r1", "t1", base) == tree
    assert sorted(path.name for path in tree.iterdir()) == [".gitignore", "a.txt", "run.sh", "src"]
    assert (tree / "a.txt").read_text() == "one\n"
    shutil.rmtree(tree)
    assert (repository.clone("r1", "t1", base) / "src/b.py").exists()


def test_file_and_folder_change_places(repository: Repository, started: str, tmp_path: Path) -> None:
    base = repository.snapshot("r1", {}).commit
    tree = repository.clone("r1", "t1", base)
    (tree / "a.txt").unlink()
    write(tree, {"a.txt/inner": "x"})
    shutil.rmtree(tree / "src")
    (tree / "src").symlink_to("/etc")
    done = repository.commit(tree, "swap", "r1/t1/1")
    assert repository.files(done.commit) == [".gitignore", "a.txt/inner", "run.sh", "src"]
    assert repository.read(done.commit, "src") == b"/etc"
    repository.restore(tree, base)
    assert (tree / "src/b.py").read_text() == "b = 1\n"
    assert not Path("/etc/b.py").exists()


def test_a_planted_git_folder_is_just_a_folder(
    repository: Repository, started: str, git: Git, tmp_path: Path
) -> None:
    base = repository.snapshot("r1", {}).commit
    tree = repository.clone("r1", "t1", base)
    canary = tmp_path / "canary"
    write(tree, {"fresh/main.rs": "fn main() {}", "fresh/x.log": "ignored", "src/new.py": "n = 1"})
    write(
        tree,
        {
            "deep/one/two/y.txt": "y",
            "unborn/z.txt": "z",
            "fresh/.gitignore": "target\n",
            "fresh/target/o": "",
        },
    )
    for place in (tree, tree / "fresh", tree / "src", tree / "deep", tree / "deep/one/two"):
        git("init", "-q", cwd=place)
        git("add", ".", cwd=place)
        git("commit", "-qm", "planted", "--allow-empty", cwd=place)
        git("config", "core.fsmonitor", f"touch {canary}; false", cwd=place)
        git("config", "core.worktree", "/", cwd=place)
        write(place, {".git/hooks/post-checkout": f"#!/bin/sh\ntouch {canary}\n"})
        (place / ".git/hooks/post-checkout").chmod(0o755)
    git("init", "-q", cwd=tree / "unborn")
    done = repository.commit(tree, "planted", "r1/t1/1")
    assert {path for _, path in repository.changes(base, done.commit)} == {
        "deep/one/two/y.txt", "fresh/.gitignore", "fresh/main.rs", "src/new.py", "unborn/z.txt",
    }  # fmt: skip
    assert not repository.commit(tree, "again", "r1/t1/1").changed
    write(tree, {"fresh/main.rs": "fn main() { }"})
    assert repository.changes(done.commit, repository.commit(tree, "edit", "r1/t1/1").commit) == [
        ("M", "fresh/main.rs")
    ]
    repository.restore(tree, base)
    assert not (tree / "fresh").exists()
    assert repository.head(tree) == base
    (tree / ".git").rename(tree / "was")
    (tree / ".git").write_text("gitdir: /nowhere\n")
    shutil.rmtree(tree / "was")
    assert not repository.commit(tree, "a file", "r1/t1/1").changed
    assert not canary.exists()


def test_odd_things_a_command_leaves_do_not_stop_a_commit(repository: Repository, started: str) -> None:
    base = repository.snapshot("r1", {}).commit
    tree = repository.clone("r1", "t1", base)
    write(
        tree,
        {"sub/.GIT/config": "x", "git~1/x": "x", "a\\.git\\b": "x", ".wainwright/x": "x", ".git::$DATA": "x"},
    )
    (tree / "a.txt").unlink()
    os.mkfifo(tree / "a.txt")
    os.mkfifo(tree / "pipe")
    (tree / "loop").symlink_to("loop")
    (tree / "empty").mkdir()
    write(
        tree, {"new\nline.txt": "n", " leading": "l", ":(top)magic": "m", "*": "star", "!no": "no", "#c": "c"}
    )
    done = repository.commit(tree, "odd", "r1/t1/1")
    names = ["loop", "new\nline.txt", " leading", ":(top)magic", "*", "!no", "#c"]
    assert sorted(repository.changes(base, done.commit)) == sorted(
        [("D", "a.txt"), *(("A", name) for name in names)]
    )
    repository.restore(tree, base)
    assert (tree / "a.txt").read_text() == "one\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_repository_of_somebody_else(
    repository: Repository, workspace: Path, started: str, tmp_path: Path
) -> None:
    for path in (workspace, *workspace.rglob("*")):
        os.chown(path, 12345, 12345)
    snapshot = repository.snapshot("r1", {"a.txt": "two"})
    assert snapshot.head == started
    assert repository.deliver("goal", snapshot.commit) == "wainwright/goal"


def test_siblings_cannot_reach_each_other(repository: Repository, started: str) -> None:
    base = repository.snapshot("r1", {}).commit
    names = [f"t{number}" for number in range(4)]

    def work(name: str) -> str:
        tree = repository.clone("r1", name, base)
        for step in range(3):
            write(tree, {f"{name}.txt": f"{step}"})
            repository.commit(tree, f"{name} {step}", f"r1/{name}/1")
        return repository.head(tree)

    with ThreadPoolExecutor(4) as pool:
        tips = dict(zip(names, pool.map(work, names), strict=True))
    for name, tip in tips.items():
        assert repository.resolve(f"r1/{name}/1") == tip
        assert repository.changes(base, tip) == [("A", f"{name}.txt")]
        assert len(repository.log(base, tip)) == 3


def test_snapshots_in_parallel_and_from_several_objects(
    workspace: Path, started: str, tmp_path: Path, git: Git
) -> None:
    write(workspace, {f"f{number}.txt": str(number) for number in range(50)})
    git("add", "f1.txt")

    def take(number: int) -> tuple[str, bytes | None]:
        repository = Repository(workspace, tmp_path / "state")
        snapshot = repository.snapshot(f"r{number}", {"f1.txt": f"buffer {number}"})
        return snapshot.head or "", repository.read(snapshot.commit, "f1.txt")

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(take, range(6)))
    assert results == [(started, f"buffer {number}".encode()) for number in range(6)]


def test_exclusive_nests_and_excludes(workspace: Path, tmp_path: Path) -> None:
    one, two = Repository(workspace, tmp_path / "state"), Repository(workspace, tmp_path / "state")
    entered = threading.Event()

    def enter() -> None:
        with two.exclusive():
            entered.set()

    other = threading.Thread(target=enter)
    with one.exclusive():
        with one.exclusive():
            other.start()
        assert not entered.wait(0.2)
    assert entered.wait(10)
    other.join()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "../x", "-x", ".hidden", "a.lock", "x.git", "a..b", "a b", "é"]
)
def test_names_that_lead_elsewhere_are_refused(repository: Repository, workspace: Path, name: str) -> None:
    commit = repository.snapshot("r1", {}).commit
    with pytest.raises(OutsideBoundary):
        repository.clone("r1", name, commit)
    with pytest.raises(OutsideBoundary):
        repository.deliver(name, commit)
    with pytest.raises(OutsideBoundary):
        repository.head(workspace)


@pytest.mark.parametrize("name", ["HEAD", "--all", "main", "abc123", "-h", "refs/heads/main", "", "0" * 40])
def test_only_full_existing_object_names(repository: Repository, started: str, name: str) -> None:
    repository.snapshot("r1", {})
    with pytest.raises(WorkspaceError):
        repository.diff(started, name)


# Reading, refs, merging


def test_reading_and_diffing_what_a_model_names(
    repository: Repository, workspace: Path, started: str
) -> None:
    base = repository.snapshot("r1", {}).commit
    tip = repository.snapshot("r2", {"a.txt": "x\n", "src/b.py": "y\n", "-o": "z\n"}).commit
    for path in ("none", "", "src", "../x", "-x", "--help", ":(top)a.txt", "a\nb"):
        assert repository.read(base, path) is None
    assert repository.diff(base, tip, ["-o"]).startswith("diff --git a/-o b/-o")
    assert repository.diff(base, tip, ["src"]).count("diff --git") == 1
    assert repository.diff(base, tip, ["*.txt", "--output=pwned", ":!a"]) == ""
    assert repository.files(tip) == ["-o", ".gitignore", "a.txt", "run.sh", "src/b.py"]


def test_files_of_one_commit_are_laid_onto_another(
    repository: Repository, workspace: Path, started: str, git: Git
) -> None:
    base = repository.snapshot("r1", {}).commit
    other = repository.snapshot(
        "r2", {"a.txt": "x\n", "src/b.py": "y\n", "-o": "z\n", "ö/*.txt": "w\n"}
    ).commit
    before = persons_state(workspace, git)
    laid = repository.lay(base, other, ["a.txt", "-o", "ö/*.txt"])
    assert contents(repository, laid) == {
        **contents(repository, base),
        "a.txt": b"x\n",
        "-o": b"z\n",
        "ö/*.txt": b"w\n",
    }
    assert repository.lay(laid, base, ["a.txt", "-o", "ö/*.txt", "none"]) == repository.tree_of(base)
    assert repository.lay(base, other, []) == repository.tree_of(base)
    assert repository.lay(base, base, ["run.sh"]) == repository.tree_of(base), "with its mode"
    assert persons_state(workspace, git) == before


def test_compare_and_swap(repository: Repository, started: str) -> None:
    base = repository.snapshot("r1", {}).commit
    one = repository.commit_tree(repository.tree_of(base), [base], "one")
    two = repository.commit_tree(repository.tree_of(base), [base, one], "two")
    assert repository.resolve("r1/main") is None
    assert not repository.move("r1/main", one, base)
    assert repository.move("r1/main", one, None)
    assert not repository.move("r1/main", two, None)
    assert not repository.move("r1/main", two, base)
    assert repository.resolve("r1/main") == one
    assert repository.move("r1/main", two, one)
    assert repository.resolve("refs/wainwright/r1/main") == two
    with pytest.raises(OutsideBoundary):
        repository.move("../heads/main", one, None)


def test_compare_and_swap_has_one_winner(repository: Repository, started: str) -> None:
    base = repository.snapshot("r1", {}).commit
    rivals = [repository.commit_tree(repository.tree_of(base), [base], f"rival {n}") for n in range(6)]
    repository.move("r1/main", base, None)
    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(lambda rival: repository.move("r1/main", rival, base), rivals))
    assert sum(won) == 1
    assert repository.resolve("r1/main") == rivals[won.index(True)]


def test_merging(repository: Repository, started: str) -> None:
    base = repository.snapshot("r1", {}).commit
    tips = []
    for name, files in (
        ("left", {"a.txt": "left\n", "l.txt": "l"}),
        ("right", {"a.txt": "right\n", "src/b.py": "b = 2\n"}),
        ("other", {"o ö.txt": "o"}),
    ):
        tree = repository.clone("r1", name, base)
        write(tree, files)
        tips.append(repository.commit(tree, name, f"r1/{name}/1").commit)
    left, right, other = tips
    assert repository.merge(left, right).model_dump() == {"tree": None, "conflicts": ("a.txt",)}
    clean = repository.merge(left, other)
    assert clean.conflicts == ()
    assert clean.tree
    landed = repository.commit_tree(clean.tree, [left, other], "landing")
    assert set(repository.files(landed)) == {".gitignore", "a.txt", "l.txt", "o ö.txt", "run.sh", "src/b.py"}


def test_a_changeset_says_what_it_was_made_against(
    repository: Repository, workspace: Path, started: str
) -> None:
    (workspace / "data.bin").write_bytes(b"\0\1")
    base = repository.snapshot("r1", {"a.txt": "unsaved é\r\n"}).commit
    tree = repository.clone("r1", "t", base)
    write(tree, {"a.txt": "unsaved é\r\nmore\r\n", "neu ü.sh": "#!"})
    (tree / "neu ü.sh").chmod(0o755)
    (tree / "src/b.py").unlink()
    (tree / "data.bin").write_bytes(b"\0\2")
    (tree / "link").symlink_to("a.txt")
    tip = repository.commit(tree, "edit", "r1/t/1").commit
    changeset = repository.changeset(base, tip)
    assert (changeset.base, changeset.tip) == (base, tip)
    assert [change.model_dump(exclude_defaults=True) for change in changeset.files] == [
        {
            "path": "a.txt",
            "kind": "modified",
            "before": sha("unsaved é\r\n".encode()),
            "after": "unsaved é\r\nmore\r\n",
        },
        {"path": "data.bin", "kind": "modified", "before": sha(b"\0\1"), "after": None, "binary": True},
        {"path": "link", "kind": "created", "before": None, "after": None, "binary": True},
        {"path": "neu ü.sh", "kind": "created", "before": None, "after": "#!", "executable": True},
        {"path": "src/b.py", "kind": "deleted", "before": sha(b"b = 1\n"), "after": None},
    ]


@pytest.mark.parametrize("path", ["wainwright.toml", "Wainwright.toml"])
def test_protected_paths_are_not_delivered(repository: Repository, started: str, path: str, git: Git) -> None:
    base = repository.snapshot("r1", {}).commit
    tree = repository.clone("r1", "t", base)
    write(tree, {path: "x"})
    tip = repository.commit(tree, "edit", "r1/t/1").commit
    with pytest.raises(OutsideBoundary):
        repository.changeset(base, tip)
    with pytest.raises(OutsideBoundary):
        repository.deliver("goal", tip)
    assert git("for-each-ref", "refs/heads/wainwright") == ""


# Delivery


def test_delivery(repository: Repository, workspace: Path, started: str, git: Git) -> None:
    write(workspace, {"a.txt": "dirty"})
    base = repository.snapshot("r1", {}).commit
    tree = repository.clone("r1", "t", base)
    write(tree, {"a.txt": "better"})
    tip = repository.commit(tree, "better", "r1/t/1").commit
    status, head = git("status", "--porcelain"), git("rev-parse", "HEAD")
    assert repository.deliver("goal", tip) == "wainwright/goal"
    assert repository.deliver("goal", tip) == "wainwright/goal"
    assert git("rev-parse", "wainwright/goal") == tip
    assert git("show", "wainwright/goal:a.txt") == "better"
    assert (git("status", "--porcelain"), git("rev-parse", "HEAD")) == (status, head)
    git("fsck", "--full", "--strict")

    write(tree, {"a.txt": "best"})
    further = repository.commit(tree, "best", "r1/t/1").commit
    assert repository.deliver("goal", further) == "wainwright/goal"
    assert git("rev-parse", "wainwright/goal") == further

    repository.restore(tree, base)
    write(tree, {"a.txt": "other way"})
    other = repository.commit(tree, "other way", "r1/t/2").commit
    assert repository.deliver("goal", other) == "wainwright/goal-2"
    assert repository.deliver("goal", other) == "wainwright/goal-2"
    assert git("rev-parse", "wainwright/goal") == further


def test_a_branch_that_is_checked_out_does_not_move(
    repository: Repository, workspace: Path, started: str, git: Git
) -> None:
    base = repository.snapshot("r1", {}).commit
    git("checkout", "-qb", "wainwright/goal")
    tree = repository.clone("r1", "t", base)
    write(tree, {"a.txt": "better"})
    tip = repository.commit(tree, "better", "r1/t/1").commit
    assert repository.deliver("goal", tip) == "wainwright/goal-2"
    assert git("status", "--porcelain") == ""


def test_what_was_shown_gives_way_to_the_same_files_even_where_a_person_looks_at_it(
    repository: Repository, workspace: Path, started: str, git: Git
) -> None:
    base = repository.snapshot("r1", {}).commit
    tree = repository.clone("r1", "t", base)
    write(tree, {"a.txt": "better"})
    shown = repository.commit(tree, "better", "r1/t/1").commit
    assert repository.deliver("goal", shown) == "wainwright/goal"
    git("stash", "-q")
    git("checkout", "-q", "wainwright/goal")
    same = repository.commit_tree(repository.tree_of(shown), [base], "better, with trailers")
    other = repository.commit_tree(repository.tree_of(base), [base], "worse")
    assert repository.deliver("goal", other, shown) == "wainwright/goal-2"
    assert repository.deliver("goal", same, shown) == "wainwright/goal"
    assert (git("rev-parse", "HEAD"), git("status", "--porcelain")) == (same, "")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (("branch", "wainwright"), "wainwright-goal"),
        (("checkout", "-q", "--orphan", "wainwright"), "wainwright-goal"),
        (("branch", "wainwright/goal/more"), "wainwright/goal-2"),
    ],
)
def test_a_branch_in_the_way_is_gone_round(
    repository: Repository, started: str, git: Git, theirs: tuple[str, ...], ours: str
) -> None:
    base = repository.snapshot("r1", {}).commit
    git(*theirs)
    assert repository.deliver("goal", base) == ours
    assert git("rev-parse", ours) == base


def test_only_what_a_run_made_is_delivered(repository: Repository, workspace: Path, started: str) -> None:
    base = repository.snapshot("r1", {}).commit
    foreign = repository.commit_tree(repository.tree_of(base), [], "from nowhere")
    with pytest.raises(WorkspaceError, match="snapshot"):
        repository.deliver("goal", foreign)


# Dependencies


def test_dependencies(repository: Repository, workspace: Path, started: str, git: Git) -> None:
    files = [
        ".venv/bin/python", "node_modules/m/index.js", "node_modules/m/node_modules/n/x.js",
        "packages/a/node_modules/x", "a/b/c/node_modules/x", "vendor/bundle/ruby/x", "crate/target/CACHEDIR.TAG",
        "docs/target/page.md", "java/target/x.class", "kept/venv/x", ".git/node_modules/x", "web/.next/cache/x",
        "web/dist/x.js", "tools/dist/make.py",
    ]  # fmt: skip
    write(workspace, dict.fromkeys(files, ""))
    git("add", "-f", "kept/venv/x")
    (workspace / ".git/info/exclude").write_text("/java/target\n.next/\n/web/dist/\n")
    (workspace / "linked").mkdir()
    (workspace / "linked/node_modules").symlink_to(workspace / "node_modules")
    assert repository.dependencies() == (
        ".venv", "crate/target", "java/target", "node_modules", "packages/a/node_modules", "vendor/bundle",
        "web/.next", "web/dist",
    )  # fmt: skip
    files_seen = repository.files(repository.snapshot("r1", {}).commit)
    assert [path for path in files_seen if path not in {".gitignore", "a.txt", "run.sh", "src/b.py"}] == [
        "docs/target/page.md",
        "kept/venv/x",
        "linked/node_modules",
        "tools/dist/make.py",
    ]
