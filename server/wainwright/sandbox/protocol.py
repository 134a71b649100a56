"""What a sandbox is asked to do and what it answers; knows nothing of how the walls are built."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from socket import socket
from typing import Annotated, Literal, Protocol, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("a NUL byte cannot be part of an argument or of the environment")
    return text


def _absolute(path: Path) -> Path:
    if not path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{path} is not an absolute path without '..'")
    return path


def _beneath(path: Path) -> Path:
    if path.is_absolute() or ".." in path.parts or path == Path():
        raise ValueError(f"{path} does not stay beneath the tree")
    return path


Text = Annotated[str, AfterValidator(_without_nul)]
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
PathBeneath = Annotated[Path, AfterValidator(_beneath)]


Writes = Literal["kept", "dropped", "refused"]
"""What becomes of what a command writes: it stays for the next command, it is gone with the command, it fails."""


class Layer(BaseModel):
    """Something of the host that lies over a part of the tree.

    ``sources`` are directories that lie one above the other, the uppermost first, or one regular file, which is
    always shown read-only. No source is ever changed: what is ``kept`` goes to ``upper``, a directory that this layer
    has for itself (made when missing; by default one beside the tree). A file or link of the tree at ``at`` wins over
    a layer of directories; a layer of a file needs a file there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: PathBeneath
    sources: Annotated[tuple[AbsolutePath, ...], Field(min_length=1)]
    writes: Writes = "refused"
    upper: AbsolutePath | None = None

    @model_validator(mode="after")
    def _only_what_is_kept_has_a_place(self) -> Self:
        if self.upper is not None and self.writes != "kept":
            raise ValueError("only a layer whose writes are kept has an upper directory")
        return self


class SandboxView(BaseModel):
    """Which files a command sees.

    ``tree`` is the host directory with the task's files; it appears at ``at``, the path of the person's own
    workspace or of the repository around it. ``writes`` says what becomes of writes to it. Where overlays can be
    mounted no file of the tree is ever written in place: it may be a hard link. What a command wrote is moved into
    the tree when it has ended, however it ended. Elsewhere what is to be dropped stays, too, and the caller throws
    the tree away. ``layers`` lie over the tree, later ones over earlier ones. ``cwd`` is where commands start,
    relative to ``at``. ``protected`` names what stays read-only in a writable tree: the host runs git on the
    tree later, so a command must not plant a hook or a filter there. ``readable`` are host paths that are shown
    read-only at their own path. ``cache``, if given, is a host directory for what programs write to ``~/.cache`` and
    to the person's stores of packages and built things: it saves the next command from building everything again.
    Those of ``cache_beneath`` are earlier ones, the uppermost first, that are read and not changed. Whoever may write
    to a cache can mislead whoever reads it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tree: AbsolutePath
    at: AbsolutePath
    writes: Writes = "kept"
    layers: tuple[Layer, ...] = ()
    cwd: Text = "."
    protected: tuple[PathBeneath, ...] = (Path(".git"),)
    readable: tuple[AbsolutePath, ...] = ()
    cache: AbsolutePath | None = None
    cache_beneath: tuple[AbsolutePath, ...] = ()

    @property
    def beside(self) -> Path:
        """The directory beside the tree for what commands write; it goes when the tree goes."""
        return layers_beside(self.tree)


def layers_beside(tree: Path) -> Path:
    """Where a tree's layers keep what commands write."""
    return tree.with_name(f"{tree.name}.layers")


class Command(BaseModel):
    """One program to run; ``cwd`` is relative to the view's ``cwd``, ``env`` is added to the sandbox's own.

    ``shared`` are pairs of a host directory and the absolute path at which this command alone finds it, writable: for
    what a command leaves where no other command sees it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    argv: Annotated[tuple[Text, ...], Field(min_length=1)]
    cwd: Text = "."
    env: dict[Text, Text] = {}
    stdin: bytes | None = None
    shared: tuple[tuple[AbsolutePath, AbsolutePath], ...] = ()
    timeout_s: Annotated[float, Field(gt=0)]
    output_bytes_max: Annotated[int, Field(ge=2)] = 60_000


class CommandOutcome(BaseModel):
    """How a command ended.

    ``exit`` is None when it was stopped at its time limit; 128 + n when signal n ended it. ``output`` is stdout and
    stderr as they came, with a line in the middle that says how many bytes were cut when ``truncated``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    exit: int | None
    output: str
    truncated: bool
    timed_out: bool
    seconds: float
    wrote: tuple[str, ...] = ()
    """Files of its tree that it changed or deleted, where that can be told: trees that are overlays."""


class Sandbox(Protocol):
    """Walls around a program that a model chose."""

    @property
    def tier(self) -> str:
        """Name of the kind of walls, for the record: ``bubblewrap``."""
        ...

    @property
    def overlays(self) -> bool:
        """Whether layers are mounted; else those that may be written to are copies; trees are written in place."""
        ...

    def settings(self) -> list[str]:
        """What decides how commands end beside their tree and programs: it differs when they may end another way."""
        ...

    async def run(self, command: Command, view: SandboxView) -> CommandOutcome:
        """Run to the end, without any network. Nothing it started is left when this returns or is cancelled.

        Raises SandboxError when the walls could not be built; a command that fails is an CommandOutcome.
        """
        ...

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
        """Start a service that outlives this process; it sees the tree read-only, and no network but its own.

        What comes to ``door``, a socket that listens, reaches the same port of the loopback inside. Output is
        appended to ``log``. Returns the process id and start time, which together name it for ever (see
        ``identity``). Blocks for some milliseconds. Raises SandboxError when it could not be started.
        """
        ...


def inside(view: SandboxView, relative: str) -> PurePosixPath:
    """Absolute path, as the command sees it, of ``relative`` to where commands start."""
    return PurePosixPath(view.at) / view.cwd / relative
