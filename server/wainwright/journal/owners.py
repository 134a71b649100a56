"""Which process owns a run, and whether it still lives."""

import os
from pathlib import Path

PROC = Path("/proc")
"""Where the kernel tells when a process started; absent on some systems."""


def me() -> str:
    """The mark of this process: its id and when it started."""
    return f"{os.getpid()}:{_started(os.getpid())}"


def alive(owner: str) -> bool:
    """Whether the process that wrote this owner mark lives; a reused pid has another start time."""
    pid, _, started = owner.partition(":")
    return pid.isdigit() and _started(int(pid)) == started


def _started(pid: int) -> str:
    """When a process started, in the kernel's ticks; empty when there is none, ``unknown`` if that is not told."""
    if not PROC.is_dir():
        return "unknown" if _listed(pid) else ""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    # A killed process that nobody has reaped yet is dead for us.
    return "" if fields[0] == "Z" else fields[19]


def _listed(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
