import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from wainwright.domain.errors import SandboxError
from wainwright.sandbox import limits
from wainwright.sandbox.bubblewrap import Bubblewrap, prove
from wainwright.sandbox.forwarding import door
from wainwright.sandbox.identity import start_time
from wainwright.sandbox.protocol import Command, CommandOutcome, SandboxView
from wainwright.workspace.dependencies import layers

PYTHON = os.path.realpath(sys.executable)
Find = Callable[[str], list[int]]
IN = Path("/tmp/signals")
"""Where a command finds the folder ``signals``."""
AS_ROOT = pytest.mark.skipif(
    os.getuid() != 0, reason="for others ordinary permissions are a wall of their own"
)


async def shell(
    sandbox: Bubblewrap, view: SandboxView, script: str, timeout_s: float = 60, **more: object
) -> CommandOutcome:
    command = Command.model_validate({"argv": ("bash", "-c", script), "timeout_s": timeout_s, **more})
    return await sandbox.run(command, view)


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


class TestWhatACommandSees:
    async def test_the_tree_is_at_the_workspaces_own_path(self, sandbox, view, tree, workspace):
        (workspace / "mine.txt").write_text("the person's")
        (tree / "task.txt").write_text("the task's")
        outcome = await shell(sandbox, view, "pwd; ls; echo new > made.txt")
        assert outcome.output == f"{workspace}\ntask.txt\n"
        assert (outcome.exit, outcome.timed_out, outcome.truncated) == (0, False, False)
        assert (tree / "made.txt").read_text() == "new\n"
        assert not (workspace / "made.txt").exists()

    async def test_a_cache_is_kept_between_commands(self, sandbox, view, tmp_path):
        (tmp_path / "cache").mkdir()
        cached = view.model_copy(update={"cache": tmp_path / "cache"})
        await shell(sandbox, cached, "echo built > ~/.cache/object")
        assert (await shell(sandbox, cached, "cat ~/.cache/object")).output == "built\n"
        assert "No such file" in (await shell(sandbox, view, "cat ~/.cache/object")).output

    async def test_nothing_else_of_the_workspaces_parents(self, sandbox, view, workspace, tmp_path):
        (workspace.parent / "other-project").mkdir()
        (tmp_path / "secret").write_text("secret")
        outcome = await shell(
            sandbox, view, f"ls {workspace.parent}; cat {tmp_path}/secret; ls {tmp_path}/state"
        )
        assert "other-project" not in outcome.output
        assert outcome.output.count("No such file or directory") == 2

    async def test_an_editable_install_runs_the_tasks_code(self, sandbox, tree, workspace):
        subprocess.run([PYTHON, "-m", "venv", "--without-pip", str(workspace / ".venv")], check=True)
        packages = next((workspace / ".venv").glob("lib/python3*/site-packages"))
        (packages / "__editable__project.pth").write_text(f"{workspace}/src\n")
        for root, text in ((workspace, "the person's"), (tree, "the task's")):
            (root / "src").mkdir()
            (root / "src" / "project.py").write_text(f"WHOSE = {text!r}\n")
        view = SandboxView(tree=tree, at=workspace, layers=layers(workspace, [".venv"]))
        absolute = f"{workspace}/.venv/bin/python"
        script = "import project, sys; print(project.WHOSE, sys.prefix)"
        for interpreter in (absolute, "python"):  # as if activated
            outcome = await shell(sandbox, view, f'cd /; {interpreter} -c "{script}"')
            assert outcome.output == f"the task's {workspace}/.venv\n"
        outcome = await shell(sandbox, view, "echo x > .venv/broken")
        assert not (workspace / ".venv" / "broken").exists()
        assert [path.name for path in tree.iterdir()] == ["src"], "no mount point is left in the task's tree"

    async def test_two_commands_share_a_mount_point(self, sandbox, tree, workspace, signals):
        (workspace / "node_modules" / "left").mkdir(parents=True)
        view = SandboxView(tree=tree, at=workspace, layers=layers(workspace, ["node_modules"]))
        long = asyncio.create_task(
            shell(
                sandbox,
                view,
                f"touch {IN}/began; until [ -e {IN}/go ]; do sleep 0.05; done; ls node_modules",
                shared=((signals, IN),),
            )
        )
        await until((signals / "began").exists)
        assert (await shell(sandbox, view, "ls node_modules")).output == "left\n"
        (signals / "go").touch()
        assert (await long).output == "left\n"
        assert not (tree / "node_modules").exists()

    async def test_dependencies_that_lead_out_of_the_workspace_are_not_shown(
        self, sandbox, tree, workspace, tmp_path
    ):
        (tmp_path / "keys").mkdir()
        (tmp_path / "keys" / "id").write_text("secret")
        (workspace / "node_modules").symlink_to(tmp_path / "keys")
        (workspace / ".venv").mkdir()
        (workspace / ".venv" / "pyvenv.cfg").write_text(f"home = {tmp_path}/keys/bin\n")
        view = SandboxView(tree=tree, at=workspace, layers=layers(workspace, ["node_modules", ".venv"]))
        outcome = await shell(sandbox, view, f"ls -d node_modules {tmp_path}/keys; ls -A .venv")
        assert outcome.output.count("No such file") == 2
        assert "pyvenv.cfg" in outcome.output

    async def test_a_planted_link_shows_nothing(self, sandbox, view, tree, tmp_path):
        (tmp_path / "keys").mkdir()
        (tmp_path / "keys" / "id").write_text("secret")
        (tree / ".git").symlink_to(tmp_path / "keys")
        outcome = await shell(sandbox, view, "cat .git/id")
        assert outcome.exit == 1
        assert "secret" not in outcome.output

    async def test_git_reads_its_directory_but_no_command_writes_it(self, sandbox, view, tree):
        subprocess.run(["git", "init", "-q", str(tree)], check=True)
        outcome = await shell(
            sandbox,
            view,
            "git status --short; touch .git/hooks/post-checkout; mv .git g; git config core.fsmonitor ./x",
        )
        assert outcome.exit != 0
        assert not (tree / ".git" / "hooks" / "post-checkout").exists()
        assert (tree / ".git" / "config").is_file()
        assert "fsmonitor" not in (tree / ".git" / "config").read_text()

    async def test_a_read_only_tree(self, sandbox, view, tree):
        outcome = await shell(sandbox, view.model_copy(update={"writes": "refused"}), "touch x")
        assert "Read-only file system" in outcome.output
        assert not list(tree.iterdir())

    async def test_the_home_directory_is_empty_but_for_toolchains_without_their_credentials(
        self, tmp_path, tree
    ):
        home = tmp_path / "person"
        (home / ".ssh").mkdir(parents=True)
        (home / ".cargo" / "bin").mkdir(parents=True)
        (home / ".cargo" / "credentials.toml").write_text("token = 'secret'")
        (home / ".cargo" / "config.toml").write_text("[net]\n")
        (home / "project").mkdir()
        environment = {"HOME": str(home), "PATH": f"{home}/.cargo/bin:{home}:/gone:{os.environ['PATH']}"}
        sandbox = await prove(tmp_path / "state", environment)
        view = SandboxView(tree=tree, at=home / "project")
        outcome = await shell(
            sandbox, view, "ls -A ~; cat ~/.cargo/*; echo $PATH; touch ~/scratch && echo made"
        )
        assert outcome.output.startswith(".cargo\nproject\n")
        assert "[net]" in outcome.output
        assert "secret" not in outcome.output
        path = outcome.output.splitlines()[-2].split(":")
        assert f"{home}/.cargo/bin" in path
        assert not {str(home), "/gone"} & set(path)
        assert outcome.output.endswith("made\n")
        assert not (home / "scratch").exists()

    async def test_a_workspace_that_is_the_home_directory(self, tmp_path, tree):
        home = tmp_path / "person"
        home.mkdir()
        sandbox = await prove(tmp_path / "state", {"HOME": str(home), "PATH": os.environ["PATH"]})
        outcome = await shell(sandbox, SandboxView(tree=tree, at=home), "pwd; touch ~/scratch; ls -A")
        assert outcome.output == f"{home}\n"

    async def test_no_variable_of_ours_and_those_of_the_command(self, sandbox, view, monkeypatch):
        monkeypatch.setenv("SOME_API_KEY", "sk-secret")
        outcome = await shell(
            sandbox, view, "env; cat /proc/1/environ; head -c 20 /etc/shadow", env={"EXTRA": "a b"}
        )
        assert "sk-secret" not in outcome.output
        assert "EXTRA=a b\n" in outcome.output
        assert "Permission denied" in outcome.output


