"""How long the server takes to answer an editor while its gateway starts and while eight models write, beside idle.

Idle is the same page with as much on it, when the models think before they write the first word: nothing comes in.

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
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from tests.bench.harness import OURS, Bar, Figure, Samples, Setting, figure, p99
from tests.e2e.client import Client
from tests.fixtures import team

ROOT = Path(__file__).resolve().parents[2]
STREAMS = 8
EVERY_S = 0.02
"""Between two pieces of a stream, and between two requests of the editor."""
REQUESTS = 200
EDITS = 20
"""How often the plan is edited, to see what is wrong with it."""
IDLE = "idle"
UNKNOWN = "unknown-requirement"
MEDIAN, P99 = Bar(0.001, "beyond"), Bar(0.010, "beyond")
Taken = dict[str, list[float]]
"""Seconds of each answer, by what was asked for."""
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
    """Answer for ever, from when it is told to write, and tell how many wait for it or are written to."""
    from aiohttp import web

    written_to, writes = 0, asyncio.Event()

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
            await writes.wait()
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

    async def write(request: web.Request) -> web.Response:
        if request.match_info["whether"] == "on":
            writes.set()
        else:
            writes.clear()
        return web.Response()

    app = web.Application(client_max_size=2**24)
    app.router.add_post("/v1/chat/completions", answer)
    app.router.add_get("/count", count)
    app.router.add_get("/write/{whether}", write)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


# ---- the editor


def begin_repository(folder: Path) -> None:
    """Put what is in a folder into the first commit of a repository."""
    for words in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        ("-c", "user.name=p", "-c", "user.email=p@example.org", "commit", "-qm", "begin"),
    ):
        subprocess.run(("git", "-C", folder, *words), check=True, capture_output=True)


class Desk:
    """A workspace, a provider and a server process."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._version = 1
        """Of the plan's page in the editor."""
        self.root = scratch / "shop"
        (self.root / "calc").mkdir(parents=True)
        self.file = self.root / "calc" / "__init__.py"
        self.file.write_text(UNFINISHED)
        begin_repository(self.root)
        config = scratch / "config" / "wainwright" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(f"parallel = {STREAMS}\n")

    async def measure(self, base: str) -> dict[str, Taken]:
        """What an editor waits for: at rest, while a run begins, and beside the streams."""
        shutil.rmtree(self._scratch / "state", ignore_errors=True)
        environment = {
            "XDG_STATE_HOME": str(self._scratch / "state"),
            "XDG_CONFIG_HOME": str(self._scratch / "config"),
            "OPENAI_API_KEY": "a-key",
        }
        model = ("--model", "openai/any", "--api-base", f"{base}/v1", "--autonomy", "auto-edit")
        client = await Client.start(
            "-m", "wainwright", "serve", "--stdio", "--no-host", "--trust", *model, env=environment
        )
        try:
            return await self._phases(client, base)
        finally:
            client.process.kill()
            await client.process.wait()

    async def _phases(self, client: Client, base: str) -> dict[str, Taken]:
        for method in ("window/workDoneProgress/create", "window/showMessageRequest"):
            client.on(method, lambda _: None)
        folder = {"uri": self.root.as_uri(), "name": "shop"}
        await client.initialize("vscode-10.1", workspaceFolders=[folder])
        self._open(client, self.file, "python")
        await client.command("wainwright.runs")  # answered when the workspace has been looked at
        goal = {"command": "wainwright.start", "arguments": [{"goal": "Add eight modules."}]}
        started = client.begin("workspace/executeCommand", goal)
        action = self._asked("codeAction", self.file, 4)
        taken = {"starts": await self._answers(client, [action], self._has_no_plan)}
        run = (await client.answer(started))["run"]
        self._open(client, self._plan, "markdown")
        line = next(at for at, text in enumerate(self._plan.read_text().splitlines()) if "t1" in text)
        about = [action, self._asked("hover", self._plan, line), self._asked("codeLens", self._plan, line)]
        await client.command("wainwright.approve", run=run)
        while int(await _said(f"{base}/count")) < STREAMS:
            await asyncio.sleep(EVERY_S)
        for phase, whether in ((IDLE, "off"), ("streams", "on")):
            await _said(f"{base}/write/{whether}")
            taken[phase] = await self._answers(client, about, _times(REQUESTS))
            taken[phase]["problems"] = await self._problems(client)
        assert int(await _said(f"{base}/count")) == STREAMS, "all of them were written to until the end"
        await _said(f"{base}/write/off")
        return taken

    @property
    def _plan(self) -> Path:
        return next(iter(self.root.glob(".wainwright/runs/*/plan.md")), self.root / "no plan yet")

    async def _has_no_plan(self) -> bool:
        return not self._plan.exists()

    def _open(self, client: Client, path: Path, language: str) -> None:
        document = {"uri": path.as_uri(), "languageId": language, "version": 1, "text": path.read_text()}
        client.notify("textDocument/didOpen", {"textDocument": document})

    def _asked(self, what: str, path: Path, line: int) -> tuple[str, dict[str, object]]:
        at = {"line": line, "character": 5}
        document = {"textDocument": {"uri": path.as_uri()}}
        more: dict[str, dict[str, object]] = {
            "codeAction": {"range": {"start": at, "end": at}, "context": {"diagnostics": []}},
            "hover": {"position": at},
            "codeLens": {},
        }
        return f"textDocument/{what}", document | more[what]

    async def _answers(
        self,
        client: Client,
        about: list[tuple[str, dict[str, object]]],
        more: Callable[[], Awaitable[bool]],
    ) -> Taken:
        taken: Taken = {method: [] for method, _ in about}
        while await more():
            for method, params in about:
                began = time.perf_counter()
                assert await client.request(method, params), method
                taken[method].append(time.perf_counter() - began)
                await asyncio.sleep(EVERY_S)
        return taken

    async def _problems(self, client: Client) -> list[float]:
        """From an edit of the plan to what is wrong with it, and back again."""
        text, uri, taken = self._plan.read_text(), self._plan.as_uri(), []
        told = client.notifications["textDocument/publishDiagnostics"]
        for number in range(EDITS):
            wrong = text.replace("- serves: R1", "- serves: R99") if number % 2 == 0 else text
            self._version += 1
            document = {"uri": uri, "version": self._version}
            before = len(told)

            def come(since: int = before, wanted: bool = wrong != text) -> bool:
                own = [one["diagnostics"] for one in told[since:] if one["uri"] == uri]
                return any(wanted == any(one["code"] == UNKNOWN for one in found) for found in own)

            began = time.perf_counter()
            changes = {"textDocument": document, "contentChanges": [{"text": wrong}]}
            client.notify("textDocument/didChange", changes)
            await client.until(come, "what is wrong with the plan")
            taken.append(time.perf_counter() - began)
            await asyncio.sleep(EVERY_S)
        return taken


