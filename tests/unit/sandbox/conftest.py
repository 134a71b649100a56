import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wainwright.sandbox import programs
from wainwright.sandbox.bubblewrap import Bubblewrap, prove
from wainwright.sandbox.protocol import SandboxView


@pytest.fixture(params=["overlays", "copies"])
async def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Bubblewrap:
    proven = await prove(tmp_path / "state", overlays=request.param == "overlays")
    if request.param == "overlays" and not proven.overlays:
        pytest.skip(f"no overlay can be mounted here: {proven.why_copies}")
    return proven


@pytest.fixture
def programs_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Have the engine's own programs looked for in other folders than a system's."""

    def look(*folders: Path) -> None:
        programs.place.cache_clear()
        monkeypatch.setattr(programs, "PLACES", tuple(map(str, folders)))

    yield look
    programs.place.cache_clear()


@pytest.fixture
def signals(tmp_path: Path) -> Path:
    """A folder that a command can be given to show how far it is."""
    directory = tmp_path / "signals"
    directory.mkdir()
    return directory


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
