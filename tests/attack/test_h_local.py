"""H: another user of the same machine plants, reads or changes what lies where files are."""

import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.attack.cases import Case, Group, Seen
from tests.attack.watched import Watched
from tests.fixtures.program import SERVER
from tests.unit.journal.damaged import Place

from wainwright import app, settings_files, sockets
from wainwright.app import state_folder
from wainwright.domain.errors import WainwrightError
from wainwright.models import starting
from wainwright.models.starting import HostPlace
from wainwright.sockets import Folder

IN_THE_RUN = "it is looked at in the one run that all groups share"
CASES = [
    Case("H1.01", "the modes of every file that a run makes", "hold", "modes", strong=IN_THE_RUN),
    Case("H1.02", "it is started with a umask of 000", "hold", "umask"),
    Case("H1.03", "the state folder was there, open to all", "ok", "open"),
    Case("H1.04", "the state folder was planted as a link to somebody else's", "refuse", "link"),
    Case("H1.05", "the state folder was made by somebody else", "refuse", "other owner"),
    Case(
        "H1.06",
        "names in the folder for temporary files are known beforehand",
        "hold",
        "tmp",
        strong=IN_THE_RUN,
    ),
    Case(
        "H1.07",
        "the modes of sockets",
        "hold",
        "sockets",
        strong="no umask of the person's and no look of ours gives the socket of a gateway host its mode",
    ),
    Case("H1.08", "secrets in the words that programs are started with", "hold", "argv", strong=IN_THE_RUN),
    Case("H1.09", "an image of the memory is left when it falls over", "hold", "core"),
    Case("H1.10", "the log was moved away while it is written", "ok", "log moved"),
    Case("H1.11", "copies of the journal can be read by others", "hold", "copies", strong=IN_THE_RUN),
    Case("H1.12", "somebody else can change the person's settings", "refuse", "config"),
    Case(
        "H1.13",
        "others can exchange the settings, since the folder is theirs to write",
        "refuse",
        "config folder",
    ),
    Case(
        "H1.14",
        "the state lies on a disk of the network",
        "hold",
        "nfs",
        owed="a machine with a disk of the network",
    ),
    Case("H1.15", "the state lies in a folder where all may make files", "ok", "sticky"),
    Case("H1.16", "somebody else holds the lock of the journal", "hold", "lock", strong=IN_THE_RUN),
    Case("H1.17", "a copy of the journal that was exported can be read by others", "hold", "export"),
    Case(
        "H1.18",
        "a report of a crash has secrets",
        "hold",
        "crash",
        strong="Python's own report has no values",
    ),
    Case("H1.19", "the editor's log of the server has secrets", "hold", "editor log", strong=IN_THE_RUN),
    Case("H1.20", "the folder of gateway hosts was there, open to all", "refuse", "hosts folder"),
    Case("H1.21", "somebody else listens where a gateway host would", "refuse", "host"),
]
GROUP = Group("H", "other users of the machine", 21, CASES)
CANARY = "CANARY-of-the-environment"
WEAK = "import wainwright.__main__ as program; program._keep_to_oneself = lambda: None; program.main()"


