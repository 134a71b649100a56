"""Names of commits, runs and refs, looked at before git sees them."""

import re

from wainwright.domain.errors import OutsideBoundary, WorkspaceError

PREFIX = "refs/wainwright/"
"""Where the private repository has the refs of runs."""
_OBJECT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_NAME = re.compile(r"(?!.*(\.\.|\.lock$|\.git$|\.$))[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")


def object_name(name: str) -> str:
    """Return the full name of a commit or tree; raises WorkspaceError for anything else."""
    if not _OBJECT.fullmatch(name):
        raise WorkspaceError(
            f"{name!r} is not the full name of a commit or tree.", "Give 40 or 64 hex digits."
        )
    return name


def checked(name: str) -> str:
    """Return a name of a run, a task or a part of a branch; raises OutsideBoundary for what leads elsewhere."""
    if not _NAME.fullmatch(name):
        raise OutsideBoundary(f"{name!r} cannot name a run, task or branch.", "Use letters, digits, - and _.")
    return name


def ref_name(ref: str) -> str:
    """Return the full name of a ref that is given with or without the prefix of all of them."""
    return PREFIX + "/".join(checked(part) for part in ref.removeprefix(PREFIX).split("/"))
