"""Cassettes: found by key, free, and told when the story has changed."""

import json
from pathlib import Path

import pytest

from wainwright.domain.errors import InputError
from wainwright.models.cassette import CassetteBackend, RecordingBackend, request_sha
from wainwright.models.client import Message, ModelRequest, ToolCall
from wainwright.models.router import Models
from wainwright.settings import RECORDING, ModelsSettings, Settings


def request(text: str) -> ModelRequest:
    return ModelRequest(role="planner", messages=(Message(role="user", content=text),))


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    call = {"id": "1", "name": "read", "arguments": {"path": "a.py"}}
    lines = [{"key": "/a/model#0", "reply": {"text": "hi", "tool_calls": [call], "finish": "tool_calls"}}]
    path = tmp_path / "hand.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n\n")
    return path


async def test_a_cassette_may_be_written_by_hand(cassette: Path) -> None:
    backend = CassetteBackend(cassette)
    reply = await backend.complete(RECORDING, request("anything"), "/a/model#0")
    assert reply.tool_calls == (ToolCall(id="1", name="read", arguments={"path": "a.py"}),)
    assert (reply.cost_usd, reply.model) == (0.0, "cassette:written by hand")
    assert backend.drifted == []


async def test_recording_a_replay_gives_the_same_story(cassette: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.jsonl"
    recorder = RecordingBackend(CassetteBackend(cassette), copy)
    first = await recorder.complete(RECORDING, request("x"), "/a/model#0")
    player = CassetteBackend(copy)
    assert await player.complete(RECORDING, request("x"), "/a/model#0") == first
    assert player.drifted == []
    assert await player.complete(RECORDING, request("y"), "/a/model#0") == first
    assert player.drifted == ["/a/model#0"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("see /tmp/a1/work/x.py", "see /home/me/projects/x.py"),
        ("commit 3f2a9c1d", "commit a9c1d3f2b"),
        ("http://localhost:8080 is up", "http://localhost:43121 is up"),
        ("at 2026-01-02T03:04:05.678Z", "at 2027-11-12T13:14:15Z"),
        ("3 passed in 0.12s", "3 passed in 4.5s"),
    ],
)
def test_what_differs_between_runs_is_masked(one: str, other: str) -> None:
    assert request_sha(request(one)) == request_sha(request(other))
    assert request_sha(request(one)) != request_sha(request(f"{one}, and more"))


@pytest.mark.parametrize("text", ["{", "[]", '{"key": "k"}', '{"key": "k", "reply": {"txet": "x"}}'])
def test_a_broken_cassette_names_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text("\n" + text)
    with pytest.raises(InputError, match="line 2"):
        CassetteBackend(path)


def test_a_missing_cassette_is_told_when_connecting(tmp_path: Path) -> None:
    settings = Settings(models=ModelsSettings(cassette=tmp_path / "none.jsonl"))
    with pytest.raises(InputError, match=r"none\.jsonl"):
        Models.connect(settings)
