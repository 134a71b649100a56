"""What a reviewer is told that no diff shows, against real git."""

from pathlib import Path

import pytest
from tests.fixtures.person import Git, write

from wainwright.workspace.comparison import Unshown
from wainwright.workspace.repository import Repository

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def change(repository: Repository, workspace: Path, started: str, git: Git) -> list[Unshown]:
    (workspace / "src/b.py").chmod(0o755)
    (workspace / "inside").symlink_to("src/b.py")
    (workspace / "outside").symlink_to("../../etc/passwd")
    (workspace / "absolute").symlink_to("/etc/passwd")
    (workspace / "data.bin").write_bytes(bytes(range(256)) * 8)
    (workspace / "hidden.js").write_bytes(b"// nothing to see\0\nprocess.exit(0);\n" + b"// more\n" * 9)
    write(workspace, {"plain.txt": "nothing of this is told\n"})
    tip = repository.snapshot("r1", {}).commit
    return repository.unshown(started, tip)


def test_links_modes_and_binary_files_are_named(change: list[Unshown]) -> None:
    said = {one.path: one.said for one in change}
    assert said == {
        "absolute": "is a symbolic link to /etc/passwd, which leads out of the workspace",
        "data.bin": "is binary, 2048 bytes",
        "hidden.js": "is text with bytes that are none, 108 bytes; they are escaped here",
        "inside": "is a symbolic link to src/b.py",
        "outside": "is a symbolic link to ../../etc/passwd, which leads out of the workspace",
        "src/b.py": "can be run as a program now",
    }


def test_a_nul_byte_hides_no_script(change: list[Unshown]) -> None:
    (text,) = [one.text for one in change if one.text]
    assert "+// nothing to see\\0\n+process.exit(0);\n" in text
    assert "\0" not in text
