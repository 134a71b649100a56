"""The host: windows of one workspace share an engine, and none of them is needed for a run to go on."""

import asyncio
import os
import signal

from editors import Neovim, VsCode
from workplace import ADDED, GOAL, ON_DISK, UNSAVED, completed

from wainwright.host.door import KIND
from wainwright.sockets import opened

REFRESH = "workspace/codeLens/refresh"


def hosts_of(workplace) -> list[int]:
    """The processes that listen for fronts."""
    with opened(workplace.base / "state" / "wainwright" / "fronts") as folder:
        return folder.listeners(KIND, 10)


def lenses_asked_for(person) -> int:
    """How often a window was told to ask for its lenses again."""
    return len([one for one in person.client.requests if one["method"] == REFRESH])


async def test_two_windows_see_one_run_and_either_decides(workplace):
    first = await workplace.sit_down(VsCode, "--autonomy", "suggest", host=True)
    second = await workplace.sit_down(Neovim, "--autonomy", "suggest", host=True)
    workplace.team.hold("Implementer")
    first.editor.open(workplace.file, ON_DISK)
    await second.runs()
    run = (await first.command("start", goal=GOAL))["run"]
    await second.sees_progress("PLANNING")
    await first.is_asked("Is the plan")
    await second.is_asked("Is the plan")
    assert [seen["run"] for seen in await second.runs()] == [run]
    assert len(hosts_of(workplace)) == 1
    await second.take(await second.action("Approve the plan: Is the plan"))
    for person in (first, second):
        await person.sees_progress("BUILD")
    workplace.team.release("Implementer")
    for person in (first, second):
        await person.is_asked("Take the change over?")
    refreshed = lenses_asked_for(first)
    await second.command("hunk", run=run, decision="reject", hunks=[1], reason="Not so.")
    await first.client.until(
        lambda: lenses_asked_for(first) > refreshed, "lenses that tell what was said in the other window"
    )
    titles = [one["command"]["title"] for one in await first.lenses(f".wainwright/runs/{run}/change.diff")]
    assert "rejected: Not so." in titles
    assert await second.reads("Hunk 1 is left out")
    await second.command("hunk", run=run, decision="accept", hunks=[1])
    assert await second.reads("Hunk 1 is taken over")
    await second.command("approve", run=run)
    for person in (first, second):
        await person.is_asked("Start the service")
    await first.command("reject", reason="not today")
    for person in (first, second):
        await person.reads("DONE")
    assert [seen["editor"] for seen in await first.runs()] == ["applied"]
    refreshed = lenses_asked_for(first)
    await second.command("revert", run=run)
    await second.reads("was taken back")
    await first.client.until(
        lambda: lenses_asked_for(first) > refreshed,
        "lenses that tell what was taken back in the other window",
    )
    for person in (first, second):
        assert [seen["editor"] for seen in await person.runs()] == ["absent"]
        assert await person.action(f"Apply the change of {run}", f".wainwright/runs/{run}/run.md")
        assert await person.client.leave() == 0


async def test_a_killed_host_is_followed_by_another_that_goes_on(workplace):
    person = await workplace.sit_down(VsCode, "--autonomy", "full-auto", host=True)
    person.editor.open(workplace.file, ON_DISK)
    workplace.team.hold("Implementer")
    run = (await person.command("start", goal=GOAL))["run"]
    token = await person.sees_progress("BUILD")
    assert await asyncio.to_thread(workplace.team.asked.wait, 60)
    person.editor.change(workplace.uri("calc/__init__.py"), UNSAVED)
    (host,) = hosts_of(workplace)
    os.kill(host, signal.SIGKILL)
    workplace.team.lose("Implementer")
    async with asyncio.timeout(30):
        while not any(entry["status"] == 500 for entry in workplace.model.entries):
            await asyncio.sleep(0.01)
    workplace.team.closed = False

    assert "nothing is lost" in await person.reads("host has ended")
    await person.reads("DONE")
    assert hosts_of(workplace) != [host]
    assert [seen["run"] for seen in await person.runs()] == [run]
    assert not person.asked("was interrupted"), "what was under way goes on by itself"
    ends = [n["token"] for n in person.client.notifications["$/progress"] if n["value"]["kind"] == "end"]
    assert token in ends
    calls = completed(workplace.model)
    assert len(calls) == len(set(calls)), "no answered call is made again"
    assert person.editor.text(workplace.file) == UNSAVED + ADDED, "what was typed was told again"
    assert await person.client.leave() == 0


async def test_a_killed_front_costs_nothing(workplace):
    person = await workplace.sit_down(VsCode, "--autonomy", "full-auto", host=True)
    workplace.team.hold("Implementer")
    run = (await person.command("start", goal=GOAL))["run"]
    await person.sees_progress("BUILD")
    assert await asyncio.to_thread(workplace.team.asked.wait, 60)
    (host,) = hosts_of(workplace)
    await person.vanish()

    person = await workplace.sit_down(Neovim, "--autonomy", "full-auto", host=True)
    await person.sees_progress("BUILD")
    assert hosts_of(workplace) == [host]
    assert (await person.command("cancel"))["run"] == run
    await person.reads("CANCELLED")
    workplace.team.lose("Implementer")
    assert (await person.command("task", run=run, task="subtract", way="again"))["stage"] == "CANCELLED"
    assert "*Resume* does it" in await person.reads("Noted.")
    assert not person.asked("was interrupted")
    assert await person.client.leave() == 0
