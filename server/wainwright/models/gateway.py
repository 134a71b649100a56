"""The model gateway: a process of its own, and the only place that knows LiteLLM.

Forked by ``host``, or started alone as ``python -P -m wainwright.models.gateway FD``. Each has one end of a private
socket pair, here ``FD``, on which both sides write the frames of ``pipe``. Keys come over the pipe only. The process
ends when the pipe closes, that is when whoever asked for it has died, however.
"""

import asyncio
import functools
import gc
import json
import os
import re
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from wainwright.domain.text import clean
from wainwright.models.caller import CURRENT, Call, Caller, Redirected, Silent, Stalled
from wainwright.models.client import BUSY, ModelReply, ModelRequest, Price, PriceTier, Usage
from wainwright.models.client import own_price as price_set_by_person
from wainwright.models.forms.sound import cost as sound_cost
from wainwright.models.messages import is_anthropic, to_messages
from wainwright.models.pipe import Kind, Pipe
from wainwright.models.refusals import mendable
from wainwright.models.replies import to_reply
from wainwright.models.waits import asked_wait
from wainwright.secrets import Redactor, key_name
from wainwright.settings import Candidate

_QUIET = {
    "LITELLM_MODE": "PRODUCTION",  # any other mode reads a .env file, which may belong to a stranger's repository
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    "LITELLM_LOG": "ERROR",
    # Past OpenAI's own library, which takes a third of a call, and whose client is another one than all others have.
    "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER": "True",
}
EVERY_S = 0.08
"""How often what a model writes is told."""
MOST_HEARD = 16_000
"""Characters that are told at once, the last ones."""
MOST_WAITING = 2**16
"""Bytes that wait for the server to read before nothing more is told."""
_NOT_SENT = frozenset(
    {"ConnectError", "ConnectTimeout", "ClientConnectorError", "ConnectionRefusedError", "gaierror"}
)
_BROKEN = frozenset(
    {"ReadError", "RemoteProtocolError", "ServerDisconnectedError", "ConnectionResetError", "WriteError"}
)
_MENDABLE = {
    "context_too_long": (
        "the conversation is too long for the model",
        "Choose a model with a larger window, or give a smaller task.",
    ),
    "tools_refused": ("the model takes no tools", "Set `tools = false` for this candidate."),
    "schema_refused": (
        "the model takes no schema of its answer",
        "Set `schema_answers = false` for this candidate.",
    ),
}
_SCHEMA_BESIDE_TOOLS = frozenset({"openai", "azure", "gemini", "vertex_ai", "xai"})
"""Providers whose models call a tool or answer in the schema, as they like: elsewhere the schema rules out calls."""
_ENDED = {
    "Silent": "it did not begin to answer in time",
    "Stalled": "it stood still in the middle of its answer",
    "CutShort": "the answer broke off",
    "TooLong": "the answer is too long to be read",
    "Redirected": "the address leads to another one, and the key is not sent there",
}
LONGEST_WORDS = 20_000
"""Characters of an error in which it is looked for how long to wait."""
_NO_CREDIT = re.compile(r"insufficient_quota|credit balance is too low")
_QUOTA = re.compile(r"exceeded your current quota")
_PREFIX = re.compile(r"^.*?(?:Exception|Error) - ", re.DOTALL)


def main() -> None:
    """Serve the pipe whose descriptor is the first argument until it closes."""
    os.dup2(2, 1)
    pipe = socket.socket(fileno=int(sys.argv[1]))
    pipe.set_inheritable(False)
    serve(pipe, quiet_litellm)


def serve(pipe: socket.socket, litellm: Callable[[], Any]) -> None:
    """Be a gateway until the pipe closes. ``litellm`` gives what ``quiet_litellm`` does."""
    # A thread, so that a closed pipe ends the process even while LiteLLM is being imported, or stands still.
    threading.Thread(target=_end_with, args=(pipe.fileno(),), daemon=True).start()
    asyncio.run(_serve(litellm(), pipe))


