"""`make setup` takes minutes: it says what it does before it does it, and shows what went wrong."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not on PATH")


def set_up(venv: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", "setup", f"VENV={venv}"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def with_python(folder: Path, script: str) -> Path:
    """An environment whose Python does as a script says, and installs nothing."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bin" / "python").chmod(0o755)
    return folder


def test_each_step_is_said_with_how_long_it_takes(tmp_path: Path) -> None:
    venv = with_python(tmp_path / "venv", "exit 0")
    done = set_up(venv)
    assert done.returncode == 0, done.stderr
    steps = [line for line in done.stdout.splitlines() if line.startswith("setup: ")]
    assert [line.split()[1] for line in steps] == ["looks", "installs", "compiles", "done"]
    assert all("minute" in line or "second" in line for line in steps[:-1])
    assert done.stdout.splitlines() == steps, "commands are not echoed"
    again = set_up(venv)
    assert again.returncode == 0
    assert "installs" not in again.stdout, "what is installed is left alone"


def test_what_went_wrong_is_shown(tmp_path: Path) -> None:
    done = set_up(with_python(tmp_path / "venv", "echo no room on the disk >&2; exit 1"))
    assert done.returncode != 0
    assert "no room on the disk" in done.stderr
    assert "setup: done" not in done.stdout
