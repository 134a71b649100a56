"""What this machine has and lacks for Wainwright, and how to get it."""

import asyncio
import os
import platform
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urlsplit

from wainwright.app import state_folder
from wainwright.domain.errors import InputError, SandboxError
from wainwright.domain.goal import Fact
from wainwright.home import hosts_folder
from wainwright.models.defaults import explained, with_defaults
from wainwright.models.starting import hosts
from wainwright.receipts.detect import around, detect
from wainwright.receipts.project import FolderProject
from wainwright.sandbox import programs
from wainwright.sandbox.bubblewrap import Bubblewrap
from wainwright.sandbox.egress import Egress
from wainwright.sandbox.seatbelt import profile
from wainwright.sandbox.tiers import prove
from wainwright.secrets import Redactor, key_for, key_name, resolve_keys, signer
from wainwright.settings import Candidate, Settings
from wainwright.settings_files import config_dir, load

ANSWERS_S = 3.0
"""Seconds in which a server has to take a connection."""


class Check(Fact):
    """One thing that was looked at."""

    name: str
    status: Literal["ok", "missing", "note"]
    detail: str
    cure: str = ""


async def examine(workspace: Path, typed: Mapping[str, Any] = MappingProxyType({})) -> list[Check]:
    """Look at everything a run needs that is begun with what was ``typed``; ``workspace`` is absolute."""
    return [
        _python(),
        *_at_start(),
        _git(),
        *await _sandbox(workspace),
        *await _models(workspace, typed),
        *await _tests(workspace),
        *_host(),
        *_signing(workspace),
        _state(workspace),
    ]


def _python() -> Check:
    return Check(name="Python", status="ok", detail=platform.python_version())


EXPECTED = frozenset({"wainwright.pth", "distutils-precedence.pth", "_virtualenv.pth"})
"""Files by which something runs whenever Python starts: an editable install, and what virtual environments bring."""


def run_at_start(folder: Path) -> list[str]:
    """What in a folder of packages runs whenever Python starts, in the gateway too, and is not expected there."""
    found = {path.name for path in folder.glob("*.pth")} - EXPECTED
    found |= {one.name for name in ("sitecustomize", "usercustomize") for one in folder.glob(f"{name}*")}
    return sorted(found)


def _at_start() -> list[Check]:
    folder = Path(sysconfig.get_path("purelib"))
    found = run_at_start(folder)
    if not found:
        return []
    return [
        Check(
            name="packages",
            status="note",
            detail=f"{', '.join(found)} in {folder} runs whenever Python starts, and sees the keys of models",
            cure="If you do not know what brought it, make the environment anew: rm -rf .venv, then `make setup`",
        )
    ]