def _end_with(pipe: int) -> None:
    poll = select.poll()
    poll.register(pipe, getattr(select, "POLLRDHUP", 0))  # and that it is hung up, which is always told
    poll.poll()
    os._exit(0)


async def _serve(litellm: Any, pipe: socket.socket) -> None:
    gateway = Gateway(litellm)
    await gateway.serve(pipe)


def quiet_litellm() -> Any:
    """LiteLLM, which asks and tells nobody by itself. Takes seconds once; leaves no thread and no file open."""
    os.environ.update(_QUIET)
    # What is imported lives as long as the process: looking at it again and again costs a quarter of the start.
    # The first call imports as well, so the collector is off until that is over.
    gc.disable()
    import litellm  # noqa: PLC0415  # seconds long, and only after the environment is quiet
    from litellm.litellm_core_utils.litellm_logging import Logging  # noqa: PLC0415
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler  # noqa: PLC0415

    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.aclient_session = Caller()
    # It prices and describes each call for listeners, of whom there are none: a quarter of what it does.
    Logging.response_cost_calculator = _nothing
    Logging.async_success_handler = _nothing_awaited
    # Whoever does not ask through OpenAI's library asks through this, and it makes its client here.
    AsyncHTTPHandler.create_client = lambda *_, **_more: Caller()
    return litellm


def _nothing(*_: object, **_more: object) -> None:
    pass


async def _nothing_awaited(*_: object, **_more: object) -> None:
    pass


