"""The sandbox of Landlock and a filter of kernel calls alone, where bubblewrap cannot be had.

Nothing is mounted and no namespace made. A command works in its task's tree where that lies on the disk, sees the
layers over it by links, and reads what is named to it and nothing else. It has no socket but in pairs. The kernel
cannot tell here whose mode or time a program sets, so no command sets any; and there are things that walls would hide
and this does not, such as which processes run. Hence a person is asked about every command (``tiers.Asked``).
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from socket import socket
from weakref import WeakValueDictionary

from wainwright.domain.errors import SandboxError
from wainwright.sandbox import clearing, guarding, launcher, limits, proof, running
from wainwright.sandbox.environment import environment
from wainwright.sandbox.layers import Layers, Taken
from wainwright.sandbox.protocol import Command, CommandOutcome, SandboxView
from wainwright.sandbox.variables import OFFLINE
from wainwright.sandbox.visible import Visible, interpreters, settings
from wainwright.sandbox.watching import Watch
from wainwright.silence import may_take
from wainwright.waiting import finish_in_thread

ABI_MIN = 3
"""The oldest Landlock that keeps a file from being cut short."""
_ALWAYS = (Path("/proc"),)


@dataclass(frozen=True)
class _Room:
    """Places that one command has for itself."""

    place: Path

    @property
    def home(self) -> Path:
        return self.place / "home"

    @property
    def temporary(self) -> Path:
        return self.place / "tmp"


class Landlocked:
    """Runs commands behind Landlock. Get one from ``prove``, which shows first that it holds on this machine."""

    overlays = False
    unseen: tuple[tuple[str, Path], ...] = ()

    def __init__(self, program: Path, visible: Visible) -> None:
        self.program = program
        self.visible = visible
        self._layers = Layers(overlays=False)
        self._guard = guarding.Guard(guarding.trees(visible))
        self._groups = limits.Groups()
        self._one_at_a_time: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()

    @property
    def tier(self) -> str:
        """What holds a command; see ``Sandbox.tier``."""
        return f"Landlock {launcher.landlock()} + seccomp"

    @property
    def bounds_memory(self) -> bool:
        """Whether the kernel bounds what a command takes of the memory; else it is looked at once a second."""
        return self._groups.bound_memory

    def settings(self) -> list[str]:
        """What decides how commands end beside their tree and programs: it differs when they may end another way."""
        return settings(self.visible)

    async def run(self, command: Command, view: SandboxView) -> CommandOutcome:
        """Run to the end, without any network; see ``Sandbox.run``. Commands on the same tree wait for each other."""
        turn = self._one_at_a_time.setdefault(view.tree, asyncio.Lock())
        group = self._groups.open()
        try:
            async with turn, self._taken(view) as taken, _room(view) as room:
                with _shared(command.shared), _linked(taken):
                    writable = _writable(taken, command, room)
                    fence = launcher.alone(self.program, self._readable(taken), writable)
                    start = running.Start(
                        lambda told: [*launcher.over(self.program, told, group.places), *fence],
                        env={**self._environment(taken, room), **command.env},
                        cwd=view.tree / view.cwd / command.cwd,
                        ends_all=True,
                    )
                    with may_take(command.timeout_s):
                        return await running.run(start, command, Watch(view.tree, writable, group))
        finally:
            self._groups.close(group)

    def spawn_detached(
        self,
        argv: tuple[str, ...],
        view: SandboxView,
        *,
        env: Mapping[str, str],
        log: Path,
        door: socket,
        cwd: str = ".",
    ) -> tuple[int, float]:
        """Nothing is served: a service would have this machine's network, and outlive whoever ends what it leaves."""
        raise SandboxError(f"No service is started behind {self.tier}.", "See `wainwright doctor`.")

    @asynccontextmanager
    async def _taken(self, view: SandboxView) -> AsyncIterator[Taken]:
        if any((view.tree / one).exists() for one in view.protected):
            # Landlock opens a tree as a whole.
            raise SandboxError(
                f"{view.tree} holds what no command may change.", "Work where git's folder lies elsewhere."
            )
        taken = await finish_in_thread(self._layers.take, view)
        try:
            yield taken
        finally:
            await finish_in_thread(self._layers.give_back, taken)

    def _readable(self, taken: Taken) -> list[Path]:
        visible = self.visible
        hidden = frozenset(place for place, _ in self._guard.hidden())
        sources = [mount.source for mount in taken.mounts]
        shown = (
            *(*visible.system, *visible.toolchains, *visible.programs),
            *(store.of for store in visible.stores if not store.built),
            *interpreters(visible, sources[1:]),
            *taken.view.readable,
        )
        opened = [place for one in shown for place in _without(one, hidden)]
        return [*_ALWAYS, *opened, *sources]

    def _environment(self, taken: Taken, room: _Room) -> dict[str, str]:
        view, visible = taken.view, self.visible
        tree = view.tree
        seen = (*visible.system, *visible.toolchains, *(link for _, link in visible.links), tree)
        variables = {**OFFLINE, **environment(visible, tree, taken.mounts[1:], seen)}
        cache = view.cache / "home" if view.cache is not None else room.home / ".cache"
        return {
            **variables,
            "HOME": str(room.home),
            "TMPDIR": str(room.temporary),
            "XDG_CACHE_HOME": str(cache),
        }


