"""The one way out that a person may open: a proxy that lets commands reach the hosts of a list, and nothing else.

A command has a network of its own. In it the launcher listens on one port and hands the socket out to this process:
what is accepted here comes from inside, and nothing in there could be named or taken over from elsewhere. Names are
looked up here, so that a command has no resolver, and what is connected to is the very address that was looked at.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from wainwright.domain.hosts import canonical, listed

PORT = 44380
"""Where a command finds the proxy, on its own loopback."""
_HEAD_BYTES_MAX = 64 * 1024
_HELLO_BYTES_MAX = 64 * 1024
_BYTES_AT_ONCE = 64 * 1024
_WAIT_S = 30.0
_TOLD_MAX = 20
_HOP = frozenset({"host", "connection", "proxy-connection", "proxy-authorization", "keep-alive", "upgrade"})
Reached = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Resolve = Callable[[str], Awaitable[list[str]]]
Connect = Callable[[str, int], Awaitable[Reached]]


class _Refused(Exception):
    """Why a connection is not made, as a part of a sentence."""


class _Request(NamedTuple):
    method: str
    host: str
    port: int
    head: bytes
    """What is sent on in place of what was asked; empty for a tunnel."""
    body_bytes: int


async def resolve(host: str) -> list[str]:
    """The addresses of a host, as this machine knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Egress:
    """Lets commands reach the hosts of a list."""

    def __init__(
        self,
        hosts: Iterable[str],
        *,
        resolve: Resolve = resolve,
        connect: Connect = asyncio.open_connection,
    ) -> None:
        """Raises ValueError for an entry that is no host."""
        self._listed = frozenset(one for entry in hosts for one in listed(entry))
        self._resolve = resolve
        self._connect = connect

    @property
    def hosts(self) -> list[str]:
        """What can be reached, sorted."""
        return sorted(f"{host}:{port}" for host, port in self._listed)

    @asynccontextmanager
    async def door(self) -> AsyncIterator[tuple[int, list[str]]]:
        """For one command: the descriptor by which its launcher hands a socket out, and a line for each refusal."""
        refused: list[str] = []
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            serving = asyncio.create_task(self._serve(ours, refused))
            try:
                yield theirs.fileno(), refused
            finally:
                serving.cancel()
                await asyncio.wait([serving])

    async def _serve(self, ours: socket.socket, refused: list[str]) -> None:
        listener = await _handed_out(ours)
        if listener is None:
            return
        under_way: set[asyncio.Task[None]] = set()

        def came(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._one(reader, writer, refused))
            under_way.add(task)
            task.add_done_callback(under_way.discard)

        server = await asyncio.start_server(came, sock=listener, limit=_HEAD_BYTES_MAX)
        try:
            await server.serve_forever()
        finally:
            server.close()
            for task in under_way:
                task.cancel()
            if under_way:
                await asyncio.wait(under_way)

    async def _one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, refused: list[str]
    ) -> None:
        """See one connection through. What is wrong with it is told inside, and noted."""
        asked = "a connection"
        try:
            async with asyncio.timeout(_WAIT_S):
                head = await reader.readuntil(b"\r\n\r\n")
                line = head.partition(b"\r\n")[0].decode("latin-1")
                asked = _printable(" ".join(line.split(" ")[1:2]))
                request = _read(head)
                address = await self._allowed(request)
            if request.method == "CONNECT":
                await self._tunnel(reader, writer, request, address)
            else:
                await self._forward(reader, writer, request, address)
        except _Refused as error:
            _note(refused, f"{asked} was refused: {error}")
            _answer(writer, 403, f"{asked} was refused: {error}.")
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            _answer(writer, 502, f"{asked} could not be reached: {str(error) or 'it took too long'}.")
        finally:
            with suppress(OSError):
                await writer.drain()
            writer.close()

    async def _allowed(self, request: _Request) -> str:
        """The address to connect to."""
        if (request.host, request.port) not in self._listed:
            raise _Refused("it is not among the hosts that `egress.hosts` of your settings opens")
        addresses = await self._resolve(request.host)
        if not addresses or not all(map(_is_public, addresses)):
            raise _Refused("its name leads to an address of this machine or of its networks")
        return addresses[0]

    async def _tunnel(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: _Request, address: str
    ) -> None:
        """Nothing is connected before the name that TLS asks for was seen to be the same."""
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        hello = b""
        name: str | None = None
        async with asyncio.timeout(_WAIT_S):
            while name is None:
                chunk = await reader.read(_BYTES_AT_ONCE)
                hello += chunk
                name = _server_name(hello)
                if not chunk or (name is None and len(hello) > _HELLO_BYTES_MAX):
                    raise _Refused("it is not TLS that is spoken to it")
        if canonical(name) != request.host:
            raise _Refused(f"TLS asks it for {_printable(name) or 'no name'}")
        there, to = await self._connect(address, request.port)
        to.write(hello)
        await _carry(reader, writer, there, to)

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: _Request, address: str
    ) -> None:
        """One request and its answer: a second one on the same connection could name another host."""
        there, to = await self._connect(address, request.port)
        try:
            to.write(request.head)
            left = request.body_bytes
            while left and (chunk := await reader.read(min(left, _BYTES_AT_ONCE))):
                to.write(chunk)
                await to.drain()
                left -= len(chunk)
            while chunk := await there.read(_BYTES_AT_ONCE):
                writer.write(chunk)
                await writer.drain()
        finally:
            to.close()


