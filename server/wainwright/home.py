"""Where what a user has lies that is not theirs to edit: states of workspaces, sockets of hosts."""

import os
from contextlib import suppress
from pathlib import Path


def state_home() -> Path:
    """The folder of all of it; it may not exist."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state") / "wainwright"


def hosts_folder() -> Path:
    """Where the sockets of the user's gateway hosts lie: in what the system gives them for sockets, where it does.

    See the XDG base directory specification. The folder of another user, as after `su`, is none.
    """
    given = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    with suppress(OSError):
        if given.is_absolute() and given.stat().st_uid == os.geteuid():
            return given / "wainwright" / "hosts"
    return state_home() / "hosts"