class TestHowACommandEnds:
    async def test_exit_code_and_stdin(self, sandbox, view):
        outcome = await shell(sandbox, view, "cat; exit 7", stdin=b"told")
        assert (outcome.exit, outcome.output) == (7, "told")
        assert (await shell(sandbox, view, "cat")).output == ""
        assert (await shell(sandbox, view, "exec <&-", stdin=b"x" * 1_000_000)).exit == 0
        assert (await shell(sandbox, view, "kill -9 $$")).exit == 137

    async def test_an_unknown_program_is_an_outcome(self, sandbox, view):
        outcome = await sandbox.run(Command(argv=("no-such-program",), timeout_s=30), view)
        assert outcome.exit == 127
        assert "no-such-program" in outcome.output

    async def test_walls_that_cannot_be_built_are_an_error(self, sandbox, view):
        with pytest.raises(SandboxError, match=r"could not be built.*nowhere"):
            await shell(sandbox, view, "true", cwd="nowhere")
        with pytest.raises(SandboxError, match="gone"):
            await shell(sandbox, view.model_copy(update={"tree": view.tree / "gone"}), "true")
        with pytest.raises(SandboxError, match="cannot be a workspace"):
            await shell(sandbox, view.model_copy(update={"at": Path("/etc")}), "true")

    async def test_output_is_cut_in_the_middle(self, sandbox, view):
        outcome = await shell(
            sandbox, view, "echo first; head -c 50000000 /dev/zero; echo; echo last", output_bytes_max=1000
        )
        assert outcome.truncated
        assert outcome.output.startswith("first\n")
        assert outcome.output.endswith("last\n")
        assert "[... 49999012 bytes cut ...]" in outcome.output
        assert len(outcome.output) < 1100

    async def test_time_out_ends_grandchildren_and_keeps_what_was_said(
        self, sandbox, view, mark, processes_with: Find
    ):
        script = f"echo said; (trap '' TERM HUP; setsid bash -c 'sleep 500; : {mark}' &); sleep 501"
        outcome = await shell(sandbox, view, script, timeout_s=1)
        assert (outcome.exit, outcome.timed_out, outcome.output[:5]) == (None, True, "said\n")
        await until(lambda: not processes_with(mark))

    async def test_what_runs_in_the_background_ends_with_the_command(
        self, sandbox, view, mark, processes_with: Find
    ):
        outcome = await shell(sandbox, view, f"bash -c 'sleep 500; : {mark}' & echo hi")
        assert (outcome.exit, outcome.output) == (0, "hi\n")
        assert outcome.seconds < 30
        await until(lambda: not processes_with(mark))

    async def test_a_cancelled_command_leaves_no_process(
        self, sandbox, view, tree, signals, mark, processes_with: Find
    ):
        script = f"echo half > written; touch {IN}/began; bash -c 'sleep 500; : {mark}'"
        running = asyncio.create_task(shell(sandbox, view, script, shared=((signals, IN),)))
        await until((signals / "began").exists)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (tree / "written").read_text() == "half\n"
        await until(lambda: not processes_with(mark))

    async def test_commands_die_with_the_server(self, view, tmp_path, signals, mark, processes_with: Find):
        script = f"""
import asyncio
from pathlib import Path
from wainwright.sandbox.bubblewrap import prove
from wainwright.sandbox.protocol import Command, SandboxView
async def main():
    sandbox = await prove(Path({str(tmp_path / "state")!r}))
    script = "touch {IN}/began; bash -c 'sleep 500; : {mark}'"
    view = SandboxView.model_validate_json({view.model_dump_json()!r})
    shared = ((Path({str(signals)!r}), Path({str(IN)!r})),)
    await sandbox.run(Command(argv=("bash", "-c", script), timeout_s=600, shared=shared), view)
asyncio.run(main())
"""
        server = await asyncio.create_subprocess_exec(sys.executable, "-c", script, start_new_session=True)
        await until((signals / "began").exists)
        server.kill()
        assert await server.wait() == -signal.SIGKILL
        await until(lambda: not processes_with(mark))

    async def test_the_number_of_processes_is_bounded(self, sandbox, view):
        count = (
            "import os\nn = 0\ntry:\n    while n < 3000:\n        if os.fork() == 0: os.read(r, 1); os._exit(0)\n"
            "        n += 1\n    os.read(r, 1)\nexcept OSError: pass\nprint(n)"
        )
        command = Command(argv=(PYTHON, "-S", "-c", f"import os\nr, w = os.pipe()\n{count}"), timeout_s=100)
        outcome = await sandbox.run(command, view)
        if sandbox.bounds_processes:
            assert limits.PROCESSES_MAX // 2 < int(outcome.output) < limits.PROCESSES_MAX
        else:
            assert f"it had more than {limits.PROCESSES_MAX} processes at once" in outcome.output

    async def test_a_fork_bomb_is_survived(self, sandbox, view, mark, processes_with: Find):
        outcome = await shell(sandbox, view, f": {mark}; b() {{ b | b & }}; b; sleep 500", timeout_s=1)
        assert outcome.timed_out or "processes at once" in outcome.output
        await until(lambda: not processes_with(mark))
        assert (await shell(sandbox, view, "echo well")).output == "well\n"

    async def test_a_huge_file_is_refused(self, sandbox, view, tree):
        outcome = await shell(sandbox, view, "truncate -s 10G big || echo refused")
        assert "refused" in outcome.output
        assert (tree / "big").stat().st_size == 0


