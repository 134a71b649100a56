"""Asking a model: the words of it, and the backend that asks through the gateway process.

    router  --complete()-->  Backend:  GatewayBackend  --private pipe-->  gateway process (LiteLLM)
                                       CassetteBackend (a recording)

The gateway holds LiteLLM and its seconds of import, hundreds of megabytes and writes to stdout away from the server
process. It can be killed at any time: the next call starts another.
"""

import asyncio
import contextlib
import functools
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Protocol, Self

import structlog
from pydantic import BeforeValidator, Field, JsonValue, TypeAdapter, field_serializer

from wainwright.domain.errors import ModelRejected, ModelUnavailable
from wainwright.domain.goal import Fact
from wainwright.journal import Spend
from wainwright.models.pipe import Kind
from wainwright.models.process import GatewayProcess, Stopped
from wainwright.models.starting import HostPlace
from wainwright.secrets import Redactor, key_for, key_name
from wainwright.settings import Candidate

log = structlog.get_logger()

INLINE_BYTES = 2**16
"""A longer answer is read off the loop."""
MOST_TOKENS = 10**9
"""More than any call can take: a count above this is none."""
BUSY = (429, 529)
"""Statuses of an answer that takes no more requests for now."""
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


class Sent(Fact):
    """What is sent again with every turn of a conversation, and written down once."""

    @functools.cached_property
    def as_json(self) -> bytes:
        """It as JSON."""
        return self.model_dump_json().encode()

    @functools.cached_property
    def digest(self) -> bytes:
        """What tells it from all others."""
        return hashlib.sha256(self.as_json).digest()

    def __copy__(self) -> Self:
        copied = super().__copy__()
        for kept in ("as_json", "digest"):  # a copy is made to be changed
            copied.__dict__.pop(kept, None)
        return copied


class Message(Sent):
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


class ToolSpec(Sent):
    """A tool as a model sees it."""

    name: str
    description: str
    parameters: dict[str, JsonValue]
    """JSON schema of the arguments; its root is an object."""


class Contract(Sent):
    """The form of an answer."""

    name: str
    structure: dict[str, JsonValue]
    """JSON schema of the answer; its root is an object."""


class ModelRequest(Fact):
    """What a role asks."""

    role: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    max_output_tokens: int | None = Field(default=None, ge=1)
    """At most the candidate's own limit; None takes that."""
    answer: Contract | None = None
    """What a reply without a call has to be like, for a model that can be held to it; the messages say it too."""

    def asked(self) -> dict[str, JsonValue]:
        """What is kept of it: not the contract, which says nothing that the messages do not."""
        return self.model_dump(mode="json", exclude={"answer"})

    def as_json(self) -> bytes:
        """It as JSON, of parts that were written down before."""
        return b'{"role":%b,"messages":[%b],"tools":[%b],"max_output_tokens":%b,"answer":%b}' % (
            json.dumps(self.role).encode(),
            b",".join(message.as_json for message in self.messages),
            b",".join(tool.as_json for tool in self.tools),
            json.dumps(self.max_output_tokens).encode(),
            self.answer.as_json if self.answer else b"null",
        )


class Usage(Fact):
    """Tokens of one call.

    ``cached`` is the part of ``input`` that the provider had in its cache, ``reasoning`` the part of ``output`` that
    was thought and not said; 0 where it does not tell.
    """

    input: int = Field(default=0, ge=0, le=MOST_TOKENS)
    output: int = Field(default=0, ge=0, le=MOST_TOKENS)
    cached: int = Field(default=0, ge=0, le=MOST_TOKENS)
    reasoning: int = Field(default=0, ge=0, le=MOST_TOKENS)

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
    first_s: float = 0.0
    """Seconds until the model began to answer; 0 when nobody looked."""
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


_PRICE: TypeAdapter[Price | None] = TypeAdapter(Price | None)


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

    ``retry_after`` is how many seconds the provider asks to wait, if it does. ``status`` is that of its answer, 0
    when there was none. ``lost`` tells that the call may have been charged although no reply came (time-out, broken
    connection): its reservation counts as spent.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        retry_after: float | None = None,
        status: int = 0,
        lost: bool = False,
    ) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after
        self.status = status
        self.lost = lost
        self.spend = Spend()

    @property
    def busy(self) -> bool:
        """Whether the provider works, but takes no more requests for this model now."""
        return self.status in BUSY


class ContextTooLong(ModelRejected):
    """The conversation does not fit into the model's context window."""


class ToolsRefused(ModelRejected):
    """The model takes no tools."""


class SchemaRefused(ModelRejected):
    """The model takes no schema of its answer, or not this one."""


Heard = Callable[[str], None]
"""Hears what a model writes, as it comes, in pieces; none of it is the reply."""


def unheard(_text: str) -> None:
    """Nobody listens."""


