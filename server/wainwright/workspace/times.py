"""Files of a checkout get the times of the person's, so that what was built from those is not built again.

Make, Ninja and cargo take what they built for current when it is younger than its sources, and a checkout makes every
source younger. Only a file with the person's very bytes gets its time: whatever differs stays younger than what was
built, and is built again.
"""

import os
import stat
from pathlib import Path

from wainwright.domain.errors import WorkspaceError
from wainwright.workspace import native
from wainwright.workspace.dependencies import may_be_built
from wainwright.workspace.place import Place
from wainwright.workspace.plumbing import GitDirectory

_COMPARED_BYTES_MAX = 10 * 1024 * 1024
"""A larger file is no source."""


def take_over(git: GitDirectory, checkout: Path, place: Place) -> None:
    """Do so for a checkout of a person's repository, if they have something built there that git does not track."""
    built = [path.relative_to(place.top).as_posix() for path in may_be_built(place.within(place.top))]
    if all(git.run("ls-files", "-z", "--", folder).items for folder in built):
        return
    paths = git.run("ls-files", "-z").items
    times = {path: _time(checkout, place.top, path) for path in paths}
    changed = {path: time for path, time in times.items() if time is not None}
    for path, time in changed.items():
        os.utime(checkout / path, ns=(time, time), follow_symlinks=False)
    if changed:
        # Else git would look at each of them again, in every tree.
        git.run("update-index", "-q", "--refresh", ok=(0, 1))


def _time(ours: Path, persons: Path, path: str) -> int | None:
    """Return the time of the person's file, if it is another one and the bytes are the same."""
    try:
        here, there = (ours / path).lstat(), (persons / path).lstat()
        files = stat.S_ISREG(here.st_mode) and stat.S_ISREG(there.st_mode)
        alike = here.st_size == there.st_size <= _COMPARED_BYTES_MAX
        if not files or not alike or here.st_mtime_ns == there.st_mtime_ns:
            return None
        if len({native.read_beneath(root, path, here.st_size) for root in (ours, persons)}) > 1:
            return None
    except (OSError, WorkspaceError):
        return None
    return there.st_mtime_ns
