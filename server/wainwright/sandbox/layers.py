"""What lies where in a command's view: the tree, the layers over it, and where writes to them go.

Where overlays can be mounted a command writes to directories of its own, and nothing that lies beneath is touched.
What it wrote to its tree is moved into the tree when it has ended. Elsewhere the tree is written in place, and a
layer that may be written to is a copy.
"""

import os
import stat
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from wainwright.domain.errors import SandboxError
from wainwright.sandbox import clearing, programs
from wainwright.sandbox.merging import merge, written
from wainwright.sandbox.mount_points import MountPoints, holds_file
from wainwright.sandbox.protocol import Layer, SandboxView

_SCRATCH = "command-"
_KEPT = "kept"
_WORK = ".work-"


@dataclass(frozen=True)
class Overlay:
    """One overlay for the launcher to mount; without ``upper`` it is read-only."""

    target: Path
    lower: tuple[Path, ...]
    upper: Path | None = None
    work: Path | None = None


@dataclass(frozen=True)
class Mount:
    """One thing for bubblewrap to show at a path of the tree: a place of the host, or a target of the launcher."""

    source: Path
    at: Path
    writable: bool
    shows: tuple[Path, ...] = ()
    """The directories of the host that are seen there."""


@dataclass
class Taken:
    """What was set up for one command."""

    view: SandboxView
    overlays: list[Overlay] = field(default_factory=list)
    mounts: list[Mount] = field(default_factory=list)
    """The tree first, at the empty path."""
    stores: list[Mount] = field(default_factory=list)
    """What lies outside the tree, each at its absolute path."""
    hidden: tuple[tuple[Path, bool], ...] = ()
    """What lies in shown places of the machine and must not be seen, with whether it is a folder."""
    doors: list[Path] = field(default_factory=list)
    """What lies in layers and has no end here: sockets, pipes."""
    points: tuple[Path, ...] = ()
    scratch: Path | None = None
    tree_upper: Path | None = None
    """Where what is written to the tree goes."""
    merged: Path | None = None
    """The upper directory that is moved into the tree in the end."""


class Layers:
    """Sets up what one command after the other sees. Every method may be called from several threads."""

    def __init__(self, *, overlays: bool) -> None:
        self.overlays = overlays
        self._points = MountPoints()
        self._changing = threading.Lock()

    def take(self, view: SandboxView) -> Taken:
        """Make what a command with this view needs. Raises SandboxError; OSError when the disk refuses."""
        if not view.tree.is_dir():
            raise SandboxError(f"The task's tree {view.tree} is gone.", "Start the task again.")
        shown = [layer for layer in (_that_exists(layer) for layer in view.layers) if layer is not None]
        files = [layer for layer in shown if layer.sources[0].is_file() and holds_file(view.tree, layer.at)]
        folders = [layer for layer in shown if layer.sources[0].is_dir()]
        with self._changing:
            points = self._points.take(view.tree, [layer.at for layer in folders])
        taken = Taken(view=view, points=points)
        try:
            self._tree(taken)
            for layer in shown:
                if layer in files:
                    taken.mounts.append(Mount(source=layer.sources[0], at=layer.at, writable=False))
                elif layer.at in points:
                    self._layer(taken, layer)
        except BaseException:
            self.give_back(taken)
            raise
        return taken

    def written(self, taken: Taken) -> tuple[str, ...]:
        """Files of the tree that the command has written or deleted; none where it wrote to the tree itself."""
        return written(taken.tree_upper, taken.view.tree) if taken.tree_upper is not None else ()

    def give_back(self, taken: Taken) -> None:
        """Move what the command wrote to where it stays, and remove what was made for it alone."""
        with self._changing:
            try:
                if taken.merged is not None:
                    kept_out = {*taken.view.protected, *(mount.at for mount in taken.mounts if mount.at.name)}
                    merge(taken.merged, taken.view.tree, kept_out)
            finally:
                self._points.give_back(taken.view.tree, taken.points)
                _remove_work(taken)

    def _tree(self, taken: Taken) -> None:
        view = taken.view
        writable = view.writes != "refused"
        source = view.tree
        if writable and self.overlays:
            laid = overlay(taken, (view.tree,), writable=True)
            source = laid.target
            taken.tree_upper = laid.upper
            taken.merged = laid.upper if view.writes == "kept" else None
        taken.mounts.append(Mount(source=source, at=Path(), writable=writable))

    def _layer(self, taken: Taken, layer: Layer) -> None:
        writable = layer.writes != "refused"
        if not writable and not self.overlays and len(layer.sources) == 1:
            source = layer.sources[0]
            taken.doors += [taken.view.at / layer.at / inside for inside in _doors(source)]
        elif self.overlays:
            upper = _upper(taken.view, layer) if layer.writes == "kept" else None
            source = overlay(taken, layer.sources, writable=writable, upper=upper).target
        else:
            source = _copied(taken, layer)
        taken.mounts.append(Mount(source=source, at=layer.at, writable=writable, shows=layer.sources))


