"""Forty faults of a provider, five kinds of eight, through router, journal and the real gateway; a sixth: storms.

Whatever a call ends with, its step is neither lost nor done twice, no cap is passed, and what is booked is what was
used, or all that was reserved where nobody can say.
"""

import asyncio
import datetime
import email.utils
import gzip
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tests.fixtures.provider import OpenAI, Provider, Wire
from tests.unit.models.support import KEY, Books
from tests.unit.models.test_storms import STORMS

from wainwright.domain.errors import ModelError, ModelRejected
from wainwright.models import caller
from wainwright.models.client import CallFailed, GatewayBackend, Message, ModelReply, ModelRequest, ToolSpec
from wainwright.models.gateway import describe
from wainwright.models.router import Models
from wainwright.models.waits import LONGEST_S
from wainwright.settings import BudgetSettings, Candidate, ModelsSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM = OpenAI()
SAID = "good day"
CALL = ("read", '{"path": "é"}')
READ = ToolSpec(name="read", description="Read a file.", parameters={"type": "object", "properties": {}})
COUNTED = 13
CAP = 100_000
REPLY, UNCOUNTED, LOST, FAILED, REJECTED = "a reply", "a reply, not counted", "lost", "failed", "rejected"


@dataclass(frozen=True)
class Fault:
    """What a call ends with when the provider does one of these things."""

    comes: str
    plays: Sequence[Callable[[Wire], None]]
    wait: float | None = None
    """Seconds that are asked for."""
    base: str = ""
    """The address, where it is not the provider's."""
    timeout_s: float = 60


# ---- what is played


def well(wire: Wire) -> None:
    wire.stream(wire.form.pieces(SAID))


def status(*numbers: int) -> tuple[Callable[[Wire], None], ...]:
    def play(number: int) -> Callable[[Wire], None]:
        return lambda wire: wire.answer(wire.form.error(number, f"Key {KEY} is odd"), number)

    return tuple(play(number) for number in numbers)


def after(told: str | None) -> tuple[Callable[[Wire], None], ...]:
    headers = {} if told is None else {"Retry_After": told}
    return (lambda wire: wire.answer(wire.form.error(429, "slow down"), 429, **headers),)


def in_half_a_minute(wire: Wire) -> None:
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30)
    after(email.utils.format_datetime(later, usegmt=True))[0](wire)


def cut(mark: str, inside: int = 0) -> tuple[Callable[[Wire], None], ...]:
    """The connection breaks before the piece with ``mark`` in it, or some bytes into the mark."""

    def play(wire: Wire) -> None:
        pieces = [
            json.dumps(json.loads(piece[6:]), ensure_ascii=False).encode() if piece[6:7] == b"{" else piece
            for piece in wire.form.pieces("good ", "day", calls=(CALL,))
        ]
        wire.head(Content_Type="text/event-stream")
        for piece in pieces:
            sent = piece if piece[:5] == b"data:" else b"data: " + piece + b"\n\n"
            if mark.encode() in sent:
                if inside:
                    wire.send(sent[: sent.index(mark.encode()) + inside])
                break
            wire.send(sent)
        wire.break_off()

    return (play,)


def streamed(pieces: list[bytes]) -> tuple[Callable[[Wire], None], ...]:
    return (lambda wire: wire.stream(pieces),)


def whole(value: Any, **headers: str) -> tuple[Callable[[Wire], None], ...]:
    return (lambda wire: wire.answer(value, **headers),)


def counted(usage: Any) -> Callable[[Wire], None]:
    return lambda wire: wire.stream(wire.form.pieces(SAID, usage=usage))


def endless(wire: Wire) -> None:
    wire.head()
    while wire.send(b'{"a": "' + b"x" * 2**20):
        pass


def moved(wire: Wire) -> None:
    if "moved" in wire.asked.path:
        well(wire)
    else:
        wire.head(308, Location=wire.asked.path + "/moved")
        wire.end()


def away(number: int) -> Callable[[Wire], None]:
    def play(wire: Wire) -> None:
        wire.head(number, Location=f"{ELSEWHERE[-1]}{wire.asked.path}")
        wire.end()

    return play


def slowly(wire: Wire) -> None:
    wire.head(Content_Type="text/event-stream")
    for byte in b"".join(wire.form.pieces(SAID)):
        if not wire.send(bytes([byte])):
            return
        wire.wait(1)


ELSEWHERE: list[str] = []
"""The address of another provider, to which nothing may be taken."""
_BACKWARDS = [
    FORM._call({"index": n, "id": f"c{n}", "function": {"name": "read", "arguments": f'{{"path": "{n}"}}'}})
    for n in (1, 0)
]
_TWICE = [piece for piece in FORM.pieces(SAID) for _ in range(1 if b"good" in piece else 2)]
_OF_ANOTHER = [piece.replace(b'"any"', b'"another-model"') for piece in FORM.pieces(SAID)]