class Gateway:
    """Answers what comes over the pipe, several calls at once."""

    def __init__(self, litellm: Any) -> None:
        self._litellm = litellm
        self._calls: dict[int, asyncio.Task[None]] = {}

    async def serve(self, end: socket.socket) -> None:
        """Take frames until the pipe closes; each call is a task, so that it can be cancelled."""
        self._pipe = await Pipe.over(end, self._take)
        self.answer(Kind.DONE, 0)
        await self._pipe.closed

    def _take(self, kind: Kind, number: int, body: bytes | None) -> None:
        if kind is Kind.CANCEL:
            if running := self._calls.get(number):
                running.cancel()
        elif kind is Kind.PING:
            self.answer(Kind.PING, number)
        elif body is not None:
            task = asyncio.create_task(self._handle(kind, number, body))
            self._calls[number] = task
            task.add_done_callback(functools.partial(self._forget, number))

    def _forget(self, number: int, _: asyncio.Task[None]) -> None:
        self._calls.pop(number, None)

    def answer(self, kind: Kind, number: int, body: bytes = b"") -> None:
        """Write one frame, without waiting. What is only heard is dropped while the server does not read."""
        if kind is not Kind.HEARD or self._pipe.waiting < MOST_WAITING:
            self._pipe.write(kind, number, body)

    async def _handle(self, kind: Kind, number: int, body: bytes) -> None:
        message = json.loads(body)
        candidate = Candidate.model_validate(message["candidate"])
        if kind is Kind.PRICE:
            price = self._price(candidate)
            self.answer(Kind.DONE, number, price.model_dump_json().encode() if price else b"null")
            return
        if kind is Kind.WINDOW:
            self.answer(
                Kind.DONE, number, json.dumps(self._known(candidate).get("max_input_tokens")).encode()
            )
            return
        secret = message["key"]
        voice = Voice(functools.partial(self.answer, Kind.HEARD, number))
        call = Call(voice.hear, idle_s=candidate.idle_s, begins_in_s=candidate.first_s)
        CURRENT.set(call)
        try:
            asked = ModelRequest.model_validate(message["request"])
            reply = await self.complete(candidate, asked, secret, call)
        except Exception as error:  # noqa: BLE001  # LiteLLM lets anything through; every call must be answered
            described = describe(error, candidate, call)
            redactor = Redactor([secret] if secret else [])
            described["message"] = redactor.redact(clean(described["message"]))
            self.answer(Kind.FAILED, number, json.dumps(described).encode())
        else:
            self.answer(Kind.DONE, number, reply.model_dump_json().encode())
        finally:
            voice.stop()
        if not gc.isenabled():
            gc.freeze()
            gc.enable()

    async def complete(
        self, candidate: Candidate, request: ModelRequest, secret: str | None, call: Call
    ) -> ModelReply:
        """Make one call. Raises whatever LiteLLM lets through; see ``describe``."""
        arguments = self._arguments(candidate, request, secret, call)
        call.most_tokens = arguments["max_tokens"]
        deadline = candidate.deadline_s
        async with asyncio.timeout(deadline):
            response = await self._litellm.acompletion(**arguments, timeout=deadline)
        reply = to_reply(response, candidate)
        if call.cut or reply.usage.output > call.most_tokens:
            reply = reply.model_copy(update={"usage": Usage()})
        update = {
            "cost_usd": self._cost(response, reply.usage, candidate),
            "seconds": round(time.monotonic() - call.began, 3),
            "first_s": call.first_s,
        }
        return reply.model_copy(update=update)

    def _arguments(
        self, candidate: Candidate, request: ModelRequest, secret: str | None, call: Call
    ) -> dict[str, Any]:
        known = self._known(candidate).get("max_output_tokens")
        limits = (request.max_output_tokens, candidate.max_output_tokens, known)
        arguments: dict[str, Any] = {
            "model": candidate.model,
            "messages": to_messages(request.messages, cache=is_anthropic(candidate)),
            "max_tokens": min(limit for limit in limits if isinstance(limit, int) and limit > 0),
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": True,
        }
        if request.answer is not None and self._by_schema(candidate, request):
            form = {"name": request.answer.name, "schema": request.answer.structure, "strict": True}
            arguments["response_format"] = {"type": "json_schema", "json_schema": form}
            call.by_schema = True
        if request.tools:
            tools = [{"type": "function", "function": tool.model_dump(mode="json")} for tool in request.tools]
            arguments["tools"] = tools
        if candidate.provider == "openrouter" and (own := price_set_by_person(candidate)):
            # Who serves a model there, and for how much, is found out call by call.
            prices = {
                "prompt": own.tiers[0].input_usd_per_mtok,
                "completion": own.tiers[0].output_usd_per_mtok,
            }
            arguments["extra_body"] = {"provider": {"max_price": prices}}
        optional = {"api_key": secret, "api_base": candidate.api_base, "temperature": candidate.temperature}
        return arguments | {name: value for name, value in optional.items() if value is not None}

    def _by_schema(self, candidate: Candidate, request: ModelRequest) -> bool:
        """Whether the answer is asked for by schema: as the person set it, else by what LiteLLM's table says."""
        known = self._known(candidate)
        native = known.get("supports_native_structured_output") is True
        if request.tools and is_anthropic(candidate) and not native:
            return False  # LiteLLM gives such a model a tool for its answer, and forces it to call that one
        if candidate.schema_answers is not None:
            return candidate.schema_answers
        if candidate.api_base is not None or not known.get("supports_response_schema"):
            return False
        return not request.tools or native or candidate.provider in _SCHEMA_BESIDE_TOOLS

    def _known(self, candidate: Candidate) -> dict[str, Any]:
        """What LiteLLM's own table says about the model; empty when it is not listed."""
        table = self._litellm.model_cost
        if row := table.get(candidate.model):
            return dict(row)
        row = table.get(candidate.model.partition("/")[2], {})
        return dict(row) if row.get("litellm_provider") == candidate.provider else {}

    def _price(self, candidate: Candidate) -> Price | None:
        return price_set_by_person(candidate) or to_price(self._known(candidate))

    def _cost(self, response: Any, usage: Usage, candidate: Candidate) -> float | None:
        """US dollars of one call, or None when the price is unknown."""
        if usage.counted and (own := price_set_by_person(candidate)):
            return own.worst(usage.input, usage.output)
        if self._price(candidate) is None or not usage.counted:
            return None
        try:
            cost = self._litellm.completion_cost(completion_response=response, model=candidate.model)
        except Exception:  # noqa: BLE001  # it raises bare Exceptions for models it cannot price
            return None
        return sound_cost(cost)


