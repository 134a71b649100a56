"""The files of a project as adapters and detection see them: of a folder on disk, or of a commit."""

import os
from collections.abc import Callable, Collection
from functools import cached_property
from pathlib import Path, PurePosixPath

from wainwright.domain.errors import WorkspaceError
from wainwright.receipts.protocol import Project
from wainwright.workspace import native

TEXT_MAX = 1_000_000
FILES_MAX = 200_000
_NOT_LOOKED_INTO = frozenset(
    {".git", "node_modules", ".venv", "venv", "target", "__pycache__", ".tox", ".nox"}
)


class FolderProject:
    """The files beneath a folder, without those of dependencies and builds."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def text(self, path: str) -> str | None:
        """The text of a file; None when there is none that can be read."""
        try:
            return native.read_beneath(self._root, path, TEXT_MAX).decode("utf-8", "replace")
        except (OSError, WorkspaceError, ValueError):
            return None

    def files(self) -> Collection[str]:
        """The paths of all files, looked for once."""
        return self._files

    @cached_property
    def _files(self) -> frozenset[str]:
        found: list[str] = []
        for folder, folders, names in os.walk(self._root):
            folders[:] = [name for name in folders if name not in _NOT_LOOKED_INTO]
            beneath = Path(folder).relative_to(self._root)
            found += [(beneath / name).as_posix() for name in names]
            if len(found) > FILES_MAX:
                break
        return frozenset(found)


class CommitProject:
    """The files of a commit."""

    def __init__(self, files: Collection[str], read: Callable[[str], bytes | None]) -> None:
        self._all = frozenset(files)
        self._read = read

    def text(self, path: str) -> str | None:
        """The text of a file; None when the commit has none there."""
        data = self._read(path) if path in self._all else None
        return None if data is None else data[:TEXT_MAX].decode("utf-8", "replace")

    def files(self) -> Collection[str]:
        """The paths of all its files."""
        return self._all


class Within:
    """A folder of a project, as a project."""

    def __init__(self, project: Project, folder: str) -> None:
        self._project = project
        self._folder = folder

    def text(self, path: str) -> str | None:
        """The text of a file of the folder; paths may lead up within the project."""
        parts: list[str] = []
        for part in (PurePosixPath(self._folder) / path).parts:
            if part != "..":
                parts.append(part)
            elif parts:
                parts.pop()
            else:
                return None
        return self._project.text("/".join(parts))

    def files(self) -> Collection[str]:
        """The paths beneath the folder, relative to it."""
        start = f"{self._folder}/"
        return frozenset(path[len(start) :] for path in self._project.files() if path.startswith(start))


def within(project: Project, folder: str) -> Project:
    """The project itself, or a folder of it."""
    return project if folder in (".", "") else Within(project, folder)
