"""The shipped sample workspace, made ready for a run whose model is a recording."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from wainwright.domain.errors import InputError
from wainwright.engine.views.run_view import RunView
from wainwright.sandbox import programs

MARK = Path(".git") / "wainwright-demo"
"""Names the folder as ours, so that a second demo may replace it and nothing else."""


@dataclass(frozen=True)
class Sample:
    """What a demo run works on."""

    workspace: Path
    goal: str
    cassette: Path

    def explain(self, seen: RunView, say: Callable[[str], None]) -> None:
        """Tell a newcomer what they saw and where to look."""
        say(
            "\nThe model's part of this run was a recording; README.md says how it was made. Everything else happened"
        )
        say("just now: sandbox, tests, merging, deployment and probes.")
        if seen.branch:
            say(f"Look at it:  git -C {self.workspace} log --oneline {seen.branch}")
        if seen.deployment is not None and seen.deployment.url:
            say(f"It serves:   curl {seen.deployment.url}{seen.deployment.health_path}")
            say(f"Stop it:     {seen.deployment.stop}")
            say(f"             {seen.deployment.fence}")


def prepare(folder: Path, say: Callable[[str], None]) -> Sample:
    """Put the sample into a folder, as a git repository with a virtual environment of its own.

    Raises InputError when the folder holds something else.
    """
    shipped = resources.files("wainwright.demo")
    workspace = folder.resolve()
    if workspace.exists() and any(workspace.iterdir()) and not (workspace / MARK).exists():
        raise InputError(f"{workspace} is not empty.", "Name a new folder: wainwright demo DIR.")
    say(f"The sample workspace: {workspace}")
    keep = workspace / ".venv"
    if workspace.exists():
        for entry in workspace.iterdir():
            if entry != keep:
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    with resources.as_file(shipped / "workspace") as source:
        left_out = shutil.ignore_patterns("__pycache__", ".*_cache")
        shutil.copytree(source, workspace, dirs_exist_ok=True, ignore=left_out)
    if not (keep / "bin" / "pytest").exists():
        say("Its virtual environment is made (pytest, from requirements-dev.txt) …")
        _run([sys.executable, "-m", "venv", str(keep)], workspace)
        _run(
            [str(keep / "bin" / "python"), "-m", "pip", "install", "-q", "-r", "requirements-dev.txt"],
            workspace,
        )
    git = programs.place("git") or "git"
    identity = ("-c", "user.name=You", "-c", "user.email=you@localhost")
    _run([git, "init", "-q", "-b", "main"], workspace)
    (workspace / MARK).write_text("Made by `wainwright demo`; a new demo replaces it.\n", encoding="utf-8")
    _run([git, "add", "-A"], workspace)
    _run([git, *identity, "commit", "-q", "-m", "The lending workbench as it is today"], workspace)
    with resources.as_file(shipped / "cassette.jsonl") as cassette:
        return Sample(workspace, (shipped / "goal.md").read_text(encoding="utf-8").strip(), cassette)


def _run(argv: list[str], folder: Path) -> None:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InputError(
            f"`{' '.join(argv)}` failed: {done.stderr.strip()[-600:]}", "See `wainwright doctor`."
        )
