"""What a model call costs beside its network: ours next to plain LiteLLM, its Router and raw aiohttp, at one stub.

The stub and each of the others run in processes of their own; all are asked in turn. As a program it is one of them:
`calls.py stub`, or `calls.py litellm|router|aiohttp BASE`, which makes as many calls as a line of its input says and
prints how long they took.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from tests.bench.harness import OURS, Bar, Figure, Missing, Run, Samples, Setting, figure, interleave

ROOT = Path(__file__).resolve().parents[2]
PROMPT = ("def total(rows):\n    return sum(row.price for row in rows)  # as the person wrote it\n" * 120)[
    :8192
]
CHUNKS = 500
CALLS, ROUNDS = 10, 15
SECRETS = ("a-key-of-somebody-0123456789", "and-another-one-9876543210")
LITELLM, ROUTER, AIOHTTP = "LiteLLM", "LiteLLM's Router", "aiohttp"
IDLE = "nothing but as long a wait"

Once = Callable[[int], Awaitable[object]]
"""One call whose answer has so many pieces; 0 asks for it whole."""


# ---- the stub


def _event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "any", "choices": [choice]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


_USAGE = {"prompt_tokens": 2000, "completion_tokens": 500, "total_tokens": 2500}
_PIECES = [
    _event({"content": f"word {number} "}) for number in range(50)
]  # LiteLLM ends a stream that repeats itself
_END = b"".join(
    (
        _event({}, "stop"),
        b"data: " + json.dumps({"id": "c", "choices": [], "usage": _USAGE}).encode() + b"\n\n",
        b"data: [DONE]\n\n",
    )
)
_WHOLE = {"index": 0, "message": {"role": "assistant", "content": "word "}, "finish_reason": "stop"}
_COMPLETION = {"id": "c", "object": "chat.completion", "created": 1, "model": "any", "usage": _USAGE}


async def stub() -> None:
    """Answer for ever: a stream of as many pieces as the prompt's first word says."""
    from aiohttp import web

    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if not body.get("stream"):
            return web.json_response(_COMPLETION | {"choices": [_WHOLE]})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in range(int(body["messages"][-1]["content"].split()[0])):
            await response.write(_PIECES[number % len(_PIECES)])
        await response.write(_END)
        return response

    app = web.Application(client_max_size=2**24)
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
    await asyncio.Event().wait()


# ---- the others


def _messages(chunks: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"{chunks or 1} {PROMPT}"}]


def _plain(ask: Callable[..., Awaitable[Any]], options: dict[str, Any]) -> Once:
    async def once(chunks: int) -> object:
        if not chunks:
            return await ask(messages=_messages(0), max_tokens=8192, **options)
        asked = {"messages": _messages(chunks), "max_tokens": 8192, "stream": True, **options}
        text = ""
        async for chunk in await ask(**asked, stream_options={"include_usage": True}):
            text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        return text

    return once


def _litellm(base: str) -> Once:
    import litellm

    where = {"api_base": base, "api_key": "none", "max_retries": 0, "num_retries": 0}
    return _plain(litellm.acompletion, {"model": "openai/any", **where})


def _router(base: str) -> Once:
    import litellm

    where = {"model": "openai/any", "api_base": base, "api_key": "none"}
    router = litellm.Router(model_list=[{"model_name": "any", "litellm_params": where}], num_retries=0)
    return _plain(router.acompletion, {"model": "any"})


def _aiohttp(base: str) -> Once:
    import aiohttp

    sessions: list[aiohttp.ClientSession] = []

    async def once(chunks: int) -> object:
        if not sessions:
            sessions.append(aiohttp.ClientSession())
        asked = {"model": "any", "messages": _messages(chunks), "max_tokens": 8192, "stream": bool(chunks)}
        async with sessions[0].post(base + "/chat/completions", json=asked) as response:
            if not chunks:
                return (await response.json())["choices"][0]["message"]["content"]
            text = ""
            async for line in response.content:
                if line.startswith(b"data: {"):
                    choices = json.loads(line[6:])["choices"]
                    text += (choices[0]["delta"].get("content") or "") if choices else ""
            return text

    return once


SIDES: dict[str, Callable[[str], Once]] = {LITELLM: _litellm, ROUTER: _router, AIOHTTP: _aiohttp}


async def side(name: str, base: str) -> None:
    """Make as many calls as are asked for, of so many pieces; print the seconds and the CPU of one; for ever."""
    once = SIDES[name](base)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        calls, chunks = map(int, line.split())
        began, worked = time.perf_counter(), time.process_time()
        for _ in range(calls):
            assert await once(chunks)
        took, worked = time.perf_counter() - began, time.process_time() - worked
        print(took / calls, worked / calls, flush=True)


