"""What commands find beside the snapshot: what git ignores and a project needs, and no secret."""

import os
import socket
from pathlib import Path

import pytest
from tests.fixtures.person import Git, write

from wainwright.domain.errors import WorkspaceError
from wainwright.sandbox import clearing
from wainwright.workspace.repository import Repository, Snapshot
from wainwright.workspace.world import layer

pytestmark = pytest.mark.usefixtures("home")

GENERATED = {
    "calc/_version.py": "version = '1'\n",
    "calc/api_pb2.py": "pb2\n",
    "calc/native.so": "so\n",
    "calc.egg-info/PKG-INFO": "Name: calc\n",
    "config/local.toml": "local\n",
    "gen/deep/er/app.js": "js\n",
    ".env.example": "KEY=\n",
}
LEFT_ALONE = {
    ".env": "KEY=1\n",
    "config/secrets.toml": "KEY=1\n",
    "gen/.aws/credentials": "KEY=1\n",
    "node_modules/x/index.js": "js\n",
    "calc/__pycache__/x.pyc": "pyc\n",
    ".pytest_cache/x": "x\n",
    ".wainwright/runs/r0/summary.md": "x\n",
}
RULES = "".join(
    f"{rule}\n"
    for rule in (
        "_version.py",
        "*_pb2.py",
        "__pycache__/",
        "node_modules/",
        "*.so",
        "*.egg-info/",
        "config/",
        "gen/",
        ".env*",
        ".*cache/",
    )
)


@pytest.fixture
def generated(workspace: Path, git: Git, started: str) -> str:
    """A repository with files that its rules ignore; the name of its commit."""
    assert started
    write(workspace, {".gitignore": f"{RULES}.wainwright/\n", "calc/__init__.py": ""})
    git("add", "-A")
    git("commit", "-qm", "rules")
    write(workspace, GENERATED)
    write(workspace, LEFT_ALONE)
    return git("rev-parse", "HEAD")


def shown(repository: Repository, snapshot: Snapshot) -> dict[str, str]:
    folder = repository.environment(snapshot.environment)
    if folder is None:
        return {}
    files = (one for one in folder.rglob("*") if one.is_file() and not one.is_symlink())
    return {one.relative_to(folder).as_posix(): one.read_text() for one in files}


def reasons(snapshot: Snapshot) -> dict[str, str]:
    return {one.path: one.reason for one in snapshot.skipped}


def test_what_git_ignores_is_beside_the_snapshot(repository: Repository, generated: str) -> None:
    snapshot = repository.snapshot("r1", {})
    assert snapshot.commit == generated
    assert shown(repository, snapshot) == GENERATED
    assert reasons(snapshot) == dict.fromkeys(
        (".env", "config/secrets.toml", "gen/.aws/credentials"), "named like a secret"
    )


def test_a_task_finds_it_and_no_commit_takes_it(repository: Repository, generated: str) -> None:
    snapshot = repository.snapshot("r1", {})
    beneath = repository.environment(snapshot.environment)
    assert beneath is not None
    tree = repository.clone("r1", "t", snapshot.commit, beneath)
    assert {path: (tree / path).read_text() for path in GENERATED} == GENERATED
    (tree / "calc/_version.py").write_text("version = '2'\n")
    assert shown(repository, snapshot) == GENERATED
    assert repository.commit(tree, "nothing", "r1/t/1").commit == generated
    # The rule that kept it out is gone, and that is all that the task did.
    (tree / ".gitignore").unlink()
    done = repository.commit(tree, "no rules", "r1/t/2")
    assert repository.changes(generated, done.commit) == [("D", ".gitignore")]
    repository.restore(tree, generated)
    assert {path: (tree / path).exists() for path in GENERATED} == dict.fromkeys(GENERATED, True)


def test_what_the_commit_has_wins(repository: Repository, workspace: Path, generated: str) -> None:
    snapshot = repository.snapshot("r1", {})
    tree = repository.clone("r1", "t", snapshot.commit)
    write(tree, {"calc/_version.py": "of the task\n", "gen": "a file now\n"})
    done = repository.commit(tree, "written", "r1/t/1", ["calc/_version.py", "gen"])
    again = repository.clone("r1", "u", done.commit, repository.environment(snapshot.environment))
    assert (again / "calc/_version.py").read_text() == "of the task\n"
    assert (again / "gen").read_text() == "a file now\n"
    assert (again / "calc/native.so").exists()
    assert generated
    assert (workspace / "calc/_version.py").read_text() == GENERATED["calc/_version.py"]


