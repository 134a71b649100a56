"""The gateway host: what it forks, who may ask it, when it ends, and that no run depends on it."""

import asyncio
import gc
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.fixtures.hosts import end_hosts
from tests.fixtures.leftovers import parent
from tests.fixtures.openai_server import HANG, OpenAIServer, Rule, say
from tests.unit.models.support import KEY, gone

from wainwright.models import starting
from wainwright.models.client import CallFailed, GatewayBackend, Message, ModelRequest
from wainwright.models.starting import HostPlace, hosts
from wainwright.settings import Candidate

pytestmark = pytest.mark.asyncio(loop_scope="module")


def candidate(server: OpenAIServer) -> Candidate:
    return Candidate(model="openai/any", api_base=server.base, timeout_s=30)


def backend(place: HostPlace) -> GatewayBackend:
    return GatewayBackend({"OPENAI_API_KEY": KEY}, host=place)


async def warmed(place: HostPlace) -> tuple[GatewayBackend, int]:
    """A backend with its gateway, and that one's process."""
    one = backend(place)
    await one.warm()
    assert one.pid is not None
    return one, one.pid


async def said(one: GatewayBackend, server: OpenAIServer, text: str = "hello") -> str:
    asked = ModelRequest(role="planner", messages=(Message(role="user", content=text),))
    return (await one.complete(candidate(server), asked, "k")).text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HostPlace]:
    """Where one host serves all tests that do not end it."""
    # Longer than the address of a socket may be.
    made = HostPlace(tmp_path_factory.mktemp("state") / ("long" * 30) / "hosts", 600)
    await (await warmed(made))[0].close()
    yield made
    assert end_hosts(made.folder) == 1


def host_of(place: HostPlace) -> int:
    (found,) = hosts(place.folder)
    return found


async def test_engines_have_gateways_of_their_own_from_one_host(place: HostPlace) -> None:
    first, second = await asyncio.gather(warmed(place), warmed(place))
    assert len({first[1], second[1], host_of(place)}) == 3
    assert {parent(first[1]), parent(second[1])} == {host_of(place)}
    with OpenAIServer([Rule(HANG, match="wait"), Rule(say("ok"))]) as server:
        assert await said(first[0], server) == "ok"
        asking = asyncio.create_task(said(first[0], server, "wait"))
        await asyncio.to_thread(server.wait_for_calls, 2)
        os.kill(first[1], signal.SIGKILL)
        with pytest.raises(CallFailed, match="stopped before it answered"):
            await asking
        assert await said(second[0], server) == "ok"
        assert await said(first[0], server) == "ok", "it has another one"
        assert first[0].pid != first[1]
    for one, pid in (first, second):
        await one.close()
        assert gone(pid)


async def test_two_that_begin_at_once_start_one_host(tmp_path: Path) -> None:
    own = HostPlace(tmp_path / "hosts", 600)
    made = await asyncio.gather(*(warmed(own) for _ in range(3)))
    assert len({pid for _, pid in made}) == 3
    assert {parent(pid) for _, pid in made} == {host_of(own)}
    for one, _ in made:
        await one.close()
    os.kill(host_of(own), signal.SIGTERM)


async def test_a_host_keeps_nothing_of_whoever_started_it(place: HostPlace) -> None:
    process = Path(f"/proc/{host_of(place)}")
    assert process.joinpath("cwd").readlink() == Path("/")
    targets = [str(one.readlink()) for one in process.joinpath("fd").iterdir()]
    kinds = ("/dev/null", "socket:", "anon_inode:", str(place.folder))
    assert [one for one in targets if not one.startswith(kinds)] == []
    assert os.getsid(host_of(place)) != os.getsid(0)
    assert parent(host_of(place)) != os.getpid()
    assert KEY not in process.joinpath("environ").read_text()
    assert len(list(process.joinpath("task").iterdir())) == 1


async def test_closing_while_one_is_asked_for_leaves_nothing(place: HostPlace) -> None:
    one = backend(place)
    warming = asyncio.create_task(one.warm())
    await asyncio.sleep(0)
    await one.close()
    with pytest.raises(CallFailed, match="closed"):
        await warming
    gc.collect()  # what nobody closed is told of then
    assert len(hosts(place.folder)) == 1


