"""How many tokens a call can cost at most, known before it is made and without a network.

Every bound here is safe for a reason, so that a cap reserved with it cannot be passed:

*Bytes.* Every tokenizer in use (byte-level BPE; SentencePiece with byte fallback) makes a token of one byte or more,
so a text of n UTF-8 bytes has at most n tokens. What a provider's template adds is bounded by allowances: for each
message and tool its markers, and once for the prompt that some add when there are tools.

*Prefix.* The provider has counted the earlier part of a conversation itself. Markers between messages keep tokens
from spanning them, so the count of a longer conversation is at most the known count plus the bytes of what is new.
This is what keeps the bound close to the truth: only the first turn pays four times too much.

*Window.* No provider takes more input than the model's context window.

*Output.* ``max_tokens`` is enforced by the provider and includes hidden reasoning.
"""

import hashlib
import json
from collections import OrderedDict

from pydantic import JsonValue

from wainwright.models.client import Message, ModelReply, ModelRequest
from wainwright.settings import Candidate

PER_MESSAGE = 16
PER_TOOL = 64
PER_IMAGE = 6000
"""More than the providers' own rules come to for the largest picture they take without shrinking it."""
ONCE = 1024
_KEPT = 4096


class TokenBounds:
    """Bounds on the tokens of calls; learns from the usage that providers report."""

    def __init__(self) -> None:
        self._counted: OrderedDict[bytes, int] = OrderedDict()

    def input(self, candidate: Candidate, request: ModelRequest) -> int:
        """The most input tokens that ``candidate`` can count for ``request``."""
        bound = known = 0
        for digest, message in reversed(_prefixes(candidate, request)):
            if known := self._counted.get(digest, 0):
                bound += known
                break
            bound += _size(message)
        if not known:
            bound += ONCE + sum(PER_TOOL + len(tool.as_json) for tool in request.tools)
            bound += len(request.answer.as_json) if request.answer else 0
        return min(bound, candidate.context_tokens or bound)

    def output(self, candidate: Candidate, request: ModelRequest) -> int:
        """The most output tokens that the reply can have."""
        return min(candidate.max_output_tokens, request.max_output_tokens or candidate.max_output_tokens)

    def learn(self, candidate: Candidate, request: ModelRequest, reply: ModelReply) -> None:
        """Remember what the provider counted for ``request``."""
        if reply.usage.input <= 0:
            return
        *_, (digest, _) = _prefixes(candidate, request)
        self._counted[digest] = reply.usage.input
        self._counted.move_to_end(digest)
        while len(self._counted) > _KEPT:
            self._counted.popitem(last=False)


def _prefixes(candidate: Candidate, request: ModelRequest) -> list[tuple[bytes, Message]]:
    """Each message with a digest of everything up to it; other tools or another model give other digests."""
    running = hashlib.sha256(json.dumps([candidate.model, candidate.api_base]).encode())
    for tool in (*request.tools, *([request.answer] if request.answer else ())):
        running.update(tool.digest)
    prefixes = []
    for message in request.messages:
        running.update(message.digest)
        prefixes.append((running.digest(), message))
    return prefixes


def _size(message: Message) -> int:
    calls: list[JsonValue] = [call.model_dump(mode="json") for call in message.tool_calls]
    told = len(json.dumps(calls).encode()) if calls else 0
    seen = PER_IMAGE * sum(part.kind == "image" for part in message.content)
    return PER_MESSAGE + len(message.text.encode()) + seen + told + len(message.tool_call_id or "")
