"""How a front finds its host, or starts one, and how both make sure of the other.

An engine takes much from the process that it lives in: keys and `PATH` from its variables, who may do what from the
words it was started with, its network from where it was started. So a host is shared by those who would start the
same one, and by nobody else: its socket is named for all of that. What only tells in which window somebody sits is
left out of it, and out of the host.
"""

import hashlib
import json
import os
import socket
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import wainwright
from wainwright.home import state_home
from wainwright.sockets import Folder, inherited, opened, peer

KIND = socket.SOCK_STREAM
GREETS_S = 60.0
"""Seconds that a host may take until it is ready: it loads what it is for, on a machine that may have much to do."""
LONGEST_LINE = 65536
LEFT = "$/wainwright/left"
"""The last message of a host in a conversation that has ended; a front does not pass it on."""
_STARTS = 100
"""How often it is tried to be the one who starts it, or to find the one who did, a twentieth of a second apart."""
_OF_WINDOWS = frozenset(
    {
        "_", "CHROME_DESKTOP", "COLORFGBG", "COLORTERM", "COLUMNS", "DESKTOP_STARTUP_ID",
        "ELECTRON_NO_ATTACH_CONSOLE", "ELECTRON_RUN_AS_NODE", "INSIDE_EMACS", "INVOCATION_ID", "JOURNAL_STREAM",
        "LC_TERMINAL", "LC_TERMINAL_VERSION", "LINES", "MANAGERPID", "MYVIMRC", "NVIM", "OLDPWD", "PWD",
        "SHELL_SESSION_ID", "SHLVL", "SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY", "STY", "TERM", "TMUX", "VIM",
        "VIMRUNTIME", "WINDOWID", "WINDOWPATH", "XDG_ACTIVATION_TOKEN", "XDG_SESSION_ID",
    }
)  # fmt: skip
"""Variables that tell of a window, a terminal or a login, and of nothing that an engine does."""
_OF_WINDOWS_BEGIN = (
    "ALACRITTY_", "CURSOR_", "GIO_LAUNCHED_", "GNOME_TERMINAL_", "ITERM_", "KITTY_", "KONSOLE_", "NVIM_",
    "ORIGINAL_XDG_", "TERM_", "TMUX_", "VSCODE_", "VTE_", "WEZTERM_", "ZED_",
)  # fmt: skip
"""How others of them begin. One that is on neither list is another host, which costs memory and nothing else."""
_OF_EDITORS = ("--stdio", "--clientProcessId")
_WITH_PATHS = ("--cassette", "--log")


class NotThere(Exception):
    """There is no host, and none can be started: the reason, for the log."""


def fronts_folder() -> Path:
    """Where the sockets of a user's hosts lie."""
    return state_home() / "fronts"


def words_of(argv: Sequence[str]) -> list[str]:
    """The words after ``serve`` that say what is done, without those that say how the editor is talked to."""
    words, skip = [], False
    for word in argv:
        named = word.partition("=")[0]
        if not skip and named not in _OF_EDITORS:
            words.append(word)
        skip = word == "--clientProcessId"
    return words


