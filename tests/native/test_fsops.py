"""Files beneath a root that nothing leads out of, through the typed face."""

import ctypes
import errno
import os
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wainwright.domain.errors import OutsideBoundary, StaleEdit
from wainwright.workspace.native import read_beneath, write_batch

AT_FDCWD = -100
RENAME_EXCHANGE = 2


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Root with a file and a folder; its neighbour holds a secret."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("secret")
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "file").write_text("old")
    return root


def contents(root: Path) -> dict[str, bytes | None]:
    """Every path beneath a folder, files with their bytes."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None for path in root.rglob("*")
    }


def test_a_batch_writes_makes_and_deletes(root: Path) -> None:
    write_batch(
        root, [("file", None, None), ("new/deep/tool.sh", b"#!\xff", 0o755), (Path("folder/x"), b"", None)]
    )
    assert contents(root) == {
        "folder": None,
        "folder/x": b"",
        "new": None,
        "new/deep": None,
        "new/deep/tool.sh": b"#!\xff",
    }
    assert (root / "new/deep/tool.sh").stat().st_mode & 0o777 == 0o755


def test_an_existing_file_keeps_its_mode(root: Path) -> None:
    (root / "file").chmod(0o640)
    write_batch(root, [("file", b"new", None)])
    assert (root / "file").stat().st_mode & 0o7777 == 0o640
    assert (root / "file").read_bytes() == b"new"


BAD = [
    ("../outside/secret", OutsideBoundary),
    ("folder/../../outside/secret", OutsideBoundary),
    ("/etc/passwd", OutsideBoundary),
    ("", OutsideBoundary),
    ("away/secret", OutsideBoundary),
    ("secret", OutsideBoundary),
    ("folder", IsADirectoryError),
    ("file/below", NotADirectoryError),
]


@pytest.mark.parametrize(("path", "expected"), BAD)
@pytest.mark.parametrize("content", [b"new", None])
def test_a_bad_path_changes_nothing_at_all(
    root: Path, path: str, expected: type, content: bytes | None
) -> None:
    (root / "away").symlink_to("../outside")
    (root / "secret").symlink_to("../outside/secret")
    before = contents(root.parent)
    with pytest.raises(expected):
        write_batch(root, [("file", b"new", None), ("made/for/it", b"", None), (path, content, None)])
    assert contents(root.parent) == before


@pytest.mark.parametrize(("path", "expected"), BAD)
def test_reading_stays_beneath(root: Path, path: str, expected: type) -> None:
    (root / "away").symlink_to("../outside")
    (root / "secret").symlink_to("../outside/secret")
    with pytest.raises(expected):
        read_beneath(root, path, 100)


def test_links_beneath_are_read_and_never_written_through(root: Path) -> None:
    (root / "folder/link").symlink_to("../file")
    assert read_beneath(root, "folder/link", 100) == b"old"
    for content in (b"new", None):
        with pytest.raises(OutsideBoundary) as caught:
            write_batch(root, [("folder/link", content, None)])
        assert caught.value.hint
    assert (root / "file").read_text() == "old"


def test_errors_are_pythons_own(root: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        read_beneath(root, "missing", 100)
    assert missing.value.filename == "missing"
    with pytest.raises(OSError, match="larger than 2 bytes") as large:
        read_beneath(root, "file", 2)
    assert large.value.errno == errno.EFBIG
    with pytest.raises(FileNotFoundError):
        write_batch(root, [("missing", None, None)])
    with pytest.raises(ValueError, match="twice"):
        write_batch(root, [("file", b"", None), ("./file", b"", None)])
    with pytest.raises(ValueError, match="absolute"):
        read_beneath("relative", "file", 100)
    os.mkfifo(root / "pipe")
    with pytest.raises(IsADirectoryError):
        read_beneath(root, "pipe", 100)


@given(
    files=st.dictionaries(
        st.sampled_from(["a", "b", "d/a", "d/e/a"]), st.one_of(st.none(), st.binary(max_size=9)), max_size=4
    )
)
def test_a_batch_is_all_or_nothing(tmp_path_factory, files: dict[str, bytes | None]) -> None:
    root = tmp_path_factory.mktemp("root")
    (root / "a").write_bytes(b"old")
    before = contents(root)
    try:
        write_batch(root, [(path, content, None) for path, content in files.items()])
    except FileNotFoundError:
        assert any(content is None and path != "a" for path, content in files.items())
        assert contents(root) == before
    else:
        wanted = {"a": b"old"} | files
        left = {path: content for path, content in contents(root).items() if content is not None}
        assert left == {path: content for path, content in wanted.items() if content is not None}


def test_files_are_replaced_only_while_they_are_what_was_read(root: Path) -> None:
    (root / "other").write_text("theirs")
    before = contents(root)
    changes = [("file", b"new", None), ("other", None, None), ("made", b"", None)]
    with pytest.raises(StaleEdit, match="Read it again") as caught:
        write_batch(root, changes, expected={"file": b"old", "other": b"read", "made": None})
    assert (caught.value.paths, caught.value.busy) == (("other",), False)
    assert contents(root) == before
    write_batch(root, changes, expected={"file": b"old", "other": b"theirs", "made": None})
    assert contents(root) == {"folder": None, "file": b"new", "made": b""}
    with pytest.raises(KeyError):
        write_batch(root, changes, expected={"file": b"new"})


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell who has a file open")
def test_a_file_that_another_program_has_open_for_writing_is_left_to_it(root: Path) -> None:
    with (root / "file").open("r+b") as theirs:
        with pytest.raises(StaleEdit, match="being written by another program") as caught:
            write_batch(root, [("file", b"new", None)], expected={"file": b"old"})
        assert (caught.value.paths, caught.value.busy) == (("file",), True)
        theirs.write(b"saved late")
    assert contents(root) == {"folder": None, "file": b"saved late"}


def test_a_reader_sees_the_old_file_or_the_new_one(root: Path) -> None:
    versions = [bytes([65 + n]) * 50_000 for n in range(5)]
    (root / "file").write_bytes(versions[0])
    stop = threading.Event()
    torn: list[int] = []

    def watch() -> None:
        while not stop.is_set():
            seen = (root / "file").read_bytes()
            if seen not in versions:
                torn.append(len(seen))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for number in range(40):
        write_batch(root, [("file", versions[number % 5], None)])
    stop.set()
    watcher.join()
    assert torn == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs an atomic exchange of two names")
def test_a_folder_that_turns_into_a_link_leads_nowhere(root: Path) -> None:
    """While somebody swaps a folder for a link to the outside and back, nothing is read or written there."""
    outside, folder, away = (root.parent / "outside", root / "folder", root / "away")
    (folder / "secret").write_text("own")
    away.symlink_to("../outside")
    before = contents(outside)
    libc = ctypes.CDLL(None, use_errno=True)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            assert libc.renameat2(AT_FDCWD, bytes(folder), AT_FDCWD, bytes(away), RENAME_EXCHANGE) == 0

    def attempt(number: int) -> str:
        try:
            write_batch(root, [("folder/mine", b"%d" % number, None), ("folder/secret", b"own", None)])
            assert read_beneath(root, "folder/secret", 100) == b"own"
        except OutsideBoundary:
            return "refused"
        return "done"

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        outcomes = [attempt(number) for number in range(400)]
    finally:
        stop.set()
        swapper.join()
    assert contents(outside) == before
    assert set(outcomes) <= {"done", "refused"}
    # Who wins how often is chance; that nothing else is left behind is not.
    assert {path.name for path in [*folder.iterdir(), *away.iterdir()]} <= {"secret", "mine"}
