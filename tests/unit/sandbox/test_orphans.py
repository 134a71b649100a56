"""Which programs are taken for sandboxes that outlived their server, and that a killed one leaves none for long."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from wainwright.sandbox import orphans
from wainwright.sandbox.identity import start_time

NAMESPACE, ME = Path("/proc/self/ns/pid").stat().st_ino, os.getpid()
STARTED = int(start_time(ME) or 0)
AT_WORK = """
import asyncio, sys
from pathlib import Path
from wainwright.sandbox.bubblewrap import prove
from wainwright.sandbox.protocol import Command, SandboxView

async def main():
    sandbox = await prove(Path(sys.argv[1]))
    view = SandboxView(tree=Path(sys.argv[2]), at=Path("/srv/project"))
    print("ready", flush=True)
    while True:
        await asyncio.gather(*(sandbox.run(Command(argv=("true",), timeout_s=30), view) for _ in range(2)))

asyncio.run(main())
"""


@pytest.fixture
def dead() -> tuple[int, int]:
    """The id and start time of a process that there is no more."""
    ended = subprocess.Popen(["sleep", "60"])
    started = int(start_time(ended.pid) or 0)
    ended.kill()
    ended.wait()
    return ended.pid, started


@pytest.fixture
def marked() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Programs that were started with a mark."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for one in started:
        one.kill()
        one.wait()


def start(*numbers: int) -> subprocess.Popen[bytes]:
    name = "_".join(["WAINWRIGHT_STARTED_BY", *map(str, numbers)])
    return subprocess.Popen(["sh", "-c", "sleep 60; :", "sh", "--unsetenv", name, "--"])


def test_only_what_a_dead_process_of_this_namespace_started_is_ended(
    dead: tuple[int, int], marked: list[subprocess.Popen[bytes]]
) -> None:
    pid, began = dead
    marked += [
        start(NAMESPACE, pid, began),
        start(NAMESPACE, ME, STARTED - 1),
        start(NAMESPACE, ME, STARTED),
        start(NAMESPACE + 1, pid, began),
    ]
    assert orphans.end_orphans() >= 2
    gone, used_again, ours, elsewhere = marked
    assert (gone.wait(10), used_again.wait(10)) == (-9, -9)
    assert (ours.poll(), elsewhere.poll()) == (None, None)
    assert orphans.mark() == ("--unsetenv", f"WAINWRIGHT_STARTED_BY_{NAMESPACE}_{ME}_{STARTED}")


def test_by_its_id_only_what_this_process_started_is_ended(
    dead: tuple[int, int], marked: list[subprocess.Popen[bytes]]
) -> None:
    marked += [
        start(NAMESPACE, ME, STARTED),
        start(NAMESPACE, ME, STARTED - 1),
        subprocess.Popen(["sleep", "60"]),
    ]
    for one in marked:
        orphans.end(one.pid)
    orphans.end(dead[0])
    ours, elsewhere, another = marked
    assert ours.wait(10) == -9
    assert (elsewhere.poll(), another.poll()) == (None, None)


@pytest.mark.timeout(120)
def test_a_killed_server_leaves_no_sandbox_behind(tmp_path: Path) -> None:
    chance = random.Random(7)
    (tmp_path / "tree").mkdir()
    for _ in range(6):
        words = [sys.executable, "-c", AT_WORK, tmp_path / "state", tmp_path / "tree"]
        server = subprocess.Popen(words, stdout=subprocess.PIPE)
        assert server.stdout is not None
        for line in iter(server.stdout.readline, b"ready\n"):
            assert b"orphans_ended" in line, "what another server left behind, it may say that it has ended"
        time.sleep(chance.uniform(0.01, 0.1))
        server.kill()
        server.wait()
        server.stdout.close()
        wanted = f"WAINWRIGHT_STARTED_BY_{NAMESPACE}_{server.pid}_".encode()
        deadline = time.monotonic() + 20
        while left := having(wanted):
            orphans.end_orphans()
            assert time.monotonic() < deadline, left
            time.sleep(0.05)


def having(wanted: bytes) -> list[str]:
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (place / "cmdline").read_bytes():
                found.append(place.name)
        except OSError:
            continue
    return found
