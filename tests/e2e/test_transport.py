"""The wire: headers, faults, descriptors, slow clients, and the ways a conversation ends."""

import asyncio
import os
import subprocess
import sys

import pytest
from client import Refused, frame


async def test_header_names_come_in_any_case_and_company(start):
    client = await start()
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}
    client.send_bytes(frame(body, b"content-length"))
    assert (await client.answer(1))["serverInfo"]["name"] == "wainwright"
    client.send_bytes(
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n"
        + frame({"jsonrpc": "2.0", "id": 2, "method": "shutdown"}, b"CONTENT-LENGTH")
    )
    assert await client.answer(2) is None
    client.send_bytes(frame({"jsonrpc": "2.0", "method": "exit"}))
    assert await client.exit_code() == 0
    client.check_silence()


async def test_a_message_may_arrive_in_pieces(client):
    data = frame({"jsonrpc": "2.0", "id": 77, "method": "probe/echo", "params": {"text": "ü" * 5000}})
    for piece in (data[:3], data[3:19], data[19:30], data[30:4000], data[4000:]):
        client.send_bytes(piece)
        await client.process.stdin.drain()
        await asyncio.sleep(0.01)
    assert (await client.answer(77))["text"] == "ü" * 5000
    assert await client.leave() == 0


@pytest.mark.parametrize(
    "garbage",
    [
        frame(b'{"jsonrpc": "2.0", "id": 5, "method": '),
        frame(b"\xff\xfe not even text"),
        frame(b"[" * 100_000),
        frame(b'[{"jsonrpc": "2.0", "id": 5, "method": "shutdown"}]'),
        frame(b'"text"'),
        b"Content-Length: many\r\n\r\n",
        b"Content-Length: 999999999999999\r\n\r\n",
        b"Content-Length: 1000000000\r\n\r\n",
        b"X-Nothing: here\r\n\r\n",
    ],
    ids=["cut", "binary", "deep", "batch", "string", "length", "endless", "large", "no-length"],
)
async def test_garbage_is_logged_and_survived(client, garbage):
    client.send_bytes(garbage)
    assert (await client.expect("window/logMessage"))["message"].startswith("Ignored ")
    with pytest.raises(Refused, match="-32700: This is no message"):
        await client.answer(None)
    assert await client.request("probe/echo", {"still": "here"}) == {"still": "here"}
    assert await client.leave() == 0


async def test_a_message_over_the_limit_is_read_over(client):
    size = 65 * 1024 * 1024
    client.send_bytes(b"Content-Length: %d\r\n\r\n" % size)
    chunk = b"x" * (1024 * 1024)
    for _ in range(65):
        client.send_bytes(chunk)
        await client.process.stdin.drain()
    assert "the limit is" in (await client.expect("window/logMessage"))["message"]
    with pytest.raises(Refused, match="-32700: This is no message"):
        await client.answer(None)
    assert await client.request("probe/echo", 1) == 1
    assert await client.leave() == 0


async def test_nothing_but_the_server_can_reach_the_wire(client):
    assert await client.command("probe.print") == {"returncode": 0}
    assert await client.leave() == 0
    for voice in (b"hello from print", b"hello from descriptor 1", b"hello from a child"):
        assert voice in client.stderr
    assert b"''" in client.stderr, "a child that inherits standard input reads nothing from it"


async def test_a_client_that_does_not_read_does_not_stop_the_server(start):
    """The answers exceed any pipe buffer; the server must go on reading and working meanwhile."""
    client = await start()
    await client.initialize()
    client.reading.clear()
    big = "y" * 400_000
    for number in range(1000, 1010):
        client.send({"jsonrpc": "2.0", "id": number, "method": "probe/echo", "params": big})
    client.send(
        {
            "jsonrpc": "2.0",
            "id": 2000,
            "method": "workspace/executeCommand",
            "params": {"command": "probe.print", "arguments": []},
        }
    )
    await client.process.stdin.drain()
    async with asyncio.timeout(20):
        while b"hello from a child" not in client.stderr:
            await asyncio.sleep(0.02)
    client.reading.set()
    for number in range(1000, 1010):
        assert await client.answer(number) == big
    assert await client.answer(2000) == {"returncode": 0}
    assert await client.leave() == 0


async def test_the_end_of_input_ends_the_process_at_once(client):
    client.process.stdin.close()
    assert await client.exit_code() == 1
    client.check_silence()


async def test_the_end_of_input_ends_it_even_with_a_stuck_thread_and_a_stubborn_task(client):
    await client.command("probe.stuck")
    client.process.stdin.close()
    assert await client.exit_code() == 1


async def test_exit_without_shutdown_is_an_error(client):
    client.notify("exit")
    assert await client.exit_code() == 1
    client.check_silence()


async def test_what_was_sent_before_the_end_of_input_still_counts(client):
    """Helix sends shutdown and exit, and closes without waiting."""
    client.begin("shutdown")
    client.notify("exit")
    client.process.stdin.close()
    assert await client.exit_code() == 0


async def test_a_terminated_server_leaves_in_order(client):
    client.process.terminate()
    assert await client.exit_code() == 1
    client.check_silence()


async def test_a_closed_output_ends_the_server(client):
    client.process.stdout._transport.close()
    await asyncio.sleep(0)  # the loop closes it in its next round, and an answer must not come before
    client.begin("probe/echo", "x" * 10)
    client.begin("probe/echo", "x" * 10)
    async with asyncio.timeout(10):
        assert await client.process.wait() == 1


async def test_the_server_leaves_when_the_editor_dies_and_the_pipe_stays_open(start):
    editor = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    client = await start()
    await client.initialize(processId=editor.pid)
    editor.communicate(b"\n")
    assert await client.exit_code() == 1
    client.check_silence()


async def test_an_editor_in_another_container_has_an_unknown_process_id(start):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    client = await start()
    await client.initialize(processId=gone.pid)
    assert await client.request("probe/echo", 1) == 1
    assert await client.leave() == 0


async def test_five_hundred_requests_in_one_write_are_all_answered(client):
    numbers = range(10_000, 10_500)
    client.send_bytes(
        b"".join(frame({"jsonrpc": "2.0", "id": n, "method": "probe/echo", "params": n}) for n in numbers)
    )
    for number in numbers:
        assert await client.answer(number) == number
    assert await client.leave() == 0


async def test_the_plain_server_starts_and_stops(start):
    client = await start("-c", "from wainwright.lsp.server import serve; raise SystemExit(serve())")
    result = await client.initialize("vscode-10.1", processId=os.getpid())
    assert result["capabilities"]["executeCommandProvider"]["workDoneProgress"] is True
    with pytest.raises(Refused, match="no command 'nothing'"):
        await client.request("workspace/executeCommand", {"command": "nothing"})
    assert await client.leave() == 0
    assert client.stderr == b""
