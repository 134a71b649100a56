"""Progress that the server starts: with a token of its own, bounded in number, cancellable, and with a fall-back."""

import time


def kinds(client):
    return [note["value"]["kind"] for note in client.notifications.pop("$/progress")]


async def bar(start, profile, created):
    client = await start()
    await client.initialize(profile)
    client.on("window/workDoneProgress/create", created)
    return client


async def test_a_bar_has_a_beginning_few_reports_and_one_end(start):
    client = await bar(start, "vscode-10.1", lambda params: None)
    began = time.monotonic()
    assert await client.command("probe.progress", seconds=0.6, maxCount=200) == {"cancelled": False}
    lasted = time.monotonic() - began
    notes = list(client.notifications["$/progress"])
    token = client.requests[0]["params"]["token"]
    assert {note["token"] for note in notes} == {token}
    assert notes[0]["value"] == {
        "kind": "begin",
        "title": "Probe",
        "cancellable": True,
        "message": "go",
        "percentage": 0,
    }
    assert notes[-1]["value"] == {"kind": "end", "message": "over"}
    reports = notes[1:-1]
    assert 1 <= len(reports) <= 10 * lasted + 1
    assert all(note["value"]["kind"] == "report" for note in reports)
    assert (await client.command("probe.seen"))["tokens"] == 0
    client.allowed.add("$/progress")
    assert await client.leave() == 0


async def test_the_cancel_button_reaches_the_work(start):
    client = await bar(start, "neovim-0.12", lambda params: None)
    request = client.begin(
        "workspace/executeCommand",
        {"command": "probe.progress", "arguments": [{"seconds": 60, "maxCount": 2}]},
    )
    token = (await client.expect("$/progress"))["token"]
    client.notify("window/workDoneProgress/cancel", {"token": "some other token"})
    client.notify("window/workDoneProgress/cancel", {"token": token})
    assert await client.answer(request) == {"cancelled": True}
    assert kinds(client)[-1] == "end"
    client.notify("window/workDoneProgress/cancel", {"token": token})
    assert await client.leave() == 0


async def test_the_token_of_the_client_needs_no_creation(start):
    client = await start()
    await client.initialize()
    params = {"command": "probe.progress", "arguments": [{}], "workDoneToken": 7}
    assert await client.request("workspace/executeCommand", params) == {"cancelled": False}
    assert kinds(client) == ["begin", "end"]
    assert await client.leave() == 0


async def test_without_support_progress_is_logged(client):
    assert await client.command("probe.progress") == {"cancelled": False}
    messages = [note["message"] for note in client.notifications.pop("window/logMessage")]
    assert messages == ["Probe: go", "Probe: over"]
    assert await client.leave() == 0
