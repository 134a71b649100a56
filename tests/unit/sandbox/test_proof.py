"""A sandbox is handed out only when its walls were shown to hold."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from wainwright.domain.errors import SandboxError
from wainwright.sandbox import launcher, limits
from wainwright.sandbox.bubblewrap import prove
from wainwright.sandbox.identity import start_time
from wainwright.sandbox.programs import PLACES

PYTHON = os.path.realpath(sys.executable)
AS_ROOT = pytest.mark.skipif(
    os.getuid() != 0, reason="for others ordinary permissions are a wall of their own"
)


class TestProof:
    async def test_it_refuses_without_bubblewrap(self, tmp_path, programs_in):
        programs_in(tmp_path / "bin")
        with pytest.raises(SandboxError, match="bwrap is in none of") as caught:
            await prove(tmp_path / "state", {"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
        assert "apt-get install bubblewrap" in caught.value.hint

    @pytest.mark.parametrize(
        ("dropped", "act"),
        [
            ("--unshare-all", "connect to the host"),
            ("--cap-drop ALL", "hold a capability"),
            (f"--size {limits.MEMORY_FILES_BYTES_MAX} --tmpfs HOME", "look into the home directory"),
            ("--seccomp", "reach deep into the kernel, open a socket of another kind, reach a key"),
        ],
    )
    async def test_it_refuses_when_a_wall_is_missing(self, tmp_path, programs_in, dropped, act):
        """A bubblewrap that leaves out one argument must be found out."""
        home = weak_bubblewrap(tmp_path, programs_in, dropped)
        with pytest.raises(SandboxError, match=act) as caught:
            await prove(tmp_path / "state", {"HOME": str(home), "PATH": os.environ["PATH"]})
        assert caught.value.hint

    @AS_ROOT
    @pytest.mark.parametrize(
        ("dropped", "act"),
        [
            ("--ro-bind /etc /etc", "write outside the tree"),
            ("--remount-ro /proc", "change a kernel setting"),
        ],
    )
    async def test_landlock_holds_where_a_wall_is_missing(self, tmp_path, programs_in, dropped, act):
        home = weak_bubblewrap(tmp_path, programs_in, dropped)
        environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
        places = [str(tmp_path / "bin"), *PLACES]
        said = kernel_without_landlock(tmp_path / "other", environment, places)
        assert said == f"The sandbox does not hold: inside it a command could {act}."
        if not launcher.landlock():
            pytest.skip("this kernel has no Landlock")
        assert "Landlock" in (await prove(tmp_path / "state", environment)).tier

    async def test_on_a_kernel_without_landlock_the_other_walls_hold_and_the_tier_says_so(self, tmp_path):
        assert kernel_without_landlock(tmp_path / "state", dict(os.environ), PLACES) == "bubblewrap + seccomp"

    async def test_it_refuses_a_state_directory_that_commands_would_see(self, tmp_path):
        seen = tmp_path / "person" / ".cargo" / "bin"
        seen.mkdir(parents=True)
        sandbox = await prove(seen / "state", {"HOME": str(tmp_path / "person"), "PATH": os.environ["PATH"]})
        assert not any(seen.is_relative_to(shown) for shown in sandbox._visible.toolchains)

    async def test_it_leaves_nothing_behind(self, tmp_path):
        await prove(tmp_path / "state")
        left = {place.name for place in (tmp_path / "state").iterdir()}
        assert left - {"toolchains"} == {launcher.NAME}


def weak_bubblewrap(tmp_path: Path, programs_in: Callable[[Path], None], dropped: str) -> Path:
    """Put a bubblewrap without one of its arguments before the real one, and return a home with a secret in it."""
    home = tmp_path / "person"
    (home / "private").mkdir(parents=True)
    real, dropped = shutil.which("bwrap"), dropped.replace("HOME", str(home))
    weak = tmp_path / "bin" / "bwrap"
    weak.parent.mkdir()
    weak.write_text(WEAK_BWRAP.format(python=PYTHON, dropped=dropped, home=home, real=real))
    weak.chmod(0o755)
    programs_in(weak.parent, *map(Path, PLACES))
    return home


WEAK_BWRAP = """#!{python}
import os, sys
arguments, dropped = sys.argv[1:], "{dropped}".split()
replacement = {{
    "--unshare-all": ["--unshare-user", "--unshare-pid"],
    "--cap-drop": ["--cap-add", "ALL"],
    "--size": ["--bind", "{home}", "{home}"],
    "--ro-bind": ["--bind", "/etc", "/etc"],
    "--remount-ro": [],
    "--seccomp": ["--sync-fd"],
}}[dropped[0]]
for start in range(len(arguments)):
    if arguments[start : start + len(dropped)] == dropped:
        arguments[start : start + len(dropped)] = replacement
        break
if dropped[0] == "--remount-ro":
    at = arguments.index("/proc/sys") if "/proc/sys" in arguments else None
    if at is not None:
        del arguments[at - 1 : at + 2]
os.execv("{real}", ["bwrap", *arguments])
"""


def kernel_without_landlock(state: Path, environment: dict[str, str], places: Sequence[str]) -> str:
    """The tier of a sandbox on such a kernel, or why there is none: its calls do not exist for a process."""
    script = f"""
import asyncio, ctypes, struct
from pathlib import Path
from wainwright.domain.errors import SandboxError
from wainwright.sandbox import programs
from wainwright.sandbox.bubblewrap import prove

LOAD_NUMBER, AT_LEAST, ABOVE, ALLOW, ABSENT = 0x20, 0x35, 0x25, 0x7FFF0000, 0x50000 + 38
steps = [(LOAD_NUMBER, 0, 0, 0), (AT_LEAST, 0, 2, 444), (ABOVE, 1, 0, 446), (6, 0, 0, ABSENT), (6, 0, 0, ALLOW)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
library = ctypes.CDLL(None, use_errno=True)
assert library.prctl(38, 1, 0, 0, 0) == 0
assert library.prctl(22, 2, struct.pack("HP", len(steps), ctypes.addressof(code))) == 0

programs.PLACES = {places!r}
try:
    print(asyncio.run(prove(Path({str(state)!r}), {environment!r})).tier)
except SandboxError as error:
    print(error.message)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.strip()


async def test_a_start_that_was_killed_leaves_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    script = f"""
import asyncio, os, signal
from pathlib import Path
from wainwright.sandbox import bubblewrap, proof

async def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)

proof._attempt = killed
asyncio.run(bubblewrap.prove(Path({str(state)!r})))
"""
    before = _carriers()
    starting = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    assert await starting.wait() == -signal.SIGKILL
    (left,) = state.glob("proof-*")
    (left / "tree").chmod(0o000)
    async with asyncio.timeout(10):
        while _carriers() - before:
            await asyncio.sleep(0.02)
    living = state / f"proof-{os.getpid()}-{start_time(os.getpid())}-x"
    living.mkdir()
    await prove(state)
    assert list(state.glob("proof-*")) == [living]


def _carriers() -> set[str]:
    """Processes that hold the secret of a proof."""
    wanted = f"PATH={os.defpath}\0SECRET=".encode()
    found = set()
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and (entry / "environ").read_bytes().startswith(wanted):
                found.add(entry.name)
    return found