class Backend(Protocol):
    """Something that can be asked."""

    async def complete(
        self, candidate: Candidate, request: ModelRequest, key: str, heard: Heard = unheard
    ) -> ModelReply:
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

    ``keys`` are provider keys by variable name. ``grace_s``: how long after its own deadline a call is given up.
    ``start_s``: how long the gateway may take to import LiteLLM; a second try may take three times as long.
    ``frozen_s``: how long a gateway may take to react before it is replaced. ``host``: where a host is looked for
    that may fork it. ``idle_s``: after how long the process is given back when nobody asks anything.
    """

    def __init__(
        self,
        keys: Mapping[str, str],
        *,
        grace_s: float = 5.0,
        start_s: float = 40.0,
        frozen_s: float = 30.0,
        host: HostPlace | None = None,
        idle_s: float = math.inf,
    ) -> None:
        self._keys = dict(keys)
        self._host = host
        self._grace_s = grace_s
        self._start_s = start_s
        self._frozen_s = frozen_s
        self._gateway: asyncio.Task[GatewayProcess] | None = None
        self._closed = False
        self._idle_s = idle_s
        self._asked = 0
        self._resting: asyncio.TimerHandle | None = None

    async def warm(self) -> None:
        """Start the gateway early. Raises ``CallFailed``."""
        await self._running()
        self._rest_later()

    @property
    def pid(self) -> int | None:
        """The gateway's process id while one is running."""
        gateway = self._current()
        return gateway.pid if gateway else None

    async def complete(
        self, candidate: Candidate, request: ModelRequest, key: str, heard: Heard = unheard
    ) -> ModelReply:
        """Ask ``candidate`` once; see ``Backend``. ``key`` is not sent."""
        secret = key_for(candidate, self._keys)
        if secret is None and (name := key_name(candidate)):
            raise ModelRejected(
                f"There is no key for {candidate.model}.",
                f"Set it with: export {name}=..., or `wainwright keys set {name}`.",
            )
        told = (json.dumps(secret).encode(), _as_json(candidate), request.as_json())
        body = b'{"key":%b,"candidate":%b,"request":%b}' % told
        limit_s = candidate.deadline_s + self._grace_s
        answer = await self._ask(Kind.COMPLETE, body, limit_s, lambda text: heard(text.decode()))
        if len(answer) > INLINE_BYTES:
            return await asyncio.to_thread(ModelReply.model_validate_json, answer)
        return ModelReply.model_validate_json(answer)

    async def price(self, candidate: Candidate) -> Price | None:
        """The person's own price, or the one LiteLLM knows; see ``Backend``."""
        if own := own_price(candidate):
            return own
        body = b'{"candidate":%b}' % _as_json(candidate)
        return _PRICE.validate_json(await self._ask(Kind.PRICE, body, self._start_s))

    async def window(self, candidate: Candidate) -> int | None:
        """What the person set, or what LiteLLM knows; see ``Backend``."""
        if candidate.context_tokens is not None:
            return candidate.context_tokens
        body = b'{"candidate":%b}' % _as_json(candidate)
        found = json.loads(await self._ask(Kind.WINDOW, body, self._start_s))
        return found if isinstance(found, int) and found > 0 else None

    async def close(self) -> None:
        """End the gateway and wait until it is gone."""
        self._closed = True
        if self._resting is not None:
            self._resting.cancel()
        task, self._gateway = self._gateway, None
        if task is None:
            return
        if not task.done():
            task.cancel()
        with contextlib.suppress(CallFailed, asyncio.CancelledError):
            await (await task).close()

    async def _ask(
        self, kind: Kind, body: bytes, limit_s: float, heard: Callable[[bytes], None] = lambda _text: None
    ) -> bytes:
        """What was asked for; raises the error that the gateway described."""
        self._asked += 1
        try:
            came, answer = await (await self._running()).call(kind, body, limit_s, heard)
        except Stopped as error:
            raise _stopped(error) from error
        finally:
            self._asked -= 1
            self._rest_later()
        if came is Kind.FAILED:
            raise _error(json.loads(answer))
        return answer

    def _rest_later(self) -> None:
        """Count anew how long nobody asks anything."""
        if self._resting is not None:
            self._resting.cancel()
        if self._idle_s < math.inf and not self._closed:
            self._resting = asyncio.get_running_loop().call_later(self._idle_s, self._rest)

    def _rest(self) -> None:
        """Give the process back; who asks next gets another one."""
        if not self._asked and (gateway := self._current()) is not None:
            gateway.kill()

    def _current(self) -> GatewayProcess | None:
        task = self._gateway
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return None
        return None if task.result().dead else task.result()

    async def _running(self) -> GatewayProcess:
        """The running gateway; a start that fails is tried once more."""
        if (running := self._current()) is not None and not self._closed:
            return running
        closed = CallFailed("The model gateway is closed.", "Start the server again.")
        if self._closed:
            raise closed
        if self._gateway is None or self._gateway.done():
            self._gateway = asyncio.create_task(self._start(self._gateway))
        try:
            return await asyncio.shield(self._gateway)
        except asyncio.CancelledError:
            if self._closed:  # the start was cancelled, not the caller
                raise closed from None
            raise

    async def _start(self, previous: "asyncio.Task[GatewayProcess] | None") -> GatewayProcess:
        if previous and not previous.cancelled() and previous.exception() is None:
            await previous.result().close()
        redactor = Redactor(self._keys.values())
        try:
            return await GatewayProcess.start(self._start_s, redactor, self._frozen_s, self._host)
        except Stopped as error:
            log.warning("gateway.start_failed", reason=str(error))
        try:
            return await GatewayProcess.start(3 * self._start_s, redactor, self._frozen_s)
        except Stopped as error:
            raise _stopped(error) from error


def _stopped(error: Stopped) -> CallFailed:
    return CallFailed(
        str(error), "Try again; if it stays so, check the installation of litellm.", lost=error.lost
    )


def _error(data: dict[str, Any]) -> Exception:
    """The exception that the gateway described."""
    message, hint = data["message"], data["hint"]
    match data["kind"]:
        case "context_too_long":
            return ContextTooLong(message, hint)
        case "tools_refused":
            return ToolsRefused(message, hint)
        case "schema_refused":
            return SchemaRefused(message, hint)
        case "rejected":
            return ModelRejected(message, hint)
        case _:
            after, status = data["retry_after"], data["status"]
            return CallFailed(message, hint, retry_after=after, status=status, lost=data["lost"])


@functools.lru_cache(256)
def _as_json(candidate: Candidate) -> bytes:
    return candidate.model_dump_json().encode()