class Home:
    """A person's home with a workspace, and the program in it."""

    def __init__(self, folder: Path, program: tuple[str, ...]) -> None:
        self.folder = folder
        self.program = (sys.executable, *program)
        self.work = folder / "work"
        self.work.mkdir(parents=True)
        self.base = folder / "state"
        self.config = folder / "config" / "wainwright"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_STATE_HOME": str(self.base),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "PYTHONPATH": str(SERVER),
            "OPENAI_API_KEY": CANARY,
        }

    def said(self, *words: str, before: tuple[str, ...] = ()) -> tuple[int, str]:
        """How a command of the terminal ends, and what it says."""
        done = subprocess.run(
            [*before, *self.program, *words, "--workspace", str(self.work)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


def _opened(home: Home, patched: pytest.MonkeyPatch) -> Seen:
    """Whether the folder of the state is taken as ours."""
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        patched.setenv(name, home.environment[name])
    try:
        app._only_mine(state_folder(home.work))
        settings_files.load(home.work)
    except WainwrightError as error:
        return Seen("refuse", said=str(error))
    return Seen("ok")


def _loose(*paths: Path) -> list[str]:
    """Those that others can read or change."""
    return [
        f"{path} has mode {stat.S_IMODE(path.stat().st_mode):o}"
        for path in paths
        if path.stat().st_mode & 0o077
    ]


def umask(home: Home, _: pytest.MonkeyPatch) -> Seen:
    code, said = home.said("runs", before=("sh", "-c", 'umask 000; exec "$@"', "sh"))
    made = [path for path in home.folder.rglob("*") if path != home.work and not path.is_symlink()]
    assert len(made) > 3, (code, said)
    return Seen("hold", [f"others can change {one}" for one in made if one.stat().st_mode & 0o002])


def open_to_all(home: Home, patched: pytest.MonkeyPatch) -> Seen:
    place = _planted(home, patched)
    place.parent.chmod(0o777)
    place.chmod(0o777)
    seen = _opened(home, patched)
    seen.alarms += _loose(place, place.parent)
    return seen


def _planted(home: Home, patched: pytest.MonkeyPatch) -> Path:
    patched.setenv("XDG_STATE_HOME", str(home.base))
    place = state_folder(home.work)
    place.mkdir(parents=True)
    return place


def other_owner(home: Home, patched: pytest.MonkeyPatch) -> Seen:
    _planted(home, patched)
    mine = os.geteuid()
    patched.setattr(app.os, "geteuid", lambda: mine + 1)
    try:
        return _opened(home, patched)
    finally:
        patched.setattr(app.os, "geteuid", lambda: mine)


def link(home: Home, patched: pytest.MonkeyPatch) -> Seen:
    place = _planted(home, patched)
    place.rmdir()
    theirs = home.folder / "theirs"
    theirs.mkdir()
    place.symlink_to(theirs)
    return other_owner_of(home, patched)


def other_owner_of(home: Home, patched: pytest.MonkeyPatch) -> Seen:
    mine = os.geteuid()
    patched.setattr(app.os, "geteuid", lambda: mine + 1)
    try:
        return _opened(home, patched)
    finally:
        patched.setattr(app.os, "geteuid", lambda: mine)


def config(home: Home, patched: pytest.MonkeyPatch) -> Seen:
    home.config.mkdir(parents=True)
    (home.config / "config.toml").write_text('autonomy = "full-auto"\n')
    (home.config / "config.toml").chmod(0o666)
    return _opened(home, patched)


def config_folder(home: Home, patched: pytest.MonkeyPatch) -> Seen:
    home.config.mkdir(parents=True)
    (home.config / "config.toml").write_text('autonomy = "suggest"\n')
    home.config.chmod(0o777)
    return _opened(home, patched)


def sticky(home: Home, patched: pytest.MonkeyPatch) -> Seen:
    home.base.mkdir()
    home.base.chmod(0o1777)
    seen = _opened(home, patched)
    seen.alarms += _loose(home.base / "wainwright")
    return seen


AS_FAR_AS_MAY_BE = ("sh", "-c", 'ulimit -S -c "$(ulimit -H -c)"; exec "$@"', "sh")
"""With images of the memory as large as this machine lets anybody have them."""


def core(home: Home, _: pytest.MonkeyPatch) -> Seen:
    log = home.folder / "server.log"
    served = subprocess.Popen(
        [*AS_FAR_AS_MAY_BE, *home.program, "serve", "--stdio", "--no-host", "--log", str(log)],
        env=home.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with served:
        assert served.stdin
        assert served.stdout
        asked = {"processId": None, "rootUri": None, "capabilities": {}}
        told = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": asked}
        body = json.dumps(told).encode()
        served.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        served.stdin.flush()
        served.stdout.readline()  # it has begun
        found = re.search(r"Max core file size +(\S+)", Path(f"/proc/{served.pid}/limits").read_text())
        served.kill()
    assert found
    return Seen("hold", [] if found[1] == "0" else [f"an image of {found[1]} bytes would be left"])


LOGS = """
import sys
from pathlib import Path
import structlog
from wainwright.app import log_to
log = Path(sys.argv[1])
log_to(log)
log.rename(log.with_suffix(".1"))
structlog.get_logger().error("still there")
"""


def log_moved(home: Home, _: pytest.MonkeyPatch) -> Seen:
    log = home.folder / "server.log"
    subprocess.run([sys.executable, "-c", LOGS, str(log)], env=home.environment, check=True)
    kept = log.with_suffix(".1")
    told = [] if "still there" in kept.read_text() else ["nothing is logged"]
    return Seen("ok", [*_loose(kept), *told])


def export(home: Home, patched: pytest.MonkeyPatch) -> Seen:
    place = _planted(home, patched)
    place.rmdir()
    Place(home.folder / "made").path.parent.rename(place)
    code, said = home.said("audit", "export", "--to", str(home.folder / "copy.jsonl"))
    assert code == 0, said
    return Seen("hold", _loose(home.folder / "copy.jsonl"))


def crash(home: Home, _: pytest.MonkeyPatch) -> Seen:
    home.program = (
        sys.executable,
        "-c",
        "import os, wainwright.cli.steer as steer\n"
        "def fall(*_, **__):\n    key = os.environ['OPENAI_API_KEY']\n    raise ZeroDivisionError(len(key))\n"
        "steer.with_engine = fall\nfrom wainwright.__main__ import main\nmain()",
    )
    code, said = home.said("runs")
    assert code, said
    assert "ZeroDivisionError" in said
    return Seen("hold", [said] if CANARY in said else [])


def own_sockets(home: Home, _: pytest.MonkeyPatch) -> Seen:
    """Of a gateway host, which is let go of at once, so that it has nobody to begin for and ends."""
    folder = home.folder / "hosts"
    before = os.umask(0)
    try:
        starting._connected(HostPlace(folder, 600))[0].close()
    finally:
        os.umask(before)
    made = list(folder.iterdir())
    assert any(one.is_socket() for one in made)
    seen = Seen("hold", _loose(folder, *made))
    shutil.rmtree(folder)
    return seen


def hosts_folder(home: Home, _: pytest.MonkeyPatch) -> Seen:
    folder = home.folder / "hosts"
    folder.mkdir()
    folder.chmod(0o777)
    with _listening(folder):
        return _connected(folder)


def host_of_another(home: Home, patched: pytest.MonkeyPatch) -> Seen:
    folder = home.folder / "hosts"
    folder.mkdir(mode=0o700)
    told = sockets.peer
    with _listening(folder), patched.context() as lied:
        lied.setattr(sockets, "peer", lambda connection: (told(connection)[0], os.geteuid() + 1))
        return _connected(folder)


@contextmanager
def _listening(folder: Path) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as planted:
        opened = os.open(folder, os.O_RDONLY)
        planted.bind(f"/proc/self/fd/{opened}/{starting._name(600)}")
        os.close(opened)
        planted.listen()
        yield


def _connected(folder: Path) -> Seen:
    try:
        starting._connected(HostPlace(folder, 600))[0].close()
    except PermissionError as error:
        return Seen("refuse", said=str(error))
    return Seen("ok")


ALONE: dict[str, Callable[[Home, pytest.MonkeyPatch], Seen]] = {
    "umask": umask,
    "open": open_to_all,
    "link": link,
    "other owner": other_owner,
    "core": core,
    "log moved": log_moved,
    "config": config,
    "config folder": config_folder,
    "sticky": sticky,
    "export": export,
    "crash": crash,
    "sockets": own_sockets,
    "hosts folder": hosts_folder,
    "host": host_of_another,
}


def in_the_run(act: str, watched: Watched) -> Iterator[str]:
    """What is wrong with what a run made."""
    state = watched.root / "state" / "wainwright"
    files = [path for path in state.rglob("*") if not path.is_symlink()]
    assert len(files) > 50
    match act:
        case "modes":
            yield from _loose(state, *state.iterdir(), *(path for path in files if "journal" in path.name))
            yield from (f"all can change {one}" for one in files if one.stat().st_mode & stat.S_IWOTH)
        case "tmp":
            yield from (f"{one} was left there" for one in (watched.root / "tmp").iterdir())
        case "argv":
            yield from watched.canaries.alarms("what programs are started with", *watched.words, *watched.ran)
        case "copies":
            copies = [path for path in files if path.name.startswith("journal.db")]
            assert any(path.name.endswith(".verified") for path in copies)
            yield from _loose(*copies)
        case "lock":
            (lock,) = (path for path in files if path.name == "journal.db.lock")
            yield from _loose(lock, lock.parent)
        case "editor log":
            yield from watched.alarms["log"]


def tried(case: Case, folder: Path, program: tuple[str, ...] = ("-m", "wainwright")) -> Seen:
    with pytest.MonkeyPatch.context() as patched:
        return ALONE[str(case.act)](Home(folder, program), patched)


@pytest.mark.parametrize("case", [one for one in GROUP.run if one.act in ALONE], ids=lambda case: case.id)
def test_nobody_else_gets_at_it(case: Case, tmp_path: Path) -> None:
    assert tried(case, tmp_path / "home").faults(case) == []


@pytest.mark.parametrize("case", [one for one in GROUP.run if one.act not in ALONE], ids=lambda case: case.id)
def test_nobody_else_gets_at_what_a_run_makes(case: Case, watched: Watched) -> None:
    assert Seen("hold", list(in_the_run(str(case.act), watched))).faults(case) == []


@contextmanager
def _opened_by_anybody(place: Path) -> Iterator[Folder]:
    place.mkdir(exist_ok=True)
    folder = os.open(place, os.O_RDONLY)
    try:
        yield Folder(place, folder)
    finally:
        os.close(folder)


def _connection_to_anybody(
    folder: Folder, name: str, kind: socket.SocketKind, _seconds: float
) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, kind)
    connection.connect(folder._address(name))
    return connection


def test_without_these_looks_they_get_at_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "_only_mine", lambda _: None)
    monkeypatch.setattr(settings_files, "_require_own", lambda _: None)
    monkeypatch.setattr(starting, "opened", _opened_by_anybody)
    monkeypatch.setattr(Folder, "connect", _connection_to_anybody)
    weak = WEAK.replace("program.main()", "import wainwright.regular as r, os; ")
    weak += "r.private = lambda path, flags: os.open(path, flags, 0o666); program.main()"
    weak = weak.replace(
        "import wainwright.__main__",
        "import wainwright.app as app; app._only_mine = lambda _: 0; import wainwright.__main__",
    )
    before = os.umask(0o022)
    try:
        seen = {case.id: tried(case, tmp_path / case.id, ("-c", weak)) for case in GROUP.attacks}
    finally:
        os.umask(before)
    assert GROUP.through(seen) == []


@pytest.mark.parametrize("group", [GROUP], ids=["H"])
def test_the_list_is_whole(group: Group) -> None:
    assert group.flaws() == []