class Other:
    """One of the others, in its process; ``cpu`` is what that took for a call."""

    def __init__(self, name: str, base: str) -> None:
        words = [sys.executable, "-m", "tests.bench.calls", name, base]
        quiet = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(words, stdin=pipe, stdout=pipe, env=quiet, cwd=ROOT, text=True)
        self.cpu = 0.0

    def take(self, calls: int, chunks: int) -> float:
        self._process.stdin.write(f"{calls} {chunks}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise Missing("it does not run here")
        took, self.cpu = map(float, line.split())
        return took

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


# ---- ours


def _cpu_of(pid: int) -> float:
    """The seconds that all threads of a process have worked."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return sum(int((one / "schedstat").read_text().split()[0]) for one in threads) / 1e9
    except OSError as error:
        raise Missing(f"what another process worked is not told here ({error})") from error


class Ours:
    """A role's call through router, journal and gateway.

    ``here`` is what this process took for one, ``cpu`` what it took with the gateway, ``idle`` what it takes to wait
    as long: on a machine that does other things meanwhile, whoever wakes finds nothing of his in the caches.
    """

    def __init__(self, base: str, scratch: Path) -> None:
        import structlog
        from tests.unit.models.support import Books

        from wainwright.models.client import GatewayBackend
        from wainwright.models.router import Models
        from wainwright.secrets import Redactor
        from wainwright.settings import BudgetSettings, Candidate, ModelsSettings

        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
        self._loop = asyncio.new_event_loop()
        candidate = Candidate(model="openai/any", api_base=base)
        self._backend = GatewayBackend({"OPENAI_API_KEY": "none"})
        self._models = Models(
            ModelsSettings(default=(candidate,)),
            BudgetSettings(usd=None, tokens=None),
            self._backend,
            redactor=Redactor(SECRETS),
        )
        self._books = Books(scratch, usd=None, tokens=None)
        self._numbers = iter(range(10**9))
        self.cpu = self.here = self.idle = 0.0

    async def _once(self, chunks: int) -> object:
        from wainwright.models.client import Message, ModelRequest

        number = next(self._numbers)
        # What was asked before would be known to hold no secret.
        message = Message(role="user", content=f"{_messages(chunks)[0]['content']} {number}")
        request = ModelRequest(role="planner", messages=(message,))
        return await self._models.ask(self._books.steps(f"/BUILD/{number}"), request)

    def take(self, calls: int, chunks: int) -> float:
        async def several() -> None:
            for _ in range(calls):
                assert await self._once(chunks)

        gateway = self._backend.pid
        before = _cpu_of(gateway) if gateway else 0.0
        began, worked = time.perf_counter(), time.process_time()
        self._loop.run_until_complete(several())
        self.here = (time.process_time() - worked) / calls
        took = (time.perf_counter() - began) / calls
        self.cpu = self.here + ((_cpu_of(gateway) - before) / calls if gateway else 0.0)
        worked = time.process_time()
        self._loop.run_until_complete(asyncio.sleep(took))
        self.idle = time.process_time() - worked
        return took

    def close(self) -> None:
        self._loop.run_until_complete(self._models.close())
        self._books.journal.close()
        self._loop.close()


def calls(setting: Setting) -> Iterator[Figure]:
    """A model call: the whole of it, a piece of its answer, and what of it the server's own process takes."""
    words = [sys.executable, "-m", "tests.bench.calls", "stub"]
    # On a disk in memory: the journal's fsync is another figure.
    memory = Path("/dev/shm") if Path("/dev/shm").is_dir() else setting.scratch
    with contextlib.ExitStack() as ends:
        server = ends.enter_context(subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT, text=True))
        ends.callback(server.kill)
        base = server.stdout.readline().strip()
        others = {name: Other(name, base) for name in SIDES}
        for other in others.values():
            ends.callback(other.close)
        kept = ends.enter_context(tempfile.TemporaryDirectory(dir=memory, prefix="wainwright-bench-"))
        ours = Ours(base, Path(kept) / "journal.db")
        ends.callback(ours.close)
        yield from _figures(ours, others, setting.runs(ROUNDS))


class Worked:
    """The CPU that each side took, noted beside the seconds of its rounds."""

    def __init__(self, sides: dict[str, Ours | Other]) -> None:
        self._sides = sides
        self.cpu: dict[str, list[float]] = {name: [] for name in sides}
        self.here: list[float] = []
        self.idle: list[float] = []

    def taken(self, chunks: int, calls: int, runs: int) -> Samples:
        """Seconds of a call, round by round, another side first each time; two rounds do not count."""

        def run(name: str, side: Ours | Other) -> Run:
            def once() -> float:
                took = side.take(calls, chunks if isinstance(side, Ours) else chunks * (chunks > 1))
                self.cpu[name].append(side.cpu)
                if isinstance(side, Ours):
                    self.here.append(side.here)
                    self.idle.append(side.idle)
                return took

            return once

        sides = {name: (lambda name=name, side=side: run(name, side)) for name, side in self._sides.items()}
        return interleave(sides, runs, 2)


def _figures(ours: Ours, others: dict[str, Other], runs: int) -> Iterator[Figure]:
    for what, chunks, calls, share, limit in (
        ("model call", 1, CALLS, 1, 300e-6),
        ("piece of an answer", CHUNKS, 2, CHUNKS, 20e-6),
    ):
        worked = Worked({OURS: ours, **others})
        samples = worked.taken(chunks, calls, runs)

        # Of an answer in pieces the call itself is in it, a five-hundredth of it: taken off, noise would leave less.
        def a_share(taken: dict[str, list[float]], reasons: list[str], share: int = share) -> Samples:
            each = {side: [one / share for one in values[-runs:]] for side, values in taken.items()}
            return Samples(each, reasons)

        for name in others:
            bar = Bar(1.15) if name == LITELLM else None
            yield figure(what, a_share(samples.taken, samples.reasons), name, bar)
        yield figure(f"{what}, CPU of all", a_share(worked.cpu, []), LITELLM, Bar(1.15))
        here = a_share({OURS: worked.here, IDLE: worked.idle}, [])
        yield figure(f"{what}, CPU here", here, IDLE, Bar(limit, "s"))


if __name__ == "__main__":
    asyncio.run(stub() if sys.argv[1] == "stub" else side(sys.argv[1], sys.argv[2]))
