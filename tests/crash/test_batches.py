"""A process that writes a durable batch is killed at each of its system calls, one after the other."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from wainwright.workspace.native import recover

CHILD = """
import os, sys
from wainwright.workspace.native import write_batch
root, journal = sys.argv[1:]
os.sched_yield()
write_batch(root, [
    ("a", b"new", None), ("gone", None, None), ("sub/b", b"n" * 9000, 0o600), ("made/deep/c", b"new", 0o755),
], journal=journal)
os.sched_yield()
"""
# What a batch may ask the system for; memory is none of its business.
CALLS = (
    "openat,openat2,mkdirat,renameat,renameat2,unlinkat,pwrite64,write,fdatasync,fsync,fchmod,linkat,flock,"
    "ftruncate,newfstatat,statx,close,sched_yield"
)


def lay_out(place: Path) -> tuple[Path, Path]:
    root, journal = place / "root", place / "state"
    (root / "sub").mkdir(parents=True)
    journal.mkdir()
    for name in ("a", "gone", "sub/b"):
        (root / name).write_bytes(b"old")
    (root / "sub/b").chmod(0o640)
    return root, journal


def state(root: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in root.rglob("*")
        if path.is_file()
    }


def run(root: Path, journal: Path, *strace: str) -> subprocess.CompletedProcess[str]:
    command = ["strace", "-qq", "-e", f"trace={CALLS}", *strace, sys.executable, "-c", CHILD]
    return subprocess.run([*command, str(root), str(journal)], capture_output=True, text=True, check=False)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace stops a process at a system call")
@pytest.mark.timeout(600)
def test_killed_at_any_system_call_it_leaves_all_or_nothing(tmp_path: Path) -> None:
    run(*lay_out(tmp_path / "warm"))
    root, journal = lay_out(tmp_path / "whole")
    old = state(root)
    calls = [line.partition("(")[0] for line in run(root, journal).stderr.splitlines()]
    new = state(root)
    begin, end = (calls.index("sched_yield"), len(calls) - calls[::-1].index("sched_yield") - 1)
    outcomes = set()
    for number, call in enumerate(calls[begin + 1 : end], start=begin + 1):
        root, journal = lay_out(tmp_path / str(number))
        inject = f"inject={call}:signal=KILL:when={calls[: number + 1].count(call)}"
        assert run(root, journal, "-e", inject).returncode == -signal.SIGKILL
        recover(journal, root)
        assert state(root) in (old, new), call
        outcomes.add(state(root) == new)
        assert recover(journal, root) == ((), ())
    assert outcomes == {True, False}
