"""What providers do on the wire, in three forms: the real gateway against a local provider with faults by script."""

import asyncio
import gzip
import json
import ssl
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.fixtures.provider import FORMS, Form, OpenAI, Play, Provider, Wire, event
from tests.unit.models.support import KEY

from wainwright.domain.errors import ModelRejected
from wainwright.models.client import (
    CallFailed,
    GatewayBackend,
    Message,
    ModelReply,
    ModelRequest,
    ToolCall,
    ToolSpec,
    Usage,
)
from wainwright.models.gateway import MOST_HEARD
from wainwright.settings import Candidate

pytestmark = pytest.mark.asyncio(loop_scope="module")
in_all_forms = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)

READ = ToolSpec(
    name="read",
    description="Read a file.",
    parameters={"type": "object", "properties": {"path": {"type": "string"}}},
)
CALL = ("read", '{"path": "a.py"}')
SAID = "good day"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncIterator[GatewayBackend]:
    keys = {f"{form.name.upper()}_API_KEY": KEY for form in FORMS}
    backend = GatewayBackend(keys)
    await backend.warm()
    yield backend
    await backend.close()


def asking(text: str = "hello", **more: object) -> ModelRequest:
    messages = (Message(role="user", content=text),)
    return ModelRequest.model_validate({"role": "planner", "messages": messages, "tools": (READ,), **more})


def candidate(provider: Provider, form: Form, **more: object) -> Candidate:
    base = provider.base(form)
    return Candidate.model_validate({"model": form.model, "api_base": base, "timeout_s": 30, **more})


async def ask(gateway: GatewayBackend, form: Form, play: Play, **more: object) -> ModelReply:
    with Provider(play) as provider:
        return await gateway.complete(candidate(provider, form, **more), asking(), "k")


async def failure(gateway: GatewayBackend, form: Form, play: Play, **more: object) -> CallFailed:
    """How one call fails; it was made once."""
    with Provider(play) as provider:
        with pytest.raises(CallFailed) as caught:
            await gateway.complete(candidate(provider, form, **more), asking(), "k")
        assert len(provider.asked) == 1, "the router repeats, nobody else"
    assert KEY not in caught.value.message
    return caught.value


# ---- streams that go well


@in_all_forms
async def test_pieces_make_a_whole_reply(gateway: GatewayBackend, form: Form) -> None:
    calls = (CALL, ("read", '{"path": "\\u00fc", "deep": [1, {"a": null}]}'))

    def play(wire: Wire) -> None:
        wire.stream(wire.form.pieces("good ", "d", "ay", calls=calls))

    with Provider(play) as provider:
        reply = await gateway.complete(candidate(provider, form), asking(), "k")
        (asked,) = provider.asked
    assert (reply.text, reply.finish, reply.usage) == (SAID, "tool_calls", Usage(input=9, output=4))
    wanted = [{"path": "a.py"}, {"path": "ü", "deep": [1, {"a": None}]}]
    assert [(one.name, one.arguments) for one in reply.tool_calls] == [("read", one) for one in wanted]
    assert 0 < reply.first_s <= reply.seconds
    assert asked.body.get("stream") is True or ":streamGenerateContent?" in asked.path


@in_all_forms
@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 100_000])
async def test_where_a_stream_is_split_is_nothing_to_anybody(
    gateway: GatewayBackend, form: Form, size: int
) -> None:
    text = "é\N{WRENCH}\r\n" * 20

    def play(wire: Wire) -> None:
        told = b"".join(wire.form.pieces(text, "\ud83d", calls=(CALL,)))
        wire.stream(told[at : at + size] for at in range(0, len(told), size))

    reply = await ask(gateway, form, play)
    assert reply.text == text + "\N{REPLACEMENT CHARACTER}"
    assert [one.arguments for one in reply.tool_calls] == [{"path": "a.py"}]


@in_all_forms
async def test_servers_that_answer_whole_although_a_stream_was_asked(
    gateway: GatewayBackend, form: Form
) -> None:
    reply = await ask(gateway, form, lambda wire: wire.answer(wire.form.whole(SAID, calls=(CALL,))))
    assert (reply.text, reply.usage) == (SAID, Usage(input=9, output=4))
    assert [one.arguments for one in reply.tool_calls] == [{"path": "a.py"}]


