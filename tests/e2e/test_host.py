"""The host: windows of one workspace share an engine, and none of them is needed for a run to go on."""

from editors import Neovim, VsCode
from workplace import ADDED, GOAL, ON_DISK

from wainwright.host.door import KIND
from wainwright.sockets import opened


def hosts_of(workplace) -> list[int]:
    """The processes that listen for fronts."""
    with opened(workplace.base / "state" / "wainwright" / "fronts") as folder:
        return folder.listeners(KIND, 10)


async def test_two_windows_see_one_run_and_either_decides(workplace):
    first = await workplace.sit_down(VsCode, "--autonomy", "suggest", "--host")
    second = await workplace.sit_down(Neovim, "--autonomy", "suggest", "--host")
    first.editor.open(workplace.file, ON_DISK)
    await second.runs()
    run = (await first.command("start", goal=GOAL))["run"]
    await second.sees_progress("PLANNING")
    await first.is_asked("Is the plan")
    await second.is_asked("Is the plan")
    assert [seen["run"] for seen in await second.runs()] == [run]
    assert len(hosts_of(workplace)) == 1
    await second.take(await second.action("Approve: Is the plan"))
    await first.is_asked("Take the change over?")
    await first.take(await first.action("Approve: Take the change over?"))
    await second.is_asked("Start the service")
    await second.command("approve")
    for person in (first, second):
        await person.reads("DONE")
    assert first.editor.text(workplace.file) == ON_DISK + ADDED, "the one that took it over"
    for person in (first, second):
        assert await person.client.leave() == 0
