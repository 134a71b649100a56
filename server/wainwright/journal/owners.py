"""Which process owns a run, and whether it still lives.

Of a process of another machine or another process namespace nobody here can tell: its lease has to say it.
"""

import os
from functools import cache
from pathlib import Path

PROC = Path("/proc")
"""Where the kernel tells when a process started; absent on some systems."""


def me() -> str:
    """The mark of this process: its id, when it started, and where that is so."""
    return f"{os.getpid()}:{_started(os.getpid())}@{_here()}"


def alive(owner: str, until: float, now: float) -> bool:
    """Whether the process that wrote this owner mark lives; a reused pid has another start time.

    ``until`` is how long its lease holds, which counts where its process cannot be seen.
    """
    mark, _, where = owner.partition("@")
    if where and where != _here():
        return until > now
    pid, _, started = mark.partition(":")
    return pid.isdigit() and _started(int(pid)) == started


def process_of(owner: str) -> int:
    """The process id in an owner mark; 0 where there is none."""
    pid = owner.partition(":")[0]
    return int(pid) if pid.isdigit() else 0


@cache
def _here() -> str:
    """The machine since it was booted, and the process namespace; empty where the kernel does not tell."""
    try:
        booted = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{booted}-{(PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


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