def _writable(taken: Taken, command: Command, room: _Room) -> list[Path]:
    cache = taken.view.cache
    if cache is not None:
        (cache / "home").mkdir(parents=True, exist_ok=True, mode=0o700)
    return [
        *(mount.source for mount in taken.mounts if mount.writable),
        room.place,
        *(directory for directory, _ in command.shared),
        *([cache / "home"] if cache is not None else []),
    ]


def _without(place: Path, hidden: frozenset[Path]) -> Iterator[Path]:
    """The largest parts of a place that hold nothing of what is to be hidden; never a link, which opens its end."""
    if place in hidden:
        return
    beneath = frozenset(one for one in hidden if one.is_relative_to(place))
    if not beneath:
        yield place
        return
    with suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            if not entry.is_symlink():
                yield from _without(Path(entry.path), beneath)


@asynccontextmanager
async def _room(view: SandboxView) -> AsyncIterator[_Room]:
    view.beside.mkdir(mode=0o700, exist_ok=True)
    room = _Room(Path(tempfile.mkdtemp(prefix="room-", dir=view.beside)))
    room.home.mkdir(mode=0o700)
    room.temporary.mkdir(mode=0o700)
    try:
        yield room
    finally:
        with suppress(OSError):
            await finish_in_thread(clearing.remove, room.place)
        with suppress(OSError):
            view.beside.rmdir()


@contextmanager
def _linked(taken: Taken) -> Iterator[None]:
    """Links in place of what would be mounted, for as long as a command runs."""
    tree = taken.view.tree
    links = [(tree / mount.at, mount.source) for mount in taken.mounts[1:] if mount.source.is_dir()]
    for link, source in links:
        with suppress(OSError):  # the task has files of its own there
            link.rmdir()
            link.symlink_to(source)
    try:
        yield
    finally:
        for link, source in links:
            if link.is_symlink() and link.readlink() == source:
                link.unlink()
                link.mkdir()


@contextmanager
def _shared(shared: Iterable[tuple[Path, Path]]) -> Iterator[None]:
    """Links at the paths by which a command knows what it leaves for us, none of which may be there before."""
    with ExitStack() as made:
        for directory, path in shared:
            try:
                path.symlink_to(directory)
            except OSError as error:
                raise SandboxError(f"{path} cannot be made: {error.strerror}.", "Remove it.") from error
            made.callback(path.unlink, missing_ok=True)
        yield


async def prove(state: Path, visible: Visible) -> Landlocked:
    """Attempt what must be impossible behind Landlock; the sandbox is returned only if all of it failed.

    Raises SandboxError with what is missing or which act succeeded.
    """
    if launcher.landlock() < ABI_MIN:
        raise SandboxError(f"The kernel has no Landlock of version {ABI_MIN} or newer.", "Linux 6.2 has one.")
    program = await asyncio.to_thread(partial(launcher.install, state))
    sandbox = Landlocked(program, visible)
    await proof.attempt_the_forbidden(sandbox, state, visible)
    return sandbox