class Voice:
    """Tells what a model writes, several times a second at most, and no more at once than can be looked at."""

    def __init__(self, tell: Callable[[bytes], None]) -> None:
        self._tell = tell
        self._waiting: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    def hear(self, text: str) -> None:
        """Take a piece of text."""
        self._waiting.append(text)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(EVERY_S, self._flush)

    def stop(self) -> None:
        """Say no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _flush(self) -> None:
        self._timer = None
        text, self._waiting = "".join(self._waiting), []
        if len(text) > MOST_HEARD:
            # Not from the middle of a word, by which it could not be known for a secret.
            text = text[-MOST_HEARD:].partition(" ")[2]
        self._tell(clean(text).encode())


def to_price(known: dict[str, Any]) -> Price | None:
    """The price tiers in one row of LiteLLM's table; None when it has no price for text.

    Cheaper kinds (cache reads, batches) are left out, since a price is used as an upper bound; so are service classes
    that are never asked for.
    """
    row = {name: value for name, value in known.items() if isinstance(value, int | float)}
    if "input_cost_per_token" not in row or "output_cost_per_token" not in row:
        return None
    tiers = []
    for above, suffix in _thresholds(row):
        inputs = ("input_cost_per_token", "cache_creation_input_token_cost")
        outputs = ("output_cost_per_token", "output_cost_per_reasoning_token")
        tiers.append(
            PriceTier(
                above=above,
                input_usd_per_mtok=1e6 * max(row.get(name + suffix, 0.0) for name in inputs),
                output_usd_per_mtok=1e6 * max(row.get(name + suffix, 0.0) for name in outputs),
            )
        )
    return Price(tiers=tuple(tiers))


def _thresholds(row: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Where long calls get dearer: (input tokens, ending of the keys)."""
    yield 0, ""
    found = {match[1] for name in row if (match := re.search(r"_above_(\d+)k_tokens$", name))}
    yield from (
        (int(thousands) * 1000, f"_above_{thousands}k_tokens") for thousands in sorted(found, key=int)
    )


def describe(error: BaseException, candidate: Candidate, call: Call) -> dict[str, Any]:
    """What went wrong with a call, as data: kind, message, hint, retry_after (seconds), status, lost."""
    kind, what, hint, lost = _classify(error, candidate, call)
    said = call.said or str(call.failed or "")
    said = said or _PREFIX.sub("", str(getattr(error, "message", "") or error), count=1)
    detail = " ".join(said.split())[:300]
    if call.headers:
        error.litellm_response_headers = call.headers  # type: ignore[attr-defined]
    statuses = {call.status, *(getattr(cause, "status_code", None) for cause in _chain(error))}
    return {
        "kind": kind,
        "message": f"{candidate.model}: {what}{f': {detail}' if detail else ''}",
        "hint": hint,
        "retry_after": _retry_after(error),
        "status": next((one for one in BUSY if one in statuses), call.status if call.status >= 400 else 0),
        "lost": lost,
    }


