"""What becomes of what a command writes: to its tree, and to the layers over it."""

import os
import stat
import subprocess
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import ValidationError

from wainwright.domain.errors import SandboxError
from wainwright.sandbox import clearing, launcher
from wainwright.sandbox.bubblewrap import Bubblewrap, prove
from wainwright.sandbox.protocol import Command, CommandOutcome, Layer, SandboxView, layers_beside


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["overlays", "copies"])
async def sandbox(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bubblewrap:
    """One for all of these tests: proving takes longer than each of them."""
    proven = await prove(tmp_path_factory.mktemp("state"), overlays=request.param == "overlays")
    if request.param == "overlays" and not proven.overlays:
        pytest.skip(f"no overlay can be mounted here: {proven.why_copies}")
    return proven


Listed = dict[str, tuple[str, int, bytes]]


async def shell(sandbox: Bubblewrap, view: SandboxView, script: str, timeout_s: float = 60) -> CommandOutcome:
    return await sandbox.run(Command(argv=("bash", "-c", script), timeout_s=timeout_s), view)


def listed(root: Path) -> Listed:
    """Everything beneath a folder: kind, mode, and what is in it."""
    found: Listed = {}
    for place in sorted(root.rglob("*")):
        known = place.lstat()
        name = os.fsencode(place.relative_to(root)).decode("utf-8", "backslashreplace")
        if stat.S_ISLNK(known.st_mode):
            found[name] = ("link", 0, os.fsencode(place.readlink()))
        elif stat.S_ISREG(known.st_mode):
            found[name] = ("file", stat.S_IMODE(known.st_mode), place.read_bytes())
        else:
            found[name] = (str(stat.S_IFMT(known.st_mode)), stat.S_IMODE(known.st_mode), b"")
    return found


def fill(root: Path) -> None:
    for name in ("a.txt", "b.txt", "d/one", "d/two", "d/e/three", "f/four"):
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"{name} as it was\n")
    (root / "link").symlink_to("a.txt")


