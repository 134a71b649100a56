"""The parts a run works with, made in ``app.py`` and handed around as one value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wainwright.deploy.target import Target
from wainwright.domain import tiers
from wainwright.domain.ports import Editor
from wainwright.journal import Journal
from wainwright.models.router import Models
from wainwright.models.spans import Spans
from wainwright.receipts.store import ReceiptStore
from wainwright.sandbox.protocol import Layer, Sandbox
from wainwright.secrets import Redactor
from wainwright.settings import Settings
from wainwright.tools.toolbox import PersonPort
from wainwright.workspace.context import Shared
from wainwright.workspace.index import Indexes
from wainwright.workspace.repository import Repository
from wainwright.workspace.trust import Trust


@dataclass
class EngineParts:
    """Everything around one workspace."""

    workspace: Path
    state: Path
    """The user's state directory for this workspace; outside of it, and 0700."""
    settings: Settings
    journal: Journal
    repository: Repository
    indexes: Indexes
    receipts: ReceiptStore
    models: Models
    redactor: Redactor
    sandbox: Sandbox | None
    """None when none could be proven; ``sandbox_reason`` says why, or why it is no better one. See ``fence``."""
    sandbox_reason: str
    targets: Mapping[str, Target]
    """Where things can be deployed to from here, by name."""
    editor: Editor
    trust: Trust
    equip: Callable[[], tuple[Settings, Models]] | None = None
    """Reads what is only read for a trusted workspace, its settings and the keys; None: there is nothing to read."""
    equipped: bool = True
    """Whether that was done."""
    layers: dict[str, tuple[Layer, ...]] = field(default_factory=dict)
    """What lies over the trees of each run under way: looked up once a run."""
    shared: dict[str, Shared] = field(default_factory=dict)
    """What all roles of each run under way are shown of its base: put together once a run."""
    persons: dict[str, Callable[[], PersonPort | None]] = field(default_factory=dict)
    """Who is asked about commands in each run under way; None while nobody attends it."""
    spans: Spans | None = None
    """What tells an endpoint of the person's own of model calls, where there is one."""

    def fence(self, *, attended: bool) -> tuple[Sandbox | None, str]:
        """The sandbox of a run, and why it is no better: none where somebody has to be asked and nobody is there."""
        if self.sandbox is None or attended or not tiers.asks(self.sandbox.tier):
            return self.sandbox, self.sandbox_reason
        return (
            None,
            f"{self.sandbox_reason} Behind {self.sandbox.tier} alone somebody has to agree to each command.",
        )
