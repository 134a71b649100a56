"""The way in: an engine for a folder, and where its state lies.

What an engine is made of takes most of the time to import, so it is imported when one is wanted, after the models
have been told that they will be asked.
"""

import asyncio
import gc
import logging
import os
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import structlog

from wainwright import regular
from wainwright.domain.errors import InputError
from wainwright.domain.ports import Editor, NoEditor
from wainwright.domain.shown import terminal
from wainwright.home import hosts_folder, state_home
from wainwright.models.defaults import with_defaults
from wainwright.models.router import Models
from wainwright.settings import Settings
from wainwright.settings_files import load

if TYPE_CHECKING:
    from wainwright.engine.engine import Engine
    from wainwright.workspace.identity import Found
    from wainwright.workspace.trust import Trust


async def open_engine(
    path: Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    editor: Editor | None = None,
    asking: bool = False,
    word: bool = False,
) -> "Engine":
    """The engine of a workspace. Raises InputError for a folder or settings that cannot be used.

    ``word``: the command that a person typed says that work may be done in the folder; else it is done only where
    they have trusted it, and until then no key is read.

    ``asking``: a model will be asked soon, so what is slow to start is started while all else is made ready.
    """
    workspace = workspace_of(path)
    equip = partial(_equipped, workspace, overrides or {})
    trusted = word or await asyncio.to_thread(lambda: trust_in(workspace).given())
    settings, models = await asyncio.to_thread(equip, trusted=trusted)
    if asking:
        models.begin()
    # Each of these waits for other processes, while another is imported.
    begun: list[asyncio.Task[Any]] = [importing := asyncio.create_task(asyncio.to_thread(_assembly))]
    try:
        front = editor or NoEditor()
        state = await _settled(workspace, front)
        await asyncio.to_thread(state.mkdir, parents=True, exist_ok=True, mode=0o700)
        tiers = await asyncio.to_thread(import_module, "wainwright.sandbox.tiers")
        proving = asyncio.create_task(tiers.best(state, workspace, settings.egress.hosts))
        begun.append(proving)
        assembly = await importing
        trust = (await asyncio.to_thread(import_module, "wainwright.workspace.trust")).Trust
        engine: Engine = await assembly.assemble(
            trust(state, workspace, word), settings, models, front, equip, proving, equipped=trusted
        )
    except BaseException:
        for one in begun:
            one.cancel()
        await asyncio.gather(*begun, return_exceptions=True)
        await models.close()
        raise
    return engine


def _assembly() -> Any:
    """The module that makes engines. What is imported stays: the collector looks at it neither now nor later."""
    if there := sys.modules.get("wainwright.assembly"):
        return there
    gc.disable()
    try:
        return import_module("wainwright.assembly")
    finally:
        gc.freeze()
        gc.enable()


def workspace_of(path: Path) -> Path:
    """The folder a person means, resolved. Raises InputError for one that no run should work in."""
    workspace = path.resolve()
    if not workspace.is_dir():
        raise InputError(f"{path} is no folder.", "Name the folder of your project: --workspace DIR.")
    if workspace == workspace.parent or Path.home().resolve().is_relative_to(workspace):
        raise InputError(f"{workspace} is not a project.", "Run this in the folder of your project.")
    return workspace


def log_to(path: Path | None) -> None:
    """Write the log to a file, or else only its warnings to standard error. Raises OSError for the file."""
    target = sys.stderr
    if path is not None:
        target = open(path, "a", encoding="utf-8", buffering=1, opener=regular.private)  # noqa: SIM115 - as long as we live
    log_lines(target, logging.WARNING if path is None else logging.DEBUG)
    if path is not None:
        logging.basicConfig(stream=target, level=logging.INFO)


def log_lines(target: TextIO, level: int) -> None:
    """Have what is logged from this level on written there, in lines that a terminal can show."""

    def fit(_logger: object, _method: str, line: Any) -> str:
        return terminal(line)

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.StackInfoRenderer(),
            structlog.dev.set_exc_info,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(colors=False),
            fit,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=target),
    )


def state_folder(workspace: Path) -> Path:
    """Where the journal, the private repository and the trees of a workspace lie: never inside it."""
    return _found(workspace).state


def trust_in(path: Path) -> "Trust":
    """The trust in a folder. Raises InputError for one that no run should work in."""
    from wainwright.workspace.trust import Trust  # noqa: PLC0415 - like what finds its state

    workspace = workspace_of(path)
    return Trust(state_folder(workspace), workspace)


def _equipped(
    workspace: Path, overrides: Mapping[str, Any], *, trusted: bool = True
) -> tuple[Settings, Models]:
    """The settings and the models of a workspace; of one that nobody trusts only what tightens, and without keys."""
    settings = load(workspace, overrides=overrides, trusted=trusted)
    if trusted:
        settings = with_defaults(settings)
    return settings, Models.connect(settings, with_keys=trusted, hosts=hosts_folder())


async def _settled(workspace: Path, front: Editor) -> Path:
    """The state that a workspace has from now on; where only a person can tell which it is, they are asked."""
    found = await asyncio.to_thread(_found, workspace)
    state = found.state
    if found.before:
        front.tell(f"The runs of this folder were found again: it was {found.before}.")
    if found.doubt is not None:
        lay = found.doubt.path
        which = f"Is this the folder that was {lay}, whose runs Wainwright has?"
        if lay == str(workspace):
            which = f"The folder {lay} was made anew. Does it go on with the runs of the one before?"
        if await front.agrees(which):
            state = found.doubt.state
        else:
            kept = (
                f"The runs of the folder that was {lay} are not taken over: nobody says that it is this one."
            )
            front.tell(f"{kept} They are in {found.doubt.state}.")
    await asyncio.to_thread(_only_mine, state)
    keep = (await asyncio.to_thread(import_module, "wainwright.workspace.identity")).keep
    with suppress(OSError):  # whatever needs the folder says why it cannot be written
        await asyncio.to_thread(keep, state, workspace)
    return state


def _only_mine(state: Path) -> None:
    """See to it that nobody else can put anything into a state folder, or into the one around it.

    Raises InputError for one that somebody else has made: whatever lies in it is not ours.
    """
    for folder in (state.parent, state):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            there = folder.lstat(), folder.stat()
        except OSError:
            return  # whatever needs the folder says why it cannot be written
        if any(one.st_uid != os.geteuid() for one in there):
            raise InputError(
                f"{folder} was made by somebody else, or leads to what is theirs: it is not used.",
                "Move it away, or set XDG_STATE_HOME to a folder of your own.",
            )
        if stat.S_IMODE(there[1].st_mode) & 0o077:
            folder.chmod(0o700)


def _found(workspace: Path) -> "Found":
    from wainwright.workspace.identity import find  # noqa: PLC0415 - takes git along: not before it is needed

    return find(state_home(), workspace)