SCRIPTS = {
    "changes, new files, nothing gone": "echo more >> a.txt; echo new > new; mkdir -p x/y; echo z > x/y/z",
    "gone": "rm a.txt link; rm -r d",
    "a folder for a file, a file for a folder": "rm a.txt; mkdir a.txt; echo x > a.txt/x; rm -r d; echo file > d",
    "a folder made anew": "rm -r d; mkdir d; echo new > d/new",
    "a folder made anew within another": "rm -r d/e; mkdir d/e; echo new > d/e/new; rm d/one",
    "modes": "chmod 755 a.txt; chmod 600 b.txt; chmod 711 d; chmod 4755 f/four; mkdir m; chmod 750 m",
    "links": "ln a.txt again; ln -s /etc/passwd out; ln -sf b.txt link; rm -r f; ln -s d f",
    "moved": "mv a.txt d/moved; mv d/one .; mv f g",
    "a link where a folder was": "rm -r d; ln -s /etc d",
    "a folder where a link was": "rm link; mkdir link; echo x > link/x",
    "names": "echo 1 > $'line\\nbreak'; echo 2 > $'\\xff\\xfe'; echo 3 > -rf; mkdir ' '; echo 4 > ' / '",
    "a pipe": "mkfifo pipe",
    "in place": "exec 3<>a.txt; printf X >&3; truncate -s 3 b.txt; dd if=b.txt of=d/one bs=1 count=2 conv=notrunc",
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
async def test_a_tree_is_what_it_would_be_without_layers(
    sandbox: Bubblewrap, tree: Path, workspace: Path, tmp_path: Path, script: str
) -> None:
    plain = tmp_path / "plain"
    for root in (tree, plain):
        fill(root)
    subprocess.run(["bash", "-c", script], cwd=plain, check=False, capture_output=True)
    await shell(sandbox, SandboxView(tree=tree, at=workspace), script)
    assert listed(tree) == listed(plain)
    # Once more over what is there now: a tree is the lower layer of the next command.
    subprocess.run(["bash", "-c", script], cwd=plain, check=False, capture_output=True)
    await shell(sandbox, SandboxView(tree=tree, at=workspace), script)
    assert listed(tree) == listed(plain)
    assert not layers_beside(tree).exists()


@pytest.fixture
async def layered(sandbox: Bubblewrap) -> Bubblewrap:
    if not sandbox.overlays:
        pytest.skip("trees are written in place here")
    return sandbox


async def test_no_file_of_a_tree_is_written_in_place(
    layered: Bubblewrap, tree: Path, workspace: Path
) -> None:
    linked = tree.parent / "linked"
    linked.mkdir()
    fill(tree)
    before = listed(tree)
    subprocess.run(["cp", "-al", f"{tree}/.", str(linked)], check=True)
    await shell(layered, SandboxView(tree=tree, at=workspace), SCRIPTS["in place"] + "; " + SCRIPTS["modes"])
    assert listed(linked) == before
    assert listed(tree) != before


async def test_what_a_stopped_command_wrote_stays(layered: Bubblewrap, tree: Path, workspace: Path) -> None:
    fill(tree)
    script = "echo half > a.txt; rm b.txt; sleep 500"
    outcome = await shell(layered, SandboxView(tree=tree, at=workspace), script, timeout_s=1)
    assert outcome.timed_out
    assert (tree / "a.txt").read_text() == "half\n"
    assert not (tree / "b.txt").exists()


async def test_folders_that_nobody_may_enter_and_paths_that_are_too_long(
    sandbox: Bubblewrap, tree: Path, workspace: Path
) -> None:
    view = SandboxView(tree=tree, at=workspace)
    steps = "[(os.makedirs(f, exist_ok=True), os.chdir(f)) for f in ['0123456789'] * 700]"
    deep = f"""python3 -c "import os; {steps}; [open(f, 'w').write('x') for f in {{}}]" """
    await shell(
        sandbox,
        view,
        f"mkdir shut; echo x > shut/in; chmod 000 shut; {deep.format(['bottom'])}",
        timeout_s=600,
    )
    # The second time each folder of the way is in both.
    await shell(
        sandbox, view, f"chmod 700 shut; echo y > shut/more; {deep.format(['bottom', 'more'])}", timeout_s=600
    )
    assert (tree / "shut" / "more").read_text() == "y\n"
    found = subprocess.run(
        ["find", ".", "-name", "bottom", "-o", "-name", "more"], cwd=tree, check=True, capture_output=True
    )
    ends = sorted((Path(line).name, len(Path(line).parts)) for line in found.stdout.decode().splitlines())
    assert ends == [("bottom", 701), ("more", 2), ("more", 701)]
    clearing.remove(tree)


async def test_a_repository_that_a_command_makes_is_not_kept(
    layered: Bubblewrap, tree: Path, workspace: Path
) -> None:
    await shell(
        layered, SandboxView(tree=tree, at=workspace), "git init -q; mkdir d; git init -q d; echo x > x"
    )
    assert sorted(place.name for place in tree.iterdir()) == ["d", "x"]


async def test_writes_to_a_tree_are_refused_or_dropped(
    layered: Bubblewrap, tree: Path, workspace: Path
) -> None:
    fill(tree)
    before = listed(tree)
    refused = await shell(layered, SandboxView(tree=tree, at=workspace, writes="refused"), "echo x > a.txt")
    assert "Read-only file system" in refused.output
    dropped = await shell(
        layered, SandboxView(tree=tree, at=workspace, writes="dropped"), "echo x > a.txt; cat a.txt"
    )
    assert dropped.output == "x\n"
    assert listed(tree) == before


@pytest.fixture
def theirs(workspace: Path) -> Path:
    place = workspace / "node_modules"
    (place / "m").mkdir(parents=True)
    (place / "m" / "index.js").write_text("theirs\n")
    return place


async def test_what_is_written_to_a_layer_is_the_tasks_own(
    sandbox: Bubblewrap, tree: Path, workspace: Path, theirs: Path
) -> None:
    before = listed(theirs)
    layer = Layer(at=Path("node_modules"), sources=(theirs,), writes="kept")
    view = SandboxView(tree=tree, at=workspace, layers=(layer,))
    script = (
        "mkdir node_modules/.cache; echo kept > node_modules/.cache/x; echo ours > node_modules/m/index.js"
    )
    assert (await shell(sandbox, view, script)).exit == 0
    seen = await shell(sandbox, view, "cat node_modules/.cache/x node_modules/m/index.js")
    assert seen.output == "kept\nours\n"
    assert listed(theirs) == before
    assert not list(tree.iterdir())
    elsewhere = view.model_copy(update={"tree": tree.parent})
    assert (await shell(sandbox, elsewhere, "cat node_modules/m/index.js")).output == "theirs\n"


async def test_writes_to_a_layer_are_dropped_or_refused(
    sandbox: Bubblewrap, tree: Path, workspace: Path, theirs: Path
) -> None:
    script = "echo x > node_modules/x && cat node_modules/x"
    for writes, output in (("dropped", "x\n"), ("refused", "Read-only file system")):
        layer = Layer.model_validate({"at": "node_modules", "sources": (theirs,), "writes": writes})
        view = SandboxView(tree=tree, at=workspace, layers=(layer,))
        for _ in range(2):
            assert output in (await shell(sandbox, view, script)).output
    assert [place.name for place in theirs.iterdir()] == ["m"]


async def test_the_uppermost_source_wins(
    sandbox: Bubblewrap, tree: Path, workspace: Path, tmp_path: Path
) -> None:
    sources = (tmp_path / "upper, with: signs\\", tmp_path / "lower")
    for source in sources:
        source.mkdir()
        (source / "both").write_text(source.name)
    (sources[1] / "one").write_text("lower")
    for writes in ("refused", "dropped", "kept"):
        layer = Layer.model_validate({"at": "build", "sources": sources, "writes": writes})
        outcome = await shell(
            sandbox, SandboxView(tree=tree, at=workspace, layers=(layer,)), "cat build/both build/one"
        )
        assert outcome.output == f"{sources[0].name}lower"


async def test_a_file_lies_over_a_file_and_nothing_over_a_link(
    sandbox: Bubblewrap, tree: Path, workspace: Path, tmp_path: Path
) -> None:
    (tmp_path / "large").write_text("content")
    (tmp_path / "outside").mkdir()
    (tree / "pointer").write_text("version https://git-lfs")
    (tree / "linked").symlink_to(tmp_path / "outside")
    (tree / "file").write_text("the task's")
    layers = [
        Layer(at=Path(at), sources=(tmp_path / source,))
        for at, source in (
            ("pointer", "large"), ("missing", "large"), ("linked", "outside"), ("file", "outside"), ("x", "gone")
        )
    ]  # fmt: skip
    view = SandboxView(tree=tree, at=workspace, layers=tuple(layers))
    outcome = await shell(sandbox, view, "cat pointer file; ls; echo x > pointer")
    assert outcome.output.startswith("contentthe task'sfile\nlinked\npointer\n")
    assert "Read-only" in outcome.output
    assert (tree / "pointer").read_text() == "version https://git-lfs"


async def test_where_commands_start_what_they_can_read_and_what_they_share(
    sandbox: Bubblewrap, tree: Path, workspace: Path, tmp_path: Path
) -> None:
    (tree / "sub" / "inner").mkdir(parents=True)
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "one").write_text("read")
    (tmp_path / "report").mkdir()
    view = SandboxView(tree=tree, at=workspace, cwd="sub", readable=(tmp_path / "objects",))
    command = Command(
        argv=(
            "bash",
            "-c",
            f"pwd; echo x > /tmp/told/x; cd {tmp_path}/objects; cat one; echo x > two",
        ),
        cwd="inner",
        timeout_s=60,
        shared=((tmp_path / "report", Path("/tmp/told")),),
    )
    outcome = await sandbox.run(command, view)
    assert outcome.output.startswith(f"{workspace}/sub/inner\nread")
    assert "Read-only" in outcome.output
    assert (tmp_path / "report" / "x").read_text() == "x\n"


