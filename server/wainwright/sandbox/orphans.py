"""Sandboxes that outlived the process that started them: they are found by a mark, and ended at the next start.

Each program on the way to a command asks the kernel to die with its parent, but only after it was started: whoever is
killed in that moment leaves it behind, waiting for ever. The mark is a word that bubblewrap is given and does nothing
with, the name of a variable that nobody has; it is in the arguments of all programs on the way, and names the process
that started them, with its start time and its process namespace, since others' ids mean nothing here.
"""

import functools
import os
import re
import signal
from contextlib import suppress
from pathlib import Path

import structlog

from wainwright.sandbox.identity import start_time

log = structlog.get_logger()

_PREFIX = "WAINWRIGHT_STARTED_BY"
_MARK = re.compile(rb"\0--unsetenv\0" + _PREFIX.encode() + rb"_(\d+)_(\d+)_(\d+)\0")


def mark() -> tuple[str, str]:
    """Words for bubblewrap that name this process."""
    return _mark(os.getpid())


@functools.cache
def _mark(pid: int) -> tuple[str, str]:
    return "--unsetenv", f"{_PREFIX}_{_namespace()}_{pid}_{int(start_time(pid) or 0)}"


def end(pid: int) -> None:
    """End a program on the way to a command of this process; nothing else, whoever has that id by now."""
    with suppress(OSError):
        if mark()[1].encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            os.kill(pid, signal.SIGKILL)


def end_orphans() -> int:
    """End sandboxes whose process has died, and return how many programs that were. Never raises."""
    ended = 0
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended by itself, or is not ours
            found = _MARK.search((place / "cmdline").read_bytes())
            if found is not None and _died(*map(int, found.groups())):
                os.kill(int(place.name), signal.SIGKILL)
                ended += 1
    if ended:
        log.warning("sandbox.orphans_ended", programs=ended)
    return ended


def _died(namespace: int, owner: int, started: int) -> bool:
    return namespace == _namespace() and start_time(owner) != started


def _namespace() -> int:
    """The process namespace that ids are told in."""
    with suppress(OSError):
        return Path("/proc/self/ns/pid").stat().st_ino
    return 0
