"""The HTTP client that LiteLLM is given: each call is streamed, watched, bounded, and handed back whole and sound.

LiteLLM asks for a whole answer. What goes out asks for a stream instead, in the three forms of ``forms/``; the pieces
are told as they come and put together, and LiteLLM reads one whole answer as if nothing had been streamed. So its
ways of reading a stream, which cost thirty times as much a piece and lose a reply for one odd part, are not needed.

    a server that refuses to stream       is asked again without, and remembered
    an answer that is whole all the same  is read as such; a stream that was not asked for, too
    silence before the first piece        ends the call, where there is a limit to it
    silence after the first piece         ends the call, and so does a break before the end: nothing of it is used
    more than was asked for               is cut: see ``CHARACTERS_A_TOKEN``
    a redirection to another server       is not followed: the key would go along
"""

import asyncio
import contextlib
import functools
import json
import ssl
import time
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import httpx
import yarl

from wainwright.models.forms.events import Events, Unreadable
from wainwright.models.forms.form import Form
from wainwright.models.forms.known import form_of

LONGEST_ANSWER = 8 * 2**20
"""Bytes of a whole answer that are read; one that is longer is broken off, and then is no completion."""
LONGEST_STREAM = 64 * 2**20
"""Bytes of a stream that are read. A piece of a few characters takes hundreds of bytes on the wire."""
CHARACTERS_A_TOKEN = 8
"""When this many came for each token that was asked for, the server does not keep to ``max_tokens``, and is cut off.

Prose has four to five characters a token, code three to four, with deep indentation six: an answer that passes eight
on average has more tokens than were asked for, or is full of blanks and rulers, and ends at its limit all the same.
"""
SLACK = 2000
"""Characters above that, for short answers."""
REDIRECTIONS_MAX = 3
DRAIN_S = 0.05
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "accept-encoding", "connection"})
_SPELLED = frozenset({"content-encoding", "content-length", "transfer-encoding", "connection"})
_STATUS = {"overloaded_error": 529, "rate_limit_error": 429, "api_error": 500, "authentication_error": 401}


_NOT_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.InvalidURL,
    aiohttp.ServerTimeoutError,
)


class Silent(Exception):
    """A model that did not begin to answer in time."""


class Stalled(Exception):
    """A stream that stood still in the middle."""


class CutShort(Exception):
    """A stream that broke before its end, or said that it failed."""


class TooLong(Exception):
    """An answer that is longer than anything that is read."""


class Redirected(Exception):
    """The address leads to another server."""


@dataclass
class Call:
    """The call that is under way: what LiteLLM does not pass on."""

    heard: Callable[[str], None] = lambda _text: None
    most_tokens: int = 2**20
    idle_s: float = 60.0
    begins_in_s: float | None = None
    """Seconds that it may take to the first piece; None: as long as the whole call."""
    began: float = field(default_factory=time.monotonic)
    first_s: float = 0.0
    """Seconds to the first piece."""
    status: int = 0
    """What the server answered with, or meant; 0 when it did not."""
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    said: str = ""
    """The server's own words about what went wrong."""
    failed: Exception | None = None
    """What ended the call before there was an answer."""
    cut: bool = False
    """Whether more came than was asked for: nothing that is counted holds."""
    by_schema: bool = False
    """Whether the answer was asked for by schema."""
    answer: bytes | None = None
    """What is answered in a rehearsal, in which nobody is asked."""
    _silence: asyncio.Timeout | None = field(default=None, init=False)

    @property
    def most(self) -> int:
        """Characters that are read."""
        return self.most_tokens * CHARACTERS_A_TOKEN + SLACK

    def begun(self) -> None:
        """Note that the model began to answer."""
        if not self.first_s:
            self.first_s = round(time.monotonic() - self.began, 3)
            if self._silence is not None:
                self._silence.reschedule(None)

    @contextlib.asynccontextmanager
    async def silence(self) -> AsyncIterator[None]:
        """Bound the time to the first piece of what is asked inside. Raises ``Silent``."""
        self._silence = limit = asyncio.timeout(self.begins_in_s)
        try:
            async with limit:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise Silent(f"nothing came for {self.begins_in_s:g} s") from error


CURRENT: ContextVar[Call] = ContextVar("CURRENT")


