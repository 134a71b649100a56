"""The composition root: the objects of an engine are made here and nowhere else."""

import asyncio
from collections.abc import Awaitable, Callable

from wainwright.deploy.targets import available
from wainwright.domain.ports import Editor
from wainwright.engine.engine import Engine
from wainwright.engine.parts import EngineParts
from wainwright.journal import Journal
from wainwright.models.router import Models
from wainwright.models.spans import Spans
from wainwright.receipts.store import ReceiptStore
from wainwright.sandbox.bubblewrap import Bubblewrap
from wainwright.sandbox.tiers import Asked
from wainwright.settings import Settings
from wainwright.workspace.index import FOLDER, Indexes
from wainwright.workspace.repository import Repository
from wainwright.workspace.trust import Trust


async def assemble(
    trust: Trust,
    settings: Settings,
    models: Models,
    editor: Editor,
    equip: Callable[[], tuple[Settings, Models]],
    proved: Awaitable[tuple[Bubblewrap | Asked | None, str]],
    *,
    equipped: bool,
) -> Engine:
    """The engine of a workspace whose state lies in a folder of its own.

    ``equip`` and ``equipped`` as in ``EngineParts``; ``proved`` gives what ``sandbox.tiers.best`` does.
    """
    workspace, state = trust.workspace, trust.state
    sandbox, reason = await proved
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
        equipped=equipped,
        spans=Spans.open(settings),
    )
    return Engine(parts)
