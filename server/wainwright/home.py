"""Where what a user has lies that is not theirs to edit: states of workspaces, sockets of hosts."""

import os
from pathlib import Path


def state_home() -> Path:
    """The folder of all of it; it may not exist."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state") / "wainwright"
