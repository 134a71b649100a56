"""Cassettes: recorded replies that are given again over the same interface, without a network, a key or a cost.

A cassette is a file of JSON lines, of two kinds:

    {"message": "3f2a9c1d…", "said": {"role": "user", "content": "..."}}
    {"key": "/PLANNING/plan/planner/model#0", "request": {"role": "planner", "sha": "...", ...}, "reply": {...}}

A reply is found by the journal's key of the step. ``sha`` is the digest of the request with everything masked that
differs between two runs of the same story (paths, hashes, times, ports). Another digest is told with the first
difference; a strict cassette refuses its reply then. To tell it, ``request`` lists the messages, each of which stands
in the file once, and the digests of the tools. In a file written by hand, ``request`` may be left out, and the
reply's ``model`` too.

Secrets are masked before anything is written, and the file is its owner's alone. A line is there whole or not at all:
what a kill left half written at the end is passed over, and cut off by the next recording.
"""

import asyncio
import fcntl
import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from pydantic import JsonValue, ValidationError

from wainwright.domain.errors import InputError, ModelRejected
from wainwright.models.client import Backend, Heard, ModelReply, ModelRequest, Price, PriceTier, unheard
from wainwright.secrets import Redactor
from wainwright.settings import Candidate
from wainwright.waiting import finish_in_thread

log = structlog.get_logger()

_VARIES = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b\d+(\.\d+)? ?(ms|s|seconds?)\b"), "<duration>"),
    (re.compile(r"(?<=[\w\]]):\d{4,5}\b"), ":<port>"),
    (re.compile(r"\b[0-9a-f]{7,64}\b"), "<hash>"),
    (re.compile(r"(?<![\w./])(/[\w.@+-]+){2,}"), "<path>"),
)
_PLAYED = "cassette:"
_FREE = Price(tiers=(PriceTier(input_usd_per_mtok=0.0, output_usd_per_mtok=0.0),))
_AROUND = 40
"""Characters before a difference that are told, and after it."""


def portable(key: str) -> str:
    """A step's key without the tree hashes in it, which differ between machines."""
    return re.sub(r"-[0-9a-f]{12}(?=/|#|$)", "", key)


def request_sha(request: ModelRequest) -> str:
    """Digest of what ``request`` says, with masks for what differs between two runs of the same story."""
    return _digest(_each_text(request.asked(), masked))


def masked(text: str) -> str:
    """A text with masks for what differs between two runs of the same story."""
    for pattern, mask in _VARIES:
        text = pattern.sub(mask, text)
    return text


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    """``value`` with every text in it changed, names of members too."""
    match value:
        case str():
            return change(value)
        case list():
            return [_each_text(one, change) for one in value]
        case dict():
            return {change(name): _each_text(one, change) for name, one in value.items()}
        case _:
            return value


def _digest(value: JsonValue) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class _Asked:
    """What is known of a recorded request."""

    role: str = ""
    sha: str = ""
    messages: tuple[str, ...] | None = None
    """Digests of its messages; None in a file written by hand or by an earlier version."""
    tools: Mapping[str, str] = field(default_factory=dict)
    most: int | None = None


@dataclass
class _Tape:
    """What a file holds."""

    replies: dict[str, tuple[_Asked, ModelReply]] = field(default_factory=dict)
    """By key; of two lines with one key the later holds."""
    said: dict[str, Any] = field(default_factory=dict)
    """Messages by digest."""