class Caller(httpx.AsyncClient):
    """See above. It has no connections of its own: all share one session."""

    _session: aiohttp.ClientSession | None = None
    _plain: dict[str, str] = {}  # noqa: RUF012  # shared, like the session
    """By server and model, what it refused: ``options`` (to count a stream), or ``stream``."""

    def __init__(self) -> None:
        super().__init__(transport=httpx.MockTransport(_nobody), trust_env=False)

    async def send(self, request: httpx.Request, **_: Any) -> httpx.Response:
        """Send a request and read all of its answer. Raises what httpx raises, and the errors of this file."""
        call = CURRENT.get(None) or Call()
        try:
            async with call.silence():
                response = await self._send(request, call)
        except Exception as error:
            call.failed = error
            raise
        call.status, call.headers = response.status_code, response.headers
        if response.is_error:
            call.said = _said(response)
        return response

    async def _send(self, request: httpx.Request, call: Call) -> httpx.Response:
        form = form_of(request.url.path) if request.method == "POST" else None
        if form is None:
            return await self._ask(request, str(request.url), request.content, call, None)
        url = str(request.url)
        body = json.loads(request.content)
        body.pop("max_retries", None)  # meant for the client; for some providers LiteLLM sends it on
        server = f"{request.url.scheme}://{request.url.netloc.decode()} {body.get('model', request.url.path)}"
        while True:
            refused = self._plain.get(server, "")
            path, asked = (url, body) if refused == "stream" else form.ask(url, body)
            if refused == "options":
                asked.pop("stream_options", None)
            response = await self._ask(
                request, path, json.dumps(asked, ensure_ascii=False).encode("utf-8", "replace"), call, form
            )
            told = _refusal(response, asked)
            if not told:
                return response
            self._plain[server] = told

    async def _ask(
        self, request: httpx.Request, url: str, content: bytes, call: Call, form: type[Form] | None
    ) -> httpx.Response:
        if call.answer is not None:
            return httpx.Response(200, content=call.answer, request=request)
        headers = [(name, value) for name, value in request.headers.multi_items() if name not in _OWN_HEADERS]
        try:
            for _ in range(1 + REDIRECTIONS_MAX):
                async with self._open(request.method, url, headers, content) as response:
                    if response.status not in (301, 302, 303, 307, 308):
                        status, body = await _read(response, call, form)
                        kept = [(n, v) for n, v in response.headers.items() if n.lower() not in _SPELLED]
                        return httpx.Response(status, headers=kept, content=body, request=request)
                    url = _same_server(url, response)
        except aiohttp.ClientHttpProxyError as error:
            # It is the proxy's answer to us, with a reason of its own.
            return httpx.Response(error.status, text=error.message, request=request)
        except _NOT_SENT as error:
            raise httpx.ConnectError(str(error), request=request) from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise httpx.ReadError(str(error) or type(error).__name__, request=request) from error
        raise Redirected(url)

    def _open(self, method: str, url: str, headers: list[tuple[str, str]], content: bytes) -> Any:
        if Caller._session is None:
            Caller._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=trusted()),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Content-Type"),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=30),
                headers={"Accept-Encoding": "identity"},
            )
        return Caller._session.request(
            method,
            yarl.URL(url, encoded=True),
            headers=headers,
            data=content or None,
            allow_redirects=False,
            proxy=_proxy(url),
        )


def _nobody(_: httpx.Request) -> httpx.Response:
    raise RuntimeError("nothing is sent this way")


@functools.cache
def trusted() -> ssl.SSLContext:
    """Whom httpx trusts, and with it what the person named in SSL_CERT_FILE."""
    return httpx.create_ssl_context()


@functools.cache
def _proxy_of(scheme: str, host: str) -> str | None:
    proxies = urllib.request.getproxies_environment()
    if urllib.request.proxy_bypass(host):
        return None
    return proxies.get(scheme) or proxies.get("all")


def _proxy(url: str) -> str | None:
    where = urllib.parse.urlsplit(url)
    return _proxy_of(where.scheme, where.hostname or "")


def _same_server(url: str, response: aiohttp.ClientResponse) -> str:
    """Where a redirection leads, on the same server and with the same method."""
    led = urllib.parse.urljoin(url, response.headers.get("Location", ""))
    was, now = urllib.parse.urlsplit(url), urllib.parse.urlsplit(led)
    if response.status not in (307, 308) or (was.scheme, was.netloc) != (now.scheme, now.netloc):
        raise Redirected(f"{now.scheme}://{now.netloc}{now.path}")
    return led


def _refusal(response: httpx.Response, asked: dict[str, Any]) -> str:
    """What of the request for a stream a server does not take; empty when it is something else."""
    if response.status_code not in (400, 404, 405, 422, 501) or "stream" not in response.text.lower():
        return ""
    if "stream_options" in asked and ("stream_options" in response.text or "include_usage" in response.text):
        return "options"
    return "stream" if asked.get("stream") or "stream" in str(response.request.url) else ""


def _said(response: httpx.Response) -> str:
    """The sentence in an error; all of it when there is none where providers put one."""
    try:
        told = response.json()
        told = told[0] if isinstance(told, list) and told else told
        error = told.get("error") or told
        message = error.get("message") if isinstance(error, dict) else error
    except (ValueError, AttributeError, RecursionError):
        message = None
    return message if isinstance(message, str) and message else response.text[:2000]


_OPENINGS = (b":", b"data", b"event", b"id:", b"retry")
"""How a stream begins. A piece may be a single byte: nothing is decided while it may still become one of these."""


