"""How long the server takes to answer an editor while its gateway starts and while eight models write, beside idle.

As a program it is the provider: `latency.py provider` plans as many tasks as streams are wanted, and then writes for
ever to whoever else asks.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from tests.bench.harness import OURS, Figure, Samples, Setting, figure, p99
from tests.e2e.client import Client
from tests.fixtures import team

ROOT = Path(__file__).resolve().parents[2]
STREAMS = 8
EVERY_S = 0.02
"""Between two pieces of a stream, and between two requests of the editor."""
REQUESTS = 200
IDLE = "idle"
UNFINISHED = (
    '"""Sums."""\n\n\ndef add(a: int, b: int) -> int:\n    return a + b  # TODO: say what it is for\n'
)
"""A text with something to be done in it: code actions are offered for that."""
PLAN = {
    "requirements": [{"id": f"R{n}", "text": f"`calc.m{n}.f()` returns {n}."} for n in range(1, STREAMS + 1)],
    "tasks": [
        {
            "id": f"t{n}",
            "title": f"Add m{n}",
            "instruction": f"Create calc/m{n}.py.",
            "needs": [],
            "write_set": [f"calc/m{n}.py"],
            "acceptance": [f"R{n}"],
        }
        for n in range(1, STREAMS + 1)
    ],
    "test_command": None,
    "notes": "",
}


# ---- the provider


def _piece(text: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "any", "choices": [choice]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


async def provider() -> None:
    """Answer for ever, and tell how many are written to."""
    from aiohttp import web

    written_to = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal written_to
        role = team.part(await request.json())
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if role in ("Planner", "Designer"):
            told = {"Planner": team.answer(PLAN)}.get(role) or (
                "<<<<<<< FILE design.md\n# Design\n>>>>>>> FILE\n" + team.answer({"summary": "Small."})
            )
            await response.write(_piece(told) + _piece("", "stop") + b"data: [DONE]\n\n")
            return response
        written_to += 1
        try:
            for number in range(10**9):
                await response.write(_piece(f"word {number} "))
                await asyncio.sleep(EVERY_S)
        except ConnectionError:
            pass  # the editor has left
        finally:
            written_to -= 1
        return response

    async def count(_: web.Request) -> web.Response:
        return web.Response(text=str(written_to))

    app = web.Application(client_max_size=2**24)
    app.router.add_post("/v1/chat/completions", answer)
    app.router.add_get("/count", count)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


# ---- the editor


class Desk:
    """A workspace, a provider and a server process."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self.root = scratch / "shop"
        (self.root / "calc").mkdir(parents=True)
        self.file = self.root / "calc" / "__init__.py"
        self.file.write_text(UNFINISHED)
        for words in (
            ("init", "-q", "-b", "main"),
            ("add", "."),
            ("-c", "user.name=p", "-c", "user.email=p@example.org", "commit", "-qm", "begin"),
        ):
            subprocess.run(("git", "-C", self.root, *words), check=True, capture_output=True)
        config = scratch / "config" / "wainwright" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(f"parallel = {STREAMS}\n")

    async def measure(self, base: str) -> dict[str, list[float]]:
        """Seconds of each answer: at rest, from the start of a run on, and beside the streams."""
        shutil.rmtree(self._scratch / "state", ignore_errors=True)
        environment = {
            "XDG_STATE_HOME": str(self._scratch / "state"),
            "XDG_CONFIG_HOME": str(self._scratch / "config"),
            "OPENAI_API_KEY": "a-key",
        }
        model = ("--model", "openai/any", "--api-base", f"{base}/v1", "--autonomy", "full-auto")
        client = await Client.start(
            "-m", "wainwright", "serve", "--stdio", "--trust", *model, env=environment
        )
        try:
            return await self._phases(client, base)
        finally:
            client.process.kill()
            await client.process.wait()

    async def _phases(self, client: Client, base: str) -> dict[str, list[float]]:
        for method in ("window/workDoneProgress/create", "window/showMessageRequest"):
            client.on(method, lambda _: None)
        folder = {"uri": self.root.as_uri(), "name": "shop"}
        await client.initialize("vscode-10.1", workspaceFolders=[folder])
        document = {"uri": self.file.as_uri(), "languageId": "python", "version": 1, "text": UNFINISHED}
        client.notify("textDocument/didOpen", {"textDocument": document})
        await client.command("wainwright.runs")  # answered when the workspace has been looked at
        taken = {IDLE: await self._answers(client, _times(REQUESTS))}
        goal = {"command": "wainwright.start", "arguments": [{"goal": "Add eight modules."}]}
        started = client.begin("workspace/executeCommand", goal)
        taken["starts"] = await self._answers(client, lambda: _under_way(base))
        await client.answer(started)
        taken["streams"] = await self._answers(client, _times(REQUESTS))
        assert not await _under_way(base), "all of them were written to until the end"
        return taken

    def _asked(self) -> dict[str, object]:
        at = {"line": 4, "character": 20}
        span = {"start": at, "end": at}
        about = {"textDocument": {"uri": self.file.as_uri()}, "context": {"diagnostics": []}}
        return {**about, "range": span}

    async def _answers(self, client: Client, more: Callable[[], Awaitable[bool]]) -> list[float]:
        taken = []
        while await more():
            began = time.perf_counter()
            assert await client.request("textDocument/codeAction", self._asked())
            taken.append(time.perf_counter() - began)
            await asyncio.sleep(EVERY_S)
        return taken


def _times(count: int) -> Callable[[], Awaitable[bool]]:
    left = iter(range(count))

    async def more() -> bool:
        return next(left, None) is not None

    return more


async def _under_way(base: str) -> bool:
    """Whether there are still fewer streams than there will be."""

    def count() -> int:
        with urllib.request.urlopen(f"{base}/count", timeout=60) as response:
            return int(response.read())

    return await asyncio.to_thread(count) < STREAMS


def latency(setting: Setting) -> Iterator[Figure]:
    """A request of the editor while the gateway starts and beside eight streams: the 99th of a hundred."""
    words = [sys.executable, "-m", "tests.bench.latency", "provider"]
    taken: dict[str, list[float]] = {IDLE: [], "starts": [], "streams": []}
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT, text=True, env=os.environ) as server:
        try:
            assert server.stdout is not None
            base = server.stdout.readline().strip()
            for number in range(setting.runs(5)):
                desk = Desk(setting.scratch / f"desk-{number}")
                for phase, seconds in asyncio.run(desk.measure(base)).items():
                    taken[phase] += seconds
        finally:
            server.kill()
    for phase, name in (("starts", "while a run begins"), ("streams", f"beside {STREAMS} streams")):
        samples = Samples({OURS: taken[phase], IDLE: taken[IDLE]}, [])
        yield figure(f"editor's request {name}, p99", samples, IDLE, of=p99)


if __name__ == "__main__":
    asyncio.run(provider())
