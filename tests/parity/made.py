"""Workspaces that are made by script: one text file each, told in sections that begin with `=== `, done in order.

    The text before the first section says what the workspace is about.

    === parity                TOML: `needs`, `test`, `reference`, `timed`, `read`,
                              `commands`, `at`, `ci`; see `Workspace`
    === file PATH             a file of the workspace
    === run                   shell lines, run in the workspace's root
    === commit [MESSAGE]      all that is there becomes a commit; the first one makes the repository

Shell lines find `$BESIDE`, an empty folder beside the workspace, for what is no part of it.
"""

import importlib.metadata
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILES = Path(__file__).with_name("workspaces")
PYTHON = "python"
"""The folder beside all workspaces with a python that has pytest and nothing else; first on the person's PATH."""
PATIENCE_S = 600
QUICK_S = 90
"""How long a line may take in all, and in a workspace that every check makes: less than a test may take."""
_HARNESS = ("PYTEST_", "XDG_", "GIT_")
_UNATTENDED = {"CI", "CONTINUOUS_INTEGRATION", "BUILD_NUMBER", "BUILD_ID", "GITHUB_ACTIONS", "GITLAB_CI"}
"""What a build server tells the runners, which they obey: pytest prints every difference, however long that takes."""
_GIT = {
    **{f"GIT_{role}_NAME": "Ann" for role in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{role}_EMAIL": "ann@localhost" for role in ("AUTHOR", "COMMITTER")},
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "protocol.file.allow",
    "GIT_CONFIG_VALUE_0": "always",
}
"""Who commits, and that a submodule may come from a folder beside."""
_COMMIT = "[ -e .git ] || git init -q -b main; git add -A; git commit -qm"


class Hung(Exception):
    """A line was not done in its time and was ended; the message has what it printed until then."""


class Missing(Exception):
    """The workspace cannot be made on this machine; the message says what is missing and where it comes from."""


@dataclass(frozen=True)
class Workspace:
    """What a file tells, not yet made."""

    name: str
    about: str
    test: str
    """The plain command, as the person types it."""
    reference: str
    """The same command, asked for what the runner tells machines; ``$REPORT`` is a path outside for that."""
    timed: str
    """What is timed outside: the plain command, unless that gives an answer of earlier without running a test."""
    read: str
    """Which reading of ``outside.READINGS`` fits what the reference leaves."""
    commands: tuple[dict[str, str], ...]
    """The same as the settings name it, where it is several commands, each in a folder of its own."""
    needs: Mapping[str, str]
    """Program or file -> where it comes from."""
    at: str
    """The folder beneath the root that the person opens."""
    ci: bool
    """Whether it is quick enough for every check."""
    steps: tuple[tuple[str, str, str], ...]

    @property
    def settings(self) -> dict[str, object]:
        """The plain command, as settings of ``[test]``."""
        return {"commands": self.commands} if self.commands else {"command": self.test}

    @property
    def patience(self) -> float:
        """How many seconds each of its lines may take."""
        return QUICK_S if self.ci else PATIENCE_S

    def missing(self) -> list[str]:
        """What it needs and is not here, with where it comes from."""
        return [
            f"{need} ({source})"
            for need, source in self.needs.items()
            if not (Path(need).exists() if need.startswith("/") else shutil.which(need))
        ]


def known() -> list[Workspace]:
    """All workspaces, by name."""
    return [read(file) for file in sorted(FILES.glob("*.txt"))]


def read(file: Path) -> Workspace:
    about, *parts = re.split(r"^=== ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    steps = []
    told: dict[str, Any] = {}
    for part in parts:
        head, _, text = part.partition("\n")
        kind, _, rest = head.partition(" ")
        if kind == "parity":
            told = tomllib.loads(text)
        else:
            steps.append((kind, rest, text))
    told.setdefault("at", ".")
    told.setdefault("timed", told["test"])
    told["commands"] = tuple(told.get("commands", ()))
    told.setdefault("ci", False)
    return Workspace(name=file.stem, about=about.strip(), steps=tuple(steps), **told)


def make(workspace: Workspace, base: Path) -> Path:
    """Make it beneath ``base`` in a folder of its name, and return the folder that the person opens."""
    missing = workspace.missing()
    if missing:
        raise Missing(f"missing: {', '.join(missing)}")
    root, beside = base / workspace.name, base / f"{workspace.name}-beside"
    root.mkdir(parents=True)
    beside.mkdir()
    environment = {**person(base), **_GIT, "BESIDE": str(beside)}
    for kind, rest, text in workspace.steps:
        if kind == "file":
            place = root / rest
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        elif kind == "run":
            shell(text, root, environment, workspace.patience)
        elif kind == "commit":
            shell(f"{_COMMIT} '{rest or 'As it is'}'", root, environment, workspace.patience)
        else:
            raise ValueError(f"{workspace.name}: `=== {kind}` is no section")
    return root / workspace.at


def shell(lines: str, folder: Path, environment: Mapping[str, str], seconds: float) -> None:
    """Run lines that must all succeed."""
    done = run(f"set -eu\n{lines}", folder, environment, seconds)
    if done.returncode != 0:
        raise RuntimeError(f"This ended with exit code {done.returncode}:\n{lines}\n{done.stdout[-3000:]}")


def run(
    line: str, folder: Path, environment: Mapping[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run a shell line as at a prompt nobody sits at; what it printed is in ``stdout``.

    Raises Hung when it is not done in so many seconds. Whatever ends the waiting ends what the line has started, too.
    """
    with tempfile.NamedTemporaryFile() as printed:
        process = subprocess.Popen(
            ["bash", "-c", line],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        said = Path(printed.name).read_text(encoding="utf-8", errors="replace")
    if code is None:
        raise Hung(f"This was not done after {seconds:g} seconds:\n{line}\n{said[-3000:]}")
    return subprocess.CompletedProcess(line, code, said)


def person(base: Path) -> dict[str, str]:
    """The environment of a person's prompt: ours without what is the harness's, and a python with pytest.

    The product shows its commands nothing of a build server either. Nobody is there to answer git.
    """
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_HARNESS) and name not in _UNATTENDED
    }
    return {
        **ours,
        "GIT_TERMINAL_PROMPT": "0",
        "PATH": f"{_python(base) / 'bin'}:{os.environ.get('PATH', os.defpath)}",
    }


def _python(base: Path) -> Path:
    """A virtual environment with copies of pytest and what it needs, of those that run us."""
    place = base / PYTHON
    if not place.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
        packages = next(place.glob("lib/python3*/site-packages"))
        for name in ("pytest", "pluggy", "iniconfig", "packaging", "pygments"):
            for file in importlib.metadata.distribution(name).files or ():
                if ".." not in file.parts:
                    (packages / file).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(file.locate(), packages / file)
    return place
