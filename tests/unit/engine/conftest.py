"""The parts of an engine around a small workspace, with a sandbox that was proven."""

from pathlib import Path

import pytest
from tests.fixtures import team

from wainwright.deploy.targets import available
from wainwright.domain.ports import NoEditor
from wainwright.engine.parts import EngineParts
from wainwright.journal import Journal
from wainwright.models.router import Models
from wainwright.receipts.store import ReceiptStore
from wainwright.sandbox.bubblewrap import prove
from wainwright.secrets import Redactor
from wainwright.settings import Settings
from wainwright.workspace.index import Indexes
from wainwright.workspace.repository import Repository
from wainwright.workspace.trust import Trust


@pytest.fixture
async def parts(tmp_path: Path) -> EngineParts:
    workspace, state, settings = team.make_workspace(tmp_path / "work"), tmp_path / "state", Settings()
    sandbox = await prove(state)
    return EngineParts(
        workspace=workspace,
        state=state,
        settings=settings,
        journal=Journal(state / "journal.db"),
        repository=Repository(workspace, state, linked=True),
        indexes=Indexes(state / "index"),
        receipts=ReceiptStore(state / "receipts"),
        models=Models.connect(settings),
        redactor=Redactor(),
        sandbox=sandbox,
        sandbox_reason="",
        targets=available(state / "deployments", sandbox),
        editor=NoEditor(),
        trust=Trust(state, workspace, word=True),
    )
