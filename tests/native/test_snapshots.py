"""Tree hashes and snapshots through the typed face."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wainwright.domain.errors import OutsideBoundary
from wainwright.workspace.native import Item, Snapshots, Tree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "empty").mkdir(parents=True, mode=0o750)
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o755)
    (root / "link").symlink_to("run")
    return root


@pytest.fixture
def store(tmp_path: Path) -> Snapshots:
    (tmp_path / "store").mkdir()
    return Snapshots(tmp_path / "store")


def test_a_tree_has_one_hash_whoever_looks(root: Path, tmp_path: Path) -> None:
    tree = Tree(root)
    assert tree.hash == "0" * 64
    first = tree.refresh()
    tree.save(tmp_path / "cache")
    assert Tree(root, cache=tmp_path / "cache").hash == first == tree.hash
    (root / "new").write_text("x")
    assert tree.update(["new"]) == Tree(root).refresh() != first
    assert Tree(root, exclude=["new"]).refresh() == first


def test_a_restore_brings_back_bytes_modes_links_and_empty_folders(root: Path, store: Snapshots) -> None:
    tree = Tree(root)
    first = store.take(tree)
    (root / "run").chmod(0o644)
    (root / "link").unlink()
    (root / "link").mkdir()
    (root / "link/untracked").write_bytes(b"\xff")
    (root / "empty").rmdir()
    second = store.take(tree, ["run", "link", "empty"])
    restored = store.restore(tree, first)
    assert restored.before == second
    assert set(restored.written) == {"run", "link", "empty"}
    assert set(restored.deleted) == {"link", "link/untracked"}
    assert (root / "run").stat().st_mode & 0o777 == 0o755
    assert (root / "link").readlink() == Path("run")
    assert (root / "empty").stat().st_mode & 0o777 == 0o750
    assert store.restore(tree, second).left == ()
    assert (root / "link/untracked").read_bytes() == b"\xff"
    kinds = [(item.path, item.kind, item.mode, item.size) for item in store.manifest(first)]
    assert kinds == [("empty", "folder", 0o750, 0), ("link", "link", 0, 3), ("run", "file", 0o755, 10)]
    store.retain([first])
    with pytest.raises(OSError, match="does not hold"):
        store.manifest(second)


def test_paths_stay_beneath_and_names_are_hashes(root: Path, store: Snapshots) -> None:
    tree = Tree(root)
    with pytest.raises(OutsideBoundary):
        tree.update(["../x"])
    with pytest.raises(OutsideBoundary):
        store.take(tree, ["/etc/passwd"])
    with pytest.raises(ValueError, match="not a hash"):
        store.manifest("first")
    with pytest.raises(ValueError, match="absolute"):
        Tree("root")
    with pytest.raises(FileNotFoundError):
        Tree(root / "none")


NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20
).filter(lambda name: name not in {".", "..", ".git", ".wainwright", ".gitignore"})


@settings(max_examples=10, deadline=None)
@given(files=st.dictionaries(NAMES, st.binary(max_size=200), max_size=6))
def test_any_file_is_kept_and_found_again(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    place = tmp_path_factory.mktemp("any")
    root, folder = place / "root", place / "store"
    root.mkdir()
    folder.mkdir()
    tree, store = Tree(root), Snapshots(folder)
    empty = store.take(tree)
    for name, content in files.items():
        (root / name).write_bytes(content)
    full = store.take(tree, files)
    assert {item.path: item.size for item in store.manifest(full)} == {n: len(c) for n, c in files.items()}
    assert set(store.restore(tree, empty).deleted) == set(files)
    store.restore(tree, full)
    assert {path.name: path.read_bytes() for path in root.iterdir()} == files
    assert all(isinstance(item, Item) for item in store.manifest(full))


@settings(max_examples=20, deadline=None)
@given(files=st.dictionaries(NAMES, st.binary(max_size=200), max_size=6), executable=st.booleans())
def test_files_are_kept_without_a_tree(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], executable: bool
) -> None:
    place = tmp_path_factory.mktemp("files")
    other, mode = Snapshots(place), 0o755 if executable else 0o644
    snapshot = Snapshots(place).keep((f"deep/{name}", body, mode, False) for name, body in files.items())
    found = other.files(snapshot)
    assert {item.path: other.content(item.hash) for item in found} == {
        f"deep/{n}": b for n, b in files.items()
    }
    assert all((item.kind, item.mode) == ("file", mode) for item in found)
    assert all(item.hash == Snapshots.name(files[item.path.removeprefix("deep/")]) for item in found)
    other.sync()


def test_what_is_kept_stays_beneath(store: Snapshots) -> None:
    for path in ("../x", "/etc/passwd", ".git/config", ""):
        with pytest.raises(OutsideBoundary):
            store.keep([(path, b"", 0o644, False)])
    for name in ("0" * 64, Snapshots.name(b"never kept")):
        with pytest.raises(OSError, match="does not hold"):
            store.content(name)