FAULTS: dict[str, dict[str, Fault]] = {
    "status": {
        "400": Fault(REJECTED, status(400)),
        "401": Fault(REJECTED, status(401)),
        "403": Fault(REJECTED, status(403)),
        "404": Fault(REJECTED, status(404)),
        "408": Fault(FAILED, status(408)),
        "413": Fault(REJECTED, status(413)),
        "429": Fault(FAILED, status(429)),
        "5xx": Fault(FAILED, status(500, 502, 503, 504, 529)),
    },
    "retry-after": {
        "seconds": Fault(FAILED, after("7"), 7),
        "date": Fault(FAILED, [in_half_a_minute], 30),
        "zero": Fault(FAILED, after("0"), 0),
        "negative": Fault(FAILED, after("-5"), 0),
        "10^9": Fault(FAILED, after("1000000000"), LONGEST_S),
        "garbage": Fault(FAILED, after("soon, we hope")),
        "absent": Fault(FAILED, after(None)),
        "past": Fault(FAILED, after("Wed, 31 Dec 2025 23:00:00 GMT"), 0),
    },
    "stream cut": {
        "after the headers": Fault(LOST, cut("role")),
        "after the first word": Fault(LOST, cut("day")),
        "in the middle of JSON": Fault(LOST, cut("day", inside=2)),
        "in the middle of a character": Fault(LOST, cut("é", inside=1)),
        "in the middle of a call": Fault(LOST, cut("é")),
        "before the usage": Fault(UNCOUNTED, cut("prompt_tokens")),
        "after the usage": Fault(REPLY, cut("[DONE]")),
        "without an end": Fault(REPLY, streamed(FORM.pieces(SAID)[:-1])),
    },
    "garbage": {
        "HTML": Fault(LOST, whole(b"<html>It works!</html>", Content_Type="text/html")),
        "nothing": Fault(LOST, whole(b"")),
        "a bomb of zeros": Fault(
            LOST, whole(gzip.compress(b'{"a": "' + b"0" * 100_000_000), Content_Encoding="gzip")
        ),
        "another model": Fault(REPLY, streamed(_OF_ANOTHER)),
        "events told twice": Fault(REPLY, streamed(_TWICE)),
        "calls in another order": Fault(REPLY, streamed([*_BACKWARDS, *FORM.pieces()])),
        "a count that cannot be": Fault(
            UNCOUNTED, [counted(usage) for usage in ((-1, 4), (float("nan"), 4), None)]
        ),
        "a GiB": Fault(LOST, [endless]),
    },
    "transport": {
        "refused": Fault(FAILED, [well], base="http://127.0.0.1:9/v1"),
        "no such host": Fault(FAILED, [well], base="http://no-such-host.invalid/v1"),
        "a certificate of nobody": Fault(FAILED, [well], base="https://127.0.0.1:{tls}/v1"),
        "moved on the same host": Fault(REPLY, [moved]),
        "moved to another host": Fault(REJECTED, [away(number) for number in (301, 302, 303, 307, 308)]),
        "a byte a second": Fault(LOST, [slowly], timeout_s=2),
        # Two that the gateway's own trust and its environment decide: see the tests at the end.
        "a certificate that ran out": Fault(FAILED, []),
        "a proxy that wants a password": Fault(REJECTED, []),
    },
}
ROWS = [(kind, name, fault) for kind, faults in FAULTS.items() for name, fault in faults.items()]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncIterator[GatewayBackend]:
    backend = GatewayBackend({"OPENAI_API_KEY": KEY}, start_s=120)
    await backend.warm()
    yield backend
    await backend.close()


def asker(gateway: GatewayBackend, base: str, timeout_s: float) -> Models:
    one = Candidate(model=FORM.model, api_base=base, timeout_s=timeout_s)
    settings = ModelsSettings(default=(one,), retries=0, wait_s=0)
    return Models(settings, BudgetSettings(usd=None, tokens=CAP), gateway)


async def outcome(models: Models, books: Books, scope: str) -> tuple[str, ModelReply | ModelError]:
    asked = ModelRequest(role="planner", messages=(Message(role="user", content="hello"),), tools=(READ,))
    before = books.account.spent_tokens
    try:
        reply = await models.ask(books.steps(scope), asked)
    except CallFailed as error:
        return (LOST if error.lost else FAILED), error
    except ModelRejected as error:
        return REJECTED, error
    return (REPLY if books.account.spent_tokens - before == COUNTED else UNCOUNTED), reply


