"""The gateway: a real process with the real LiteLLM, against a local server."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.openai_server import (
    DROP,
    GARBAGE,
    HANG,
    Answer,
    OpenAIServer,
    Rule,
    call,
    fail,
    say,
)
from tests.unit.models.support import KEY, gone

from wainwright.domain.errors import ModelRejected
from wainwright.domain.text import clean
from wainwright.models.client import (
    CallFailed,
    ContextTooLong,
    GatewayBackend,
    Message,
    ModelRequest,
    ToolCall,
    ToolSpec,
    ToolsRefused,
    Usage,
)
from wainwright.models.forms.sound import LONGEST_TEXT
from wainwright.models.messages import to_messages
from wainwright.models.replies import MOST_CALLS
from wainwright.settings import Candidate

pytestmark = pytest.mark.asyncio(loop_scope="module")

READ = ToolSpec(
    name="read",
    description="Read a file.",
    parameters={"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
)


def candidate(server: OpenAIServer, **more: object) -> Candidate:
    return Candidate.model_validate({"model": "openai/any", "api_base": server.base, "timeout_s": 30, **more})


def request(text: str = "hello", **more: object) -> ModelRequest:
    messages = (Message(role="system", content="Be brief."), Message(role="user", content=text))
    return ModelRequest.model_validate({"role": "planner", "messages": messages, **more})


async def test_a_reply_tells_text_usage_and_time(gateway: GatewayBackend) -> None:
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 4,
        "total_tokens": 13,
        "prompt_tokens_details": {"cached_tokens": 5},
    }
    with OpenAIServer([Rule(say("good day", usage=usage))], api_key=KEY) as server:
        reply = await gateway.complete(candidate(server, temperature=0.5), request(max_output_tokens=77), "k")
        sent = server.requests[0]
    assert (reply.text, reply.finish, reply.model) == ("good day", "stop", "openai/any")
    assert reply.usage == Usage(input=9, output=4, cached=5)
    assert reply.cost_usd is None
    assert reply.seconds > 0
    assert (sent["max_tokens"], sent["temperature"], sent["model"]) == (77, 0.5, "any")
    assert sent["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hello"},
    ]


async def test_tool_calls_go_there_and_back(gateway: GatewayBackend) -> None:
    with OpenAIServer([Rule(say("done"), match="tool_call_id"), Rule(call("read", path="a.py"))]) as server:
        asked = request(tools=(READ,))
        reply = await gateway.complete(candidate(server), asked, "k")
        assert reply.finish == "tool_calls"
        assert reply.tool_calls == (ToolCall(id="call_0", name="read", arguments={"path": "a.py"}),)
        history = (
            *asked.messages,
            Message(role="assistant", tool_calls=reply.tool_calls),
            Message(role="tool", tool_call_id="call_0", content="x = 1"),
        )
        last = await gateway.complete(candidate(server), request(tools=(READ,), messages=history), "k")
        sent = server.requests[1]
    assert last.text == "done"
    assert sent["tools"][0]["function"]["parameters"] == READ.parameters
    assert sent["messages"][2]["tool_calls"][0]["function"] == {
        "name": "read",
        "arguments": '{"path": "a.py"}',
    }
    assert sent["messages"][3] == {"role": "tool", "content": "x = 1", "tool_call_id": "call_0"}


@pytest.mark.parametrize(
    "arguments", ['{"path": ', '["a.py"]', '{"path": "a.py", "path": "b.py"}', '{"a": {"b": 1, "b": 2}}']
)
async def test_malformed_arguments_are_kept_and_flagged(gateway: GatewayBackend, arguments: str) -> None:
    answer = Answer(tool_calls=({"name": "read", "arguments": arguments},))
    with OpenAIServer([Rule(answer)]) as server:
        reply = await gateway.complete(candidate(server), request(tools=(READ,)), "k")
    assert reply.tool_calls == (ToolCall(id="call_0", name="read", malformed=True, raw=arguments),)
    told = to_messages((Message(role="assistant", tool_calls=reply.tool_calls),), cache=False)
    assert told[0]["tool_calls"][0]["function"]["arguments"].startswith("{")


SENSE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "usage",
    [
        SENSE | {name: value}
        for name in ("prompt_tokens", "completion_tokens")
        for value in (-1, NAN, INF, 1.5, 10**30, True, "many", "12", None, [1], {"a": 1})
    ]
    + ["lots", [1, 2], {"prompt_tokens": 9}, {}],
    ids=str,
)
async def test_a_count_that_cannot_be_true_is_no_count(gateway: GatewayBackend, usage: Any) -> None:
    with OpenAIServer([Rule(say("good day", usage=usage))]) as server:
        priced = candidate(server, input_usd_per_mtok=1, output_usd_per_mtok=2)
        reply = await gateway.complete(priced, request(), "k")
    assert (reply.text, reply.usage, reply.cost_usd) == ("good day", Usage(), None)


@pytest.mark.parametrize(
    ("more", "cached"),
    [
        ({"prompt_tokens_details": {"cached_tokens": -3}}, 0),
        ({"prompt_tokens_details": {"cached_tokens": 900}}, 9),
        ({"prompt_tokens_details": "odd", "completion_tokens_details": [1]}, 0),
        ({"cost": -3, "total_tokens": "many", "queue_time": NAN}, 0),
        ({"prompt_tokens": 9.0}, 0),
    ],
)
async def test_what_is_odd_beside_the_counts_is_left_out(
    gateway: GatewayBackend, more: dict[str, Any], cached: int
) -> None:
    with OpenAIServer([Rule(say("x", usage=SENSE | more))]) as server:
        reply = await gateway.complete(candidate(server), request(), "k")
    assert reply.usage == Usage(input=9, output=4, cached=cached)


async def test_what_no_encoder_takes_is_marked(gateway: GatewayBackend) -> None:
    asked = {"id": "\ud800", "name": "read\udfff", "arguments": {"path\ud800": ["\udfff", "a\0b"]}}
    with OpenAIServer([Rule(Answer(text="a\ud800b\0", tool_calls=(asked,)))]) as server:
        reply = await gateway.complete(candidate(server), request(tools=(READ,)), "k")
    mark = "\N{REPLACEMENT CHARACTER}"
    assert reply.text == f"a{mark}b{mark}"
    (call,) = reply.tool_calls
    # What would be done with half a character would not be what was asked for.
    assert (call.id, call.name, call.arguments, call.malformed) == (mark, "read_", {}, True)
    assert reply.model_dump_json().encode()


@pytest.mark.parametrize(
    "arguments",
    [
        '{"path": NaN}',
        '{"path": 1e999}',
        '{"path": ' + "1" * 5000 + "}",
        '{"path": ' + "[" * 400 + "]" * 400 + "}",
        '{"path": ' + "[" * 50_000 + "]" * 50_000 + "}",
        '{"path": "\ud800',
        '{"path": [' + "1," * 30_000 + "1]}",
        '{"path": "' + "é" * 1_100_000 + '"}',
        "null",
    ],
    ids=lambda one: one[:20],
)
async def test_arguments_that_nobody_can_send_on_are_malformed(
    gateway: GatewayBackend, arguments: str
) -> None:
    odd = {"name": "read", "arguments": arguments}
    with OpenAIServer([Rule(Answer(tool_calls=(odd, {"name": "read", "arguments": {}})))]) as server:
        roomy = candidate(server, max_output_tokens=2**20)
        reply = await gateway.complete(roomy, request(tools=(READ,)), "k")
    first, *_ = reply.tool_calls
    assert (first.name, first.malformed, first.arguments) == ("read", True, {})
    assert clean(arguments)[:9_000].startswith(first.raw[:9_000])
    assert len(first.raw) <= 10_000
    assert len(reply.tool_calls) == 2


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (None, "unnamed"),
        ("", "unnamed"),
        (5, "5"),
        ("read file", "read_file"),
        ("functions.read", "functions_read"),
        ("r" * 500, "r" * 64),
    ],
)
async def test_a_name_that_providers_do_not_take_back_is_changed(
    gateway: GatewayBackend, name: Any, told: str
) -> None:
    with OpenAIServer([Rule(Answer(tool_calls=({"name": name, "arguments": "{}"},)))]) as server:
        reply = await gateway.complete(candidate(server), request(tools=(READ,)), "k")
    assert [one.name for one in reply.tool_calls] == [told]


async def test_each_call_has_an_id_of_its_own(gateway: GatewayBackend) -> None:
    asked = tuple({"name": "read", "arguments": {}, "id": one} for one in ("a", "a", "call_1", 7, "", "a"))
    with OpenAIServer([Rule(Answer(tool_calls=asked))]) as server:
        reply = await gateway.complete(candidate(server), request(tools=(READ,)), "k")
    numbers = [one.id for one in reply.tool_calls]
    assert len(set(numbers)) == len(numbers) == 6
    assert all(numbers)
    assert numbers[0] == "a"
    assert numbers[3] == "7"


async def test_an_endless_reply_is_cut_and_says_so(gateway: GatewayBackend) -> None:
    asked = tuple({"name": "read", "arguments": {}} for _ in range(1_000))
    with OpenAIServer([Rule(say("x" * 3_000_000), times=1), Rule(Answer(tool_calls=asked))]) as server:
        roomy = candidate(server, max_output_tokens=2**20)
        long = await gateway.complete(roomy, request(), "k")
        many = await gateway.complete(candidate(server), request(tools=(READ,)), "k")
    assert (len(long.text), long.finish) == (LONGEST_TEXT, "length")
    assert len(many.tool_calls) == MOST_CALLS


async def test_what_is_too_long_to_be_read_counts_as_lost(gateway: GatewayBackend) -> None:
    pid = gateway.pid
    with OpenAIServer([Rule(say("x" * 34_000_000))]) as server, pytest.raises(CallFailed) as caught:
        await gateway.complete(candidate(server), request(), "k")
    assert caught.value.lost
    assert gateway.pid == pid


async def test_a_reply_that_was_cut_off_says_so(gateway: GatewayBackend) -> None:
    with OpenAIServer([Rule(say("and then", finish="length"))]) as server:
        assert (await gateway.complete(candidate(server), request(), "k")).finish == "length"


async def test_prices(gateway: GatewayBackend) -> None:
    own = Candidate(model="openai/any", input_usd_per_mtok=1, output_usd_per_mtok=2)
    listed = await gateway.price(Candidate(model="anthropic/claude-sonnet-4-5"))
    assert listed is not None
    assert listed.worst(1_000_000 - 1, 0) == pytest.approx(3.75, rel=0.01)
    assert await gateway.price(Candidate(model="openai/nobody-knows")) is None
    assert await gateway.price(own) is not None
    usage = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
    with OpenAIServer([Rule(say("x", usage=usage))]) as server:
        priced = own.model_copy(update={"api_base": server.base})
        assert (await gateway.complete(priced, request(), "k")).cost_usd == pytest.approx(0.002)
        listed_cost = (
            await gateway.complete(candidate(server, model="openai/gpt-4o"), request(), "k")
        ).cost_usd
    assert listed_cost is not None
    assert listed_cost > 0


@pytest.mark.parametrize(
    ("answer", "kind", "message", "hint"),
    [
        (
            fail(401, f"Incorrect API key: {KEY}"),
            ModelRejected,
            "the key was refused (401)",
            "OPENAI_API_KEY",
        ),
        (fail(403), ModelRejected, "the key was refused (403)", "OPENAI_API_KEY"),
        (fail(402), ModelRejected, "no credit", "Top the account up"),
        (fail(404, code="model_not_found"), ModelRejected, "no such model", "api_base"),
        (fail(400, "tools are not supported"), ToolsRefused, "tools are not supported", "tools = false"),
        (
            fail(429, "You exceeded your current quota", code="insufficient_quota"),
            ModelRejected,
            "no credit",
            "Top",
        ),
        (fail(400, "This model's maximum context length is 8 tokens"), ContextTooLong, "too long", "smaller"),
        (fail(429, "slow down"), CallFailed, "too many requests (429): slow down", "parallel"),
        (fail(500, "boom"), CallFailed, "the provider failed (500): boom", "later"),
        (fail(503), CallFailed, "the provider failed (503)", "later"),
        (GARBAGE, CallFailed, "not a chat completion", "/v1"),
        (DROP, CallFailed, "connection broke", "network"),
    ],
)
async def test_failures_say_what_to_do(
    gateway: GatewayBackend, answer: Answer, kind: type[Exception], message: str, hint: str
) -> None:
    with OpenAIServer([Rule(answer)]) as server:
        with pytest.raises((CallFailed, ModelRejected)) as caught:
            await gateway.complete(candidate(server), request(), "k")
        assert len(server.requests) == 1, "the router repeats, nobody else"
    assert type(caught.value) is kind
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert KEY not in str(caught.value)
    if isinstance(caught.value, CallFailed):
        assert caught.value.lost is (answer.trouble != "")


async def test_retry_after_is_reported(gateway: GatewayBackend) -> None:
    with OpenAIServer([Rule(fail(429, retry_after=7))]) as server, pytest.raises(CallFailed) as caught:
        await gateway.complete(candidate(server), request(), "k")
    assert caught.value.retry_after == 7


async def test_a_wrong_key_and_an_unknown_model(gateway: GatewayBackend) -> None:
    with OpenAIServer([Rule(say("x"))], api_key=KEY, models=("any",)) as server:
        with pytest.raises(ModelRejected, match=r"key was refused.*WRONG_KEY"):
            await gateway.complete(candidate(server, api_key_env="WRONG_KEY"), request(), "k")
        with pytest.raises(ModelRejected, match="no such model"):
            await gateway.complete(candidate(server, model="openai/other"), request(), "k")
        assert server.completed == 0


async def test_no_key_is_told_before_any_call(gateway: GatewayBackend) -> None:
    with pytest.raises(ModelRejected, match="export GROQ_API_KEY="):
        await gateway.complete(Candidate(model="groq/llama"), request(), "k")


async def test_an_unknown_provider(gateway: GatewayBackend) -> None:
    with pytest.raises(ModelRejected, match="spelling"):
        await gateway.complete(Candidate(model="nosuch/any"), request(), "k")


async def test_nobody_listens(gateway: GatewayBackend) -> None:
    with pytest.raises(
        CallFailed, match=r"no connection.*Check that a server listens at http://127.0.0.1:9/v1"
    ) as caught:
        await gateway.complete(
            Candidate(model="openai/any", api_base="http://127.0.0.1:9/v1"), request(), "k"
        )
    assert not caught.value.lost


async def test_a_server_that_hangs_is_given_up(gateway: GatewayBackend) -> None:
    pid = gateway.pid
    gives_up = pytest.raises(CallFailed, match=r"no answer within 0.3 s.*timeout_s")
    with OpenAIServer([Rule(HANG)]) as server, gives_up as caught:
        await gateway.complete(candidate(server, timeout_s=0.3), request(), "k")
    assert caught.value.lost
    assert gateway.pid == pid, "the gateway itself did not hang"


async def test_calls_run_side_by_side(gateway: GatewayBackend) -> None:
    second_is_answered = threading.Event()

    def script(body: dict[str, Any]) -> Answer:
        if body["messages"][-1]["content"] == "second":
            return say("fast")
        second_is_answered.wait(30)
        return say("slow")

    with OpenAIServer(script) as server:
        slow = asyncio.create_task(gateway.complete(candidate(server), request("first"), "k"))
        assert (await gateway.complete(candidate(server), request("second"), "k")).text == "fast"
        assert not slow.done()
        second_is_answered.set()
        assert (await slow).text == "slow"


async def test_a_cancelled_call_ends_and_leaves_the_gateway_alone(gateway: GatewayBackend) -> None:
    with OpenAIServer([Rule(HANG, match="first"), Rule(say("ok"))]) as server:
        hanging = asyncio.create_task(gateway.complete(candidate(server), request("first"), "k"))
        await asyncio.to_thread(server.wait_for_calls, 1)
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        assert (await gateway.complete(candidate(server), request(), "k")).text == "ok"


async def test_a_killed_gateway_fails_the_call_and_is_started_again(gateway: GatewayBackend) -> None:
    with OpenAIServer([Rule(HANG, match="first"), Rule(say("ok"))]) as server:
        hanging = asyncio.create_task(gateway.complete(candidate(server), request("first"), "k"))
        await asyncio.to_thread(server.wait_for_calls, 1)
        assert gateway.pid is not None
        os.kill(gateway.pid, signal.SIGKILL)
        with pytest.raises(CallFailed, match="stopped before it answered") as caught:
            await hanging
        assert caught.value.lost
        assert (await gateway.complete(candidate(server), request(), "k")).text == "ok"


async def test_a_gateway_that_does_not_react_is_replaced_long_before_a_call_is_over() -> None:
    backend = GatewayBackend({}, frozen_s=6.0)
    await backend.warm()
    pid = backend.pid
    assert pid is not None
    try:
        with OpenAIServer([Rule(say("ok"))]) as server:
            os.kill(pid, signal.SIGSTOP)
            with pytest.raises(CallFailed, match="did not react for 6 s and has been ended") as caught:
                await backend.complete(candidate(server, timeout_s=600), request(), "k")
            assert caught.value.lost
            assert await asyncio.to_thread(gone, pid)
            assert (await backend.complete(candidate(server), request(), "k")).text == "ok"
    finally:
        await backend.close()


PARENT = """
import asyncio, sys
from wainwright.models.client import GatewayBackend, Message, ModelRequest
from wainwright.settings import Candidate

