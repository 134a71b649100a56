"""Two folders in one window: each has its own runs, and what is asked for is done in the folder that is meant."""

import asyncio

import pytest
from client import Refused
from workplace import GOAL, ON_DISK, Workplace


@pytest.fixture(params=[False, True], ids=["alone", "host"])
async def two(workplace, tmp_path, start, request):
    """A person with two folders, and the second of them."""
    other = Workplace(tmp_path / "other", start)
    folders = [
        {"uri": f"file://{one.root}", "name": name} for one, name in ((workplace, "shop"), (other, "depot"))
    ]
    workplace.trusts(other.root)
    person = await workplace.sit_down(host=request.param, workspaceFolders=folders)
    person.editor.open(workplace.file, ON_DISK)
    person.editor.open(other.file, ON_DISK)
    return person, other


async def test_each_folder_has_runs_of_its_own_and_commands_find_theirs(two):
    person, other = two
    person.at.team.hold("Implementer")
    here = (await person.command("start", goal=GOAL))["run"]
    there = (await person.command("start", goal=GOAL, folder=f"file://{other.root}"))["run"]
    await person.is_asked("Is the plan", times=2)
    assert [one["run"] for one in await person.runs()] == [here, there]
    assert [one["run"] for one in (await person.command("runs", folder=f"file://{other.root}"))["runs"]] == [
        there
    ]
    assert {path.name for path in (other.root / ".wainwright" / "runs").iterdir()} == {there}
    # A gate is found in both folders, and the one of the other folder is decided from here.
    for path in (person.at.file, other.file):
        params = {
            "textDocument": {"uri": f"file://{path}"},
            "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}},
            "context": {"diagnostics": []},
        }
        found = await person.client.request("textDocument/codeAction", params)
        approve = {
            one["command"]["arguments"][0]["run"]: one for one in found if "Approve the plan" in one["title"]
        }
        assert set(approve) == {here, there}
        assert len({one["title"] for one in found}) == len(found)
    await asyncio.sleep(1.1)  # a gate is no sooner taken as meant
    assert (await person.take(approve[here]))["run"] == here
    assert (await person.command("approve", run=there))["run"] == there
    for run in (here, there):
        await person.command("cancel", run=run)
    with pytest.raises(Refused, match="no-such-run"):
        await person.command("cancel", run="no-such-run")
    person.client.allowed |= {"window/showMessage", "textDocument/publishDiagnostics"}
    assert await person.client.leave() == 0


async def test_a_folder_that_comes_later_is_open_too(workplace, tmp_path, start):
    other = Workplace(tmp_path / "other", start)
    workplace.trusts(other.root)
    person = await workplace.sit_down()
    await person.runs()
    added = [{"uri": f"file://{other.root}", "name": "depot"}]
    person.client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": added, "removed": []}})
    person.editor.open(other.file, ON_DISK)
    run = (await person.command("start", goal=GOAL, uri=f"file://{other.file}"))["run"]
    await person.is_asked("Is the plan")
    assert (other.root / ".wainwright" / "runs" / run).is_dir()
    assert not (workplace.root / ".wainwright" / "runs").exists()
    await person.command("cancel", run=run)
    person.client.allowed |= {"window/showMessage"}
    assert await person.client.leave() == 0
