"""The sandbox made of bubblewrap: own namespaces, an allow-list of mounts, no capability, no network."""

import asyncio
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from socket import socket

from pydantic import BaseModel, ConfigDict

from wainwright.domain.errors import SandboxError
from wainwright.domain.tiers import reaching
from wainwright.sandbox import (
    egress,
    forwarding,
    guarding,
    launcher,
    limits,
    orphans,
    programs,
    proof,
    running,
    stores,
)
from wainwright.sandbox.environment import environment
from wainwright.sandbox.identity import start_time
from wainwright.sandbox.layers import Layers, Mount, Overlay, Taken
from wainwright.sandbox.protocol import Command, CommandOutcome, SandboxView, inside
from wainwright.sandbox.toolchains import find, user
from wainwright.sandbox.variables import OFFLINE, through
from wainwright.sandbox.visible import Visible, interpreters, settings, survey
from wainwright.sandbox.watching import Watch
from wainwright.silence import may_take
from wainwright.waiting import finish_in_thread

_DETACHED_START_S = 10.0
TOOLCHAINS = "toolchains"
"""Folder of the state directory with what toolchains said of themselves."""
_UNUSABLE = tuple(Path(p) for p in ("/", "/usr", "/etc", "/bin", "/lib", "/proc", "/dev", "/sys", "/tmp"))  # noqa: S108


_KEYS = [
    word
    for names in ("/proc/keys", "/proc/key-users")
    if Path(names).exists()
    for word in ("--ro-bind", "/dev/null", names)
]
"""What hides the names of the person's keys, where the kernel has any."""


