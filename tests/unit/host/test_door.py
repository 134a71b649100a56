"""Who reaches which host: those who would start the same one, and no other user of the machine."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from wainwright.host import door
from wainwright.sockets import opened

WORDS = ["--autonomy", "suggest"]


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_STATE_HOME", str(folder))
        patched.setattr(door, "_OF_WINDOWS", door._OF_WINDOWS | {"PYTEST_CURRENT_TEST"})
        yield folder


@pytest.fixture(scope="module")
def host(home: Path) -> Iterator[int]:
    """A host that somebody is connected to, so that it stays."""
    connection, process = door.attach(WORDS, None)
    with connection:
        yield process
        os.kill(process, signal.SIGTERM)
        while connection.recv(65536):
            pass  # its conversation ends before it does


def test_who_starts_the_same_reaches_the_same(host: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM_PROGRAM", "another window")
    connection, process = door.attach([*WORDS, "--stdio", "--clientProcessId", "7"], None)
    connection.close()
    assert process == host


def test_a_host_keeps_nothing_of_whoever_started_it(host: int, home: Path) -> None:
    process = Path(f"/proc/{host}")
    assert process.joinpath("cwd").readlink() == Path("/")
    assert os.getsid(host) != os.getsid(0)
    held = [str(end.readlink()) for end in process.joinpath("fd").iterdir()]
    usual = ("/dev/null", "socket:", "anon_inode:", "pipe:", str(home))
    assert [end for end in held if not end.startswith(usual)] == []
    (name,) = (path for path in door.fronts_folder().iterdir() if path.suffix != ".lock")
    assert name.stat().st_mode & 0o777 == 0o600
    assert name.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("variable", "value"), [("OPENAI_API_KEY", "another"), ("PATH", "/bin"), ("XDG_CONFIG_HOME", "/x")]
)
def test_other_variables_are_another_host(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = door.name_of(WORDS)
    monkeypatch.setenv(variable, value)
    assert door.name_of(WORDS) != usual


def test_variables_of_windows_reach_no_host(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = door.name_of(WORDS)
    for name in ("TERM", "TMUX_PANE", "VSCODE_PID", "SSH_TTY", "PWD", "_"):
        monkeypatch.setenv(name, "this window's")
        assert name not in door.variables_of(os.environ)
    assert door.name_of(WORDS) == usual


@pytest.mark.parametrize("more", [["--trust"], ["--autonomy", "full-auto"], ["--model", "openai/any"]])
def test_other_words_are_another_host(more: list[str]) -> None:
    assert door.name_of([*WORDS, *more]) != door.name_of(WORDS)


def test_a_path_counts_from_where_it_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["--cassette", "replies"]
    here = door.name_of(words), door.name_of(WORDS)
    monkeypatch.chdir(tmp_path)
    assert door.name_of(words) != here[0]
    assert door.name_of(WORDS) == here[1]


@pytest.mark.parametrize(
    "says",
    [b'{"version": "another", "process": 1}\n', b"[]\n", b"odd\n", b"", b"x" * (door.LONGEST_LINE + 2)],
)
def test_who_is_no_host_of_this_version_is_not_used(says: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def connected(_argv: object) -> socket.socket:
        ours, theirs = socket.socketpair()

        def answer() -> None:
            with theirs:
                theirs.recv(4096)
                theirs.sendall(says)

        threading.Thread(target=answer, daemon=True).start()
        return ours

    monkeypatch.setattr(door, "_connected", connected)
    with pytest.raises(door.NotThere):
        door.attach(WORDS, None)


def test_a_front_of_another_version_is_refused(host: int) -> None:
    with opened(door.fronts_folder()) as folder:
        connection = folder.connect(door.name_of(WORDS), door.KIND, 10)
    with connection:
        connection.sendall(json.dumps({"version": "another"}).encode() + b"\n")
        assert "another version" in door.read_line(connection)["refused"]
        assert connection.recv(1) == b""


SOMEBODY_ELSE = """
import os, socket, sys
folder = os.open(sys.argv[1], os.O_RDONLY)
other = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    other.connect(f"/proc/self/fd/{folder}/{sys.argv[2]}")
    other.sendall(sys.argv[3].encode())
    print(other.recv(100))
except OSError as error:
    print(type(error).__name__)
"""


def test_another_user_cannot_attach(host: int) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    place, name = door.fronts_folder(), door.name_of(WORDS)
    hello = json.dumps({"version": door.version(), "greeted": None, "after": 0}) + "\n"

    def asks() -> str:
        words = [sys.executable, "-c", SOMEBODY_ELSE, str(place), name, hello]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()

    assert asks() == "PermissionError"
    # As if the folder and the socket were open: the host itself looks who it is.
    try:
        place.chmod(0o755)
        (place / name).chmod(0o777)
        assert asks() in ("b''", "ConnectionResetError", "BrokenPipeError")
    finally:
        place.chmod(0o700)
        (place / name).chmod(0o600)


def test_somebody_elses_socket_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "one"))
        listening.listen()
        monkeypatch.setattr("wainwright.sockets.os.fstat", lambda _: os.stat_result((0o40700, *[12345] * 9)))
        with opened(tmp_path) as folder, pytest.raises(PermissionError, match="somebody else"):
            folder.connect("one", door.KIND, 5)


def test_a_host_that_nobody_finds_any_more_ends(home: Path) -> None:
    connection, process = door.attach(["--autonomy", "auto-edit"], None)
    connection.close()
    for path in door.fronts_folder().iterdir():
        if path.name.startswith(door.name_of(["--autonomy", "auto-edit"])):
            path.unlink()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{process}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)  # nothing tells of the end of a process that is nobody's child