def test_only_what_is_kept_has_a_place() -> None:
    with pytest.raises(ValidationError, match="upper"):
        Layer(at=Path("a"), sources=(Path("/b"),), writes="dropped", upper=Path("/c"))


async def test_what_the_launcher_cannot_do_is_said(layered: Bubblewrap, tree: Path, workspace: Path) -> None:
    # A file that is a layer's upper directory.
    (tree.parent / "upper").write_text("")
    layer = Layer(at=Path("d"), sources=(workspace,), writes="kept", upper=tree.parent / "upper")
    with pytest.raises((SandboxError, FileExistsError)):
        await shell(layered, SandboxView(tree=tree, at=workspace, layers=(layer,)), "true")


def test_the_launchers_complaint_is_found(tmp_path: Path) -> None:
    program = launcher.install(tmp_path)
    reading, writing = os.pipe()
    ended = subprocess.run(
        [program, str(writing), "around", "--overlay", "/t", "", "", "1", "/no/such", "--", "true"],
        pass_fds=(writing,),
        check=False,
    )
    os.close(writing)
    assert ended.returncode == 125
    assert launcher.complaint(os.read(reading, 4096)).startswith("/no/such cannot be a layer")
    os.close(reading)
    assert launcher.complaint(b'{ "child-pid": 1 }\n') == ""
