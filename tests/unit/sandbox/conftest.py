import os
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from wainwright.sandbox.bubblewrap import Bubblewrap, prove
from wainwright.sandbox.protocol import SandboxView


@pytest.fixture
async def sandbox(tmp_path: Path) -> Bubblewrap:
    return await prove(tmp_path / "state")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    directory = tmp_path / "state" / "tasks" / "one"
    directory.mkdir(parents=True)
    return directory


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    directory = tmp_path / "home" / "me" / "project"
    directory.mkdir(parents=True)
    return directory


@pytest.fixture
def view(tree: Path, workspace: Path) -> SandboxView:
    return SandboxView(tree=tree, at=workspace)


@pytest.fixture
def mark() -> str:
    """A word by which a test finds its own processes on this machine."""
    return f"mark-{uuid.uuid4().hex}"


@pytest.fixture
def processes_with() -> Callable[[str], list[int]]:
    def find(word: str) -> list[int]:
        found = []
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                try:
                    line = Path(entry.path, "cmdline").read_bytes()
                except OSError:
                    continue
                if word.encode() in line:
                    found.append(int(entry.name))
        return found

    return find
