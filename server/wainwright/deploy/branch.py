"""Target ``branch``: the delivered branch is left for others to take; nothing runs."""

import time
from pathlib import Path
from typing import ClassVar

from wainwright.deploy.probe import Probe
from wainwright.deploy.target import Order, Target, Wanted
from wainwright.domain.evidence import Deployment
from wainwright.sandbox.protocol import Sandbox


class BranchTarget:
    """Deploys nothing."""

    name: ClassVar[str] = "branch"
    choice: ClassVar[str] = """\
- `branch`: there is nothing to serve (a library, a command-line tool, documents), or it cannot run here. Leave
  `command` empty and say why in `reason`. In `runbook.md`: how to take the branch over and release it."""
    serves: ClassVar[bool] = False

    @classmethod
    def at(cls, state: Path, sandbox: Sandbox | None) -> Target | None:
        """Can be used everywhere; see ``Target``."""
        return cls()

    def plan(self, wanted: Wanted) -> Wanted:
        """Nothing of it counts; see ``Target``."""
        return Wanted()

    def free_port(self) -> None:
        """Nothing listens; see ``Target``."""

    def question(self, wanted: Wanted) -> str:
        """The branch is there already; see ``Target``."""
        return ""

    def current(self) -> Deployment | None:
        """See ``Target``."""
        return None

    async def apply(self, order: Order) -> Deployment:
        """See ``Target``."""
        return Deployment(
            id=order.id, target=self.name, serves=self.serves, commit=order.commit, branch=order.branch
        )

    async def probe(self, deployment: Deployment) -> Probe:
        """A branch does not change by itself; see ``Target``."""
        return Probe(ok=True, status=None, seconds=0.0, error="", at=time.time())

    def log(self, deployment: Deployment) -> str:
        """See ``Target``."""
        return ""

    def in_use(self) -> set[Path]:
        """See ``Target``."""
        return set()

    async def stop(self, deployment: Deployment) -> bool:
        """A branch serves nothing; see ``Target``."""
        return False

    async def roll_back(self, deployment: Deployment) -> Deployment | None:
        """The branch stays, for a person to look at; see ``Target``."""
        return None
