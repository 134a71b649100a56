"""Looks now and then at what a command takes where the kernel does not bound it: disk; without groups, the rest."""

import asyncio
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from wainwright.sandbox import clearing, limits

_EVERY_S = 1.0
_SOON_S = 0.2
"""Where the kernel does not see to the number of processes, which doubles fast."""


class Watch:
    """Knows when a command has taken too much."""

    def __init__(self, disk: Path, written: Iterable[Path], group: limits.Group) -> None:
        """``written``: the folders on ``disk`` that it writes to."""
        self._disk = disk
        self._written = tuple(written)
        self._group = group
        self._free = _free(disk)

    async def too_much(self, pid: int) -> str:
        """Return what a command whose first process this is has too much of, once it has. May wait for ever."""
        while True:
            await asyncio.sleep(_EVERY_S if self._group.bounds_processes else _SOON_S)
            if said := await asyncio.to_thread(self._look, pid):
                return said

    def ended_by_the_kernel(self) -> str:
        """Return what the kernel ended something of the command for. Reads what the kernel has in memory."""
        return _out_of_memory() if self._group.ran_out() else ""

    def _look(self, pid: int) -> str:
        if not self._group.bounds_memory and _memory(pid) > limits.memory_max():
            return _out_of_memory()
        # The kernel's own limit is none for uid 0, whatever its name is in here.
        most = limits.PROCESSES_MAX
        if not self._group.bounds_processes and sum(1 for _ in islice(_beneath(pid), most + 1)) > most:
            return f"it had more than {most} processes at once"
        free = _free(self._disk)
        if free < limits.DISK_RESERVE_BYTES and free < self._free:
            return f"it left less than {_said(limits.DISK_RESERVE_BYTES)} of the disk"
        # Others write, too: only then is it worth to add up what this one wrote.
        suspect = self._free - free > limits.WRITTEN_BYTES_MAX
        if suspect and sum(map(clearing.size, self._written)) > limits.WRITTEN_BYTES_MAX:
            return f"it wrote more than {_said(limits.WRITTEN_BYTES_MAX)}"
        return ""


def _out_of_memory() -> str:
    return f"it took more than {_said(limits.memory_max())} of memory"


def _said(size: int) -> str:
    return f"{size / 1024**3:.1f} GiB"


def _free(disk: Path) -> int:
    try:
        found = os.statvfs(disk)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize


def _memory(pid: int) -> int:
    """Memory of a process and all beneath it, without what it shares with others."""
    pages = 0
    for place in _beneath(pid):
        with suppress(OSError, ValueError):
            resident, shared = (place / "statm").read_text().split()[1:3]
            pages += int(resident) - int(shared)
    return pages * os.sysconf("SC_PAGE_SIZE")


def _beneath(pid: int) -> Iterator[Path]:
    """A process and all beneath it, by their folders in ``/proc``."""
    waiting = [pid]
    while waiting:
        place = Path("/proc", str(waiting.pop()))
        yield place
        with suppress(OSError, ValueError):
            for task in (place / "task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