def _times(count: int) -> Callable[[], Awaitable[bool]]:
    left = iter(range(count))

    async def more() -> bool:
        return next(left, None) is not None

    return more


async def _said(url: str) -> str:
    def ask() -> str:
        with urllib.request.urlopen(url, timeout=60) as response:
            text: str = response.read().decode()
            return text

    return await asyncio.to_thread(ask)


def latency(setting: Setting) -> Iterator[Figure]:
    """What an editor asks for while a run begins and beside eight streams: median, and the 99th of a hundred."""
    words = [sys.executable, "-m", "tests.bench.latency", "provider"]
    taken: dict[str, Taken] = {phase: defaultdict(list) for phase in (IDLE, "starts", "streams")}
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT, text=True, env=os.environ) as server:
        try:
            assert server.stdout is not None
            base = server.stdout.readline().strip()
            for number in range(setting.runs(5)):
                desk = Desk(setting.scratch / f"desk-{number}")
                for phase, asked in asyncio.run(desk.measure(base)).items():
                    for what, seconds in asked.items():
                        taken[phase][what] += seconds
        finally:
            server.kill()
    for phase, name in (("starts", "while a run begins"), ("streams", f"beside {STREAMS} streams")):
        for method, seconds in taken[phase].items():
            what = method.removeprefix("textDocument/")
            samples = Samples({OURS: seconds, IDLE: taken[IDLE][method]}, [])
            yield figure(f"{what} {name}, median", samples, IDLE, MEDIAN)
            yield figure(f"{what} {name}, p99", samples, IDLE, P99, of=p99)


if __name__ == "__main__":
    asyncio.run(provider())