async def test_a_gateway_has_no_descriptor_of_another(place: HostPlace) -> None:
    (one, _), (other, pid) = await asyncio.gather(warmed(place), warmed(place))
    held = [str(end.readlink()) for end in Path(f"/proc/{pid}/fd").iterdir()]
    of_host = {str(end.readlink()) for end in Path(f"/proc/{host_of(place)}/fd").iterdir()}
    assert of_host & set(held) <= {"/dev/null", "anon_inode:[eventpoll]"}
    await one.close()
    await other.close()


PARENT = """
import asyncio, sys
from pathlib import Path
from wainwright.models.client import GatewayBackend
from wainwright.models.starting import HostPlace

async def main():
    backend = GatewayBackend({}, host=HostPlace(Path(sys.argv[1]), 600))
    await backend.warm()
    print(backend.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_a_frozen_gateway_ends_with_its_engine_however_that_dies(place: HostPlace) -> None:
    engine = subprocess.Popen(
        [sys.executable, "-c", PARENT, place.folder],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert engine.stdout is not None
    pid = int(engine.stdout.readline())
    os.kill(pid, signal.SIGSTOP)
    engine.kill()
    engine.communicate()
    assert await asyncio.to_thread(gone, pid)
    assert len(hosts(place.folder)) == 1


@pytest.mark.parametrize(
    ("end", "stays"), [(signal.SIGKILL, 2), pytest.param(signal.SIGTERM, 1, marks=pytest.mark.nightly)]
)
async def test_a_host_that_ends_costs_nobody_a_call(tmp_path: Path, end: signal.Signals, stays: int) -> None:
    own = HostPlace(tmp_path / "hosts", 600)
    one, pid = await warmed(own)
    host = host_of(own)
    with OpenAIServer([Rule(say("ok"))]) as server:
        os.kill(host, end)
        assert await asyncio.to_thread(gone, host)
        assert len(list(own.folder.iterdir())) == stays, "a lock stays, and a socket that nobody took away"
        assert await said(one, server) == "ok"
        assert one.pid == pid
    os.kill(pid, signal.SIGSTOP)
    await one.close()
    assert gone(pid)
    another, _ = await warmed(own)
    assert host_of(own) != host
    assert len(list(own.folder.iterdir())) == 2, "nothing of the dead one is left"
    await another.close()
    assert end_hosts(own.folder) == 1
    assert end_hosts(own.folder) == 0


async def test_a_host_whose_folder_is_removed_ends(tmp_path: Path) -> None:
    own = HostPlace(tmp_path / "hosts", 600)
    await (await warmed(own))[0].close()
    host = host_of(own)
    shutil.rmtree(own.folder)
    assert await asyncio.to_thread(gone, host, 10)


async def test_a_host_ends_when_nobody_needed_it_for_so_long(tmp_path: Path) -> None:
    own = HostPlace(tmp_path / "hosts", 0.1)
    one, _ = await warmed(own)
    host = host_of(own)
    await one.close()
    assert await asyncio.to_thread(gone, host, 10)
    assert hosts(own.folder) == []


async def test_a_gateway_that_nobody_asks_is_given_back(place: HostPlace) -> None:
    one = GatewayBackend({"OPENAI_API_KEY": KEY}, host=place, idle_s=0.2)
    await one.warm()
    pid = one.pid
    assert pid is not None
    async with asyncio.timeout(30):
        while one.pid is not None:
            await asyncio.sleep(0.01)
    assert await asyncio.to_thread(gone, pid)
    with OpenAIServer([Rule(say("ok"))]) as server:
        assert await said(one, server) == "ok", "by another one"
    await one.close()


async def test_a_frozen_host_holds_nobody_up_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = HostPlace(tmp_path / "hosts", 600)
    await (await warmed(own))[0].close()
    host = host_of(own)
    os.kill(host, signal.SIGSTOP)
    monkeypatch.setattr(starting, "READY_S", 0.5)
    one = GatewayBackend({}, host=own, start_s=0.5)
    monkeypatch.setattr(one, "_start_s", 40.0)
    # As if the socket were old: what is young may still be importing.
    for path in own.folder.iterdir():
        os.utime(path, (0, 0))
    await one.warm()
    assert one.pid is not None
    assert parent(one.pid) == os.getpid()
    await one.close()
    os.kill(host, signal.SIGCONT)
    assert await asyncio.to_thread(gone, host, 10), "what nobody finds any more ends"


@pytest.mark.parametrize("fault", ["open to others", "a link", "a file", "no room"])
async def test_without_a_folder_of_ones_own_there_is_no_host(tmp_path: Path, fault: str) -> None:
    folder = tmp_path / "hosts"
    match fault:
        case "open to others":
            folder.mkdir()
            folder.chmod(0o755)
        case "a link":
            (tmp_path / "elsewhere").mkdir(mode=0o700)
            folder.symlink_to(tmp_path / "elsewhere")
        case "a file":
            folder.write_text("")
        case _:
            folder = Path("/proc/nowhere/hosts")
    with pytest.raises(OSError):  # noqa: PT011 - whatever is wrong with it, the same is done
        starting._connected(HostPlace(folder, 600))
    assert not (tmp_path / "elsewhere").exists() or list((tmp_path / "elsewhere").iterdir()) == []


async def test_what_it_inherits_says_which_host_one_has(
    place: HostPlace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usual = starting._name(600)
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("")
    told = {usual}
    for name, value in (
        ("HTTPS_PROXY", "http://proxy.example"),
        ("SSL_CERT_FILE", str(bundle)),
        ("PATH", "/bin"),
    ):
        with monkeypatch.context() as changed:
            changed.setenv(name, value)
            told.add(starting._name(600))
    assert len(told) == 4
    monkeypatch.setenv("SOMETHING_ELSE", "of no matter")
    assert starting._name(600) == usual


async def test_nobody_else_is_answered(place: HostPlace) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    script = (
        "import os, socket, sys\n"
        "folder = os.open(sys.argv[1], os.O_RDONLY)\n"
        "other = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
        "if sys.argv[3] == 'else': os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try:\n"
        "    other.connect(f'/proc/self/fd/{folder}/{sys.argv[2]}')\n"
        "    ours, theirs = socket.socketpair()\n"
        "    hears, says = os.pipe()\n"
        "    socket.send_fds(other, [b'a gateway, please'], [theirs.fileno(), says])\n"
        "    print(len(other.recv(100)))\n"
        "except OSError as error:\n"
        "    print(type(error).__name__)\n"
    )
    (name,) = (one.name for one in place.folder.iterdir() if not one.name.endswith(".lock"))

    def asks(who: str) -> str:
        words = [sys.executable, "-c", script, place.folder, name, who]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()

    assert asks("root") == "4", "as the test would have it"
    assert asks("else") == "PermissionError"
    # As if the folder and the socket were open: the host itself looks who it is.
    try:
        place.folder.chmod(0o755)
        (place.folder / name).chmod(0o777)
        assert asks("else") in ("0", "ConnectionResetError", "BrokenPipeError")
    finally:
        place.folder.chmod(0o700)


async def test_a_socket_that_somebody_else_planted_is_not_used(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    own = HostPlace(tmp_path / "hosts", 600)
    own.folder.mkdir(mode=0o700)
    script = (
        "import os, socket, sys, time\n"
        "planted = socket.socket(fileno=int(sys.argv[1]))\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "planted.listen()\n"
        "print('listens', flush=True)\n"
        "planted.accept()[0].recv(100)\n"
        "print('asked', flush=True)\n"
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as planted:
        folder = os.open(own.folder, os.O_RDONLY)
        planted.bind(f"/proc/self/fd/{folder}/{starting._name(600)}")
        os.close(folder)
        words = [sys.executable, "-c", script, str(planted.fileno())]
        stranger = subprocess.Popen(
            words, stdout=subprocess.PIPE, text=True, pass_fds=(planted.fileno(),), bufsize=1
        )
    assert stranger.stdout is not None
    assert stranger.stdout.readline() == "listens\n"
    one, pid = await warmed(own)
    assert parent(pid) == os.getpid()
    await one.close()
    told, _ = stranger.communicate(timeout=30)
    assert told == "asked\n", "it was let go of, and heard nothing"


REHEARSED = """
import asyncio, os, sys
from wainwright.models import gateway, rehearsal
from wainwright.models.caller import Caller, Call
litellm = gateway.quiet_litellm()
hears = lambda event, told: event.startswith(("socket.connect", "socket.getaddrinfo")) and print(event, told)
sys.addaudithook(hears)
files = sorted(os.listdir("/proc/self/fd"))
rehearsal.rehearse(litellm)
assert len(os.listdir("/proc/self/task")) == 1
assert sorted(os.listdir("/proc/self/fd")) == files, os.listdir("/proc/self/fd")
assert Caller._session is None
known = set(sys.modules)
rehearsal.rehearse(litellm)
print(sorted(set(sys.modules) - known))
"""


async def test_a_rehearsal_loads_what_a_first_call_needs_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", REHEARSED],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