@pytest.mark.usefixtures("generated")
def test_it_is_named_by_its_content_and_its_files_are_ours(repository: Repository, workspace: Path) -> None:
    first = repository.snapshot("r1", {}).environment
    folder = repository.environment(first)
    assert folder is not None
    noted = {one: one.stat().st_ino for one in folder.rglob("*.py")}
    assert all(os.lstat(workspace / path).st_nlink == 1 for path in GENERATED)
    assert all((folder / path).stat().st_ino != (workspace / path).stat().st_ino for path in GENERATED)

    (workspace / "gen/more.js").write_text("more\n")
    second = repository.snapshot("r2", {})
    assert second.environment != first
    assert shown(repository, second) == {**GENERATED, "gen/more.js": "more\n"}
    assert {one: one.stat().st_ino for one in folder.rglob("*.py")} == noted

    (workspace / "gen/more.js").unlink()
    assert repository.snapshot("r3", {}).environment == first
    assert repository.environments_unneeded([]) == []
    for one in folder.parent.iterdir():
        os.utime(one, (0, 0))
    unneeded = folder.with_name(second.environment)
    assert repository.environments_unneeded([second.environment]) == []
    assert repository.environments_unneeded([]) == [unneeded]
    clearing.remove(unneeded)
    with pytest.raises(WorkspaceError, match="removed since"):
        repository.environment(second.environment)


@pytest.mark.usefixtures("generated")
def test_what_changed_is_seen_whatever_its_size_and_its_times_say(
    repository: Repository, workspace: Path
) -> None:
    place = workspace / "calc/_version.py"
    for number in range(20):
        place.write_text(f"version = '{number % 10}'\n")
        os.utime(place, ns=(0, 0))
        assert shown(repository, repository.snapshot("r1", {}))["calc/_version.py"] == place.read_text()


