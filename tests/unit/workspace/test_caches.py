"""The caches of a workspace: who writes which, and how large they get."""

import os
import time
from pathlib import Path

from wainwright.workspace.world import caches


def fill(place: Path, name: str, kilobytes: int) -> Path:
    (place / name).mkdir(parents=True)
    (place / name / "object").write_bytes(b"x" * kilobytes * 1024)
    return place / name


def test_the_largest_parts_go_whole_until_the_rest_fits(tmp_path: Path) -> None:
    kept = caches.kept(tmp_path)
    small, middling, large = fill(kept, "a", 16), fill(kept, "b", 64), fill(kept, "c", 256)
    caches.bound(tmp_path, 1024 * 1024)
    assert large.is_dir()
    caches.bound(tmp_path, 128 * 1024)
    assert (small.is_dir(), middling.is_dir(), large.exists()) == (True, True, False)
    caches.bound(tmp_path, 0)
    assert not list(kept.iterdir())


def test_no_cache_is_no_error_and_lies_beneath_nothing(tmp_path: Path) -> None:
    caches.bound(tmp_path, 0)
    assert caches.beneath(tmp_path) == ()


def test_a_cache_of_ones_own_lies_over_the_workspaces_and_is_another(tmp_path: Path) -> None:
    kept = caches.kept(tmp_path)
    assert caches.beneath(tmp_path) == (kept,)
    own = caches.own(tmp_path, "run", "agent")
    assert own.is_dir()
    assert not own.is_relative_to(kept)


def test_what_has_not_been_used_for_long_is_marked_at_once_and_links_are_not_followed(tmp_path: Path) -> None:
    part = fill(caches.kept(tmp_path), "go", 1)
    (tmp_path / "outside").touch()
    (part / "link").symlink_to(tmp_path / "outside")
    (part / "trim.txt").write_text("0")
    old = time.time() - 7200
    for file in (part / "object", part / "trim.txt", tmp_path / "outside"):
        os.utime(file, (old, old))
    caches.beneath(tmp_path)
    assert (part / "object").stat().st_mtime > old + 7000
    assert (tmp_path / "outside").stat().st_mtime < old + 1
    before = (part / "object").stat().st_mtime_ns
    caches.beneath(tmp_path)
    assert (part / "object").stat().st_mtime_ns == before
