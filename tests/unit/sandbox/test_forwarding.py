"""Connections to a service that has a network of its own, as browsers and programs make them."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

from wainwright.domain.errors import SandboxError
from wainwright.sandbox.bubblewrap import Bubblewrap, prove
from wainwright.sandbox.forwarding import door, forward, listening
from wainwright.sandbox.identity import start_time
from wainwright.sandbox.protocol import SandboxView

PYTHON = os.path.realpath(sys.executable)
MEGABYTES = 50
SERVE = """
import asyncio, socket, struct, sys

async def said(reader, writer):
    what = (await reader.readline()).decode().strip()
    if what == "echo":
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    elif what == "count":
        writer.write(str(len(await reader.read())).encode())
    elif what == "pieces":
        for number in range(3):
            writer.write(f"data: {number}\\n\\n".encode())
            await reader.readline()
    elif what == "break":
        writer.write(b"half")
        await writer.drain()
        await reader.readline()
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
        return
    elif what == "close":
        writer.write(b"whole")
    writer.write_eof()
    await writer.drain()
    writer.close()

async def main():
    family = dict(host=sys.argv[1], port=int(sys.argv[2]), backlog=512)
    async with await asyncio.start_server(said, **family) as server:
        await server.serve_forever()

asyncio.run(main())
"""


@pytest.fixture
async def sandbox(tmp_path: Path) -> Bubblewrap:
    return await prove(tmp_path / "state")


@pytest.fixture
def serving(sandbox: Bubblewrap, view: SandboxView, tree: Path, tmp_path: Path) -> Callable[..., object]:
    """Starts the service, gives its port and process, and ends it."""
    (tree / "serve.py").write_text(SERVE)

    @asynccontextmanager
    async def start(
        address: str = "127.0.0.1", port: str = "", well: bool = True
    ) -> AsyncIterator[tuple[int, int]]:
        log = tmp_path / "log"
        with door() as outside:
            given = outside.getsockname()[1]
            argv = (PYTHON, "-S", "-u", "serve.py", address, port or str(given))
            pid, _ = await asyncio.to_thread(
                sandbox.spawn_detached, argv, view, env={}, log=log, door=outside
            )
        try:
            async with asyncio.timeout(20):
                while well and given not in listening(pid):
                    assert start_time(pid) is not None, log.read_text()
                    await asyncio.sleep(0.02)
            yield given, pid
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, 9)

    return start


@asynccontextmanager
async def asked(port: int, what: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"{what}\n".encode())
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1"])
async def test_whatever_address_it_listens_on_it_is_reached(serving, address: str):
    async with serving(address) as (port, _), asyncio.timeout(20), asked(port, "close") as (reader, _):
        assert await reader.read() == b"whole"


async def test_a_large_body_in_both_directions(serving):
    piece = os.urandom(1_000_000)
    async with serving() as (port, _), asyncio.timeout(60), asked(port, "echo") as (reader, writer):

        async def send() -> None:
            for _ in range(MEGABYTES):
                writer.write(piece)
                await writer.drain()
            writer.write_eof()

        sending = asyncio.create_task(send())
        for _ in range(MEGABYTES):
            assert await reader.readexactly(len(piece)) == piece
        assert await reader.read() == b""
        await sending


async def test_who_has_said_all_is_still_answered(serving):
    async with serving() as (port, _), asyncio.timeout(20), asked(port, "count") as (reader, writer):
        writer.write(b"x" * 100_000)
        writer.write_eof()
        assert await reader.read() == b"100000"


async def test_pieces_come_one_by_one_and_both_may_speak(serving):
    async with serving() as (port, _), asyncio.timeout(20), asked(port, "pieces") as (reader, writer):
        for number in range(3):
            assert await reader.readuntil(b"\n\n") == f"data: {number}\n\n".encode()
            writer.write(b"next\n")
        assert await reader.read() == b""


async def test_two_hundred_at_a_time(serving):
    async with serving() as (port, _), asyncio.timeout(60), AsyncExitStack() as stack:
        ways = [asked(port, "echo") for _ in range(200)]
        held = await asyncio.gather(*map(stack.enter_async_context, ways))
        for number, (_, writer) in enumerate(held):
            writer.write(f"{number}\n".encode())
        told = await asyncio.gather(*(reader.readline() for reader, _ in held))
        assert told == [f"{number}\n".encode() for number in range(200)]


async def test_a_break_inside_is_a_break_outside(serving):
    async with serving() as (port, _), asyncio.timeout(20), asked(port, "break") as (reader, writer):
        assert await reader.readexactly(4) == b"half"
        writer.write(b"now\n")
        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_nobody_is_answered_when_it_listens_elsewhere(serving):
    async with serving(port="18080", well=False) as (port, pid), asyncio.timeout(20):
        while 18080 not in listening(pid):
            await asyncio.sleep(0.02)
        with pytest.raises(ConnectionResetError):
            async with asked(port, "close") as (reader, _):
                await reader.read()
        assert listening(pid) == {18080}


async def test_what_forwards_ends_with_the_service_and_has_no_power(serving, tmp_path: Path):
    async with serving() as (port, pid), asyncio.timeout(20):
        (forwarder,) = forwarders(port)
        status = Path(f"/proc/{forwarder}/status").read_text()
        assert "CapEff:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status
        inside = Path(f"/proc/{pid}/ns/net").readlink()
        assert Path(f"/proc/{forwarder}/ns/net").readlink() == inside
        assert Path("/proc/self/ns/net").readlink() != inside
        os.kill(pid, 9)
        while forwarders(port):
            await asyncio.sleep(0.02)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


def test_a_process_with_this_machines_network_is_no_service(sandbox, tmp_path: Path):
    own = (os.getpid(), start_time(os.getpid()))
    tools = sandbox._tools
    with door() as outside, pytest.raises(SandboxError, match="this machine's network"):
        forward(tools.launcher, tools.setsid, outside, own, tmp_path / "log")


def forwarders(port: int) -> list[int]:
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (place / "cmdline").read_bytes().split(b"\0")
            if words[2:4] == [b"forward", str(port).encode()] and start_time(int(place.name)) is not None:
                found.append(int(place.name))
    return found