def variables_of(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that a host has: all but those of windows."""
    return {name: value for name, value in sorted(environment.items()) if not _is_of_window(name)}


def _is_of_window(name: str) -> bool:
    return name in _OF_WINDOWS or name.startswith(_OF_WINDOWS_BEGIN)


def version() -> str:
    """Which program this is, down to when each of its files was written."""
    package = Path(wainwright.__path__[0])
    files = sorted(
        (above, name, Path(above, name).stat().st_mtime_ns)
        for above, _, names in os.walk(package)
        for name in names
        if name.endswith((".py", ".so"))
    )
    return _hash([package, files])


def name_of(argv: Sequence[str]) -> str:
    """What a host is called that is started with these words, here and now."""
    words = words_of(argv)
    where = Path().resolve() if any(word.startswith(_WITH_PATHS) for word in words) else ""
    return _hash([version(), words, where, variables_of(os.environ), inherited()])


def _hash(counts: Iterable[object]) -> str:
    return hashlib.sha256(repr(list(counts)).encode(errors="surrogateescape")).hexdigest()[:32]


def attach(argv: Sequence[str], greeted: dict[str, Any] | None, after: int = 0) -> tuple[socket.socket, int]:
    """A connection to a host that listens to us, and its process. Raises NotThere.

    ``greeted``: what ``initialize`` was answered already; ``after``: the process of the host before, that died.
    """
    try:
        try:
            return _attach(argv, greeted, after)
        except ConnectionError:  # it was about to end
            return _attach(argv, greeted, after)
    # Whatever it says of itself may be no sense, and not every system starts a process in a session of its own.
    except (OSError, ValueError, KeyError, NotImplementedError) as error:
        raise NotThere(f"{type(error).__name__}: {error}") from error


def _attach(argv: Sequence[str], greeted: dict[str, Any] | None, after: int) -> tuple[socket.socket, int]:
    connection = _connected(argv)
    try:
        connection.settimeout(GREETS_S)
        told = {"version": version(), "greeted": greeted, "after": after}
        connection.sendall(json.dumps(told).encode() + b"\n")
        said = read_line(connection)
        connection.settimeout(None)
    except BaseException:
        connection.close()
        raise
    if said.get("version") == told["version"] and "refused" not in said:
        return connection, int(said["process"])
    connection.close()
    raise NotThere(str(said.get("refused", "the host is of another version")))


def read_line(connection: socket.socket) -> dict[str, Any]:
    """What the other side says of itself. Raises OSError where it says nothing, ValueError where it is no sense."""
    said = b""
    while not said.endswith(b"\n"):
        # One by one: behind the line comes what is not ours to read.
        one = connection.recv(1)
        if not one or len(said) > LONGEST_LINE:
            raise ConnectionResetError("the other side said nothing of itself")
        said += one
    told = json.loads(said)
    if not isinstance(told, dict):
        raise ConnectionRefusedError("the other side is no host and no front")
    return told


def _connected(argv: Sequence[str]) -> socket.socket:
    name = name_of(argv)
    place = fronts_folder()
    with opened(place) as folder:
        for _ in range(_STARTS):
            with suppress(FileNotFoundError, ConnectionRefusedError):
                return folder.connect(name, KIND, GREETS_S)
            if not _start(argv, folder, place / name):
                time.sleep(0.05)  # somebody else is about to listen, of which nothing tells
    raise ConnectionRefusedError("no host can be started")


def _start(argv: Sequence[str], folder: Folder, path: Path) -> bool:
    """Whether a host was started; False where somebody else does so. Raises OSError."""
    with folder.turn(path.name, KIND) as turn:
        if turn is None:
            return False
        listening, lock = turn
        given = [f"--listening={listening.fileno()}", f"--lock={lock}", f"--path={path}"]
        for descriptor in (listening.fileno(), lock):
            os.set_inheritable(descriptor, True)
        begun = os.posix_spawn(
            sys.executable,
            [
                sys.executable,
                "-P",
                "-c",
                _BEGIN,
                str(Path(wainwright.__path__[0]).parent),
                "host",
                *given,
                *words_of(argv),
            ],
            variables_of(os.environ),
            file_actions=_NOWHERE,
            setsid=True,
        )
    if os.waitstatus_to_exitcode(os.waitpid(begun, 0)[1]) != 0:
        raise ChildProcessError("the host ended before it began")
    return True


_BEGIN = (
    "import sys; root = sys.argv.pop(1); root in sys.path or sys.path.append(root); "
    "from wainwright.host.begin import main; main()"
)
_NOWHERE = [
    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
]


def mine(connection: socket.socket) -> bool:
    """Whether the same user is at the other end."""
    return peer(connection)[1] == os.geteuid()
