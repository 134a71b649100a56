"""A raw client: speaks the wire format to a real server process, and forgives nothing.

Every wait is bounded. A request or notification from the server that no test asked for fails the test when the client
is closed. Frames are written and read here, without the code under test.
"""

import asyncio
import inspect
import json
import os
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.fixtures import preloaded

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ROOT / "tests" / "clients" / "profiles"
PROBE = Path(__file__).with_name("probe_server.py")
PATIENCE = 60


class Refused(Exception):
    """The server answered a request with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: int = error["code"]
        self.message: str = error["message"]
        self.data = error.get("data")


def load_profile(name: str) -> dict[str, Any]:
    """`clientInfo` and `capabilities` of a recorded client."""
    return json.loads((PROFILES / f"{name}.json").read_text())


def frame(message: Any, header: bytes = b"Content-Length") -> bytes:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return b"%s: %d\r\n\r\n%s" % (header, len(body), body)


class Client:
    def __init__(self, process: asyncio.subprocess.Process | preloaded.Process) -> None:
        self.process = process
        self.stderr = b""
        self.answers: dict[Any, dict[str, Any]] = {}
        self.waiting: set[int] = set()
        """Requests that the server has not answered yet."""
        self.notifications: dict[str, list[Any]] = defaultdict(list)
        self.requests: list[dict[str, Any]] = []
        self.handlers: dict[str, Callable[[Any], Any | Awaitable[Any]]] = {}
        self.allowed: set[str] = set()
        self.problems: list[str] = []
        self.next_id = 0
        self.reading = asyncio.Event()
        """Cleared, the client does not read its input any more, and the pipe fills up."""
        self.reading.set()
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task] = set()
        self._reader = asyncio.create_task(self._read())
        self._errors = asyncio.create_task(self._read_stderr())

    @classmethod
    async def start(
        cls, *argv: str, env: dict[str, str] | None = None, stdin: int | None = None, loaded: bool = False
    ) -> "Client":
        """Start a server process: the probe server unless ``argv`` is given (arguments to Python).

        ``loaded``: it begins with its imports done.
        """
        # What pytest says of each test in it would keep windows apart that are started alike.
        ours = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
        environment = {**ours, "PYTHONPATH": str(ROOT / "server"), **(env or {})}
        words = argv or (str(PROBE),)
        if loaded:
            return cls(await preloaded.start(words, environment, stdin))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *words,
            stdin=stdin or asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )
        return cls(process)

    async def initialize(self, profile: str | None = None, **params: Any) -> dict[str, Any]:
        base = load_profile(profile) if profile else {"capabilities": {}}
        result = await self.request("initialize", {"processId": None, "rootUri": None, **base, **params})
        self.notify("initialized", {})
        return result

    # sending

    def send_bytes(self, data: bytes) -> None:
        self.process.stdin.write(data)

    def send(self, message: Any) -> None:
        self.send_bytes(frame(message))

    def notify(self, method: str, params: Any = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def begin(self, method: str, params: Any = None) -> int:
        """Send a request without waiting; `answer` waits."""
        self.next_id += 1
        message = {"jsonrpc": "2.0", "id": self.next_id, "method": method}
        if params is not None:
            message["params"] = params
        self.waiting.add(self.next_id)
        self.send(message)
        return self.next_id

    async def answer(self, request_id: Any, patience: float = PATIENCE) -> Any:
        await self.until(lambda: request_id in self.answers, f"an answer to {request_id}", patience)
        message = self.answers.pop(request_id)
        if "error" in message:
            raise Refused(message["error"])
        return message["result"]

    async def request(self, method: str, params: Any = None, patience: float = PATIENCE) -> Any:
        return await self.answer(self.begin(method, params), patience)

    async def command(self, name: str, **argument: Any) -> Any:
        return await self.request("workspace/executeCommand", {"command": name, "arguments": [argument]})

    # receiving

    def on(self, method: str, handler: Callable[[Any], Any]) -> None:
        """Answer requests of this kind; an exception `Refused` becomes an error."""
        self.handlers[method] = handler

    async def expect(self, method: str, patience: float = PATIENCE) -> Any:
        """Take the oldest notification of this kind."""
        await self.until(lambda: self.notifications.get(method), f"a notification {method}", patience)
        return self.notifications[method].pop(0)

    async def until(self, true: Callable[[], Any], what: str, patience: float = PATIENCE) -> None:
        try:
            async with asyncio.timeout(patience), self._news:
                await self._news.wait_for(lambda: true() or self._reader.done())
        except TimeoutError:
            raise AssertionError(
                f"no {what} within {patience} s; stderr: {self.stderr[-2000:].decode()}"
            ) from None
        assert true(), f"the server ended before {what}; stderr: {self.stderr[-4000:].decode()}"

    # the end

    async def exit_code(self, patience: float = PATIENCE) -> int:
        """Wait for the process to end by itself."""
        async with asyncio.timeout(patience):
            code = await self.process.wait()
            await self._reader
            await self._errors
        return code

    async def leave(self) -> int:
        """Shutdown, exit, and nothing unexpected said by the server in the whole conversation."""
        assert await self.request("shutdown") is None
        self.notify("exit")
        code = await self.exit_code()
        self.check_silence()
        return code

    def check_silence(self) -> None:
        left = {m: v for m, v in self.notifications.items() if v and m not in self.allowed}
        assert not self.problems, self.problems
        assert not left, f"unexpected notifications {left}"
        assert not self.answers, f"answers that nobody waits for: {self.answers}"

    async def kill(self) -> None:
        self.reading.set()
        if self.process.returncode is None:
            self.process.kill()
        if self.process.stdin is not None:
            self.process.stdin.close()
        await self.process.wait()
        if isinstance(self.process, preloaded.Process):
            await self.process.close()
        for task in (*self._tasks, self._reader, self._errors):
            task.cancel()
        await asyncio.gather(*self._tasks, self._reader, self._errors, return_exceptions=True)

    # inside

    async def _read(self) -> None:
        stdout = self.process.stdout
        try:
            while line := await stdout.readline():
                assert line.startswith(b"Content-Length: "), f"not a header on stdout: {line!r}"
                length = int(line.split(b":")[1])
                assert await stdout.readline() == b"\r\n"
                await self._take(json.loads(await stdout.readexactly(length)))
                await self.reading.wait()
        except (AssertionError, ValueError, asyncio.IncompleteReadError) as broken:
            self.problems.append(f"the stream is broken: {broken}")
        finally:
            async with self._news:
                self._news.notify_all()

    async def _read_stderr(self) -> None:
        while chunk := await self.process.stderr.read(65536):
            self.stderr += chunk

    async def _take(self, message: dict[str, Any]) -> None:
        assert message["jsonrpc"] == "2.0"
        if "method" not in message:
            assert ("result" in message) != ("error" in message), message
            assert message["id"] not in self.answers, f"answered twice: {message}"
            self.answers[message["id"]] = message
            self.waiting.discard(message["id"])
        elif "id" in message:
            self.requests.append(message)
            task = asyncio.create_task(self._serve(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self.notifications[message["method"]].append(message.get("params"))
        async with self._news:
            self._news.notify_all()

    async def _serve(self, message: dict[str, Any]) -> None:
        handler = self.handlers.get(message["method"])
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
        if handler is None:
            self.problems.append(f"unexpected request {message}")
            self.send({**reply, "error": {"code": -32601, "message": "Unhandled method"}})
            return
        try:
            result = handler(message.get("params"))
            if inspect.isawaitable(result):
                result = await result
        except Refused as refused:
            self.send({**reply, "error": {"code": refused.code, "message": refused.message}})
        else:
            self.send({**reply, "result": result})
