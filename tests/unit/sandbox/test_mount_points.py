from pathlib import Path

from wainwright.sandbox.mount_points import MountPoints

DEEP = Path("packages/a/node_modules")


def test_what_was_made_is_removed_and_what_was_there_stays(tmp_path: Path):
    (tmp_path / "packages").mkdir()
    points = MountPoints()
    assert points.take(tmp_path, [DEEP, Path(".venv")]) == (DEEP, Path(".venv"))
    assert (tmp_path / DEEP).is_dir()
    points.give_back(tmp_path, [DEEP, Path(".venv")])
    assert [path.name for path in tmp_path.rglob("*")] == ["packages"]


def test_the_last_to_leave_removes_it(tmp_path: Path):
    points = MountPoints()
    points.take(tmp_path, [DEEP])
    points.take(tmp_path, [DEEP])
    points.give_back(tmp_path, [DEEP])
    assert (tmp_path / DEEP).is_dir()
    points.give_back(tmp_path, [DEEP])
    assert not list(tmp_path.iterdir())


def test_a_directory_that_was_filled_meanwhile_stays(tmp_path: Path):
    points = MountPoints()
    points.take(tmp_path, [DEEP])
    (tmp_path / "packages" / "new.txt").write_text("mine")
    points.give_back(tmp_path, [DEEP])
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["new.txt", "packages"]


def test_nothing_is_made_through_a_link_or_over_a_file(tmp_path: Path):
    tree, elsewhere = tmp_path / "tree", tmp_path / "elsewhere"
    tree.mkdir()
    elsewhere.mkdir()
    (tree / "link").symlink_to(elsewhere)
    (tree / "file").write_text("")
    points = MountPoints()
    assert points.take(tree, [Path("link/inner"), Path("link"), Path("file"), Path("file/inner")]) == ()
    assert not list(elsewhere.iterdir())
    assert sorted(path.name for path in tree.iterdir()) == ["file", "link"]