@in_all_forms
async def test_a_stream_that_is_called_something_else_is_one(gateway: GatewayBackend, form: Form) -> None:
    def play(wire: Wire) -> None:
        told = b"".join(wire.form.pieces(SAID)).replace(b"\n", b"\r\n")
        wire.answer(b"\n: a comment\r\n\r\n" + told)

    assert (await ask(gateway, form, play)).text == SAID


REFUSALS = {
    "stream_options": ({"options"}, "Unknown parameter: 'stream_options'."),
    "extra": ({"options"}, "body.stream_options: Extra inputs are not permitted"),
    "stream": ({"stream"}, "This model does not support streaming."),
    "verified": ({"stream"}, "Your organization must be verified to stream this model."),
    "both": ({"options", "stream"}, "stream_options and stream are not supported"),
}


@pytest.mark.parametrize(("refused", "message"), REFUSALS.values(), ids=REFUSALS)
async def test_servers_that_refuse_to_stream_are_asked_without(
    gateway: GatewayBackend, refused: set[str], message: str
) -> None:
    form = OpenAI()

    def play(wire: Wire) -> None:
        options = "options" in refused and "stream_options" in wire.asked.body
        if options or ("stream" in refused and wire.asked.body.get("stream")):
            wire.answer(wire.form.error(400, message), 400)
        elif wire.asked.body.get("stream"):
            wire.stream(wire.form.pieces(SAID))
        else:
            wire.answer(wire.form.whole(SAID))

    with Provider(play) as provider:
        for _ in range(2):
            reply = await gateway.complete(candidate(provider, form), asking(), "k")
            assert (reply.text, reply.usage) == (SAID, Usage(input=9, output=4))
        assert len(provider.asked) == 2 + len(refused), "what was refused is remembered"


async def test_a_refusal_that_is_about_something_else_stays_one(gateway: GatewayBackend) -> None:
    with Provider(lambda wire: wire.answer(wire.form.error(400, "no tools here"), 400)) as provider:
        with pytest.raises(ModelRejected, match="no tools here"):
            await gateway.complete(candidate(provider, OpenAI()), asking(), "k")
        assert len(provider.asked) == 1


HABITS: dict[str, Callable[[OpenAI], list[bytes]]] = {
    "calls that are all numbered 0": lambda form: [
        form._call(
            {"index": 0, "id": f"c{n}", "function": {"name": "read", "arguments": f'{{"path": "{n}"}}'}}
        )
        for n in range(2)
    ],
    "calls without numbers": lambda form: [
        form._call({"id": f"c{n}", "function": {"name": "read", "arguments": {"path": str(n)}}})
        for n in range(2)
    ],
    "calls in turns": lambda form: [
        form._call(
            {
                "index": n,
                **({"id": f"c{n}"} if not at else {}),
                "function": {"name": "read", "arguments": part},
            }
        )
        for at, part in enumerate(('{"path"', ': "', None))
        for n, part in ((0, part or '0"}'), (1, part or '1"}'))
    ],
    "names told again": lambda form: [
        form._call({"index": n, "id": f"c{n}", "function": {"name": "read", "arguments": part}})
        for n in range(2)
        for part in ('{"path": ', f'"{n}"}}')
    ],
    "the message at once": lambda form: [
        event(
            {
                "choices": [
                    {
                        "message": {
                            "content": None,
                            "tool_calls": [
                                {
                                    "id": f"c{n}",
                                    "function": {"name": "read", "arguments": f'{{"path": "{n}"}}'},
                                }
                                for n in range(2)
                            ],
                        }
                    }
                ]
            }
        )
    ],
}


@pytest.mark.parametrize("pieces", HABITS.values(), ids=HABITS)
async def test_calls_are_put_together_whatever_a_servers_habits(
    gateway: GatewayBackend, pieces: Callable[[OpenAI], list[bytes]]
) -> None:
    form = OpenAI()
    reply = await ask(gateway, form, lambda wire: wire.stream([*pieces(form), *form.pieces()]))
    wanted = [ToolCall(id=f"c{n}", name="read", arguments={"path": str(n)}) for n in range(2)]
    assert list(reply.tool_calls) == wanted