async def test_there_are_forty_eight(record_property: Callable[[str, object], None]) -> None:
    counts = Counter(kind for kind, *_ in ROWS) + Counter(storm=len(STORMS))
    record_property("faults", dict(counts))
    print(f"{sum(counts.values())} faults: {dict(counts)}")
    assert list(counts.values()) == [8] * 6


@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, id=f"{kind}: {name}") for kind, name, fault in ROWS if fault.plays],
)
async def test_no_step_is_lost_or_done_twice(
    gateway: GatewayBackend, open_books: Callable[..., Books], fault: Fault
) -> None:
    for number, play in enumerate(fault.plays):
        books, scope = open_books(usd=None, tokens=CAP), f"/task-{number}"
        with Provider(play) as provider, Provider(well) as other, Provider(well) as dark:
            ELSEWHERE[:] = [f"http://127.0.0.1:{other.port}"]
            base = fault.base.format(tls=dark.port) or provider.base(FORM)
            came, what = await outcome(asker(gateway, base, fault.timeout_s), books, scope)
            assert came == fault.comes, what
            assert KEY not in str(what)
            asked = len(provider.asked)
            if fault.wait == 0:
                assert 1 <= asked <= 3, "at once, as it was told, and then no more"
            else:
                assert asked == (0 if fault.base else 1 + (play is moved)), "nobody but the router repeats"
            assert other.asked == [], "neither the key nor the prompt is taken elsewhere"
            spent = books.account.spent_tokens
            assert {REPLY: spent == COUNTED, FAILED: spent == 0, REJECTED: spent == 0}.get(came, spent > 1000)
            assert spent <= CAP
            # Mended, the same step is done; asked for once more, it is found.
            provider.play, asked = well, len(provider.asked)
            for _ in range(2):
                _came, reply = await outcome(asker(gateway, provider.base(FORM), 60), books, scope)
                assert isinstance(reply, ModelReply), reply
            done = came in (REPLY, UNCOUNTED)
            assert len(provider.asked) - asked == (0 if done else 1)
            assert books.account.calls == 1
            assert books.account.spent_tokens == spent + (0 if done else COUNTED)


@pytest.mark.parametrize("fault", FAULTS["retry-after"].values(), ids=FAULTS["retry-after"])
async def test_what_is_asked_for_is_read(gateway: GatewayBackend, fault: Fault) -> None:
    with Provider(*fault.plays) as provider:
        one = Candidate(model=FORM.model, api_base=provider.base(FORM))
        asked = ModelRequest(role="planner", messages=(Message(role="user", content="hello"),))
        with pytest.raises(CallFailed) as caught:
            await gateway.complete(one, asked, "k")
    wanted = None if fault.wait is None else pytest.approx(fault.wait, abs=2)
    assert caught.value.retry_after == wanted


# ---- what the gateway's trust and its environment decide, at the client that it asks with


async def _ended(base: str) -> dict[str, Any]:
    """How a call to this address is described."""
    call, client = caller.Call(), caller.Caller()
    caller.CURRENT.set(call)
    asked = httpx.Request("POST", f"{base}/chat/completions", json={"model": "any", "messages": []})
    try:
        response = await client.send(asked)
        error: Exception = httpx.HTTPStatusError("refused", request=asked, response=response)
    except httpx.HTTPError as raised:
        error = raised
    finally:
        assert caller.Caller._session is not None
        await caller.Caller._session.close()
        caller.Caller._session = None
    return describe(error, Candidate(model="openai/any", api_base=base), call)


def _run_out(folder: Path) -> ssl.SSLContext:
    x509 = pytest.importorskip("cryptography.x509", reason="cryptography makes the certificate")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    ended = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(ended - datetime.timedelta(days=9))
        .not_valid_after(ended)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, *plain))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return serving


async def test_a_certificate_that_ran_out_is_not_trusted_although_its_issuer_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = _run_out(tmp_path)
    trusting = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    monkeypatch.setattr(caller, "trusted", lambda: trusting)
    with Provider(well) as provider:
        provider._http.socket = serving.wrap_socket(provider._http.socket, server_side=True)
        told = await _ended(provider.base(FORM, "localhost").replace("http:", "https:"))
        assert provider.asked == []
    assert "certificate has expired" in told["message"]
    assert (told["kind"], told["lost"]) == ("unavailable", False)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_wants_a_password_is_said_to(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    came: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    with ExitStack() as ends:
        ends.callback(server.close)
        port = server.sockets[0].getsockname()[1]
        for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        caller._proxy_of.cache_clear()
        ends.callback(caller._proxy_of.cache_clear)
        told = await _ended(f"{scheme}://model.example/v1")
    assert len(came) == 1
    assert (told["kind"], told["lost"]) == ("rejected", False), told
    assert "the proxy wants a name and a password (407)" in told["message"]
    assert "HTTPS_PROXY" in told["hint"]
