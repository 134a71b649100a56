"""What the program of a service tries, and what reaches it: it does what each test sends it."""

import asyncio
import contextlib
import os
import socket
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from wainwright.deploy.services import Service, Services, ServiceSpec
from wainwright.sandbox.bubblewrap import Bubblewrap
from wainwright.sandbox.protocol import SandboxView

PROGRAM = """
import http.server, os, socket, sys, threading, urllib.parse
held = []

def reach(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as ours:
        ours.settimeout(3)
        ours.connect(address)
        ours.send(b"source")
    return "reached"

def listen(address):
    held.append(socket.create_server((address, 0)))
    return held[-1].getsockname()[1]

def name(host):
    return socket.gethostbyname(host)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            said, status = str(eval(urllib.parse.unquote(self.path[1:]) or "'well'")), 200
        except OSError as error:
            said, status = f"refused: {error}", 403
        self.send_response(status)
        self.end_headers()
        self.wfile.write(said.encode())

http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
"""
PYTHON = os.path.realpath(sys.executable)


async def started(services: Services, tmp_path: Path, name: str, address: str = "127.0.0.1") -> Service:
    tree = tmp_path / "state" / "trees" / name
    tree.mkdir(parents=True)
    (tree / "program.py").write_text(PROGRAM)
    spec = ServiceSpec(command=(PYTHON, "-S", "program.py", address, "{port}"), health_timeout_s=30)
    return await services.start(name, spec, SandboxView(tree=tree, at=tmp_path / "project"), "c0ffee")


async def does(service: Service, what: str) -> str:
    """What comes of it when the service's program does something."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask() -> str:
        try:
            with opener.open(f"{service.url}/{urllib.parse.quote(what)}", None, 20) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return str(error.read().decode())

    return await asyncio.to_thread(ask)


def reached(address: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((address, port), 3):
        return True
    return False


def addresses() -> list[str]:
    """This machine's own addresses, but for the one that a service is to be reached at."""
    found = ["127.0.0.2"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked, contextlib.suppress(OSError):
        asked.connect(("198.51.100.1", 9))  # nothing is sent
        found.append(asked.getsockname()[0])
    return found


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("0.0.0.0", 0)) as ours:
        ours.setblocking(False)
        yield ours


@pytest.fixture
async def others(tmp_path: Path, sandbox: Bubblewrap) -> AsyncIterator[Services]:
    """Those of another workspace."""
    state = tmp_path / "state" / "other"
    yield Services(state, sandbox)
    services = Services(state, sandbox)
    if current := services.current():
        await services.stop(current)


async def test_what_listens_on_this_machine_is_not_reached(
    services: Services, tmp_path: Path, listener: socket.socket
):
    service = await started(services, tmp_path, "a")
    port = listener.getsockname()[1]
    for address in ("127.0.0.1", *addresses()):
        assert "refused" in await does(service, f"reach(socket.AF_INET, ({address!r}, {port}))"), address
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize("abstract", [True, False])
async def test_sockets_of_this_machine_that_have_a_name_are_not_reached(
    services: Services, tmp_path: Path, abstract: bool
):
    service = await started(services, tmp_path, "a")
    name = f"\0{tmp_path}" if abstract else str(tmp_path / "state" / "server.socket")
    with socket.socket(socket.AF_UNIX) as ours:
        ours.bind(name)
        ours.listen()
        assert "refused" in await does(service, f"reach(socket.AF_UNIX, {name!r})")


async def test_nothing_is_sent_away(services: Services, tmp_path: Path):
    service = await started(services, tmp_path, "a")
    for kind in ("SOCK_STREAM", "SOCK_DGRAM"):
        told = await does(service, f"reach(socket.AF_INET, ('198.51.100.1', 53), socket.{kind})")
        assert "unreachable" in told
    assert "refused" in await does(service, "name('example.org')")
    assert await does(service, "socket.if_nameindex()") == "[(1, 'lo')]"


async def test_a_port_that_it_opens_beside_its_own_is_seen_by_nobody(services: Services, tmp_path: Path):
    service = await started(services, tmp_path, "a")
    port = int(await does(service, "listen('0.0.0.0')"))
    assert await does(service, f"reach(socket.AF_INET, ('127.0.0.1', {port}))") == "reached"
    assert not [address for address in ("127.0.0.1", *addresses()) if reached(address, port)]


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
async def test_its_own_port_answers_on_one_address_alone(services: Services, tmp_path: Path, address: str):
    service = await started(services, tmp_path, "a", address)
    assert await does(service, "") == "well"
    assert reached("127.0.0.1", service.port)
    assert not [address for address in addresses() if reached(address, service.port)]


async def test_a_service_of_another_workspace_is_not_reached(
    services: Services, others: Services, tmp_path: Path
):
    service, other = await started(services, tmp_path, "a"), await started(others, tmp_path, "b")
    assert "refused" in await does(service, f"reach(socket.AF_INET, ('127.0.0.1', {other.port}))")
    assert await does(other, "") == "well"


async def test_it_sees_no_process_but_its_own(services: Services, tmp_path: Path):
    service = await started(services, tmp_path, "a")
    seen = "[open(f'/proc/{one}/cmdline').read() for one in os.listdir('/proc') if one.isdigit()]"
    told = await does(service, seen)
    assert "program.py" in told
    assert "forward" not in told
