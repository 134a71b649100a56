"""What stands at a path: nothing is said to be nothing only where nothing is."""

import os
import socket
import subprocess
import sys
import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from wainwright.workspace.native import Barred, Link, Twin
from wainwright.workspace.sources import EDIT_MAX, source, text


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "src").mkdir(parents=True)
    (root / "src" / "a.py").write_text("a\n")
    (tmp_path / "secret").write_text("secret\n")
    return root


def why(root: Path, path: str) -> str:
    found = source(root, path)
    assert isinstance(found, Barred)
    assert path in found.why, "the sentence names the path"
    return found.why


def test_a_file_is_its_bytes_and_nothing_is_nothing(tree: Path) -> None:
    assert source(tree, "src/a.py") == b"a\n"
    assert source(tree, "src/b.py") is None
    assert source(tree, "new/b.py") is None
    assert (text(tree, "src/a.py"), text(tree, "src/b.py")) == ("a\n", None)


def test_a_file_is_read_up_to_a_bound_that_is_told(tree: Path) -> None:
    with (tree / "large").open("wb") as file:
        file.truncate(EDIT_MAX)
    assert isinstance(source(tree, "large"), bytes)
    with (tree / "large").open("wb") as file:
        file.truncate(EDIT_MAX + 1)
    assert "too large to be edited: 20,000,001 bytes, and 20,000,000 are the most" in why(tree, "large")


def test_links_that_stay_within_lead_to_their_file(tree: Path) -> None:
    (tree / "link.py").symlink_to("src/a.py")
    (tree / "alias").symlink_to("src")
    (tree / "absolute").symlink_to(tree / "src")
    (tree / "two").symlink_to("alias/a.py")
    (tree / "dangling").symlink_to("src/b.py")
    assert source(tree, "link.py") == Link("src/a.py")
    assert (
        source(tree, "alias/a.py") == source(tree, "absolute/a.py") == source(tree, "two") == Link("src/a.py")
    )
    assert source(tree, "alias/new.py") == Link("src/new.py")
    assert source(tree, "dangling") == Link("src/b.py")


def test_links_that_lead_out_or_in_a_circle_are_named(tree: Path) -> None:
    (tree / "out").symlink_to("..")
    (tree / "secret").symlink_to("../secret")
    (tree / "root").symlink_to(".")
    (tree / "circle").symlink_to("circle")
    (tree / "one").symlink_to("other")
    (tree / "other").symlink_to("one")
    assert "secret is out of the workspace: secret is a link to ../secret." in why(tree, "secret")
    assert "out is a link to ..." in why(tree, "out/secret")
    assert "root is a link to .." in why(tree, "root")
    for path in ("circle", "one", "circle/x"):
        assert "leads in a circle" in why(tree, path)


def test_what_is_no_file_is_named(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tree / "s"))
        assert "src is a folder" in why(tree, "src")
        assert "pipe is a named pipe" in why(tree, "pipe")
        assert "s is a socket" in why(tree, "s")
    assert "src/a.py/x/y cannot be there: src/a.py is no folder" in why(tree, "src/a.py/x/y")
    assert "File name too long" in why(tree, "x" * 300)


def test_rights_that_are_missing_are_not_taken_for_nothing() -> None:
    # Root may read everything: another user looks, into a folder that is open to all.
    looks = (
        "import os, sys; from pathlib import Path; from wainwright.workspace.sources import source\n"
        "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "for path in sys.argv[2:]: print(source(Path(sys.argv[1]), path))"
    )
    with TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        (root / "open.py").write_text("a\n")
        (root / "secret.py").write_text("a\n")
        (root / "secret.py").chmod(0o200)
        (root / "closed").mkdir(mode=0)
        paths = ("open.py", "new.py", "secret.py", "closed/new.py")
        command = [sys.executable, "-c", looks, folder, *paths]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    read, nothing, *barred = done.stdout.splitlines()
    assert (read, nothing) == (repr(b"a\n"), "None")
    for path, told in zip(paths[2:], barred, strict=True):
        assert f"{path} cannot be read, and so it is not edited: Permission denied" in told


def test_another_spelling_is_a_twin_of_the_file_that_is_there(tree: Path) -> None:
    composed, parts = (unicodedata.normalize(form, "café.py") for form in ("NFC", "NFD"))
    (tree / parts).write_text("a\n")
    (tree / ".GitHub").mkdir()
    (tree / ".GitHub" / "CI.yml").write_text("a\n")
    assert source(tree, composed) == source(tree, composed.upper()) == Twin(parts)
    assert source(tree, "SRC/A.py") == Twin("src/a.py")
    assert source(tree, ".github/ci.yml") == Twin(".GitHub/CI.yml")
    assert source(tree, "Src/new.py") == Twin("src/new.py")
    (tree / "src" / "A.PY").write_text("b\n")
    assert source(tree, "src/a.py") == b"a\n"
    assert "A.PY and a.py are" in why(tree, "src/A.py")