def _that_exists(layer: Layer) -> Layer | None:
    there = tuple(source for source in layer.sources if source.exists() and not source.is_symlink())
    return layer.model_copy(update={"sources": there}) if there else None


def _scratch(taken: Taken) -> Path:
    if taken.scratch is None:
        taken.view.beside.mkdir(mode=0o700, exist_ok=True)
        taken.scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=taken.view.beside))
    return taken.scratch


def _upper(view: SandboxView, layer: Layer) -> Path:
    """Where what is written to a layer is kept; one folder a path, so that no name of one lies within another's."""
    return layer.upper or view.beside / _KEPT / quote(layer.at.as_posix(), safe="")


def written_to(view: SandboxView) -> list[str]:
    """The layers beside a tree to which commands have written, by their paths in it. It goes when the tree goes."""
    kept = view.beside / _KEPT
    uppers = sorted(kept.iterdir()) if kept.is_dir() else []
    return [
        unquote(one.name)
        for one in uppers
        if _WORK not in one.name and any(files for _, _, files in os.walk(one))
    ]


def overlay(taken: Taken, lower: tuple[Path, ...], *, writable: bool, upper: Path | None = None) -> Overlay:
    """Have directories mounted one above the other; what is written goes to ``upper``, or goes with the command.

    Nobody listens at a socket or pipe that is seen so: it is another one than that of the host.
    """
    number = len(taken.overlays)
    target = _scratch(taken) / f"{number}.merged"
    target.mkdir()
    if not writable and len(lower) == 1:
        # The kernel mounts no fewer than two.
        beneath = _scratch(taken) / "nothing"
        beneath.mkdir(exist_ok=True)
        lower = (*lower, beneath)
    work = None
    if writable:
        upper = upper or _scratch(taken) / f"{number}.upper"
        _make_like(upper, lower[0])
        # Two commands that write to the same upper directory may not share this one.
        work = upper.with_name(f"{upper.name}{_WORK}{_scratch(taken).name.removeprefix(_SCRATCH)}")
        work.mkdir(mode=0o700)
    laid = Overlay(target=target, lower=lower, upper=upper, work=work)
    taken.overlays.append(laid)
    return laid


def _doors(folder: Path) -> Iterator[Path]:
    """What is neither a file nor a folder nor a link: at the other end of it may be a process of the host."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if stat.S_IFMT(path.lstat().st_mode) not in (stat.S_IFREG, stat.S_IFLNK):
                yield path.relative_to(folder)


def _make_like(upper: Path, lower: Path) -> None:
    """The upper directory's mode and owner are those of the merged one."""
    if upper.is_dir():
        return
    upper.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    upper.mkdir(mode=0o700)
    known = lower.stat()
    if os.getuid() == 0:
        os.chown(upper, known.st_uid, known.st_gid)
    upper.chmod(stat.S_IMODE(known.st_mode) | 0o700)


def _copied(taken: Taken, layer: Layer) -> Path:
    """A copy of a layer's sources: one for each command, or one for as long as its writes are kept."""
    upper = _upper(taken.view, layer) if layer.writes == "kept" else None
    if upper is not None and upper.is_dir():
        return upper
    fresh = Path(tempfile.mkdtemp(prefix="copy-", dir=_scratch(taken)))
    for source in reversed(layer.sources):
        # The program knows how to share blocks where the file system can.
        copying = [programs.needed("cp"), "-a", "--reflink=auto", "--", f"{source}/.", str(fresh)]
        copied = subprocess.run(copying, capture_output=True, text=True, check=False)
        if copied.returncode != 0:
            raise SandboxError(
                f"{source} could not be copied for the task: {copied.stderr.strip()[-300:]}",
                "Make room on the disk of the state directory.",
            )
    if upper is None:
        return fresh
    upper.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(OSError):
        # Another command may have been first: then its copy is the one.
        fresh.rename(upper)
    return upper


def _remove_work(taken: Taken) -> None:
    """What cannot be removed now goes with the tree."""
    scratch = taken.scratch
    if scratch is None:
        return
    works = (overlay.work for overlay in taken.overlays)
    for place in (*(one for one in works if one is not None and one.parent != scratch), scratch):
        with suppress(OSError):
            clearing.remove(place)
    with suppress(OSError):
        taken.view.beside.rmdir()
