import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from wainwright.deploy.probe import ask


@asynccontextmanager
async def answering(text: bytes) -> AsyncIterator[int]:
    answers = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers.append(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(text)
        await writer.drain()
        if not text:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*answers)


@pytest.mark.parametrize(
    ("text", "ok", "status", "error"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", True, 204, ""),
        (b"HTTP/1.0 302 Found\r\n\r\n", True, 302, ""),
        (b"HTTP/1.1 503\r\n\r\n", False, 503, "HTTP status 503"),
        (b"220 mail.example ESMTP\r\n", False, None, "the answer is not HTTP"),
        (b"\n", False, None, "the answer is not HTTP"),
        (b"x" * 100_000, False, None, "the answer is not HTTP"),
    ],
)
async def test_what_a_status_line_means(text, ok, status, error):
    async with answering(text) as port:
        probe = await ask(port, "/", 20)
    assert (probe.ok, probe.status, probe.error) == (ok, status, error)


async def test_silence_and_refusal(unused_port):
    async with answering(b"") as port:
        probe = await ask(port, "/", 0.2)
    assert (probe.ok, probe.error) == (False, "no answer within 0.2 s")
    probe = await ask(unused_port, "/", 20)
    assert not probe.ok
    assert "refused" in probe.error.lower()


@pytest.fixture
async def unused_port() -> int:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return int(port)