async def test_odd_pieces_between_good_ones_do_no_harm(gateway: GatewayBackend) -> None:
    form = OpenAI()
    odd: list[Any] = [
        {},
        {"choices": None},
        {"choices": []},
        {"choices": [None]},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": {"content": 5}}]},
        {"choices": [{"delta": {"tool_calls": [None, 3], "reasoning": [1]}, "index": 0}]},
        {"choices": [{"delta": {"content": "of another choice"}, "index": 1}]},
        {"choices": [{"delta": {"content": [{"type": "text", "text": "good "}, None]}}], "error": None},
        {
            "choices": [{"delta": {"content": "day"}, "finish_reason": 7}],
            "x_groq": {"usage": [1]},
            "usage": "many",
        },
    ]
    reply = await ask(gateway, form, lambda wire: wire.stream([*map(event, odd), *form.pieces()]))
    assert reply.text == "5good day"


# ---- streams that are cut


def upto(pieces: list[bytes], mark: bytes, *, inside: int = 0) -> list[bytes]:
    """The pieces before the first that has ``mark`` in it, and ``inside`` bytes of that one up to the mark's end."""
    at = next(n for n, piece in enumerate(pieces) if mark in piece)
    inner = pieces[at][: pieces[at].index(mark) + inside] if inside else b""
    return [*pieces[:at], inner]


CUTS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "after the headers": lambda pieces: [],
    "after the first words": lambda pieces: upto(pieces, b"day"),
    "in the middle of JSON": lambda pieces: upto(pieces, b"day", inside=2),
    "in the middle of a character": lambda pieces: upto(pieces, "é".encode(), inside=1),
    "in the middle of a call": lambda pieces: upto(pieces, b"a.py"),
    "before it said that it is over": lambda pieces: [
        piece for piece in pieces if not any(mark in piece for mark in (b"stop", b"STOP", b"tool_", b"DONE"))
    ],
}


@in_all_forms
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("ending", ["closed", "ended"])
async def test_a_stream_that_breaks_before_its_end_is_lost_and_nothing_of_it_is_used(
    gateway: GatewayBackend, form: Form, cut: Callable[[list[bytes]], list[bytes]], ending: str
) -> None:
    def play(wire: Wire) -> None:
        pieces = wire.form.pieces("good ", "day", calls=(CALL,))
        raw = [piece.replace(b"good ", "good é".encode()) for piece in pieces]
        wire.head(Content_Type="text/event-stream")
        for piece in cut(raw):
            wire.send(piece)
        wire.break_off() if ending == "closed" else wire.end()

    error = await failure(gateway, form, play)
    assert error.lost
    assert any(told in error.message for told in ("broke", "not a chat completion"))


@in_all_forms
async def test_what_is_whole_is_kept_whatever_comes_after(gateway: GatewayBackend, form: Form) -> None:
    """Cut before the usage, and without a mark at the end: the reply is good, and nothing was counted."""

    def play(wire: Wire) -> None:
        wire.head(Content_Type="text/event-stream")
        for piece in wire.form.pieces(SAID, usage=None):
            if b"[DONE]" not in piece and b"message_stop" not in piece:
                wire.send(piece)
        wire.break_off()

    reply = await ask(gateway, form, play)
    assert (reply.text, reply.usage, reply.cost_usd) == (SAID, Usage(), None)


@in_all_forms
async def test_an_error_in_the_middle_is_a_lost_call(gateway: GatewayBackend, form: Form) -> None:
    def play(wire: Wire) -> None:
        wire.head(Content_Type="text/event-stream")
        wire.send(upto(wire.form.pieces("good ", "day"), b"day")[0])
        for piece in upto(wire.form.pieces("good ", "day"), b"day")[1:]:
            wire.send(piece)
        wire.send(event(wire.form.error(529, "overloaded")))
        wire.end()

    error = await failure(gateway, form, play)
    assert error.lost
    assert "overloaded" in error.message


@in_all_forms
@pytest.mark.parametrize("streamed", [True, False])
async def test_an_error_instead_of_an_answer_costs_nothing(
    gateway: GatewayBackend, form: Form, streamed: bool
) -> None:
    def play(wire: Wire) -> None:
        error = wire.form.error(429, "slow down")
        wire.stream([event(error)]) if streamed else wire.answer(error)

    error = await failure(gateway, form, play)
    assert not error.lost
    assert "too many requests (429)" in error.message