class TestWhatACommandCannotReach:
    async def test_no_network_at_all(self, sandbox, view):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            script = (
                f"(echo > /dev/tcp/127.0.0.1/{port}) 2>&1; (echo > /dev/udp/192.0.2.1/53) 2>&1; ls /sys 2>&1"
            )
            outcome = await shell(sandbox, view, script)
        assert "Connection refused" in outcome.output
        assert "Network is unreachable" in outcome.output

    async def test_no_process_of_the_host(self, sandbox, view):
        outcome = await shell(sandbox, view, f"kill -0 {os.getpid()} || ls -d /proc/[0-9]* | wc -l")
        assert int(outcome.output.splitlines()[-1]) < 8

    async def test_no_kernel_setting_no_mount_no_namespace(self, sandbox, view):
        script = (
            "echo 1 > /proc/sys/vm/drop_caches; mount -o remount,rw,bind /usr; umount /etc/shadow; unshare -Ur true;"
            "find /proc -not -path '/proc/[0-9]*' -type f -writable 2>/dev/null | head -1;"
            "grep CapBnd /proc/self/status"
        )
        outcome = await shell(sandbox, view, script)
        assert "drop_caches: Read-only file system" in outcome.output
        assert "unshare failed" in outcome.output
        assert outcome.output.endswith("CapBnd:\t0000000000000000\n")