class CassetteBackend:
    """Replays a cassette. Raises ``InputError`` when the file cannot be read or is not one.

    ``strict`` refuses the reply to another request than the recorded one.
    """

    def __init__(self, path: Path, redactor: Redactor | None = None, *, strict: bool = False) -> None:
        self._path = path
        self._redactor = redactor or Redactor()
        self._strict = strict
        self._tape = _read(path)
        self.drifted: list[str] = []
        """Keys whose request was not the one that was recorded."""

    async def warm(self) -> None:
        """Nothing to do."""

    async def complete(
        self, candidate: Candidate, request: ModelRequest, key: str, heard: Heard = unheard
    ) -> ModelReply:
        """The reply recorded for ``key``, at once. Raises ``ModelRejected`` when there is none that fits."""
        found = self._tape.replies.get(portable(self._redactor.redact(key)))
        if found is None:
            raise ModelRejected(
                f"The recording {self._path.name} has no reply for {key}: it does not fit this run.",
                "Record it anew, or leave `models.cassette` out to ask real models.",
            )
        asked, reply = found
        difference = await asyncio.to_thread(self._difference, asked, request)
        if difference:
            self.drifted.append(key)
            log.info("cassette.drifted", key=key, role=request.role, difference=difference)
            if self._strict:
                raise ModelRejected(
                    f"The recording {self._path.name} answers another request than the one for {key}: {difference}",
                    'Record it anew, or let it answer all the same: `cassette_mode = "loose"` under [models].',
                )
        if not reply.model.startswith(_PLAYED):
            told = {"model": _PLAYED + reply.model, "recorded_cost_usd": reply.cost_usd}
            reply = reply.model_copy(update=told)
        return reply.model_copy(update={"cost_usd": 0.0, "seconds": 0.0})

    def _difference(self, asked: _Asked, request: ModelRequest) -> str:
        """The first difference between the two requests, in a sentence; empty when they say the same."""
        clean = _redacted(request, self._redactor)
        if not asked.sha or asked.sha == request_sha(clean):
            return ""
        if asked.messages is None:
            return "which words differ is not known, since it was recorded without the words of its requests."
        messages = [self._tape.said.get(digest) for digest in asked.messages]
        differences = (*_of_messages(messages, clean), *_of_the_rest(asked, clean))
        return next(iter(differences), "they differ in what is masked.")

    async def price(self, candidate: Candidate) -> Price | None:
        """Nothing: a replay is free."""
        return _FREE

    async def window(self, candidate: Candidate) -> None:
        """What was recorded fitted."""

    async def close(self) -> None:
        """Nothing to do."""


class RecordingBackend:
    """Asks another backend and appends every reply to a cassette, without the secrets in it."""

    def __init__(self, inner: Backend, path: Path, redactor: Redactor | None = None) -> None:
        self._inner = inner
        self._path = path
        self._redactor = redactor or Redactor()
        self._written: set[str] = set()
        """Digests of the messages that are in the file."""

    async def warm(self) -> None:
        """Start the inner backend."""
        await self._inner.warm()

    async def complete(
        self, candidate: Candidate, request: ModelRequest, key: str, heard: Heard = unheard
    ) -> ModelReply:
        """Ask, and record a reply; failures are not recorded."""
        reply = await self._inner.complete(candidate, request, key, heard)
        try:
            await finish_in_thread(self._record, request, reply, key)
        except OSError:
            # The reply was paid: the run has it, only the recording has a hole.
            log.exception("recording.failed", key=key, path=str(self._path))
        return reply

    async def price(self, candidate: Candidate) -> Price | None:
        """The inner backend's price."""
        return await self._inner.price(candidate)

    async def window(self, candidate: Candidate) -> int | None:
        """The inner backend's."""
        return await self._inner.window(candidate)

    async def close(self) -> None:
        """Close the inner backend."""
        await self._inner.close()

    def _record(self, request: ModelRequest, reply: ModelReply, key: str) -> None:
        clean = _redacted(request, self._redactor)
        told: dict[str, Any] = clean.asked()
        messages = {_digest(said)[:16]: said for said in told["messages"]}
        new = {digest: said for digest, said in messages.items() if digest not in self._written}
        entry = {
            "key": portable(self._redactor.redact(key)),
            "request": {
                "role": clean.role,
                "sha": request_sha(clean),
                "messages": [_digest(said)[:16] for said in told["messages"]],
                "tools": _tools(clean),
                "most": clean.max_output_tokens,
            },
            "reply": _each_text(reply.model_dump(mode="json", exclude_defaults=True), self._redactor.redact),
        }
        _append(self._path, [*({"message": digest, "said": said} for digest, said in new.items()), entry])
        self._written |= new.keys()