# ---- silence, and endless answers


@in_all_forms
async def test_a_stream_that_stands_still_ends_its_own_call(gateway: GatewayBackend, form: Form) -> None:
    gone: list[float | None] = []
    pid = gateway.pid

    def play(wire: Wire) -> None:
        wire.head(Content_Type="text/event-stream")
        for piece in upto(wire.form.pieces("good ", "day"), b"day"):
            wire.send(piece)
        gone.append(wire.gone())

    began = time.monotonic()
    error = await failure(gateway, form, play, idle_s=0.3)
    assert error.lost
    assert "stood still in the middle of its answer: nothing came for 0.3 s" in error.message
    assert "idle_s" in error.hint
    assert time.monotonic() - began < 10
    assert gateway.pid == pid


@in_all_forms
@pytest.mark.parametrize("headed", [True, False])
async def test_a_model_that_does_not_begin_in_time_is_given_up(
    gateway: GatewayBackend, form: Form, headed: bool
) -> None:
    gone: list[float | None] = []
    ended = threading.Event()

    def play(wire: Wire) -> None:
        if headed:
            wire.head(Content_Type="text/event-stream")
            wire.send(b": still thinking\n\n")
        gone.append(wire.gone())
        ended.set()

    with Provider(play) as provider:
        with pytest.raises(CallFailed) as caught:
            await gateway.complete(candidate(provider, form, first_s=0.3), asking(), "k")
        assert await asyncio.to_thread(ended.wait, 30)
        assert len(provider.asked) == 1
    assert gone[0] is not None, "its connection is closed"
    assert caught.value.lost, "it may be charged"
    assert "did not begin to answer in time: nothing came for 0.3 s" in caught.value.message
    assert "first_s" in caught.value.hint


async def test_a_model_that_began_in_time_may_go_on_for_longer(gateway: GatewayBackend) -> None:
    def play(wire: Wire) -> None:
        wire.head(Content_Type="text/event-stream")
        for piece in wire.form.pieces(*"good day"):
            wire.send(piece)
            wire.wait(0.3)
        wire.end()

    reply = await ask(gateway, OpenAI, play, first_s=2)
    assert reply.text == SAID
    assert reply.seconds > 2


@in_all_forms
async def test_a_slow_stream_that_moves_is_none_that_stands_still(
    gateway: GatewayBackend, form: Form
) -> None:
    def play(wire: Wire) -> None:
        wire.head(Content_Type="text/event-stream")
        for piece in wire.form.pieces(*"good day"):
            wire.send(piece)
            wire.wait(0.1)
        wire.end()

    assert (await ask(gateway, form, play, idle_s=0.8)).text == SAID


@in_all_forms
async def test_a_byte_now_and_then_holds_nobody_beyond_the_deadline(
    gateway: GatewayBackend, form: Form
) -> None:
    def play(wire: Wire) -> None:
        wire.head(Content_Type="text/event-stream")
        for byte in b"".join(wire.form.pieces(SAID * 1000)):
            if not wire.send(bytes([byte])):
                return
            wire.wait(0.05)

    error = await failure(gateway, form, play, timeout_s=0.6)
    assert error.lost
    assert "no answer within 0.6 s" in error.message


@in_all_forms
async def test_cancelling_closes_the_connection_at_once(gateway: GatewayBackend, form: Form) -> None:
    begun, ended = threading.Event(), threading.Event()
    gone: list[float | None] = []

    def play(wire: Wire) -> None:
        wire.head(Content_Type="text/event-stream")
        for piece in upto(wire.form.pieces("good ", "day"), b"day"):
            wire.send(piece)
        begun.set()
        gone.append(wire.gone())
        ended.set()

    with Provider(play) as provider:
        asked = asyncio.create_task(gateway.complete(candidate(provider, form), asking(), "k"))
        assert await asyncio.to_thread(begun.wait, 30)
        cancelled = time.monotonic()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert await asyncio.to_thread(ended.wait, 30)
    (closed,) = gone
    assert closed is not None
    assert closed - cancelled < 1


