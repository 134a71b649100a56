"""What commands cannot do though they see a whole kernel, and what they still can."""

import ctypes
import errno
import os
import platform
import sys
from pathlib import Path

import pytest

from wainwright.sandbox import launcher
from wainwright.sandbox.bubblewrap import Bubblewrap
from wainwright.sandbox.forwarding import door
from wainwright.sandbox.protocol import Command, SandboxView

PYTHON = os.path.realpath(sys.executable)
INTEL = platform.machine() == "x86_64"
KEYCTL, ADD_KEY = (250, 248) if INTEL else (219, 217)
JOIN, SEARCH = 1, 10
SESSION = -3

PREAMBLE = """
import ctypes, errno, os, socket, sys
library = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    done = library.syscall(number, *arguments)
    return errno.errorcode.get(ctypes.get_errno(), "did it") if done < 0 else "did it"
def opened(*kind):
    try:
        socket.socket(*kind).close()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "did it"
"""


async def python(sandbox: Bubblewrap, view: SandboxView, script: str) -> str:
    command = Command(argv=(PYTHON, "-S", "-c", PREAMBLE + script), timeout_s=60)
    return (await sandbox.run(command, view)).output.strip()


CALLS = {
    "io_uring_setup": ("call(425, 1, ctypes.create_string_buffer(120))", "ENOSYS"),
    "io_uring_register": ("call(427, -1, 0, None, 0)", "ENOSYS"),
    "userfaultfd": (f"call({323 if INTEL else 282}, 1)", "ENOSYS"),
    "bpf": (f"call({321 if INTEL else 280}, 0, None, 0)", "ENOSYS"),
    "clone3, whose flags no filter can see": ("call(435, None, 0)", "ENOSYS"),
    "perf_event_open": (f"call({298 if INTEL else 241}, None, 0, -1, -1, 0)", "EPERM"),
    "open_tree": ("call(428, -100, b'/', 0)", "EPERM"),
    "fsopen": ("call(430, b'tmpfs', 0)", "EPERM"),
    "a user namespace": (f"call({272 if INTEL else 97}, 0x10000000)", "EPERM"),
    "a network namespace": (f"call({272 if INTEL else 97}, 0x40000000)", "EPERM"),
    "keyctl": (f"call({KEYCTL}, 0, -3, 0)", "ENOSYS"),
    "add_key": (f"call({ADD_KEY}, b'user', b'x', b'x', 1, -3)", "ENOSYS"),
    "words put into a terminal": (f"call({16 if INTEL else 29}, 0, 0x5412, b'x')", "EPERM"),
    "the first process": (f"call({101 if INTEL else 117}, 16, 1, 0, 0)", "EPERM"),
    "vsock": ("opened(40, socket.SOCK_STREAM)", "EAFNOSUPPORT"),
    "ciphers of the kernel": ("opened(38, socket.SOCK_SEQPACKET)", "EAFNOSUPPORT"),
    "packets": ("opened(17, socket.SOCK_RAW)", "EAFNOSUPPORT"),
    "bluetooth": ("opened(31, socket.SOCK_RAW)", "EAFNOSUPPORT"),
    "netlink of audits": ("opened(16, socket.SOCK_RAW, 9)", "EAFNOSUPPORT"),
    "netlink of devices": ("opened(16, socket.SOCK_RAW, 15)", "EAFNOSUPPORT"),
}


async def test_no_call_beyond_what_programs_need(sandbox: Bubblewrap, view: SandboxView) -> None:
    attempts = ", ".join(f"{name!r}: {attempt}" for name, (attempt, _) in CALLS.items())
    said = await python(sandbox, view, f"print({{{attempts}}})")
    expected = {name: refused for name, (_, refused) in CALLS.items()}
    if not launcher.landlock():
        del expected["the first process"]  # it is under the same filter, and holds nothing more
    assert expected.items() <= eval(said).items()


@pytest.mark.skipif(not INTEL, reason="only there is a second kind of calls by other numbers")
async def test_no_call_by_the_numbers_of_another_processor(sandbox: Bubblewrap, view: SandboxView) -> None:
    assert await python(sandbox, view, "print(call(0x40000000 + 39))") == "ENOSYS"


async def test_the_first_process_of_the_sandbox_is_under_the_same_filter(
    sandbox: Bubblewrap, view: SandboxView
) -> None:
    said = await python(sandbox, view, "print(open('/proc/1/status').read())")
    assert "Seccomp:\t2\n" in said
    assert "NoNewPrivs:\t1\n" in said


async def test_no_key_of_the_persons_session(sandbox: Bubblewrap, view: SandboxView) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.syscall(KEYCTL, JOIN, None) < 0:
        pytest.skip("this machine lets nobody have a keyring")
    assert library.syscall(ADD_KEY, b"user", b"wainwright", b"secret", 6, SESSION) > 0
    search = f"call({KEYCTL}, {SEARCH}, {SESSION}, b'user', b'wainwright', 0)"
    assert await python(sandbox, view, f"print({search})") == errno.errorcode[errno.ENOSYS]
    assert "wainwright" not in await python(sandbox, view, "print(open('/proc/keys').read())")


async def test_what_programs_need_is_there(sandbox: Bubblewrap, view: SandboxView, tree: Path) -> None:
    """What libraries do behind one's back: names of network interfaces, threads, sockets, links, its own output."""
    said = await python(
        sandbox,
        view,
        """
import multiprocessing, subprocess, tempfile, threading
assert socket.if_nameindex()
assert opened(socket.AF_INET, socket.SOCK_STREAM) == opened(socket.AF_INET6, socket.SOCK_DGRAM) == "did it"
assert opened(16, socket.SOCK_RAW, 0) == "did it"
left, right = socket.socketpair()
server = socket.socket(socket.AF_UNIX)
server.bind(os.path.join(tempfile.mkdtemp(), "s"))
server.listen()
socket.socket(socket.AF_UNIX).connect(server.getsockname())
with socket.create_server(("127.0.0.1", 0)) as listener:
    socket.create_connection(listener.getsockname()).close()
threading.Thread(target=print).start()
multiprocessing.Process(target=print).start()
assert multiprocessing.Lock()
subprocess.run(["true"], check=True)
os.makedirs("a/b"); os.makedirs("c")
open("a/b/file", "w").write("x")
os.link("a/b/file", "c/linked")
os.rename("a/b/file", "c/moved")
os.rename("a", "c/a")
os.mkfifo("c/pipe"); os.symlink("x", "c/link"); os.truncate("c/moved", 0)
open("/dev/null", "w").write("x"); open("/dev/shm/x", "w").write("x")
assert os.read(os.open("/dev/stdin", os.O_RDONLY), 1) == b""
master, terminal = os.openpty(); os.ttyname(terminal)
open("/dev/stdout", "w").write("by name\\n")
print("done", file=open("/dev/stderr", "w"))
""",
    )
    assert said.split() == ["by", "name", "done"]
    assert (tree / "c" / "a" / "b").is_dir()


async def test_a_service_opens_its_log_by_name(
    sandbox: Bubblewrap, view: SandboxView, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with door() as outside:
        told = ("sh", "-c", "echo told > /dev/stderr")
        pid, _ = sandbox.spawn_detached(told, view, env={}, log=log, door=outside)
    assert os.waitstatus_to_exitcode(0) == 0
    while Path(f"/proc/{pid}").exists():
        os.sched_yield()
    assert log.read_text() == "told\n"
