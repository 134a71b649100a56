"""Our own documents in the workspace: the goal, and what the runs leave behind."""

from dataclasses import dataclass
from pathlib import Path

from wainwright import regular
from wainwright.lsp.documents.positions import local_path

TEXT_MAX = 64_000_000
"""Bytes of a file that is read beside open texts; no editor sends a longer text, see `connection.transport`."""
GOAL = ".wainwright/goal.md"


@dataclass(frozen=True)
class OwnDocument:
    """A document below ``.wainwright/``."""

    name: str
    """Its path below that folder."""
    run: str | None
    """The run that it belongs to."""

    @property
    def is_goal(self) -> bool:
        """Whether this is the goal document."""
        return f".wainwright/{self.name}" == GOAL

    @property
    def is_plan(self) -> bool:
        """Whether this is the page of a run's plan."""
        return self.run is not None and self.name == f"runs/{self.run}/plan.md"

    @property
    def has_lenses(self) -> bool:
        """Whether lenses are shown: the documents that a person decides on."""
        return self.is_goal or (
            self.run is not None and self.name.endswith(("/plan.md", "/run.md", "/change.diff"))
        )


def own_document(workspace: Path, uri: str) -> OwnDocument | None:
    """What ``uri`` is of ours; None for the person's own files."""
    path = relative(workspace, uri)
    if path is None or not path.startswith(".wainwright/"):
        return None
    parts = path.split("/")
    run = parts[2] if len(parts) > 3 and parts[1] == "runs" else None
    return OwnDocument("/".join(parts[1:]), run)


def relative(workspace: Path, uri: str) -> str | None:
    """The path of a document relative to the workspace, links followed; None when it lies elsewhere."""
    path = local_path(uri)
    if path is None:
        return None
    if ".." not in path.parts and path.is_relative_to(workspace):  # without a look at the disk, as for most
        return path.relative_to(workspace).as_posix()
    real, root = path.resolve(), workspace.resolve()
    return real.relative_to(root).as_posix() if real.is_relative_to(root) else None


def read_text(path: Path, beneath: Path) -> str | None:
    """The text of a file on disk, to the byte; None when there is none, it is not text, or is not ``beneath``."""
    try:
        return regular.read(path, TEXT_MAX, beneath=beneath).decode()
    except (OSError, UnicodeDecodeError):
        return None