async def main():
    backend = GatewayBackend({"OPENAI_API_KEY": "parent-secret-key"}, start_s=120)
    await backend.warm()
    assert "litellm" not in sys.modules and "openai" not in sys.modules
    print(backend.pid, file=sys.stderr, flush=True)
    candidate = Candidate(model="openai/any", api_base=sys.argv[1], timeout_s=60)
    asked = ModelRequest(role="planner", messages=(Message(role="user", content="hello"),))
    try:
        await backend.complete(candidate, asked, "k")
    finally:
        await backend.close()

asyncio.run(main())
"""


def start_parent(base: str, cwd: Path) -> tuple[subprocess.Popen[str], int]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, base],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "STRANGE": "from-the-environment"},
    )
    assert parent.stderr is not None
    return parent, int(parent.stderr.readline())


async def test_a_dead_parent_leaves_no_orphan_and_nothing_on_stdout(tmp_path: Path) -> None:
    with OpenAIServer([Rule(HANG)]) as server:
        parent, pid = start_parent(server.base, tmp_path)
        server.wait_for_calls(1)
        told = Path(f"/proc/{pid}/environ").read_text() + Path(f"/proc/{pid}/cmdline").read_text()
        assert "parent-secret-key" not in told
        assert "STRANGE" not in told
        assert os.getpgid(pid) == pid
        parent.kill()
        out, _ = parent.communicate()
        assert out == ""
        assert gone(pid)


async def test_an_error_prints_nothing_on_stdout_and_a_repository_cannot_slip_in_code(tmp_path: Path) -> None:
    (tmp_path / "litellm.py").write_text("import os; os._exit(3)")
    (tmp_path / ".env").write_text("OPENAI_API_BASE=http://evil.example\n")
    with OpenAIServer([Rule(fail(429))]) as server:
        parent, pid = start_parent(server.base, tmp_path)
        out, err = parent.communicate()
        assert out == ""
        assert "too many requests (429)" in err
        assert gone(pid)
        assert len(server.requests) == 1


async def test_closing_while_it_starts_ends_both() -> None:
    backend = GatewayBackend({})
    warming = asyncio.create_task(backend.warm())
    await asyncio.sleep(0)
    await backend.close()
    with pytest.raises(CallFailed, match="closed"):
        await warming
    with pytest.raises(CallFailed, match="closed"):
        await backend.warm()


async def test_a_gateway_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no module named litellm >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    backend = GatewayBackend({})
    with pytest.raises(CallFailed, match="no module named litellm") as caught:
        await backend.warm()
    assert not caught.value.lost
    assert "litellm" in caught.value.hint
    await backend.close()


async def test_a_gateway_that_never_starts_is_tried_again_and_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    frozen = tmp_path / "python"
    frozen.write_text(f"#!/bin/sh\necho started >> {tmp_path}/starts\nexec sleep 600\n")
    frozen.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(frozen))
    backend = GatewayBackend({}, start_s=0.5)
    with pytest.raises(CallFailed, match=r"did not start within 1\.5 s") as caught:
        await backend.warm()
    assert not caught.value.lost
    assert (tmp_path / "starts").read_text().split() == ["started", "started"]
    await backend.close()
