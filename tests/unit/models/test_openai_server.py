"""The scripted server that stands in for a provider, run as a process of its own."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures import openai_server
from tests.fixtures.openai_server import Rule, call, count_completed, fail, read_log, rules_to_json, say


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


@pytest.fixture
def base(tmp_path: Path, log: Path) -> Iterator[str]:
    rules = [Rule(call("read", path="a.py"), match="tool"), Rule(fail(503), times=1), Rule(say("one\ntwo\n"))]
    script = tmp_path / "rules.json"
    script.write_text(rules_to_json(rules))
    command = [sys.executable, str(openai_server.__file__), "--script", str(script), "--log", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


def post(base: str, text: str, **more: Any) -> str:
    body = {"model": "any", "messages": [{"role": "user", "content": text}], **more}
    request = urllib.request.Request(f"{base}/chat/completions", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=30) as response:
        return str(response.read().decode())


def test_other_processes_can_count_its_answers(base: str, log: Path) -> None:
    assert count_completed(log) == 0
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(base, "x")
    caught.value.close()
    assert json.loads(post(base, "x"))["choices"][0]["message"]["content"] == "one\ntwo\n"
    assert count_completed(log) == 1
    assert [entry["status"] for entry in read_log(log)] == [503, 200]


def test_it_streams_text_tool_calls_and_usage(base: str) -> None:
    streamed = post(base, "tool", stream=True, stream_options={"include_usage": True})
    *events, done = [line.removeprefix("data: ") for line in streamed.splitlines() if line]
    chunks = [json.loads(event) for event in events]
    deltas = [
        delta
        for chunk in chunks
        for choice in chunk["choices"]
        for delta in choice["delta"].get("tool_calls", [])
    ]
    assert done == "[DONE]"
    assert "".join(delta["function"]["arguments"] for delta in deltas) == '{"path": "a.py"}'
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert chunks[-1]["usage"]["total_tokens"] > 0


def test_it_lists_its_models(base: str) -> None:
    with urllib.request.urlopen(f"{base}/models", timeout=30) as response:
        assert json.load(response)["data"][0]["id"] == "any"
