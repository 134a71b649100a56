"""What a second call shares with the first, as a provider with a cache sees it: by wire form."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from wainwright.models.client import GatewayBackend, Message, ModelRequest, Text, ToolCall, ToolSpec
from wainwright.settings import Candidate

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOOKED_BACK = 20
"""Blocks before a mark in which Anthropic's servers look for what they know."""
MARKS_MAX = 4
COMMON = ("How all of you work. " * 100, "What all of you are given. " * 200, "The plan. " * 100)
READ = ToolSpec(name="read", description="Read a file.", parameters={"type": "object", "properties": {}})


class Provider:
    """A server of one wire form that keeps what it was sent."""

    def __init__(self, answer: dict[str, Any], events: list[dict[str, Any]]) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.answer, self.events = answer, events

    @contextmanager
    def serving(self) -> Iterator[str]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                provider.bodies.append(body)
                streamed = body.get("stream") or "stream" in self.path
                told = json.dumps(provider.answer).encode()
                if streamed:
                    told = b"".join(
                        b"event: %s\ndata: %s\n\n"
                        % (one.get("type", "message").encode(), json.dumps(one).encode())
                        for one in provider.events
                    )
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream" if streamed else "application/json")
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

        http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{http.server_address[1]}"
        finally:
            http.shutdown()
            http.server_close()


def openai() -> Provider:
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
    base = {"id": "c", "created": 1, "model": "any"}
    said = {"role": "assistant", "content": "Yes."}
    choice = {"index": 0, "finish_reason": "stop"}
    whole = {"object": "chat.completion", "choices": [choice | {"message": said}], "usage": usage}
    chunk = {"object": "chat.completion.chunk", "choices": [choice | {"delta": said}], "usage": usage}
    return Provider(base | whole, [base | chunk])


def anthropic() -> Provider:
    usage = {"input_tokens": 9, "output_tokens": 1}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "any", "usage": usage}
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    text = {"type": "text", "text": "Yes."}
    events = [
        {"type": "message_start", "message": message | {"content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": text | {"text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Yes."}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ended, "usage": usage},
        {"type": "message_stop"},
    ]
    return Provider(message | ended | {"content": [text]}, events)


def gemini() -> Provider:
    said = {"role": "model", "parts": [{"text": "Yes."}]}
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 1, "totalTokenCount": 10}
    whole = {
        "candidates": [{"index": 0, "content": said, "finishReason": "STOP"}],
        "usageMetadata": usage,
        "modelVersion": "any",
    }
    return Provider(whole, [whole])


def blocks(body: dict[str, Any]) -> list[tuple[str, bool]]:
    """What is sent, block by block in the order in which a provider reads it, and whether a mark is on each."""
    system = body.get("system") or body.get("systemInstruction") or []
    told: list[tuple[str, Any]] = [("tool", one) for one in body.get("tools", [])]
    told += [("system", one) for one in (system if isinstance(system, list) else [system])]
    for message in body.get("messages") or body.get("contents"):
        content = message.get("content", message.get("parts"))
        several = content if isinstance(content, list) else [{"type": "text", "text": content}]
        rest = {name: value for name, value in message.items() if name not in ("content", "parts")}
        told += [
            (message["role"], one | {"message": rest if body.get("contents") is None else None})
            for one in several
        ]
    plain = [json.dumps([role, {k: v for k, v in one.items() if k != "cache_control"}]) for role, one in told]
    return [(text, "cache_control" in one) for text, (_, one) in zip(plain, told, strict=True)]


def known(body: dict[str, Any], before: list[dict[str, Any]], *, marks: bool) -> tuple[int, int]:
    """Blocks at the beginning that an earlier call left in the cache, and all of them."""
    mine = blocks(body)
    kept = set()
    for one in before:
        theirs = blocks(one)
        ends = [n + 1 for n, (_, marked) in enumerate(theirs) if marked or not marks]
        kept |= {tuple(text for text, _ in theirs[:end]) for end in ends}
    looked = [n + 1 for n, (_, marked) in enumerate(mine) if marked or not marks]
    if marks:
        looked = [end - back for end in looked for back in range(LOOKED_BACK) if end > back]
    hits = [end for end in looked if tuple(text for text, _ in mine[:end]) in kept]
    return max(hits, default=0), len(mine)


def opening(role: str) -> Message:
    parts = (*COMMON, f"# Your part\n\nYou are the {role}.")
    return Message(role="user", content=tuple(Text(text=one) for one in parts))


def turn(at: int) -> tuple[Message, ...]:
    """A reply with many calls, and what they gave."""
    calls = tuple(
        ToolCall(id=f"call{at}{n:03}", name="read", arguments={"path": f"{n}.py"}) for n in range(12)
    )
    results = (Message(role="tool", content=f"x = {n}", tool_call_id=one.id) for n, one in enumerate(calls))
    return (Message(role="assistant", content="I look.", tool_calls=calls), *results)


@pytest.mark.parametrize(
    ("model", "provider", "marks"),
    [
        ("openai/any", openai(), False),
        ("anthropic/claude-any", anthropic(), True),
        ("openrouter/anthropic/claude-any", openai(), True),
        ("gemini/gemini-any", gemini(), False),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
async def test_each_call_begins_with_what_the_provider_has_in_its_cache(
    gateway: GatewayBackend, model: str, provider: Provider, marks: bool
) -> None:
    conversation: tuple[Message, ...] = (opening("Tester"),)
    with provider.serving() as base:
        candidate = Candidate(model=model, api_base=base, api_key_env="OPENAI_API_KEY", max_output_tokens=100)

        async def ask(*messages: Message) -> dict[str, Any]:
            request = ModelRequest(role="tester", messages=messages, tools=(READ,))
            assert (await gateway.complete(candidate, request, "k")).text == "Yes."
            return provider.bodies[-1]

        before = [await ask(*conversation)]
        for at in range(3):
            conversation += turn(at)
            body = await ask(*conversation)
            found, _ = known(body, before, marks=marks)
            assert found == len(blocks(before[-1])), f"turn {at}: all that was sent before is in the cache"
            before.append(body)
        body = await ask(opening("Reviewer"))
        found, sent = known(body, before, marks=marks)
        assert found == sent - 1, "another role begins with what all are given"
    assert all(
        sum(marked for _, marked in blocks(one)) <= (MARKS_MAX if marks else 0) for one in provider.bodies
    )
