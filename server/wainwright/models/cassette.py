"""Cassettes: recorded replies that are given again over the same interface, without a network, a key or a cost.

A cassette is a file of JSON lines:

    {"key": "/PLANNING/plan/planner/model#0", "request": {"role": "planner", "sha": "..."}, "reply": {...}}

A reply is found by the journal's key of the step. ``sha`` is the digest of the request with everything masked that
differs between two runs of the same story (paths, hashes, times, ports); another digest does not refuse the reply,
but is told in ``drifted``. In a file written by hand, ``request`` may be left out, and the reply's ``model`` too.
"""

import hashlib
import json
import re
import threading
from pathlib import Path
from typing import Any

import structlog
from pydantic import ValidationError

from wainwright.domain.errors import InputError, ModelRejected
from wainwright.models.client import Backend, Heard, ModelReply, ModelRequest, Price, PriceTier, unheard
from wainwright.settings import Candidate

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


def portable(key: str) -> str:
    """A step's key without the tree hashes in it, which differ between machines."""
    return re.sub(r"-[0-9a-f]{12}(?=/|#|$)", "", key)


def masked(told: str) -> str:
    """A text with masks for what differs between two runs of the same story."""
    for pattern, mask in _VARIES:
        told = pattern.sub(mask, told)
    return told


def request_sha(request: ModelRequest) -> str:
    """Digest of what ``request`` says, with masks for what differs between two runs of the same story."""
    return hashlib.sha256(masked(request.model_dump_json()).encode()).hexdigest()


class CassetteBackend:
    """Replays a cassette. Raises ``InputError`` when the file cannot be read or is not one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries = _read(path)
        self.drifted: list[str] = []
        """Keys whose request was not the one that was recorded."""

    async def warm(self) -> None:
        """Nothing to do."""

    async def complete(
        self, candidate: Candidate, request: ModelRequest, key: str, heard: Heard = unheard
    ) -> ModelReply:
        """The reply recorded for ``key``, at once. Raises ``ModelRejected`` when there is none."""
        entry = self._entries.get(portable(key))
        if entry is None:
            raise ModelRejected(
                f"The recording {self._path.name} has no reply for {key}: it does not fit this run.",
                "Record it anew, or leave `models.cassette` out to ask real models.",
            )
        sha, reply = entry
        if sha and sha != request_sha(request):
            self.drifted.append(key)
            log.info("cassette.drifted", key=key, role=request.role)
        if not reply.model.startswith(_PLAYED):
            told = {"model": _PLAYED + reply.model, "recorded_cost_usd": reply.cost_usd}
            reply = reply.model_copy(update=told)
        return reply.model_copy(update={"cost_usd": 0.0, "seconds": 0.0})

    async def price(self, candidate: Candidate) -> Price:
        """Nothing: a replay is free."""
        return _FREE

    async def window(self, candidate: Candidate) -> None:
        """What was recorded fitted."""

    async def close(self) -> None:
        """Nothing to do."""


class RecordingBackend:
    """Asks another backend and appends every reply to a cassette."""

    def __init__(self, inner: Backend, path: Path) -> None:
        self._inner = inner
        self._path = path
        self._lock = threading.Lock()

    async def warm(self) -> None:
        """Start the inner backend."""
        await self._inner.warm()

    async def complete(
        self, candidate: Candidate, request: ModelRequest, key: str, heard: Heard = unheard
    ) -> ModelReply:
        """Ask, and record a reply; failures are not recorded."""
        reply = await self._inner.complete(candidate, request, key, heard)
        entry = {
            "key": portable(key),
            "request": {"role": request.role, "sha": request_sha(request)},
            "reply": reply.model_dump(mode="json", exclude_defaults=True),
        }
        try:
            with self._lock, self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry, ensure_ascii=False) + "\n")
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


def _read(path: Path) -> dict[str, tuple[str, ModelReply]]:
    """Digest and reply by key; of two lines with one key the later holds."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"The recording {path} cannot be read ({error}).", "Check `models.cassette`."
        ) from error
    entries = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry: dict[str, Any] = json.loads(line)
            reply = ModelReply.model_validate({"model": "written by hand", **entry["reply"]})
            entries[portable(str(entry["key"]))] = (str(entry.get("request", {}).get("sha", "")), reply)
        except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
            raise InputError(
                f"{path}, line {number}: is not an entry of a recording ({error}).", "Record it anew."
            ) from error
    return entries
