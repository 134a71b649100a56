"""Looks now and then at what a command takes where the kernel does not bound it: disk, and memory without groups."""

import asyncio
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from wainwright.sandbox import clearing, limits

_EVERY_S = 1.0


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
            await asyncio.sleep(_EVERY_S)
            if said := await asyncio.to_thread(self._look, pid):
                return said

    def ended_by_the_kernel(self) -> str:
        """Return what the kernel ended something of the command for. Blocks."""
        return _out_of_memory() if self._group.ran_out() else ""

    def _look(self, pid: int) -> str:
        if not self._group.bounds_memory and _memory(pid) > limits.memory_max():
            return _out_of_memory()
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
    pages, waiting = 0, [pid]
    while waiting:
        place = Path("/proc", str(waiting.pop()))
        with suppress(OSError, ValueError, IndexError):
            resident, shared = (place / "statm").read_text().split()[1:3]
            pages += int(resident) - int(shared)
            for task in (place / "task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
    return pages * os.sysconf("SC_PAGE_SIZE")