class TestDetached:
    async def test_it_lives_on_without_us_and_dies_as_one(self, sandbox, view, tmp_path, tree):
        log = tmp_path / "log"
        script = "echo $WORD; touch x; (sleep 500 &) ; sleep 501"
        with door() as outside:
            pid, started = sandbox.spawn_detached(
                ("bash", "-c", script), view, env={"WORD": "hello"}, log=log, door=outside
            )
        try:
            await until(lambda: "Read-only" in log.read_text())
            assert log.read_text().startswith("hello\n")
            assert start_time(pid) == started
            assert os.getpgid(pid) == pid
            assert parent_of(parent_of(pid)) != os.getpid()
        finally:
            os.kill(pid, 9)
        await until(lambda: start_time(pid) is None)

    async def test_walls_that_cannot_be_built(self, sandbox, view, tmp_path):
        """Told at once, or in the log of a service that ends at once: bubblewrap gives its id before it builds."""
        log = tmp_path / "log"
        with suppress(SandboxError), door() as outside:
            pid, _ = sandbox.spawn_detached(("true",), view, env={}, log=log, door=outside, cwd="nowhere")
            await until(lambda: start_time(pid) is None)
        assert "nowhere" in log.read_text()


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def children() -> set[bytes]:
    """Processes that this one has started, in whatever thread."""
    return {pid for one in Path("/proc/self/task").iterdir() for pid in read(one / "children").split()}


