"""What stands where a file should be is read whole, or refused at once."""

import errno
import os
import socket
from pathlib import Path

import pytest

from wainwright import regular


def test_a_file_is_read_whole_and_links_to_one_are_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    assert regular.read(tmp_path / "link", 5, beneath=tmp_path) == b"12345"
    (tmp_path / "inner").mkdir()
    assert regular.read(tmp_path / "inner/../link", 5) == b"12345"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("large", errno.EFBIG), ("pipe", errno.EISDIR), ("to-pipe", errno.EISDIR), ("folder", errno.EISDIR),
        ("out", errno.EXDEV), ("endless", errno.EXDEV), ("socket", errno.EISDIR), ("nothing", errno.ENOENT),
        ("dangling", errno.ENOENT), ("circle", errno.EXDEV), ("nul\0", errno.ENOENT), ("large/x", errno.ENOTDIR),
    ],
)  # fmt: skip
def test_anything_else_is_an_error(tmp_path: Path, name: str, code: int) -> None:
    (tmp_path / "w/folder").mkdir(parents=True)
    root = tmp_path / "w"
    (root / "large").write_bytes(b"123456")
    (tmp_path / "elsewhere").write_bytes(b"1")
    os.mkfifo(root / "pipe")
    for link, to in {
        "to-pipe": "pipe", "out": "../elsewhere", "endless": "/dev/zero", "dangling": "none", "circle": "circle"
    }.items():  # fmt: skip
        (root / link).symlink_to(to)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "socket"))
        with pytest.raises(OSError, match=r"\S") as refused:
            regular.read(root / name, 5, beneath=root)
    assert refused.value.errno == code


def test_an_endless_file_is_no_regular_one() -> None:
    with pytest.raises(IsADirectoryError):
        regular.read(Path("/dev/zero"), 5)
