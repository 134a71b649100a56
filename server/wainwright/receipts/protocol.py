"""What an adapter for a test runner is: recognise a command, ask it for a report, read the report."""

from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from wainwright.domain.errors import WainwrightError
from wainwright.domain.evidence import Case

How = Literal["direct", "append", "environment"]
"""How a runner can be reached. ``direct``: its words may be rewritten. ``append``: only new words at the end reach it
(``npm test -- ...``). ``environment``: only variables do (``make test``, scripts)."""


class Ask(BaseModel):
    """How a command is run so that it leaves a report, without changing which tests run or how they end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: tuple[str, ...]
    """The whole command, with what was asked put in."""
    env: dict[str, str] = {}
    """Variables for this command alone; those of ``ADDED_TO`` are put behind what is set already."""
    capture: bool = False
    """What the command prints on stdout is the report: all of it is wanted, not the end."""
    errors_too: bool = False
    """With ``capture``: and what it prints on stderr, in the order it came."""


ADDED_TO = (
    "PYTEST_ADDOPTS",
    "NODE_OPTIONS",
    "GOFLAGS",
    "MAVEN_OPTS",
    "BUN_OPTIONS",
    "SPEC_OPTS",
    "TESTOPTS",
)
"""Variables that hold options, so that what a person set there is kept."""


class Project(Protocol):
    """The files of a tree, or of a folder in it, to be read only."""

    def text(self, path: str) -> str | None:
        """The text of a file; None when there is none that can be read."""
        ...

    def files(self) -> Collection[str]:
        """The paths of all files that git would keep."""
        ...


class Runner(Protocol):
    """An adapter for one test runner."""

    name: str
    live: bool
    """Proven by running it; else read from recorded reports, so that its exit code counts when a report surprises."""

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """Whether a simple command is this runner; wrappers and assignments have been taken off."""
        ...

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """The command that leaves its report at ``report`` (a path that does not exist yet, seen from inside).

        ``only``: run only these tests. None: it cannot be asked, or narrowed, this way.
        """
        ...

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The cases of a report, or None when there is none that can be read. Blocks.

        ``report`` is the report's path on the host and cannot be trusted to be a plain file; ``tree`` is the host
        directory of the folder that the command ran in, and ``project`` its files. Names are relative to it.
        """
        ...


class CannotNarrow(WainwrightError):
    """Single tests were asked for of a command that cannot be narrowed."""
