"""Folders are removed, whatever was done to them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fixtures.ordinary import as_an_ordinary_user

from wainwright.sandbox.clearing import remove, size


def test_whatever_its_modes(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (outside / "kept").write_text("x")
    tree = tmp_path / "tree"
    (tree / "read-only" / "inner").mkdir(parents=True)
    (tree / "read-only" / "inner" / "file").write_text("x")
    (tree / "link").symlink_to(outside)
    os.mkfifo(tree / "pipe")
    (tree / "gone").symlink_to("nowhere")
    (tree / os.fsdecode(b"\xff\xfe")).mkdir()
    (tree / "read-only" / "inner").chmod(0o555)
    (tree / "read-only").chmod(0o000)
    remove(tree)
    assert [path.name for path in tmp_path.iterdir()] == ["outside"]
    assert (outside / "kept").read_text() == "x"
    assert outside.stat().st_mode & 0o777 == 0o755


def test_however_deep(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    place = os.open(tree, os.O_RDONLY)
    for _ in range(1500):  # longer than a path may be, deeper than recursion goes
        os.mkdir("deeper", dir_fd=place)
        inner = os.open("deeper", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(place)
    remove(tree)
    assert not list(tmp_path.iterdir())


def test_what_is_not_there_is_nothing_to_remove(tmp_path: Path) -> None:
    remove(tmp_path / "tree")
    assert size(tmp_path / "tree") == 0


def test_its_size_is_that_on_disk(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"x" * 100_000)
    (tmp_path / "a" / "link").symlink_to("/usr")
    assert 100_000 <= size(tmp_path) < 200_000


LEAVES = """
import asyncio, os, sys
from pathlib import Path
from wainwright.sandbox import clearing
from wainwright.sandbox.bubblewrap import prove
from wainwright.sandbox.protocol import Command, Layer, SandboxView

LEFT = 'for d in . deps "$HOME/.cache" /shared; do mkdir -p $d/left/in; echo x > $d/left/in/f; ' \\
    'mkdir $d/left/none; chmod 000 $d/left/none; chmod 555 $d/left/in $d/left; done'
AGAIN = 'for d in . deps "$HOME/.cache"; do cat $d/left/in/f; done'

async def everything(place, overlays):
    state, tree, workspace = place / "state", place / "state" / "tasks" / "one", place / "workspace"
    for folder in (tree, workspace / "deps", place / "cache", place / "shared"):
        folder.mkdir(parents=True)
    sandbox = await prove(state, overlays=overlays)
    layer = Layer(at=Path("deps"), sources=(workspace / "deps",), writes="kept")
    view = SandboxView(tree=tree, at=workspace, layers=(layer,), cache=place / "cache")
    shared = ((place / "shared", Path("/shared")),)
    for script in (LEFT, AGAIN, "chmod 755 left && echo y > left/more && chmod 555 left", AGAIN):
        outcome = await sandbox.run(Command(argv=("bash", "-c", script), timeout_s=60, shared=shared), view)
        print(outcome.exit, outcome.output.split())
    for folder in (tree, view.beside, place / "cache", place / "shared"):
        clearing.remove(folder)
    print(sorted(str(path.relative_to(place)) for path in (*state.glob("tasks/*"), *place.iterdir())))

assert os.getuid() != 0
asyncio.run(everything(Path(sys.argv[1]), sys.argv[2] == "True"))
"""


@pytest.mark.parametrize("overlays", [True, False])
def test_what_tests_leave_read_only_is_in_nobodys_way(tmp_path: Path, overlays: bool) -> None:
    words = [*as_an_ordinary_user(), sys.executable, "-c", LEAVES, str(tmp_path), str(overlays)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "0 []",
        "0 ['x', 'x', 'x']",
        "0 []",
        "0 ['x', 'x', 'x']",
        "['state', 'workspace']",
    ], done.stdout + done.stderr