class Tools(BaseModel):
    """Programs of the host that build the walls, and what this bubblewrap and this kernel can do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bwrap: str
    setsid: str
    launcher: Path
    forbids_user_namespaces: bool
    sizes: bool
    landlock: int
    """Its version; 0 where the kernel has none."""


@dataclass
class _Laid:
    """What was set up for one command, and what it wrote, which is known in the end."""

    taken: Taken
    group: limits.Group
    wrote: tuple[str, ...] = ()


class Bubblewrap:
    """Runs commands in bubblewrap. Get one from ``prove``, which shows first that its walls hold on this machine."""

    def __init__(
        self, tools: Tools, visible: Visible, *, overlays: bool, way_out: egress.Egress | None = None
    ) -> None:
        self._tools = tools
        self._visible = visible
        self._way_out = way_out
        self._layers = Layers(overlays=overlays)
        self._guard = guarding.Guard(guarding.trees(visible))
        self._groups = limits.Groups()
        # What is the same for most commands takes longer to say than all else.
        self._hiding = lru_cache(maxsize=4)(self._said_of_hidden)
        self._home = lru_cache(maxsize=32)(self._home_beside)
        self.why_copies = ""
        """Why layers are copied; empty where they are mounted."""

    @property
    def tier(self) -> str:
        """What the walls are made of; see ``Sandbox.tier``."""
        beyond = f" + Landlock {self._tools.landlock}" if self._tools.landlock else ""
        return reaching(f"bubblewrap + seccomp{beyond}", self.reaches)

    @property
    def overlays(self) -> bool:
        """Whether layers are mounted on this machine; see ``Sandbox.overlays``."""
        return self._layers.overlays

    @property
    def bounds_processes(self) -> bool:
        """Whether the kernel bounds the number of processes; else it is looked at five times a second."""
        return self._groups.bound_processes

    @property
    def bounds_memory(self) -> bool:
        """Whether the kernel bounds what a command takes of the memory; else it is looked at once a second."""
        return self._groups.bound_memory

    @property
    def unseen(self) -> tuple[tuple[str, Path], ...]:
        """Programs of the person's PATH that commands do not find, with where they lie."""
        return self._visible.unseen

    def settings(self) -> list[str]:
        """What decides how commands end beside their tree and programs: it differs when they may end another way."""
        return [*settings(self._visible), *(self._way_out.hosts if self._way_out else ())]

    @property
    def reaches(self) -> list[str]:
        """The hosts that commands can reach, with their ports; see ``egress``."""
        return self._way_out.hosts if self._way_out else []

    async def run(self, command: Command, view: SandboxView) -> CommandOutcome:
        """Run to the end, without any network but the hosts of a list; see ``Sandbox.run``."""
        async with self._laid(view) as laid, self._door() as (door, refused):
            taken = laid.taken
            env = command.env if door is None else {**through(egress.PORT), **command.env}
            walls = [
                *(self._tools.bwrap, "--unshare-all", "--die-with-parent"),
                *orphans.mark(),
                *self._walls(taken, env, command.cwd, command.shared),
            ]
            way_out = None if door is None else (door, egress.PORT)
            fence = launcher.inside(self._writable(taken, command.shared), way_out)
            before = partial(self._before, laid.group, taken.overlays, die_with_parent=True)
            start = running.Start(
                lambda told: [*before(told), *walls, "--json-status-fd", str(told), "--", *fence],
                passed=() if door is None else (door,),
            )
            watch = Watch(view.tree, _written(taken), laid.group)
            with may_take(command.timeout_s):
                outcome = await running.run(start, command, watch)
        told = "".join(f"\n[{line}]" for line in refused)
        return outcome.model_copy(update={"wrote": laid.wrote, "output": outcome.output + told})

    @asynccontextmanager
    async def _door(self) -> AsyncIterator[tuple[int | None, list[str]]]:
        """The descriptor for a command's way out, where there is one, and what is refused on it."""
        if self._way_out is None:
            yield None, []
            return
        async with self._way_out.door() as (descriptor, refused):
            yield descriptor, refused

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
        """Start a service that outlives this process; see ``Sandbox.spawn_detached``.

        The process returned is the first of the service's process namespace: whoever kills it kills all of them, and
        it ends by itself when the last of them has ended. It leads a process group with the service in it.
        """
        # Nothing is given back: the service needs it for as long as it runs, which may be longer than we do.
        taken = self._take(_without_writes(view))
        reading, writing = os.pipe()
        try:
            with log.open("ab") as output:
                # setsid forks and ends, so that the service is nobody's child here: no zombie, no signal from us.
                subprocess.run(  # the status of setsid itself; the service goes on
                    [
                        *(self._tools.setsid, "--fork"),
                        *self._before(self._groups.open(), taken.overlays, writing, die_with_parent=False),
                        *(self._tools.bwrap, "--unshare-all", "--info-fd", str(writing)),
                        *self._walls(taken, env, cwd),
                        *("--", *launcher.inside(self._writable(taken)), *argv),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env={},
                    pass_fds=(writing,),
                    check=True,
                )
            os.close(writing)
            writing = -1
            service = _first_process(reading, log)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise SandboxError(f"The service could not be started: {error}.", "Check its command.") from error
        finally:
            os.close(reading)
            if writing >= 0:
                os.close(writing)
        try:
            forwarding.forward(self._tools.launcher, self._tools.setsid, door, service, log)
        except SandboxError:
            with suppress(ProcessLookupError):
                os.kill(service[0], signal.SIGKILL)
            raise
        return service

    def _before(
        self, group: limits.Group, overlays: list[Overlay], report: int, *, die_with_parent: bool
    ) -> list[str]:
        """Words before bubblewrap's own: the launcher does its part and becomes bubblewrap."""
        return launcher.around(
            self._tools.launcher, report, overlays, group.places, die_with_parent=die_with_parent
        )

    @asynccontextmanager
    async def _laid(self, view: SandboxView) -> AsyncIterator[_Laid]:
        """All that one command needs, for as long as it runs; a hop to a thread before it and one behind it."""
        made: list[_Laid] = []  # kept here, so that whoever is cancelled meanwhile gives it back all the same
        try:
            await finish_in_thread(lambda: made.append(self._lay(view)))
            yield made[0]
        finally:
            for laid in made:
                await finish_in_thread(self._clear_away, laid)

    def _lay(self, view: SandboxView) -> _Laid:
        taken = self._take(view)
        try:
            return _Laid(taken, self._groups.open())
        except BaseException:
            self._layers.give_back(taken)
            raise

    def _clear_away(self, laid: _Laid) -> None:
        try:
            laid.wrote = self._layers.written(laid.taken)
        finally:
            try:
                self._layers.give_back(laid.taken)
            finally:
                self._groups.close(laid.group)

    def _take(self, view: SandboxView) -> Taken:
        taken = self._layers.take(_checked(view))
        try:
            taken.hidden = tuple(self._guard.hidden())
            taken.stores = stores.lay(
                taken, self._visible.stores, self._cache_home(view), overlays=self.overlays
            )
        except BaseException:
            self._layers.give_back(taken)
            raise
        return taken

    def _walls(
        self,
        taken: Taken,
        env: Mapping[str, str],
        cwd: str,
        shared: tuple[tuple[Path, Path], ...] = (),
    ) -> list[str]:
        """Arguments of bubblewrap up to the command; later mounts lie over earlier ones."""
        view = taken.view
        arguments = ["--new-session", "--cap-drop", "ALL", "--clearenv", "--unshare-user"]
        if os.getuid() == 0:
            arguments += ["--uid", str(user()), "--gid", str(user())]
        if self._tools.forbids_user_namespaces:
            arguments.append("--disable-userns")
        tree, *layers = taken.mounts
        extra = interpreters(self._visible, [source for mount in layers for source in mount.shows])
        arguments += self._machine(taken, extra)
        arguments += _shown(tree, view)
        for relative in view.protected if tree.writable else ():
            source = view.tree / relative
            # A link here was planted by an earlier command; what it points to is not ours to show.
            if source.exists() and not source.is_symlink():
                arguments += ["--ro-bind", str(source), str(view.at / relative)]
        for mount in layers:
            arguments += _shown(mount, view)
        for door in taken.doors:
            arguments += ["--ro-bind", "/dev/null", str(door)]
        for directory, path in shared:
            arguments += ["--bind", str(directory), str(path)]
        arguments += ["--ro-bind", str(self._tools.launcher), str(launcher.INSIDE)]
        arguments += ["--remount-ro", "/", "--chdir", str(inside(view, cwd))]
        for name, value in {**self._environment(view, layers, extra), **env}.items():
            arguments += ["--setenv", name, value]
        return arguments

    def _writable(self, taken: Taken, shared: tuple[tuple[Path, Path], ...] = ()) -> list[Path]:
        """All places inside that are mounted to be written to, but for the devices."""
        view = taken.view
        laid = [mount for mount in (*taken.mounts, *taken.stores) if mount.writable]
        return [
            *(Path("/tmp"), self._home(view.at), self._cache_home(view)),  # noqa: S108
            *stores.unwritable(self._visible.stores, taken.stores),
            *(view.at / mount.at for mount in laid),
            *(path for _, path in shared),
        ]

    def _machine(self, taken: Taken, extra: tuple[Path, ...]) -> list[str]:
        visible, view = self._visible, taken.view
        arguments: list[str] = []
        for target, link in visible.links:
            arguments += ["--symlink", target, str(link)]
        for directory in visible.system:
            arguments += ["--ro-bind", str(directory), str(directory)]
        # For uid 0 underneath, files below /proc/sys are writable whatever its capabilities: hence read-only twice.
        arguments += [
            "--proc",
            "/proc",
            "--ro-bind",
            "/proc/sys",
            "/proc/sys",
            *_KEYS,
            "--remount-ro",
            "/proc",
        ]
        arguments += ["--dev", "/dev", *self._memory_files("/dev/shm"), "--remount-ro", "/dev"]  # noqa: S108
        arguments += self._memory_files("/tmp")  # noqa: S108
        arguments += self._memory_files(str(self._home(view.at)))
        cache_home = self._cache_home(view)
        if view.cache is None and not cache_home.is_relative_to(self._home(view.at)):
            arguments += self._memory_files(str(cache_home))
        toolchains = (*visible.toolchains, *extra, *visible.programs, *view.readable)
        mounts = [Mount(source=shown, at=shown, writable=False) for shown in toolchains]
        # One may lie within another: a store in a toolchain, a toolchain in ~/.cache.
        for mount in sorted((*mounts, *taken.stores), key=lambda one: len(one.at.parts)):
            arguments += ["--bind" if mount.writable else "--ro-bind-try", str(mount.source), str(mount.at)]
        empty = stores.unwritable(visible.stores, taken.stores)
        for at in empty:
            arguments += self._memory_files(str(at))
        for text, at in visible.files:
            there = (
                self._home(view.at) / at.relative_to(visible.home) if at.is_relative_to(visible.home) else at
            )
            arguments += ["--ro-bind-try", str(text), str(there)]
        arguments += self._hiding(taken.hidden, tuple(empty))
        return arguments

    def _said_of_hidden(self, hidden: tuple[tuple[Path, bool], ...], empty: tuple[Path, ...]) -> list[str]:
        """What lies over credentials and the like; a text of ours in their place stays."""
        ours = {at for _, at in self._visible.files}
        arguments: list[str] = []
        for place, is_folder in hidden:
            if place in ours or any(place.is_relative_to(store) for store in empty):
                continue
            if is_folder:
                arguments += ["--tmpfs", str(place), "--remount-ro", str(place)]
            else:
                arguments += ["--ro-bind", "/dev/null", str(place)]
        return arguments

    def _memory_files(self, at: str) -> list[str]:
        size = ["--size", str(limits.MEMORY_FILES_BYTES_MAX)] if self._tools.sizes else []
        return [*size, "--tmpfs", at]

    def _home_beside(self, at: Path) -> Path:
        """The person's own home path, empty; elsewhere when the workspace is the home directory or above it."""
        home = self._visible.home
        return Path("/dev/shm/home") if home.is_relative_to(at) else home  # noqa: S108

    def _cache_home(self, view: SandboxView) -> Path:
        there = self._visible.cache_home
        return self._home(view.at) / ".cache" if there.is_relative_to(view.at) else there

    def _environment(self, view: SandboxView, layers: list[Mount], extra: tuple[Path, ...]) -> dict[str, str]:
        visible = self._visible
        linked = (link for _, link in visible.links)
        variables = environment(
            visible, view.at, layers, (*visible.system, *visible.toolchains, *extra, view.at, *linked)
        )
        if "XDG_CACHE_HOME" in variables:
            variables["XDG_CACHE_HOME"] = str(self._cache_home(view))
        return {**({} if self._way_out else OFFLINE), **variables, "HOME": str(self._home(view.at))}


def _checked(view: SandboxView) -> SandboxView:
    if view.at in _UNUSABLE:
        raise SandboxError(f"{view.at} cannot be a workspace in the sandbox.", "Open a folder beneath it.")
    return view


def _written(taken: Taken) -> list[Path]:
    """The folders of the host that a command writes to, as far as they are its own."""
    upper = [overlay.upper for overlay in taken.overlays if overlay.upper is not None]
    laid = [mount.source for mount in (*taken.mounts, *taken.stores) if mount.writable]
    return upper or laid


def _without_writes(view: SandboxView) -> SandboxView:
    refused = {"writes": "refused", "upper": None}
    layers = tuple(layer.model_copy(update=refused) for layer in view.layers)
    return view.model_copy(update={"writes": "refused", "layers": layers})


def _shown(mount: Mount, view: SandboxView) -> list[str]:
    return ["--bind" if mount.writable else "--ro-bind", str(mount.source), str(view.at / mount.at)]


async def prove(
    state: Path,
    environment: Mapping[str, str] | None = None,
    *,
    workspace: Path | None = None,
    overlays: bool = True,
    way_out: egress.Egress | None = None,
) -> Bubblewrap:
    """Find bubblewrap and attempt what must be impossible inside; the sandbox is returned only if all of it failed.

    ``state`` is the server's own directory (made when missing): commands must not see it. ``environment`` is the
    person's, by default this process's: PATH, HOME and the variables of toolchains are read from it. No program
    below ``workspace`` is asked about toolchains. Without ``overlays`` layers are copies, as they are where none can
    be mounted. ``way_out``: what commands may reach of the network; None for nothing.
    Raises SandboxError with what is missing or which wall does not hold.
    """
    environment = os.environ if environment is None else environment
    await asyncio.to_thread(orphans.end_orphans)
    visible = await asyncio.to_thread(survey_around, state, environment, workspace)
    tools = await asyncio.to_thread(_find_tools, state)
    plain = Bubblewrap(tools, visible, overlays=False, way_out=way_out)
    layered = Bubblewrap(tools, visible, overlays=True, way_out=way_out)
    plain.why_copies = await _why_copies(layered, state) if overlays else "they are switched off"
    sandbox = plain if plain.why_copies else layered
    await proof.attempt_the_forbidden(sandbox, state, visible)
    return sandbox


async def _why_copies(layered: Bubblewrap, state: Path) -> str:
    """Why no overlay can be mounted; empty when they can."""
    try:
        await proof.attempt_overlays(layered, state)
    except SandboxError as error:
        return error.message
    return ""


def survey_around(state: Path, environment: Mapping[str, str], workspace: Path | None) -> Visible:
    """What commands may see beside a state directory, which is made when missing. Blocks."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = state / TOOLCHAINS
    toolchains = find(environment, kept / "answers.json", workspace)
    return survey(environment, (state, state.resolve()), toolchains, kept)


def _find_tools(state: Path) -> Tools:
    bwrap, setsid = programs.needed("bwrap"), programs.needed("setsid")
    usage = subprocess.run([bwrap, "--help"], capture_output=True, text=True, check=False, timeout=10)
    return Tools(
        bwrap=bwrap,
        setsid=setsid,
        launcher=launcher.install(state),
        forbids_user_namespaces="--disable-userns" in usage.stdout,
        sizes="--size" in usage.stdout,
        landlock=launcher.landlock(),
    )


def _first_process(information: int, log: Path) -> tuple[int, float]:
    """Read from bubblewrap who is the first process of the new namespace."""
    deadline = time.monotonic() + _DETACHED_START_S
    told = b""
    while time.monotonic() < deadline:
        ready, _, _ = select.select([information], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(information, running.READ_BYTES) if ready else b""
        told += chunk
        if not chunk or b"}" in told or launcher.complaint(told):
            break
    with suppress(ValueError):
        pid = int(json.loads(told)["child-pid"])
        started = start_time(pid)
        if started is not None:
            return pid, started
    lines = log.read_text(errors="replace").splitlines()[-5:]
    why = launcher.complaint(told) or " ".join(lines)
    raise SandboxError(f"The service's sandbox could not be built: {why}", "Check its tree and command.")
