"""How much a command may take: processes, file size, memory files.

The launcher sets limits *inside* the user namespace: there a process limit counts the sandbox's own processes only,
not everything the person runs. The kernel does not enforce that limit for uid 0, so where this process is root a pids
control group does it.
"""

import itertools
import os
from contextlib import suppress
from pathlib import Path

import structlog

PROCESSES_MAX = 1024
FILE_BYTES_MAX = 2 * 1024**3
MEMORY_FILES_BYTES_MAX = 1024**3

_PIDS_V1 = Path("/sys/fs/cgroup/pids")
_V2 = Path("/sys/fs/cgroup")
_PREFIX = "wainwright-"


class ProcessGroups:
    """Control groups that bound the number of processes where the process limit does not: for root."""

    def __init__(self) -> None:
        self._base = _base() if os.getuid() == 0 else None
        self._numbers = itertools.count()
        if self._base is not None:
            self._sweep(self._base)
        elif os.getuid() == 0:
            structlog.get_logger().warning(
                "sandbox.processes_unbounded", reason="no writable pids control group"
            )

    @property
    def bounded(self) -> bool:
        """Whether a command's number of processes is bounded at all."""
        return self._base is not None or os.getuid() != 0

    def open(self) -> Path | None:
        """A new group, or None where none is needed or to be had."""
        if self._base is None:
            return None
        group = self._base / f"{_PREFIX}{os.getpid()}-{next(self._numbers)}"
        group.mkdir(exist_ok=True)
        (group / "pids.max").write_text(str(PROCESSES_MAX))
        return group

    def close(self, group: Path | None) -> None:
        """Remove an empty group; one in which something still ends is left for the next start to sweep."""
        if group is not None:
            with suppress(OSError):
                group.rmdir()

    @staticmethod
    def _sweep(base: Path) -> None:
        for group in base.glob(f"{_PREFIX}*"):
            owner = group.name.removeprefix(_PREFIX).partition("-")[0]
            if owner.isdigit() and not Path("/proc", owner).exists():
                with suppress(OSError):
                    group.rmdir()


def _base() -> Path | None:
    """Directory below which a new group has ``pids.max``, found by making one."""
    for base in (_PIDS_V1, _V2):
        trial = base / f"{_PREFIX}{os.getpid()}-trial"
        try:
            trial.mkdir(exist_ok=True)
        except OSError:
            continue
        usable = (trial / "pids.max").exists()
        with suppress(OSError):
            trial.rmdir()
        if usable:
            return base
    return None
