"""What `doctor` says of a server of one's own, and of how a workspace is tested."""

import socket
import subprocess
from pathlib import Path

import pytest

from wainwright import doctor


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    place = tmp_path / "work"
    place.mkdir()
    subprocess.run(["git", "init", "-q", str(place)], check=True)
    return place


async def looked(workspace: Path, name: str, **typed: object) -> list[tuple[str, str]]:
    """The status and the detail of what has that name."""
    found = await doctor.examine(workspace, typed)
    return [(one.status, one.detail) for one in found if one.name == name]


async def test_whether_somebody_listens_where_a_server_should_be(workspace: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        base = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        typed = {"models": {"default": [{"model": "openai/any", "api_base": base}]}}
        assert await looked(workspace, "server", **typed) == [
            ("ok", f"somebody listens at {base}; nothing was asked")
        ]
    assert await looked(workspace, "server", **typed) == [
        ("missing", f"nobody answers at {base}: Connection refused")
    ]
    assert await looked(workspace, "server") == [], "providers are not asked"


async def test_how_a_repository_would_be_tested(workspace: Path) -> None:
    assert await looked(workspace, "tests") == [("note", "no test command is found by the files")]
    (workspace / "go.mod").write_text("module a\n")
    (workspace / "a_test.go").write_text("package a\n")
    ((status, told),) = await looked(workspace, "tests")
    assert (status, told.startswith("`go test ./...` in ., since ")) == ("ok", True)
    assert await looked(workspace.parent, "tests") == [], "no repository: its files are not looked through"