async def _read(response: aiohttp.ClientResponse, call: Call, form: type[Form] | None) -> tuple[int, bytes]:
    """Status and body of an answer: mended when it is a good one, the first part of it when it is not."""
    parts = response.content.iter_any()
    if form is None or response.status != 200:
        return response.status, await _bounded(parts, b"")
    head = b""
    async for part in parts:
        head += part
        begin = head.lstrip(b"\xef\xbb\xbf \r\n\t")
        if begin and not any(opening.startswith(begin) for opening in _OPENINGS):
            break
        if len(head) > LONGEST_ANSWER:
            raise TooLong("nothing but blanks")
    else:
        return response.status, head
    if not begin.startswith(_OPENINGS):
        call.begun()
        return _whole(await _bounded(parts, head), call, form)
    return await _streamed(begin, parts, call, form())


async def _bounded(parts: AsyncIterator[bytes], head: bytes) -> bytes:
    body = bytearray(head)
    async for part in parts:
        body += part
        if len(body) > LONGEST_ANSWER:
            raise TooLong(f"more than {LONGEST_ANSWER // 2**20} MiB")
    return bytes(body)


def _whole(body: bytes, call: Call, form: type[Form]) -> tuple[int, bytes]:
    try:
        answer = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return 200, body
    if isinstance(answer, dict) and answer.get("error") and not answer.get("choices"):
        return _failed(answer, body)
    return 200, _mended(answer, call, form, body)


def _failed(piece: dict[str, Any], body: bytes) -> tuple[int, bytes]:
    """The status that an error came without."""
    error = piece["error"] if isinstance(piece["error"], dict) else {}
    told = error.get("code") or error.get("status") or _STATUS.get(str(error.get("type")))
    status = int(str(told)) if str(told).isdecimal() else 500
    return status if 400 <= status < 600 else 500, body


def _mended(answer: Any, call: Call, form: type[Form], body: bytes) -> bytes:
    try:
        mended, call.cut = form.mend(answer, call.most, cut=call.cut)
    except (LookupError, TypeError, ValueError, RecursionError, StopIteration):
        return body
    return json.dumps(mended, ensure_ascii=False).encode()


async def _streamed(begin: bytes, parts: AsyncIterator[bytes], call: Call, answer: Form) -> tuple[int, bytes]:
    """The whole answer from its pieces. Raises ``Stalled`` and ``CutShort``; nothing of those is used."""
    stream = _Stream(parts, call, answer)
    try:
        failed = await stream.read(begin)
    except (aiohttp.ClientError, ConnectionError, Unreadable) as error:
        if not answer.finished:
            raise CutShort(str(error) or type(error).__name__) from error
        failed = None
    if failed is not None:
        return failed
    if stream.too_much:
        call.cut = True
    elif not answer.finished and not stream.events.done:
        raise CutShort("it ended in the middle")
    return 200, _mended(answer.whole(), call, type(answer), b"")


class _Stream:
    """A stream that is being read."""

    def __init__(self, parts: AsyncIterator[bytes], call: Call, answer: Form) -> None:
        self.events = Events()
        self._parts = parts
        self._call = call
        self._answer = answer
        self._came = 0

    @property
    def too_much(self) -> bool:
        return self._answer.size > self._call.most or self._came > LONGEST_STREAM

    async def read(self, begin: bytes) -> tuple[int, bytes] | None:
        """Read on until it is over; status and body when it says that it failed before the model began."""
        limit = asyncio.timeout(None)
        try:
            async with limit:
                failed = await self._read(begin, limit)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise Stalled(f"nothing came for {self._call.idle_s:g} s") from error
        if self.events.done:
            await _drain(self._parts)
        return failed

    async def _read(self, part: bytes, limit: asyncio.Timeout) -> tuple[int, bytes] | None:
        now = asyncio.get_running_loop().time
        while part:
            self._came += len(part)
            if failed := self._take(self.events.feed(part)):
                return failed
            if self._answer.size:
                self._call.begun()
                limit.reschedule(now() + self._call.idle_s)
            if self.events.done or self.too_much:
                return None
            part = await anext(self._parts, b"")
        return self._take(self.events.end())

    def _take(self, pieces: Iterator[dict[str, Any]]) -> tuple[int, bytes] | None:
        for piece in pieces:
            if error := piece.get("error"):
                return _broke(error, piece, self._answer)
            if text := self._answer.take(piece):
                self._call.heard(text)
        return None


async def _drain(parts: AsyncIterator[bytes]) -> None:
    """Read on to the end, which comes at once: then the connection can be used again."""
    with contextlib.suppress(TimeoutError, aiohttp.ClientError, ConnectionError):
        async with asyncio.timeout(DRAIN_S):
            while await anext(parts, b""):
                pass


def _broke(error: Any, piece: dict[str, Any], answer: Form) -> tuple[int, bytes]:
    """An error instead of a piece: as if it had come at once, unless the model had begun to answer."""
    if answer.size:
        told = error.get("message") if isinstance(error, dict) else error
        raise CutShort(str(told)[:300])
    return _failed(piece, json.dumps(piece).encode())
