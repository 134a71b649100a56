"""Asking a model: the words of it, and the backend that asks through the gateway process.

    router  --complete()-->  Backend:  GatewayBackend  --private pipe-->  gateway process (LiteLLM)
                                       CassetteBackend (a recording)

The gateway holds LiteLLM and its seconds of import, hundreds of megabytes and writes to stdout away from the server
process. It can be killed at any time: the next call starts another.
"""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import structlog
from pydantic import BeforeValidator, Field, JsonValue, field_serializer

import wainwright
from wainwright.domain.errors import ModelRejected, ModelUnavailable
from wainwright.domain.goal import Fact
from wainwright.journal import Spend
from wainwright.secrets import Redactor, key_for, key_name
from wainwright.settings import Candidate

log = structlog.get_logger()

LONGEST_LINE = 64 * 2**20
MOST_TOKENS = 10**9
"""More than any call can take: a count above this is none."""
Finish = Literal["stop", "tool_calls", "length", "content_filter"]


class ToolCall(Fact):
    """What a model asked to do."""

    id: str
    name: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """Empty when malformed."""
    malformed: bool = False
    """Whether the model's arguments are not a JSON object."""
    raw: str = ""
    """The arguments as the model wrote them, when malformed."""


class Text(Fact):
    """Words of a message."""

    kind: Literal["text"] = "text"
    text: str


class Image(Fact):
    """A picture in a message, for models that can see."""

    kind: Literal["image"] = "image"
    media_type: Literal["image/png", "image/jpeg", "image/webp", "image/gif"]
    base64: str = Field(pattern=r"^[A-Za-z0-9+/]+={0,2}$")


Part = Annotated[Text | Image, Field(discriminator="kind")]


def _as_parts(content: object) -> object:
    """Let a text stand for a message of that text."""
    if isinstance(content, str):
        return ({"kind": "text", "text": content},) if content else ()
    return content


class Message(Fact):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: Annotated[tuple[Part, ...], BeforeValidator(_as_parts)] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    """Of an assistant's message."""
    tool_call_id: str | None = None
    """Of a tool's message: the call that it answers."""

    @field_serializer("content")
    def _plain(self, content: tuple[Part, ...]) -> str | list[dict[str, str]]:
        """One text alone is written as text. Where there are several, each may be in a provider's cache."""
        if len(content) <= 1 and all(part.kind == "text" for part in content):
            return self.text
        return [part.model_dump() for part in content]

    @property
    def text(self) -> str:
        """Its words, without pictures."""
        return "".join(part.text for part in self.content if part.kind == "text")


class ToolSpec(Fact):
    """A tool as a model sees it."""

    name: str
    description: str
    parameters: dict[str, JsonValue]
    """JSON schema of the arguments; its root is an object."""


class ModelRequest(Fact):
    """What a role asks."""

    role: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    max_output_tokens: int | None = Field(default=None, ge=1)
    """At most the candidate's own limit; None takes that."""


class Usage(Fact):
    """Tokens of one call; ``cached`` is the part of ``input`` that the provider had in its cache."""

    input: int = Field(default=0, ge=0, le=MOST_TOKENS)
    output: int = Field(default=0, ge=0, le=MOST_TOKENS)
    cached: int = Field(default=0, ge=0, le=MOST_TOKENS)

    @property
    def counted(self) -> bool:
        """Whether the provider told: nothing is answered without a token of input."""
        return self.input > 0


class ModelReply(Fact):
    """What a model answered."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    model: str
    """The candidate that answered; ``cassette:...`` for a replayed reply."""
    finish: Finish = "stop"
    """Why the reply ended. ``length``: it was cut off at ``max_output_tokens``."""
    usage: Usage = Usage()
    cost_usd: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """What the call cost; None when the price is unknown."""
    recorded_cost_usd: float | None = None
    """What a replayed call cost when it was recorded."""
    seconds: float = 0.0
    attempts: int = 1
    """Calls it took, failed ones and other candidates included."""


class PriceTier(Fact):
    """Prices that hold for calls with more than ``above`` input tokens, in US dollars for a million tokens."""

    above: int = 0
    input_usd_per_mtok: float
    """The dearest kind of input: plain or written to the provider's cache."""
    output_usd_per_mtok: float


class Price(Fact):
    """What a model costs."""

    tiers: tuple[PriceTier, ...]

    def worst(self, input_tokens: int, output_tokens: int) -> float:
        """US dollars that a call with at most this many tokens can cost."""
        reachable = [tier for tier in self.tiers if tier.above < max(1, input_tokens)]
        dearest_in = max(tier.input_usd_per_mtok for tier in reachable)
        dearest_out = max(tier.output_usd_per_mtok for tier in reachable)
        return (input_tokens * dearest_in + output_tokens * dearest_out) / 1e6


