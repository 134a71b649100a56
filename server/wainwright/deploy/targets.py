"""The table of targets: a new one is a file beside this one and an entry here."""

from collections.abc import Mapping
from pathlib import Path

from wainwright.deploy.branch import BranchTarget
from wainwright.deploy.process import ProcessTarget
from wainwright.deploy.target import Target
from wainwright.sandbox.protocol import Sandbox

TARGETS: Mapping[str, type[Target]] = {each.name: each for each in (ProcessTarget, BranchTarget)}
"""In the order in which the deployer is told of them."""


def available(state: Path, sandbox: Sandbox | None) -> dict[str, Target]:
    """Targets that can be used here, by name; ``state`` is the folder of their records."""
    found = ((name, target.at(state, sandbox)) for name, target in TARGETS.items())
    return {name: target for name, target in found if target is not None}
