"""The programs of this machine that the engine itself runs, each found once, at a fixed place.

``PATH`` has no say: a shell in a workspace may have put the workspace's own programs first on it, and these here run
outside every wall.
"""

import os
import stat
from functools import cache
from pathlib import Path

from wainwright.domain.errors import SandboxError

PLACES = (
    "/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin", "/run/wrappers/bin",
    "/run/current-system/sw/bin", "/nix/var/nix/profiles/default/bin", "/opt/homebrew/bin",
    "/home/linuxbrew/.linuxbrew/bin",
)  # fmt: skip
"""Where systems and their package managers put programs for everybody."""

_NOBODY = 65534
"""As whose a container shows what belongs to the root of its host."""
_PACKAGES = {"bwrap": "bubblewrap", "setsid": "util-linux", "cp": "coreutils"}


@cache
def place(name: str) -> str | None:
    """The absolute path of a program; None when this machine does not have it."""
    found = (Path(folder, name) for folder in PLACES)
    return next(
        (str(program) for program in found if os.access(program, os.X_OK) and _is_trusted(program)), None
    )


def _is_trusted(program: Path) -> bool:
    """Whether a program is a file that nobody changes but the system and the person themselves."""
    status = program.stat()
    return (
        stat.S_ISREG(status.st_mode)
        and not status.st_mode & stat.S_IWOTH
        and status.st_uid in (0, os.geteuid(), _NOBODY)
    )


def needed(name: str) -> str:
    """The absolute path of a program that there is no way without. Raises SandboxError when it is missing."""
    found = place(name)
    if found is None:
        package = _PACKAGES.get(name, name)
        raise SandboxError(
            f"No sandbox: the program {name} is in none of {', '.join(PLACES)}, and commands are never run without "
            "walls.",
            f"Install it: apt-get install {package} (or your system's package of that name), then restart.",
        )
    return found
