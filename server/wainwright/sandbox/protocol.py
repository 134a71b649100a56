"""What a sandbox is asked to do and what it answers; knows nothing of how the walls are built."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


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


class SandboxView(BaseModel):
    """Which files a command sees.

    ``tree`` is the host directory with the task's files; it appears at ``at``, the path of the person's own
    workspace. Each directory of ``beneath`` that exists in ``dependencies_from`` appears at ``at``/<dir>: read-only,
    or with writes that vanish after the command where bubblewrap can do so. ``protected`` names what stays read-only
    in a writable tree: the host runs git on the tree later, so a command must not plant a hook or a filter there.
    ``cache``, if given, is a host directory that commands find as ``~/.cache``: what compilers keep there saves the
    next command from building everything again. Whoever may write to it can mislead whoever reads it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tree: AbsolutePath
    at: AbsolutePath
    beneath: tuple[PathBeneath, ...] = ()
    dependencies_from: AbsolutePath | None = None
    writable: bool = True
    protected: tuple[PathBeneath, ...] = (Path(".git"),)
    cache: AbsolutePath | None = None


class Command(BaseModel):
    """One program to run; ``cwd`` is relative to the view's ``at``, ``env`` is added to the sandbox's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    argv: Annotated[tuple[Text, ...], Field(min_length=1)]
    cwd: Text = "."
    env: dict[Text, Text] = {}
    stdin: bytes | None = None
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


class Sandbox(Protocol):
    """Walls around a program that a model chose."""

    @property
    def tier(self) -> str:
        """Name of the kind of walls, for the record: ``bubblewrap``."""
        ...

    async def run(self, command: Command, view: SandboxView) -> CommandOutcome:
        """Run to the end, without any network. Nothing it started is left when this returns or is cancelled.

        Raises SandboxError when the walls could not be built; a command that fails is an CommandOutcome.
        """
        ...

    def spawn_detached(
        self, argv: tuple[str, ...], view: SandboxView, *, env: Mapping[str, str], log: Path, cwd: str = "."
    ) -> tuple[int, float]:
        """Start a service that outlives this process; it sees the tree read-only and shares the host's network.

        Output is appended to ``log``. Returns the process id and start time, which together name it for ever (see
        ``identity``). Blocks for some milliseconds. Raises SandboxError when it could not be started.
        """
        ...


def inside(view: SandboxView, relative: str) -> PurePosixPath:
    """Absolute path, as the command sees it, of ``relative`` to the workspace."""
    return PurePosixPath(view.at) / relative
