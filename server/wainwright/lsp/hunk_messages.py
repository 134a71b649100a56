"""What crosses the wire about the hunks of a change."""

from typing import Literal

from pydantic import Field

from wainwright.domain.hunks import HunkDecision
from wainwright.lsp.messages import RunArguments, Wire


class HunkArguments(RunArguments):
    """Which hunk of the change that a run asks about."""

    hunk: int = Field(ge=1)
    """Its number in `change.diff`."""


class HunksArguments(RunArguments):
    """What is said of which hunks of the change that a run asks about."""

    decision: HunkDecision
    """`reject` leaves them out and has BUILD told why; `change` has them made again as the words say."""
    hunks: tuple[int, ...] = ()
    """Their numbers in `change.diff`. Default: all, or all of `file`."""
    file: str = ""
    """All hunks of this file; beside `hunks` the file that these must be of."""
    reason: str = ""
    """Why, or what is to be changed. Default: the lines below them in `change.diff` that begin with `>`."""
    commit: str = ""
    """Which change was looked at; another one by now is refused. Default: the present one."""


class HunkInfo(Wire):
    """A hunk of a change, and what was said of it last."""

    number: int
    path: str
    line: int
    """Where it begins in the file as the change has it, from 1."""
    lines: str
    """As in a unified diff; empty for what text cannot show."""
    serves: tuple[str, ...]
    """The requirements that it is there for."""
    tasks: tuple[str, ...]
    """Those that made it."""
    decision: Literal["", "accept", "reject", "change"]
    """Empty: nothing was said, and it is taken over."""
    reason: str


class SidesInfo(Wire):
    """A file of a change."""

    uri: str
    """The file in the workspace."""
    before: str | None
    """The document with its text before the change (`workspace/textDocumentContent`); nothing where it is new."""
    after: str | None
    """The document with its text after it; nothing where it is deleted."""


class HunkList(Wire):
    """The change that a run shows, in hunks."""

    run: str
    commit: str
    asked: bool
    """Hunks can be decided on: the run is where it asks about the change."""
    handed: bool
    """It was handed over: hunks can be taken back, or put in again."""
    files: tuple[SidesInfo, ...]
    hunks: tuple[HunkInfo, ...]


CHANGES = "wainwright/changes"
"""The notification to clients that have a view of differences: `ChangesParams`."""


class ChangesParams(Wire):
    """A change that is to be shown."""

    title: str
    files: tuple[SidesInfo, ...]
