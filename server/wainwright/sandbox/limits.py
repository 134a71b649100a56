"""How much a command may take: processes, memory, the size of a file, the disk.

The launcher sets limits *inside* the user namespace: there a process limit counts the sandbox's own processes only,
not everything the person runs. The kernel does not enforce that limit for uid 0, nor for who is uid 0 under another
name in a user namespace. Memory it counts for control groups only, so a command gets groups of its own where this
process may make any; elsewhere, and for the disk, somebody looks now and then (``watching``).
"""

import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROCESSES_MAX = 1024
DESCRIPTORS_MAX = 8192
"""Of each process: one without end would take what all of this machine share."""
FILE_BYTES_MAX = 2 * 1024**3
MEMORY_FILES_BYTES_MAX = 1024**3
WRITTEN_BYTES_MAX = 20 * 1024**3
"""What one command may write to the disk."""
DISK_RESERVE_BYTES = 512 * 1024**2
"""What a command has to leave free."""

_MOUNT = Path("/sys/fs/cgroup")
_PREFIX = "wainwright-"
_NUMBERS = itertools.count()
"""A group counts what was ended in it: no two commands have had the same."""


def memory_max() -> int:
    """What one command may take of this machine's memory: half of it, and as much as a compiler needs in any case."""
    return max(2 * 1024**3, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)


class Group(NamedTuple):
    """The control groups of one command: none, one, or one a controller."""

    places: tuple[Path, ...]

    @property
    def bounds_memory(self) -> bool:
        """Whether the kernel sees to the memory."""
        return any((place / name).exists() for place in self.places for name, _ in _MEMORY[:2])

    @property
    def bounds_processes(self) -> bool:
        """Whether the kernel sees to the number of processes, whoever they belong to."""
        return any((place / "pids.max").exists() for place in self.places)

    def ran_out(self) -> bool:
        """Whether something in it was ended because there was no more memory."""
        for place in self.places:
            for name in ("memory.events", "memory.oom_control"):
                with suppress(OSError):
                    counts = dict(line.split() for line in (place / name).read_text().splitlines())
                    if int(counts.get("oom_kill", 0)):
                        return True
        return False


_MEMORY = (
    ("memory.max", ""),
    ("memory.limit_in_bytes", ""),
    ("memory.memsw.limit_in_bytes", ""),
    ("memory.swap.max", "0"),
)
"""What holds the limit of memory, in the one version and the other; and what goes to the disk instead."""


class Groups:
    """Makes control groups, where this process may. Every method may be called from several threads."""

    def __init__(self) -> None:
        self._bases = _bases()
        self._left: list[Path] = []
        self._closing = threading.Lock()
        for base in self._bases:
            _sweep(base)

    @property
    def bound_processes(self) -> bool:
        """Whether the kernel bounds a command's number of processes; else it is looked at now and then."""
        return not _is_root() or any(_has(base, "pids.max") for base in self._bases)

    @property
    def bound_memory(self) -> bool:
        """Whether the kernel bounds a command's memory; else it is looked at now and then."""
        return any(_has(base, "memory.max", "memory.limit_in_bytes") for base in self._bases)

    def open(self) -> Group:
        """New groups, as many as are to be had."""
        places = []
        for base in self._bases:
            place = base / f"{_PREFIX}{os.getpid()}-{next(_NUMBERS)}"
            place.mkdir(exist_ok=True)
            places.append(place)
            for name, text in (("pids.max", str(PROCESSES_MAX)), *_MEMORY):
                with suppress(OSError):  # most often, that no such file is there: none can be made here
                    _write(place / name, text or str(memory_max()))
        return Group(tuple(places))

    def close(self, group: Group) -> None:
        """Remove empty groups; one in which something still ends is left for the next time."""
        with self._closing:
            places, self._left = [*self._left, *group.places], []
            for place in places:
                try:
                    place.rmdir()
                except OSError:
                    self._left.append(place)


def _write(place: Path, text: str) -> None:
    descriptor = os.open(place, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _is_root() -> bool:
    """Whether the kernel may take this process for uid 0, whatever it is called in a user namespace."""
    with suppress(OSError):
        for line in Path("/proc/self/uid_map").read_text().splitlines():
            inside, outside, many = map(int, line.split())
            if inside <= os.getuid() < inside + many:
                return os.getuid() - inside + outside == 0
    return os.getuid() == 0


def _sweep(base: Path) -> None:
    for group in base.glob(f"{_PREFIX}*"):
        owner = group.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            with suppress(OSError):
                group.rmdir()


def _bases() -> tuple[Path, ...]:
    """Directories below which a new group bounds something: as near to this process as can be, one a controller.

    What bounds this process, a container for one, bounds its commands then, too.
    """
    found: list[Path] = []
    for controllers, candidates in _candidates():
        limits = [f"{name}.max" for name in controllers] + ["memory.limit_in_bytes"]
        usable = (base for base in candidates if base not in found and _makes(base, limits))
        if base := next(usable, None):
            found.append(base)
    return tuple(found)


def _candidates() -> Iterator[tuple[tuple[str, ...], list[Path]]]:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, named, own = line.split(":", 2)
        for name in ("pids", "memory"):
            if name in named.split(","):
                top = _MOUNT / name
                yield (name,), [top / own.lstrip("/"), top]
        if not named:
            # A group with processes has no groups with limits below it, but others beside it.
            places = [_MOUNT / own.lstrip("/"), *(_MOUNT / own.lstrip("/")).parents]
            yield ("memory", "pids"), [place for place in places if place.is_relative_to(_MOUNT)]


def _makes(base: Path, limits: list[str]) -> bool:
    """Whether a group can be made here that has one of these limits, and be entered from where this process is."""
    if not os.access(base / "cgroup.procs", os.W_OK):
        return False
    trial = base / f"{_PREFIX}{os.getpid()}-trial"
    try:
        trial.mkdir(exist_ok=True)
    except OSError:
        return False
    usable = any((trial / name).exists() for name in limits)
    with suppress(OSError):
        trial.rmdir()
    return usable


def _has(base: Path, *names: str) -> bool:
    """A group's files are those of its children, but for the uppermost, which has no limits."""
    if any((base / name).exists() for name in names):
        return True
    said = base / "cgroup.subtree_control"
    wanted = {name.partition(".")[0] for name in names}
    if said.exists():
        return bool(wanted & set(said.read_text().split()))
    return base.name in wanted
