"""Requests, answers, cancellation and shutdown: the defects of the library underneath must not come through."""

import asyncio

import pytest
from client import PROFILES, Refused, load_profile


async def refusal(awaitable) -> Refused:
    with pytest.raises(Refused) as caught:
        await awaitable
    return caught.value


async def test_before_initialize_only_initialize_is_served(start):
    client = await start()
    assert (await refusal(client.request("shutdown"))).code == -32002
    assert (
        await refusal(client.request("workspace/executeCommand", {"command": "probe.seen"}))
    ).code == -32002
    client.notify("textDocument/didOpen", {"anything": 1})
    await client.initialize()
    assert (await refusal(client.request("initialize", {"capabilities": {}}))).code == -32600
    assert await client.leave() == 0


async def test_exit_before_initialize_is_obeyed(start):
    client = await start()
    client.notify("exit")
    assert await client.exit_code() == 1


@pytest.mark.parametrize("profile", sorted(path.stem for path in PROFILES.glob("*.json")))
async def test_every_recorded_client_is_welcome(start, profile):
    client = await start()
    result = await client.initialize(profile)
    offered = load_profile(profile)["capabilities"]["general"]["positionEncodings"]
    assert result["capabilities"]["positionEncoding"] in offered
    assert result["capabilities"]["textDocumentSync"]["change"] == 2
    assert await client.leave() == 0
    assert client.stderr == b""


async def test_capabilities_of_tomorrow_do_not_stop_the_server(start):
    client = await start()
    values = {"valueSet": [1, 2, 999]}
    capabilities = {
        "workspace": {"applyEdit": True, "symbol": {"symbolKind": values}, "telepathy": {"range": 3}},
        "textDocument": {"completion": {"completionItem": {"tagSupport": values}}, "rename": "yes"},
        "window": {"workDoneProgress": True},
        "general": {"positionEncodings": ["utf-7", "utf-16"]},
        "experimental": {"wainwright": {"events": True}, "a-b": 1},
    }
    result = await client.initialize(capabilities=capabilities)
    assert result["capabilities"]["positionEncoding"] == "utf-16"
    assert await client.leave() == 0


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("textDocument/hover", {"position": {"line": 1, "character": 1}}),
        ("textDocument/hover", None),
        ("textDocument/hover", ["a list"]),
        ("workspace/executeCommand", {"command": ["not", "a", "string"], "arguments": 3}),
        ("workspace/executeCommand", {}),
    ],
)
async def test_parameters_of_the_wrong_form_are_answered(client, method, params):
    assert (await refusal(client.request(method, params))).code in (-32602, -32601)
    assert await client.leave() == 0


async def test_an_unknown_method_is_answered_and_an_unknown_notification_is_not(client):
    client.notify("$/future", {"x": 1})
    client.notify("workspace/unheardOf", None)
    assert (await refusal(client.request("textDocument/unheardOf", {}))).code == -32601
    assert await client.leave() == 0


async def test_custom_parameters_arrive_as_they_were_sent(client):
    strange = {
        "a-b": 1,
        "_x": None,
        "class": [{"1": {"jsonrpc": "2.0", "id": 4, "method": "exit"}}],
        "type_name": "T",
    }
    assert await client.request("probe/echo", strange) == strange
    assert await client.request("probe/echo") is None
    assert await client.leave() == 0


async def test_arguments_of_commands_are_checked_with_a_sentence(client):
    async def execute(*arguments, **more):
        params = {"command": "probe.sleep", "arguments": list(arguments), **more}
        return await client.request("workspace/executeCommand", params)

    assert await execute() == {"maxCount": 1, "token": None}
    assert await client.request("workspace/executeCommand", {"command": "probe.sleep"}) == {
        "maxCount": 1,
        "token": None,
    }
    assert await execute(None) == {"maxCount": 1, "token": None}
    assert await execute({"maxCount": 3}, workDoneToken="t1") == {"maxCount": 3, "token": "t1"}
    for arguments, sentence in [
        ([{}, {}], "probe.sleep takes one argument object, not 2 arguments."),
        (["now"], "probe.sleep takes an argument object, not a string."),
        ([{"max_count": 3}], "The argument of probe.sleep is not right: 'max_count' is not a known field."),
        (
            [{"maxCount": "many"}],
            "The argument of probe.sleep is not right: 'maxCount': input should be a valid integer",
        ),
    ]:
        refused = await refusal(execute(*arguments))
        assert (refused.code, refused.data) == (-32602, None)
        assert refused.message.startswith(sentence)
    assert "'uri' is missing" in (await refusal(client.command("probe.text"))).message
    assert (await refusal(client.command("probe.unknown"))).message == "There is no command 'probe.unknown'."
    assert await client.leave() == 0


async def test_failures_are_told_without_tracebacks_and_paths(client):
    crash = await refusal(client.command("probe.crash"))
    assert (crash.code, crash.data) == (-32603, None)
    assert "FileNotFoundError" in crash.message
    assert "person" not in crash.message
    refused = await refusal(client.command("probe.refuse"))
    assert (refused.code, refused.message) == (-32803, "The goal is empty. Write what you want to have done.")
    assert (await refusal(client.command("probe.unwritable"))).code == -32603
    client.notify("probe/fail", {})
    await client.command("probe.background")
    assert await client.leave() == 0
    assert b"/home/person/secret.txt" in client.stderr
    assert b"broken in the background" in client.stderr