def own_price(candidate: Candidate) -> Price | None:
    """The price that the person set for ``candidate``, if any."""
    if candidate.input_usd_per_mtok is None or candidate.output_usd_per_mtok is None:
        return None
    tier = PriceTier(
        input_usd_per_mtok=candidate.input_usd_per_mtok, output_usd_per_mtok=candidate.output_usd_per_mtok
    )
    return Price(tiers=(tier,))


class CallFailed(ModelUnavailable):
    """One call failed in a way that may pass.

    ``retry_after`` is how many seconds the provider asks to wait, if it does. ``lost`` tells that the call may have
    been charged although no reply came (time-out, broken connection): its reservation counts as spent.
    """

    def __init__(
        self, message: str, hint: str = "", *, retry_after: float | None = None, lost: bool = False
    ) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after
        self.lost = lost
        self.spend = Spend()


class ContextTooLong(ModelRejected):
    """The conversation does not fit into the model's context window."""


class ToolsRefused(ModelRejected):
    """The model takes no tools."""


class Backend(Protocol):
    """Something that can be asked."""

    async def complete(self, candidate: Candidate, request: ModelRequest, key: str) -> ModelReply:
        """Ask ``candidate`` once. ``key`` is the journal's key of the step.

        Raises ``CallFailed`` or ``ModelRejected``.
        """
        ...

    async def price(self, candidate: Candidate) -> Price | None:
        """What ``candidate`` costs; None when nobody knows. Raises ``CallFailed``."""
        ...

    async def window(self, candidate: Candidate) -> int | None:
        """How many tokens the context of ``candidate`` has; None when nobody knows. Raises ``CallFailed``."""
        ...

    async def warm(self) -> None:
        """Start slow parts early. Raises ``CallFailed``."""
        ...

    async def close(self) -> None:
        """Let go of processes and files; the backend cannot be used afterwards."""
        ...


class GatewayBackend:
    """Asks through a gateway process, which it starts when first needed and again when it has died.

    ``keys`` are provider keys by variable name. ``grace_s``: how long after a call's own deadline a silent gateway is
    killed. ``start_s``: how long the gateway may take to import LiteLLM.
    """

    def __init__(self, keys: Mapping[str, str], *, grace_s: float = 5.0, start_s: float = 120.0) -> None:
        self._keys = dict(keys)
        self._grace_s = grace_s
        self._start_s = start_s
        self._gateway: asyncio.Task[_Gateway] | None = None
        self._closed = False

    async def warm(self) -> None:
        """Start the gateway early. Raises ``CallFailed``."""
        await self._running()

    @property
    def pid(self) -> int | None:
        """The gateway's process id while one is running."""
        gateway = self._current()
        return gateway.pid if gateway else None

    async def complete(self, candidate: Candidate, request: ModelRequest, key: str) -> ModelReply:
        """Ask ``candidate`` once; see ``Backend``. ``key`` is not sent."""
        secret = key_for(candidate, self._keys)
        if secret is None and (name := key_name(candidate)):
            raise ModelRejected(
                f"There is no key for {candidate.model}.",
                f"Set it with: export {name}=..., or put it into credentials.toml beside your config.toml.",
            )
        gateway = await self._running()
        message: dict[str, JsonValue] = {
            "op": "complete",
            "candidate": candidate.model_dump(mode="json"),
            "request": request.model_dump(mode="json"),
            "key": secret,
        }
        return ModelReply.model_validate(await gateway.call(message, candidate.deadline_s + self._grace_s))

    async def price(self, candidate: Candidate) -> Price | None:
        """The person's own price, or the one LiteLLM knows; see ``Backend``."""
        if own := own_price(candidate):
            return own
        gateway = await self._running()
        message: dict[str, JsonValue] = {"op": "price", "candidate": candidate.model_dump(mode="json")}
        found = await gateway.call(message, self._start_s)
        return None if found is None else Price.model_validate(found)

    async def window(self, candidate: Candidate) -> int | None:
        """What the person set, or what LiteLLM knows; see ``Backend``."""
        if candidate.context_tokens is not None:
            return candidate.context_tokens
        gateway = await self._running()
        message: dict[str, JsonValue] = {"op": "window", "candidate": candidate.model_dump(mode="json")}
        found = await gateway.call(message, self._start_s)
        return found if isinstance(found, int) and found > 0 else None

    async def close(self) -> None:
        """End the gateway and wait until it is gone."""
        self._closed = True
        task, self._gateway = self._gateway, None
        if task is None:
            return
        if not task.done():
            task.cancel()
        with contextlib.suppress(CallFailed, asyncio.CancelledError):
            await (await task).close()

    def _current(self) -> "_Gateway | None":
        task = self._gateway
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return None
        return None if task.result().dead else task.result()

    async def _running(self) -> "_Gateway":
        """The running gateway; a start that fails is tried once more."""
        closed = CallFailed("The model gateway is closed.", "Start the server again.")
        if self._closed:
            raise closed
        if self._gateway is None or (self._gateway.done() and self._current() is None):
            self._gateway = asyncio.create_task(self._start(self._gateway))
        try:
            return await asyncio.shield(self._gateway)
        except asyncio.CancelledError:
            if self._closed:  # the start was cancelled, not the caller
                raise closed from None
            raise

    async def _start(self, previous: "asyncio.Task[_Gateway] | None") -> "_Gateway":
        if previous and not previous.cancelled() and previous.exception() is None:
            await previous.result().close()
        try:
            return await _Gateway.start(self._start_s, Redactor(self._keys.values()))
        except CallFailed as error:
            log.warning("gateway.start_failed", reason=error.message)
            return await _Gateway.start(self._start_s, Redactor(self._keys.values()))


