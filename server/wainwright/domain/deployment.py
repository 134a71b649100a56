"""The facts of DEPLOY and MONITOR, and what went wrong there."""

from typing import Literal

from wainwright.domain.evidence import Deployment, Receipt
from wainwright.domain.goal import Fact


class Incident(Fact):
    """What went wrong with a tree where it was deployed. It holds for as long as that tree is the newest."""

    said: str
    where: str
    """``path:line`` of the tree, where the service's log names one, else the file that its command runs; or empty."""
    tree: str


class DeploymentPlanned(Fact):
    """The deployer answered, and the smoke test ran inside the sandbox."""

    kind: Literal["deployment-planned"] = "deployment-planned"
    target: str
    reason: str
    question: str = ""
    """What the gate asks before it is deployed; empty when nothing has to be asked."""
    command: tuple[str, ...] = ()
    health_path: str = "/"
    port: int | None = None
    """Where it is to be reached, as the question says; None in what earlier versions planned, and without one."""
    smoke: Receipt | None = None
    where: str = ""
    """Where a smoke test that fails seems to come from, as ``Incident.where``."""
    runbook: str = ""


class Deployed(Fact):
    """It serves and answered its health probe, or the branch is left for others."""

    kind: Literal["deployed"] = "deployed"
    deployment: Deployment


class DeployFailed(Fact):
    """It did not start or never got healthy; what served before serves again."""

    kind: Literal["deploy-failed"] = "deploy-failed"
    reason: str
    where: str = ""
    """As ``Incident.where``."""
    rolled_back_to: str | None = None


class Monitored(Fact):
    """The monitor window is over."""

    kind: Literal["monitored"] = "monitored"
    probes: int
    failures: int
    breach: bool
    report: str
    concern: str = ""
    """What the monitor would have somebody look at though nothing broke."""
    where: str = ""
    """As ``Incident.where``."""
    rolled_back_to: str | None = None