def _git() -> Check:
    git = programs.place("git")
    if git is None:
        return Check(name="git", status="missing", detail="not found", cure="apt-get install git")
    version = subprocess.run([git, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return Check(name="git", status="ok", detail=f"{version} ({git})")


async def _sandbox(workspace: Path) -> list[Check]:
    state = state_folder(workspace)
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    if sys.platform == "darwin":
        return [_not_tried(state, workspace)]
    hosts = _hosts(workspace)
    try:
        found, why = await prove(state, workspace=workspace, way_out=Egress(hosts) if hosts else None)
    except SandboxError as error:
        return [Check(name="sandbox", status="missing", detail=error.message, cure=error.hint)]
    if not isinstance(found, Bubblewrap):
        return [_alone(found.tier, why)]
    walls = f"{found.tier}: writing outside, network and secrets are refused"
    reached = f"of the network only {', '.join(found.reaches)}" if found.reaches else "nothing out"
    walls = f"{walls}; one port leads into a service, from 127.0.0.1, and {reached}"
    if not found.bounds_memory:
        walls = f"{walls}; memory is looked at once a second, because no control group can be made"
    if found.unseen:
        programs = ", ".join(f"{name} ({place})" for name, place in found.unseen)
        walls = f"{walls}; not found by commands: {programs}"
    return [Check(name="sandbox", status="ok", detail=walls), _layers(found)]


def _hosts(workspace: Path) -> tuple[str, ...]:
    """What may be reached; settings that cannot be read are told of elsewhere."""
    try:
        return load(workspace).egress.hosts
    except InputError:
        return ()


def _alone(tier: str, why: str) -> Check:
    detail = (
        f"{tier} alone, because {why.rstrip('.')}. You are asked about every command; where nobody can be asked "
        "none is run. No service is started, full-auto is refused"
    )
    return Check(name="sandbox", status="missing", detail=detail, cure="apt-get install bubblewrap")


def _not_tried(state: Path, workspace: Path) -> Check:
    lines = len(profile(workspace, state).splitlines())
    detail = f"no command is run on macOS yet: a profile for sandbox-exec ({lines} lines) is there, not tried"
    return Check(
        name="sandbox", status="missing", detail=detail, cure="run Wainwright in a Linux machine or container"
    )


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


async def _models(workspace: Path, options: Mapping[str, Any]) -> list[Check]:
    try:
        typed = load(workspace, overrides=options)
        settings = with_defaults(typed)
        candidates = settings.models.everyone()
        keys = resolve_keys(settings)
    except InputError as error:
        return [Check(name="settings", status="missing", detail=error.message, cure=error.hint)]
    if not candidates:
        file = config_dir() / "config.toml"
        cure = (
            f"--model provider/model on the command line, `default` under [models] in {file}, or a provider's key, "
            "such as ANTHROPIC_API_KEY: then its usual models are asked"
        )
        return [Check(name="models", status="note", detail="none is set", cure=cure)]
    own = sorted({one.api_base for one in candidates if one.api_base})
    return [*_roles(typed, settings), *_keys(candidates, keys), *[await _server(base) for base in own]]


async def _server(base: str) -> Check:
    """Whether anybody listens where a server of the person's own should be; nothing is said to it."""
    parts = urlsplit(base)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(ANSWERS_S):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except OSError as error:  # which a time that is over is, too
        why = os.strerror(error.errno) if error.errno else str(error) or f"not within {ANSWERS_S:g} s"
        detail = f"nobody answers at {base}: {why}"
        return Check(name="server", status="missing", detail=detail, cure="Start it, or correct api_base")
    writer.close()
    return Check(name="server", status="ok", detail=f"somebody listens at {base}; nothing was asked")


async def _tests(workspace: Path) -> list[Check]:
    """How a repository would be tested, as far as its files tell; a plan may say better."""
    if not (workspace / ".git").exists():
        return []
    found = await asyncio.to_thread(detect, FolderProject(workspace), around(workspace))
    if not found:
        cure = "`--test-command` of `wainwright run` names one; else the planner looks for it"
        return [Check(name="tests", status="note", detail="no test command is found by the files", cure=cure)]
    return [
        Check(name="tests", status="ok", detail=f"`{one.command}` in {one.folder}, since {one.reason}")
        for one in found
    ]


def _host() -> list[Check]:
    """Which process of the person's waits for the next run, as nothing else would tell them."""
    try:
        found = hosts(folder) if (folder := hosts_folder()).is_dir() else []
    except OSError as error:
        detail = f"cannot be used, so each run loads what speaks to providers itself: {error}"
        cure = f"See that {hosts_folder()} is a folder of yours that nobody else can look into"
        return [Check(name="gateway host", status="note", detail=detail, cure=cure)]
    told = ", ".join(f"process {pid}" for pid in found)
    detail = f"{told}: forks what speaks to providers, and ends by itself (models.host_idle_s)"
    return [Check(name="gateway host", status="ok", detail=detail)] if found else []


def _roles(typed: Settings, settings: Settings) -> list[Check]:
    """Which model each role gets and why; roles with the same in one line."""
    by_answer: dict[str, list[str]] = {}
    for role, answer in explained(typed, settings).items():
        by_answer.setdefault(answer, []).append(role)
    return [
        Check(name=f"model of {', '.join(roles)}", status="ok", detail=answer)
        for answer, roles in by_answer.items()
    ]


def _keys(candidates: Sequence[Candidate], keys: dict[str, str]) -> list[Check]:
    found = f"found: {', '.join(sorted(keys)) or 'none'}"
    lacking = sorted(
        {name for one in candidates if key_for(one, keys) is None and (name := key_name(one)) is not None}
    )
    if not lacking:
        return [Check(name="keys", status="ok", detail=found)]
    cure = f"export {lacking[0]}=..., or put it into credentials.toml beside your config.toml"
    return [Check(name="keys", status="note", detail=f"{found}; not set: {', '.join(lacking)}", cure=cure)]


def _signing(workspace: Path) -> list[Check]:
    """Said where commits are signed, or should be and cannot."""
    try:
        by = signer(load(workspace), Redactor())
    except InputError as error:
        return [Check(name="signing", status="missing", detail=error.message, cure=error.hint)]
    told = f"delivered commits are signed; the public key is {by.public}" if by else ""
    return [Check(name="signing", status="ok", detail=told)] if told else []


def _state(workspace: Path) -> Check:
    folder = state_folder(workspace)
    usable = os.access(folder, os.W_OK) if folder.exists() else os.access(folder.parent.parent, os.W_OK)
    return Check(name="state", status="ok" if usable else "missing", detail=str(folder))