@pytest.mark.parametrize("busy_ms", [1, 5, 20, 60])
async def test_a_command_that_is_cancelled_while_it_starts_is_ended_and_leaves_nothing(
    sandbox: Bubblewrap, view: SandboxView, busy_ms: int
) -> None:
    before = children()
    work = asyncio.create_task(sandbox.run(Command(argv=("sleep", "345678"), timeout_s=60), view))
    while not children() - before:
        await asyncio.sleep(0)
    # The loop is busy with something else, and only then goes on with what it has just started.
    time.sleep(busy_ms / 1000)
    work.cancel()
    await asyncio.wait({work}, timeout=10)
    # A process that was killed is listed for a moment more.
    for _ in range(100):
        left = [
            place
            for place in Path("/proc").glob("[0-9]*/cmdline")
            if str(view.at).encode() in read(place) and b"345678" in read(place)
        ]
        if not left:
            break
        await asyncio.sleep(0.05)
    for place in left:
        with suppress(ProcessLookupError):
            os.kill(int(place.parent.name), signal.SIGKILL)
    assert work.cancelled()
    assert left == []


def read(place: Path) -> bytes:
    """Of a process; nothing of one that is gone."""
    with suppress(OSError):
        return place.read_bytes()
    return b""


class TestHowMuchACommandTakes:
    """Small limits, so that nothing large has to be done to reach them."""

    HOARD = "import time\nkept = []\nwhile True:\n    kept.append(bytearray(8 << 20)); time.sleep(0.02)\n"

    @pytest.mark.parametrize("groups", [True, False])
    async def test_memory(self, tmp_path, view, monkeypatch, groups):
        monkeypatch.setattr(limits, "memory_max", lambda: 200 << 20)
        if not groups:
            monkeypatch.setattr(limits, "_bases", lambda: ())
        sandbox = await prove(tmp_path / "other")
        if groups and not sandbox.bounds_memory:
            pytest.skip("no control group for memory can be made here")
        began = await sandbox.run(Command(argv=(PYTHON, "-S", "-c", "print(1)"), timeout_s=60), view)
        assert (began.exit, began.output) == (0, "1\n")
        outcome = await sandbox.run(Command(argv=(PYTHON, "-S", "-c", self.HOARD), timeout_s=100), view)
        assert (outcome.exit, outcome.timed_out) == (137, False)
        assert "it took more than 0.2 GiB of memory" in outcome.output

    async def test_files_in_memory_are_memory(self, tmp_path, view, monkeypatch):
        monkeypatch.setattr(limits, "memory_max", lambda: 200 << 20)
        sandbox = await prove(tmp_path / "other")
        if not sandbox.bounds_memory:
            pytest.skip("no control group for memory can be made here")
        outcome = await shell(sandbox, view, "head -c 900M /dev/zero > /tmp/x; echo left $?")
        assert "left 0" not in outcome.output
        assert "of memory" in outcome.output

    async def test_processes_where_the_kernel_does_not_count_them(self, tmp_path, view, monkeypatch):
        """It does not for uid 0, which whoever has another name in a user namespace may be."""
        monkeypatch.setattr(limits, "_bases", lambda: ())
        monkeypatch.setattr(limits, "PROCESSES_MAX", 200)
        sandbox = await prove(tmp_path / "other")
        outcome = await shell(sandbox, view, "for i in $(seq 400); do sleep 100 & done; wait", timeout_s=60)
        assert not outcome.timed_out
        assert "it had more than 200 processes at once" in outcome.output or "fork: retry" in outcome.output

    async def test_the_disk(self, sandbox, view, monkeypatch):
        monkeypatch.setattr(limits, "WRITTEN_BYTES_MAX", 30 << 20)
        script = "for i in $(seq 500); do head -c 1M /dev/zero > f$i; sleep 0.05; done"
        outcome = await shell(sandbox, view, script, timeout_s=120)
        assert (outcome.exit, outcome.timed_out) == (137, False)
        assert outcome.output.endswith("[stopped: it wrote more than 0.0 GiB]\n")

    async def test_what_is_to_be_left_of_the_disk(self, sandbox, view, monkeypatch):
        monkeypatch.setattr(limits, "DISK_RESERVE_BYTES", 1 << 60)
        outcome = await shell(sandbox, view, "head -c 50M /dev/zero > f; sleep 100", timeout_s=120)
        assert outcome.exit == 137
        assert "of the disk" in outcome.output
