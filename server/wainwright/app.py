"""The composition root: objects are made here and nowhere else."""

import asyncio
import hashlib
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from wainwright.deploy.targets import available
from wainwright.domain.errors import SandboxError
from wainwright.domain.ports import Editor, NoEditor
from wainwright.engine.engine import Engine, workspace_of
from wainwright.engine.parts import EngineParts
from wainwright.journal import Journal
from wainwright.models.router import Models
from wainwright.receipts.store import ReceiptStore
from wainwright.sandbox.bubblewrap import Bubblewrap, prove
from wainwright.secrets import Redactor, resolve_keys
from wainwright.settings import Settings, load
from wainwright.workspace.index import Indexes
from wainwright.workspace.repository import Repository

INDEX_FOLDER = "index"
"""Where the indexes of a workspace lie in its state folder."""


async def open_engine(
    path: Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    editor: Editor | None = None,
    asking: bool = False,
) -> Engine:
    """The engine of a workspace. Raises InputError for a folder or settings that cannot be used.

    ``asking``: a model will be asked soon, so what is slow to start is started while all else is made ready.
    """
    workspace = workspace_of(path)
    settings = await asyncio.to_thread(load, workspace, overrides=overrides or {})
    models = Models.connect(settings)
    if asking:
        models.begin()
    try:
        return Engine(await _parts(workspace, settings, models, editor))
    except BaseException:
        await models.close()
        raise


async def _parts(workspace: Path, settings: Settings, models: Models, editor: Editor | None) -> EngineParts:
    state = state_folder(workspace)
    await asyncio.to_thread(state.mkdir, parents=True, exist_ok=True, mode=0o700)
    sandbox, reason = await _sandbox(state, workspace)
    keys = await asyncio.to_thread(resolve_keys, settings.models.everyone())
    return EngineParts(
        workspace=workspace,
        state=state,
        settings=settings,
        journal=await asyncio.to_thread(Journal, state / "journal.db"),
        repository=Repository(workspace, state, linked=sandbox is None or sandbox.overlays),
        indexes=Indexes(state / INDEX_FOLDER),
        receipts=ReceiptStore(state / "receipts"),
        models=models,
        redactor=Redactor(keys.values()),
        sandbox=sandbox,
        sandbox_reason=reason,
        targets=available(state / "deployments", sandbox),
        editor=editor or NoEditor(),
    )


async def _sandbox(state: Path, workspace: Path) -> tuple[Bubblewrap | None, str]:
    try:
        return await prove(state, workspace=workspace), ""
    except SandboxError as error:
        return None, str(error)


def log_to(path: Path | None) -> None:
    """Write the log to a file, or else only its warnings to standard error. Raises OSError for the file."""
    target = sys.stderr if path is None else path.open("a", encoding="utf-8", buffering=1)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.WARNING if path is None else logging.DEBUG
        ),
        logger_factory=structlog.PrintLoggerFactory(file=target),
    )
    if path is not None:
        logging.basicConfig(stream=target, level=logging.INFO)


def state_folder(workspace: Path) -> Path:
    """Where the journal, the private repository and the trees of a workspace lie: never inside it."""
    base = os.environ.get("XDG_STATE_HOME", "")
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state"
    mark = hashlib.sha256(os.fsencode(workspace)).hexdigest()[:12]
    return root / "wainwright" / f"{workspace.name or 'root'}-{mark}"