@pytest.mark.usefixtures("generated")
def test_what_did_not_change_is_not_copied_again(
    repository: Repository, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the files had been lying there for long.
    monkeypatch.setattr(layer, "SETTLED_NS", -(10**18))
    first = repository.environment(repository.snapshot("r1", {}).environment)
    write(workspace, {"calc/_version.py": "version = '2'\n"})
    second = repository.environment(repository.snapshot("r2", {}).environment)
    assert first is not None
    assert second is not None
    copied = {path for path in GENERATED if not (first / path).samefile(second / path)}
    assert copied == {"calc/_version.py"}


@pytest.mark.usefixtures("generated")
def test_links_are_kept_that_stay_inside(repository: Repository, workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret\n")
    (workspace / "out").symlink_to(tmp_path)
    for name, leads in {
        "near": "app.js",
        "far": str(workspace / "a.txt"),
        "out": "../../../outside",
        "round": "../../out/outside",
        "gone": "nothing",
    }.items():
        (workspace / "gen/deep" / name).symlink_to(leads)
    snapshot = repository.snapshot("r1", {})
    folder = repository.environment(snapshot.environment)
    assert folder is not None
    kept = {one.name: str(one.readlink()) for one in (folder / "gen/deep").iterdir() if one.is_symlink()}
    assert kept == {"near": "app.js", "far": str(workspace / "a.txt"), "gone": "nothing"}
    leads_out = "a link that leads out of the workspace"
    assert {path: reasons(snapshot)[f"gen/deep/{path}"] for path in ("out", "round")} == {
        "out": leads_out,
        "round": leads_out,
    }


@pytest.mark.usefixtures("generated")
@pytest.mark.timeout(60)
def test_pipes_and_sockets_are_named_and_never_opened(repository: Repository, workspace: Path) -> None:
    for place in ("pipe", "gen/pipe", "src/b.py"):
        (workspace / place).unlink(missing_ok=True)
        os.mkfifo(workspace / place)
    with socket.socket(socket.AF_UNIX) as listening:
        # The whole path may be too long for a socket's name.
        before = Path.cwd()
        os.chdir(workspace)
        try:
            listening.bind("gen/socket")
        finally:
            os.chdir(before)
        snapshot = repository.snapshot("r1", {})
    named = {path for path, reason in reasons(snapshot).items() if "never opened" in reason}
    assert named == {"pipe", "gen/pipe", "gen/socket", "src/b.py"}
    assert shown(repository, snapshot) == GENERATED


@pytest.mark.usefixtures("generated")
def test_large_files_cost_nothing_and_are_named(repository: Repository, workspace: Path) -> None:
    for place in ("gen/huge.bin", "untracked.bin"):
        with (workspace / place).open("wb") as huge:
            huge.truncate(1 << 30)
    snapshot = repository.snapshot("r1", {})
    assert {path: reasons(snapshot)[path] for path in ("gen/huge.bin", "untracked.bin")} == dict.fromkeys(
        ("gen/huge.bin", "untracked.bin"), "larger than 10 MB"
    )
    assert shown(repository, snapshot) == GENERATED


@pytest.mark.usefixtures("generated")
def test_all_together_are_bounded_the_small_ones_first(repository: Repository, workspace: Path) -> None:
    for number in range(21):
        with (workspace / f"gen/{number:02}.bin").open("wb") as large:
            large.truncate(10 * 1024 * 1024 - number)
    snapshot = repository.snapshot("r1", {})
    assert set(GENERATED) < set(shown(repository, snapshot))
    assert {path for path, why in reasons(snapshot).items() if "200 MB" in why} == {"gen/00.bin"}


@pytest.mark.usefixtures("generated")
def test_empty_folders_are_there(repository: Repository, workspace: Path) -> None:
    (workspace / "logs/today").mkdir(parents=True)
    snapshot = repository.snapshot("r1", {})
    tree = repository.clone("r1", "t", snapshot.commit, repository.environment(snapshot.environment))
    assert (tree / "logs/today").is_dir()


def test_submodules_are_there_as_the_person_has_them(
    repository: Repository, workspace: Path, started: str, git: Git, tmp_path: Path
) -> None:
    for name, inner in (("leaf", ""), ("library", "leaf")):
        place = tmp_path / name
        place.mkdir()
        git("init", "-q", cwd=place)
        write(place, {f"{name}.py": "1\n", "tests/key.pem": "of the tests\n", ".gitignore": "*.so\n"})
        if inner:
            git(
                "-c",
                "protocol.file.allow=always",
                "submodule",
                "--quiet",
                "add",
                str(tmp_path / inner),
                "inner",
                cwd=place,
            )
        git("add", "-A", cwd=place)
        git("commit", "-qm", "first", cwd=place)
    git(
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        str(tmp_path / "library"),
        "vendored",
    )
    git("commit", "-qm", "submodule")
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive")
    write(
        workspace, {"vendored/library.py": "changed\n", "vendored/x.so": "so\n", "vendored/.env": "KEY=1\n"}
    )
    snapshot = repository.snapshot("r1", {})
    assert snapshot.commit == git("rev-parse", "HEAD") != started
    assert shown(repository, snapshot) == {
        "vendored/.gitignore": "*.so\n",
        "vendored/.gitmodules": (workspace / "vendored/.gitmodules").read_text(),
        "vendored/inner/.gitignore": "*.so\n",
        "vendored/inner/leaf.py": "1\n",
        "vendored/inner/tests/key.pem": "of the tests\n",
        "vendored/library.py": "changed\n",
        "vendored/tests/key.pem": "of the tests\n",
        "vendored/x.so": "so\n",
    }
    assert reasons(snapshot)["vendored/.env"] == "named like a secret"
    tree = repository.clone("r1", "t", snapshot.commit, repository.environment(snapshot.environment))
    write(tree, {"vendored/library.py": "by the task\n", "vendored/new.py": "new\n"})
    assert not repository.commit(tree, "nothing", "r1/t/1").changed


def test_a_submodule_that_is_not_checked_out_is_named(
    repository: Repository, workspace: Path, started: str, git: Git
) -> None:
    git("update-index", "--add", "--cacheinfo", f"160000,{started},vendored")
    git("commit", "-qm", "submodule")
    (workspace / "vendored").mkdir()
    assert reasons(repository.snapshot("r1", {})) == {"vendored": "a submodule that is not checked out"}


def test_a_folder_without_git_has_one_too(repository: Repository, workspace: Path) -> None:
    write(workspace, {".gitignore": "*.gen\n", "a.txt": "a\n", "x.gen": "x\n"})
    assert shown(repository, repository.snapshot("r1", {})) == {"x.gen": "x\n"}


def test_commands_find_the_contents_of_lfs_over_the_pointers(
    repository: Repository, workspace: Path, started: str, git: Git
) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 5\n" % 1
    write(
        workspace,
        {"m.bin": pointer.decode(), "n.bin": pointer.decode(), ".gitattributes": "*.bin filter=lfs -text\n"},
    )
    with (workspace / "large.bin").open("wb") as large:
        large.write(pointer)
    git("add", "-A")
    git("commit", "-qm", "pointers")
    # Fetched, as Git LFS does it; whatever the index says of size and times.
    git("config", "filter.lfs.clean", "git-lfs clean -- %f")
    (workspace / "m.bin").write_text("REAL\n")
    with (workspace / "large.bin").open("wb") as large:
        large.truncate(20 * 1024 * 1024)
    snapshot = repository.snapshot("r1", {})
    layers = {str(one.at): one for one in repository.contents(snapshot.contents)}
    assert set(layers) == {"m.bin", "large.bin"}
    assert layers["m.bin"].sources[0].read_text() == "REAL\n"
    assert not layers["m.bin"].sources[0].samefile(workspace / "m.bin")
    assert layers["large.bin"].sources == (workspace / "large.bin",)
    assert {one.writes for one in layers.values()} == {"refused"}
    assert {path for path, why in reasons(snapshot).items() if "Git LFS" in why} == {"m.bin", "large.bin"}
    for path in ("m.bin", "n.bin", "large.bin"):
        assert (repository.read(snapshot.commit, path) or b"").startswith(pointer[:40])
    tree = repository.clone("r1", "t", snapshot.commit)
    assert "Git LFS" in repository.why_not_kept(tree, "m.bin")
    assert repository.environments_unneeded([snapshot.contents]) == []
    assert started
