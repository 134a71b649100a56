"""Acts that must fail inside a sandbox. A bare interpreter runs this text in there, so it imports nothing of ours.

Each act returns True when it *succeeded*, that is, when a wall does not hold. It is told by JSON on stdin where the
secrets are, and answers with a JSON list of the acts that succeeded. What is done to the canary stays done, and a
word that it was told is left in the tree: whoever reads the answer sees from outside whether it can be believed.
"""

import ctypes
import errno
import json
import os
import platform
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_MS_REMOUNT, _MS_BIND = 32, 4096
_CLONE_NEWNS, _CLONE_NEWUSER = 0x20000, 0x10000000
_OF_INTEL = platform.machine() == "x86_64"
_IO_URING_SETUP = 425
_USERFAULTFD = 323 if _OF_INTEL else 282
_KEYCTL = 250 if _OF_INTEL else 219
_GET_KEYRING_ID, _SESSION_KEYRING = 0, -3
_SOCKETS = ((40, 0), (38, 0), (17, 0), (44, 0), (16, 9), (16, 15))
"""Of virtual machines, ciphers, packets, express packets; of netlink those of audits and of devices."""

Told = dict[str, Any]


def write_outside_the_tree(told: Told) -> bool:
    """Make or change a file anywhere but in the tree and in memory."""
    paths = ("/etc/passwd", "/etc/group", "/usr/wainwright", "/wainwright")
    return any([*(_opens_for_writing(path) for path in paths), _adds_to(told["canary"])])


def read_the_state_directory(told: Told) -> bool:
    """Read a file beside the tree in the server's own directory."""
    return _reads(told["canary"], told["secret"])


def look_into_the_home_directory(told: Told) -> bool:
    """See anything there that was not shown on purpose."""
    try:
        return bool({entry.name for entry in Path(told["home"]).iterdir()} - set(told["home_shown"]))
    except OSError:
        return False


def read_the_shadow_file(_told: Told) -> bool:
    """Read the machine's password hashes."""
    return _reads("/etc/shadow", "")


def connect_to_the_host(told: Told) -> bool:
    """Open a TCP connection to a listener on the host's loopback."""
    try:
        socket.create_connection(("127.0.0.1", told["port"]), timeout=2).close()
    except OSError:
        return False
    return True


def find_a_network_interface(_told: Told) -> bool:
    """See any network interface besides a loopback of one's own."""
    try:
        return any(name not in {"lo", "sit0", "tunl0", "ip6tnl0"} for _, name in socket.if_nameindex())
    except OSError:
        return False


def change_a_kernel_setting(_told: Told) -> bool:
    """Open a kernel setting or trigger for writing."""
    settings = ("vm/drop_caches", "kernel/core_pattern", "kernel/sysrq")
    return any(_opens_for_writing(f"/proc/sys/{name}") for name in settings) or _opens_for_writing(
        "/proc/sysrq-trigger"
    )


def hold_a_capability(_told: Told) -> bool:
    """Have, or be able to get, any capability."""
    status = Path("/proc/self/status").read_text()
    # Where no new power comes of starting a program, it does not matter which one could.
    sets = [
        line.split()[1] for line in status.splitlines() if line.startswith(("CapEff", "CapPrm", "CapAmb"))
    ]
    return any(int(value, 16) for value in sets) or "NoNewPrivs:\t1" not in status


def remount_writable(_told: Told) -> bool:
    """Make a read-only mount writable, directly or from a user namespace of one's own."""
    if _remount("/usr"):
        return True
    child = os.fork()
    if child == 0:
        namespace = ctypes.CDLL(None).unshare(_CLONE_NEWUSER | _CLONE_NEWNS) == 0
        os._exit(1 if namespace and _remount("/usr") else 0)
    return os.waitpid(child, 0)[1] != 0


def see_the_parents_environment(told: Told) -> bool:
    """Find a variable of a process of the host, in one's own environment or in anybody's."""
    secret = told["secret"].encode()
    found = [secret in value for value in os.environb.values()]
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                found.append(secret in (process / "environ").read_bytes())
            except OSError:
                continue
    return any(found)


def end_a_process_of_the_host(told: Told) -> bool:
    """Send a signal to a process outside."""
    pid = told["process"]
    try:
        # By its number alone it might be one of this sandbox's own.
        if Path(f"/proc/{pid}/comm").read_text() != "cat\n":
            return False
        os.kill(pid, signal.SIGTERM)
    except OSError:
        return False
    return True


def change_what_is_told_of_a_file(told: Told) -> bool:
    """Set the time and mode of a file outside."""
    path = Path(told["canary"])
    try:
        before = path.stat()
        os.utime(path, (1, 1))
        path.chmod(0o777)
        after = path.stat()
    except OSError:
        return False
    return (before.st_mtime_ns, before.st_mode) != (after.st_mtime_ns, after.st_mode)


def reach_deep_into_the_kernel(_told: Told) -> bool:
    """Get an answer from a call that has often been a way out of any wall."""
    return any(_answers(call, 1, None) for call in (_IO_URING_SETUP, _USERFAULTFD))


def open_a_socket_of_another_kind(_told: Told) -> bool:
    """Open a socket neither of this machine's processes nor of the internet."""
    opened = []
    for family, protocol in _SOCKETS:
        kind = (
            socket.SOCK_SEQPACKET if family == 38 else socket.SOCK_RAW if family != 40 else socket.SOCK_STREAM
        )
        try:
            socket.socket(family, kind, protocol).close()
        except OSError:
            continue
        opened.append(family)
    return bool(opened)


def reach_a_key(_told: Told) -> bool:
    """Ask for the keyring of the session."""
    return _answers(_KEYCTL, _GET_KEYRING_ID, _SESSION_KEYRING, 0)


ACTS: tuple[Callable[[Told], bool], ...] = (
    write_outside_the_tree,
    read_the_state_directory,
    look_into_the_home_directory,
    read_the_shadow_file,
    connect_to_the_host,
    find_a_network_interface,
    change_a_kernel_setting,
    hold_a_capability,
    remount_writable,
    see_the_parents_environment,
    end_a_process_of_the_host,
    change_what_is_told_of_a_file,
    reach_deep_into_the_kernel,
    open_a_socket_of_another_kind,
    reach_a_key,
)


def _opens_for_writing(path: str) -> bool:
    existed = Path(path).exists()
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError:
        return False
    if not existed:
        Path(path).unlink()
    return True


def _adds_to(path: str) -> bool:
    try:
        with Path(path).open("a") as file:
            file.write("written")
    except OSError:
        return False
    return True


def _reads(path: str, expected: str) -> bool:
    try:
        text = Path(path).read_text()
    except OSError:
        return False
    return bool(text) and expected in text


def _answers(call: int, *arguments: int | None) -> bool:
    """Whether a kernel call does anything, be it that it finds fault with what it is given."""
    library = ctypes.CDLL(None, use_errno=True)
    ctypes.set_errno(0)
    return library.syscall(call, *arguments) >= 0 or ctypes.get_errno() not in {errno.ENOSYS, errno.EPERM}


def _remount(path: str) -> bool:
    status: int = ctypes.CDLL(None).mount(b"none", path.encode(), None, _MS_REMOUNT | _MS_BIND, None)
    return status == 0


if __name__ == "__main__":
    told_by_the_host: Told = json.load(sys.stdin)
    Path(told_by_the_host["witness"]).write_text(told_by_the_host["word"])
    sys.stdout.write(json.dumps([act.__name__ for act in ACTS if act(told_by_the_host)]))
