"""The composition root: the objects of an engine are made here and nowhere else."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from wainwright.deploy.targets import available
from wainwright.domain.errors import SandboxError
from wainwright.domain.ports import Editor
from wainwright.engine.engine import Engine
from wainwright.engine.parts import EngineParts
from wainwright.journal import Journal
from wainwright.models.router import Models
from wainwright.models.spans import Spans
from wainwright.receipts.store import ReceiptStore
from wainwright.sandbox.bubblewrap import Bubblewrap
from wainwright.sandbox.egress import Egress
from wainwright.sandbox.tiers import Asked, prove
from wainwright.settings import Settings
from wainwright.workspace.index import FOLDER, Indexes
from wainwright.workspace.repository import Repository
from wainwright.workspace.trust import Trust


async def assemble(
    trust: Trust,
    settings: Settings,
    models: Models,
    editor: Editor,
    equip: Callable[[], tuple[Settings, Models]] | None,
) -> Engine:
    """The engine of a workspace whose state lies in a folder of its own; ``equip`` as in ``EngineParts``."""
    workspace, state = trust.workspace, trust.state
    await asyncio.to_thread(state.mkdir, parents=True, exist_ok=True, mode=0o700)
    sandbox, reason = await _sandbox(state, workspace, settings)
    parts = EngineParts(
        workspace=workspace,
        state=state,
        settings=settings,
        journal=await asyncio.to_thread(Journal, state / "journal.db"),
        repository=Repository(workspace, state, linked=sandbox is None or sandbox.overlays),
        indexes=Indexes(state / FOLDER),
        receipts=ReceiptStore(state / "receipts"),
        models=models,
        redactor=models.redactor,
        sandbox=sandbox,
        sandbox_reason=reason,
        targets=available(state / "deployments", sandbox if isinstance(sandbox, Bubblewrap) else None),
        editor=editor,
        trust=trust,
        equip=equip,
        spans=Spans.open(settings),
    )
    return Engine(parts)


async def _sandbox(state: Path, workspace: Path, settings: Settings) -> tuple[Bubblewrap | Asked | None, str]:
    hosts = settings.egress.hosts
    try:
        sandbox, reason = await prove(state, workspace=workspace, way_out=Egress(hosts) if hosts else None)
    except SandboxError as error:
        return None, str(error)
    except OSError as error:
        # Runs can be looked at all the same.
        return None, f"Nothing can be written to {state}: {error.strerror}."
    return (sandbox if isinstance(sandbox, Bubblewrap) else Asked(sandbox)), reason