def _redacted(request: ModelRequest, redactor: Redactor) -> ModelRequest:
    return ModelRequest.model_validate(_each_text(request.model_dump(mode="json"), redactor.redact))


def _tools(request: ModelRequest) -> dict[str, str]:
    """The tools of a request: digest by name."""
    told = ((tool.name, tool.model_dump(mode="json")) for tool in request.tools)
    return {name: _digest(_each_text(tool, masked))[:16] for name, tool in told}


def _of_messages(recorded: list[Any], request: ModelRequest) -> Iterator[str]:
    """What differs between the recorded messages and those of a request, the first first."""
    asked = [message.model_dump(mode="json") for message in request.messages]
    for number, (then, now) in enumerate(zip(recorded, asked, strict=False), 1):
        if then is None:
            yield f"message {number} is missing from the recording."
            continue
        for name in ("role", "content", "tool_calls", "tool_call_id"):
            one, other = (_as_words(_each_text(said.get(name), masked)) for said in (then, now))
            if one != other:
                yield f"message {number} ({now['role']}) differs{_words_around(one, other)}"
    if len(recorded) != len(asked):
        yield f"it was recorded with {len(recorded)} messages, and {len(asked)} are asked now."


def _of_the_rest(asked: _Asked, request: ModelRequest) -> Iterator[str]:
    tools = _tools(request)
    for name in sorted({*asked.tools, *tools}):
        if asked.tools.get(name) != tools.get(name):
            how = "is new" if name not in asked.tools else "is gone" if name not in tools else "is another"
            yield f"the tool {name} {how}."
    if asked.role != request.role:
        yield f"it was recorded for the role {asked.role}, and {request.role} asks now."
    if asked.most != request.max_output_tokens:
        yield f"at most {asked.most} tokens of output were asked for, and {request.max_output_tokens} now."


def _as_words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _words_around(one: str, other: str) -> str:
    """The place where two texts part."""
    at = next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    begin = max(0, at - _AROUND)
    then, now = (text[begin : at + _AROUND] for text in (one, other))
    return f" at character {at + 1}: recorded was {then!r}, asked is {now!r}."


def _append(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Add lines to a cassette: all of them, or none that counts."""
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        if stat.S_ISREG(os.fstat(fd).st_mode):  # a device is everybody's
            os.fchmod(fd, 0o600)
        if _is_open_ended(fd):
            text = b"\n" + text
        while text:
            text = text[os.write(fd, text) :]
    finally:
        os.close(fd)


def _is_open_ended(fd: int) -> bool:
    """Whether the last line of a file is an entry without an end of line; half an entry is cut off."""
    size = os.fstat(fd).st_size
    tail = b""
    while size > len(tail) and b"\n" not in tail:
        start = max(0, size - 2 * len(tail) - 4096)
        tail = os.pread(fd, size - start, start)
    last = tail.rpartition(b"\n")[2]
    if not last or _is_json(last):
        return bool(last)
    os.ftruncate(fd, size - len(last))
    return False


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _read(path: Path) -> _Tape:
    try:
        # Not `splitlines`: U+2028 and its like may stand within a text.
        *lines, last = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(
            f"The recording {path} cannot be read ({error}).", "Check `models.cassette`."
        ) from error
    if _is_json(last):
        lines.append(last)
    elif last.strip():
        log.warning("cassette.torn", path=str(path))
    tape = _Tape()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            _take(json.loads(line), tape)
        except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
            raise InputError(
                f"{path}, line {number}: is not an entry of a recording ({error}).", "Record it anew."
            ) from error
    return tape


def _take(entry: dict[str, Any], tape: _Tape) -> None:
    if "message" in entry:
        tape.said[str(entry["message"])] = entry["said"]
        return
    reply = ModelReply.model_validate({"model": "written by hand", **entry["reply"]})
    told = entry.get("request", {})
    messages = told.get("messages")
    asked = _Asked(
        role=str(told.get("role", "")),
        sha=str(told.get("sha", "")),
        messages=None if messages is None else tuple(map(str, messages)),
        tools=dict(told.get("tools", {})),
        most=told.get("most"),
    )
    tape.replies[portable(str(entry["key"]))] = (asked, reply)
