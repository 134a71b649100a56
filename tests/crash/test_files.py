"""A process that changes many files is killed at each of its system calls, one after the other."""

from pathlib import Path

import pytest
from tests.fixtures.killing import kills, needs_strace

from wainwright.workspace.native import Snapshots, Tree, recover

pytestmark = needs_strace

BATCH = """
import os, sys
from wainwright.workspace.native import write_batch
root, write_log = sys.argv[1:]
os.sched_yield()
write_batch(root, [
    ("a", b"new", None), ("gone", None, None), ("sub/b", b"n" * 9000, 0o600), ("made/deep/c", b"new", 0o755),
], write_log=write_log, expected={"a": b"old", "gone": b"old", "sub/b": b"old", "made/deep/c": None})
os.sched_yield()
"""
RESTORE = """
import os, sys
from wainwright.workspace.native import Snapshots, Tree
root, store, snapshot = sys.argv[1:]
tree, snapshots = Tree(root), Snapshots(store)
tree.refresh()
os.sched_yield()
snapshots.restore(tree, snapshot, [])
os.sched_yield()
"""


def lay_out(place: Path) -> tuple[Path, Path]:
    root, write_log = place / "root", place / "state"
    (root / "sub").mkdir(parents=True)
    write_log.mkdir()
    for name in ("a", "gone", "sub/b"):
        (root / name).write_bytes(b"old")
    (root / "sub/b").chmod(0o640)
    return root, write_log


def state(root: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.mark.timeout(600)
def test_a_batch_killed_at_any_system_call_is_all_or_nothing(tmp_path: Path) -> None:
    places = kills(BATCH, lambda name: lay_out(tmp_path / name))
    old = state(lay_out(tmp_path / "old")[0])
    new = state(next(places)[0])
    outcomes = set()
    for root, write_log in places:
        recover(write_log, root)
        found = state(root)
        assert found in (old, new)
        outcomes.add(found == new)
        assert recover(write_log, root) == ((), ())
    assert outcomes == {True, False}


@pytest.mark.timeout(600)
def test_what_another_program_saves_after_a_kill_survives_the_recovery(tmp_path: Path) -> None:
    places = kills(BATCH, lambda name: lay_out(tmp_path / name))
    old, new = state(lay_out(tmp_path / "old")[0]), state(next(places)[0])
    outcomes = set()
    for number, (root, write_log) in enumerate(places):
        path = ("a", "gone", "sub/b", "made/deep/c")[number % 4]
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"saved later")
        recover(write_log, root)
        found = state(root)
        assert found.pop(path)[0] == b"saved later"
        others = [{name: kept for name, kept in whole.items() if name != path} for whole in (old, new)]
        assert found in others, path
        outcomes.add(others.index(found))
        assert recover(write_log, root) == ((), ())
    assert outcomes == {0, 1}


@pytest.mark.timeout(600)
def test_a_restore_killed_at_any_system_call_is_completed_by_another(tmp_path: Path) -> None:
    def prepare(name: str) -> tuple[Path, Path, str]:
        root, store = lay_out(tmp_path / name)
        snapshot = Snapshots(store).take(Tree(root))
        (root / "a").write_text("edited")
        (root / "gone").unlink()
        (root / "sub/b").chmod(0o600)
        (root / "since").write_text("new")
        return root, store, snapshot

    old = state(lay_out(tmp_path / "old")[0])
    for root, store, snapshot in kills(RESTORE, prepare):
        Snapshots(store).restore(Tree(root), snapshot)
        assert state(root) == old