@in_all_forms
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_server_that_ignores_max_tokens_is_cut_off(
    gateway: GatewayBackend, form: Form, streamed: bool
) -> None:
    sent = 0

    def play(wire: Wire) -> None:
        nonlocal sent
        long = "word " * 20_000
        if not streamed:
            wire.answer(wire.form.whole(long, calls=(CALL,), usage=(9, 20_000)))
            return
        wire.head(Content_Type="text/event-stream")
        for piece in wire.form.pieces(*(["word " * 20] * 100_000), calls=(CALL,), usage=(9, 2_000_000)):
            if not wire.send(piece):
                return
            sent += 1

    reply = await ask(gateway, form, play, max_output_tokens=100, input_usd_per_mtok=1, output_usd_per_mtok=2)
    assert reply.finish == "length"
    assert len(reply.text) <= 100 * 8 + 2000
    assert reply.tool_calls == (), "half a call is none"
    assert (reply.usage, reply.cost_usd) == (Usage(), None), "so the reservation is booked"
    assert sent < 100_000


@in_all_forms
async def test_more_tokens_than_were_asked_for_are_no_count(gateway: GatewayBackend, form: Form) -> None:
    reply = await ask(
        gateway, form, lambda wire: wire.stream(wire.form.pieces(SAID, usage=(9, 101))), max_output_tokens=100
    )
    assert (reply.text, reply.usage) == (SAID, Usage())


async def test_a_call_that_the_gateway_itself_does_not_end_is_ended_alone(gateway: GatewayBackend) -> None:
    """The gateway keeps the deadline; this is what happens when it does not."""
    gone: list[float | None] = []
    begun, release, ended = threading.Event(), threading.Event(), threading.Event()

    def play(wire: Wire) -> None:
        wire.head(Content_Type="text/event-stream")
        if "neighbour" in json.dumps(wire.asked.body):
            begun.set()
            release.wait(60)
            for piece in wire.form.pieces(SAID):
                wire.send(piece)
            wire.end()
        else:
            gone.append(wire.gone())
            ended.set()

    pid = gateway.pid
    with Provider(play) as provider:
        one = candidate(provider, OpenAI(), timeout_s=60)
        neighbour = asyncio.create_task(gateway.complete(one, asking("neighbour"), "k"))
        assert await asyncio.to_thread(begun.wait, 60)
        gateway._grace_s, grace_s = 1.0 - one.deadline_s, gateway._grace_s
        try:
            with pytest.raises(CallFailed, match="gave no answer within 1 s") as caught:
                await gateway.complete(one, asking(), "k")
        finally:
            gateway._grace_s = grace_s
        assert await asyncio.to_thread(ended.wait, 30)
        release.set()
        assert (await neighbour).text == SAID
    assert caught.value.lost
    assert gone[0] is not None, "closed on the wire too"
    assert gateway.pid == pid


def endless(wire: Wire, part: bytes) -> None:
    while wire.send(part):
        pass


ENDLESS: dict[str, Callable[[Wire], None]] = {
    "a body of a GiB": lambda wire: endless(wire, b'{"a": "' + b"x" * 2**20),
    "an event of a GiB": lambda wire: endless(wire, b"data: " + b"x" * 2**20),
    "a page of a GiB": lambda wire: endless(wire, b"<html>" + b"x" * 2**20),
    "blank lines": lambda wire: endless(wire, b"\n" * 2**20),
}


