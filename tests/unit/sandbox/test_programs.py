"""What the engine itself runs is never what a workspace put first on PATH."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wainwright.domain.errors import SandboxError
from wainwright.sandbox import programs

ENGINE = """
import asyncio, sys
from pathlib import Path
from wainwright import doctor
from wainwright.sandbox.bubblewrap import prove
from wainwright.sandbox.forwarding import door
from wainwright.sandbox.protocol import Command, Layer, SandboxView
from wainwright.workspace.plumbing import GitDirectory

async def everything(workspace, state):
    tree = state / "tasks" / "one"
    tree.mkdir(parents=True)
    layers = (Layer(at=Path("deps"), sources=(workspace / "deps",), writes="dropped"),)
    for overlays in (True, False):
        sandbox = await prove(state, workspace=workspace, overlays=overlays)
        view = SandboxView(tree=tree, at=workspace, layers=layers)
        print(await sandbox.run(Command(argv=("true",), timeout_s=60), view))
        with door() as outside:
            sandbox.spawn_detached(("true",), view, env={}, log=state / "log", door=outside)
    print(GitDirectory(workspace / ".git", workspace).run("status"))
    print(await doctor.examine(workspace))

asyncio.run(everything(Path(sys.argv[1]), Path(sys.argv[2])))
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A repository with programs of its own by the names of a system's."""
    place = tmp_path / "workspace"
    (place / "bin").mkdir(parents=True)
    (place / "deps").mkdir()
    subprocess.run(["git", "init", "-q", str(place)], check=True)
    for name in ("bwrap", "cat", "cp", "env", "git", "go", "prlimit", "setsid", "sh", "true"):
        program = place / "bin" / name
        program.write_text(f"#!/bin/bash\n/usr/bin/touch {tmp_path}/ran-{name}\n")
        program.chmod(0o755)
    return place


@pytest.mark.parametrize("first", ["{}/bin", "bin", ""])
def test_no_program_of_the_workspace_is_run(workspace: Path, tmp_path: Path, first: str) -> None:
    environment = {
        **os.environ,
        "PATH": f"{first.format(workspace)}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "XDG_STATE_HOME": str(tmp_path / "others"),
        "GIT_DIR": "nowhere",  # has to be taken away from git
    }
    words = [sys.executable, "-c", ENGINE, str(workspace), str(tmp_path / "state")]
    where = workspace / "bin" if first == "" else workspace
    done = subprocess.run(words, env=environment, cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.glob("ran-*")] == []


def test_places_are_absolute_and_looked_at_in_order(tmp_path: Path, programs_in) -> None:
    (tmp_path / "second").mkdir()
    for name, mode in (("tool", 0o755), ("text", 0o644)):
        (tmp_path / "second" / name).write_text("")
        (tmp_path / "second" / name).chmod(mode)
    (tmp_path / "second" / "folder").mkdir()
    programs_in(tmp_path / "first", tmp_path / "second")
    assert programs.place("tool") == str(tmp_path / "second" / "tool")
    assert programs.place("text") is programs.place("folder") is programs.place("none") is None
    with pytest.raises(SandboxError, match="none is in none of"):
        programs.needed("none")
