"""What this machine has and lacks for Wainwright, and how to get it."""

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Literal

from wainwright.app import state_folder
from wainwright.domain.errors import InputError, SandboxError
from wainwright.domain.goal import Fact
from wainwright.sandbox.bubblewrap import Bubblewrap, prove
from wainwright.secrets import resolve_keys
from wainwright.settings import config_dir, load


class Check(Fact):
    """One thing that was looked at."""

    name: str
    status: Literal["ok", "missing", "note"]
    detail: str
    cure: str = ""


async def examine(workspace: Path) -> list[Check]:
    """Look at everything a run needs; ``workspace`` is absolute."""
    return [_python(), _git(), *await _sandbox(workspace), *_models(workspace), _state(workspace)]


def _python() -> Check:
    return Check(name="Python", status="ok", detail=platform.python_version())


def _git() -> Check:
    if shutil.which("git") is None:
        return Check(name="git", status="missing", detail="not found", cure="apt-get install git")
    version = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return Check(name="git", status="ok", detail=version)


async def _sandbox(workspace: Path) -> list[Check]:
    state = state_folder(workspace)
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        found = await prove(state, workspace=workspace)
    except SandboxError as error:
        return [Check(name="sandbox", status="missing", detail=error.message, cure=error.hint)]
    walls = f"{found.tier}: writing outside, network and secrets are refused"
    if found.unseen:
        programs = ", ".join(f"{name} ({place})" for name, place in found.unseen)
        walls = f"{walls}; not found by commands: {programs}"
    return [Check(name="sandbox", status="ok", detail=walls), _layers(found)]


def _layers(found: Bubblewrap) -> Check:
    if found.overlays:
        return Check(
            name="layers", status="ok", detail="overlays: a task writes beside your folders, not to them"
        )
    return Check(
        name="layers",
        status="note",
        detail=f"copies, because no overlay can be mounted: {found.why_copies}",
        cure="Linux 5.11 or newer, and a state directory (XDG_STATE_HOME) on a local disk: tasks start faster then",
    )


def _models(workspace: Path) -> list[Check]:
    try:
        settings = load(workspace)
        candidates = settings.models.everyone()
        keys = resolve_keys(candidates)
    except InputError as error:
        return [Check(name="settings", status="missing", detail=error.message, cure=error.hint)]
    if not candidates:
        file = config_dir() / "config.toml"
        cure = f"--model provider/model on the command line, or `default` under [models] in {file}"
        return [Check(name="models", status="note", detail="none is set", cure=cure)]
    names = ", ".join(dict.fromkeys(c.model for c in candidates))
    found = f"keys found: {', '.join(sorted(keys)) or 'none'}"
    return [Check(name="models", status="ok" if keys else "note", detail=f"{names}; {found}")]


def _state(workspace: Path) -> Check:
    folder = state_folder(workspace)
    usable = os.access(folder, os.W_OK) if folder.exists() else os.access(folder.parent.parent, os.W_OK)
    return Check(name="state", status="ok" if usable else "missing", detail=str(folder))