def _read(head: bytes) -> _Request:
    """Read what a proxy is asked for; only what is understood whole is sent on."""
    lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise _Refused("it is not HTTP as a proxy is asked")
    method, target, _ = words
    if method == "CONNECT":
        host, port = _place(target, None)
        return _Request(method, host, port, b"", 0)
    scheme, _, rest = target.partition("://")
    if scheme.lower() != "http":
        raise _Refused("it is not HTTP as a proxy is asked")
    place, slash, path = rest.partition("/")
    host, port = _place(place, 80)
    headers, body_bytes = _headers(lines[1:])
    named = host if port == 80 else f"{host}:{port}"
    sent = [f"{method} {slash or '/'}{path} HTTP/1.1", f"Host: {named}", "Connection: close", *headers]
    return _Request(method, host, port, "\r\n".join((*sent, "", "")).encode("latin-1"), body_bytes)


def _headers(lines: list[str]) -> tuple[list[str], int]:
    """What is sent on of a request's headers, and how long its body is."""
    kept, lengths = [], []
    for line in lines:
        name, colon, value = line.partition(":")
        lower = name.lower()
        if (
            not colon
            or not re.fullmatch(r"[!#$%&'*+.^`|~\w-]+", name, re.ASCII)
            or "\n" in line
            or "\0" in line
        ):
            raise _Refused("a header of it is not one")
        if lower == "transfer-encoding":
            raise _Refused("the length of what is sent has to be told at its beginning")
        if lower == "content-length":
            lengths.append(value.strip())
        if lower not in _HOP:
            kept.append(line)
    if len(set(lengths)) > 1 or not all(one.isascii() and one.isdigit() for one in lengths):
        raise _Refused("the length of what is sent is told in two ways")
    return kept, int(lengths[0]) if lengths else 0


def _place(text: str, port: int | None) -> tuple[str, int]:
    host, colon, told = text.rpartition(":") if ":" in text else (text, "", "")
    name = canonical(host)
    if name is None:
        raise _Refused("a host is asked for by its name, and by nothing else")
    if colon:
        port = int(told) if told.isascii() and told.isdigit() and len(told) < 6 else None
    if port is None or port > 65_535:
        raise _Refused("it names no port")
    return name, port


def _is_public(address: str) -> bool:
    with suppress(ValueError):
        found = ipaddress.ip_address(address.partition("%")[0])
        mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
        return (mapped or found).is_global and not (mapped or found).is_multicast
    return False


def _server_name(hello: bytes) -> str | None:
    """The name that the beginning of TLS asks for, empty when it names none; None while it is not all there.

    OpenSSL reads it as a server would, in whatever pieces it came, and answers nobody.
    """
    seen: list[str] = []

    def asked(_one: object, name: str | None, _context: object) -> int:
        seen.append(name or "")
        return ssl.AlertDescription.ALERT_DESCRIPTION_USER_CANCELLED

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = asked
    incoming = ssl.MemoryBIO()
    incoming.write(hello)
    try:
        context.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True).do_handshake()
    except ssl.SSLWantReadError:
        return seen[0] if seen else None
    except ssl.SSLError:
        return seen[0] if seen else ""
    return ""


async def _handed_out(ours: socket.socket) -> socket.socket | None:
    """The socket that the launcher listens with; None where it ended first."""
    loop = asyncio.get_running_loop()
    there = asyncio.Event()
    loop.add_reader(ours, there.set)
    try:
        await there.wait()
    finally:
        loop.remove_reader(ours)
    with suppress(OSError):
        _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
        if descriptors:
            return socket.socket(fileno=descriptors[0])
    return None


async def _carry(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    there: asyncio.StreamReader,
    to: asyncio.StreamWriter,
) -> None:
    async def one_way(source: asyncio.StreamReader, goal: asyncio.StreamWriter) -> None:
        while chunk := await source.read(_BYTES_AT_ONCE):
            goal.write(chunk)
            await goal.drain()
        if goal.can_write_eof():
            goal.write_eof()

    try:
        await asyncio.gather(one_way(reader, to), one_way(there, writer))
    finally:
        to.close()


def _answer(writer: asyncio.StreamWriter, code: int, why: str) -> None:
    body = f"wainwright: {why}\n".encode()
    said = f"HTTP/1.1 {code} Refused\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
    with suppress(OSError):
        writer.write(f"{said}Connection: close\r\n\r\n".encode() + body)


def _note(refused: list[str], line: str) -> None:
    if line not in refused and len(refused) < _TOLD_MAX:
        refused.append(line)


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text[:200])
