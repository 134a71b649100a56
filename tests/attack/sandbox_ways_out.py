"""Attacks on the way out: what commands ask of the proxy, beside hosts of this machine under other names."""

import asyncio
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.attack.cases import Case
from tests.attack.sandbox import Act, py, sh
from tests.attack.sandbox_bench import PYTHON
from tests.attack.sandbox_doors import Ended, Tried

from wainwright.sandbox import egress
from wainwright.sandbox.bubblewrap import Bubblewrap
from wainwright.sandbox.protocol import Command

REAL_RUN = Bubblewrap.run
GOOD, EVIL = "93.184.215.14", "93.184.215.15"
LEADS_TO = {"listed.example": [GOOD], "home.example": ["127.0.0.1"], "cloud.example": ["169.254.169.254"]}
LISTED = ("listed.example", "home.example", "cloud.example")
SAID = "said by the listed host"


class Hosts:
    """What would be out there: one host that is listed, and one that stands for all others."""

    def __init__(self) -> None:
        self.alarms: list[str] = []

    async def good(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.read(10_000)
        if b"evil.example" in asked:
            self.alarms.append(f"the listed host was asked for another: {asked[:80]!r}")
        moved = b"Location: http://evil.example/\r\n" if b"/moved" in asked else b""
        status = b"302 Found" if moved else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\n" + moved + b"Connection: close\r\n\r\n" + SAID.encode())
        writer.close()

    async def evil(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.alarms.append("a host was reached that is not listed")
        writer.close()

    @asynccontextmanager
    async def there(self) -> AsyncIterator[dict[str, int]]:
        async with (
            await asyncio.start_server(self.good, "127.0.0.1", 0) as good,
            await asyncio.start_server(self.evil, "127.0.0.1", 0) as evil,
        ):
            yield {GOOD: good.sockets[0].getsockname()[1], "": evil.sockets[0].getsockname()[1]}


def asks(*acts: Act, listed: tuple[str, ...] = LISTED) -> Callable[[Tried], Awaitable[Ended]]:
    """Commands one after the other in a sandbox with a way out; refused is only what is refused each time."""

    async def ask(one: Tried) -> Ended:
        hosts, said = Hosts(), []
        async with hosts.there() as ports:
            way_out = egress.Egress(
                listed,
                resolve=lambda name: asyncio.sleep(0, LEADS_TO.get(name, [EVIL])),
                connect=lambda at, _: asyncio.open_connection("127.0.0.1", ports.get(at, ports[""])),
            )
            if one.weak:
                open_wide(one, way_out)
            proven = one.sandbox
            sandbox = Bubblewrap(proven._tools, proven._visible, overlays=proven.overlays, way_out=way_out)
            for act in acts:
                command = Command(argv=act.argv(PYTHON), env=one.env, timeout_s=30)
                said.append((await REAL_RUN(sandbox, command, one.bench.view(act))).output)
        told = "\n".join((*said, *(f"ALARM {alarm}" for alarm in hosts.alarms)))
        if all("was refused" in text.splitlines()[-1] for text in said if text) and not hosts.alarms:
            return "refuse", told
        return "hold", told

    return ask


def open_wide(one: Tried, way_out: egress.Egress) -> None:
    """The weak build: a proxy that looks at nothing."""

    async def allowed(request: egress._Request) -> str:
        return (await way_out._resolve(request.host))[0]

    one.patch.setattr(way_out, "_allowed", allowed)
    one.patch.setattr(egress, "canonical", lambda name: "listed.example" if "evil" in name else name)
    one.patch.setattr(egress, "_place", lambda text, _: (text.rpartition(":")[0] or text, 443))


def curl(*urls: str, more: str = "") -> Act:
    return sh("\n".join(f"curl -sS -m 10 {more} {shlex.quote(url)}" for url in urls))


def raw(*requests: bytes) -> Act:
    lines = [
        f"one = socket.create_connection(('127.0.0.1', {egress.PORT})); one.settimeout(10)\n"
        f"one.sendall({request!r}); print(one.recv(9999).decode())"
        for request in requests
    ]
    return py("\n".join(lines))


TLS_TO_ANOTHER = py(f"""
import ssl
one = socket.create_connection(("127.0.0.1", {egress.PORT}))
one.sendall(b"CONNECT listed.example:443 HTTP/1.1\\r\\n\\r\\n")
assert b" 200 " in one.recv(9999)
try: ssl.create_default_context().wrap_socket(one, server_hostname="evil.example")
except (ssl.SSLError, OSError) as error: print(error)
""")
NOT_TLS = raw(b"CONNECT listed.example:443 HTTP/1.1\r\n\r\nGET http://evil.example/ HTTP/1.1\r\n\r\n")

WAYS_OUT: tuple[Case, ...] = (
    Case(
        "S3.19",
        "past the proxy",
        "hold",
        sh('curl -sS -m 5 --noproxy "*" http://listed.example http://127.0.0.1:$PORT'),
    ),
    Case(
        "S3.20",
        "plain HTTP to a host that is not listed",
        "refuse",
        asks(curl("http://evil.example/"), raw(b"GET / HTTP/1.1\r\nHost: listed.example\r\n\r\n")),
    ),
    Case("S3.21", "CONNECT to a listed name, and another in TLS", "refuse", asks(TLS_TO_ANOTHER), strong=""),
    Case(
        "S3.22", "an address instead of a name", "refuse", asks(curl(f"http://{GOOD}/", f"https://{EVIL}/"))
    ),
    Case(
        "S3.23",
        "an address in other notations",
        "refuse",
        asks(
            raw(
                *(
                    f"CONNECT {one}:443 HTTP/1.1\r\n\r\n".encode()
                    for one in ("1572395790", "0x5db8d70e", "0135.0270.0327.016", "93.12113678", "[::1]")
                )
            )
        ),
    ),
    Case(
        "S3.24",
        "a NUL byte in a name",
        "refuse",
        asks(
            raw(b"CONNECT listed.example\0.evil.example:443 HTTP/1.1\r\n\r\n"),
            raw(b"GET http://listed.example%00.evil.example/ HTTP/1.1\r\n\r\n"),
        ),
    ),
    Case("S3.25", "a dot behind a name", "refuse", asks(curl("http://evil.example./"))),
    Case("S3.26", "a name in capitals", "refuse", asks(curl("http://EVIL.example/"))),
    Case(
        "S3.27",
        "a name in other letters",
        "refuse",
        asks(
            raw("GET http://l\u0456sted.example/ HTTP/1.1\r\n\r\n".encode()),
            curl("http://xn--lsted-3ve.example/"),
        ),
    ),
    Case(
        "S3.28",
        "a redirection to another host",
        "refuse",
        asks(curl("http://listed.example/moved", more="-L")),
    ),
    Case(
        "S3.29",
        "a listed name that leads to this machine or its network",
        "refuse",
        asks(curl("http://home.example/", "http://cloud.example/latest/meta-data")),
    ),
    Case("S3.30", "an empty list", "refuse", asks(curl("http://listed.example/"), listed=())),
)


async def reaches(one: Tried) -> Ended:
    """The listed host answers, whatever way its name is written in."""
    _, said = await asks(curl("http://listed.example/", "http://LISTED.example./x"))(one)
    return ("ok" if said.count(SAID) == 2 and "ALARM" not in said else "refuse"), said


REACHED = Case("S0.14", "a listed host is reached, in capitals and with a dot too", "ok", reaches)
