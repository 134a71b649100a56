"""Folders are removed, whatever was done to them."""

import os
from pathlib import Path

from wainwright.sandbox.clearing import remove, size


def test_whatever_its_modes(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (outside / "kept").write_text("x")
    tree = tmp_path / "tree"
    (tree / "read-only" / "inner").mkdir(parents=True)
    (tree / "read-only" / "inner" / "file").write_text("x")
    (tree / "link").symlink_to(outside)
    os.mkfifo(tree / "pipe")
    (tree / "gone").symlink_to("nowhere")
    (tree / os.fsdecode(b"\xff\xfe")).mkdir()
    (tree / "read-only" / "inner").chmod(0o555)
    (tree / "read-only").chmod(0o000)
    remove(tree)
    assert [path.name for path in tmp_path.iterdir()] == ["outside"]
    assert (outside / "kept").read_text() == "x"
    assert outside.stat().st_mode & 0o777 == 0o755


def test_however_deep(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    place = os.open(tree, os.O_RDONLY)
    for _ in range(1500):  # longer than a path may be, deeper than recursion goes
        os.mkdir("deeper", dir_fd=place)
        inner = os.open("deeper", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(place)
    remove(tree)
    assert not list(tmp_path.iterdir())


def test_what_is_not_there_is_nothing_to_remove(tmp_path: Path) -> None:
    remove(tmp_path / "tree")
    assert size(tmp_path / "tree") == 0


def test_its_size_is_that_on_disk(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"x" * 100_000)
    (tmp_path / "a" / "link").symlink_to("/usr")
    assert 100_000 <= size(tmp_path) < 200_000
