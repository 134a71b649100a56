"""The programs of this machine that the engine itself runs, each found once, at a fixed place.

``PATH`` has no say: a shell in a workspace may have put the workspace's own programs first on it, and these here run
outside every wall.
"""

import os
from functools import cache
from pathlib import Path

from wainwright.domain.errors import SandboxError

PLACES = (
    "/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin", "/run/wrappers/bin",
    "/run/current-system/sw/bin", "/nix/var/nix/profiles/default/bin", "/opt/homebrew/bin",
    "/home/linuxbrew/.linuxbrew/bin",
)  # fmt: skip
"""Where systems and their package managers put programs for everybody."""

_PACKAGES = {"bwrap": "bubblewrap", "setsid": "util-linux", "cp": "coreutils"}


@cache
def place(name: str) -> str | None:
    """The absolute path of a program; None when this machine does not have it."""
    found = (Path(folder, name) for folder in PLACES)
    return next(
        (str(program) for program in found if program.is_file() and os.access(program, os.X_OK)), None
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