def _classify(error: BaseException, candidate: Candidate, call: Call) -> tuple[str, str, str, bool]:
    """Kind, what happened, hint, and whether the call may have been charged.

    LiteLLM calls a refused connection, a broken one and a page of HTML alike "InternalServerError 500", a 504 and a
    silence alike "Timeout". So what our own client saw goes first, then the chain of causes.
    """
    causes = {type(cause).__name__ for cause in _chain(call.failed or error)}
    where = candidate.api_base or "the provider"
    if causes & _NOT_SENT:
        hint = f"Check that a server listens at {where} and that this machine can reach it."
        return "unavailable", "no connection could be made", hint, False
    if call.failed is not None and type(call.failed).__name__ in _ENDED:
        return _ended(call.failed, where)
    if causes & _BROKEN:
        return "unavailable", "the connection broke before the answer", "Check the network.", True
    status = call.status or getattr(error, "status_code", None) or 0
    kind = (
        "context_too_long"
        if "ContextWindowExceededError" in causes
        else mendable(status, f"{call.said} {error}", schema=call.by_schema)
    )
    if kind:
        return kind, *_MENDABLE[kind], False
    if call.status >= 400:
        return _by_status(status, f"{call.said} {error}", candidate)
    if "Timeout" in causes or "TimeoutError" in causes:
        hint = "Raise the candidate's timeout_s, or check whether the server hangs."
        return "unavailable", f"no answer within {candidate.deadline_s:g} s", hint, True
    if call.status or (not 400 <= status < 500 and "HTTPStatusError" not in causes):
        hint = f"Check that {where} speaks the {candidate.provider} protocol; the address often ends in /v1."
        return "unavailable", "the answer is not a chat completion", hint, True
    return _by_status(status, str(error), candidate)


def _ended(cause: Exception, where: str) -> tuple[str, str, str, bool]:
    """The same, for what our own client ended."""
    what = _ENDED[type(cause).__name__]
    if isinstance(cause, Redirected):
        return "rejected", what, "Set `api_base` to the address where the server is now.", False
    if isinstance(cause, Silent | Stalled):
        limit = "idle_s" if isinstance(cause, Stalled) else "first_s"
        return "unavailable", what, f"Raise the candidate's {limit}, or check whether the server hangs.", True
    return "unavailable", what, f"Check the network and {where}.", True


def _by_status(status: int, text: str, candidate: Candidate) -> tuple[str, str, str, bool]:
    """The same, for an answer with an error status; providers do not charge for those."""
    key = key_name(candidate)
    spelling = "Check the spelling of the model (provider/model)"
    if status in (401, 403):
        return (
            "rejected",
            f"the key was refused ({status})",
            f"Check the key in {key or 'api_key_env'}.",
            False,
        )
    if status == 402 or (status == 429 and _without_credit(text)):
        return (
            "rejected",
            "the account has no credit left",
            "Top the account up, or choose another model.",
            False,
        )
    if status == 407:
        hint = "Put them into HTTPS_PROXY, or HTTP_PROXY: http://name:password@host:port."
        return "rejected", "the proxy wants a name and a password (407)", hint, False
    if status == 404:
        hint = f"{spelling}{' and the address in api_base' if candidate.api_base else ''}."
        return "rejected", "there is no such model", hint, False
    if status == 429:
        return "unavailable", "too many requests (429)", "Wait, or lower `parallel`.", False
    if 400 <= status < 500 and status not in (408, 409, 425):
        return (
            "rejected",
            f"the request was refused ({status})",
            f"{spelling} and what the model can do.",
            False,
        )
    return (
        "unavailable",
        f"the provider failed ({status})",
        "Try again later, or add another candidate.",
        False,
    )


def _without_credit(text: str) -> bool:
    """Whether a refusal of one more request is for good. Google says of limits a minute that a quota is exceeded."""
    return _NO_CREDIT.search(text) is not None or (
        _QUOTA.search(text) is not None and asked_wait(429, {}, text, 0.0) is None
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _retry_after(error: BaseException) -> float | None:
    """Seconds that the provider asks to wait."""
    headers: dict[str, str] = {}
    for cause in _chain(error):
        answer = getattr(cause, "response", None)
        told = getattr(cause, "litellm_response_headers", None) or getattr(answer, "headers", None) or {}
        headers = {**told, **headers}
    words = " ".join(str(cause) for cause in _chain(error))[:LONGEST_WORDS]
    return asked_wait(getattr(error, "status_code", None) or 0, headers, words, time.time())


if __name__ == "__main__":
    main()
