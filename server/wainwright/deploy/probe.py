"""Asks a service on this machine whether it is healthy: one HTTP request, never through a proxy."""

import asyncio
import os
import time
from contextlib import suppress

from pydantic import BaseModel, ConfigDict

_STATUS_LINE_BYTES_MAX = 4096


class Probe(BaseModel):
    """One look at a service: ``at`` in seconds since the epoch, ``error`` empty when ``ok``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ok: bool
    status: int | None
    seconds: float
    error: str
    at: float


async def ask(port: int, path: str, timeout_s: float) -> Probe:
    """GET ``path`` from the loopback; any status from 200 to 399 is healthy. Never raises for an unhealthy service.

    Only the status line is read, so a service cannot make us hold or parse what it sends.
    """
    at, began = time.time(), time.monotonic()
    status: int | None = None
    error = ""
    try:
        async with asyncio.timeout(timeout_s):
            status = await _status(port, path)
    except TimeoutError:
        error = f"no answer within {timeout_s:g} s"
    except ConnectionResetError:
        error = "the connection was broken off before an answer"
    except OSError as refused:
        error = os.strerror(refused.errno) if refused.errno else str(refused)
    except ValueError:
        error = "the answer is not HTTP"
    ok = status is not None and 200 <= status < 400
    if status is not None and not ok:
        error = f"HTTP status {status}"
    return Probe(ok=ok, status=status, seconds=time.monotonic() - began, error=error, at=at)


async def _status(port: int, path: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_STATUS_LINE_BYTES_MAX)
    try:
        host = f"127.0.0.1:{port}"
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAccept: */*\r\n\r\n".encode()
        )
        line = await reader.readline()
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    version, status = line.split(maxsplit=2)[:2]
    if not version.startswith(b"HTTP/"):
        raise ValueError(line)
    return int(status)