class _Gateway:
    """One gateway process and the calls that wait for it."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        redactor: Redactor,
    ) -> None:
        self._process = process
        self._reader, self._writer = streams
        self._redactor = redactor
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[0] = self._ready
        self._stderr = b""
        self._listening = asyncio.create_task(self._listen())
        self._hearing = asyncio.create_task(self._keep_stderr())
        self.dead = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @classmethod
    async def start(cls, limit_s: float, redactor: Redactor) -> "_Gateway":
        """Start a process and wait until it can be asked."""
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as unless_started, theirs:
            unless_started.callback(ours.close)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "wainwright.models.gateway",
                str(theirs.fileno()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
                env=_minimal_environment(),
                cwd="/",
                start_new_session=True,
            )
            unless_started.pop_all()
        streams = await asyncio.open_connection(sock=ours, limit=LONGEST_LINE)
        gateway = cls(process, streams, redactor)
        try:
            async with asyncio.timeout(limit_s):
                await gateway._ready
        except BaseException as error:
            await gateway.close()
            if isinstance(error, TimeoutError):
                raise gateway.failure(f"did not start within {limit_s:g} s", lost=False) from error
            raise
        return gateway

    async def call(self, message: dict[str, JsonValue], limit_s: float) -> Any:
        """Send one message and wait for its answer. A gateway silent for ``limit_s`` seconds is killed."""
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(limit_s):
                await self._send({"id": number, **message})
                return await answer
        except TimeoutError as error:
            self.kill()
            raise self.failure(f"was silent for {limit_s:g} s and has been ended", lost=True) from error
        except asyncio.CancelledError:
            self._waiting.pop(number, None)
            with contextlib.suppress(CallFailed):
                await self._send({"id": number, "op": "cancel"})
            raise
        finally:
            self._waiting.pop(number, None)

    def kill(self) -> None:
        """End the process and all of its children at once."""
        self.dead = True
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def close(self) -> None:
        """Kill and wait."""
        self.kill()
        await self._process.wait()
        await asyncio.gather(self._listening, self._hearing, return_exceptions=True)
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def failure(self, what: str, *, lost: bool) -> CallFailed:
        """An error that tells what became of the process, with the end of what it said."""
        said = self._redactor.redact(self._stderr.decode(errors="replace")).strip()[-400:]
        return CallFailed(
            f"The model gateway {what}.{' It said: ' + said if said else ''}",
            "Try again; if it stays so, check the installation of litellm.",
            lost=lost,
        )

    async def _send(self, message: dict[str, JsonValue]) -> None:
        try:
            self._writer.write(json.dumps(message).encode() + b"\n")
            await self._writer.drain()
        except OSError as error:
            raise self.failure("has stopped", lost=False) from error

    async def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while line := await self._reader.readline():
                self._deliver(json.loads(line))
        self.kill()
        await self._process.wait()
        await self._hearing
        for number, waiting in self._waiting.items():
            if not waiting.done():
                waiting.set_exception(self.failure("stopped before it answered", lost=number > 0))

    def _deliver(self, message: dict[str, Any]) -> None:
        waiting = self._waiting.get(message["id"])
        if waiting is None or waiting.done():
            return
        if "error" in message:
            waiting.set_exception(_error(message["error"]))
        else:
            waiting.set_result(message["ok"])

    async def _keep_stderr(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(4096):
            self._stderr = (self._stderr + data)[-4096:]


def _error(data: dict[str, Any]) -> Exception:
    """The exception that the gateway described."""
    message, hint = data["message"], data["hint"]
    match data["kind"]:
        case "context_too_long":
            return ContextTooLong(message, hint)
        case "tools_refused":
            return ToolsRefused(message, hint)
        case "rejected":
            return ModelRejected(message, hint)
        case _:
            return CallFailed(message, hint, retry_after=data["retry_after"], lost=data["lost"])


def _minimal_environment() -> dict[str, str]:
    """What the gateway needs to run and to reach the network; nothing else of the person's environment."""
    passed = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    names = (*passed, *proxies, *(name.lower() for name in proxies))
    package_root = str(Path(wainwright.__path__[0]).parent)
    return {name: os.environ[name] for name in names if name in os.environ} | {"PYTHONPATH": package_root}