@pytest.mark.parametrize("send", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("status", [200, 500])
async def test_an_endless_answer_fails_its_own_call_and_no_neighbours(
    gateway: GatewayBackend, send: Callable[[Wire], None], status: int
) -> None:
    pid, release = gateway.pid, threading.Event()

    def play(wire: Wire) -> None:
        if "neighbour" in json.dumps(wire.asked.body):
            wire.head(Content_Type="text/event-stream")
            release.wait(60)
            for piece in wire.form.pieces(SAID):
                wire.send(piece)
            wire.end()
        else:
            wire.head(status)
            send(wire)
            wire.break_off()

    with Provider(play) as provider:
        one = candidate(provider, OpenAI(), timeout_s=60)
        neighbour = asyncio.create_task(gateway.complete(one, asking("neighbour"), "k"))
        with pytest.raises(CallFailed) as caught:
            await gateway.complete(one, asking(), "k")
        release.set()
        assert (await neighbour).text == SAID
    assert caught.value.lost or status == 500
    assert gateway.pid == pid


async def test_a_bomb_of_zeros_is_not_unpacked(gateway: GatewayBackend) -> None:
    bomb = gzip.compress(b'{"choices": "' + b"0" * 200_000_000)
    error = await failure(
        gateway, OpenAI(), lambda wire: wire.answer(bomb, Content_Encoding="gzip"), timeout_s=60
    )
    assert error.lost


async def test_a_packed_answer_is_read_all_the_same(gateway: GatewayBackend) -> None:
    packed = gzip.compress(json.dumps(OpenAI().whole(SAID)).encode())
    reply = await ask(gateway, OpenAI(), lambda wire: wire.answer(packed, Content_Encoding="gzip"))
    assert reply.text == SAID


# ---- what is heard meanwhile


@in_all_forms
async def test_what_a_model_writes_is_heard_while_it_writes(gateway: GatewayBackend, form: Form) -> None:
    heard: list[str] = []
    seen = threading.Event()

    def hear(text: str) -> None:
        heard.append(text)
        seen.set()

    def play(wire: Wire) -> None:
        wire.head(Content_Type="text/event-stream")
        first, *rest = upto(wire.form.pieces("good ", "day"), b"day"), wire.form.pieces("good ", "day")
        for piece in first:
            wire.send(piece)
        assert seen.wait(30), "heard before the end"
        for piece in rest[0][len(first) - 1 :]:
            wire.send(piece)
        wire.end()

    with Provider(play) as provider:
        reply = await gateway.complete(candidate(provider, form), asking(), "k", hear)
    assert reply.text == SAID
    assert heard[0] == "good "


async def test_much_text_is_heard_in_few_messages(gateway: GatewayBackend) -> None:
    heard: list[str] = []

    def play(wire: Wire) -> None:
        wire.head(Content_Type="text/event-stream")
        for piece in wire.form.pieces(*(["word "] * 5000)):
            wire.send(piece)
        wire.end()

    began = time.monotonic()
    with Provider(play) as provider:
        await gateway.complete(candidate(provider, OpenAI()), asking(), "k", heard.append)
    assert len(heard) <= 2 + (time.monotonic() - began) / 0.08
    assert all(len(one) <= MOST_HEARD for one in heard)


# ---- garbage


@in_all_forms
@pytest.mark.parametrize(
    "usage",
    [
        (-1, 4),
        (9, -4),
        (float("nan"), 4),
        (1.5, 2),
        (10**30, 1),
        ("9", "4"),
        (None, None),
        "many",
        [1],
        {},
        None,
    ],
    ids=str,
)
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_count_that_cannot_be_true_is_none_and_the_reply_is_kept(
    gateway: GatewayBackend, form: Form, usage: Any, streamed: bool
) -> None:
    def play(wire: Wire) -> None:
        if streamed:
            wire.stream(wire.form.pieces(SAID, usage=usage))
        else:
            wire.answer(wire.form.whole(SAID, usage=usage))

    reply = await ask(gateway, form, play)
    assert (reply.text, reply.usage, reply.cost_usd) == (SAID, Usage(), None)


@in_all_forms
@pytest.mark.parametrize("streamed", [True, False])
async def test_half_a_character_is_marked_and_none_is_acted_on(
    gateway: GatewayBackend, form: Form, streamed: bool
) -> None:
    call = ("read", json.dumps({"path": "\ud800"}))

    def play(wire: Wire) -> None:
        if streamed:
            wire.stream(wire.form.pieces("a\ud800", "b\0", calls=(call,)))
        else:
            wire.answer(wire.form.whole("a\ud800b\0", calls=(call,)))

    mark = "\N{REPLACEMENT CHARACTER}"
    reply = await ask(gateway, form, play)
    assert reply.text == f"a{mark}b{mark}"
    assert [(one.arguments, one.malformed) for one in reply.tool_calls] == [({}, True)]
    assert reply.model_dump_json().encode()


@pytest.mark.parametrize("form", FORMS[:2], ids=lambda form: form.name)
async def test_arguments_that_are_no_object_are_kept_as_they_were_written(
    gateway: GatewayBackend, form: Form
) -> None:
    raw = '{"path": NaN, "more'
    reply = await ask(gateway, form, lambda wire: wire.stream(wire.form.pieces("", calls=(("read", raw),))))
    (call,) = reply.tool_calls
    assert (call.name, call.malformed, call.raw, call.arguments) == ("read", True, raw, {})


@in_all_forms
@pytest.mark.parametrize(
    "body",
    [b"<html>It works!</html>", b"", b"[]", b"null", b"{}", b'{"choices": {}}', b"data: 5\n\n", b"\xff\xfe"],
)
async def test_what_is_no_answer_is_said_to_be_none(gateway: GatewayBackend, form: Form, body: bytes) -> None:
    error = await failure(gateway, form, lambda wire: wire.answer(body, Content_Type="text/html"))
    assert error.lost


@in_all_forms
@pytest.mark.parametrize(
    ("status", "kind"),
    [(status, ModelRejected) for status in (400, 401, 402, 403, 404, 413, 422)]
    + [(status, CallFailed) for status in (408, 409, 429, 500, 502, 503, 504, 529)],
)
async def test_an_error_status_costs_nothing(
    gateway: GatewayBackend, form: Form, status: int, kind: type[Exception]
) -> None:
    with Provider(lambda wire: wire.answer(wire.form.error(status, f"Key {KEY} is odd"), status)) as provider:
        with pytest.raises((CallFailed, ModelRejected)) as caught:
            await gateway.complete(candidate(provider, form), asking(), "k")
        assert len(provider.asked) == 1, "the router repeats, nobody else"
    assert type(caught.value) is kind, caught.value
    assert KEY not in str(caught.value)
    assert str(status) in caught.value.message or status in (402, 404)
    assert not getattr(caught.value, "lost", False)


# ---- transport


@in_all_forms
async def test_a_connection_that_is_closed_unanswered_is_lost_and_not_asked_again(
    gateway: GatewayBackend, form: Form
) -> None:
    error = await failure(gateway, form, lambda wire: wire.break_off())
    assert error.lost
    assert "connection broke" in error.message


@in_all_forms
async def test_no_connection_costs_nothing(gateway: GatewayBackend, form: Form) -> None:
    for base in ("http://127.0.0.1:9/v1", "http://no-such-host.invalid/v1"):
        one = Candidate(model=form.model, api_base=base, timeout_s=30)
        with pytest.raises(CallFailed, match="no connection could be made") as caught:
            await gateway.complete(one, asking(), "k")
        assert not caught.value.lost


@in_all_forms
async def test_a_redirection_is_followed_on_the_same_server_only(gateway: GatewayBackend, form: Form) -> None:
    def moved(wire: Wire) -> None:
        if "moved" in wire.asked.path:
            wire.stream(wire.form.pieces(SAID))
        else:
            way, _, query = wire.asked.path.partition("?")
            wire.head(307, Location=f"{way}/moved?{query}")
            wire.end()

    assert (await ask(gateway, form, moved)).text == SAID
    with Provider(lambda wire: wire.stream(wire.form.pieces(SAID))) as other:

        def away(wire: Wire) -> None:
            wire.head(307, Location=f"http://127.0.0.1:{other.port}{wire.asked.path}")
            wire.end()

        with (
            Provider(away) as provider,
            pytest.raises(ModelRejected, match="the key is not sent there") as caught,
        ):
            await gateway.complete(candidate(provider, form), asking(), "k")
        assert other.asked == []
    assert "api_base" in caught.value.hint


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    gateway: GatewayBackend, tmp_path: Path
) -> None:
    words = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout key.pem -out cert.pem"
    )
    made = subprocess.run(words.split(), cwd=tmp_path, capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"openssl makes no certificate here: {made.stderr.decode()[-200:]}")
    trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusted.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with Provider(lambda wire: wire.stream(wire.form.pieces(SAID))) as provider:
        provider._http.socket = trusted.wrap_socket(provider._http.socket, server_side=True)
        base = provider.base(OpenAI()).replace("http:", "https:")
        with pytest.raises(CallFailed, match=r"no connection could be made.*certificate") as caught:
            await gateway.complete(Candidate(model="openai/any", api_base=base), asking(), "k")
        assert provider.asked == []
    assert not caught.value.lost
