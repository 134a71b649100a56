"""Cassettes: found by key, free, and told when the story has changed."""

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from tests.unit.models.support import Books

from wainwright.domain.errors import InputError, ModelRejected
from wainwright.models.cassette import CassetteBackend, RecordingBackend, request_sha
from wainwright.models.client import (
    Heard,
    Message,
    ModelReply,
    ModelRequest,
    Price,
    ToolCall,
    ToolSpec,
    unheard,
)
from wainwright.models.router import Models
from wainwright.secrets import MASK, Redactor
from wainwright.settings import RECORDING, Candidate, ModelsSettings, Settings


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
        ("in\n/tmp/a1/work/x.py", "in\n/home/me/projects/x.py"),
    ],
)
def test_what_differs_between_runs_is_masked(one: str, other: str) -> None:
    assert request_sha(request(one)) == request_sha(request(other))
    assert request_sha(request(one)) != request_sha(request(f"{one}, and more"))


@pytest.mark.parametrize("text", ["{", "[]", '{"key": "k"}', '{"key": "k", "reply": {"txet": "x"}}'])
def test_a_broken_cassette_names_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text(f"\n{text}\n")
    with pytest.raises(InputError, match="line 2"):
        CassetteBackend(path)


KEY = "an-unusual-key-of-mine"


class Answers:
    """A backend that says what it is told to say."""

    def __init__(self, *replies: ModelReply) -> None:
        self._replies = list(replies)

    async def warm(self) -> None: ...

    async def close(self) -> None: ...

    async def price(self, candidate: Candidate) -> Price | None:
        return None

    async def window(self, candidate: Candidate) -> None: ...

    async def complete(
        self, candidate: Candidate, request: ModelRequest, key: str, heard: Heard = unheard
    ) -> ModelReply:
        return self._replies.pop(0)


async def record(path: Path, *asked: ModelRequest, reply: str = "hi") -> None:
    recorder = RecordingBackend(Answers(*(ModelReply(text=reply, model="a/b") for _ in asked)), path)
    for number, one in enumerate(asked):
        await recorder.complete(RECORDING, one, f"/a/model#{number}")


async def test_secrets_are_masked_before_they_reach_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "story.jsonl"
    shaped = "sk-proj-abcDEF0123456789abcDEF0123456789"
    block = "-----BEGIN RSA PRIVATE KEY-----\nMIIabc"  # its end is missing: nothing behind it may be lost
    calls = (ToolCall(id="1", name="run", arguments={"command": f"curl -H {KEY}", block: [{"x": shaped}]}),)
    inner = Answers(ModelReply(text=f"use {KEY}", model="a/b", tool_calls=calls))
    asked = ModelRequest(
        role="planner",
        messages=(
            Message(role="system", content=f"{shaped} {block}"),
            Message(role="user", content=f"Basic {base64.b64encode(f'me:{KEY}'.encode()).decode()}"),
        ),
    )
    reply = await RecordingBackend(inner, path, Redactor([KEY])).complete(RECORDING, asked, f"/{KEY}/model#0")
    assert KEY in reply.text, "the run itself goes on with what was said"
    text = path.read_text()
    assert KEY not in text
    assert shaped not in text
    assert "MIIabc" not in text
    assert base64.b64encode(f"me:{KEY}".encode()).decode() not in text
    player = CassetteBackend(path, Redactor([KEY]), strict=True)
    played = await player.complete(RECORDING, asked, f"/{KEY}/model#0")
    assert played.text == f"use {MASK}"
    assert played.tool_calls[0].arguments == {"command": f"curl -H {MASK}", MASK: [{"x": MASK}]}


async def test_a_recording_into_what_is_no_file_leaves_its_mode(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "pipe").chmod(0o666)
    reading = os.open(tmp_path / "pipe", os.O_RDWR | os.O_NONBLOCK)
    await record(tmp_path / "pipe", request("x"))
    os.close(reading)
    assert stat.S_IMODE((tmp_path / "pipe").stat().st_mode) == 0o666


async def test_a_recording_is_its_owners_alone(tmp_path: Path) -> None:
    path, umask = tmp_path / "story.jsonl", os.umask(0)
    try:
        await record(path, request("x"))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)
        await record(path, request("y"))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(umask)