async def test_a_cancelled_command_really_stops(client):
    request = client.begin(
        "workspace/executeCommand", {"command": "probe.sleep", "arguments": [{"seconds": 60}]}
    )
    await client.command("probe.seen")
    client.notify("$/cancelRequest", {"id": request})
    assert (await refusal(client.answer(request))).code == -32800
    seen = await client.command("probe.seen")
    assert (seen["cancelled"], seen["finished"]) == (1, 0)
    client.notify("$/cancelRequest", {"id": 31415})
    client.notify("$/cancelRequest", {"id": request})
    assert await client.leave() == 0


async def test_a_request_that_is_cancelled_while_it_waits_is_never_started(client):
    block = client.begin(
        "workspace/executeCommand", {"command": "probe.block", "arguments": [{"seconds": 0.5}]}
    )
    await client.expect("probe/blocks")
    sleep = client.begin("workspace/executeCommand", {"command": "probe.sleep", "arguments": []})
    client.notify("$/cancelRequest", {"id": sleep})
    assert (await refusal(client.answer(sleep))).code == -32800
    await client.answer(block)
    seen = await client.command("probe.seen")
    assert (seen["cancelled"], seen["finished"]) == (0, 0)
    assert await client.leave() == 0


async def test_shutdown_with_requests_in_flight(client):
    requests = [
        client.begin("workspace/executeCommand", {"command": "probe.sleep", "arguments": [{"seconds": 60}]})
        for _ in range(3)
    ]
    await client.command("probe.seen")
    assert await client.request("shutdown") is None
    for request in requests:
        assert (await refusal(client.answer(request))).code == -32800
    assert (await refusal(client.request("probe/echo", 1))).code == -32600
    client.notify("exit")
    assert await client.exit_code() == 0
    client.check_silence()
    assert b"Error" not in client.stderr


async def test_nothing_is_kept_for_what_is_over(client):
    uri = "file:///tmp/leak.txt"
    client.notify(
        "textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "x", "version": 0, "text": "a"}}
    )
    for version in range(1, 501):
        changes = [
            {"range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}, "text": "b"}
        ]
        client.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": version}, "contentChanges": changes},
        )
    for _ in range(20):
        await client.request("probe/echo", 1)
    client.on("probe/question", lambda params: params)
    for _ in range(5):
        await client.command("probe.ask", method="probe/question")
    seen = await client.command("probe.seen")
    assert seen["futures"] <= 1, "only the request that looks"
    assert (seen["types"], seen["tokens"]) == (0, 0)
    assert await client.leave() == 0


async def test_a_change_of_an_unknown_document_is_no_popup(client):
    params = {"textDocument": {"uri": "file:///nowhere", "version": 2}, "contentChanges": [{"text": "x"}]}
    client.notify("textDocument/didChange", params)
    client.notify("textDocument/didClose", {"textDocument": {"uri": "file:///nowhere"}})
    assert await client.leave() == 0


async def test_questions_to_the_client_are_bounded_and_tolerant(client):
    released = asyncio.Event()

    async def slow(params):
        await released.wait()
        return "late"

    def refuse(params):
        raise Refused({"code": -32000, "message": "not in the mood"})

    client.on("probe/slow", slow)
    client.on("probe/refuse", refuse)
    client.on("probe/echo", lambda params: params)
    assert (await client.command("probe.ask", method="probe/echo"))["result"] == {"a-b": {"jsonrpc": 1}}
    assert (await client.command("probe.ask", method="probe/refuse"))["failure"] == "not in the mood"
    reply = await client.command("probe.ask", method="probe/slow", seconds=0.2)
    assert reply["failure"] == "The editor did not answer probe/slow in 0.2 seconds."
    cancelled = await client.expect("$/cancelRequest")
    assert cancelled["id"] == client.requests[-1]["id"]
    released.set()
    assert (await client.command("probe.seen"))["futures"] == 1
    assert await client.leave() == 0


async def test_a_method_the_client_does_not_know_is_asked_once(client):
    def unknown(params):
        raise Refused({"code": -32601, "message": "Method not found"})

    client.on("probe/unknown", unknown)
    for _ in range(3):
        reply = await client.command("probe.ask", method="probe/unknown")
        assert reply["failure"] == "The editor does not support probe/unknown."
    assert len(client.requests) == 1
    assert await client.leave() == 0


async def test_answers_to_questions_that_were_never_asked_are_ignored(client):
    sleep = client.begin(
        "workspace/executeCommand", {"command": "probe.sleep", "arguments": [{"seconds": 0.3}]}
    )
    client.send({"jsonrpc": "2.0", "id": sleep, "result": "forged"})
    client.send({"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "x"}})
    client.send({"jsonrpc": "2.0", "id": "wainwright:99", "error": {"nothing": "useful"}})
    assert (await client.answer(sleep))["maxCount"] == 1
    client.allowed.add("window/logMessage")
    assert await client.leave() == 0
