"""Group R: whoever would reach the server from elsewhere. It has no door to the network, and that is what is tried.

Cases of doors that do not exist are owed to whoever builds one.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.attack import front as cases
from tests.attack.cases import Case, Group, Seen
from tests.attack.front import Front, Refused, body, initialize_twice, lives, sent

from wainwright.lsp.options import read_options
from wainwright.sandbox import forwarding

WEAK = Path(__file__).with_name("weak_front.py")
pytestmark = pytest.mark.asyncio(loop_scope="module")
DOOR = "other doors"


def listens(pid: int) -> list[str]:
    """Sockets of a process, or of one below it, that somebody could connect to."""
    held = set()
    for one in (pid, *below(pid)):
        with suppress(OSError):
            for descriptor in Path(f"/proc/{one}/fd").iterdir():
                with suppress(OSError):
                    held.add(str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]"))
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            told = line.split()
            if told[9] in held and (told[3] == "0A" or table.startswith("udp")):
                found.append(f"{table} {told[1]}")
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        told = line.split()
        if told[6] in held and told[3] == "00010000":
            found.append(f"unix {told[7:]}")
    return found


def below(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in task.read_text().split():
                found += [int(child), *below(int(child))]
    return found


def spoken(first: str, *headers: str) -> Callable[[Front], Awaitable[Seen]]:
    """What a browser would write, with a command as its body."""

    def make(number: int) -> bytes:
        told = body(number)
        lines = [first, "Host: 127.0.0.1", *headers, f"Content-Length: {len(told)}", "", ""]
        return "\r\n".join(lines).encode() + told

    return sent(make)


async def nothing_listens(front: Front) -> Seen:
    """Beside a moment in which the sandbox is tried, with a listener that closes whatever comes."""
    client = await front.start(*front.product, "serve", "--stdio", "--no-host", "--trust")
    folder = front.base / "quiet"
    folder.mkdir(parents=True, exist_ok=True)
    await client.initialize(workspaceFolders=[{"uri": folder.as_uri(), "name": "quiet"}])
    with suppress(Refused, AssertionError):
        await client.command("wainwright.runs")
    deadline = time.monotonic() + 10
    while (found := listens(client.process.pid)) and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    await client.kill()
    return Seen("ok" if found else "refuse", [f"it listens: {one}" for one in found])


async def no_word_makes_it_listen(front: Front) -> Seen:
    """Of the start's words none names a port or a host, and of what is waited for no one is taken for such."""
    taken = []
    for given in ("--tcp", "--socket=9", "--port=9", "--pipe=/tmp/x", "--ws", "--host=::"):
        with suppress(SystemExit):
            taken.append(f"{given}: {read_options([given])}")
    return Seen("ok" if taken else "refuse", taken)


async def a_service_for_this_machine_alone(_: Front) -> Seen:
    """What leads to a service listens on 127.0.0.1, whatever the service itself binds inside."""
    with forwarding.door() as listening:
        host, port = listening.getsockname()[:2]
        reached = [one for one in (*machine(), "::1") if reaches(one, port)]
    return Seen("refuse" if host == "127.0.0.1" else "ok", [f"{one} reaches it" for one in reached], host)


async def a_port_that_is_taken(_: Front) -> Seen:
    with forwarding.door() as one, forwarding.door() as other:
        return Seen("ok" if one.getsockname()[1] != other.getsockname()[1] else "refuse")


def machine() -> list[str]:
    """Addresses of this machine that others could know."""
    found: list[str] = []
    with suppress(OSError):
        found = [str(one[4][0]) for one in socket.getaddrinfo(socket.gethostname(), None)]
    return [one for one in dict.fromkeys(found) if not one.startswith("127.")]


def reaches(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=0.5):
        return True
    return False


HELLO = bytes.fromhex("16030100a5010000a10303") + bytes(range(150)) + b"\r\n\r\n"

ROWS: list[tuple[str, Any, Any]] = [
    ("a POST with a command", "refuse", spoken("POST / HTTP/1.1", "Content-Type: text/plain")),
    ("a GET", "refuse", sent(lambda _: b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")),
    ("an OPTIONS", "refuse", sent(lambda _: b"OPTIONS * HTTP/1.1\r\nOrigin: https://a.example\r\n\r\n")),
    ("a WebSocket of another origin", "refuse", DOOR),
    ("a WebSocket of the origin null", "refuse", DOOR),
    ("a WebSocket without an origin", "refuse", DOOR),
    ("a host that was bound anew", "refuse", DOOR),
    ("no token", "refuse", DOOR),
    ("a token that is short", "refuse", DOOR),
    ("a token that is wrong", "refuse", DOOR),
    ("a token of before", "refuse", DOOR),
    ("a token in the address", "refuse", DOOR),
    ("a second client", "refuse", DOOR),
    ("a client that takes the answers of another", "refuse", DOOR),
    ("a client that leaves, and another that stays", "ok", DOOR),
    ("headers that never end", "refuse", DOOR),
    ("connections, a thousand: nothing listens", "refuse", nothing_listens),
    ("a word that has it listen for others", "refuse", no_word_makes_it_listen),
    ("a service on all addresses", "refuse", a_service_for_this_machine_alone),
    ("the greeting of TLS", "refuse", sent(lambda _: HELLO)),
    ("initialize again, in the words of before", "refuse", initialize_twice),
    ("a port that is taken", "ok", a_port_that_is_taken),
]

GROUP = Group(
    "R",
    "peers that are no editor",
    22,
    [
        Case(f"R1.{n:02}", what, expect, owed=DOOR) if act is DOOR else Case(f"R1.{n:02}", what, expect, act)
        for n, (what, expect, act) in enumerate(ROWS, 1)
    ],
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    one = Front(tmp_path_factory.mktemp("peers"))
    yield one
    await one.close()


@pytest.mark.parametrize("case", GROUP.run, ids=lambda case: case.id)
async def test_nobody_else_is_served(case: Case, front: Front) -> None:
    seen = await case.act(front)
    assert seen.faults(case) == []


async def test_a_server_that_listens_and_takes_what_comes_serves_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weak = Front(tmp_path, str(WEAK))
    assert await lives(await weak.shared()), "it is weak and not dead"
    monkeypatch.setattr(cases, "PATIENCE", 1.5)
    monkeypatch.setattr(forwarding, "door", lambda: socket.create_server(("::1", 0), family=socket.AF_INET6))
    monkeypatch.setitem(globals(), "read_options", list)
    seen = {case.id: await case.act(weak) for case in GROUP.attacks}
    await weak.close()
    assert GROUP.through(seen) == []


@pytest.mark.parametrize("group", [GROUP], ids=["R"])
async def test_the_list_proves_something(group: Group) -> None:
    assert group.flaws() == []