async def test_what_a_kill_left_half_written_is_passed_over_and_mended(tmp_path: Path) -> None:
    path = tmp_path / "story.jsonl"
    await record(path, request("x"), request("y"), reply="grüß\u2028dich")
    whole = path.read_bytes()
    second = whole.index(b'{"message"', 10)
    for end in range(second + 1, len(whole)):
        path.write_bytes(whole[:end])
        player = CassetteBackend(path)
        assert (await player.complete(RECORDING, request("x"), "/a/model#0")).text == "grüß\u2028dich"
        await record(path, request("z"))
        assert (await CassetteBackend(path, strict=True).complete(RECORDING, request("z"), "/a/model#0")).text


async def test_a_message_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "story.jsonl"
    first = Message(role="user", content="the goal of all")
    longer = (first, Message(role="assistant", content="ok"), Message(role="user", content="go on"))
    asked = [ModelRequest(role="planner", messages=longer[:n]) for n in (1, 3)]
    await record(path, *asked)
    assert path.read_text().count("the goal of all") == 1
    player = CassetteBackend(path, strict=True)
    for number, one in enumerate(asked):
        await player.complete(RECORDING, one, f"/a/model#{number}")
    assert player.drifted == []


TOOL = ToolSpec(name="read", description="Reads.", parameters={"type": "object"})
USER = Message(role="user", content="Please mend the parser of dates in /home/a/b.py")
CALLED = Message(role="assistant", tool_calls=(ToolCall(id="1", name="read", arguments={"path": "a.py"}),))
ASKED = ModelRequest(role="tester", messages=(USER, CALLED), tools=(TOOL,), max_output_tokens=100)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (
            {
                "messages": (
                    Message(role="user", content="Please mend the printer of dates in /x/y.py"),
                    CALLED,
                )
            },
            r"message 1 \(user\) differs at character 18: recorded was 'Please mend the parser of dates in "
            r"<path>', asked is 'Please mend the printer of dates in <path>'",
        ),
        (
            {
                "messages": (
                    USER,
                    Message(
                        role="assistant",
                        tool_calls=(ToolCall(id="1", name="read", arguments={"path": "b.py"}),),
                    ),
                )
            },
            r"message 2 \(assistant\) differs.*a\.py.*b\.py",
        ),
        ({"messages": (USER,)}, "recorded with 2 messages, and 1 are asked now"),
        ({"tools": ()}, "the tool read is gone"),
        ({"tools": (TOOL, TOOL.model_copy(update={"name": "write"}))}, "the tool write is new"),
        ({"tools": (TOOL.model_copy(update={"description": "Reads well."}),)}, "the tool read is another"),
        ({"role": "planner"}, "recorded for the role tester, and planner asks now"),
        ({"max_output_tokens": 200}, "at most 100 tokens of output were asked for, and 200 now"),
    ],
)
async def test_a_strict_recording_names_the_first_difference(
    tmp_path: Path, now: dict[str, Any], told: str
) -> None:
    path = tmp_path / "story.jsonl"
    await record(path, ASKED)
    other = ASKED.model_copy(update=now)
    with pytest.raises(ModelRejected, match=told) as caught:
        await CassetteBackend(path, strict=True).complete(RECORDING, other, "/a/model#0")
    assert "/a/model#0" in caught.value.message
    assert 'cassette_mode = "loose"' in caught.value.hint
    loose = CassetteBackend(path)
    assert (await loose.complete(RECORDING, other, "/a/model#0")).text == "hi"
    assert loose.drifted == ["/a/model#0"]


async def test_a_strict_recording_of_before_refuses_without_knowing_the_words(tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    path.write_text(
        '{"key": "/a/model#0", "request": {"role": "planner", "sha": "0"}, "reply": {"text": "hi"}}\n'
    )
    with pytest.raises(ModelRejected, match="without the words"):
        await CassetteBackend(path, strict=True).complete(RECORDING, request("x"), "/a/model#0")


async def test_the_setting_decides_how_strict_a_recording_is(tmp_path: Path, books: Books) -> None:
    path = tmp_path / "story.jsonl"
    await record(path, request("x"))
    for mode in ("strict", "loose"):
        told = ModelsSettings.model_validate({"cassette": path, "cassette_mode": mode})
        models = Models.connect(Settings(models=told))
        asked = models.ask(books.steps("/a"), request("y"))
        if mode == "strict":
            with pytest.raises(ModelRejected, match=r"message 1 \(user\) differs at character 1"):
                await asked
        else:
            assert (await asked).text == "hi"
        await models.close()


def test_a_missing_cassette_is_told_when_connecting(tmp_path: Path) -> None:
    settings = Settings(models=ModelsSettings(cassette=tmp_path / "none.jsonl"))
    with pytest.raises(InputError, match=r"none\.jsonl"):
        Models.connect(settings)
